"""ResNets under torchvision's names, as published SimCLR weights come: the blocks are the network
of another library, whatever stands before the names and beside them.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import plateaus as pl
from plateaus.errors import BadPoints, CorruptModel

SENTENCE = r"^[^.].*[^.]\.$"
SHAPE = {
    "embedding_size": 8,
    "hidden_sizes": [16, 16, 32],
    "depths": [1, 2, 1],
    "num_labels": 5,
}
SIDE = 32
NUMBERS = {name: k for k, name in enumerate("conv1 bn1 - - layer1 layer2 layer3 layer4".split())}


def library(kind: str, **more):
    """A network of the transformers library, every number nudged."""
    import transformers

    config = transformers.ResNetConfig(**SHAPE, layer_type=kind, **more)
    torch.manual_seed(0)
    model = transformers.ResNetForImageClassification(config).eval()
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor += 0.1 * torch.rand_like(tensor)
    return model


def renamed(model) -> dict[str, torch.Tensor]:
    """Its tensors under torchvision's names."""
    found = {}
    for name, tensor in model.state_dict().items():
        name = name.replace("resnet.embedder.embedder.convolution", "conv1")
        name = name.replace("resnet.embedder.embedder.normalization", "bn1")
        name = re.sub(
            r"resnet.encoder.stages.(\d).layers",
            lambda m: f"layer{int(m[1]) + 1}",
            name,
        )
        name = re.sub(r"\.layer\.(\d)\.convolution", lambda m: f".conv{int(m[1]) + 1}", name)
        name = re.sub(r"\.layer\.(\d)\.normalization", lambda m: f".bn{int(m[1]) + 1}", name)
        name = name.replace("shortcut.convolution", "downsample.0")
        name = name.replace("shortcut.normalization", "downsample.1")
        found[name.replace("classifier.1", "fc")] = tensor.contiguous()
    return found


HEAD = {"0.weight": torch.rand(32, 32), "0.bias": torch.rand(32), "2.weight": torch.rand(9, 32)}
"""A projection head."""


def headless(state):
    return {name: x for name, x in state.items() if not name.startswith("fc.")}


def numbered(state):
    parts = ((*name.partition("."), x) for name, x in state.items())
    return {f"{NUMBERS[head]}.{rest}": x for head, _, rest, x in parts}


def under(prefix, state):
    return {prefix + name: x for name, x in state.items()}


LAYOUTS = {
    "as converted": lambda s: {"state_dict": s},
    "head in the place of the classifier": lambda s: {
        "epoch": 100,
        "arch": "resnet50",
        "state_dict": under("backbone.", headless(s) | under("fc.", HEAD)),
        "optimizer": {"state": {}, "param_groups": []},
    },
    "encoder and projector": lambda s: under("encoder.", headless(s)) | under("projector.", HEAD),
    "by several GPUs": lambda s: under("module.encoder.", headless(s)) | under("module.h.", HEAD),
    "numbered": lambda s: {
        "state_dict": under("backbone.", numbered(headless(s))) | under("projection.", HEAD)
    },
}


@pytest.fixture(scope="module", params=["bottleneck", "basic"])
def theirs(request):
    return library(request.param)


@pytest.fixture(scope="module")
def images():
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (4, 3, SIDE, SIDE), dtype=torch.uint8, generator=random)


def said(model, images):
    with torch.no_grad():
        out = model(pixel_values=images / 255, output_hidden_states=True)
        return out.hidden_states[-1], out.logits


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_the_network_of_the_library(theirs, images, layout, tmp_path):
    file = tmp_path / "published.pth"
    torch.save(LAYOUTS[layout](renamed(theirs)), file)
    net = pl.load(file, device="cpu", size=SIDE)
    seen = {r.name: r.value for r in net.readings(net.points(images))}
    maps, logits = said(theirs, images)
    torch.testing.assert_close(seen["pooled"], maps.mean((2, 3)), rtol=1e-4, atol=1e-4)
    assert ("logits" in seen) == (layout == "as converted")
    if "logits" in seen:
        torch.testing.assert_close(seen["logits"], logits, rtol=1e-4, atol=1e-4)
    else:
        assert net.provenance["left out"]
    assert len(net) == 1 + sum(SHAPE["depths"])


def test_safetensors_are_read(theirs, images, tmp_path):
    save_file(renamed(theirs), tmp_path / "published.safetensors")
    net = pl.load(tmp_path / "published.safetensors", device="cpu", size=SIDE)
    _, logits = said(theirs, images)
    torch.testing.assert_close(net(net.points(images)), logits, rtol=1e-4, atol=1e-4)


def test_a_stride_elsewhere_would_be_seen(images, tmp_path):
    """A wrong twin: the first convolution of a bottleneck moves by two, and not the second."""
    wrong = library("bottleneck", downsample_in_bottleneck=True)
    torch.save(renamed(wrong), tmp_path / "published.pth")
    net = pl.load(tmp_path / "published.pth", device="cpu", size=SIDE)
    _, logits = said(wrong, images)
    assert not torch.allclose(net(net.points(images)), logits, rtol=1e-2, atol=1e-2)


def test_small_images_have_a_small_stem(tmp_path):
    state = renamed(library("basic"))
    state["conv1.weight"] = torch.rand(8, 1, 3, 3)
    torch.save(state, tmp_path / "small.pth")
    net = pl.load(tmp_path / "small.pth", device="cpu")
    assert net.shape == (1, 32, 32) and net.dims[1] == 8 * 32 * 32  # nothing is pooled
    one, same, other = (net.step_zero(s)(net.points(torch.rand(2, 1, 32, 32))) for s in (1, 1, 2))
    assert one.shape == same.shape == other.shape
    with pytest.raises(BadPoints, match=r"takes images of shape \(1, 32, 32\)"):
        net.points(np.zeros((2, 3, 32, 32), dtype=np.uint8))


def test_untrained_twins_are_drawn_by_their_seed(theirs, images, tmp_path):
    torch.save(renamed(theirs), tmp_path / "published.pt")
    net = pl.load(tmp_path / "published.pt", device="cpu", size=SIDE)
    x = net.points(images)
    one, same, other = (net.step_zero(seed)(x) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.allclose(one, other)


BROKEN = {
    "a tensor lacks": ({"layer2.1.bn2.weight": None}, "lacks layer2.1.bn2.weight"),
    "another shape": ({"layer1.0.conv2.weight": torch.zeros(4, 4, 5, 5)}, r"conv2.weight of shape"),
    "no number": ({"bn1.bias": torch.full((8,), torch.nan)}, "bn1.bias that are not finite"),
    "one too many": ({"layer1.0.se.weight": torch.zeros(3)}, "holds layer1.0.se.weight"),
    "a stage lacks": ({"layer2.0.conv1.weight": None}, "lacks the first convolution of a stage"),
    "a block too far": ({"layer1.999999999.bn1.bias": torch.zeros(4)}, "lacks the first convol"),
    "a second encoder": (
        {"momentum.conv1.weight": torch.zeros(8, 3, 7, 7),
         "momentum.layer1.0.conv1.weight": torch.zeros(4, 8, 1, 1)},
        "holds 2 encoders, one without a prefix and momentum",
    ),
    "a flat convolution": ({"conv1.weight": torch.zeros(8)}, "another shape than convolutions"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_wrong_is_said_in_one_sentence(fault, tmp_path):
    changes, words = BROKEN[fault]
    state = {**renamed(library("bottleneck")), **changes}
    torch.save({n: x for n, x in state.items() if x is not None}, tmp_path / "published.pth")
    with pytest.raises(CorruptModel, match=words) as told:
        pl.load(tmp_path / "published.pth")
    assert re.match(SENTENCE, str(told.value)) and "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["published.pth", "published.safetensors", "published.ckpt"])
@pytest.mark.parametrize("kind", ["cut", "text", "empty"])
def test_damaged_files(name, kind, tmp_path):
    file, state = tmp_path / name, renamed(library("basic"))
    if name.endswith("safetensors"):
        save_file(state, file)
    else:
        torch.save(state, file)
    whole = file.read_bytes()
    file.write_bytes({"cut": whole[: len(whole) // 2], "text": b"no model", "empty": b""}[kind])
    with pytest.raises(CorruptModel, match="could not be read as tensors") as told:
        pl.load(file)
    assert re.match(SENTENCE, str(told.value)) and "\n" not in str(told.value)


def test_weights_of_a_directory_are_not_taken_alone(tmp_path):
    from plateaus.errors import PlateauError

    library("basic").save_pretrained(tmp_path)
    with pytest.raises(PlateauError, match="is a file: give the directory"):
        pl.load(tmp_path / "model.safetensors")
