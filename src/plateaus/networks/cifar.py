"""The ResNets for CIFAR of He et al. (2016, section 4.2, shortcuts of option A) from a state dict.

They are in no library's format: a file holds ``state_dict`` as a training script wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plateaus.networks import state_dict, weights
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.modules import Module
from plateaus.networks.state_dict import ImageFormat

CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, with which the published networks were trained."""
WIDTHS = (16, 32, 64)
DEEPEST = 200
"""Blocks of a stage: of the published network with 1,202 layers."""
FORMAT = ImageFormat(shape=(3, 32, 32), mean=MEAN, std=STD, classes=CLASSES)
WANTED = (
    "that of a ResNet for CIFAR with three stages of 16, 32 and 64 channels and shortcuts without "
    "parameters (option A)"
)


class Residual(nn.Module):
    """ReLU(x + BN conv ReLU BN conv x); where the maps become smaller, every second pixel of x is
    kept, and channels of zeros are added on both sides.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.stride = 1 if before == after else 2
        self.more = (after - before) // 2
        self.conv1 = nn.Conv2d(before, after, 3, self.stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, before, h, w)`` to ``(batch, after, h / stride, w / stride)``."""
        added = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        kept = x[:, :, :: self.stride, :: self.stride]
        return F.relu(added + F.pad(kept, (0, 0, 0, 0, self.more, self.more)))


class CifarResNet(nn.Module):
    """Three stages of ``n`` residual blocks: 6 n + 2 layers."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        before = WIDTHS[0]
        for k, after in enumerate(WIDTHS, 1):
            blocks = [Residual(before if i == 0 else after, after) for i in range(n)]
            self.add_module(f"layer{k}", nn.Sequential(*blocks))
            before = after
        self.linear = nn.Linear(WIDTHS[-1], len(CLASSES))
        for module in self.modules():  # as the published networks were begun
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def stem(self, x: Tensor) -> Tensor:
        """ImageFormat to the first maps."""
        return F.relu(self.bn1(self.conv1(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised images ``(batch, 3, 32, 32)`` to logits ``(batch, 10)``."""
        for block in self.blocks():
            x = block(x)
        return self.linear(x.mean((2, 3)))

    def blocks(self) -> list[nn.Module]:
        """The stem, then every residual block."""
        stem = nn.Sequential(self.conv1, self.bn1, nn.ReLU())
        return [stem, *self.layer1, *self.layer2, *self.layer3]

    def readouts(self) -> dict[str, Module]:
        """The mean over places, and the logits."""
        return {"pooled": lambda maps: maps.mean((2, 3)), "logits": self.linear}


def load(
    path: Path, state: Mapping[str, Tensor], *, device: torch.device, dtype: torch.dtype
) -> ImageNetwork:
    """The network of a state dict, block by block; see ``plateaus.load``.

    Raises:
        CorruptModel: not a state dict of such a network.
    """
    depth = len({name.split(".")[1] for name in state if name.startswith("layer1.")})
    depth = min(max(1, depth), DEEPEST)
    with weights.drawn(0):
        model = CifarResNet(depth)
    state_dict.fill(path, model, state, wanted=WANTED)
    return state_dict.wrapped(
        path, model, partial(CifarResNet, depth), FORMAT, device=device, dtype=dtype
    )
