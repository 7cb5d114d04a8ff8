"""Evidence of all claims that ``experiments.flat_jump_flat`` was made for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
import xarray as xr

from plateaus.evidence import blocks, interpolation
from plateaus.evidence.criterion import Evidence
from plateaus.measures.statistics import Measured


def flat_jump_flat(
    found: Mapping[str, xr.Dataset], history: xr.Dataset | None = None
) -> Iterator[tuple[str, Evidence]]:
    """(claim, evidence) for every criterion of J1, J2, J4, J6, S1 and S4 that one model allows.

    Args:
        found: what ``experiments.flat_jump_flat`` gave.
        history: unrelated pairs through training, with a dim ``step``.
    """
    unrelated, unrelated_0 = found["unrelated"], found["unrelated_0"]
    different, different_0 = found["different"], found["different_0"]
    yield "J1", interpolation.dissimilar_slope(unrelated, unrelated_0)
    yield "J1", interpolation.flat_share(unrelated, unrelated_0)
    if "similar" in found:
        similar, similar_0 = found["similar"], found["similar_0"]
        yield "J1", interpolation.similar_slope(similar, different)
        yield "J1", interpolation.difference(different, similar, different_0, similar_0)
    yield "J2", interpolation.rms_difference(unrelated)
    yield "J2", interpolation.midpoints(unrelated, unrelated_0)
    yield "J4", interpolation.slope_gain(unrelated, unrelated_0)
    yield "J4", interpolation.rank_by_step(unrelated if history is None else history)
    late, late_0 = found["late"], found["late_0"]
    yield "J6", interpolation.slope_lost(unrelated, late, unrelated_0, late_0)
    yield "J6", interpolation.slope_left(late, late_0)
    yield "S1", blocks.width_lost(different, different_0)
    yield "S1", blocks.rank_by_block(different, different_0)
    yield "S4", blocks.mlp_frozen(different, found["mlp"], found["both"])
    yield "S4", blocks.attention_frozen(different, found["attention"])


def side_by_side(
    natural: Mapping[str, xr.Dataset], sampled: Mapping[str, xr.Dataset]
) -> pd.DataFrame:
    """Each number with its interval on natural text and on the model's own samples."""
    columns = {"natural text": natural, "own samples": sampled}
    found = {
        column: {
            f"{id} {e['metric']}": _as_sure(Measured(value=e["value"], ci=e["ci"], n=e["n"]))
            for id, e in flat_jump_flat(results)
            if e["value"] is not None
        }
        for column, results in columns.items()
    }
    return pd.DataFrame(found).fillna("")


def _as_sure(found: Measured) -> str:
    # A wide interval says nothing of the second decimal, which another processor may turn.
    wide = found.ci is not None and found.ci[1] - found.ci[0] > 0.25
    return f"{found:.1f}" if wide else f"{found:.2f}"
