"""The propositions as checks: each takes an engine and a case, and fails if the engine contradicts
it on that case.
"""

from properties.depth import depth_monotone, no_barrier, pull_back, residual_growth, stability
from properties.grids import grid_sandwich
from properties.lines import (
    behind_the_anchor,
    line_disjointness,
    line_nesting,
    relative_distance,
    segment_sees_everything,
    trade_off,
)
from properties.planes import (
    bars_count_components,
    contours,
    disjointness,
    height_bounds,
    membership,
    nesting,
    quasi_metric,
    segment_is_upper_bound,
    strictness,
    ultrametric,
    windows,
)

KINDS = {
    "pair": [no_barrier],
    "chain": [pull_back, depth_monotone, residual_growth],
    "line": [
        line_nesting,
        line_disjointness,
        segment_sees_everything,
        behind_the_anchor,
        trade_off,
    ],
    "plane": [
        membership,
        strictness,
        disjointness,
        nesting,
        segment_is_upper_bound,
        segment_sees_everything,
        height_bounds,
        contours,
        quasi_metric,
        bars_count_components,
        grid_sandwich,
        ultrametric,
        relative_distance,
        windows,
        stability,
    ],
}
"""Which properties take which kind of case."""
NAMES = {kind: [check.__name__ for check in checks] for kind, checks in KINDS.items()}
