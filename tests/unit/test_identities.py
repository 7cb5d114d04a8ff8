"""What must hold exactly, on every type of network that can be loaded or built: residual and plain
toys, language models, networks that see images. A twin of each statement is caught on each type.
"""

from __future__ import annotations

import json

import pytest
import torch
import transformers

import plateaus as pl
from plateaus.experiments import Ends, contraction
from plateaus.measures import dynamics, exponents
from plateaus.networks import nulls, toy
from plateaus.networks.residual import network

torch.set_num_threads(1)
LANGUAGE = ("gpt2", "llama", "pythia", "opt", "gemma2", "cohere")
IMAGES = {
    "resnet": (
        "ResNet",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [2, 1], "layer_type": "basic"},
    ),
    "vit": (
        "ViT",
        {
            "hidden_size": 16,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "image_size": 16,
            "patch_size": 4,
        },
    ),
}
SINGLE = {"llama", "pythia", "gemma2", "cohere"}
"""They compute norms or phases in single precision, whatever the dtype of the rest."""
EXACT, IN_SINGLE = 1e-6, 1e-3
LINES, STEPS, SHARE = 6, 11, 0.45


def of_toy(name):
    torch.manual_seed(0)
    net = network(toy.build(name, width=16, blocks=3), dtype=torch.float64)
    return Ends.of_inputs(net, *(4 * torch.randn(2, LINES, 2)).double())


def of_language(name, save_tiny, folder):
    lm = pl.load(save_tiny(name, folder), device="cpu", dtype=torch.float64)
    ids = torch.randint(2, 200, (2 * LINES, 5), generator=torch.Generator().manual_seed(0))
    net = lm.at(ids[0, :-1])
    x = net.embed(ids[:, -1])
    return Ends.of_points(net, x[:LINES], x[LINES:])


def of_images(name, folder):
    kind, settings = IMAGES[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**settings, num_labels=4)
    model = getattr(transformers, f"{kind}ForImageClassification")(config)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)
    model.save_pretrained(folder)
    prepared = {
        "size": {"height": 16, "width": 16},
        "image_mean": [0.5] * 3,
        "image_std": [0.3] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    net = pl.load(folder, device="cpu", dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2, LINES, 3, 16, 16), generator=generator)
    return Ends.of_images(net, *pixels.to(torch.uint8))


@pytest.fixture(params=[*toy.ARCHITECTURES, *LANGUAGE, *IMAGES])
def each(request, save_tiny, tmp_path):
    name = request.param
    if name in toy.ARCHITECTURES:
        return name, of_toy(name)
    if name in LANGUAGE:
        return name, of_language(name, save_tiny, tmp_path)
    return name, of_images(name, tmp_path)


def test_identities_are_exact_and_a_linearised_network_departs_from_nothing(each, monkeypatch):
    name, ends = each
    found = contraction.identities(ends, steps=STEPS, share=SHARE)
    for what in ("identity", "telescoping"):
        assert float(found[what].max()) < EXACT, what
    bends = name != "linear"
    if bends:  # shares of a departure that is zero are no numbers
        assert int(found.shares.notnull().sum()) > 0
        assert float(found.shares.max()) < 1e-6
    assert float(found.affine.max()) < (IN_SINGLE if name in SINGLE else EXACT)
    monkeypatch.setattr(nulls, "linearised", lambda net, at: net)  # the twin: nothing made affine
    twin = float(contraction.identities(ends, steps=STEPS, share=SHARE).affine.max())
    assert (twin > 10 * float(found.affine.max())) == bends
    shares = contraction.shares
    monkeypatch.setattr(contraction, "shares", lambda r: shares(r).isel(term=[0, 2]))  # no norm
    twin = contraction.identities(ends, steps=STEPS, share=SHARE).shares
    assert not bends or float(twin.max()) > 1e-3


@pytest.mark.parametrize("name", ["residual", "gelu", "gpt2", "llama"])
def test_volumes_of_blocks_are_those_of_the_network(name, save_tiny, tmp_path):
    """Of blocks that fold no direction away; a block that is left out is the twin."""
    language = name in LANGUAGE
    ends = of_language(name, save_tiny, tmp_path) if language else of_toy(name)
    part = next(ends[[0]].parts(1))
    logs = exponents.spectra(part.net, part.a)
    images = exponents.pushed(part.net, part.a, torch.eye(part.a.shape[-1]).double())
    whole = float(torch.linalg.svdvals(images[0]).log().sum())
    assert float(logs.sum()) == pytest.approx(whole, abs=IN_SINGLE if name in SINGLE else EXACT)
    assert float(logs[1:].sum()) != pytest.approx(whole, abs=0.01)


def test_a_block_to_another_space_has_a_ratio_and_no_parts(tmp_path):
    found = [dynamics.of_pairs(p.net, p.a[:, None], p.b[:, None])
             for p in of_images("resnet", tmp_path).parts(2)]  # fmt: skip
    p = torch.cat([f.parallel for f in found], 1)
    dims = torch.tensor(next(of_images("resnet", tmp_path).parts(2)).net.dims)
    assert (p.isnan().all((1, 2)) == (dims[1:] != dims[:-1])).all()
    assert p.isnan().any() and not p.isnan().all()
    assert all(f.ratio.isfinite().all() for f in found)
