"""The numbers behind the scoreboard, on made curves whose answers are known; each with a twin that
would be wrong.
"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from plateaus.measures import evidence, summary

ALPHA = np.linspace(0, 1, 101)
PAIRS = 40
RNG = np.random.default_rng(0)
CENTRES = 0.3 + 0.4 * RNG.permutation(PAIRS) / PAIRS


def ramp(slope, centre=0.5):
    """Flat, a ramp of the given slope around ``centre``, flat: from 0 to 1; slope 1 is the straight
    line.
    """
    return np.clip(slope * (ALPHA - centre) + 0.5, 0, 1) if slope > 1 else ALPHA


def result(slopes_by_block, *, centres=CENTRES, apart=None, gap_centres=None, patch=1):
    """A result whose curve after each block is a ramp of known slope."""
    curves = np.stack([[ramp(s, c) for s in slopes_by_block] for c in centres])
    extra = curves[:, -1:]
    all_curves = np.concatenate([curves, extra, extra, extra], axis=1)
    readout = [f"block {i + 1}" for i in range(len(slopes_by_block))] + [
        "normed",
        "logits",
        "probabilities",
    ]
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
        coords={"pair": np.arange(PAIRS), "readout": readout, "alpha": ALPHA},
        attrs={"patch": patch},
    )


TRAINED, STEP_0 = result([1, 2, 3, 4]), result([1, 1, 1, 1])


def test_gain_is_paired_and_read_after_the_last_block():
    gain = evidence.slope_gain(TRAINED, STEP_0)
    assert gain["value"] == pytest.approx(3) and gain["control"] == {"step 0": pytest.approx(1)}
    assert gain["n"] == PAIRS and gain["ci"][0] <= gain["value"] <= gain["ci"][1]
    first = evidence.slopes(TRAINED.isel(readout=[0]))  # the wrong twin reads the first block
    assert np.median(first) == pytest.approx(1)


def test_similar_and_dissimilar_pairs_are_told_apart_by_prediction():
    sharp = np.linspace(0.1, 0.8, PAIRS) > 0.45
    mixed = xr.where(xr.DataArray(sharp, dims="pair"), TRAINED, STEP_0, keep_attrs=True)
    mixed = mixed.transpose("pair", "readout", "alpha", missing_dims="ignore").assign_attrs(patch=1)
    assert evidence.dissimilar_slope(mixed, STEP_0)["value"] == pytest.approx(4)
    near = evidence.similar_slope(mixed)
    assert near["value"] == pytest.approx(1) and near["control"][
        "dissimilar pairs"
    ] == pytest.approx(4)
    assert near["n"] == PAIRS // 4
    assert np.median(evidence.slopes(mixed)) not in (1, 4)  # all pairs together say neither


def test_flat_share_of_a_ramp():
    share = evidence.flat_share(TRAINED)
    np.testing.assert_allclose(
        share, 0.75, atol=0.03
    )  # a ramp of slope 4 takes a quarter of the path
    np.testing.assert_array_equal(evidence.flat_share(STEP_0), 0)


def test_logit_difference_follows_its_own_curve_only():
    assert evidence.logit_rms_difference(TRAINED)["value"] == pytest.approx(0, abs=1e-9)
    assert evidence.logit_rms_difference(TRAINED)["control"]["curve of another pair"] > 0.1
    assert evidence.logit_midpoints(TRAINED)["value"] == pytest.approx(1)
    assert abs(evidence.logit_midpoints(TRAINED)["control"]["curve of another pair"]) < 0.5
    foreign = result([1, 2, 3, 4], gap_centres=RNG.permutation(CENTRES))
    assert abs(evidence.logit_midpoints(foreign)["value"]) < 0.5
    silent = TRAINED.assign(logit_difference=TRAINED.logit_difference * np.nan)
    assert evidence.logit_rms_difference(silent)["value"] is None


def test_widths_narrow_block_by_block():
    assert evidence.width_lost(TRAINED, STEP_0)["value"] == pytest.approx(0.8 - 0.2, abs=0.01)
    assert evidence.width_lost(TRAINED, STEP_0)["control"]["step 0"] == pytest.approx(0, abs=1e-9)
    assert evidence.rank_by_block(TRAINED)["value"] == pytest.approx(-1)
    assert evidence.rank_by_block(result([4, 3, 2, 1]))["value"] == pytest.approx(1)
    assert abs(evidence.rank_by_block(TRAINED)["control"]["blocks in random order"]) < 0.5


def test_ranks_over_checkpoints():
    steps = {0: STEP_0, 10: result([1, 1, 1, 2]), 100: result([1, 1, 2, 3]), 1000: TRAINED}
    assert evidence.rank_by_step(steps)["value"] == pytest.approx(1)
    relabelled = {-k: v for k, v in steps.items()}  # time reversed
    assert evidence.rank_by_step(relabelled)["value"] == pytest.approx(-1)
    assert (
        evidence.rank_by_step({0: STEP_0, 1: TRAINED})["value"] is None
    )  # two points are no trend


def test_share_of_the_narrowing_that_freezing_removes():
    assert evidence.narrowing_removed(TRAINED, STEP_0)["value"] == pytest.approx(1, abs=1e-6)
    assert evidence.narrowing_removed(TRAINED, TRAINED)["value"] == pytest.approx(0, abs=1e-6)
    half = evidence.narrowing_removed(
        TRAINED, result([1, 2, 3, 1.6])
    )  # width 0.5 between 0.2 and 0.8
    assert half["value"] == pytest.approx(0.5, abs=0.02)
    assert half["control"]["width of the whole network"] == pytest.approx(0.2, abs=0.01)
    assert evidence.narrowing_removed(STEP_0, STEP_0)["value"] is None  # nothing was narrowed
    assert evidence.departure(STEP_0) == pytest.approx(0) and evidence.departure(TRAINED) > 0.2


def test_a_network_too_shallow_for_a_late_patch_has_no_answer():
    assert evidence.slope_lost(TRAINED, TRAINED, STEP_0, STEP_0)["value"] is None
    late, late_0 = result([1, 2], patch=3), result([1, 1], patch=3)
    assert evidence.slope_lost(TRAINED, late, STEP_0, late_0)["value"] == pytest.approx(2)
    assert evidence.slope_left(late, late_0)["value"] == pytest.approx(2)


def test_summaries():
    assert summary.block_slopes(TRAINED) == pytest.approx([1, 2, 3, 4])
    table = summary.metrics({"m": TRAINED})
    assert table.loc[("m", "stream"), "ρ"] == pytest.approx(4)
    shallow = result([1, 3])
    both = summary.together(
        trained={"deep": TRAINED, "shallow": shallow}, step_0={"deep": STEP_0, "shallow": shallow}
    )
    assert both.sizes["model"] == 2 and both.sizes["condition"] == 2
    assert np.isnan(both.distance.sel(model="shallow", readout="block 4")).all()
    words = summary.in_words(
        {"m": TRAINED},
        {"m": STEP_0},
        {"m": TRAINED},
        {"m": {"MLPs frozen": STEP_0, "attention frozen": TRAINED}},
    )
    assert "1.00 at step 0 and 4.00 after training" in words and "3 of 3" in words
