"""The page on adding a network or a measurement: its code runs, in order, as printed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

PAGE = Path(__file__).resolve().parents[2] / "book" / "extend.md"


def test_the_page_runs_as_printed():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 4
    assert all(len(block.strip().splitlines()) <= 10 for block in blocks), (
        "ten lines each, as promised"
    )
    torch.manual_seed(0)
    names: dict = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["slope"] >= 1 and 0 < names["turn"] < 180
    found = names["found"]
    assert found.n == 20 and found.ci[0] <= found.value <= found.ci[1]
    straight = torch.linspace(0, 1, 9)[:, None] * torch.ones(3)
    assert float(names["sharpest_turn"](straight)) < 1e-3
    assert np.isclose(float(names["sharpest_turn"](torch.tensor([[0.0, 0], [1, 0], [1, 1]]))), 90)


def test_flattening_is_the_module_itself():
    import plateaus as pl

    torch.manual_seed(0)
    conv = [torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Conv2d(2, 1, 3)]
    net = pl.from_modules(conv, torch.zeros(1, 8, 8), readout=lambda maps: maps.mean((-1, -2)))
    x = torch.randn(4, 5, 64)
    whole = torch.nn.Sequential(*conv)(x.reshape(20, 1, 8, 8)).mean((-1, -2)).reshape(4, 5, 1)
    assert torch.allclose(net(x), whole, atol=1e-6)
    assert net.dims == (64, 72, 72, 16)
