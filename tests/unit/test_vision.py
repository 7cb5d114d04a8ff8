"""Networks that see images, in the hub's format: block by block they are the library's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import plateaus as pl
from plateaus.cli import main
from plateaus.errors import BadParameter, BadPoints, CorruptModel, UnknownModel, UnsupportedModel
from plateaus.networks import families

SIZE, MEAN, STD = 16, [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]
PREPARED = {"size": {"height": SIZE, "width": SIZE}, "image_mean": MEAN, "image_std": STD}
MAPS = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [2, 1], "num_labels": 4}
BASIC = {**MAPS, "layer_type": "basic"}
TOKENS = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": SIZE,
    "patch_size": 4,
    "num_labels": 4,
}
NARROW = {
    f"{part}_{what}": number
    for part in ("encoder", "decoder")
    for what, number in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 16))
}
KINDS = {
    "resnet": ("ResNetForImageClassification", "ResNetConfig", BASIC),
    "bottleneck": ("ResNetForImageClassification", "ResNetConfig", MAPS),
    "resnet without a head": ("ResNetModel", "ResNetConfig", BASIC),
    "regnet": ("RegNetForImageClassification", "RegNetConfig", {**MAPS, "groups_width": 4}),
    "vit": ("ViTForImageClassification", "ViTConfig", TOKENS),
    "vit without a head": ("ViTModel", "ViTConfig", TOKENS),
    "deit": ("DeiTForImageClassification", "DeiTConfig", TOKENS),
    "detr": ("DetrForObjectDetection", "DetrConfig", {**NARROW, "d_model": 16, "num_queries": 3}),
}


def save(kind: str, folder: Path, prepared=PREPARED) -> Path:
    """A fresh network of that kind as the library saves it, every number nudged."""
    import transformers

    architecture, config, settings = KINDS[kind]
    if kind == "detr":
        body = transformers.ResNetConfig(**BASIC, out_features=["stage2"])
        settings = {**settings, "backbone_config": body}
    torch.manual_seed(0)
    model = getattr(transformers, architecture)(getattr(transformers, config)(**settings))
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor += 0.1 * torch.rand_like(tensor)
    model.save_pretrained(folder)
    if prepared:
        (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


@pytest.fixture(scope="module", params=KINDS)
def stored(request, tmp_path_factory):
    return request.param, save(request.param, tmp_path_factory.mktemp("vision"))


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    return save("resnet", tmp_path_factory.mktemp("resnet"))


IMAGES = torch.randint(0, 256, (3, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0))
IMAGES = IMAGES.to(torch.uint8)


def normalised():
    mean, std = (torch.tensor(m).reshape(3, 1, 1) for m in (MEAN, STD))
    return (IMAGES / 255 - mean) / std


def test_readings_are_what_the_library_says(stored):
    import transformers

    kind, folder = stored
    net = pl.load(folder, device="cpu")
    raw = getattr(transformers, KINDS[kind][0]).from_pretrained(folder).eval()
    x = net.points(IMAGES)
    seen = {r.name: r.value for r in net.readings(x) if r.name != "stream"}
    with torch.no_grad():
        if kind == "detr":
            maps = raw.model.backbone(normalised(), torch.ones(3, SIZE, SIZE))[-1][0]
            expected = {"projected": raw.model.input_projection(maps).flatten(1)}
        else:
            out = raw(pixel_values=normalised())
            expected = {
                name: out[key].flatten(1)
                for name, key in (
                    ("logits", "logits"),
                    ("pooled", "pooler_output"),
                    ("normed", "last_hidden_state"),
                )
                if key in out
            }
            if "logits" in out and "pooler_output" in out:
                expected.pop("normed", None)
            elif "logits" not in out:
                expected = {k: v for k, v in expected.items() if k in seen}
            else:
                expected["probabilities"] = out.logits.softmax(-1)
    assert expected
    for name, value in expected.items():
        assert torch.allclose(seen[name], value, atol=1e-4, rtol=1e-4), name
    if "logits" in seen:
        assert torch.equal(net(x), seen["logits"])


def test_slices_compose(stored):
    net = pl.load(stored[1], device="cpu")
    x = net.points(IMAGES)
    whole = net(x)
    for s in range(len(net) + 1):
        assert torch.allclose(net[s:](net[:s].reading(None)(x)), whole, atol=1e-5)
    assert not torch.allclose(net(x[[1, 0, 2]]), whole, atol=1e-5)  # another image, another answer


def test_a_network_that_does_not_compose_is_refused(resnet, monkeypatch):
    def skips_a_layer(model):
        parts = families.resnet(model)
        modules = [*parts.modules[:1], *parts.modules[2:]]
        return families.Parts(modules=modules, readouts=parts.readouts, whole=parts.whole)

    monkeypatch.setitem(families.FAMILIES, "resnet", skips_a_layer)
    with pytest.raises(UnsupportedModel, match="do not give what the ResNetForImage"):
        pl.load(resnet)
    monkeypatch.setitem(families.FAMILIES, "resnet", families.vit)
    with pytest.raises(UnsupportedModel, match="cannot be run block by block"):
        pl.load(resnet)


@pytest.mark.parametrize(
    "images, sentence",
    [
        (torch.zeros(2, 3, 17, SIZE), r"\(3, 16, 16\).*got an array of shape \(2, 3, 17, 16\)"),
        (torch.zeros(2, SIZE, SIZE, 3), "put the channels first"),
        (torch.zeros(2, 1, SIZE, SIZE), "takes images of shape"),
        (torch.zeros(SIZE, SIZE), "takes images of shape"),
        (torch.zeros(3 * SIZE * SIZE), "takes images of shape"),
        (torch.full((3, SIZE, SIZE), 2.0), "from 0 to 1"),
        (torch.full((3, SIZE, SIZE), -0.1), "before normalisation"),
        (torch.full((3, SIZE, SIZE), torch.nan), "from 0 to 1"),
        (torch.zeros(3, SIZE, SIZE, dtype=torch.int32), "uint8"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_one_sentence(resnet, images, sentence):
    with pytest.raises(BadPoints, match=sentence) as refused:
        pl.load(resnet).points(images)
    assert "\n" not in str(refused.value)


def test_pixels_mean_the_same_as_whole_and_as_fractions(resnet):
    net = pl.load(resnet)
    assert torch.allclose(net.points(IMAGES), normalised().flatten(1), atol=1e-6)
    assert torch.allclose(net.points(IMAGES / 255), net.points(IMAGES), atol=1e-6)
    assert net.points(IMAGES.numpy()).shape == (3, net.dims[0])
    plain = {**PREPARED, "do_normalize": False}
    (resnet / "preprocessor_config.json").write_text(json.dumps(plain))
    assert torch.allclose(pl.load(resnet).points(IMAGES), (IMAGES / 255).flatten(1))
    (resnet / "preprocessor_config.json").write_text(json.dumps(PREPARED))


@pytest.mark.parametrize(
    "prepared, side",
    [
        ({"size": 20}, 20),
        ({"size": {"shortest_edge": 20}}, 20),
        ({"size": {"shortest_edge": 20}, "crop_size": 16, "do_center_crop": True}, 16),
        ({"size": {"shortest_edge": 20}, "crop_size": 16, "do_center_crop": False}, 20),
        ({"size": {"height": 20, "width": 20}}, 20),
    ],
)
def test_the_size_is_that_of_the_model_s_own_preparation(tmp_path, prepared, side):
    assert pl.load(save("resnet", tmp_path, prepared)).shape == (3, side, side)


def test_a_size_is_asked_for_where_nothing_says_it(tmp_path):
    folder = save("resnet", tmp_path, None)
    with pytest.raises(CorruptModel, match="does not say how large its images are"):
        pl.load(folder)
    assert pl.load(folder, size=24).shape == (3, 24, 24)
    with pytest.raises(UnsupportedModel, match="cannot be run.*size="):
        pl.load(save("vit", tmp_path / "vit"), size=20)


def test_step_zero_is_stored_or_drawn_again(resnet, tmp_path):
    net = pl.load(resnet)
    twins = [net.untrained(seed)(net.points(IMAGES)) for seed in (0, 0, 1)]
    assert torch.equal(twins[0], twins[1]) and not torch.allclose(twins[0], twins[2])
    assert net.step_zero().name == f"{resnet.name}@untrained-0"
    folder = Path(shutil.copytree(resnet, tmp_path / "copy"))
    shutil.copytree(resnet, folder / "checkpoints" / "step-0")
    net = pl.load(folder)
    assert net.checkpoints == ("step-0",) and net.step_zero().name == "copy@step-0"
    assert pl.load(f"{folder}@step-0").provenance["checkpoint"] == "step-0"


def test_missing_tensors_are_named(resnet, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(resnet, tmp_path / "copy"))
    weights = load_file(folder / "model.safetensors")
    weights.pop("classifier.1.bias")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CorruptModel, match="lack classifier.1.bias"):
        pl.load(folder)


@pytest.mark.parametrize("preset", ["vision-resnet", "vision-vit"])
def test_a_folder_that_was_trained_here_loads_again(preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (60, 1, 8, 8)).astype(np.uint8)
    labels = draw.integers(0, 3, 60)
    np.savez("shapes.npz", X=pixels[:, 0], Y=labels)
    small = ["images=shapes", "samples=64", "batch=16", "threads=1", "device=cpu", "flip=no"]
    small += ["widths=8", "depths=1", "precision=float32", "warmup=0"]
    if preset.endswith("vit"):
        small += ["patch=4", "heads=2"]
    settings = [word for pair in small for word in ("--set", pair)]
    assert not main(
        ["train", "vision", preset, "--data", "shapes.npz", "--export", "ship", *settings]
    )
    net = pl.load(tmp_path / "ship")
    assert net.shape == (1, 8, 8) and net.dims[0] == 64 and len(net.classes) == 3
    assert net.provenance["sha256"] != "not recorded" and "step-0" in net.checkpoints
    x = net.points(torch.as_tensor(pixels[:5]))
    assert not torch.equal(net(x), net.step_zero()(x))


def test_toy_networks_that_were_trained_here_load_again(tmp_path):
    small = ["networks=2", "width=4", "blocks=2", "epochs=1", "samples=300", "checkpoints=2"]
    settings = [word for pair in small for word in ("--set", pair)]
    assert not main(["train", "toy", "--work", str(tmp_path / "toy"), *settings])
    folder = next(tmp_path.rglob("training.json")).parent
    net = pl.load(folder)
    assert net.dims == (2, 4, 4, 4) and net.dtype == torch.float64
    assert net.provenance["checkpoint"].startswith("seed-0/step-")
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)).double()
    other = pl.load(f"{folder}@seed-1")
    assert not torch.allclose(net(x), other(x))
    assert torch.equal(pl.load(f"{folder}@seed-0")(x), net(x))
    assert torch.equal(pl.load(f"{folder}@{net.provenance['checkpoint']}")(x), net(x))
    first = pl.load(f"{folder}@step-0")
    assert first.provenance["checkpoint"] == "seed-0/step-0" and not torch.allclose(
        first(x), net(x)
    )
    assert torch.equal(net.step_zero()(x), first(x))
    assert torch.equal(other.step_zero()(x), pl.load(f"{folder}@seed-1/step-0")(x))
    assert pl.load(folder, dtype=torch.float32).dtype == torch.float32
    assert [r.name for r in net.readings(x)][-2:] == ["logits", "probabilities"]
    with pytest.raises(UnknownModel, match='no checkpoint "seed-7".*seed-0/step-0'):
        pl.load(f"{folder}@seed-7")
    file = folder / "seed-1" / "step-0.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(CorruptModel, match="step-0.safetensors is corrupt"):
        pl.load(f"{folder}@seed-1")
    (folder / "sha256sums.txt").unlink()
    with pytest.raises(CorruptModel, match="could not be read"):
        pl.load(f"{folder}@seed-1/step-0")
    file.write_bytes(whole)
    for record, sentence in (
        ({"settings": {"architecture": "nosuch", "blocks": 2}}, "nosuch"),
        ({"settings": {"architecture": "residual", "blocks": 5}}, "could not be read"),
        ({}, "could not be read"),
    ):
        (folder / "training.json").write_text(json.dumps(record))
        with pytest.raises((CorruptModel, UnknownModel), match=sentence):
            pl.load(folder)


def test_a_network_without_a_beginning_says_so():
    from plateaus.networks.loaded import LoadedNetwork

    net = LoadedNetwork(blocks=(), dims=(2,), name="lonely")
    with pytest.raises(BadParameter, match="lonely has no checkpoint step-0"):
        net.step_zero()


@pytest.mark.parametrize("kind", ["vit", "deit"])
def test_sublayers_of_a_transformer_add_up_and_can_be_frozen(kind, tmp_path):
    net = pl.load(save(kind, tmp_path), device="cpu")[1:]
    points = torch.randn(4, net.dims[0], generator=torch.Generator().manual_seed(0))
    for g in net.blocks:
        y, parts = g.with_parts(points)
        assert torch.equal(y, g(points)) and set(parts) == {"attention", "mlp"}
        assert torch.allclose(points + parts["attention"] + parts["mlp"], y, atol=1e-5)
        assert not torch.allclose(points + parts["mlp"], y, atol=1e-2)
    mlp = pl.interventions.freeze(net, "mlp", at=points).reading(None)
    both = pl.interventions.freeze(mlp, "attention", at=points)
    moved = both(points) - points
    assert torch.allclose(moved, moved[:1].expand_as(moved), atol=1e-4)
    assert not torch.allclose(mlp(points), net.reading(None)(points), atol=1e-3)
    assert torch.equal(net(points), net(points))  # nothing stays switched on


def test_a_residual_network_of_maps_has_no_sublayers_to_freeze(resnet):
    net = pl.load(resnet)
    with pytest.raises(BadParameter, match="none in this network"):
        pl.interventions.freeze(net[1:], "mlp", at=torch.zeros(3, net.dims[1]))
