"""Intervals, shares and trends on data whose answers are known; each with a twin that is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from plateaus.errors import BadParameter
from plateaus.measures import statistics
from plateaus.measures.statistics import NOTHING, Measured


def test_bootstrap_intervals_cover_and_pair():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        value, low, high = statistics.interval(rng.normal(1, 1, 60), seed=seed, resamples=300)
        assert low <= value <= high
        hits += low <= 1 <= high
    assert 88 <= hits <= 100
    shared = rng.normal(0, 10, 80)
    paired = statistics.interval(
        shared + 1, shared, statistic=lambda a, b: float(np.mean(a - b)), resamples=300
    )
    assert (
        abs(paired[2] - paired[1]) < 1e-6 < abs(paired[0])
    )  # resampled apart, the interval would be about 6 wide
    assert statistics.interval(np.array([1.0, np.nan, 1.0, 1.0]))[0] == 1
    with pytest.raises(BadParameter, match="two finite rows and one resample, got 1"):
        statistics.interval(np.array([1.0, np.nan]))


def test_zero_is_shown_without_a_minus():
    low = Measured(value=-0.001, ci=(-0.2, 0.004), n=5)
    assert f"{low:.2f}" == "0.00 [-0.20, 0.00]" and f"{low:+.1f}" == "+0.0 [-0.2, +0.0]"
    assert f"{low:.3f}" == "-0.001 [-0.200, 0.004]"  # rounding alone would leave "-0.00" above
    assert f"{-0.001:.2f}" == "-0.00"


def test_the_seed_draws_the_resamples_and_nothing_else_does():
    values = np.random.default_rng(0).normal(size=30)
    first, again, other = (
        statistics.interval(values, statistic=np.mean, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again  # a seed that is ignored gives the same with another
    assert other[0] == first[0] and other[1:] != first[1:]
    drawn = statistics.measured(values, statistic=np.mean, seed=1).ci
    assert drawn != statistics.measured(values, statistic=np.mean, seed=0).ci


def test_a_number_needs_two_finite_rows():
    assert statistics.median(np.array([np.nan, 3.0])) == Measured(value=None, ci=None, n=1)
    two = statistics.median(np.array([np.nan, 3.0, 5.0]))
    assert two.value == 4 and two.n == 2 and two.ci[0] <= 4 <= two.ci[1]
    assert f"{two:.1f}" == "4.0 [3.0, 5.0]" and f"{NOTHING:.1f}" == "none"


@pytest.mark.parametrize(("hits", "n"), [(5, 5), (0, 5), (4, 10)])
def test_a_share_has_wilsons_interval(hits, n):
    found = statistics.share(np.arange(n) < hits)
    z, p = 1.959964, hits / n  # the formula, as the independent reference
    centre = p + z**2 / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = ((centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n))
    assert found.value == p and found.n == n and found.ci == pytest.approx(expected, abs=1e-6)
    naive = 2 * z * math.sqrt(p * (1 - p) / n)  # the twin: no width where all agree
    assert abs(found.ci[1] - found.ci[0] - naive) > 0.03


def test_what_was_counted_is_its_own_interval():
    assert statistics.count(3, among=7) == Measured(value=3, ci=(3, 3), n=7)


def test_a_trend_is_spearmans_row_by_row_and_a_constant_has_none():
    rng = np.random.default_rng(0)
    x, rows = rng.normal(size=9), rng.normal(size=(4, 9)).round(0)  # with ties
    expected = [spearmanr(x, row).statistic for row in rows]
    np.testing.assert_allclose(statistics.trend(x, rows), expected)
    assert statistics.trend(x, x**3) == pytest.approx(1)
    np.testing.assert_allclose(statistics.trend(rows, rows**3), 1)  # row by row
    assert statistics.trend(x, np.ones(9)) == 0
    rows[1, 3] = np.nan  # of which nothing is known: 0 would say that it is flat
    found = statistics.trend(x, rows)
    assert np.isnan(found[1]) and np.isfinite(np.delete(found, 1)).all()
    assert statistics.larger(rows[1], x) != statistics.larger(rows[1], x)  # NaN


def test_a_difference_of_samples_that_are_not_paired():
    rng = np.random.default_rng(0)
    x, y = rng.normal(2, 1, 80), rng.normal(0, 1, 50)
    found = statistics.difference(x, np.append(y, np.nan))
    assert found.value == pytest.approx(np.median(x) - np.median(y)) and found.n == 50
    assert found.ci[0] < found.value < found.ci[1] and 0.3 < found.ci[1] - found.ci[0] < 1.5
    both = x[:50] + 10 * y, 10 * y  # the wrong twin pairs them, and finds a narrow interval
    paired = statistics.measured(*both, statistic=lambda a, b: np.median(a - b))
    apart = statistics.difference(*both)
    assert apart.ci[1] - apart.ci[0] > 4 * (paired.ci[1] - paired.ci[0])
    assert statistics.difference(x[:1], y) == Measured(value=None, ci=None, n=1)


def test_a_difference_of_medians_has_an_interval_of_medians():
    """One outlier moves the mean of a resample by 100 and its median not at all."""
    x = np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 0, 1000])
    found = statistics.difference(x, np.zeros(10))
    assert found.value == 0 and found.ci == (0, 0)


def test_a_row_that_lacks_one_value_is_left_out_of_all():
    x, y = np.array([1.0, np.nan, 3, 4]), np.array([0.0, 5, 1, np.nan])
    statistic = lambda a, b: float(np.mean(a - b))  # noqa: E731
    assert statistics.interval(x, y, statistic=statistic)[0] == 1.5


def test_nested_intervals_resample_seeds_and_the_pairs_within():
    alone = np.arange(20.0)
    pairs, seeds = np.tile(alone, (4, 1)), np.tile(alone[:, None], (1, 4))
    for values in (pairs, seeds):  # only pairs differ, then only seeds
        value, low, high = statistics.nested(values)
        assert value == 9.5 and low < 8.5 and high > 10.5
