"""What the chapter on certificates computes: shares, grids, pairs of a language model, and its
figures.
"""

from __future__ import annotations

from fractions import Fraction as F

import matplotlib
import numpy as np
import pytest
import torch
import xarray as xr

from plateaus.data import prompts
from plateaus.experiments import Ends, joins
from plateaus.figures import certificates as draw
from plateaus.figures import style
from plateaus.geometry.exact import ExactPlane, centres, landscape
from plateaus.measures import certificates, grids

matplotlib.use("Agg")
RADII = [F(3, 5), F(4, 5), F(1)]
FRAME = ((-2, -2), (2, 2))


@pytest.fixture(scope="module")
def plane() -> ExactPlane:
    return ExactPlane.of(landscape(), window=FRAME, anchor=centres()[0], metric="linf")


@pytest.fixture(scope="module")
def shares() -> xr.Dataset:
    return certificates.radii(count=6)


def test_shares_bracket_the_exact_radius(shares):
    assert (shares.share > 0).all() and (shares.share < 1).all() and (shares.rays >= 1).all()
    assert shares.sizes == {"case": 6, "bound": 4}


def test_depth_keeps_certificates_below_rays():
    deep = certificates.by_depth([1, 3])
    assert (deep.radius > 0).all() and (deep.radius.max("bound") <= deep.rays).all()


def test_directional_constants_are_exact(plane):
    """The steepest wells have slopes 6/5 along x and 5/4 along y."""
    assert grids.directional(plane) == (F(6, 5), F(5, 4))


@pytest.mark.parametrize("steps", [17, 24, 65])  # 24: the anchor is no node
def test_grids_decide_rightly(plane, steps):
    for r in RADII:
        field = grids.decided(plane, r, steps=steps)
        assert grids.wrong_decisions(field) == 0
    assert (field.verdict == grids.INSIDE).any() and (field.verdict == grids.OUTSIDE).any()


def test_a_grid_without_slack_is_caught(plane, monkeypatch):
    """The twin that takes node values for the truth puts nodes on the wrong side."""
    monkeypatch.setattr(grids, "directional", lambda plane: (0, 0))
    assert sum(grids.wrong_decisions(grids.decided(plane, r, steps=17)) for r in RADII) > 0


def test_contradictions_are_counted(plane):
    small, large = (grids.decided(plane, r, steps=65) for r in (F(3, 5), F(1)))
    assert grids.contradictions(small, large) == 0
    assert grids.contradictions(large, small) > 0  # the radii in the wrong order


def segments(end, straight) -> xr.Dataset:
    reading = list(joins.READINGS)
    return xr.Dataset(
        {
            "end": (("pair", "reading"), [[e] * 3 for e in end]),
            "straight": (("pair", "reading"), [[s] * 3 for s in straight]),
        },
        {"reading": reading},
    )


def test_clear_is_relative_and_for_kl_absolute_too():
    found = joins.clear(segments([1.0, 1.0, 0.1], [1.04, 1.06, 0.12]))
    assert found.sel(reading="stream").values.tolist() == [False, True, True]
    assert found.sel(reading="predictions").values.tolist() == [False, True, False]


def test_highest_sorts_by_excess():
    table = segments([1.0, 1.0, 1.0], [1.5, 3.0, 1.0]).assign(number=("pair", [0, 1, 2]))
    assert joins.highest(table, 5).number.values.tolist() == [1, 0]


def test_joined_needs_half_of_the_barrier():
    table = xr.Dataset(
        {
            "end": ("pair", [1.0, 1.0]),
            "straight": ("pair", [2.0, 2.0]),
            "found": ("pair", [1.4, 1.6]),
        }
    )
    assert joins.joined(table).values.tolist() == [True, False]


@pytest.fixture(scope="module")
def searched(gpt2_lm) -> xr.Dataset:
    contexts = prompts.unrelated(gpt2_lm, 2, tokens=6, seed=0).a[:, :-1]
    ends = Ends.of_prompts(gpt2_lm, joins.close_words(gpt2_lm, contexts, words=12, nearest=2))
    table = joins.straight(ends, steps=5)
    assert table.sizes == {"pair": 48, "reading": 3}
    found = joins.join(ends, table.isel(pair=[23, 2, 22]), steps=4, nodes=5, dense=4)
    assert found.label.values.tolist() == [ends.labels[i] for i in (23, 2, 22)]
    return found


def test_close_words_are_the_nearest_in_prediction(gpt2_lm):
    (context,) = prompts.unrelated(gpt2_lm, 1, tokens=6, seed=0).a[:, :-1]
    pairs = joins.close_words(gpt2_lm, context[None], words=12, nearest=1, seed=3)
    ids = pairs.a[:, -1]
    assert len(ids.unique()) == 12 and (pairs.a[:, :-1] == context).all()
    logits = gpt2_lm.clean_run(pairs.a)[1]
    log_p = logits.double().log_softmax(-1)
    kl = (log_p.exp()[:, None] * (log_p[:, None] - log_p)).sum(-1).fill_diagonal_(torch.inf)
    assert torch.equal(
        ids[kl.argmin(1)], pairs.b[:, -1]
    )  # the farthest, or the first, would not do
    other = joins.close_words(gpt2_lm, context[None], words=12, nearest=1, seed=4)
    assert not torch.equal(other.a, pairs.a)


def test_paths_never_end_below_their_end(searched):
    """The negative control: no path stays below h_a(b), nor is the search worse than the
    segment.
    """
    assert (searched.found >= searched.end).all() and (searched.found <= searched.straight).all()
    assert searched.attrs["samples"] == 17 and searched.sizes == {"pair": 3, "t": 17}


def test_profiles_belong_to_the_paths(searched):
    """Both profiles begin at a, where h_a = 0, and end at b."""
    for name in ("height_straight", "height_found"):
        assert np.allclose(searched[name].isel(t=0), 0, atol=1e-6)
        assert np.allclose(searched[name].isel(t=-1), searched.end, rtol=1e-3, atol=1e-6)


def test_segments_between_prompts(gpt2_lm):
    pairs = prompts.unrelated(gpt2_lm, 4, tokens=6, seed=0)
    found = joins.straight(Ends.of_prompts(gpt2_lm, pairs), steps=5)
    assert (found.straight >= found.end).all() and found.sizes == {"pair": 4, "reading": 3}


def test_figures_draw_data(shares, plane, searched):
    fig, axes = style.subplots(2, 3)
    draw.shares(shares, axes[0, 0])
    draw.depth(certificates.by_depth([1, 2]), axes[0, 1])
    draw.verdicts(grids.decided(plane, F(1), steps=9), axes[0, 2])
    table = xr.Dataset(
        {k: ("network", [v]) for k, v in (("straight", 2.0), ("certified", 1.0), ("known", 1.0))},
        {"network": ["bump"]},
    )
    draw.power(table, axes[1, 0])
    draw.profile(searched.isel(pair=0), axes[1, 1])
    draw.excess(searched, axes[1, 2])
    for ax in axes.flat:
        assert ax.get_xlabel() or ax is axes[0, 0]
        assert ax.get_ylabel() or ax is axes[1, 0]
    fig.canvas.draw()


def test_the_band_is_kept_where_the_anchor_is_no_node(plane):
    """a lies between nodes; the way to its node is bounded too, and a tie is undecided."""
    off = ExactPlane.of(landscape(), window=FRAME, anchor=(F(1, 10), F(1, 10)), metric="linf")
    s, t = grids.directional(off)
    step = F(4, 16)  # 17 nodes on [-2, 2]: the nearest is the origin
    at_node = off.height((0, 0))
    far, edge = (float(at_node + step * (x / 2)) for x in (s + t, max(s, t)))
    for r, verdict in ((far + 1e-6, 1), ((far + edge) / 2, 0)):
        assert grids.decided(off, r, steps=17).verdict.sel(s=0, t=0) == verdict
    on = ExactPlane.of(landscape(), window=FRAME, anchor=(0, 0), metric="linf")
    tie = float(step * max(grids.directional(on)) / 2)
    assert grids.decided(on, tie, steps=17).verdict.sel(s=0, t=0) == 0


def test_equal_activations_are_no_neighbours(gpt2_lm):
    (context,) = prompts.unrelated(gpt2_lm, 1, tokens=6, seed=0).a[:, :-1]
    near = joins._nearest(gpt2_lm.at(context), torch.tensor([5, 5, 9]), 1, 1)
    assert near.flatten().tolist()[:2] == [2, 2]


def test_the_shell_reaches_from_the_shortest_end_to_the_longest(gpt2_lm, monkeypatch):
    shells, search = [], joins.search
    monkeypatch.setattr(
        joins, "search", lambda *args, **k: (shells.append(k["shell"]), search(*args, **k))[1]
    )
    contexts = prompts.unrelated(gpt2_lm, 1, tokens=6, seed=0).a[:, :-1]
    ends = Ends.of_prompts(gpt2_lm, joins.close_words(gpt2_lm, contexts, words=6, nearest=1))
    table = joins.straight(ends, steps=3).isel(pair=[0, 1])
    found = joins.join(ends, table, steps=1, restarts=1, nodes=3, dense=2)
    norms = [*found.norm_a.values, *found.norm_b.values]
    assert shells == [pytest.approx((min(norms), max(norms)))]
