"""What contrastive training asks of features: that views of one image lie together, and that
images spread over the sphere (Wang and Isola 2020).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def alignment(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared distance between the directions of two views of each image, both ``(n, d)``: 0
    where views agree, 2 where they have nothing in common.
    """
    return (F.normalize(a, dim=-1) - F.normalize(b, dim=-1)).square().sum(-1).mean()


def uniformity(x: Tensor) -> Tensor:
    """log of the mean of exp(-2 r²) over the distances r between the directions of any two of the
    images ``(n, d)``: 0 where all coincide, and the lower the more they spread.
    """
    squared = F.pdist(F.normalize(x, dim=-1)).square()
    return torch.logsumexp(-2 * squared, 0) - math.log(len(squared))
