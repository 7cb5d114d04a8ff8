"""Paths hit their ends, keep their promises about norm and direction, and refuse what leads
nowhere.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plateaus.errors import BadPath
from plateaus.geometry import paths

VECTORS = st.lists(st.floats(-10, 10, width=32), min_size=3, max_size=3).map(torch.tensor)


def naive_slerp(a, b, steps):
    """The wrong twin: acos of the absolute cosine, as in published code; wrong for obtuse
    angles.
    """
    u, v = a / a.norm(), b / b.norm()
    angle = torch.acos((u @ v).abs())
    t = torch.linspace(0, 1, steps)[:, None]
    return (((1 - t) * angle).sin() * u + (t * angle).sin() * v) / angle.sin()


@settings(derandomize=True, max_examples=100, deadline=None)
@given(a=VECTORS, b=VECTORS)
def test_slerp_keeps_the_sphere_and_the_pace(a, b):
    cosine = (a.double() @ b.double()) / (a.double().norm() * b.double().norm()).clamp_min(1e-9)
    if a.norm() < 1e-2 or b.norm() < 1e-2 or cosine < -0.999 or torch.equal(a, b):
        return
    x = paths.slerp(a, b, steps=9).double()
    assert torch.equal(x[0].float(), a) and torch.equal(x[-1].float(), b)
    norms = torch.lerp(a.double().norm(), b.double().norm(), torch.linspace(0, 1, 9).double())
    assert torch.allclose(x.norm(dim=-1), norms, rtol=1e-4)
    u = x / x.norm(dim=-1, keepdim=True)
    steps = 2 * torch.asin(((u[1:] - u[:-1]).norm(dim=-1) / 2).clamp_max(1))
    assert torch.allclose(steps, steps.mean().expand_as(steps), atol=2e-4)  # equal angles


def test_slerp_is_right_where_the_naive_formula_is_wrong():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([-0.6, 0.8])  # 127 degrees
    x = paths.slerp(a, b, steps=5)
    half = math.acos(-0.6) / 2
    assert torch.allclose(x[2], torch.tensor([math.cos(half), math.sin(half)]), atol=1e-6)
    assert not torch.allclose(naive_slerp(a, b, 5)[2].norm(), torch.tensor(1.0), atol=1e-2)


def test_slerp_of_parallel_vectors_is_finite():
    a = torch.tensor([1.0, 2.0, 2.0])
    x = paths.slerp(a, 3 * a, steps=5)
    assert torch.allclose(x, paths.segment(a, 3 * a, steps=5), atol=1e-5)
    assert torch.isnan(naive_slerp(a, 3 * a, 5)).any()


def test_segments_hit_both_ends_exactly_and_batch():
    a, b = torch.randn(4, 7), torch.randn(4, 7)
    x = paths.segment(a, b, steps=11)
    assert x.shape == (4, 11, 7) and torch.equal(x[:, 0], a) and torch.equal(x[:, -1], b)
    assert torch.allclose(x[:, 5], (a + b) / 2, atol=1e-6)
    assert torch.allclose(paths.segment(b, a, steps=11).flip(1), x, atol=1e-6)


def test_rays():
    a, v = torch.tensor([3.0, 4.0, 0.0]), torch.tensor([1.0, 1.0, 5.0])
    assert torch.allclose((paths.ray(a, v)[-1] - a).norm(), a.norm())
    x = paths.sphere_ray(a, v, degrees=180, steps=181)
    assert torch.allclose(x.norm(dim=-1), torch.full((181,), 5.0), atol=1e-5)
    assert torch.allclose(x[-1], -a, atol=1e-5) and torch.allclose(
        x[90] @ a, torch.tensor(0.0), atol=1e-4
    )


def test_the_plane_passes_through_its_three_points():
    a, b, c = torch.randn(3, 6)
    x = paths.plane(a, b, c, steps=7)
    assert torch.allclose(x[1, 1], a, atol=1e-5) and torch.allclose(x[1, 5], b, atol=1e-5)
    e1, e2 = paths.plane_axes(a, b, c)
    assert abs(e1 @ e2) < 1e-4 and x.shape == (7, 7, 6)
    shift = ((c - a) @ e1) / (e1 @ e1)
    assert torch.allclose(a + shift * e1 + e2, c, atol=1e-5)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: paths.segment(torch.ones(3), torch.ones(3)), "identical end points"),
        (lambda: paths.segment(torch.ones(3), torch.zeros(3), steps=1), "at least 2 steps"),
        (lambda: paths.segment(torch.ones(3), torch.full((3,), torch.nan)), "NaN"),
        (lambda: paths.slerp(torch.ones(3), torch.zeros(3)), "zero vector"),
        (lambda: paths.slerp(torch.ones(3), -torch.ones(3)), "opposite"),
        (lambda: paths.sphere_ray(torch.ones(3), torch.ones(3)), "direction"),
        (lambda: paths.plane(torch.zeros(2), torch.ones(2), 2 * torch.ones(2)), "one line"),
    ],
)
def test_paths_that_lead_nowhere_are_refused(call, sentence):
    with pytest.raises(BadPath, match=sentence):
        call()
