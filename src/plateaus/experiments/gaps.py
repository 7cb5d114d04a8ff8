"""Gaps between neighbouring points of lines that were followed: which lie inside a plateau, and how
blocks grow them. Everything here reads a result of ``trajectories.follow``.
"""

from __future__ import annotations

import xarray as xr

from plateaus.measures import lines

OUTPUTS, HALF_WAY = "outputs", "half-way"
"""What calls a gap inside or between: the outputs, of whose distances the total is made; or the
states half-way, which know nothing of what later blocks do."""


def gap_kinds(result: xr.Dataset, called_by: str = OUTPUTS) -> xr.DataArray:
    """For each gap: both ends in one plateau ("inside"), or not ("between"); dims ``pair, gap``."""
    sides = result.plateau if called_by == OUTPUTS else result.early
    left = sides.isel(point=slice(None, -1)).rename(point="gap").drop_vars("alpha")
    right = sides.isel(point=slice(1, None)).rename(point="gap").drop_vars("alpha")
    return xr.where((left == right) & (left != lines.NEITHER), "inside", "between")


def by_block(result: xr.Dataset) -> xr.DataArray:
    """Median log c of each kind of pair at each block; dims ``kind, block``."""
    return _medians(result, result.log_ratio, result.random_log_ratio)


def running(result: xr.Dataset) -> xr.DataArray:
    """Median over pairs of the sum of log c from the first block to each; dims ``kind, block``.

    The running sum of ``by_block``, a sum of medians, is no pair's.
    """
    return _medians(
        result, *(r.cumsum("block") for r in (result.log_ratio, result.random_log_ratio))
    ).assign_coords(block=result.block)


def totals(result: xr.Dataset) -> xr.DataArray:
    """Median over pairs of the sum of log c over all blocks; dims ``kind``."""
    return _medians(result, *(r.sum("block") for r in (result.log_ratio, result.random_log_ratio)))


def later_mean(result: xr.Dataset) -> xr.DataArray:
    """Median over pairs of the mean of log c over the later half of the blocks; dims ``kind``."""
    late = slice(result.sizes["block"] // 2, None)
    both = (result.log_ratio, result.random_log_ratio)
    return _medians(result, *(r.isel(block=late).mean("block") for r in both))


def of_lines(result: xr.Dataset, called_by: str = OUTPUTS) -> xr.DataArray:
    """Each line's own means of the sum of log c over blocks; dims ``kind, pair``.

    Called by the states half-way, the sum runs over the blocks after these. NaN where a line has no
    gap of a kind.
    """
    kinds = gap_kinds(result, called_by)
    after = slice(None) if called_by == OUTPUTS else slice(result.sizes["block"] // 2, None)
    of_gaps = result.log_ratio.isel(block=after).sum("block")
    found = {kind: of_gaps.where(kinds == kind).mean("gap") for kind in ("inside", "between")}
    found["random"] = result.random_log_ratio.isel(block=after).sum("block")
    return xr.concat(found.values(), dim=xr.DataArray(list(found), dims="kind", name="kind"))


def of_blocks(result: xr.Dataset) -> xr.DataArray:
    """Each line's own means of log c at each block, gaps called by the outputs; dims ``kind, pair,
    block``. NaN where a line has no gap of a kind.
    """
    kinds = gap_kinds(result)
    found = {k: result.log_ratio.where(kinds == k).mean("gap") for k in ("inside", "between")}
    found["random"] = result.random_log_ratio
    return xr.concat(found.values(), dim=xr.DataArray(list(found), dims="kind", name="kind"))


def _medians(result: xr.Dataset, of_gaps: xr.DataArray, at_random: xr.DataArray) -> xr.DataArray:
    kinds = gap_kinds(result)
    found = {
        kind: of_gaps.where(kinds == kind).median(("pair", "gap")) for kind in ("inside", "between")
    }
    found["random"] = at_random.median("pair")
    return xr.concat(found.values(), dim=xr.DataArray(list(found), dims="kind", name="kind"))


def parts(result: xr.Dataset) -> xr.DataArray:
    """Sum over blocks of log c inside plateaus, split by the contraction identity; mean over gaps,
    dims ``part``.

    "along" is log|1 + p|, "across" is log(1 + q^2 / (1 + p)^2) / 2.
    """
    inside = gap_kinds(result) == "inside"
    along, whole = (
        result[name].sum("block").where(inside).mean() for name in ("log_along", "log_ratio")
    )
    return xr.concat(
        [along, whole - along], dim=xr.DataArray(["along", "across"], dims="part", name="part")
    )
