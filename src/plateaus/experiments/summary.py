"""Interpolation results of several models and conditions, side by side: tables, one data set,
sentences.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from plateaus.experiments.readouts import read, through_blocks
from plateaus.experiments.sharpness import maximum_slope, width

Results = Mapping[str, xr.Dataset]
"""One result for each model, by the model's short name."""
READ = ("stream", "normed", "logits", "probabilities")


def block_slopes(result: xr.Dataset) -> list[float]:
    """Median over pairs of the maximum slope of d(alpha)/d(1), where the stream leaves each block
    after the patch.
    """
    return [float(s) for s in maximum_slope(through_blocks(result.distance)).median("pair")]


def metrics(results: Results) -> pd.DataFrame:
    """Median maximum slope of the same runs under every distance (columns) and read-out (rows)."""
    rows = {}
    for model, result in results.items():
        for name in READ:
            at = read(result, name)
            rows[model, name] = {
                "d(α)/d(1)": _slope(at.distance),
                "ρ": _slope(at.relative_distance),
            }
        for name, curve in {"KL / KL(1)": result.kl, "√JSD / √JSD(1)": result.root_jsd}.items():
            rows[model, "logits"][name] = _slope(curve / curve.isel(alpha=-1))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["model", "read from"])


def together(**conditions: Results) -> xr.Dataset:
    """All results as one data set with dims ``condition, model``; read-outs that a model lacks are
    NaN.
    """
    models = {name: _side_by_side("model", each) for name, each in conditions.items()}
    return _side_by_side("condition", models).reset_index("readout").astype("float32")


def _side_by_side(dim: str, results: Mapping[str, xr.Dataset]) -> xr.Dataset:
    return xr.concat(
        [_aligned(result) for result in results.values()],
        pd.Index(list(results), name=dim),
        join="outer",
        combine_attrs="drop_conflicts",
    )


def _aligned(result: xr.Dataset) -> xr.Dataset:
    """Pairs numbered and read-outs named: results of several models can be laid together."""
    if "readout" in result.indexes:
        return result
    numbered = result.assign_coords(pair=np.arange(result.sizes["pair"]))
    return numbered.set_index(readout=("block_out", "reading"))


def in_words(
    trained: Results, step_0: Results, whole: Results, frozen: Mapping[str, Results]
) -> str:
    """The chapter's numbers as sentences (Markdown), one paragraph for each model."""
    paragraphs = []
    for model in trained:
        slope, before = (_slope(read(r[model].distance)) for r in (trained, step_0))
        blocks = block_slopes(trained[model])
        narrow = {
            k: float(width(read(r.relative_distance)).median("pair"))
            for k, r in {"whole": whole[model], **frozen[model]}.items()
        }
        grows = sum(b > a for a, b in zip(blocks, blocks[1:], strict=False))
        paragraphs.append(
            f"**{model}.** The median maximum slope of $d(\\alpha)/d(1)$ is {before:.2f} at step 0 "
            f"and {slope:.2f} after training; read block by block it grows at {grows} of "
            f"{len(blocks) - 1} steps, from {blocks[0]:.2f} to {blocks[-1]:.2f}. With a shared "
            f"context the median width of ρ is {narrow['whole']:.2f} (0.8 would be straight), "
            f"{narrow['MLPs frozen']:.2f} with the MLPs frozen and "
            f"{narrow['attention frozen']:.2f} with attention frozen."
        )
    return "\n\n".join(paragraphs)


def _slope(curve: xr.DataArray) -> float:
    return float(maximum_slope(curve).median("pair", skipna=True))
