"""Handwritten digits that ship with the package: 1,797 images of 8 x 8 pixels, ten classes.

``digits.csv.gz`` is the file of scikit-learn's ``load_digits``, the test set of the "Optical
Recognition of Handwritten Digits" of the UCI repository (Alpaydin and Kaynak 1998, CC BY 4.0).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from plateaus.data.image_files import load_images
from plateaus.data.images import Images
from plateaus.errors import BadParameter

NAME = "digits"
BRIGHTEST = 16
"""Of a pixel in the file."""
_HELD_OUT = 5


@cache
def table() -> tuple[np.ndarray, np.ndarray]:
    """Pixels from 0 to 16, float64 ``(1797, 64)``, and the digit each shows ``(1797,)``."""
    rows = np.loadtxt(Path(__file__).parent / "digits.csv.gz", delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def images(size: int = 32) -> Images:
    """The digits as images of ``size`` x ``size`` pixels, a multiple of 8; a fixed fifth is held
    out, as of every file without a test split.

    Raises:
        BadParameter: another size.
    """
    if type(size) is not int or size < 8 or size % 8:
        raise BadParameter(
            f"The digits are drawn on 8 x 8 pixels, got size={size!r}: give a multiple of 8."
        )
    pixels, digits = table()
    large = np.kron(pixels.reshape(-1, 8, 8), np.ones((1, size // 8, size // 8)))
    x = torch.from_numpy(np.round(large * (255 / BRIGHTEST)).astype(np.uint8))[:, None]
    order = np.random.default_rng(0).permutation(len(x))
    held, kept = order[::_HELD_OUT], np.delete(order, np.s_[::_HELD_OUT])
    y = torch.from_numpy(digits)
    return Images(
        name=NAME,
        train=x[kept],
        labels=y[kept],
        test=x[held],
        test_labels=y[held],
        names=tuple("0123456789"),
    )


def named(source: str) -> Images:
    """The digits where ``source`` is "digits", or an .npz file: see ``load_images``."""
    return images() if source == NAME else load_images(source, Path(source).stem, option="images")
