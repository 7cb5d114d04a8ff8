"""Evidence from fields of plateaus, exact or sampled: what Proposition 3.3 forbids."""

from __future__ import annotations

import xarray as xr

from plateaus.evidence.criterion import criterion
from plateaus.measures.plateaus import nesting_violations, recipe_errors
from plateaus.measures.statistics import Measured, count


@criterion
def violations(*fields: xr.Dataset) -> tuple[Measured, Measured]:
    """Points in a smaller plateau and not in a larger one, over all fields and pairs of radii.

    Control: points on which the recipe "in the larger ball but not in the smaller" errs.
    """
    radii = fields[0].sizes["radius"]
    broken, wrong = (sum(map(each, fields)) for each in (nesting_violations, recipe_errors))
    return count(broken, among=radii), count(wrong, among=radii)
