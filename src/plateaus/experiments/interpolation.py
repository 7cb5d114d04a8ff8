"""Move along a path from a to b and watch every read-out (Janiak et al.; Shinkle & Heimersheim)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import BadParameter
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.readouts import coordinates
from plateaus.experiments.runs import Part
from plateaus.experiments.sharpness import sharpness
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks.interventions import freeze
from plateaus.networks.network import Reading

Path = Callable[..., Tensor]
"""(a, b, steps=...) -> points: ``(pairs, d)`` twice to ``(pairs, steps, d)``."""
DIMS = ("pair", "readout", "alpha")


@checked
def interpolate(
    ends: Ends,
    *,
    steps: int = 50,
    path: Path = paths.segment,
    frozen: str | Sequence[str] = (),
    readouts: bool = True,
) -> xr.Dataset:
    """Curves of every pair at every read-out behind the block that the ends enter.

    Args:
        path: a function of ``plateaus.paths``, or one like them.
        frozen: sublayers ("attention", "mlp") held at their mean over each path, in every block.
        readouts: whether anything is read after the last block; without, vocabulary-sized work is
            saved.

    Returns:
        Dims ``pair, readout, alpha`` (see ``readouts``): ``distance``, d(alpha)/d(1), and
        ``relative_distance``, rho. Where logits are read also, with dims ``pair, alpha``: ``kl``
        [nats], ``root_jsd`` [sqrt(nats)] and ``logit_difference`` (between the top predictions of
        the two ends, 0 at a and 1 at b; NaN where these agree).

    Raises:
        BadParameter: no path, or a sublayer that no block has.
        BadPath: ends that no path joins.
    """
    _check(path)
    frozen = (frozen,) if isinstance(frozen, str) else tuple(_listed(frozen, "frozen"))
    parts = [_curves(part, steps, path, frozen, readouts) for part in ends.parts(steps)]
    return _labelled(xr.concat(parts, "pair"), ends, path, steps).assign_attrs(
        block_in=ends.block, frozen=", ".join(frozen)
    )


@checked
def sweep(
    ends: Ends,
    *,
    blocks: Sequence[int] | None = None,
    steps: int = 50,
    path: Path = paths.segment,
    readouts: bool = True,
) -> xr.Dataset:
    """``sharpness`` for every block that can be patched, at every later read-out.

    Args:
        blocks: those to patch; by default all from the one that the ends enter to the last.

    Returns:
        As ``sharpness``, with a dim ``block_in``; NaN where a read-out comes before the patch.

    Raises:
        BadParameter: no path, no block to patch, or one that does not exist.
    """
    _check(path)
    every = range(ends.block, ends.blocks.stop)
    blocks = list(every if blocks is None else _listed(blocks, "blocks"))
    if not blocks:
        raise BadParameter("A sweep patches at least one block, got blocks=[]: name some, or none.")
    for block in blocks:
        ends.at(block)  # refuses a block that does not exist before anything is computed
    parts = []
    for runs in ends.runs(steps):
        rows = [sharpness(_curves(runs.part(block), steps, path, (), readouts)) for block in blocks]
        deepest = max(rows, key=lambda row: row.sizes["readout"])
        padded = [_pad(row, deepest) for row in rows]
        parts.append(xr.concat(padded, xr.DataArray(blocks, dims="block_in", name="block_in")))
    return _labelled(xr.concat(parts, "pair"), ends, path, steps)


def _check(path: Path) -> None:
    if not callable(path):
        raise BadParameter(
            f"A path is a function such as plateaus.paths.slerp, got {path!r}: give the function."
        )


def _listed(values: object, name: str) -> Iterable[Any]:
    if not isinstance(values, Iterable):
        raise BadParameter(f"{name} lists what is meant, got {values!r:.60}: give a list.")
    return values


def _name(path: Path) -> str:
    """That of the function, also where some of its arguments are already given."""
    return getattr(getattr(path, "func", path), "__name__", type(path).__name__)


def _curves(
    part: Part, steps: int, path: Path, frozen: Sequence[str], readouts: bool
) -> xr.Dataset:
    points = path(part.a, part.b, steps=steps)
    net = part.net
    for sublayer in frozen:
        net = freeze(net, sublayer, at=points)
    with torch.no_grad():
        seen = net.readings(points, readouts=readouts)
    found = xr.Dataset(
        {
            "distance": _stack(curves.normalised_distance, seen, "d(α) / d(1)"),
            "relative_distance": _stack(curves.relative_distance, seen, "ρ"),
        },
        coords=coordinates(seen) | {"alpha": paths.fractions(steps).numpy()},
    )
    logits = [reading.value for reading in seen if reading.name == "logits"]
    return found.assign(_of_predictions(logits[0])) if logits else found


def _stack(curve: Callable[[Tensor], Tensor], seen: Sequence[Reading], name: str) -> tuple:
    values = torch.stack([curve(reading.value).cpu() for reading in seen], dim=1)
    return DIMS, values.numpy(), {"long_name": name, "units": "1"}


def _of_predictions(logits: Tensor) -> dict[str, tuple]:
    """What needs the whole distribution over the classes; dims ``pair, alpha``."""
    found = {
        "kl": (curves.kl, "KL(p_A ‖ p(α))", "nats"),
        "root_jsd": (curves.root_jsd, "√JSD", "√nats"),
        "logit_difference": (curves.logit_difference, "normalised logit difference", "1"),
    }
    return {
        name: (("pair", "alpha"), curve(logits).cpu().numpy(), {"long_name": words, "units": unit})
        for name, (curve, words, unit) in found.items()
    }


def _pad(row: xr.Dataset, deepest: xr.Dataset) -> xr.Dataset:
    """NaN where the read-outs of ``deepest`` come before the patch; both end with the same."""
    missing = deepest.sizes["readout"] - row.sizes["readout"]
    row = row.drop_vars(("block_out", "reading")).pad(readout=(missing, 0))
    return row.assign_coords({name: deepest[name] for name in ("block_out", "reading")})


def _labelled(result: xr.Dataset, ends: Ends, path: Path, steps: int) -> xr.Dataset:
    return result.assign_coords(pair=list(ends.labels)).assign_attrs(
        ends.attrs, path=_name(path), steps=steps, metric="l2", source=ends.source
    )
