"""Paths between images, ways to move a feature map, and what is said of features."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import plateaus as pl
from plateaus.book import studies
from plateaus.data import digits
from plateaus.errors import BadParameter, BadPoints, TrainingError
from plateaus.experiments import Ends, images, perturbations, sweep
from plateaus.measures.representation import alignment, uniformity
from plateaus.networks.batch_norm import with_statistics
from plateaus.networks.modules import from_modules
from plateaus.studies import contrastive, vision
from plateaus.training.images.contrastive import regression


@pytest.fixture(scope="module")
def shown():
    return digits.images()


@pytest.fixture(scope="module")
def net():
    return pl.load("vision-digits", device="cpu")


def test_statistics_are_those_of_training(net, shown):
    begun = net.step_zero()
    x = begun.points(shown.train[:200])
    settled = with_statistics(begun, x)
    for block in settled.blocks:
        block.module.train()  # as training reads it: by the batch
    by_batch = settled(x)
    for block in settled.blocks:
        block.module.eval()
    # Training divides by n, statistics that are kept by n - 1.
    assert (settled(x) - by_batch).norm() < 0.01 * by_batch.norm()
    assert (begun(x) - by_batch).norm() > 0.5 * by_batch.norm()  # as drawn it is another function
    assert torch.equal(begun(x), net.step_zero()(x)), "the network that was given stays as it is"


def test_without_batch_norm_nothing_changes():
    plain = from_modules([nn.Conv2d(1, 2, 3), nn.ReLU()], torch.rand(1, 6, 6))
    x = torch.rand(5, 36)
    assert torch.equal(with_statistics(plain, x)(x), plain(x))
    with pytest.raises(BadPoints):
        with_statistics(plain, torch.rand(5, 35))


def test_pairs_show_different_classes(shown):
    a, b = images.apart(shown, 40)
    both = zip(shown.test, shown.test_labels, strict=True)
    label = {tuple(x.flatten().tolist()): int(y) for x, y in both}
    assert all(label[tuple(x.flatten().tolist())] != label[tuple(y.flatten().tolist())]
               for x, y in zip(a, b, strict=True))  # fmt: skip
    alike = replace(shown, test_labels=torch.zeros_like(shown.test_labels))
    with pytest.raises(BadParameter, match="give images of more classes"):
        images.apart(alike, 40)


def test_what_cannot_be_measured_is_refused_at_once(net, shown):
    images.check(net, shown)
    with pytest.raises(BadParameter, match="spiral.* does not name what an image shows"):
        images.check(pl.load("spiral", device="cpu"), shown)
    small = replace(shown, test=shown.test[:, :, :28, :28])
    with pytest.raises(BadPoints, match=r"takes images of shape \(1, 32, 32\)"):
        images.check(net, small)


def test_stages_begin_where_maps_become_smaller(net):
    assert images.stages(net) == [1, 4, 7]


def test_only_the_end_is_computed_and_it_is_the_same(net, shown):
    a, b = images.apart(shown, 4)
    ours = images.swept(net, a, b, blocks=[1, 7], steps=11)
    theirs = sweep(Ends.of_images(net, a, b, block=1), blocks=[1, 7], steps=11)
    for reading in images.READINGS:
        last = np.flatnonzero(theirs.reading == reading)[-1]
        for k in ("slope", "half_exit"):
            expected = theirs[k].isel(readout=last).transpose("block_in", "pair").values
            found = ours[k].sel(path="straight", reading=reading)
            np.testing.assert_array_equal(found.transpose("stage", "pair").values, expected)
    assert images.headline(ours).slope.dims == ("pair",)


def test_a_patch_moves_its_places_only():
    a, b = torch.zeros(2, 3 * 6 * 6), torch.arange(2 * 3 * 36.0).reshape(2, -1) + 1
    mixed = perturbations.patched(a, b, (3, 6, 6), 2).reshape(2, 3, 6, 6)
    inside = torch.zeros(6, 6, dtype=torch.bool)
    inside[2:4, 2:4] = True
    assert torch.equal(mixed[..., inside], b.reshape(2, 3, 6, 6)[..., inside])
    assert not mixed[..., ~inside].any() and not a.any()


def test_noise_like_maps_has_their_covariance(net, shown):
    """Neighbouring places of a map go together, and so do they in the noise; in white noise not."""
    a = shown.test[:300]
    ends = perturbations.perturbations(net, a, a.flip(0), block=1, like=shown.train[:600])
    maps = net[:1].reading(None)(net.points(shown.train[:600]))
    wanted = torch.corrcoef(maps.T)
    there = maps.std(0) > 0
    wanted = wanted[there][:, there]

    def away(kind: str) -> float:
        noise = (ends[kind].b - ends[kind].a)[:, there]
        off = ~torch.eye(len(wanted), dtype=torch.bool)
        return float((torch.corrcoef(noise.T) - wanted)[off].square().mean().sqrt())

    assert away("noise like maps") < 0.1 < 0.2 < away("white noise")
    lengths = {k: (e.b - e.a).norm(dim=-1).median() for k, e in ends.items()}
    for kind in ("noise like maps", "white noise"):
        torch.testing.assert_close(lengths[kind], lengths["another image"], rtol=1e-3, atol=0)


def test_windows_and_networks_that_do_not_fit(net, shown):
    a, b = images.apart(shown, 2)
    with pytest.raises(BadParameter, match="8 x 8 places, got window=9"):
        perturbations.perturbations(net, a, b, block=1, like=a, window=9)
    flat = from_modules([nn.Linear(4, 4), nn.Linear(4, 4)], torch.rand(4))
    with pytest.raises(BadParameter, match="takes no maps of channels"):
        perturbations.shape_of(flat, 1)


def test_how_far_a_perturbation_gets(net, shown):
    a, b = images.apart(shown, 6)
    found = perturbations.moved(
        perturbations.perturbations(net, a, b, block=7, like=shown.train[:50]), steps=11
    )
    whole = net[:7].reading(None)
    x, y = whole(net.points(a)), whole(net.points(b))
    far = (net[7:].reading(None)(y) - net[7:].reading(None)(x)).norm(dim=-1)
    ours = found.output.sel(kind="another image").values
    np.testing.assert_allclose(ours, far / np.median(far), rtol=1e-5)
    assert float(found.input.sel(kind="a patch of it").max()) < 2


def test_alignment_and_uniformity_by_hand():
    a = torch.tensor([[2.0, 0], [0, 3], [-1, 0], [0, -5]]).double()
    assert alignment(a, 7 * a) == 0  # the length says nothing
    assert alignment(a, -a).item() == pytest.approx(4)
    assert alignment(a, a.roll(1, 0)).item() == pytest.approx(2)
    # Of the six pairs of a cross four lie at r² = 2 and two at r² = 4.
    by_hand = math.log((4 * math.exp(-4) + 2 * math.exp(-8)) / 6)
    assert uniformity(a).item() == pytest.approx(by_hand)
    assert uniformity(a[:1].repeat(3, 1)).item() == pytest.approx(0)
    with_itself = torch.cdist(a / a.norm(dim=1, keepdim=True), a / a.norm(dim=1, keepdim=True))
    assert torch.log((-2 * with_itself.square()).exp().mean()).item() != pytest.approx(by_hand)


def test_the_probe_is_a_regression_on_features_as_they_come():
    random = torch.Generator().manual_seed(0)
    y = torch.arange(300) % 3
    x = 1000 + 50 * torch.randn(300, 4, generator=random, dtype=torch.float64)
    x[:, 0] += 400 * y
    weight, bias = regression(x, y, 3)
    assert ((x @ weight.T + bias).argmax(-1) == y).double().mean() > 0.98
    shuffled = y[torch.randperm(300, generator=random)]
    weight, bias = regression(x, shuffled, 3)
    assert ((x @ weight.T + bias).argmax(-1) == shuffled).double().mean() < 0.6


def test_trainings_are_measured_at_both_ends_and_not_begun_anew(shown, tmp_path, monkeypatch):
    few = {name: (kind, replace(s, samples=512, depths=(1, 1), widths=(8, 8)))
           for name, (kind, s) in contrastive.TRAININGS.items()}  # fmt: skip
    monkeypatch.setattr(contrastive, "TRAININGS", few)
    found = contrastive.study(seeds=[0], pairs=4, work=tmp_path)
    assert found.slope.sel(training="contrastive", weights="trained").notnull().all()
    assert found.probe.sizes == {"training": 2, "seed": 1, "weights": 3}
    both = found.slope.sel(weights="untrained", reading=["stream", "pooled"])
    np.testing.assert_array_equal(  # the same network, told different things
        both.sel(training="labels").values, both.sel(training="contrastive").values
    )
    monkeypatch.setattr(contrastive, "train", lambda run: pytest.fail("trained again"))
    again = contrastive.study(seeds=[0], pairs=4, work=tmp_path)
    np.testing.assert_array_equal(again.slope.values, found.slope.values)


def test_what_was_measured_is_not_measured_again(net, shown, tmp_path, monkeypatch):
    options = {"pairs": 2, "work": tmp_path / "net", "blocks": [7], "steps": 11}
    found = vision.measured(net, shown, **options)
    assert set(found.weights.values) == set(vision.WEIGHTS)
    assert float(found.accuracy.sel(weights="pretrained")) > 0.97
    assert float(found.accuracy.sel(weights="random")) < 0.4
    monkeypatch.setattr(vision, "swept", lambda *_, **__: pytest.fail("measured again"))
    assert vision.measured(net, shown, **options).identical(found)
    for other in ({"seed": 1}, {"pairs": 3}, {"steps": 12}, {"blocks": [4]}):
        with pytest.raises(pytest.fail.Exception, match="measured again"):
            vision.measured(net, shown, **options | other)
    with pytest.raises(pytest.fail.Exception, match="measured again"):
        vision.measured(net, replace(shown, test=shown.test.flip(0)), **options)
    with pytest.raises(pytest.fail.Exception, match="measured again"):
        vision.measured(replace(net, provenance={"sha256": "other"}), shown, **options)


def test_trainings_of_other_settings_are_not_taken_for_these(shown, tmp_path, monkeypatch):
    kind, s = contrastive.TRAININGS["labels"]
    few = replace(s, samples=256, depths=(1,), widths=(8,))
    contrastive.trained(kind, few, 0, shown, tmp_path)
    with pytest.raises(TrainingError, match="was begun with another samples"):
        contrastive.trained(kind, replace(few, samples=512), 0, shown, tmp_path)


def test_published_networks_need_their_folders():
    with pytest.raises(BadParameter, match="give --weights and --images"):
        studies.save("vision")


def test_images_of_a_chapter_are_digits_or_a_file(tmp_path):
    assert digits.named("digits").name == "digits"
    with pytest.raises(TrainingError, match="images nothing.npz could not be read"):
        digits.named("nothing.npz")
