"""How plateau-like curves are: ``measures.curves`` on labelled results; several side by side."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter
from plateaus.experiments.readouts import read
from plateaus.measures import curves
from plateaus.progress import bar


def sharpness(result: xr.Dataset) -> xr.Dataset:
    """Four numbers for every curve of an ``interpolate`` result; dims without ``alpha``.

    Returns:
        ``slope`` and ``slope_rho``, the maximum slopes of d(alpha)/d(1) and of rho; ``half_exit``,
        the half-exit index at r = d(1)/2; ``width``, alpha(rho = 0.9) - alpha(rho = 0.1). An even
        straight line has 1, 1, 1 and 0.8. A slope is at most ``steps - 1`` where its curve stays
        within [0, 1].
    """
    d, rho = _of(result, "distance"), _of(result, "relative_distance")
    found = {
        "slope": (maximum_slope(d), "maximum slope of d(α)/d(1)"),
        "slope_rho": (maximum_slope(rho), "maximum slope of ρ"),
        "half_exit": (half_exit(d), "half-exit index φ at r = d(1)/2"),
        "width": (width(rho), "α(ρ = 0.9) − α(ρ = 0.1)"),
    }
    measured = {
        name: values.assign_attrs(long_name=words, units="1")
        for name, (values, words) in found.items()
    }
    return xr.Dataset(measured, attrs=result.attrs)


def slopes(result: xr.Dataset) -> xr.DataArray:
    """Maximum slope of d(alpha)/d(1) where the stream leaves the last block, of ``interpolate`` or
    ``sharpness``; dims ``pair`` and what else the result has.
    """
    if isinstance(result, xr.Dataset) and "slope" in result:
        return read(result.slope)
    return maximum_slope(read(_of(result, "distance")))


def widths(result: xr.Dataset) -> xr.DataArray:
    """The same for the width of rho."""
    if isinstance(result, xr.Dataset) and "width" in result:
        return read(result.width)
    return width(read(_of(result, "relative_distance")))


def maximum_slope(curve: xr.DataArray) -> xr.DataArray:
    """Maximum finite-difference slope along ``alpha``; 1 for a straight curve."""
    return _along_alpha(curves.maximum_slope, curve)


def half_exit(curve: xr.DataArray) -> xr.DataArray:
    """Half-exit index of d(alpha)/d(1) at half the way to the end; 1 for a straight curve."""
    return _along_alpha(lambda d: curves.half_exit_index(d, 0.5), curve)


def width(curve: xr.DataArray) -> xr.DataArray:
    """alpha(0.9) - alpha(0.1) along ``alpha``; 0.8 for a straight curve."""
    return _along_alpha(curves.width, curve)


def over(
    dim: str,
    each: Mapping[Hashable, Any],
    experiment: Callable[[Any], xr.Dataset],
    **attrs: str,
) -> xr.Dataset:
    """One experiment on several things (seeds, checkpoints, models), side by side along ``dim``.

    Args:
        each: what the experiment is given, by its label on the new dim.
        attrs: what is said of all of them together, such as the ``model`` of several checkpoints.
    """
    if not isinstance(each, Mapping) or not callable(experiment):
        raise BadParameter(
            f"Results along {dim!r} are those of a function of each of a mapping, got a "
            f"{type(each).__name__} and a {type(experiment).__name__}: give both."
        )
    if not each:
        raise BadParameter(f"Results stand side by side along {dim!r}, got none: give one or more.")
    labels = xr.DataArray(list(each), dims=dim, name=dim)
    found = [experiment(x) for x in bar(each.values(), dim)]
    return xr.concat(found, dim=labels, combine_attrs="drop_conflicts").assign_attrs(attrs)


def _of(result: xr.Dataset, name: str) -> xr.DataArray:
    if not isinstance(result, xr.Dataset) or name not in result:
        raise BadParameter(
            f"Curves have the variable {name!r}, got {_shown(result)[:80]}: give what "
            "experiments.interpolate returns."
        )
    return result[name]


def _shown(result: object) -> str:
    return str(list(result)) if isinstance(result, xr.Dataset) else repr(result)


def _along_alpha(measure: Callable[[Tensor], Tensor], curve: xr.DataArray) -> xr.DataArray:
    if "alpha" not in getattr(curve, "dims", ()):
        along = ", ".join(map(str, getattr(curve, "dims", ()))) or type(curve).__name__
        raise BadParameter(
            f"A curve runs along the dim 'alpha', got {along}: give one of experiments.interpolate."
        )
    return xr.apply_ufunc(
        lambda c: measure(torch.as_tensor(c)).numpy(), curve, input_core_dims=[["alpha"]]
    )
