"""What stands beside verdicts: on data whose answer is known, each with a twin that errs."""

import numpy as np
import pytest
import torch
import xarray as xr

from plateaus.data.pairs import Pairs
from plateaus.evidence import reservations
from plateaus.measures.statistics import grouped, median


def pairs(a, b):
    a, b = torch.tensor(a), torch.tensor(b)
    return Pairs(a=a, b=b, labels=tuple(map(str, range(len(a)))), source="made")


def test_few_groups_have_a_wide_interval_however_many_rows_they_have():
    groups = np.repeat(np.arange(6), 40)
    values = np.random.default_rng(0).standard_normal(6)[groups] + 0.01 * groups
    few, many = grouped((values, groups), statistic=np.median), median(values)
    assert few.n == 6 and few.value == many.value
    assert np.ptp(few.ci) > 2 * np.ptp(many.ci)
    alone = grouped((values, np.arange(len(values))), statistic=np.median)
    assert np.allclose(alone.ci, many.ci, atol=0.1) and alone.n == 240


def test_last_words_are_one_pair_in_either_order():
    some = pairs([[1, 2], [1, 3], [1, 2], [1, 4]], [[1, 3], [1, 2], [1, 4], [1, 3]])
    words = reservations.last_words(some)
    assert words[0] == words[1] and len(set(words)) == 3
    assert reservations.commonest(words) == (3, 2)
    assert list(reservations.differing(some)) == [1, 1, 1, 1]


def test_density_is_even_where_neurons_switch_evenly():
    low, high = np.full(30, 0.3), np.linspace(0.4, 0.8, 30)
    even = {"whole": 1000.0 + 0 * low, "crossed": 1000 * (high - low), "low": low, "high": high}
    found = xr.Dataset({k: ("pair", v) for k, v in even.items()})
    assert np.isclose(reservations.denser_at_the_boundary(found).value, 1)
    crowded = found.assign(whole=found.whole + found.crossed, crossed=2 * found.crossed)
    assert np.isclose(reservations.denser_at_the_boundary(crowded).value, 2)
    inside = found.assign(whole=found.crossed)
    assert reservations.denser_at_the_boundary(inside).value is None


@pytest.fixture
def slopes():
    """Different meaning has larger slopes, but only where fewer than eight words differ."""
    random, rows = np.random.default_rng(1), 200
    before = random.standard_normal((2, rows))
    after = before.copy()
    after[0, ::2] += 3
    made = [
        xr.Dataset({"slope": (("kind", "pair"), s)}, coords={"kind": list(reservations.SAME_WORD)})
        for s in (after, before)
    ]
    a, b = np.zeros((2, rows, 10), dtype=int)
    b[::2, :3], b[1::2, :8] = 1, 1
    some = pairs(a.tolist(), b.tolist())
    return made, dict.fromkeys(reservations.SAME_WORD, some)


def test_accuracy_that_is_one_of_words_is_found_out(slopes):
    (trained, step_0), some = slopes
    assert reservations.told_apart(trained, step_0).ci[0] > 0.15
    after, before, gap = reservations.told_apart_far(trained, step_0, some)
    assert after.value == before.value and gap.value == 0 and gap.n == 100
    assert reservations.told_apart_far(trained, step_0, some, least=3)[2].ci[0] > 0.15
