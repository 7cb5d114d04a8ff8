"""Exact geometry of piecewise-linear networks over the rationals."""

from plateaus.geometry.exact import program, witnesses
from plateaus.geometry.exact.convert import exact, floating
from plateaus.geometry.exact.landscape import centres, landscape, random_wells
from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.polygons import plateau_area, polygons
from plateaus.geometry.exact.program import ExactNetwork
from plateaus.geometry.exact.raster import raster
from plateaus.geometry.exact.roots import Level, Root
from plateaus.geometry.exact.segment import ExactSegment, Interval
from plateaus.geometry.exact.tree import Bar, bars

__all__ = [
    "Bar",
    "ExactNetwork",
    "ExactPlane",
    "ExactSegment",
    "Interval",
    "Level",
    "Root",
    "bars",
    "centres",
    "exact",
    "floating",
    "landscape",
    "plateau_area",
    "polygons",
    "program",
    "random_wells",
    "raster",
    "witnesses",
]
