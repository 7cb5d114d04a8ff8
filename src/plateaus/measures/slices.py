"""Colours of a slice through three activations, and how sharp they are (Janiak et al.)."""

from __future__ import annotations

import numpy as np

STEEPEST = 0.2
"""The part of a slice's points, those of the steepest change, in which edges would lie."""


def colours(distances: np.ndarray) -> np.ndarray:
    """1 - d / max d: red, green and blue of the distances ``(..., 3, n, n)``, each from its own
    corner's output; dimensionless, ``(..., n, n, 3)``.
    """
    scaled = distances / distances.max(axis=(-2, -1), keepdims=True)
    return np.moveaxis(1 - scaled, -3, -1)


def change(rgb: np.ndarray) -> np.ndarray:
    """Length of the gradient of the colour at every point, ``(..., n, n)``, per grid spacing."""
    rows, columns = np.gradient(rgb, axis=(-3, -2))
    return np.sqrt((rows**2 + columns**2).sum(-1))


def edge_share(rgb: np.ndarray) -> np.ndarray:
    """Share of all colour change that lies in the fifth of the points with the steepest change.

    0.2 where colour changes evenly, 1 where it changes in at most a fifth of the points.
    """
    steep = change(rgb)
    steep = np.sort(steep.reshape(*steep.shape[:-2], -1), axis=-1)[..., ::-1]
    few = round(STEEPEST * steep.shape[-1])
    return steep[..., :few].sum(-1) / steep.sum(-1)
