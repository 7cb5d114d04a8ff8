"""Tables of the Penn Machine Learning Benchmarks (Romano et al. 2022): ``read("mushroom", cache)``.

A table lies in the cache as ``<name>/<name>.tsv.gz``, tab-separated, with a column ``target``. What
is not there is fetched by the package ``pmlb``, which keeps its copies in the same way.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from plateaus.errors import BadTable, first_line

CODES = 12
"""A column of whole numbers with at most so many different ones, none of them between 0 and 1 only,
is read as codes without an order, and split into one column for each."""
TARGET = "target"


def read(name: str, cache: str | Path) -> pd.DataFrame:
    """The table as it stands, after a check that something can be learnt from it.

    Raises:
        BadTable: not there and not to be fetched, no target, gaps, text, or a constant target.
    """
    file = Path(cache).expanduser() / name / f"{name}.tsv.gz"
    if not file.is_file():
        return checked(name, _fetched(name, cache))
    try:
        table = pd.read_csv(file, sep="\t")
    except (OSError, EOFError, ValueError) as error:
        raise BadTable(
            f"The table {name} could not be read ({first_line(error)}): give a "
            "tab-separated file with a header, or remove it from the cache to fetch it again."
        ) from None
    return checked(name, table)


def names(cache: str | Path) -> list[str]:
    """The tables that lie in the folder."""
    found = sorted(Path(cache).expanduser().glob("*/*.tsv.gz"))
    return [file.parent.name for file in found if file.name == f"{file.parent.name}.tsv.gz"]


def checked(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table, if a network can be trained on it.

    Raises:
        BadTable: see ``read``; the sentence names the column.
    """
    if TARGET not in table or table.shape[1] < 2 or len(table) < 8:
        raise BadTable(
            f"The table {name} has {len(table)} rows and the columns "
            f"{', '.join(map(str, table.columns[:8]))}: it needs 8 rows or more, one column "
            f"named {TARGET} and at least one other."
        )
    for column in table:
        values = table[column]
        if not pd.api.types.is_numeric_dtype(values):
            raise BadTable(
                f"Column {column} of the table {name} holds text, such as {values.iloc[0]!r}: "
                "give numbers, or codes in their place."
            )
        gaps = int((~np.isfinite(values.astype(float))).sum())
        if gaps:
            raise BadTable(
                f"Column {column} of the table {name} has {gaps} missing or infinite values of "
                f"{len(table)}: fill them in or drop these rows first."
            )
    if table[TARGET].nunique() < 2:
        raise BadTable(
            f"The target of the table {name} is {table[TARGET].iloc[0]!r} in every row, so that "
            "there is nothing to learn: give a table whose target varies."
        )
    return table


def numbers(table: pd.DataFrame) -> np.ndarray:
    """The columns but the target as float64 ``(rows, inputs)``: codes become one column each."""
    columns = [np.zeros((len(table), 0))]  # a column that is constant says nothing
    for name in table.columns.drop(TARGET):
        values = table[name].to_numpy(dtype=float)
        codes = np.unique(values)
        if 2 < len(codes) <= CODES and (codes == np.round(codes)).all():
            columns.append(values[:, None] == codes)
        elif len(codes) > 1:
            columns.append(values[:, None])
    return np.concatenate(columns, axis=1).astype(float)


def _fetched(name: str, cache: str | Path) -> pd.DataFrame:
    try:
        from pmlb import fetch_data
    except ImportError:
        raise BadTable(
            f"The table {name} is not in {Path(cache).name} and the package pmlb is not installed: "
            f"install pmlb, or give a folder that holds {name}/{name}.tsv.gz."
        ) from None
    try:
        return fetch_data(name, local_cache_dir=str(cache))
    except Exception as error:  # whatever the network or the package says
        raise BadTable(
            f"The table {name} could not be fetched ({first_line(error)}): check the name "
            "and the connection, or give a folder that holds it."
        ) from None
