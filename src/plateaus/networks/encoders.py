"""ResNets under torchvision's names from a state dict, as published SimCLR weights come: the
encoder with or without a classifier, under some prefix, beside a projection head that is left out.

Read are the names of torchvision (``conv1``, ``bn1``, ``layer1.0.conv1`` ..., ``fc``), by
themselves (the weights of Chen et al. 2020, converted) or behind a prefix (``encoder.``,
``backbone.`` of other trainings), and the numbers of an ``nn.Sequential`` of the same parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from plateaus.errors import CorruptModel
from plateaus.networks import state_dict, weights
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.modules import Module
from plateaus.networks.state_dict import ImageFormat

STEM = re.compile(r"(.*\.)?(conv1|0)\.weight")
NUMBERED = dict(zip("014567", "conv1 bn1 layer1 layer2 layer3 layer4".split(), strict=True))
"""What is which in ``nn.Sequential(*list(resnet.children())[:-1])``."""
PART = re.compile(r"(conv1|bn1|layer\d+)\.")
WANTED = (
    "that of a ResNet under torchvision's names, basic or bottleneck, behind at most one prefix"
)
LARGE, SMALL = 224, 32
"""Sides of images: where the first convolution is larger than 3 x 3, maps are then pooled."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The shape of a ResNet, as its tensors tell it."""

    channels: int
    stem: tuple[int, int]
    """Channels of the first maps, and the side of the first convolution."""
    inner: tuple[int, ...]
    """Channels inside the blocks of each stage."""
    depths: tuple[int, ...]
    expansion: int
    """Channels that leave a bottleneck by those inside it; 0: the blocks are basic."""
    classes: int
    """0: there is no classifier."""


class Block(nn.Module):
    """ReLU(x + convolutions and batch norms of x): two of 3 x 3, or a bottleneck of 1, 3 and 1,
    the stride at its 3 x 3; what does not fit is brought along by a convolution of 1 x 1.
    """

    def __init__(self, before: int, inner: int, expansion: int, stride: int) -> None:
        super().__init__()
        after = inner * (expansion or 1)
        sides = (1, 3, 1) if expansion else (3, 3)
        widths = (before, *[inner] * (len(sides) - 1), after)
        self.count = len(sides)
        for i, side in enumerate(sides, 1):
            step = stride if i == (2 if expansion else 1) else 1
            conv = nn.Conv2d(widths[i - 1], widths[i], side, step, side // 2, bias=False)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", nn.BatchNorm2d(widths[i]))
        self.downsample = None
        if stride != 1 or before != after:
            conv = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps."""
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = y if i == self.count else torch.relu(y)
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Stem, stages, and a classifier if there is one."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        before, side = plan.stem
        self.large = side > 3
        step = 2 if self.large else 1
        self.conv1 = nn.Conv2d(plan.channels, before, side, step, side // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(before)
        self.stages = len(plan.depths)
        for k, (inner, depth) in enumerate(zip(plan.inner, plan.depths, strict=True), 1):
            blocks = []
            for i in range(depth):
                stride = 2 if i == 0 and k > 1 else 1
                blocks.append(Block(before, inner, plan.expansion, stride))
                before = inner * (plan.expansion or 1)
            self.add_module(f"layer{k}", nn.Sequential(*blocks))
        self.fc = nn.Linear(before, plan.classes) if plan.classes else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as torchvision begins
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def blocks(self) -> list[nn.Module]:
        """The stem, then every residual block."""
        pool = [nn.MaxPool2d(3, 2, 1)] if self.large else []
        stem = nn.Sequential(self.conv1, self.bn1, nn.ReLU(), *pool)
        stages = (getattr(self, f"layer{k}") for k in range(1, self.stages + 1))
        return [stem, *(block for stage in stages for block in stage)]

    def readouts(self) -> dict[str, Module]:
        """The mean over places, and of a classifier the logits."""
        pooled: dict[str, Module] = {"pooled": lambda maps: maps.mean((2, 3))}
        return pooled if self.fc is None else pooled | {"logits": self.fc}


def found_in(path: Path, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The tensors of the one encoder in ``state`` under torchvision's names; None if none is there.

    Raises:
        CorruptModel: there are several, as where a second one follows the first.
    """
    first = {"conv1": "layer1.0.conv1.weight", "0": "4.0.conv1.weight"}
    stems = [m for name in state if (m := STEM.fullmatch(name))]
    stems = [m for m in stems if (m[1] or "") + first[m[2]] in state]
    if len(stems) > 1:
        raise CorruptModel(
            f"The state dict {path} holds {len(stems)} encoders, "
            f"{' and '.join((m[1] or '').rstrip('.') or 'one without a prefix' for m in stems)}: "
            "give a file that holds one."
        )
    if not stems:
        return None
    prefix, numbered = stems[0][1] or "", stems[0][2] == "0"
    own = {n.removeprefix(prefix): x for n, x in state.items() if n.startswith(prefix)}
    if numbered:
        parts = ((*name.partition("."), x) for name, x in own.items())
        own = {NUMBERED.get(head, head) + dot + rest: x for head, dot, rest, x in parts}
    return {name: x for name, x in own.items() if PART.match(name) or name in FC}


FC = ("fc.weight", "fc.bias")
"""Of a classifier; a projection head in its place has ``fc.0.weight`` and so on."""


def load(
    path: Path,
    state: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    *,
    device: torch.device,
    dtype: torch.dtype,
    size: int | None = None,
) -> ImageNetwork:
    """The network of the tensors ``own``, which ``found_in`` found in ``state``.

    Images have pixels from 0 to 1 as they are, as those of Chen et al. (2020) have: where a
    training subtracted a mean, ``dataclasses.replace(net, mean=..., std=...)`` says so.

    Raises:
        CorruptModel: the tensors are not those of such a network.
    """
    plan = _plan(path, own)
    with weights.drawn(0):
        model = ResNet(plan)
    state_dict.fill(path, model, own, wanted=WANTED)
    side = size or (LARGE if model.large else SMALL)
    images = ImageFormat(
        shape=(plan.channels, side, side),
        mean=(0.0,) * plan.channels,
        std=(1.0,) * plan.channels,
        classes=tuple(map(str, range(plan.classes))),
    )
    left = sorted({n.rpartition(".")[0] for n in state} - _homes(state, own))
    return state_dict.wrapped(
        path, model, partial(ResNet, plan), images, device=device, dtype=dtype, left_out=left
    )


def _homes(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> set[str]:
    """The modules of ``state`` whose tensors are among ``own``."""
    taken = {id(x) for x in own.values()}
    return {name.rpartition(".")[0] for name, x in state.items() if id(x) in taken}


def _plan(path: Path, own: Mapping[str, Tensor]) -> Plan:
    """What the shapes of the tensors say; `state_dict.fill` then holds each to it.

    Raises:
        CorruptModel: they cannot be those of a ResNet.
    """
    numbers = [re.match(r"layer(\d+)\.(\d+)\.", name) for name in own]
    deepest: dict[int, int] = {}
    for found in filter(None, numbers):
        stage, block = int(found[1]), int(found[2])
        deepest[stage] = max(deepest.get(stage, 0), block + 1)
    stages = range(1, max(deepest) + 1)
    convs = [own.get(f"layer{k}.0.conv1.weight") for k in stages]
    tensors = [own["conv1.weight"], *convs]
    blocks = sum(deepest.values())
    if any(x is None or x.ndim != 4 or 0 in x.shape for x in tensors) or blocks > len(own):
        raise CorruptModel(
            f"The state dict {path} lacks the first convolution of a stage, or one has another "
            f"shape than convolutions have: give {WANTED}, or restore the file."
        )
    last, classifier = own.get("layer1.0.conv3.weight"), own.get("fc.weight")
    return Plan(
        channels=tensors[0].shape[1],
        stem=(tensors[0].shape[0], tensors[0].shape[-1]),
        inner=tuple(x.shape[0] for x in convs),
        depths=tuple(deepest[k] for k in stages),
        expansion=0 if last is None else len(last) // tensors[1].shape[0],
        classes=0 if classifier is None else len(classifier),
    )
