"""Heights h_a(x) = D(f(a), f(x)): what "the output hardly changes" is measured in."""

from __future__ import annotations

import math

from torch import Tensor

from plateaus.errors import BadParameter, BadPoints

METRICS = ("l1", "l2", "linf", "kl")


def check_metric(metric: str) -> str:
    """The name itself.

    Raises:
        BadParameter: not one of ``METRICS``.
    """
    if metric not in METRICS:
        raise BadParameter(
            f"A plateau is measured in {', '.join(METRICS)}, not in {metric!r}: choose one of "
            "these."
        )
    return metric


def steepness(metric: str, outputs: int) -> float:
    """How fast D(c, y) can change with y, per unit of Euclidean length in R^outputs; rounded up.

    "l1" has sqrt(outputs). "kl" has sqrt 2: its gradient q - p, a difference of two distributions,
    is never longer. "l2" and "linf" have 1.
    """
    squared = {"l1": outputs, "kl": 2}.get(check_metric(metric), 1)
    return math.nextafter(math.sqrt(squared), math.inf) if squared > 1 else 1.0


def heights(y: Tensor, centre: Tensor, metric: str = "l2") -> Tensor:
    """D(centre, y) in float64; ``(..., c)`` and ``(c,)`` give ``(...)``.

    "kl" is the Kullback-Leibler divergence KL(softmax centre || softmax y) of *logits*, in nats. A
    ball needs no symmetry: only that y -> D(centre, y) is continuous and vanishes at the centre.
    """
    if not y.ndim or not centre.ndim or y.shape[-1] != centre.shape[-1]:
        raise BadPoints(
            f"Heights compare outputs of one dimension, got shapes {tuple(y.shape)} and "
            f"{tuple(centre.shape)}."
        )
    y, centre = y.double(), centre.double()
    if check_metric(metric) == "kl":
        p, q = centre.log_softmax(-1), y.log_softmax(-1)
        return (p.exp() * (p - q)).sum(-1).clamp_min(0)  # rounding may give -1e-17
    difference = y - centre
    match metric:
        case "l1":
            return difference.abs().sum(-1)
        case "linf":
            return difference.abs().amax(-1)
        case _:
            return difference.norm(dim=-1)
