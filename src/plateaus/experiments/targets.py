"""Where directions start and what they lead to: real, random and isotropic activations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPoints
from plateaus.experiments.ends import Ends
from plateaus.measures import dynamics


def real(ends: Ends, seed: int) -> Tensor:
    """Activations of unrelated prompts: the second ends, dealt out anew.

    Short prompts may occur in several pairs, and from an activation to itself no direction leads:
    such a pair changes its target with another one, which can be done wherever the two ends of
    every pair differ.

    Raises:
        BadPoints: more than half of all ends are one activation.
    """
    a, b, generator = ends.a, ends.b, np.random.default_rng(seed)
    order = torch.from_numpy(generator.permutation(len(ends))).to(b.device)
    for i in _equal(a, b[order]).nonzero()[:, 0].tolist():
        free = ~_equal(a[i], b[order]) & ~_equal(a, b[order[i]])
        if not free.any():
            raise BadPoints(
                f"More than half of the ends of {len(ends)} pairs in {ends.attrs['model']} are one "
                "activation, and no direction leads to where it starts: give longer prompts."
            )
        j = generator.choice(free.nonzero()[:, 0].cpu())
        order[[i, j]] = order[[j, i]]
    return b[order]


def _equal(a: Tensor, b: Tensor) -> Tensor:
    """Whether two activations are those of equal prompts, up to the last bits of their runs."""
    return (a - b).norm(dim=-1) < 1e-4 * a.norm(dim=-1)


def random(ends: Ends, seed: int) -> Tensor:
    """Normal points with the mean and the covariance of the real activations."""
    return dynamics.matched(torch.cat([ends.a, ends.b]), len(ends), seed=seed)


def isotropic(ends: Ends, seed: int) -> Tensor:
    """Normal points without a direction of their own, as long as real activations on average."""
    drawn = np.random.default_rng(seed).standard_normal(tuple(ends.a.shape))
    points = torch.from_numpy(drawn).to(ends.a)
    return points / points.norm(dim=-1, keepdim=True) * ends.a.norm(dim=-1).mean()


KINDS: dict[str, Callable[[Ends, int], Tensor]] = {
    "real": real, "random": random, "isotropic": isotropic,
}  # fmt: skip
"""What a base point, or the target of a direction, may be.

:meta hide-value:
"""


def corner_targets(ends: Ends, corners: tuple[str, str, str], seed: int) -> list[Tensor]:
    """The targets at the corners of the triangles of a seed, ``(pairs, d)`` each."""
    if not isinstance(corners, tuple | list) or len(corners) != 3 or {*corners} - {*KINDS}:
        raise BadParameter(
            f"The corners are three of {', '.join(KINDS)}, got {corners!r:.80}: name three."
        )
    return [KINDS[kind](ends, 3 * seed + i) for i, kind in enumerate(corners)]
