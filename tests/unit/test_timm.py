"""timm's networks, in the two ways in which their folders are written; skipped without timm."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

import plateaus as pl

timm = pytest.importorskip("timm")

SIZE = 32
TOKENS = {"img_size": SIZE, "patch_size": 8, "depth": 2, "embed_dim": 24, "num_heads": 2}
KINDS = {"resnet10t": {}, "resnet26": {}, "vit_tiny_patch16_224": TOKENS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("written", ["by timm", "by transformers"])
def test_blocks_one_after_the_other_are_the_network(kind, written, tmp_path):
    import transformers

    torch.manual_seed(0)
    model = timm.create_model(kind, pretrained=False, num_classes=4, **KINDS[kind]).eval()
    trained = {"input_size": [3, SIZE, SIZE], "mean": [0.5] * 3, "std": [0.2] * 3}
    described = {
        "architecture": kind,
        "num_classes": 4,
        "num_features": model.num_features,
        "model_args": KINDS[kind],
        "pretrained_cfg": {**trained, "num_classes": 4},
    }
    if written == "by timm":
        (tmp_path / "config.json").write_text(json.dumps(described))
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(state, tmp_path / "model.safetensors")
    else:
        config = transformers.TimmWrapperConfig.from_dict(described)
        wrapped = transformers.TimmWrapperForImageClassification(config)
        wrapped.timm_model.load_state_dict(model.state_dict())
        wrapped.save_pretrained(tmp_path)
    net = pl.load(tmp_path, device="cpu")
    x = net.points(torch.randint(0, 256, (3, 3, SIZE, SIZE), dtype=torch.uint8))
    with torch.no_grad():
        said = model(x.reshape(3, 3, SIZE, SIZE))
    torch.testing.assert_close(net(x), said, rtol=1e-4, atol=1e-4)
