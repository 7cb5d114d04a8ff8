"""The interpolation experiment (Janiak et al.; Shinkle & Heimersheim), for all pairs and read-outs
at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from plateaus.data.prompts import Pairs
from plateaus.errors import BadParameter
from plateaus.geometry import paths
from plateaus.measures import curves
from plateaus.networks.interventions import freeze
from plateaus.networks.language_model import LanguageModel
from plateaus.networks.network import Network

AT_ONCE = 2**21
"""Logits held at the same time (pairs x steps x vocabulary): few enough for their float64 copies to
stay in the cache.
"""
PATHS = {"segment": paths.segment, "slerp": paths.slerp}
FROZEN = {
    "intact": (),
    "attention frozen": ("attention",),
    "MLPs frozen": ("mlp",),
    "both frozen": ("attention", "mlp"),
}


def interpolate(
    lm: LanguageModel,
    pairs: Pairs,
    *,
    steps: int = 50,
    patch: int = 1,
    path: str = "segment",
    frozen: str = "intact",
    predictions: bool = True,
) -> xr.Dataset:
    """Move the last position's activation from A to B and record every later read-out.

    The activation that enters block ``patch`` at the last position is moved along ``path`` from
    that of prompt A to that of prompt B, within prompt A's context. ``patch=1`` is "after block 0",
    the published place.

    Args:
        frozen: "intact", or which sublayers are held at their mean over each path: see ``FROZEN``.
        predictions: whether to read anything after the last block; without, vocabulary-sized work
            is saved.

    Returns:
        Dims ``pair, readout, alpha``. ``distance`` is d(alpha)/d(1), ``relative_distance`` is rho;
        read-outs are "block k" (the raw stream that leaves block k), "normed" (after the final
        norm), "logits" and "probabilities". ``kl`` [nats], ``root_jsd`` [sqrt(nats)] and
        ``logit_difference`` (between the top predictions of the two ends, 0 at A and 1 at B; NaN
        where these agree) have dims ``pair, alpha``.
    """
    if path not in PATHS:
        raise BadParameter(
            f"The path is one of {', '.join(PATHS)}, got {path!r}: choose one of them."
        )
    if not 0 <= patch < len(lm):
        raise BadParameter(
            f"{lm.name} has blocks 0 to {len(lm) - 1}, got patch={patch}: patch before one of these."
        )
    size = max(1, AT_ONCE // (steps * lm.bridge.cfg.d_vocab))
    parts = [
        _interpolate(lm, pairs[i : i + size], steps, patch, path, frozen, predictions)
        for i in range(0, len(pairs), size)
    ]
    return xr.concat(parts, dim="pair").assign_attrs(
        model=lm.name,
        patch=patch,
        path=path,
        frozen=frozen,
        prompts=pairs.source,
        tokens=pairs.a.shape[1],
    )


def _interpolate(
    lm: LanguageModel,
    pairs: Pairs,
    steps: int,
    patch: int,
    path: str,
    frozen: str,
    predictions: bool,
) -> xr.Dataset:
    net = lm.at(pairs.a[:, :-1])
    start = net.states(pairs.a[:, -1:], block=patch)[:, 0]
    end = lm.at(pairs.b[:, :-1]).states(pairs.b[:, -1:], block=patch)[:, 0]
    points = PATHS[path](start, end, steps=steps)
    tail: Network = net[patch:]
    for sublayer in FROZEN[frozen]:
        tail = freeze(tail, sublayer, at=points)
    read = {f"block {patch + i}": y for i, y in enumerate(tail.trace(points)[1:])}
    if not predictions:
        return _curves(read, pairs.labels)
    last = list(read.values())[-1]
    logits = lm.logits(last)
    read |= {"normed": lm.normed(last), "logits": logits, "probabilities": logits.softmax(-1)}
    return _curves(read, pairs.labels).assign(_of_predictions(logits))


def _curves(read: dict[str, Tensor], labels: Sequence[str]) -> xr.Dataset:
    """d(alpha)/d(1) and rho of every read-out, given its outputs ``(pairs, steps, c)``."""
    dims = ("pair", "readout", "alpha")
    d, rho = (
        torch.stack([curve(y).cpu() for y in read.values()], dim=1).numpy()
        for curve in (curves.normalised_distance, curves.relative_distance)
    )
    return xr.Dataset(
        {
            "distance": (dims, d, {"long_name": "d(α) / d(1)"}),
            "relative_distance": (dims, rho, {"long_name": "ρ"}),
        },
        coords={
            "pair": list(labels),
            "readout": list(read),
            "alpha": paths.fractions(d.shape[-1]).numpy(),
        },
    )


def _of_predictions(logits: Tensor) -> dict[str, tuple]:
    """What needs the whole distribution over the vocabulary; dims ``pair, alpha``."""
    dims = ("pair", "alpha")
    return {
        "kl": (
            dims,
            curves.kl(logits).cpu().numpy(),
            {"long_name": "KL(p_A ‖ p(α))", "units": "nats"},
        ),
        "root_jsd": (
            dims,
            curves.root_jsd(logits).cpu().numpy(),
            {"long_name": "√JSD", "units": "√nats"},
        ),
        "logit_difference": (
            dims,
            _logit_difference(logits),
            {"long_name": "normalised logit difference"},
        ),
    }


def _logit_difference(logits: Tensor) -> np.ndarray:
    """Janiak et al., figure 2c: logit of A's top prediction minus that of B's, rescaled to 0 at A
    and 1 at B.
    """
    top_a, top_b = logits[:, 0].argmax(-1), logits[:, -1].argmax(-1)
    pick = lambda top: logits.double().gather(
        -1, top[:, None, None].expand(-1, logits.shape[1], 1)
    )[..., 0]  # noqa: E731
    gap = pick(top_a) - pick(top_b)
    scaled = (gap[:, :1] - gap) / (gap[:, :1] - gap[:, -1:])
    return torch.where((top_a == top_b)[:, None], torch.nan, scaled).cpu().numpy()


def maximum_slope(curve: xr.DataArray) -> xr.DataArray:
    """Maximum finite-difference slope along ``alpha``; 1 for a straight curve."""
    return xr.apply_ufunc(
        lambda c: curves.maximum_slope(torch.as_tensor(c)).numpy(),
        curve,
        input_core_dims=[["alpha"]],
    )


def width(curve: xr.DataArray) -> xr.DataArray:
    """alpha(0.9) - alpha(0.1) along ``alpha``; 0.8 for a straight curve."""
    return xr.apply_ufunc(
        lambda c: curves.width(torch.as_tensor(c)).numpy(), curve, input_core_dims=[["alpha"]]
    )
