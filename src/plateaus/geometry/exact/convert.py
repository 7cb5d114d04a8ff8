"""From a float network to the same network over the rationals, and back for drawing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from plateaus.errors import BadParameter, NotPiecewiseLinear
from plateaus.geometry.exact.program import Affine, ExactNetwork, ReLU, Residual, Step, affine
from plateaus.networks.network import Network
from plateaus.networks.residual import BranchBlock, ResidualBlock


def exact(net: Network) -> ExactNetwork:
    """The map that the weights of ``net`` define in exact arithmetic, readout included.

    Every float is a rational number, so nothing is approximated; the float network itself rounds
    after each operation and differs from this map by that rounding.

    Raises:
        NotPiecewiseLinear: a block is not made of Linear, ReLU, identity and residual steps.
    """
    return ExactNetwork(
        blocks=tuple(_steps(stage) for stage in stages(net)), inputs=net.dims[0], name=net.name
    )


def stages(net: Network) -> tuple[Callable, ...]:
    """The blocks and, as the last stage, the readout."""
    if not hasattr(net, "blocks"):
        raise BadParameter(
            f"Blocks are those of a network, got {str(net)[:80]}: give a plateaus.Network."
        )
    return (*net.blocks, *([] if net.readout is None else [net.readout]))


def _steps(stage: Callable) -> tuple[Step, ...]:
    match stage:
        case nn.Linear():
            return (_linear(stage),)
        case nn.ReLU():
            return (ReLU(),)
        case nn.Identity():
            return ()
        case nn.Sequential():
            return tuple(step for part in stage for step in _steps(part))
        case ResidualBlock():
            branch = _steps(stage.branch)
            return (Residual(branch=branch),) if stage.skip else branch
        case BranchBlock(frozen=None):
            return _steps(stage.block)
        case _:
            raise NotPiecewiseLinear(
                f"A {type(stage).__name__} has no exact piecewise-linear form: exact geometry "
                "takes Linear, ReLU and "
                "residual blocks without normalisation; use a sampled slice with a Lipschitz bound "
                "for other networks."
            )


def _linear(layer: nn.Linear) -> Affine:
    weight = layer.weight.detach().double().tolist()
    return affine(
        weight, [0.0] * len(weight) if layer.bias is None else layer.bias.detach().double().tolist()
    )


def floating(net: ExactNetwork, *, dtype: torch.dtype = torch.float64) -> Network:
    """The same program in floating point, block by block: for pictures and for comparison."""
    return Network(
        blocks=tuple(_modules(block, dtype) for block in net.blocks),
        dims=net.dims,
        name=net.name,
        dtype=dtype,
    )


def _modules(steps: tuple[Step, ...], dtype: torch.dtype) -> nn.Sequential:
    return nn.Sequential(*(_module(step, dtype) for step in steps)).requires_grad_(False)


def _module(step: Step, dtype: torch.dtype) -> nn.Module:
    match step:
        case ReLU():
            return nn.ReLU()
        case Residual():
            block = ResidualBlock(0, normalisation=None, activation="relu", skip=True, depth=0)
            block.branch = _modules(step.branch, dtype)
            return block
        case _:
            shape = len(step.weight[0]), len(step.weight)
            layer = nn.utils.skip_init(nn.Linear, *shape, dtype=dtype)  # draws no random numbers
            weight = [[float(v) for v in row] for row in step.weight]
            layer.weight.data = torch.tensor(weight, dtype=dtype)
            layer.bias.data = torch.tensor([float(v) for v in step.bias], dtype=dtype)
            return layer
