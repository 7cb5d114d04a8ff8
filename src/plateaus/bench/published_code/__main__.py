"""``python -m plateaus.bench.published_code CHECKOUT --library FOLDER``: compare and save."""

from __future__ import annotations

import argparse
from pathlib import Path

import xarray as xr

from plateaus import results
from plateaus.bench.published_code import Code, Words
from plateaus.bench.published_code.agreement import agreement
from plateaus.bench.published_code.faults import faults
from plateaus.bench.published_code.speed import speed
from plateaus.book import beside
from plateaus.book.places import repository
from plateaus.book.provenance import source_digest, versions

FILE = "book/results/published-code.nc"
COMMAND = "python -m plateaus.bench.published_code CHECKOUT --library FOLDER"
MODEL = "prose-12l"
WORDS: list[Words] = [("The house was", "big", "in"), ("The house was", "big", "large")]
"""The two published pairs."""
STEPS, DTYPES = 50, ("float64", "float32")
LONG: Words = ("The house was", "big", "abandoned")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("checkout", type=Path, help="of the public repository")
    given.add_argument("--library", type=Path, required=True, help="folder with TransformerLens 2")
    given.add_argument("--model", type=Path, help=f"folder of a GPT-2 (default: {MODEL})")
    given.add_argument("--threads", type=int, default=1, help="of both, for the times")
    given.add_argument("--repeats", type=int, default=3, help="of the times; 0 takes none")
    given.add_argument("--out", type=Path, help=f"netCDF file (default: {FILE})")
    a = given.parse_args()
    code = Code(checkout=a.checkout, library=a.library)
    model = a.model or repository() / "book" / "models" / MODEL
    asked = {"steps": STEPS, "jacobians": range(STEPS)}
    answers = {dtype: code.ask(model, WORDS, dtype=dtype, **asked) for dtype in DTYPES}
    found = agreement(answers, model, WORDS)
    found = found.merge(faults(code, model, WORDS, long=LONG, plain=answers["float64"]))
    found = found.assign_attrs(model=model.name, commit=code.commit, steps=STEPS)
    _save(found, a.out)
    if a.repeats:
        times = speed(code, steps=STEPS, repeats=a.repeats, threads=a.threads)
        _save(found.merge(times).assign_attrs(found.attrs | times.attrs), a.out)


def _save(found: xr.Dataset, out: Path | None) -> None:
    facts = {"command": COMMAND, "source": source_digest(), "versions": versions()}
    path = results.save(found, out or repository() / FILE, **facts)
    print("\n\n".join(beside.sections(results.load(path))))


if __name__ == "__main__":
    main()
