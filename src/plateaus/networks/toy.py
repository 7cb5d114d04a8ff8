"""The toy architectures by name: the proposal's network and what is left when one part is taken
away.
"""

from __future__ import annotations

from plateaus.errors import UnknownModel
from plateaus.networks.residual import ResidualMLP

ARCHITECTURES = {
    "residual": {},
    "no-norm": {"normalisation": None},
    "no-skip": {"skip": False},
    "gelu": {"activation": "gelu"},
    "linear": {"normalisation": None, "activation": "identity"},
}
"""Name -> what differs from the proposal's network. "linear" is an affine map of the same depth: it
has no plateaus.
"""


def build(
    name: str = "residual", *, inputs: int = 2, width: int = 16, blocks: int = 20, outputs: int = 2
) -> ResidualMLP:
    """An untrained toy network of that name; its weights come from torch's current seed.

    Raises:
        UnknownModel: no architecture of that name.
    """
    if name not in ARCHITECTURES:
        raise UnknownModel(
            f'There is no toy network "{name}"; these can be trained here: '
            f"{', '.join(ARCHITECTURES)}."
        )
    return ResidualMLP(
        inputs=inputs, width=width, blocks=blocks, outputs=outputs, **ARCHITECTURES[name]
    )
