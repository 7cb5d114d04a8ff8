"""Evidence: datasets in, what ``run.claim`` takes out; one function for each criterion of a rule.

``run.claim("J4", **evidence.slope_gain(trained, step_0))``: the function has the criterion's name,
the model is that of its first dataset, and controls are given in the order of the rule. The rules,
their thresholds and the wording of their controls are in ``book/claims.yaml``.
"""

from plateaus.evidence.blocks import attention_frozen, mlp_frozen, rank_by_block, width_lost
from plateaus.evidence.criterion import Evidence, criterion
from plateaus.evidence.directions import (
    angle_gained,
    by_reading,
    corner_is_best,
    direction_at_last,
    flat_at_40,
    isotropic_minus_random,
    local_maximum,
    median_reach,
    optimum_at_corner,
    plateau_at_last,
    random_minus_real,
    reached,
)
from plateaus.evidence.dynamics import (
    contraction,
    expansion,
    fixed_radius,
    overlap,
    relative_radius,
)
from plateaus.evidence.interpolation import (
    difference,
    dissimilar_slope,
    every_seed,
    flat_share,
    half_exit,
    midpoints,
    rank_by_step,
    rms_difference,
    similar_slope,
    slope_gain,
    slope_left,
    slope_lost,
)
from plateaus.evidence.nesting import violations
from plateaus.evidence.published import flat_jump_flat, side_by_side
from plateaus.evidence.regions import (
    edge_gain,
    edge_share,
    edge_shares,
    meaning_against_token,
    meaning_at_equal_token,
    more_than_inside,
    number,
    size,
    switches,
)
from plateaus.evidence.superposition import half_exit_gained
from plateaus.evidence.synthetic import length_ratio, share_of_difference
from plateaus.evidence.tasks import (
    gains,
    half_exit_spread,
    labels_matter,
    spread,
)
from plateaus.evidence.training import (
    at_equal_loss,
    every_training,
    rank_by_loss,
    slope_by_depth,
    slope_by_width,
)
from plateaus.evidence.trajectories import attraction, log_contraction, over_trainings

__all__ = [
    "Evidence",
    "at_equal_loss",
    "every_training",
    "rank_by_loss",
    "share_of_difference",
    "slope_by_depth",
    "slope_by_width",
    "angle_gained",
    "attention_frozen",
    "attraction",
    "contraction",
    "expansion",
    "fixed_radius",
    "overlap",
    "over_trainings",
    "relative_radius",
    "criterion",
    "difference",
    "direction_at_last",
    "reached",
    "median_reach",
    "by_reading",
    "corner_is_best",
    "dissimilar_slope",
    "edge_gain",
    "edge_share",
    "edge_shares",
    "every_seed",
    "flat_at_40",
    "flat_jump_flat",
    "flat_share",
    "gains",
    "half_exit",
    "half_exit_gained",
    "half_exit_spread",
    "labels_matter",
    "length_ratio",
    "isotropic_minus_random",
    "local_maximum",
    "log_contraction",
    "meaning_against_token",
    "meaning_at_equal_token",
    "midpoints",
    "mlp_frozen",
    "more_than_inside",
    "number",
    "size",
    "optimum_at_corner",
    "plateau_at_last",
    "random_minus_real",
    "rank_by_block",
    "rank_by_step",
    "rms_difference",
    "side_by_side",
    "similar_slope",
    "slope_gain",
    "slope_left",
    "slope_lost",
    "spread",
    "switches",
    "violations",
    "width_lost",
]
