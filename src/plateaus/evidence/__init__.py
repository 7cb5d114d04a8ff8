"""Evidence: datasets in, what ``run.claim`` takes out; one function for each criterion of a rule.

``run.claim("J4", **evidence.slope_gain(trained, step_0))``: the function has the criterion's name,
the model is that of its first dataset, and controls are given in the order of the rule. The rules,
their thresholds and the wording of their controls are in ``book/claims.yaml``.
"""

from plateaus.evidence.criterion import Evidence, criterion
from plateaus.evidence.interpolation import (
    attention_frozen,
    dissimilar_slope,
    every_seed,
    flat_share,
    midpoints,
    mlp_frozen,
    rank_by_block,
    rank_by_step,
    rms_difference,
    similar_slope,
    slope_gain,
    slope_left,
    slope_lost,
    width_lost,
)
from plateaus.evidence.nesting import violations
from plateaus.evidence.trajectories import attraction, log_contraction

__all__ = [
    "Evidence",
    "attention_frozen",
    "attraction",
    "criterion",
    "dissimilar_slope",
    "every_seed",
    "flat_share",
    "log_contraction",
    "midpoints",
    "mlp_frozen",
    "rank_by_block",
    "rank_by_step",
    "rms_difference",
    "similar_slope",
    "slope_gain",
    "slope_left",
    "slope_lost",
    "violations",
    "width_lost",
]
