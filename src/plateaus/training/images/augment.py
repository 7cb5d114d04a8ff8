"""Changes to images that leave their class: pure functions of pixels and a generator, which comes
from seed and step.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

STREAMS = ("views", "shifts", "held-out views")


def generator(seed: int, stream: str, step: int) -> torch.Generator:
    """Random numbers of one step: the same whatever was drawn before, so that a resumed run goes on
    as if never stopped.

    They are drawn on the CPU even when the images are on a GPU, which then sees the same changes.
    """
    state = np.random.SeedSequence([seed, STREAMS.index(stream), step]).generate_state(
        1, np.uint64
    )[0]
    return torch.Generator().manual_seed(int(state) >> 1)


def shifted(x: Tensor, pixels: int, random: torch.Generator) -> Tensor:
    """Each image ``(batch, channels, size, size)`` moved by up to ``pixels`` whole pixels either
    way; zeros come in.
    """
    size = x.shape[-1]
    moves = torch.randint(-pixels, pixels + 1, (2, len(x), 1), generator=random).to(x.device)
    rows, columns = torch.arange(size, device=x.device) + moves
    seen = ((rows >= 0) & (rows < size))[:, None, :, None] & ((columns >= 0) & (columns < size))[
        :, None, None, :
    ]
    batch, channel = (torch.arange(n, device=x.device) for n in x.shape[:2])
    moved = x[
        batch[:, None, None, None],
        channel[:, None, None],
        rows.clamp(0, size - 1)[:, None, :, None],
        columns.clamp(0, size - 1)[:, None, None, :],
    ]
    return moved * seen


def mirrored(x: Tensor, random: torch.Generator) -> Tensor:
    """About half of the images flipped left to right."""
    chosen = (torch.rand(len(x), 1, 1, 1, generator=random) < 0.5).to(x.device)
    return torch.where(chosen, x.flip(-1), x)


def cropped(x: Tensor, smallest: float, random: torch.Generator) -> Tensor:
    """Random windows of each image, resized to the whole: area uniform in [smallest, 1], aspect
    ratio in [3/4, 4/3].
    """
    u = torch.rand(4, len(x), generator=random)
    area, ratio = smallest + (1 - smallest) * u[0], torch.exp((2 * u[1] - 1) * math.log(4 / 3))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    zero = torch.zeros_like(width)
    across, down = (
        (2 * u[2] - 1) * (1 - width),
        (2 * u[3] - 1) * (1 - height),
    )  # the window stays inside the image
    window = torch.stack(
        [torch.stack([width, zero, across], -1), torch.stack([zero, height, down], -1)], 1
    ).to(x.device)
    return F.grid_sample(
        x,
        F.affine_grid(window, list(x.shape), align_corners=False),
        padding_mode="border",
        align_corners=False,
    )


def relit(x: Tensor, strength: float, noise: float, random: torch.Generator) -> Tensor:
    """Each channel times 1 ± ``strength`` plus ± ``strength`` / 2, then noise of that standard
    deviation on every pixel.
    """
    gain, lift = (2 * torch.rand(2, *x.shape[:2], 1, 1, generator=random) - 1).to(x.device)
    grain = torch.randn(x.shape, generator=random).to(x.device)
    return x * (1 + strength * gain) + strength / 2 * lift + noise * grain


def view(
    x: Tensor, *, crop: float, flip: bool, brightness: float, noise: float, random: torch.Generator
) -> Tensor:
    """One random view of each image (pixels in [0, 1]), as in SimCLR without its blur."""
    x = cropped(x, crop, random)
    if flip:
        x = mirrored(x, random)
    return relit(x, brightness, noise, random)
