"""The comparison with the public code: what it says of wrong numbers, and the saved result.

The public code itself is run where PUBLISHED_CODE and PUBLISHED_LIBRARY name a checkout of it and a
folder with the library that it needs; elsewhere that test is skipped.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr

import plateaus as pl
from plateaus.bench.published_code import MODES, Answer, Code, theirs
from plateaus.bench.published_code import agreement as comparison
from plateaus.book import beside, studies
from plateaus.errors import BadParameter

STEPS = 7
WORDS = [("w11 w12 w13", "w21", "w22"), ("w11 w12 w13", "w21", "w23")]


@pytest.fixture(scope="module")
def folder(save_tiny, tmp_path_factory):
    return save_tiny("gpt2", tmp_path_factory.mktemp("gpt2"), scale=0.2)


def test_differences_are_of_the_largest_number_and_know_another_pair():
    curves = np.array([[[0.0, 1.0, 2.0]], [[0.0, 3.0, 4.0]]])
    same = comparison.differences(curves, curves)
    assert same["pointwise"] == same["of_curve"] == 0 and same["numbers"] == 6
    assert same["other_pair"] == 1.0  # (3 - 1) / 2
    moved = comparison.differences(curves + [0, 0.1, 0], curves)
    assert moved["pointwise"] == pytest.approx(0.1)
    assert moved["of_curve"] == pytest.approx(0.05)


def test_every_quantity_of_ours_is_of_the_shape_of_theirs(folder):
    """Without the public code: an answer with as many curves and points as it would give."""
    lm = pl.load(folder, device="cpu", dtype=torch.float64)
    layers, arrays = len(lm), {}
    for n in range(len(WORDS)):
        arrays |= {f"{n}/ids/{i}": np.array([11, 12, 13, 21 + i * (1 + n)]) for i in (0, 1)}
        for mode in MODES:
            for patch in range(layers):
                for read in (*range(patch, layers), "logits"):
                    arrays[f"{n}/rho/{mode}/{patch}/{read}"] = np.ones(STEPS)
        for layer in range(layers):
            arrays |= {f"{n}/{k}/{layer}": np.ones(STEPS - 1) for k in ("density", "step_size")}
            norms = ("attention", "mlp", "block")
            arrays |= {f"{n}/norm/{k}/{layer}": np.ones(STEPS) for k in norms}
    answer = Answer(arrays=arrays, about={})
    published = comparison.of_answer(answer, len(WORDS), layers)
    for ours in comparison.ours_of(lm, answer.pairs(WORDS), STEPS).values():
        for quantity, curves in ours.items():
            assert comparison._like(published[quantity], curves).shape == curves.shape, quantity


def test_a_wrong_place_is_refused(tmp_path):
    with pytest.raises(BadParameter, match="scripts/utils.py"):
        Code(checkout=tmp_path, library=tmp_path)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "utils.py").touch()
    with pytest.raises(BadParameter, match="TransformerLens 2"):
        Code(checkout=tmp_path, library=tmp_path)


def test_assertions_are_left_out_where_they_fail_and_nothing_else(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def f(x):\n    assert x < 1, 'too large'\n    return 2 * x\n")
    copy = theirs.without_assertions(SimpleNamespace(__name__="script", __file__=str(script)))
    assert copy.f(3) == 6


def test_the_saved_result_agrees_and_says_what_faults_change():
    kept = studies.load("published-code")
    largest = xr.concat([kept.pointwise, kept.of_curve, kept.of_curve_32], "kind")
    assert (largest < 1e-4).all() and (kept.other_pair > 1e-2).all()
    assert kept.sizes["row"] >= 10 and (kept.numbers >= 100).all()
    asked = ("relative distance", "spline density", "norm of Jacobian, mlp")
    assert set(asked) <= set(kept.quantity.values.tolist())
    apart = abs(kept.public - kept.ours) > 1e-3
    assert int((apart | kept.ours.isnull()).sum()) >= 8
    assert (kept.difference < 1e-4).all()  # what was timed is the same on both sides
    assert (beside.ratios(kept).sel(by="processor", whole="with all Jacobians") > 1).all()
    assert len(beside.time(kept).splitlines()) == 4 + kept.sizes["part"] + kept.sizes["whole"]


@pytest.mark.skipif(
    not {"PUBLISHED_CODE", "PUBLISHED_LIBRARY"} <= set(os.environ),
    reason="no checkout of the public code and its library is named",
)
def test_the_public_code_gives_the_same_numbers(folder):
    names = [Path(os.environ[name]) for name in ("PUBLISHED_CODE", "PUBLISHED_LIBRARY")]
    code = Code(checkout=names[0], library=names[1])
    asked = {"steps": STEPS, "jacobians": range(STEPS)}
    answers = {d: code.ask(folder, WORDS, dtype=d, **asked) for d in ("float64", "float32")}
    found = comparison.agreement(answers, Path(folder), WORDS)
    assert (found.pointwise < 1e-4).all() and (found.other_pair > 1e-3).all()
