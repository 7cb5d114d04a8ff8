"""The page on adding a network, a path or a measurement: its code runs, in order, as printed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import plateaus as pl

PAGE = Path(__file__).resolve().parents[2] / "book" / "extend.md"
LINES = 10


@pytest.fixture(scope="module")
def guests(tmp_path_factory) -> Path:
    """A folder with the guests that the page loads: a vision model and a sparse dictionary."""
    from safetensors.torch import save_file
    from transformers import ResNetConfig, ResNetForImageClassification

    folder = tmp_path_factory.mktemp("guests")
    torch.manual_seed(0)
    shape = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "num_labels": 3}
    config = ResNetConfig(**shape, image_size=32)
    ResNetForImageClassification(config).save_pretrained(folder / "tiny-resnet")
    d, features = 128, 32
    sae = {"W_enc": torch.randn(d, features), "W_dec": torch.randn(features, d)}
    sae |= {"b_enc": torch.zeros(features), "b_dec": torch.zeros(d)}
    (folder / "tiny-sae").mkdir()
    save_file(sae, folder / "tiny-sae" / "sae_weights.safetensors")
    return folder


@pytest.fixture(scope="module")
def names(guests) -> dict:
    """What the page's code leaves behind, run from the folder with the guests."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 7
    for block in blocks:
        assert len(block.strip().splitlines()) <= LINES, f"ten lines each, as promised: {block}"
    torch.manual_seed(0)
    names: dict = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(guests)
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_a_vision_model_is_measured_at_every_block(names):
    ends, net = names["ends"], names["ends"].make([0]).net
    images = net.points(names["first"][:1])
    torch.testing.assert_close(ends.a[:1], net.states(images, 1))
    assert names["every"].attrs["model"] == "tiny-resnet"


def test_every_patch_at_every_readout_is_one_table(names):
    table = names["table"]
    n = len(names["ends"].blocks)
    assert table.shape == (n, n) and list(table.columns) == list(range(n))
    lower = np.tril(np.ones((n, n), bool), -1)  # read before the patch
    assert table.isna().values[lower].all() and table.notna().values[~lower].all()
    assert names["early_and_late"].notnull().any() and len(names["early_and_late"]) == 2


def test_features_are_walked_along(names):
    along, sae = names["along"], names["sae"]
    moved = along.b - along.a
    cosine = torch.cosine_similarity(moved, sae["W_dec"][names["active"]])
    torch.testing.assert_close(cosine, torch.ones(3))
    torch.testing.assert_close(moved.norm(dim=-1), torch.full((3,), 4.0))
    assert names["kept"].sizes["pair"] == 3


def test_a_measurement_of_ones_own(names):
    assert 0 < names["turn"] < 180
    turn = names["sharpest_turn"]
    assert float(turn(torch.linspace(0, 1, 9)[:, None] * torch.ones(3))) < 1e-3
    assert np.isclose(float(turn(torch.tensor([[0.0, 0], [1, 0], [1, 1]]))), 90)


def test_a_criterion_of_ones_own(names):
    found = names["found"]
    assert found["metric"] == "slope_gain" and found["model"] == "laboratory-3l"
    assert found["ci"][0] <= found["value"] <= found["ci"][1] and len(found["control"]) == 1
    package = pl.evidence.slope_gain(*names["runs"])
    assert found["value"] == package["value"] and found["control"] == package["control"]


def test_flattening_is_the_module_itself():
    torch.manual_seed(0)
    conv = [torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Conv2d(2, 1, 3)]
    net = pl.from_modules(conv, torch.zeros(1, 8, 8), readout=lambda maps: maps.mean((-1, -2)))
    x = torch.randn(4, 5, 64)
    whole = torch.nn.Sequential(*conv)(x.reshape(20, 1, 8, 8)).mean((-1, -2)).reshape(4, 5, 1)
    assert torch.allclose(net(x), whole, atol=1e-6)
    assert net.dims == (64, 72, 72, 16)
