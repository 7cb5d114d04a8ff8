"""Closed-form Jacobian norms against automatic differentiation, and the wrong formulas that it
tells apart.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.func import jacrev, vmap

from plateaus.measures import jacobians
from plateaus.measures.jacobians import Normalised

POINTS, D, M = 4, 5, 7  # m != d: a transposed matrix is a shape error
SEEDS = st.integers(0, 10_000)
EPSILONS = st.floats(
    0.1, 1.0
)  # with 1e-5 the constants kappa and 1/d differ by 1e-4 and a wrong one would pass


@pytest.fixture(autouse=True, scope="module")
def several_blocks():
    """Kernels of seven neurons in blocks of three, so that all kinds of blocks occur."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jacobians, "BLOCK", 3)
        yield


def drawn(seed: int, *shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def normalise(x: Tensor, kind: str, eps: float, gain: Tensor) -> Tensor:
    if kind == "layernorm":
        return torch.nn.functional.layer_norm(x, x.shape[-1:], gain, eps=eps)
    return torch.nn.functional.rms_norm(x, x.shape[-1:], gain, eps=eps)


def dense(function, x: Tensor) -> tuple[Tensor, Tensor]:
    """Squared Frobenius norm and trace of the Jacobian at every point, by reverse mode."""
    jacobian = vmap(jacrev(function))(x)
    return jacobian.square().sum((1, 2)), jacobian.diagonal(dim1=1, dim2=2).sum(-1)


def case(seed: int, kind: str, eps: float):
    x, gain, w_in, w_out = drawn(seed, (POINTS, D), (D,), (M, D), (D, M))
    x_hat = Normalised.of(x, kind=kind, eps=eps)
    slope = 1 - torch.tanh((x_hat.hat * gain) @ w_in.T) ** 2
    exact = dense(lambda p: w_out @ torch.tanh(w_in @ normalise(p, kind, eps, gain)), x)
    return x_hat, gain, w_in, w_out, slope, exact


@given(SEEDS)
def test_the_norm_and_trace_of_an_mlp(seed):
    x, w_in, w_out = drawn(seed, (POINTS, D), (M, D), (D, M))
    slope = 1 - torch.tanh(x @ w_in.T) ** 2
    norm, trace = jacobians.mlp(w_in, w_out, slope)
    exact_norm, exact_trace = dense(lambda p: w_out @ torch.tanh(w_in @ p), x)
    assert torch.allclose(norm, exact_norm) and torch.allclose(trace, exact_trace)


@pytest.mark.parametrize("kind", ["layernorm", "rmsnorm"])
@given(seed=SEEDS, eps=EPSILONS)
def test_the_norm_and_trace_behind_a_normalisation(kind, seed, eps):
    *arguments, (exact_norm, exact_trace) = case(seed, kind, eps)
    norm, trace = jacobians.normalised_mlp(*arguments)
    assert torch.allclose(norm, exact_norm) and torch.allclose(trace, exact_trace)


@pytest.mark.parametrize("kind", ["layernorm", "rmsnorm"])
@given(seed=SEEDS, eps=EPSILONS)
def test_the_norm_of_a_gated_mlp(kind, seed, eps):
    x, gain, w_gate, w_up, w_down = drawn(seed, (POINTS, D), (D,), (M, D), (M, D), (D, M))

    def gated(p: Tensor) -> Tensor:
        y = normalise(p, kind, eps, gain)
        return w_down @ (torch.nn.functional.silu(w_gate @ y) * (w_up @ y))

    norm = jacobians.gated_mlp(Normalised.of(x, kind=kind, eps=eps), gain, w_gate, w_up, w_down)
    assert torch.allclose(norm, dense(gated, x)[0])


def test_a_kernel_by_blocks_is_the_whole_form_and_its_twins_are_not():
    w_in, w_out, slope = drawn(0, (M, D), (D, M), (POINTS, M))
    full = ((slope @ ((w_in @ w_in.T) * (w_out.T @ w_out))) * slope).sum(-1)
    kernel = jacobians.kernel_of(w_in, w_out)
    assert torch.allclose(jacobians._square(slope, kernel), full)
    once = kernel.clone()
    once[3:, :3] /= 2  # not doubled
    assert not torch.allclose(jacobians._square(slope, once), full, rtol=1e-3)


def _rank_one_dropped(x, gain, w_in, w_out, slope):
    return jacobians.mlp(x.through(w_in, gain), w_out, slope)[0] / x.scale[:, 0] ** 2


def _one_over_d(x, gain, w_in, w_out, slope):
    moved = (slope * (x.hat @ x.through(w_in, gain).T)) @ w_out.T
    return (
        _rank_one_dropped(x, gain, w_in, w_out, slope)
        - moved.square().sum(-1) / D / x.scale[:, 0] ** 2
    )


def _not_centred(x, gain, w_in, w_out, slope):
    return jacobians.normalised_mlp(
        Normalised(hat=x.hat, scale=x.scale, centred=False), gain, w_in, w_out, slope
    )[0]


def _scale_forgotten(x, gain, w_in, w_out, slope):
    return jacobians.normalised_mlp(x, gain, w_in, w_out, slope)[0] * x.scale[:, 0] ** 2


@pytest.mark.parametrize("twin", [_rank_one_dropped, _one_over_d, _not_centred, _scale_forgotten])
def test_wrong_formulas_are_told_apart(twin):
    *arguments, (exact, _) = case(0, "layernorm", 0.5)
    assert ((twin(*arguments) / exact - 1).abs() > 0.01).all()


def test_with_a_small_epsilon_the_wrong_constant_would_pass():
    """Why eps is drawn from [0.1, 1] above."""
    *arguments, (exact, _) = case(0, "layernorm", 1e-5)
    assert ((_one_over_d(*arguments) / exact - 1).abs() < 1e-3).all()
