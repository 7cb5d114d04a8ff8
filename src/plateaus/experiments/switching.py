"""Neurons that switch on or off along paths, between a tenth and nine tenths of the way of the
output; and the same number counted without a gap in a small ReLU network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import torch
import xarray as xr
from torch import Tensor

from plateaus.errors import UnsupportedModel
from plateaus.experiments.ends import Ends
from plateaus.experiments.given import checked
from plateaus.experiments.runs import Part
from plateaus.geometry import paths
from plateaus.geometry.exact import ExactNetwork, ExactSegment, exact
from plateaus.geometry.exact.pieces import chart, coordinates, push, vertex
from plateaus.geometry.exact.program import point
from plateaus.measures import curves
from plateaus.measures.switching import between, sign_changes
from plateaus.networks.network import Network
from plateaus.networks.perceptron import perceptron
from plateaus.networks.residual import PlainMLP, network

BOUNDARY = (0.1, 0.9)
"""d(alpha)/d(1) where a boundary begins and ends."""
WIDTHS = (2, 24, 24, 24, 2)
"""Of the small ReLU network."""


@checked
def switching(ends: Ends, *, steps: int = 50) -> xr.Dataset:
    """Sign changes of the pre-activations of every MLP behind the patch, gates where it is gated.

    Returns:
        Dim ``pair``: ``crossed``, those between d(alpha)/d(1) = 0.1 and 0.9, each reached for the
        first time; ``whole``, on the whole segment; NaN where the MLPs of the architecture cannot
        be read. ``length`` of the segment where it enters the patched block; ``low`` and ``high``,
        the places of the two.
    """
    parts = [_part(part, steps) for part in ends.parts(steps)]
    return xr.concat(parts, "pair").assign_coords(pair=list(ends.labels)).assign_attrs(
        ends.attrs, steps=steps, block_in=ends.block, source=ends.source
    )  # fmt: skip


def dissimilar(ends: Ends) -> Ends:
    """The half of the pairs whose ends predict differently: the larger root Jensen-Shannon
    divergence between them.
    """
    apart = torch.cat([_divergence(p.net, torch.stack([p.a, p.b], 1)) for p in ends.parts(2)])
    return ends[(apart >= apart.quantile(0.5)).nonzero().flatten().tolist()]


def _divergence(net: Network, x: Tensor) -> Tensor:
    """Of the predictions at the two ends ``(P, 2, d)``, [sqrt(nats)]; ``(P,)``."""
    with torch.no_grad():
        return curves.root_jsd(net.reading("logits")(x))[:, -1]


def _part(part: Part, steps: int) -> xr.Dataset:
    x = paths.segment(part.a, part.b, steps=steps)
    found = {"length": (part.b - part.a).double().norm(dim=-1)}
    with torch.no_grad():
        y, places = _through(part.net, x)
        low, high = found["low"], found["high"] = _bounds(y)
        nan, zero = torch.full_like(low, torch.nan), torch.zeros_like(low)
        found["crossed"] = between(*places, low, high) if places else nan
        found["whole"] = between(*places, zero, zero + 1) if places else nan
    return xr.Dataset({name: ("pair", v.cpu().numpy()) for name, v in found.items()})


def _through(net: Network, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """What leaves the last block, and the sign changes on the way, if all can be read."""
    y, found = x, []
    for block in net.blocks:
        try:
            mlp = perceptron(block, y[:, :2])
            after, parts = block.with_parts(y)
        except UnsupportedModel:
            return net.reading(None)(x), ()
        found.append(sign_changes(mlp.switches(y + parts["attention"])))
        y = after
    return y, tuple(map(torch.cat, zip(*found, strict=True)))


def against_exact(
    *, pairs: int = 20, steps: int = 50, widths: Sequence[int] = WIDTHS, seed: int = 0
) -> xr.Dataset:
    """The same count, of ``steps`` points of a segment, beside the exact one: every kink of every
    neuron of a small ReLU network with random weights, in rational arithmetic.

    Returns:
        Dim ``pair``: ``counted`` and ``exact``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = network(PlainMLP(tuple(widths), activation="relu"), dtype=torch.float64)
        a, b = 3 * torch.randn(2, pairs, widths[0], dtype=torch.float64)
    with torch.no_grad():
        *z, y = net.trace(paths.segment(a, b, steps=steps))[1:]
    counted = sum(between(*sign_changes(v), *_bounds(y)) for v in z)
    exactly = [_exactly(exact(net), *ends) for ends in zip(a.tolist(), b.tolist(), strict=True)]
    data = {"counted": ("pair", counted.numpy()), "exact": ("pair", exactly)}
    return xr.Dataset(data, attrs={"model": net.name, "steps": steps})


def _bounds(y: Tensor) -> tuple[Tensor, Tensor]:
    """Alpha where outputs ``(P, steps, c)`` first reach the ends of ``BOUNDARY``, each ``(P,)``."""
    d = curves.normalised_distance(y)
    return tuple(curves.crossing(d, level) for level in BOUNDARY)


def _exactly(program: ExactNetwork, a: list[float], b: list[float]) -> int:
    """Kinks between the first exits of the output from a tenth and nine tenths of its way."""
    a, b = point(a), point(b)
    line = ExactSegment.of(program, a, b)
    end = Fraction(float(line.height(1)))
    low, high = (line.component(Fraction(at) * end).high for at in BOUNDARY)
    whole = vertex((Fraction(0),)), vertex((Fraction(1),))
    along = tuple(v - u for u, v in zip(a, b, strict=True))
    pieces = push(program.steps, chart(a, along, region=whole))
    return sum(low <= coordinates(piece.region[0])[0] <= high for piece in pieces)


def together(
    trained: Mapping[str, Mapping[str, xr.Dataset]], step_0: Mapping[str, Mapping[str, xr.Dataset]]
) -> xr.Dataset:
    """Results of ``switching`` (model -> kind of pairs -> result), all pairs along ``row``, with
    the coordinates ``model``, ``weights`` and ``kind``.
    """
    rows = [
        found.assign_coords(pair=range(found.sizes["pair"])).expand_dims(
            model=[name], weights=[weights], kind=[kind]
        ).stack(row=("model", "weights", "kind", "pair")).reset_index("row")
        for weights, models in (("trained", trained), ("step 0", step_0))
        for name, kinds in models.items()
        for kind, found in kinds.items()
    ]  # fmt: skip
    return xr.concat(rows, "row", combine_attrs="drop_conflicts")
