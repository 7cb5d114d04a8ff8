"""Experiments: ``Ends`` in, labelled datasets out; each runs on every network."""

from plateaus.experiments.ends import Ends
from plateaus.experiments.interpolation import interpolate, sweep
from plateaus.experiments.published import flat_jump_flat
from plateaus.experiments.readouts import read, through_blocks
from plateaus.experiments.sharpness import maximum_slope, over, sharpness, slopes, width, widths

__all__ = [
    "Ends",
    "flat_jump_flat",
    "interpolate",
    "maximum_slope",
    "over",
    "read",
    "sharpness",
    "slopes",
    "sweep",
    "through_blocks",
    "width",
    "widths",
]
