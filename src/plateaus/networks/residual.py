"""Plain and residual perceptrons: the proposal's toy networks, as torch modules and as
``Network``.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor, nn

from plateaus.errors import BadParameter
from plateaus.networks.network import Network, classifier
from plateaus.shapes import shown

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
ACTIVATIONS = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}


def normaliser(kind: str | None, width: int) -> nn.Module:
    """LayerNorm, RMSNorm or nothing, on vectors of ``width``."""
    return (
        {"layernorm": nn.LayerNorm, "rmsnorm": nn.RMSNorm}[kind](width) if kind else nn.Identity()
    )


def _check(value: object, known: tuple[object, ...], what: str) -> None:
    if value not in known:
        raise BadParameter(
            f"The {what} of a perceptron is one of {', '.join(map(repr, known))}, got "
            f"{shown(value)}: choose one of them."
        )


def _counted(least: int = 1, **numbers: object) -> None:
    for name, value in numbers.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise BadParameter(
                f"A perceptron needs {name} of at least {least}, got {value!r}: give a whole "
                "number."
            )


class ResidualBlock(nn.Module):
    """g(x) = x + F(x), F = ``depth`` x [normalise, activate, Linear] (pre-activation, as in the
    proposal).

    With ``skip=False`` g = F: the fully connected control of the same size.
    """

    def __init__(
        self, width: int, *, normalisation: str | None, activation: str, skip: bool, depth: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers += [
                normaliser(normalisation, width),
                ACTIVATIONS[activation](),
                nn.Linear(width, width),
            ]
        self.branch = nn.Sequential(*layers)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.skip else self.branch(x)


class ResidualMLP(nn.Module):
    """Linear(in -> d), ``blocks`` residual blocks on R^d, then [normalise, activate, Linear(d ->
    out)].

    The author's toy network (Nonaka 2026, section 4) at its defaults; normalisation, activation
    and skip connections are switches so that each can be taken away alone.
    """

    def __init__(
        self,
        *,
        inputs: int = 2,
        width: int = 16,
        blocks: int = 20,
        outputs: int = 2,
        normalisation: str | None = "layernorm",
        activation: str = "relu",
        skip: bool = True,
        depth: int = 2,
        tied: bool = False,
    ) -> None:
        """``tied``: all blocks are one, applied again and again."""
        super().__init__()
        _check(normalisation, (None, "layernorm", "rmsnorm"), "normalisation")
        _check(activation, tuple(ACTIVATIONS), "activation")
        _counted(inputs=inputs, width=width, outputs=outputs, depth=depth)
        _counted(0, blocks=blocks)
        self.encoder = nn.Linear(inputs, width)
        self.trunk = nn.ModuleList(
            ResidualBlock(
                width, normalisation=normalisation, activation=activation, skip=skip, depth=depth
            )
            for _ in range(min(1, blocks) if tied else blocks)
        )
        self.again = blocks if tied else 1
        self.head = nn.Sequential(
            normaliser(normalisation, width), ACTIVATIONS[activation](), nn.Linear(width, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.encoder(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)

    @property
    def blocks(self) -> list[ResidualBlock]:
        """What is applied, in its order; tied weights are one block many times."""
        return [*self.trunk] * self.again


class PlainMLP(nn.Module):
    """Linear layers of the given ``widths`` (input first, output last) with an activation between
    them.
    """

    def __init__(self, widths: tuple[int, ...], *, activation: str = "relu") -> None:
        super().__init__()
        _check(activation, tuple(ACTIVATIONS), "activation")
        if not isinstance(widths, list | tuple):
            raise BadParameter(
                f"The widths of a perceptron are a tuple, got {widths!r:.60}: give (2, 16, 1), say."
            )
        _counted(
            **{f"widths[{i}]": width for i, width in enumerate(widths)}, layers=len(widths) - 1
        )
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x if i == 0 else self.activation(x))
        return x


@dataclass(frozen=True, kw_only=True)
class BranchBlock:
    """A residual block whose branch can be read (``with_parts``) and held fixed (``freeze``)."""

    block: ResidualBlock
    frozen: Tensor | None = None
    """If given, stands in for F(x) at every x; shape ``(d,)``."""

    def with_parts(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """g(x), and what the branch adds to the stream: {"mlp": F(x)}."""
        branch = self.block.branch(x) if self.frozen is None else self.frozen.expand_as(x)
        return (x + branch if self.block.skip else branch), {"mlp": branch}

    def freeze(self, sublayer: str, value: Tensor) -> BranchBlock:
        """This block with F held at ``value``; a sublayer it does not have changes nothing."""
        return BranchBlock(block=self.block, frozen=value) if sublayer == "mlp" else self

    def __call__(self, x: Tensor) -> Tensor:
        return self.with_parts(x)[0]


def network(
    module: ResidualMLP | PlainMLP, *, name: str | None = None, dtype: torch.dtype | None = None
) -> Network:
    """A trained or untrained module as a ``Network``.

    Residual: block 0 is the encoder, blocks 1 ... N the residual blocks, the readout is the head,
    so that ``net[1:]`` lives on R^d: the "logits" of a classifier, of which "probabilities" are
    made, or with a single output the "output" of a regression. Plain: one block for each Linear
    with the activation before it. The network owns a copy of the weights: training on does not
    change it.

    Args:
        dtype: convert the weights, e.g. to float64 where differences of near-equal numbers decide.
    """
    if not isinstance(module, ResidualMLP | PlainMLP):
        raise BadParameter(
            "A ResidualMLP or a PlainMLP is made into a network here, got "
            f"{type(module).__name__}: give other modules to plateaus.from_modules."
        )
    if dtype is not None and dtype not in FLOATING:
        raise BadParameter(f"Weights are floating-point numbers, got dtype={dtype!r}: give one.")
    module = copy.deepcopy(module).eval().requires_grad_(False)
    if dtype is not None:
        module = module.to(dtype)
    weight = next(module.parameters())
    common = {"name": name or type(module).__name__, "dtype": weight.dtype, "device": weight.device}
    if isinstance(module, PlainMLP):
        first, rest = module.layers[0], module.layers[1:]
        blocks = (first, *(nn.Sequential(module.activation, layer) for layer in rest))
        dims = (first.in_features, *(layer.out_features for layer in module.layers))
        return Network(blocks=blocks, dims=dims, **common)
    trunk = tuple(BranchBlock(block=block) for block in module.blocks)
    width, outputs = module.encoder.out_features, module.head[-1].out_features
    dims = (module.encoder.in_features, *([width] * (len(trunk) + 1)))
    readouts = {"output": module.head} if outputs == 1 else classifier(module.head)
    return Network(
        blocks=(module.encoder, *trunk),
        dims=dims,
        readout=module.head,
        readouts=readouts,
        **common,
    )
