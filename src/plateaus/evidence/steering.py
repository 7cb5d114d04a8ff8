"""Evidence from ``experiments.steering``: what foretells the dose that changes a prediction (P5).

Intervals are over prompts, each with all of its vectors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.measures.statistics import Measured, measured

Array = np.ndarray
FACTOR = 1.5
"""A foretold dose is called right within this factor."""


def over_prompts(*values: Array, statistic: Callable[..., float]) -> Measured:
    """A statistic of the entries that are finite in all ``values`` ``(prompts, vectors)``; prompts
    that have none are left out, the others are drawn whole.
    """
    usable = np.isfinite(values).all(0)
    rows = np.flatnonzero(usable.any(1)).astype(float)

    def of(drawn: Array) -> float:
        i = drawn.astype(int)
        return statistic(*(x[i][usable[i]] for x in values))

    return measured(rows, statistic=of)


def spearman(x: Array, y: Array) -> float:
    """Rank correlation; 0 where one of them is constant.

    Thousands of resamples ask for it: several times as fast as the library's, and equal to it.
    """
    p, q = _ranks(x), _ranks(y)
    spread = np.sqrt((p @ p) * (q @ q))
    return float(p @ q / spread) if spread > 0 else 0.0


def _ranks(x: Array) -> Array:
    """Ranks about their mean; ties share theirs."""
    ordered = np.sort(x)
    ranks = np.searchsorted(ordered, x, "left") + np.searchsorted(ordered, x, "right")
    return (ranks - len(x)) / 2


def foretellers(result: xr.Dataset) -> dict[str, Array]:
    """What might foretell the dose of the change, ``(prompts, vectors)``, in doses.

    Norms count to four digits: vectors made equally long are to be ties, not ranked by rounding.
    """
    norms = np.array([float(f"{x:.4g}") for x in result.norm.values])
    longer = np.broadcast_to(1 / norms, result.flip.shape)
    return {"exit": result.exit.values, "gradient": result.gradient.values, "norm": longer}


@criterion
def rank(result: xr.Dataset) -> tuple[Measured, Measured, Measured]:
    """P5; controls: one over the norm of the vector, and the dose of straight logits."""
    from_ = foretellers(result)
    found = [
        over_prompts(result.flip.values, from_[k], statistic=spearman)
        for k in ("exit", "norm", "gradient")
    ]
    return found[0], found[1], found[2]


def in_lengths(result: xr.Dataset) -> Measured:
    """The same correlation once the vectors' norms are taken out of both.

    Lengths count to six digits: equal ones, as doses read at a step are, are to be ties.
    """
    norm = result.norm.values
    flip, out = (x * norm / np.nanmax(x * norm) for x in (result.flip.values, result.exit.values))
    return over_prompts(flip.round(6), out.round(6), statistic=spearman)


def beyond(result: xr.Dataset, other: str) -> Measured:
    """The correlation of the change with the exit minus that with another foreteller."""
    from_ = foretellers(result)
    return over_prompts(
        result.flip.values, from_["exit"], from_[other],
        statistic=lambda flip, own, x: spearman(flip, own) - spearman(flip, x),
    )  # fmt: skip


def all_counted(result: xr.Dataset, *, last: bool) -> Measured:
    """The correlation of change and exit if pairs whose prediction never changes count as well: at
    the largest dose, or ``last`` of all.
    """
    flip = result.flip.values
    never = 2 * np.nanmax(flip) if last else np.broadcast_to(result.largest.values, flip.shape)
    changed = np.where(np.isnan(flip), never, flip)
    return over_prompts(changed, result.exit.values, statistic=spearman)


def by_vector(result: xr.Dataset) -> dict[str, str]:
    """The correlation of change and exit over the prompts of each vector alone."""
    flip, out = result.flip.values, result.exit.values
    return {
        str(vector): f"{over_prompts(flip[:, [j]], out[:, [j]], statistic=spearman):.2f}"
        for j, vector in enumerate(result.vector.values)
    }


def _factor(off: Array) -> float:
    return float(np.exp(np.median(off)))


def _median_ratio(x: Array, y: Array) -> float:
    return float(np.median(x / y))


@criterion
def ratio(result: xr.Dataset) -> tuple[Measured, Measured]:
    """P5; control: the exit along the next vector in the list, in that vector's doses."""
    flip, out = result.flip.values, result.exit.values
    own = over_prompts(flip, out, statistic=_median_ratio)
    return own, over_prompts(flip, np.roll(out, -1, axis=1), statistic=_median_ratio)


def share_between(result: xr.Dataset, low: float = 0.8, high: float = 1.25) -> float:
    """Share of the changes whose dose is ``low`` to ``high`` times that of the exit."""
    times = (result.flip / result.exit).values
    times = times[np.isfinite(times)]
    return float(np.mean((times > low) & (times < high)))


def rules(result: xr.Dataset) -> pd.DataFrame:
    """Rules for someone who steers, fitted on every other prompt and tried on the rest.

    Each foretells a constant times one quantity: the columns have the constant, the median factor
    by which it is wrong, the share of doses that it gets right within a factor of 1.5, and the
    share of changes of which it foretells nothing.
    """
    flip, rows = result.flip.values, {}
    for name, x in foretellers(result).items():
        log = np.log(flip) - np.log(x)
        constant = np.nanmedian(log[::2])
        off = np.abs(log[1::2] - constant)
        changed = np.isfinite(flip[1::2]).sum()
        wrong = over_prompts(off, statistic=_factor)
        rows[name] = {
            "constant": f"{np.exp(constant):.2f}",
            "wrong by a factor of": f"{wrong:.2f}",
            f"within {FACTOR}": f"{np.nansum(off < np.log(FACTOR)) / changed:.2f}",
            "says nothing": f"{1 - np.isfinite(off).sum() / changed:.2f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("foretold by")


def factors(result: xr.Dataset, one: str, other: str) -> Measured:
    """The factor by which the rule of ``one`` is wrong over that of ``other``, on prompts that
    neither was fitted on.
    """
    off = []
    for name in (one, other):
        log = np.log(result.flip.values) - np.log(foretellers(result)[name])
        off.append(np.abs(log[1::2] - np.nanmedian(log[::2])))
    return over_prompts(*off, statistic=lambda x, y: _factor(x) / _factor(y))


def compared(result: xr.Dataset) -> dict[str, str]:
    """The exit beside what needs no plateau, as the rows of a table: the correlations, what the
    changes that never come would make of them, and the factors by which the rules are wrong.

    Of the factor against the gradient only the interval is told; its middle is not repeatable on
    another processor.
    """
    low, high = factors(result, "exit", "gradient").ci
    size, slope = (beyond(result, other) for other in ("norm", "gradient"))
    wrong = factors(result, "exit", "norm")
    at_last, after_all = (all_counted(result, last=last) for last in (False, True))
    return {
        "correlation with the exit minus that with the length": f"{size:.2f}",
        "correlation with the exit minus that with the gradient": f"{slope:.2f}",
        "with the exit, if no change counts as the largest dose": f"{at_last:.2f}",
        "with the exit, if no change counts as later than all": f"{after_all:.2f}",
        "error of the exit's rule over that of the length's": f"{wrong:.2f}",
        "error of the exit's rule over that of the gradient's": f"{low:.2f} to {high:.2f}",
        "error of the exit's rule on a vector not fitted on": f"{unseen(result, 'exit'):.2f}",
        "error of the length's rule on a vector not fitted on": f"{unseen(result, 'norm'):.2f}",
    }


def unseen(result: xr.Dataset, name: str) -> float:
    """The median factor by which a rule is wrong of vectors that its constant was not fitted on,
    each in turn.
    """
    log = np.log(result.flip.values) - np.log(foretellers(result)[name])
    others = [np.nanmedian(np.delete(log, j, axis=1)) for j in range(log.shape[1])]
    off = np.abs(log - others)
    return _factor(off[np.isfinite(off)])
