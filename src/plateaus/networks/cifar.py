"""The ResNets for CIFAR of He et al. (2016, section 4.2, shortcuts of option A) from a state dict.

They are in no library's format: a file holds ``state_dict`` as a training script wrote it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plateaus.errors import CorruptModel, UnknownModel
from plateaus.networks import weights
from plateaus.networks.loaded import ImageNetwork
from plateaus.networks.modules import from_modules
from plateaus.networks.network import softmax
from plateaus.networks.source import first_line

CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, with which the published networks were trained."""
SHAPE, WIDTHS = (3, 32, 32), (16, 32, 64)


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
        """Images to the first maps."""
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


def load(file: str | os.PathLike, *, device: torch.device, dtype: torch.dtype) -> ImageNetwork:
    """The network of a state dict, block by block; see ``plateaus.load``.

    Tensors alone are read of the file, and no program code; ``module.`` before their names, which
    several GPUs leave behind, is taken off.

    Raises:
        UnknownModel: no such file; CorruptModel: not a state dict of such a network.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        raise UnknownModel(f"There is no file {path}: give one that holds a state dict.")
    state = _read(path)
    depth = len({name.split(".")[1] for name in state if name.startswith("layer1.")})
    with weights.drawn(0):
        model = CifarResNet(max(1, depth))
    _fits(path, model.state_dict(), state)
    model.load_state_dict(state, strict=False)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    about = {"source": str(path.name), "checkpoint": "final", "sha256": digest, "dtype": str(dtype)}

    def wrap(model: CifarResNet, name: str, **changed: str) -> ImageNetwork:
        model = model.to(device, dtype).eval().requires_grad_(False)
        net = from_modules(
            model.blocks(),
            torch.zeros(SHAPE, device=device, dtype=dtype),
            readouts={"pooled": lambda maps: maps.mean((2, 3)), "logits": model.linear},
            name=name,
        )
        net = replace(net, readouts={**net.readouts, "probabilities": softmax})
        return ImageNetwork(
            **{f.name: getattr(net, f.name) for f in fields(net)},
            provenance={**about, **changed},
            shape=SHAPE,
            mean=MEAN,
            std=STD,
            classes=CLASSES,
            untrained=untrained,
        )

    def untrained(seed: int) -> ImageNetwork:
        with weights.drawn(seed):
            fresh = CifarResNet(depth)
        changed = {"checkpoint": f"untrained, seed {seed}", "sha256": "none"}
        return wrap(fresh, f"{path.stem}@untrained-{seed}", **changed)

    return wrap(model, path.stem)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError,
            pickle.UnpicklingError, zipfile.BadZipFile) as error:  # fmt: skip
        raise CorruptModel(
            f"{path} could not be read as tensors ({first_line(error)[:120]}): restore the file; "
            "one that holds program code is never run."
        ) from None
    found = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(x, Tensor) for x in found.values()):
        raise CorruptModel(
            f"{path} holds no state dict, but a {type(found).__name__}: give a file of named "
            "tensors, by themselves or under the key state_dict."
        )
    return {name.removeprefix("module."): tensor for name, tensor in found.items()}


def _fits(path: Path, wanted: dict[str, Tensor], state: dict[str, Tensor]) -> None:
    """Every tensor there, of its shape and finite; counters of batches may lack."""
    for name, like in wanted.items():
        if name.endswith("num_batches_tracked"):
            continue
        given = state.get(name)
        if given is None:
            fault = f"lacks {name}"
        elif given.shape != like.shape:
            fault = f"has {name} of shape {tuple(given.shape)} instead of {tuple(like.shape)}"
        elif not torch.isfinite(given).all():
            fault = f"has numbers in {name} that are not finite"
        else:
            continue
        raise CorruptModel(
            f"The state dict {path} {fault}: give that of a ResNet for CIFAR with three stages of "
            "16, 32 and 64 channels, or restore the file."
        )
    surplus = sorted(set(state) - set(wanted))
    if surplus:
        raise CorruptModel(
            f"The state dict {path} holds {surplus[0]}, for which a ResNet for CIFAR has no place: "
            "give one with shortcuts without parameters (option A)."
        )
