"""What measures, results and claims are given by mistake: each is refused in one sentence, and
nothing is written outside the chapter's own folder.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

import plateaus as pl
from plateaus.data.image_files import load_images
from plateaus.errors import PlateauError
from plateaus.geometry.exact import exact
from plateaus.measures import curves, dynamics, statistics
from plateaus.networks.dictionary import Dictionary

NAN = math.nan
CURVE = torch.linspace(0, 1, 7)[None]
STATE = torch.zeros(2, 3)


def opened() -> pl.open_chapter:
    return pl.open_chapter(dict(model="m", device="cpu", seed=0, out="out"), "9-x/y")


def claim(**changes):
    given = {"metric": "slope_gain", "model": "m", "value": 1.0, "ci": (0, 2), "n": 300}
    return opened().claim("J4", **{**given, "control": [1.0], **changes})


def narrow() -> Dictionary:
    parts = {"W_enc": torch.zeros(6, 2), "b_enc": torch.zeros(2), "W_dec": torch.zeros(2, 6)}
    return Dictionary(**parts, b_dec=torch.zeros(6))


BAD = {
    **{
        f"{name} of {what}": partial(getattr(curves, name), y)
        for name in ("distance", "relative_distance", "projection", "arc_length", "kl", "root_jsd")
        for what, y in {
            "one axis": torch.zeros(3), "complex numbers": STATE + 1j, "text": "x", "None": None,
            "no steps": torch.zeros(0, 2),
        }.items()
    },
    "a level by name": lambda: curves.crossing(CURVE, "x"),
    "a level of NaN": lambda: curves.crossing(CURVE, NAN),
    "no level": lambda: curves.crossing(CURVE, None),
    "no curve": lambda: curves.crossing(torch.zeros(0), 0.5),
    "radius 0": lambda: curves.half_exit_index(CURVE, 0),
    "a negative radius": lambda: curves.half_exit_index(CURVE, -1),
    "a radius of NaN": lambda: curves.half_exit_index(CURVE, NAN),
    "a radius by name": lambda: curves.half_exit_index(CURVE, "x"),
    "a curve of one step": lambda: curves.half_exit_index(CURVE[:, :1], 0.5),
    "a share of none": lambda: statistics.share(np.array([])),
    "a share of numbers": lambda: statistics.share(np.array([0.2, 0.7])),
    "a share of NaN": lambda: statistics.share(np.array([NAN, 1.0])),
    "traces of nothing": lambda: dynamics.contraction([], []),
    "traces apart": lambda: dynamics.contraction([STATE], [STATE + 1, STATE + 1]),
    "traces that widen": lambda: dynamics.contraction([STATE, STATE[:, :2]], [STATE, STATE[:, :2]]),
    "the covariance of one": lambda: dynamics.matched(STATE[:1], 3, seed=0),
    "the covariance of none": lambda: dynamics.matched(STATE[:0], 3, seed=0),
    "the covariance of a point": lambda: dynamics.matched(STATE[0], 3, seed=0),
    "the covariance of NaN": lambda: dynamics.matched(STATE * NAN, 3, seed=0),
    "a height of None": lambda: pl.Height(None, torch.zeros(2)),
    "a plateau of text": lambda: pl.Plateau("net", torch.zeros(2), radius=1),
    "exact text": lambda: exact("net"),
    "no network to freeze": lambda: pl.interventions.freeze(None, "mlp", at=STATE),
    "a prompt for toys": lambda: pl.load("spiral", device="cpu").at("Anna heard the"),
    "images of text": lambda: pl.load("vision-digits", device="cpu").points([["a"]]),
    "images of nothing": lambda: pl.load("vision-digits", device="cpu").points(None),
    "no source of images": lambda: load_images(None, "x"),
    "activations of another width": lambda: narrow().encode(torch.zeros(3, 5)),
    "no result": lambda: pl.results.save(None, "out/x.nc"),
    "a mapping as attribute": lambda: pl.results.save(xr.Dataset(attrs={"a": {}}), "out/x.nc"),
    "objects": lambda: pl.results.save(xr.Dataset({"a": ("x", [object()])}), "out/x.nc"),
    "an object's origin": lambda: pl.results.save(xr.Dataset(), "out/x.nc", by=object()),
    "a zero byte in a name": lambda: pl.results.save(xr.Dataset(), "a\0b"),
    "no path": lambda: pl.results.load(None),
    "a broken origin": lambda: pl.results.provenance_of(xr.Dataset(attrs={"provenance": "{"})),
    "evidence of nothing": lambda: pl.evidence.slope_gain(xr.Dataset(), xr.Dataset()),
    "evidence of None": lambda: pl.evidence.slope_gain(None, None),
    "half exits of nothing": lambda: pl.evidence.half_exit(xr.Dataset(), xr.Dataset()),
    "a result elsewhere": lambda: opened().save(xr.Dataset(), "../../../precious/x"),
    "a claim by name": lambda: claim(value="much"),
    "many of them": lambda: claim(n="many"),
    "a control by name": lambda: claim(control=["x"]),
    "an interval of one end": lambda: claim(ci=(None, 2)),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_one_sentence_and_nothing_written_elsewhere(kind, tmp_path, monkeypatch):
    here = tmp_path / "here"
    (tmp_path / "precious").mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(PlateauError) as refused:
        BAD[kind]()
    said = str(refused.value)
    assert "\n" not in said and said.endswith(".") and 20 < len(said) < 500, said
    assert not [p for p in tmp_path.rglob("*") if p.is_file()] and not any(Path("..").glob("x*"))


def test_plain_arrays_are_taken():
    y = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert curves.normalised_distance(y).tolist() == [0, 0.5, 1]
    assert statistics.share(np.array([True, False])).value == 0.5


@pytest.mark.parametrize(
    ("value", "good"),
    [(["a", "b", "c"], True), (["a", "b"], False), (["a", "b", "b"], False), (list("abcd"), False)],
)
def test_exactly_so_many_different_ones(value, good):
    rule = pl.listing(pl.text(), exactly=3)
    if good:
        assert rule.check("words", value) == value
        return
    with pytest.raises(PlateauError, match="words must be a list of exactly 3 different ones"):
        rule.check("words", value)
