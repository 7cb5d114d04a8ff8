"""What the geometry is given by mistake: each is refused in one sentence that can be acted on."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction as F

import numpy as np
import pytest
import torch
from torch import nn

from plateaus.errors import PlateauError
from plateaus.geometry import inner, paths
from plateaus.geometry.bounds import ceiling, inner_radius
from plateaus.geometry.exact import ExactPlane, ExactSegment, exact, plateau_area, witnesses
from plateaus.geometry.exact.program import affine
from plateaus.geometry.flood import over_grid
from plateaus.geometry.height import Height
from plateaus.geometry.metrics import heights
from plateaus.geometry.minimax import certify, search
from plateaus.geometry.plateau import Plateau
from plateaus.geometry.verified import merge_bounds
from plateaus.networks.network import Network
from plateaus.networks.residual import PlainMLP, network

NAN, INF = math.nan, math.inf
A, B, C = torch.tensor([0.0, 0.0]), torch.tensor([2.0, 0.5]), torch.tensor([0.5, 2.0])
BUMP = witnesses.bump()
SINE = Network(blocks=(torch.sin,), dims=(2, 2), name="sine")
RAGGED = [[0.0, 1.0], [2.0]]
GRID = np.zeros((3, 3))


@pytest.fixture(scope="module")
def net() -> Network:
    torch.manual_seed(0)
    return network(PlainMLP((2, 4, 2)), dtype=torch.float64)


def plane(**options):
    return paths.plane(A, B, C, **options)


def box(**options):
    return ExactPlane.of(BUMP, **{"window": ((-3, -3), (3, 3)), "anchor": (0, 0), **options})


def line(**options):
    return ExactSegment.of(BUMP, [0, 0], [1, 0], **options)


def pair(**options):
    return search(BUMP, A[None], B[None], steps=1, nodes=3, **options)


PATHS = {
    "plane, no steps": lambda: plane(steps=0),
    "plane, one step": lambda: plane(steps=1),
    "plane, steps as text": lambda: plane(steps="50"),
    "plane, half steps": lambda: plane(steps=2.5),
    "plane, NaN point": lambda: paths.plane(A, B, C * NAN),
    "plane, infinite anchor": lambda: paths.plane(A + INF, B, C),
    "plane, NaN window": lambda: plane(alpha=(NAN, 1.0)),
    "plane, one-sided window": lambda: plane(beta=(1.0,)),
    "plane, window a number": lambda: plane(beta=1.0),
    "plane, window of words": lambda: plane(beta=("low", "high")),
    "plane, b = a": lambda: paths.plane(A, A, C),
    "plane, c = a": lambda: paths.plane(A, B, A),
    "plane, points on a line": lambda: paths.plane(A, B, 3 * B),
    "plane, many points": lambda: paths.plane(torch.rand(3, 2), B, C),
    "plane, another space": lambda: paths.plane(A, B, torch.ones(3)),
    "plane, complex": lambda: paths.plane(A, B, C + 1j),
    "grid, no steps": lambda: paths.grid((-1, -1), (1, 1), steps=0),
    "grid, one step": lambda: paths.grid((-1, -1), (1, 1), steps=1),
    "grid, NaN corner": lambda: paths.grid((NAN, -1), (1, 1)),
    "grid, infinite corner": lambda: paths.grid((-1, -1), (INF, 1)),
    "grid, turned round": lambda: paths.grid((1, 1), (-1, -1)),
    "grid, one number": lambda: paths.grid((-1,), (1, 1)),
    "grid, three numbers": lambda: paths.grid((-1, 0, 1), (1, 1)),
    "grid, words": lambda: paths.grid(("a", "b"), (1, 1)),
    "sphere ray, NaN": lambda: paths.sphere_ray(B, C * NAN),
    "sphere ray, NaN base": lambda: paths.sphere_ray(B * NAN, C),
    "sphere ray, NaN angle": lambda: paths.sphere_ray(B, C, degrees=NAN),
    "sphere ray, angle as text": lambda: paths.sphere_ray(B, C, degrees="180"),
    "sphere ray from zero": lambda: paths.sphere_ray(A, C),
    "sphere ray along itself": lambda: paths.sphere_ray(B, B),
    "sphere ray, another space": lambda: paths.sphere_ray(B, torch.ones(3)),
    "ray, NaN length": lambda: paths.ray(B, C, length=NAN),
    "ray of no length": lambda: paths.ray(B, C, length=0),
    "ray without direction": lambda: paths.ray(B, A),
    "ray, complex": lambda: paths.ray(B, C + 1j),
    "segment, equal ends": lambda: paths.segment(A, A),
    "segment, one pair equal": lambda: paths.segment(torch.stack([A, B]), torch.stack([B, B])),
    "segment, NaN": lambda: paths.segment(A, B * NAN),
    "segment, another space": lambda: paths.segment(A, torch.ones(3)),
    "segment, batches apart": lambda: paths.segment(torch.ones(2, 3), torch.zeros(4, 3)),
    "segment, numbers": lambda: paths.segment(1.0, 2.0),
    "segment, text": lambda: paths.segment("a", "b"),
    "segment, ragged": lambda: paths.segment(RAGGED, RAGGED),
    "segment, complex": lambda: paths.segment(A + 1j, B),
    "segment, steps True": lambda: paths.segment(A, B, steps=True),
    "segment, NaN steps": lambda: paths.segment(A, B, steps=NAN),
    "slerp through zero": lambda: paths.slerp(A, B),
    "slerp, opposite": lambda: paths.slerp(B, -B),
    "slerp, infinite": lambda: paths.slerp(B, C / 0),
}

HEIGHTS = {
    "radius as text": lambda n: Plateau(n, A, radius="1"),
    "no radius": lambda n: Plateau(n, A, radius=None),
    "radius 0": lambda n: Plateau(n, A, radius=0),
    "negative radius": lambda n: Plateau(n, A, radius=-1),
    "NaN radius": lambda n: Plateau(n, A, radius=NAN),
    "infinite radius": lambda n: Plateau(n, A, radius=INF),
    "complex radius": lambda n: Plateau(n, A, radius=1j),
    "radius True": lambda n: Plateau(n, A, radius=True),
    "radius a tensor": lambda n: Plateau(n, A, radius=torch.ones(2)),
    "complex anchor": lambda n: Height(n, A + 1j),
    "NaN anchor": lambda n: Height(n, [NAN, 0.0]),
    "anchor of another space": lambda n: Height(n, [0.0, 0.0, 0.0]),
    "two anchors": lambda n: Height(n, torch.zeros(2, 2)),
    "anchor a number": lambda n: Height(n, 0.0),
    "anchor as text": lambda n: Height(n, "here"),
    "unknown metric": lambda n: Height(n, A, metric="cosine"),
    "complex point": lambda n: Height(n, A)(B + 1j),
    "complex point of a network": lambda n: n(B + 1j),
    "NaN point": lambda n: Height(n, A)(B * NAN),
    "point as text": lambda n: Height(n, A)("there"),
    "segment to itself": lambda n: Height(n, A).segment(A),
    "segment to NaN": lambda n: Height(n, A).segment(B * NAN),
    "segment, one step": lambda n: Height(n, A).segment(B, steps=1),
    "segment, steps as text": lambda n: Height(n, A).segment(B, steps="9"),
    "segment, window without a": lambda n: Height(n, A).segment(B, window=(0.5, 1)),
    "segment, window of no length": lambda n: Height(n, A).segment(B, window=(0, 0)),
    "segment, NaN window": lambda n: Height(n, A).segment(B, window=(NAN, 1)),
    "segment, window a number": lambda n: Height(n, A).segment(B, window=1.0),
    "segment from elsewhere": lambda n: Plateau(n, A, radius=1).segment(B, C),
    "NaN Lipschitz bound": lambda n: Height(n, A).segment(B, lipschitz=NAN),
    "negative Lipschitz bound": lambda n: Height(n, A).segment(B, lipschitz=-1.0),
    "Lipschitz bound as text": lambda n: Height(n, A).segment(B, lipschitz="1"),
    "negative rounding": lambda n: Height(n, A).segment(B, rounding=-1e-9),
    "unknown arithmetic": lambda n: Height(n, A).segment(B, arithmetic="magic"),
    "exact in kl": lambda n: Height(n, A, metric="kl").segment(B, arithmetic="exact"),
    "exact sine": lambda n: Height(SINE, A).segment(B, arithmetic="exact"),
    "bounded sine": lambda n: Height(SINE, A).segment(B, arithmetic="bounded"),
    "plane, no steps": lambda n: Height(n, A).plane(B, C, steps=0),
    "plane, one step": lambda n: Height(n, A).plane(B, C, steps=1),
    "plane, window without a": lambda n: Height(n, A).plane(B, C, beta=(0.1, 1)),
    "plane, points on a line": lambda n: Height(n, A).plane(B, -B),
    "plane, NaN": lambda n: Height(n, A).plane(B, C * NAN),
    "beyond the window": lambda n: Height(n, A).segment(B).decide(1.5, 1),
    "NaN alpha": lambda n: Height(n, A).segment(B).height(NAN),
    "alpha as text": lambda n: Height(n, A).segment(B).contains("1", 1),
    "radius 0 of a slice": lambda n: Height(n, A).segment(B).contains(1, 0),
    "NaN radius of a slice": lambda n: Height(n, A).segment(B).contains(1, NAN),
    "beyond the plane": lambda n: Height(n, A).plane(B, C, steps=5).contains((2, 0), 1),
    "NaN slice point": lambda n: Height(n, A).plane(B, C, steps=5).height((NAN, 0)),
    "three slice coordinates": lambda n: Height(n, A).plane(B, C, steps=5).height((0, 0, 0)),
    "off the line": lambda n: C in Plateau(n, A, radius=1).segment(A, B),
    "off the plane": lambda n: 9 * C in Plateau(n, A, radius=1).plane(A, B, C, steps=5),
    "outputs of two sizes": lambda n: heights(torch.ones(3), torch.ones(2)),
    "merge bounds, a = b": lambda n: merge_bounds(n, [0, 0], [0, 0]),
    "merge bounds, another space": lambda n: merge_bounds(n, [0], [1]),
    "merge bounds, NaN": lambda n: merge_bounds(n, [0, 0], [NAN, 0]),
    "merge bounds, tolerance": lambda n: merge_bounds(n, [0, 0], [1, 0], tolerance=-1),
    "merge bounds, budget": lambda n: merge_bounds(n, [0, 0], [1, 0], budget=0),
    "merge bounds, kl": lambda n: merge_bounds(n, [0, 0], [1, 0], metric="kl"),
    "merge bounds of sine": lambda n: merge_bounds(SINE, [0, 0], [1, 0]),
}

EXACT = {
    "segment, equal ends": lambda: ExactSegment.of(BUMP, [0, 0], [0, 0]),
    "segment, another space": lambda: ExactSegment.of(BUMP, [0], [1]),
    "segment, no points": lambda: ExactSegment.of(BUMP, 0, 1),
    "segment, words": lambda: ExactSegment.of(BUMP, ["a", "b"], [0, 0]),
    "segment, NaN": lambda: ExactSegment.of(BUMP, [NAN, 0], [0, 0]),
    "segment, window": lambda: line(window=(1, 2)),
    "segment, window of one": lambda: line(window=(1,)),
    "segment, metric": lambda: line(metric="kl"),
    "segment, beyond": lambda: line().height(2),
    "segment, radius": lambda: line().contains(1, -1),
    "segment, intervals of 0": lambda: line().intervals(0),
    "plane, no area": lambda: box(window=((0, 0), (0, 1))),
    "plane, anchor outside": lambda: box(anchor=(9, 9)),
    "plane, anchor of one": lambda: box(anchor=(0,)),
    "plane, window not convex": lambda: box(window=((0, 0), (2, 0), (1, F(1, 4)), (0, 2))),
    "plane, corners in space": lambda: box(window=((0, 0, 0), (1, 1, 1))),
    "plane, one axis": lambda: box(axes=((1, 0),)),
    "plane, axes of another space": lambda: box(axes=((1, 0, 0), (0, 1, 0))),
    "plane, beyond": lambda: box().height((9, 9)),
    "plane, point of one": lambda: box().merge_height((0,)),
    "plane, radius": lambda: box().components(-1),
    "area, radius": lambda: plateau_area(box(metric="linf"), NAN),
    "area in l2": lambda: plateau_area(box(), 1),
    "affine, ragged": lambda: affine([[1, 2], [3]]),
    "affine, bias": lambda: affine([[1, 2]], [0, 0]),
    "affine, nothing": lambda: affine([]),
    "inner radius on a line": lambda: inner.exact_inner_radius(witnesses.fold(), [0], 1),
    "inner radius, reach": lambda: inner.exact_inner_radius(BUMP, [0, 0], 1, reach=-1),
    "inner radius, ball": lambda: inner.exact_inner_radius(BUMP, [0, 0], 1, ball="l1"),
    "highest, radius": lambda: inner.highest(BUMP, [0, 0], 0),
    "moat of two corners": lambda: inner.moat(BUMP, [0, 0], [(1, 1), (2, 2)]),
    "polyline of one node": lambda: inner.peak(BUMP, [0, 0], [(0, 0)]),
    "polyline in another space": lambda: inner.peak(BUMP, [0, 0], [(0,), (1,)]),
    "ceiling, negative": lambda: ceiling(BUMP, [0, 0], -1),
    "ceiling, NaN": lambda: ceiling(BUMP, [0, 0], NAN),
    "ceiling, another space": lambda: ceiling(BUMP, [0], 1),
    "ceiling, method": lambda: ceiling(BUMP, [0, 0], 1, method="magic"),
    "certified radius 0": lambda: inner_radius(BUMP, [0, 0], 0),
    "certified, NaN centre": lambda: inner_radius(BUMP, [NAN, 0], 1),
    "certified, digits": lambda: inner_radius(BUMP, [0, 0], 1, digits=0),
    "certified softmax": lambda: inner_radius(
        Network(blocks=(nn.Softmax(-1),), dims=(2, 2)), [0, 0], 1
    ),
    "exact sine": lambda: exact(SINE),
    "flood, connectivity": lambda: over_grid(GRID, (0, 0), connectivity=6),
    "flood, off the grid": lambda: over_grid(GRID, (3, 0)),
    "flood, a line": lambda: over_grid(np.zeros(3), (0,)),
    "flood, NaN": lambda: over_grid(GRID * NAN, (0, 0)),
    "search, two nodes": lambda: search(BUMP, A[None], B[None], nodes=2),
    "search, half steps": lambda: search(BUMP, A[None], B[None], steps=1.5),
    "search, no restarts": lambda: pair(restarts=0),
    "search, seed": lambda: pair(seed=-1),
    "search, NaN bow": lambda: pair(bow=NAN),
    "search, shell turned round": lambda: pair(shell=(2.0, 1.0)),
    "search, NaN shell": lambda: pair(shell=(NAN, 1.0)),
    "search, single points": lambda: search(BUMP, A, B),
    "search, a = b": lambda: search(BUMP, A[None], A[None]),
    "search, NaN": lambda: search(BUMP, A[None], B[None] * NAN),
    "certify, metric": lambda: certify(pair(), BUMP, A[None], metric="kl"),
    "certify, dense": lambda: certify(pair(), SINE, A[None], lipschitz=1.0, dense=0),
}


def sentence(call) -> str:
    """What the reader is told; warnings count as raw."""
    with warnings.catch_warnings(), pytest.raises(PlateauError) as raised:
        warnings.simplefilter("error")
        call()
    return str(raised.value)


def check(text: str) -> None:
    """One paragraph, short, finished."""
    assert 20 < len(text) < 320 and "\n" not in text and text.endswith(".")
    assert "Traceback" not in text and "object at 0x" not in text


@pytest.mark.parametrize("call", PATHS.values(), ids=PATHS)
def test_paths_say_what_is_wrong(call):
    check(sentence(call))


@pytest.mark.parametrize("call", HEIGHTS.values(), ids=HEIGHTS)
def test_heights_and_slices_say_what_is_wrong(net, call):
    check(sentence(lambda: call(net)))


@pytest.mark.parametrize("call", EXACT.values(), ids=EXACT)
def test_exact_and_certified_geometry_say_what_is_wrong(call):
    check(sentence(call))


def test_the_table_is_long_enough():
    assert len(PATHS) + len(HEIGHTS) + len(EXACT) >= 150
