"""Curves, steps, densities and Jacobian norms of the public code beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from plateaus.bench.published_code import MODES, Answer, Words
from plateaus.data.pairs import Pairs
from plateaus.experiments import Ends, interpolate
from plateaus.experiments.one_pair import one_pair
from plateaus.experiments.passage import passage
from plateaus.geometry import paths
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.load import load

Curves = Mapping[str, np.ndarray]
"""By quantity, ``(pair, curve, point)``."""
OF_MODE = dict(zip(MODES, ("", ", attention frozen", ", MLPs frozen"), strict=True))
RHO, LOGITS, NORM = "relative distance", "relative distance of logits", "norm of Jacobian, {}"
STEPS, DENSITY = "step size", "spline density"
WHOLE, SINGLE, PATH = "one_pair", "interpolate", "passage"
"""Our functions: all in one pass, and those that the chapters call."""


def agreement(answers: Mapping[str, Answer], model: Path, words: Sequence[Words]) -> xr.Dataset:
    """Largest differences of each quantity on the same weights.

    Args:
        answers: what the public code says in "float64" and in "float32", with all Jacobians.

    Returns:
        Dim ``row``, coordinates ``quantity`` and ``function``, ours: ``pointwise``, the largest
        |ours - theirs| / |theirs| of all numbers in float64; ``of_curve`` and ``of_curve_32``, over
        the largest number of the same curve, in float64 and float32; ``other_pair``, the same
        where theirs is of another pair, the control; ``numbers``, how many are compared. And
        ``checks_failed``: how many of its own checks of its Jacobians fail in float32; and
        ``directions_trained``, the fewest and the most that slopes of an MLP span (`one_pair`).
    """
    found = {dtype: _compared(answers[dtype], model, words, dtype) for dtype in answers}
    exact, single = found["float64"], found["float32"]
    failed = sum(answers["float32"].about["failed"].values())
    lm, pairs = load(str(model), device="cpu"), answers["float32"].pairs(words)
    spanned = one_pair(lm, pairs, steps=len(answers["float32"]["0/chain"])).directions
    exact["directions_trained"] = "ends", [int(spanned.min()), int(spanned.max())]
    return exact.assign(of_curve_32=single.of_curve, checks_failed=failed)


def _compared(answer: Answer, model: Path, words: Sequence[Words], dtype: str) -> xr.Dataset:
    lm, pairs = load(str(model), device="cpu", dtype=getattr(torch, dtype)), answer.pairs(words)
    theirs, rows = of_answer(answer, len(words), len(lm)), []
    for function, ours in ours_of(lm, pairs, len(answer["0/chain"])).items():
        for quantity, curves in ours.items():
            found = differences(curves, _like(theirs[quantity], curves))
            rows.append(xr.Dataset(found, coords={"quantity": quantity, "function": function}))
    return xr.concat(rows, "row")


def differences(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float | int]:
    """See ``agreement``; both ``(pair, curve, point)``."""
    apart, size = np.abs(ours - theirs), np.abs(theirs)
    largest = size.max(-1, keepdims=True)
    other = np.abs(ours - theirs[::-1]) / largest
    return {
        "pointwise": float((apart[size > 0] / size[size > 0]).max()),
        "of_curve": float((apart / largest).max()),
        "other_pair": float(other.max()),
        "numbers": int(apart.size),
    }


def of_answer(answer: Answer, pairs: int, layers: int) -> dict[str, np.ndarray]:
    """What the public code found. Its layer l is our block l; its patch at l enters block l + 1."""

    def stacked(name: str, places: Sequence[str]) -> np.ndarray:
        return np.array([[answer[f"{n}/{name}/{place}"] for place in places] for n in range(pairs)])

    later = range(1, layers)
    ways = [f"{patch}/{read}" for patch in range(layers - 1) for read in range(patch + 1, layers)]
    found = {RHO + said: stacked(f"rho/{mode}", ways) for mode, said in OF_MODE.items()}
    for mode, said in OF_MODE.items():
        found[LOGITS + said] = stacked(f"rho/{mode}", ["0/logits"])
    found |= {STEPS: stacked("step_size", later), DENSITY: stacked("density", later)}
    for of in ("attention", "mlp"):
        found[NORM.format(of)] = stacked(f"norm/{of}", later)
    # "block" k is their Jacobian from the output of layer k to that of layer k + 1.
    found[NORM.format("block")] = stacked("norm/block", range(1, layers - 1))
    return found


def ours_of(lm: LanguageModel, pairs: Pairs, steps: int) -> dict[str, Curves]:
    """The same of our functions, by their names; block 1 is the first patched one."""
    whole, depth = one_pair(lm, pairs, steps=steps), len(lm)
    ways = [(i, k) for i in range(1, depth) for k in range(i, depth)]
    found: dict[str, dict[str, np.ndarray]] = {WHOLE: {}, SINGLE: {}, PATH: {}}
    ends, way = Ends.of_prompts(lm, pairs), {"steps": steps, "path": paths.slerp}
    for mode, said in OF_MODE.items():
        rho = whole.rho.sel(frozen=mode)
        curves = [rho.sel(block_in=i, block_out=k).values for i, k in ways]
        found[WHOLE][RHO + said] = np.stack(curves, axis=1)
        found[WHOLE][LOGITS + said] = whole.rho_logits.sel(frozen=mode).values[:, None]
        one = interpolate(ends, **way, frozen=() if mode == "none" else mode).relative_distance
        streams = one.isel(readout=(one.reading == "stream").values)
        logits = one.isel(readout=(one.reading == "logits").values)
        found[SINGLE] |= {RHO + said: streams.values, LOGITS + said: logits.values}
    found[WHOLE] |= {STEPS: whole.step_size.values, DENSITY: whole.density.values}
    for of in ("attention", "mlp"):
        found[WHOLE][NORM.format(of)] = whole.norm.sel(of=of).values
    found[WHOLE][NORM.format("block")] = whole.norm.sel(of="block").values[:, 1:]
    along = passage(ends, **way)
    found[PATH][NORM.format("mlp")] = along.mlp_norm.values
    found[PATH][DENSITY] = (along.switched / along.length).transpose("pair", "block", "step").values
    return found


def _like(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Theirs of as many curves: with one patch, ours are the first ones."""
    return theirs[:, : ours.shape[1]]
