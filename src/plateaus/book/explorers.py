"""What the reader's explorers need of a trained network, as a script that a page loads from anywhere.

A page opened from a folder may not fetch files; a script that assigns a constant works everywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from plateaus.networks.residual import ResidualMLP

VARIABLE = "plateauNetworks"


def stored(module: ResidualMLP) -> dict[str, object]:
    """Weights of a residual perceptron with LayerNorm and ReLU, in the order of its forward pass.

    Returns:
        Shapes, and ``weights``: base64 of little-endian float32, for each layer the gains (or the
        matrix, row by row) and then the biases; what ``network.js`` decodes.
    """
    layers = [module.encoder]
    for block in module.trunk:
        layers += [layer for layer in block.branch if isinstance(layer, nn.LayerNorm | nn.Linear)]
    layers += [layer for layer in module.head if isinstance(layer, nn.LayerNorm | nn.Linear)]
    flat = torch.cat([p.detach().flatten() for layer in layers for p in (layer.weight, layer.bias)])
    return {
        "inputs": module.encoder.in_features,
        "width": module.encoder.out_features,
        "blocks": len(module.trunk),
        "outputs": module.head[-1].out_features,
        "skip": module.trunk[0].skip,
        "weights": base64.b64encode(flat.numpy().astype("<f4").tobytes()).decode(),
    }


def script(modules: Mapping[str, ResidualMLP]) -> str:
    """A script that sets ``window.plateauNetworks`` to the named networks."""
    networks = {name: stored(module) for name, module in modules.items()}
    return f"window.{VARIABLE} = {json.dumps(networks)};\n"


def write(modules: Mapping[str, ResidualMLP], folder: Path) -> Path:
    """Write the script as ``networks.js`` into ``folder``."""
    file = folder / "networks.js"
    file.write_text(script(modules), encoding="utf-8")
    return file
