"""Certified bounds: how far one can move in activation space before the output can have changed by
r.
"""

from plateaus.geometry.bounds.interval import Box
from plateaus.geometry.bounds.lipschitz import lipschitz
from plateaus.geometry.bounds.program import program
from plateaus.geometry.bounds.radius import METHODS, InnerRadius, ceiling, inner_radius

__all__ = ["METHODS", "Box", "InnerRadius", "ceiling", "inner_radius", "lipschitz", "program"]
