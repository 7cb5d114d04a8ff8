"""Trees of mutual membership: bounds on segments, chains, and what would be no tree."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from plateaus.figures import geometry as draw
from plateaus.figures import style
from plateaus.geometry.exact import ExactSegment, floating, witnesses
from plateaus.measures import merging

matplotlib.use("Agg")


def test_segments_bound_the_merge_height_from_both_sides():
    """On the line a segment is the only way: its top is m, its end h. The hook has m(0, 2) = 1 and
    m(2, 0) = 2.
    """
    x = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    low, high = merging.on_segments(floating(witnesses.hook()), x, metric="linf", steps=5)
    assert low.tolist() == [[0, 1], [1, 0]] and high.tolist() == [[0, 1], [2, 0]]
    for i, j in ((0, 1), (1, 0)):
        line = ExactSegment.of(witnesses.hook(), [2 * i], [2 * j], metric="linf")
        assert (low[i, j], high[i, j]) == (line.height(1), line.merge_height())


def levels(seed: int, n: int = 7) -> np.ndarray:
    found = np.random.default_rng(seed).uniform(1, 10, (n, n))
    np.fill_diagonal(found, 0)
    return found


def is_ultrametric(u: np.ndarray) -> bool:
    # u[x, z] <= max(u[x, y], u[y, z]) for all x, y, z
    return bool((u[:, None, :] <= np.maximum(u[:, :, None], u[None, :, :]) + 1e-12).all())


@pytest.mark.parametrize("seed", range(5))
def test_chains_make_an_ultrametric_out_of_any_levels(seed):
    u = merging.chained(levels(seed))
    assert is_ultrametric(u) and (u == u.T).all()
    assert not is_ultrametric(np.maximum(levels(seed), levels(seed).T))  # the levels themselves


def test_chained_levels_are_the_least_highest_step():
    mutual = np.array([[0, 1, 5], [2, 0, 3], [9, 3, 0]], dtype=float)
    # 0 - 1 at max(1, 2), 1 - 2 at 3; straight from 0 to 2 would be 9.
    assert merging.chained(mutual).tolist() == [[0, 2, 3], [2, 0, 3], [3, 3, 0]]


def test_other_linkages_are_no_chains():
    """Average and complete linkage give trees too, but not those of chains."""
    found = np.maximum(levels(0), levels(0).T)
    for method in ("average", "complete"):
        wrong = squareform(cophenet(linkage(squareform(found, checks=False), method)))
        assert (wrong > merging.chained(found) + 1e-9).any()


def test_classes_at_a_radius_are_chains_of_members():
    found = levels(3)
    mutual, u = np.maximum(found, found.T), merging.chained(found)
    for r in (2.0, 4.0, 6.0):
        reached = np.linalg.matrix_power((mutual < r).astype(float), len(found)) > 0
        assert ((u < r) == reached).all()


def test_a_tree_is_drawn_with_its_names():
    fig, ax = style.subplots()
    names = ["one", "two", "three", "four", "five", "six", "seven"]
    draw.dendrogram(merging.tree(levels(0)), names, ax)
    draw.words([(0, 0, "a", "*", 9), (1, 1, "b", "o", 5)], style.subplots()[1])
    assert sorted(t.get_text() for t in ax.get_xticklabels()) == sorted(names)
