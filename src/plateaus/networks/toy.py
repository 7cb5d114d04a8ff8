"""The toy architectures by name: the proposal's network and what is left when one part is taken
away; trained ones are read from the folder that ``plateaus train toy`` exported.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import torch
from safetensors.torch import load_file

from plateaus.errors import CorruptModel, UnknownModel
from plateaus.networks.embedded import verify
from plateaus.networks.loaded import LoadedNetwork
from plateaus.networks.residual import ResidualMLP, network
from plateaus.networks.source import RECORD, Source, checkpoints, find, mapping

ARCHITECTURES = {
    "residual": {},
    "no-norm": {"normalisation": None},
    "no-skip": {"skip": False},
    "gelu": {"activation": "gelu"},
    "tanh": {"activation": "tanh"},
    "tied": {"tied": True},
    "plain": {"skip": False, "normalisation": None},
    "linear": {"normalisation": None, "activation": "identity"},
}
"""Name -> what differs from the proposal's network. "plain" has neither skip connections nor
normalisation; "linear" is an affine map of the same depth: it has no plateaus.
"""

DEEPEST = 10_000
"""Blocks of a network that is read; tied ones are stored once, however often they are applied."""


def build(
    name: str = "residual", *, inputs: int = 2, width: int = 16, blocks: int = 20, outputs: int = 2
) -> ResidualMLP:
    """An untrained toy network of that name; its weights come from torch's current seed.

    Raises:
        UnknownModel: no architecture of that name.
    """
    if name not in tuple(ARCHITECTURES):
        raise UnknownModel(
            f'There is no toy network "{name}"; these can be trained here: '
            f"{', '.join(ARCHITECTURES)}."
        )
    return ResidualMLP(
        inputs=inputs, width=width, blocks=blocks, outputs=outputs, **ARCHITECTURES[name]
    )


def load(source: Source, *, device: torch.device, dtype: torch.dtype | None) -> LoadedNetwork:
    """One of the networks in a folder of ``plateaus train toy``: see ``plateaus.load``.

    Raises:
        CorruptModel: files missing, damaged, or not those of the recorded architecture.
    """
    folder, names = source.folder, checkpoints(source.folder)
    if not names:
        raise CorruptModel(
            f"{folder} holds no networks (seed-<s>/step-<n>.safetensors): train them with "
            "`plateaus train toy`, or give the directory of another model."
        )
    asked = [n for n in names if source.at is None or source.at in (n, *n.split("/"))]
    seed = asked[0].split("/")[0]
    name = [n for n in asked if n.startswith(f"{seed}/")][-1]
    digests = verify(folder, under=seed, required=source.shipped)
    with source.reading("networks"):
        module = _module(folder, name)
    dtype = dtype or next(module.parameters()).dtype
    net = network(module.to(device), name=source.title, dtype=dtype)

    def checkpoint(step: str) -> LoadedNetwork:
        at = step if "/" in step else f"{seed}/{step}"
        return load(find(source.home, at), device=device, dtype=dtype)

    return LoadedNetwork(
        **{f.name: getattr(net, f.name) for f in fields(net)},
        provenance={
            "source": source.name if source.shipped else folder.name,
            "checkpoint": name,
            "sha256": digests.get(f"{name}.safetensors", "not recorded"),
            "dtype": str(dtype).removeprefix("torch."),
        },
        checkpoints=tuple(n.removeprefix(f"{seed}/") for n in names if n.startswith(f"{seed}/")),
        checkpoint=checkpoint,
    )


def _module(folder: Path, name: str) -> ResidualMLP:
    """The network in one file, of the architecture that the folder's record names."""
    settings = mapping(folder / RECORD)["settings"]
    weights = load_file(folder / f"{name}.safetensors")
    width, inputs = weights["encoder.weight"].shape
    blocks, outputs = settings["blocks"], [k for k in weights if k.startswith("head.")]
    stored = len({key.split(".")[1] for key in weights if key.startswith("trunk.")})
    tied = ARCHITECTURES.get(settings["architecture"], {}).get("tied", False)
    if type(blocks) is not int or stored != (1 if tied else blocks) or not 0 <= blocks <= DEEPEST:
        raise ValueError(f"{RECORD} names {blocks!r} blocks, and {stored} are stored")
    module = build(
        settings["architecture"],
        inputs=inputs,
        width=width,
        blocks=blocks,
        outputs=len(weights[sorted(outputs)[-1]]),
    ).to(weights["encoder.weight"].dtype)
    module.load_state_dict(weights)
    bad = [key for key, value in weights.items() if not torch.isfinite(value).all()]
    if bad:
        raise ValueError(f"{bad[0]} holds numbers that are NaN or infinite")
    return module
