"""Deliberately wrong engines. Each must be caught by the property named beside it, on a fixed
example.
"""

from __future__ import annotations

from fractions import Fraction as F

from rich_networks import Case

from plateaus.geometry.exact import witnesses
from twins import engines as wrong
from twins import grids
from twins.cases import (
    CREASE,
    EDGE,
    HOOK,
    LINE,
    RIDGE,
    SHARP,
    SHEET,
    STEP,
    TILTED,
    TWO_FOLDS,
    UNFOLDED,
    VALLEY,
    WELLS,
    line_to,
    on_plane,
)

TWINS = {
    wrong.NoComponent: ("membership", on_plane(WELLS)),
    wrong.NotStrict: ("strictness", on_plane(WELLS)),
    wrong.NotStrictOnSegments: ("strictness", on_plane(WELLS)),
    wrong.OtherAnchor: ("membership", on_plane(HOOK)),
    wrong.Symmetrised: ("membership", on_plane(HOOK)),
    wrong.FacetMaximum: ("membership", CREASE),
    wrong.StraightLine: ("no_barrier", (SHEET, UNFOLDED)),
    wrong.HeightOnly: ("membership", on_plane(WELLS)),
    wrong.MissingBreakpoints: ("segment_sees_everything", EDGE),
    wrong.UnsortedBehind: ("behind_the_anchor", line_to(WELLS, F(-3))),
    wrong.PathLength: ("segment_sees_everything", WELLS),
    wrong.HeightContours: ("contours", on_plane(WELLS)),
    wrong.ReversedNesting: ("nesting", on_plane(HOOK)),
    wrong.ReversedIntervals: ("line_nesting", LINE),
    wrong.CappedRadius: ("line_nesting", LINE),
    wrong.PreimageHull: ("pull_back", TWO_FOLDS),
    wrong.YoungerRule: ("bars_count_components", on_plane(WELLS)),
    wrong.ZeroBirths: ("bars_count_components", on_plane(TILTED)),
    grids.EightAsFour: ("grid_sandwich", RIDGE),
    grids.HalvedSlack: ("grid_sandwich", VALLEY),
    grids.NoSlack: ("grid_sandwich", VALLEY),
    wrong.OneRadius: ("trade_off", SHARP),
    wrong.NotUltrametric: ("ultrametric", on_plane(WELLS)),
    wrong.NarrowBall: ("relative_distance", on_plane(LINE)),
    wrong.OneSidedStability: ("stability", on_plane(STEP)),
    wrong.NoGrowth: ("residual_growth", Case(net=witnesses.scaling(2, 2), a=(F(0),), b=(F(1),))),
    wrong.WindowBlind: ("windows", on_plane(WELLS)),
    wrong.SharedByDepth: (
        "depth_monotone",
        Case(net=witnesses.scaling(1, 3), a=(F(0),), b=(F(1),), metric="linf"),
    ),
    wrong.Touching: ("line_disjointness", LINE),
    wrong.TouchingOnPlanes: ("disjointness", on_plane(LINE)),
    wrong.OverSegment: ("segment_is_upper_bound", on_plane(LINE)),
    wrong.BelowHeight: ("height_bounds", on_plane(LINE)),
}
"""Each twin: the property that catches it, and the example on which it does."""
