"""The numbers behind the scoreboard, on made curves whose answers are known; each with a twin that
would be wrong.
"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from plateaus import evidence
from plateaus.evidence import interpolation as parts
from plateaus.evidence import published
from plateaus.experiments import over, slopes, summary, trajectories
from plateaus.measures.statistics import Measured

ALPHA = np.linspace(0, 1, 101)
PAIRS = 40
RNG = np.random.default_rng(0)
CENTRES = 0.3 + 0.4 * RNG.permutation(PAIRS) / PAIRS


def ramp(slope, centre=0.5):
    """Flat, a ramp of the given slope around ``centre``, flat: from 0 to 1; slope 1 is the straight
    line.
    """
    return np.clip(slope * (ALPHA - centre) + 0.5, 0, 1) if slope > 1 else ALPHA


def result(slopes_by_block, *, centres=CENTRES, apart=None, gap_centres=None, block_in=1):
    """A result whose curve after each block is a ramp of known slope."""
    curves = np.stack([[ramp(s, c) for s in slopes_by_block] for c in centres])
    extra = curves[:, -1:]
    all_curves = np.concatenate([curves, extra, extra, extra], axis=1)
    n = len(slopes_by_block)
    blocks = [*range(block_in, block_in + n), *[block_in + n - 1] * 3]
    readings = ["stream"] * n + ["normed", "logits", "probabilities"]
    apart = np.linspace(0.1, 0.8, PAIRS) if apart is None else apart
    gap = np.stack(
        [ramp(slopes_by_block[-1], c) for c in (centres if gap_centres is None else gap_centres)]
    )
    return xr.Dataset(
        {
            "distance": (("pair", "readout", "alpha"), all_curves),
            "relative_distance": (("pair", "readout", "alpha"), all_curves),
            "kl": (("pair", "alpha"), extra[:, 0]),
            "root_jsd": (("pair", "alpha"), apart[:, None] * ALPHA),
            "logit_difference": (("pair", "alpha"), gap),
        },
        coords={
            "pair": np.arange(PAIRS),
            "block_out": ("readout", blocks),
            "reading": ("readout", readings),
            "alpha": ALPHA,
        },
        attrs={"block_in": block_in, "model": "made"},
    )


TRAINED, STEP_0 = result([1, 2, 3, 4]), result([1, 1, 1, 1])


def control(found, at=0):
    return found["control"][at].value


def test_evidence_is_what_a_claim_takes():
    found = evidence.slope_gain(TRAINED, STEP_0)
    assert found["metric"] == "slope_gain" and found["model"] == "made"
    assert set(found) == {"metric", "model", "value", "ci", "n", "control"}
    (before,) = found["control"]
    assert isinstance(before, Measured) and before.ci[0] <= before.value <= before.ci[1]
    assert before.n == PAIRS


def test_gain_is_paired_and_read_after_the_last_block():
    gain = evidence.slope_gain(TRAINED, STEP_0)
    assert gain["value"] == pytest.approx(3) and control(gain) == pytest.approx(1)
    assert gain["n"] == PAIRS and gain["ci"][0] <= gain["value"] <= gain["ci"][1]
    first = slopes(TRAINED.isel(readout=[0]))  # the wrong twin reads the first block
    assert np.median(first) == pytest.approx(1)


def test_statements_about_training_are_over_seeds():
    seeds = {0: result([4]), 1: result([6]), 2: result([1])}
    trained = over("seed", seeds, lambda r: r, model="three")
    before = over("seed", dict.fromkeys(seeds, result([1])), lambda r: r)
    gain = evidence.slope_gain(trained, before)
    assert gain["value"] == pytest.approx(3) and gain["model"] == "three"
    assert gain["n"] == 3, "the wrong twin counts pairs, of which one network has any number"
    assert control(gain) == pytest.approx(1), "the half-exit index of straight lines"
    flat = evidence.half_exit(trained, before, before)
    assert flat["n"] == 3 and flat["value"] < 0.2
    assert control(flat) == control(flat, 1) == pytest.approx(1)
    every = evidence.every_seed(trained, before, before)
    assert every["value"] == pytest.approx(2 / 3) and every["n"] == 3
    assert control(every) == 0 and every["control"][0].ci[1] > 0.3  # Wilson's, not a point


def mixed_by(apart, sharp):
    """Pairs whose curve is sharp where ``sharp`` says so, and whose ends are ``apart``."""
    trained, flat = (result(s, apart=apart) for s in ([1, 2, 3, 4], [1, 1, 1, 1]))
    chosen = xr.where(xr.DataArray(sharp, dims="pair"), trained, flat, keep_attrs=True)
    return chosen.transpose("pair", "readout", "alpha", missing_dims="ignore").assign_attrs(
        trained.attrs
    )


def test_dissimilar_pairs_are_told_apart_by_prediction():
    apart = np.linspace(0.1, 0.8, PAIRS)
    mixed = mixed_by(apart, apart > 0.45)
    assert evidence.dissimilar_slope(mixed, STEP_0)["value"] == pytest.approx(4)
    assert np.median(slopes(mixed)) not in (1, 4)  # all pairs together say neither


def test_the_dissimilar_half_is_a_half():
    apart = np.linspace(0.1, 0.8, PAIRS)[np.random.default_rng(0).permutation(PAIRS)]
    made = result([2], apart=apart)
    assert set(parts.dissimilar(made)) == set(np.argsort(apart)[PAIRS // 2 :])
    assert evidence.dissimilar_slope(made, made)["n"] == PAIRS // 2


def test_similar_pairs_are_given_and_compared_with_different_ones():
    straight, few = result([1]), STEP_0.isel(pair=slice(10))
    near = evidence.similar_slope(few, TRAINED)
    assert near["value"] == pytest.approx(1) and near["n"] == 10
    assert control(near) == pytest.approx(4)
    apart = evidence.difference(TRAINED, few, straight, straight)
    assert apart["value"] == pytest.approx(3) and apart["n"] == 10
    assert control(apart) == pytest.approx(0)
    assert evidence.difference(few, TRAINED, straight, straight)["value"] == pytest.approx(-3)


def test_flat_share_of_a_ramp():
    share = parts.flat_part(TRAINED)
    np.testing.assert_allclose(
        share, 0.75, atol=0.03
    )  # a ramp of slope 4 takes a quarter of the path
    np.testing.assert_array_equal(parts.flat_part(STEP_0), 0)


def test_flat_is_a_slope_below_one_half():
    gentle = np.where(ALPHA < 0.5, 0.49 * ALPHA, 0.245 + 1.51 * (ALPHA - 0.5))
    steeper = np.where(ALPHA < 0.5, 0.55 * ALPHA, 0.275 + 1.45 * (ALPHA - 0.5))
    for curve, expected in ((gentle, 0.5), (steeper, 0)):
        made = STEP_0.assign(distance=STEP_0.distance * 0 + xr.DataArray(curve, dims="alpha"))
        np.testing.assert_allclose(parts.flat_part(made), expected)


def test_logit_difference_follows_its_own_curve_only():
    same = evidence.rms_difference(TRAINED)
    assert same["value"] == pytest.approx(0, abs=1e-9) and control(same) > 0.1
    foreign = result([1, 2, 3, 4], gap_centres=RNG.permutation(CENTRES))
    meets = evidence.midpoints(TRAINED, foreign)
    assert meets["value"] == pytest.approx(1) and abs(control(meets)) < 0.5
    assert control(evidence.midpoints(foreign, TRAINED)) == pytest.approx(1), "it can fail"
    silent = TRAINED.assign(logit_difference=TRAINED.logit_difference * np.nan)
    assert evidence.rms_difference(silent)["value"] is None


def test_widths_narrow_block_by_block():
    lost = evidence.width_lost(TRAINED, STEP_0)
    assert lost["value"] == pytest.approx(0.8 - 0.2, abs=0.01)
    assert control(lost) == pytest.approx(0, abs=1e-9)
    ranks = evidence.rank_by_block(TRAINED, STEP_0)
    assert ranks["value"] == pytest.approx(-1) and control(ranks) == 0
    rising = result([4, 3, 2, 1])
    assert evidence.rank_by_block(rising, TRAINED)["value"] == pytest.approx(1)
    assert control(evidence.rank_by_block(rising, TRAINED)) == pytest.approx(-1), "it can fail"


def checkpoints(*results):
    return over("step", dict(enumerate(results)), lambda r: r, model="made")


def test_ranks_over_checkpoints():
    stages = [STEP_0, result([1, 1, 1, 2]), result([1, 1, 2, 3]), TRAINED]
    upwards, backwards = checkpoints(*stages), checkpoints(*stages[::-1])
    rises, falls = evidence.rank_by_step(upwards), evidence.rank_by_step(backwards)
    assert rises["value"] == pytest.approx(1) and control(rises) == pytest.approx(3)
    assert falls["value"] == pytest.approx(-1) and control(falls) == pytest.approx(-3)
    two = evidence.rank_by_step(checkpoints(STEP_0, TRAINED))  # two points are no trend
    assert two["value"] is None and control(two) is None
    assert evidence.rank_by_step(TRAINED)["value"] is None


def test_ranks_over_checkpoints_of_several_seeds():
    rising = checkpoints(*(result([s]) for s in (1, 2, 3, 4)))
    falling = checkpoints(*(result([s]) for s in (4, 3, 2, 1)))
    seeds = over("seed", {0: rising, 1: rising, 2: falling}, lambda r: r, model="three")
    shuffled = over("seed", {0: falling, 1: falling}, lambda r: r, model="two")
    found = evidence.rank_by_step(seeds, shuffled)
    assert found["value"] == pytest.approx(1) and found["n"] == 3  # one row for each seed
    assert control(found) == pytest.approx(-1)


def test_share_of_the_narrowing_that_freezing_removes():
    removed = evidence.mlp_frozen(TRAINED, STEP_0, STEP_0)
    assert removed["value"] == pytest.approx(1, abs=1e-6)
    assert control(removed) == pytest.approx(0)
    assert control(removed, 1) == pytest.approx(0.2, abs=0.01)
    assert control(evidence.mlp_frozen(TRAINED, STEP_0, TRAINED)) > 0.2
    assert evidence.attention_frozen(TRAINED, TRAINED)["value"] == pytest.approx(0, abs=1e-6)
    half = evidence.attention_frozen(TRAINED, result([1, 2, 3, 1.6]))  # width 0.5, of 0.2 to 0.8
    assert half["value"] == pytest.approx(0.5, abs=0.02)
    assert control(half) == pytest.approx(0.2, abs=0.01)
    some = TRAINED.where(TRAINED.pair < PAIRS * 0.6, STEP_0).assign_attrs(TRAINED.attrs)
    every = evidence.attention_frozen(some, STEP_0)
    assert every["value"] == pytest.approx(1, abs=0.02)
    assert every["n"] == PAIRS, "the wrong twin drops pairs that were not narrowed"
    for hardly in (
        STEP_0,
        result([1.005], centres=np.full(PAIRS, 0.5)),
    ):  # nothing, or next to nothing, was narrowed
        assert evidence.attention_frozen(hardly, STEP_0)["value"] is None


def test_a_network_too_shallow_for_a_late_patch_has_no_answer():
    assert evidence.slope_lost(TRAINED, TRAINED, STEP_0, STEP_0)["value"] is None
    assert evidence.slope_left(TRAINED, STEP_0)["value"] is None
    late, late_0 = result([1, 2], block_in=3), result([1, 1], block_in=3)
    assert evidence.slope_lost(TRAINED, late, STEP_0, late_0)["value"] == pytest.approx(2)
    assert evidence.slope_left(late, late_0)["value"] == pytest.approx(2)


def test_nesting_is_counted_over_all_fields():
    inside = np.zeros((2, 3, 3), bool)
    inside[0, 0, 0] = True  # in the smaller plateau and not in the larger one
    field = xr.Dataset(
        {"inside": (("radius", "t", "s"), inside), "height": (("t", "s"), np.ones((3, 3)))},
        coords={"radius": [0.5, 2.0]},
        attrs={"model": "made"},
    )
    found = evidence.violations(field, field)
    assert found["value"] == 2 and found["ci"] == (2, 2) and found["n"] == 2
    assert control(found) == 18  # the recipe takes every node for the ring


def test_contraction_and_attraction_have_their_nulls_in_the_order_of_the_rule():
    networks = ["linearised", "trained", "untrained", "sign-flipped"]
    totals = np.array([3.0, -1.0, 1.0, 2.0])[:, None] * np.ones(PAIRS)
    pull = np.array([[0.3, 0.1], [0.2, 0.15]])[..., None] * np.ones(PAIRS)
    study = xr.Dataset(
        {
            "log_total": (("network", "pair"), totals),
            "pull": (("weights", "anchor", "pair"), pull),
            "made": (("anchor", "pair"), 3 * pull[0]),
        },
        coords={
            "network": networks,
            "weights": ["trained", "untrained"],
            "anchor": ["real", "random"],
        },
        attrs={"model": "made"},
    )
    found = evidence.log_contraction(study)
    assert found["value"] == -1 and [c.value for c in found["control"]] == [1, 3, 2]
    gap = evidence.attraction(study)
    assert gap["value"] == pytest.approx(0.2)
    assert [c.value for c in gap["control"]] == pytest.approx([0.05, 0.6])
    both = evidence.over_trainings(trajectories.attractions({"one": study, "two": study}, "made"))
    assert [both["value"], *(c.value for c in both["control"])] == pytest.approx([0.2, 0.05, 0.6])
    # Where no network was made to attract there is no control, so that nothing can be decided.
    without = study.drop_vars("made")
    several = trajectories.attractions({"one": study, "two": without}, "made")
    for found in (evidence.attraction(without), evidence.over_trainings(several)):
        assert found["value"] == pytest.approx(0.2) and found["control"][-1].value is None


def test_summaries():
    assert summary.block_slopes(TRAINED) == pytest.approx([1, 2, 3, 4])
    table = summary.metrics({"m": TRAINED})
    assert table.loc[("m", "stream"), "ρ"] == pytest.approx(4)
    shallow = result([1, 3])
    both = summary.together(
        trained={"deep": TRAINED, "shallow": shallow}, step_0={"deep": STEP_0, "shallow": shallow}
    )
    assert both.sizes["model"] == 2 and both.sizes["condition"] == 2
    deepest = both.distance.sel(model="shallow").isel(readout=np.flatnonzero(both.block_out == 4))
    assert deepest.sizes["readout"] == 4 and np.isnan(deepest).all()
    words = summary.in_words(
        {"m": TRAINED},
        {"m": STEP_0},
        {"m": TRAINED},
        {"m": {"MLPs frozen": STEP_0, "attention frozen": TRAINED}},
    )
    assert "1.00 at step 0 and 4.00 after training" in words and "3 of 3" in words


@pytest.mark.parametrize(
    ("ci", "shown"),
    [((1.74, 2.37), "1.9 [1.7, 2.4]"), ((1.83, 1.94), "1.87 [1.83, 1.94]"), (None, "none")],
)
def test_a_number_has_the_decimals_that_its_interval_carries(ci, shown):
    one = [("J1", {"metric": "slope", "value": 1.87, "ci": ci, "n": 12})]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "flat_jump_flat", lambda results: one)
        table = published.side_by_side({}, {})
    assert table.loc["J1 slope", "own samples"] == shown
