"""Certified radii never exceed what the network allows; each deliberately wrong bound does, on a
fixed example.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from importlib import import_module

import mpmath
import numpy as np
import pytest
import torch
from torch import nn

from plateaus.errors import BadParameter, BadRadius, NotCertifiable
from plateaus.geometry import inner
from plateaus.geometry.bounds import (
    METHODS,
    ceiling,
    functions,
    inner_radius,
    interval,
    linear,
    lipschitz,
    propagate,
    singular,
)
from plateaus.geometry.bounds import radius as radius_module
from plateaus.geometry.bounds.interval import Box
from plateaus.geometry.bounds.program import Branch, Linear, Pointwise, program
from plateaus.geometry.exact import ExactNetwork, Root, exact, witnesses
from plateaus.geometry.exact.program import ReLU, Residual, affine, hinges
from plateaus.networks.network import Network
from plateaus.networks.residual import PlainMLP, ResidualMLP, network

lipschitz_module = import_module(
    "plateaus.geometry.bounds.lipschitz"
)  # its name is also its function's

GELU = Network(blocks=(nn.GELU(),), dims=(1, 1), dtype=torch.float64)
DOUBLE = ExactNetwork.of(Residual(branch=(affine([[1]]),)), inputs=1, name="x + x")
KINK = ExactNetwork.of(*hinges([[1]], [F(-1, 2)], [[100]]), inputs=1, name="100 relu(x - 1/2)")
MINUS = ExactNetwork.of(affine([[1], [1]]), affine([[1, -2]]), inputs=1, name="x - 2x")
ROUND = ExactNetwork.of(ReLU(), affine([[1]]), inputs=1, name="relu")
DIAMOND = ExactNetwork.of(*witnesses.bump().steps, inputs=2, name="bump")


def tenths() -> Network:
    """Ten weights of 0.1, whose float sum is 0.9999999999999999 and whose exact sum is above 1."""
    layer = nn.Linear(10, 1, bias=False).double().requires_grad_(False)
    layer.weight.fill_(0.1)
    return Network(blocks=(layer,), dims=(10, 1), dtype=torch.float64)


def layer_norm(gain: float = 2.0, epsilon: float = 1e-2) -> Network:
    layer = nn.LayerNorm(4, eps=epsilon).double().requires_grad_(False)
    layer.weight.fill_(gain)
    return Network(blocks=(layer,), dims=(4, 4), dtype=torch.float64)


def holds_on_line(net: Network | ExactNetwork, a: float, radius, r: float) -> bool:
    """Whether h_a < r at both ends of the radius, for maps of one variable: exactly over the
    rationals.
    """
    if isinstance(net, ExactNetwork):
        return all(abs(net([F(a) + s * F(radius)])[0] - net([a])[0]) < F(r) for s in (1, -1))
    x = torch.tensor([[a], [a + float(radius)], [a - float(radius)]], dtype=torch.float64)
    y = net(x)
    return bool(((y[1:] - y[0]).abs() < r).all())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "net, a, r",
    [(DOUBLE, 1, 1), (KINK, 0, 1), (MINUS, 0, 1), (ROUND, 1, F(1, 2)), (GELU, 2**0.5, 0.1)],
    ids=["residual", "kink", "minus", "relu", "gelu"],
)
def test_radius_is_inside(net, a, r, method):
    found = inner_radius(net, [a], r, method=method)
    assert found.value > 0
    assert holds_on_line(net, a, found.value, r)
    assert found.exact == isinstance(net, ExactNetwork)


def test_values_known_by_hand():
    assert (
        lipschitz(
            (Branch(steps=(Linear(weight=np.array([[F(1)]]), bias=np.array([F(0)])),)),), "linf"
        )
        == 2
    )
    assert inner.exact_inner_radius(DIAMOND, [-2, 0], F(1, 2)) == F(
        3, 2
    )  # the bump is half as high at (-1/2, 0)
    assert inner.highest(DIAMOND, [-2, 0], F(3, 2)) == F(1, 2)
    assert inner_radius(KINK, [0], 1, method="product").value < F(1, 100)
    assert (
        F(1, 2) < inner_radius(KINK, [0], 1, method="interval").value < F(51, 100)
    )  # 100 (x - 1/2) = 1


# --- wrong twins
# ---------------------------------------------------------------------------------------------


def wrong_gelu(monkeypatch):
    monkeypatch.setitem(
        functions.FUNCTIONS, "gelu", replace(functions.FUNCTIONS["gelu"], lipschitz=1.0)
    )


def wrong_residual(monkeypatch):
    right = lipschitz_module.of_step
    monkeypatch.setattr(
        lipschitz_module,
        "of_step",
        lambda step, norm: lipschitz_module.lipschitz(step.steps, norm)
        if isinstance(step, Branch)
        else right(step, norm),
    )


def wrong_signs(monkeypatch):
    """W low to W high, as if no weight were negative."""

    def affine_(weight, bias, box):
        shift = 0 if bias is None else bias
        return Box(low=box.low @ weight.T + shift, high=box.high @ weight.T + shift)

    monkeypatch.setattr(propagate, "affine", affine_)


def wrong_gates(monkeypatch):
    """The gate at the middle of the interval for the whole interval: a Jacobian at a point, not on
    a ball.
    """

    def slopes(kind, box):
        middle = (box.low + box.high) / 2
        return functions.slopes(kind, Box(low=middle, high=middle))

    monkeypatch.setattr(propagate, "slopes", slopes)


def wrong_lines(monkeypatch):
    """The chord without its offset: a line through the graph, not above it."""
    right = functions.lines
    monkeypatch.setattr(
        linear, "lines", lambda kind, box: replace(right(kind, box), high_offset=0 * box.low)
    )


TWINS = {
    "GELU constant 1": (wrong_gelu, "product", GELU, 2**0.5, 0.1),
    "L for 1 + L": (wrong_residual, "product", DOUBLE, 1, 1),
    "no signs": (wrong_signs, "interval", MINUS, 0, 1),
    "gates at a point": (wrong_gates, "jacobian", KINK, 0, 1),
    "chord without offset": (wrong_lines, "linear", KINK, 0, 1),
}


@pytest.mark.parametrize("twin", TWINS)
def test_wrong_bound_is_caught(twin, monkeypatch):
    break_it, method, net, a, r = TWINS[twin]
    assert holds_on_line(net, a, inner_radius(net, [a], r, method=method).value, r)
    break_it(monkeypatch)
    assert not holds_on_line(net, a, inner_radius(net, [a], r, method=method).value, r)


@pytest.mark.parametrize("method", METHODS)
def test_rounding_is_outward(method, monkeypatch):
    """sup of the sum of ten tenths over the unit box is above 1, exactly; without outward rounding
    the bound is below it.
    """
    net, exactly = tenths(), 10 * F(0.1)
    assert F(ceiling(net, [0.0] * 10, 1.0, method=method)) >= exactly > 1
    monkeypatch.setattr(interval, "UNIT", 0.0)
    monkeypatch.setattr(interval, "TINY", 0.0)
    monkeypatch.setattr(np, "nextafter", lambda x, _: x)
    assert F(ceiling(net, [0.0] * 10, 1.0, method=method)) < exactly


def test_layernorm_constant(monkeypatch):
    """Near a vector of equal entries LayerNorm stretches by max|gain| / sqrt(epsilon); a constant
    of 1 is refuted there.
    """
    net, a = layer_norm(), torch.ones(4, dtype=torch.float64)
    step = torch.tensor([1.0, -1.0, 0.0, 0.0], dtype=torch.float64) / 2**0.5

    def inside(radius: float) -> bool:
        return bool((net(a + radius * step) - net(a)).norm() < 0.1)

    assert inside(inner_radius(net, a, 0.1, method="product", metric="l2", norm="l2").value)
    assert not inside(
        1.01 * inner_radius(net, a, 0.1, method="product", metric="l2", norm="l2").value
    )  # and sharp there
    monkeypatch.setattr(lipschitz_module, "normalisation", lambda step, norm: 1.0)
    assert not inside(inner_radius(net, a, 0.1, method="product", metric="l2", norm="l2").value)


# --- networks of many kinds
# ----------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("metric", ["l1", "l2", "linf"])
@pytest.mark.parametrize("normalisation", [None, "layernorm"])
@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "tanh"])
def test_ceiling_is_above_samples(activation, normalisation, metric, norm):
    torch.manual_seed(1)
    module = ResidualMLP(
        inputs=3,
        width=5,
        blocks=1,
        outputs=2,
        normalisation=normalisation,
        activation=activation,
        depth=1,
    )
    net = network(module, dtype=torch.float64)
    a = torch.randn(3, dtype=torch.float64)
    u = torch.randn(500, 3, dtype=torch.float64)
    u = u / (u.abs().amax(-1, keepdim=True) if norm == "linf" else u.norm(dim=-1, keepdim=True))
    order = {"l1": 1, "l2": 2, "linf": float("inf")}[metric]
    for method in METHODS:
        if normalisation and method == "linear":
            continue
        for rho in (1e-3, 0.3, 3.0):
            seen = (net(a + rho * u) - net(a)).norm(dim=-1, p=order).max()
            assert float(seen) <= ceiling(net, a, rho, method=method, metric=metric, norm=norm) * (
                1 + 1e-12
            )


@pytest.mark.parametrize("method", METHODS)
def test_float_bounds_are_not_below_rational_ones(method):
    """The same network over the rationals: outward rounding may only add."""
    for seed in range(4):
        torch.manual_seed(seed)
        net = network(PlainMLP((2, 4, 3, 2)), dtype=torch.float32)
        a = torch.randn(2).tolist()
        for rho in (0.125, 1.0):
            over, exactly = (ceiling(n, a, rho, method=method) for n in (net, exact(net)))
            assert exactly <= F(over) <= exactly * (1 + F(1, 10**9))
            assert exactly >= inner.highest(exact(net), a, F(rho))


@pytest.mark.parametrize("kind", sorted(functions.FUNCTIONS))
def test_lines_and_slopes_enclose_the_graph(kind):
    function, rng = functions.FUNCTIONS[kind], np.random.default_rng(0)
    low = rng.normal(size=300) * 3
    box = Box(low=low, high=low + rng.exponential(size=300) ** 2)
    z = box.low + np.linspace(0, 1, 501)[:, None] * (box.high - box.low)
    line, slope, range_ = (
        functions.lines(kind, box),
        functions.slopes(kind, box),
        functions.image(kind, box),
    )
    value, derivative = function.value(z), function.slope(z)
    assert (line.low_slope * z + line.low_offset <= value).all() and (
        value <= line.high_slope * z + line.high_offset
    ).all()
    assert (slope.low <= derivative).all() and (derivative <= slope.high).all()
    curve, second = functions.curves(kind, box), function.curve(z)
    assert (curve.low <= second).all() and (second <= curve.high).all()
    assert (range_.low <= value).all() and (value <= range_.high).all()
    assert derivative.max() <= function.lipschitz < derivative.max() + 1e-3 or kind == "tanh"


def test_moat_and_peak():
    """The ridge between two wells, met exactly; and a square around the middle of a cone."""
    wells = ExactNetwork.of(affine([[1, 0]]), *witnesses.double_well().steps, inputs=2)
    assert inner.peak(wells, [-1, 0], [[-1, 0], [1, 0]]) == 1
    cone = ExactNetwork.of(
        *hinges([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4, [[1, 1, 1, 1]]), inputs=2
    )  # |x| + |y|
    square = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    assert inner.moat(cone, [0, 0], square) == 1
    assert inner.moat(cone, [0, 0], [(2 * x, 2 * y) for x, y in square], metric="l2") == 2


def test_exact_radius_in_both_norms():
    cone = ExactNetwork.of(
        *hinges([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4, [[1, 1, 1, 1]]), inputs=2
    )
    assert inner.exact_inner_radius(cone, [0, 0], 1) == F(
        1, 2
    )  # the corner of the square is nearest
    assert inner.exact_inner_radius(cone, [0, 0], 1, ball="l2") == Root(F(1, 2))
    assert inner.exact_inner_radius(witnesses.bump(), [-2, 0], 2) is None  # h never reaches 2
    assert inner.exact_inner_radius(cone, [0, 0], 40) == 20  # beyond the first window


def test_unbounded_plateaus_are_capped():
    flat = ExactNetwork.of(affine([[0]]), inputs=1)
    assert inner_radius(flat, [0], 1).value == 2**20


def test_errors_name_what_is_accepted():
    with pytest.raises(BadParameter, match="product, interval, jacobian, linear"):
        inner_radius(DOUBLE, [0], 1, method="magic")
    with pytest.raises(BadRadius):
        inner_radius(DOUBLE, [0], 0)
    with pytest.raises(NotCertifiable, match="LayerNorm"):
        inner_radius(layer_norm(), torch.ones(4), 1, method="linear")
    with pytest.raises(NotCertifiable, match="Softmax"):
        inner_radius(Network(blocks=(nn.Softmax(-1),), dims=(2, 2)), torch.zeros(2), 1)
    with pytest.raises(BadParameter, match="metric linf or l1"):
        inner.exact_inner_radius(DIAMOND, [0, 0], 1, metric="l2")


def test_spectral_bound_is_above_the_norm():
    rng = np.random.default_rng(0)
    for shape in ((3, 5), (6, 2), (1, 4)):
        weight = rng.normal(size=shape)
        true = np.linalg.svd(weight, compute_uv=False)[0]
        assert true <= lipschitz_module.spectral(weight) < true * 1.001
        fractions = np.array([[F(v) for v in row] for row in weight.tolist()], dtype=object)
        assert true <= float(lipschitz_module.spectral(fractions)) * (1 + 1e-12)
    assert lipschitz((Pointwise(kind="gelu"),), "l2") > 1.1289
    assert radius_module.METHODS == METHODS


GRAPHS = {
    "gelu": lambda z: z * mpmath.ncdf(z),
    "gelu_tanh": lambda z: (
        z / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (z + mpmath.mpf("0.044715") * z**3)))
    ),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
}


@pytest.mark.parametrize("kind", sorted(functions.FUNCTIONS))
def test_the_margin_for_library_functions_is_ten_times_what_they_need(kind):
    """An assumed margin, and so one that is measured, against 60 digits."""
    function, rng = functions.FUNCTIONS[kind], np.random.default_rng(2)
    parts = function.value, function.slope, function.curve
    with mpmath.workdps(60):
        for z in np.concatenate([rng.normal(size=100) * 4, [-40.0, -8.3, 0.0, 1e-9, 40.0]]):
            for order, part in enumerate(parts):
                true = mpmath.diff(GRAPHS[kind], mpmath.mpf(z), order)
                error = abs(mpmath.mpf(float(part(z))) - true)
                assert error < functions.ULPS / 10 * (1 + abs(true))


@pytest.mark.parametrize("kind", sorted(functions.FUNCTIONS))
def test_functions_turn_where_they_are_said_to(kind):
    """Zeros of the first three derivatives on [-9, 9], found by their signs on a fine grid."""
    function = functions.FUNCTIONS[kind]
    with mpmath.workdps(60):
        for order, places in enumerate((function.turns, function.bends, function.twists), start=1):
            z = [mpmath.mpf(k) / 16 + mpmath.mpf(1) / 97 for k in range(-144, 145)]
            signs = [mpmath.sign(mpmath.diff(GRAPHS[kind], x, order)) for x in z]
            found = [
                mpmath.findroot(
                    lambda x, n=order: mpmath.diff(GRAPHS[kind], x, n),
                    (u, v),
                    solver="anderson",
                    tol=1e-40,
                )
                for u, v, f, g in zip(z, z[1:], signs, signs[1:], strict=False)
                if f * g < 0
            ]
            assert [float(x) for x in found] == pytest.approx(list(places), abs=1e-14)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_a_wrong_decomposition_still_gives_a_bound(size, monkeypatch):
    """Nothing is assumed of the library: wrong factors make the bound larger, never too small."""
    weight = size * np.random.default_rng(1).normal(size=(6, 4))
    true = np.linalg.svd(weight / size, compute_uv=False)[0] * size
    right = np.linalg.svd

    def shrunk(x, **options):
        u, s, v = right(x, **options)
        return 0.9 * u, 0.8 * s, v

    assert true <= singular.singular(weight) <= true * (1 + 1e-12)
    monkeypatch.setattr(singular.np.linalg, "svd", shrunk)
    assert true <= singular.singular(weight)
    assert right(weight / size, compute_uv=False)[0] * 0.8 * size < true  # the twin that assumes


def test_a_layer_norm_stretches_more_than_its_scale_in_the_maximum_norm():
    """At equal entries, (1, -1, -1, -1) moves the first centred coordinate by 3/2."""
    norm = nn.LayerNorm(4, elementwise_affine=False, dtype=torch.float64)
    (step,) = program(Network(blocks=(norm,), dims=(4, 4), dtype=torch.float64))
    move = torch.tensor([1.0, -1, -1, -1], dtype=torch.float64) * 1e-6
    seen = float(norm(move).abs().max()) / 1e-6
    assert 1.49 / norm.eps**0.5 < seen <= lipschitz_module.of_step(step, "linf")


def test_a_product_pays_for_the_corner_of_a_box():
    """The identity of the plane moves the corner of the unit square by the square root of two."""
    plane = ExactNetwork.of(affine([[1, 0], [0, 1]]), inputs=2)
    found = ceiling(plane, [0, 0], 1, method="product", metric="l2", norm="linf")
    assert float(found) >= 2**0.5
