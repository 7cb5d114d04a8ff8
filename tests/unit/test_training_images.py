"""The image recipes and the toy command on tiny data: exact resumption, data order, the contrastive
loss, export, refusals.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import AutoModelForImageClassification

from plateaus.cli import main
from plateaus.data.image_files import load_images
from plateaus.errors import CorruptModel, TrainingError
from plateaus.networks import toy as networks
from plateaus.networks.embedded import verify
from plateaus.training.export import export
from plateaus.training.images import augment, contrastive
from plateaus.training.images.contrastive import ContrastiveRun
from plateaus.training.images.models import Pixels, build_model, evaluate
from plateaus.training.images.settings import VISION
from plateaus.training.images.vision import VisionRun
from plateaus.training.loop import train
from plateaus.training.options import settings
from plateaus.training.order import Order
from plateaus.training.toy.recipe import score
from plateaus.training.toy.run import ToyRun
from plateaus.training.toy.settings import ToySettings

TINY = dict(
    images="bars",
    depths=(1, 1),
    widths=(4, 8),
    samples=1440,
    batch=40,
    threads=1,
    device="cpu",
    checkpoints=2,
    flip="no",
)
TRANSFORMER = dict(TINY, depths=(2,), widths=(16,), precision="float32")
RECIPES = {
    "vision-resnet": (VisionRun, TINY),
    "vision-vit": (VisionRun, TRANSFORMER),
    "contrastive-resnet": (ContrastiveRun, {**TINY, "probe": 200, "projection": 8}),
}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three classes, sorted by label: a bright bar at the top, in the middle or at the bottom, in
    noise.
    """
    where, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.repeat(np.arange(3), count // 3)
        x = random.integers(0, 90, (len(y), 16, 16)).astype(np.uint8)
        for image, label in zip(x, y, strict=True):
            image[5 * label + 1 : 5 * label + 4] += 120
        return x, y

    (x, y), (x_test, y_test) = drawn(480), drawn(150)
    np.savez(where / "bars.npz", Xtrain=x, Ytrain=y, Xtest=x_test, Ytest=y_test)
    np.savez(where / "whole.npz", X=np.stack([x] * 3, -1), Y=y)
    return where


def trained(preset, folder, work, **more):
    """The tiny form of a preset, trained; returns the run and its model in evaluation mode."""
    kind, tiny = RECIPES[preset.replace("-shuffled", "")]
    begun = kind(settings(kind.presets, preset, **tiny), work, load_images(str(folder), "bars"))
    train(begun, save_every=10, **more)
    return begun, begun.model.eval()


def log(work) -> list[dict]:
    return [
        {k: v for k, v in json.loads(line).items() if not k.endswith("per_second")}
        for line in (work / "log.jsonl").read_text().splitlines()
    ]


def accuracy(model, images) -> float:
    return evaluate(model, Pixels(images, CPU), images.test, images.test_labels)[1]


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    work = tmp_path_factory.mktemp("whole")
    return work, *trained("vision-resnet", folder, work)


@pytest.mark.parametrize("preset", RECIPES)
def test_resuming_equals_never_stopping(preset, folder, tmp_path):
    _, once = trained(preset, folder, tmp_path / "once")
    trained(preset, folder, tmp_path / "twice", stop_after=17)
    assert not (tmp_path / "twice" / "log.jsonl").exists()
    _, again = trained(preset, folder, tmp_path / "twice")
    assert log(tmp_path / "once") == log(tmp_path / "twice")
    assert all(
        torch.equal(a, b)
        for a, b in zip(once.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_resuming_without_the_optimiser_differs(whole, folder, tmp_path):
    trained("vision-resnet", folder, tmp_path, stop_after=17)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    state["optimisers"][0]["state"] = {}
    torch.save(state, tmp_path / "state.pt")
    trained("vision-resnet", folder, tmp_path)
    assert log(tmp_path)[-1]["test_loss"] != log(whole[0])[-1]["test_loss"]


def test_resuming_on_other_images_is_refused(whole, folder):
    work, begun, _ = whole
    other = load_images(str(folder), "bars").drawn(300, 0)
    with pytest.raises(TrainingError, match="another data: checksum"):
        train(VisionRun(begun.s, work, other))


def test_it_learns_and_from_shuffled_labels_it_does_not(whole, folder, tmp_path):
    _, begun, model = whole
    assert accuracy(model, begun.images) > 0.9
    _, shuffled = trained("vision-resnet-shuffled", folder, tmp_path)
    assert accuracy(shuffled, begun.images) < 0.6


def test_an_order_depends_on_seed_and_step_alone_and_sees_every_image_once():
    one, two = Order(48, 10, 0), Order(48, 10, 0)
    one(0), one(9)
    assert (
        np.array_equal(one(4), two(4))
        and not np.array_equal(one(4), one(5))
        and not np.array_equal(one(4), Order(48, 10, 1)(4))
    )
    # Five epochs, across the ends of batches.
    seen = np.concatenate([one(step) for step in range(24)]).reshape(-1, 48)
    assert (np.sort(seen, 1) == np.arange(48)).all() and not np.array_equal(seen[0], seen[1])


def test_labels_stay_with_their_images(folder):
    images = load_images(str(folder), "bars")
    drawn = images.drawn(90, 0)
    assert len(drawn) == 90 and (drawn.labels[:-1] > drawn.labels[1:]).any(), (
        "sorted files must not stay sorted"
    )
    assert (bar(drawn) == drawn.labels).all() and (
        bar(images.shuffled(0)) == images.shuffled(0).labels
    ).float().mean() < 0.5
    held = load_images(str(folder / "whole.npz"), "bars")
    assert (held.channels, len(held.test), len(held)) == (3, 96, 384) and (
        bar(held) == held.labels
    ).all()


def bar(images) -> torch.Tensor:
    return images.train[:, 0].float().mean(-1).unfold(1, 3, 1).mean(-1)[:, [1, 6, 11]].argmax(-1)


def test_shifts_move_pictures_and_nothing_else():
    x = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    moved = augment.shifted(x, 2, torch.Generator().manual_seed(0))
    assert torch.equal(augment.shifted(x, 0, torch.Generator()), x) and not torch.equal(moved, x)
    padded = F.pad(x, (2,) * 4)
    places = [
        {
            (r, c)
            for r in range(5)
            for c in range(5)
            if torch.equal(moved[i, 0], padded[i, 0, r : r + 8, c : c + 8])
        }
        for i in range(50)
    ]
    assert all(len(found) == 1 for found in places) and len(set.union(*places)) > 15


def test_a_whole_crop_is_the_image_and_mirrors_undo_themselves():
    x = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    rows = x.flip(-1)
    mirrored = augment.mirrored(x, torch.Generator().manual_seed(0))
    chosen = [torch.equal(a, b) for a, b in zip(mirrored, rows, strict=True)]
    assert 0 < sum(chosen) < 20 and all(
        was or torch.equal(a, b) for was, a, b in zip(chosen, mirrored, x, strict=True)
    )
    flat = torch.full((20, 1, 8, 8), 0.25)
    assert torch.allclose(augment.cropped(flat, 0.2, torch.Generator().manual_seed(0)), flat)
    assert not torch.allclose(
        augment.cropped(x, 0.2, torch.Generator().manual_seed(0)), x, atol=0.05
    )


def slow_nt_xent(a: torch.Tensor, b: torch.Tensor, temperature: float) -> torch.Tensor:
    """The loss of the paper, term by term."""
    z, n, total = torch.cat([a, b]), len(a), 0.0
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        terms = [
            torch.exp(F.cosine_similarity(z[i], z[k], dim=0) / temperature)
            for k in range(2 * n)
            if k != i
        ]
        total = total - torch.log(
            torch.exp(F.cosine_similarity(z[i], z[partner], dim=0) / temperature) / sum(terms)
        )
    return total / (2 * n)


def test_nt_xent_is_that_of_the_paper():
    a, b = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    truth = slow_nt_xent(a, b, 0.3)
    assert torch.allclose(contrastive.nt_xent(a, b, 0.3), truth)
    z = F.normalize(torch.cat([a, b]), dim=1)
    including_itself = F.cross_entropy(z @ z.T / 0.3, torch.arange(10).roll(5))
    assert not torch.allclose(including_itself, truth) and not torch.allclose(
        contrastive.nt_xent(a, b.flip(0), 0.3), truth
    )
    alike = torch.eye(6)[:5]
    assert (
        contrastive.nt_xent(alike, alike, 0.05)
        < 1e-3
        < contrastive.nt_xent(alike, alike.roll(1, 0), 0.05)
    )


def test_random_numbers_of_a_step_depend_on_seed_stream_and_step():
    drawn = {
        (seed, stream, step): torch.rand(4, generator=augment.generator(seed, stream, step))
        for seed in (0, 1)
        for stream in augment.STREAMS
        for step in (0, 1)
    }
    assert len({tuple(x.tolist()) for x in drawn.values()}) == len(drawn)
    assert torch.equal(
        drawn[0, "views", 1], torch.rand(4, generator=augment.generator(0, "views", 1))
    )


@pytest.mark.parametrize("preset", RECIPES)
def test_export_loads_again_and_a_flipped_byte_is_named(preset, folder, tmp_path):
    begun, model = trained(preset, folder, tmp_path / "work")
    record = export(begun, tmp_path / "out")
    loaded = AutoModelForImageClassification.from_pretrained(
        tmp_path / "out", dtype=torch.float32
    ).eval()
    assert accuracy(loaded, begun.images) == record["quality"]["accuracy"]
    assert record["quality"]["accuracy"] == pytest.approx(
        log(tmp_path / "work")[-1]["test_accuracy"], abs=0.02
    )  # bfloat16 loses little
    assert (tmp_path / "out" / "projection.safetensors").exists() == preset.startswith(
        "contrastive"
    )
    assert (
        f"plateaus train {record['recipe']} {preset} --data DIRECTORY"
        in (tmp_path / "out" / "README.md").read_text()
    )
    verify(tmp_path / "out")
    weights = tmp_path / "out" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CorruptModel, match="model.safetensors"):
        verify(tmp_path / "out")


def test_a_probe_reads_what_the_body_holds(folder):
    images = load_images(str(folder), "bars")
    s, pixels = settings(VISION, "vision-resnet", **TINY), Pixels(images, CPU)
    fresh, empty = (build_model(s, images).eval() for _ in range(2))
    for parameter in empty.base_model.parameters():
        torch.nn.init.zeros_(parameter)
    for model in (fresh, empty):
        before = [p.clone() for p in model.base_model.parameters()]
        contrastive.probe(model, pixels, images, 480)
        assert all(map(torch.equal, before, model.base_model.parameters()))
    assert accuracy(fresh, images) > 0.8 > 0.5 > accuracy(empty, images)


SMALL_TOY = [
    word
    for pair in ("blocks=2", "width=8", "samples=300", "epochs=6", "networks=2", "checkpoints=2")
    for word in ("--set", pair)
]


def test_the_toy_command_writes_networks_that_verify(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "toy", *SMALL_TOY]) == 0
    target = tmp_path / "runs" / "toy" / "model"
    verify(target)
    record = json.loads((target / "training.json").read_text())
    steps = {f"step-{step}.safetensors" for step in record["checkpoints"]}
    assert len(steps) == 3 and {p.name for p in target.glob("seed-0/*")} == steps
    assert {p.parent.name for p in target.glob("seed-*/step-0.safetensors")} == {"seed-0", "seed-1"}
    module = networks.build(width=8, blocks=2).double()
    module.load_state_dict(load_file(target / "seed-1" / f"step-{record['steps']}.safetensors"))
    fresh = ToySettings().points(1_000_003, 5_000)
    assert record["quality"]["scores"][f"step {record['steps']}"][1] == score(module, fresh)
    assert (
        len(record["quality"]["scores"][f"step {record['steps']}"]) == 2
        and "plateaus train toy --set samples=300" in (target / "README.md").read_text()
    )


def test_a_toy_run_that_was_stopped_ends_like_one_that_was_not(tmp_path):
    s = ToySettings(blocks=2, width=8, samples=300, epochs=6, networks=2, checkpoints=2)
    once, twice = (ToyRun.of(s, tmp_path / name, None) for name in ("once", "twice"))
    log = train(once)
    train(twice, stop_after=3 * 4 + 2)  # in the fourth epoch
    twice = ToyRun.of(s, tmp_path / "twice", None)
    again = train(twice)
    assert [row.get("loss") for row in log] == [row.get("loss") for row in again]
    assert list(once.model.kept) == list(twice.model.kept) == [0, 1, 24]
    assert all(
        torch.equal(v, twice.model.kept[step][k])
        for step, kept in once.model.kept.items()
        for k, v in kept.items()
    )
