"""Which arithmetic a slice is computed in: rationals, proved bounds in float64, or samples."""

from __future__ import annotations

from plateaus.errors import BadParameter
from plateaus.geometry.exact.convert import exact
from plateaus.geometry.exact.program import Affine, ExactNetwork, Residual, Step
from plateaus.networks.network import Network

EXACT_UNITS = 1000
"""Networks with more units than this are not sliced exactly unless asked: it may take minutes."""
ARITHMETIC = ("auto", "exact", "bounded", "sampled")


def chosen(
    arithmetic: str, metric: str, network: Network | ExactNetwork, rational: ExactNetwork | None
) -> str:
    """One of ``ARITHMETIC[1:]``; "auto" takes the first that is possible and cheap.

    Args:
        rational: the network over the rationals, or None if it is not piecewise linear.

    Raises:
        BadParameter: another word, or exact and bounded answers in "kl".
        NotPiecewiseLinear: exact or bounded answers about another network.
    """
    if arithmetic not in ARITHMETIC:
        raise BadParameter(
            f"Slices are {', '.join(ARITHMETIC)}, not {arithmetic!r}: choose one of these."
        )
    if arithmetic == "sampled":
        return arithmetic
    if arithmetic == "auto":
        if metric == "kl" or rational is None:
            return "sampled"
        return "exact" if _units(rational.steps) <= EXACT_UNITS else "bounded"
    if metric == "kl":
        raise BadParameter(
            "Exact and bounded slices exist in l1, l2 and linf, not in kl: use "
            "arithmetic='sampled'."
        )
    if rational is None:
        exact(network)  # raises, naming the block
    return arithmetic


def _units(steps: tuple[Step, ...]) -> int:
    """Output coordinates of all affine steps: a measure of what exact slicing costs."""
    return sum(
        len(step.bias)
        if isinstance(step, Affine)
        else _units(step.branch)
        if isinstance(step, Residual)
        else 0
        for step in steps
    )
