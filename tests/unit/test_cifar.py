"""ResNets for CIFAR from a state dict: tensors alone are read, and the blocks are the network."""

from __future__ import annotations

import io
import pickle
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import plateaus as pl
from plateaus.errors import BadParameter, BadPoints, CorruptModel, UnknownModel
from plateaus.networks import cifar

SENTENCE = r"^[^.].*[^.]\.$"


@pytest.fixture(scope="module")
def model():
    """A network of 8 layers, every number nudged, batch-norm statistics too."""
    torch.manual_seed(0)
    made = cifar.CifarResNet(1)
    with torch.no_grad():
        for tensor in (*made.parameters(), *made.buffers()):
            if tensor.is_floating_point():
                tensor.add_(0.1 * torch.rand_like(tensor))
    return made.eval()


def saved(model, path, **changes):
    """As several GPUs leave it: under a key, ``module.`` before each name, no counters."""
    state = {f"module.{k}": v for k, v in model.state_dict().items() if "tracked" not in k}
    state.update({f"module.{k}": v for k, v in changes.items()})
    state = {k: v for k, v in state.items() if v is not None}
    torch.save({"state_dict": state, "best_prec1": 91.0}, path)
    return path


@pytest.fixture
def images():
    return torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)


def test_blocks_one_after_the_other_are_the_network(model, images, tmp_path):
    net = pl.load(saved(model, tmp_path / "tiny.th"), device="cpu")
    x = net.points(images)
    said = model(x.reshape(-1, 3, 32, 32))
    torch.testing.assert_close(net(x), said)
    assert len(net) == 4 and net.dims[1:] == (16384, 16384, 8192, 4096)
    assert net.provenance["sha256"] != "none"


def test_shortcuts_are_those_of_option_a(model):
    x = torch.rand(2, 16, 32, 32)
    block = model.layer2[0]
    block_out = block(x)
    added = block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x)))))
    kept = torch.zeros(2, 32, 16, 16)
    kept[:, 8:24] = x[:, :, ::2, ::2]
    torch.testing.assert_close(block_out, F.relu(added + kept))
    kept = kept.roll(8, 1)  # a wrong twin: zeros on one side only
    assert not torch.allclose(block_out, F.relu(added + kept))


def test_untrained_twins_are_drawn_by_their_seed(model, images, tmp_path):
    net = pl.load(saved(model, tmp_path / "tiny.pt"), device="cpu")
    x = net.points(images)
    one, same, other = (net.step_zero(seed)(x) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.allclose(one, other)
    assert not torch.allclose(one, net(x))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"bn1.weight": None}, "lacks bn1.weight"),
        ({"conv1.weight": torch.zeros(16, 1, 3, 3)}, r"conv1.weight of shape \(16, 1, 3, 3\)"),
        ({"linear.bias": torch.full((10,), torch.nan)}, "linear.bias that are not finite"),
        ({"bn1.running_var": torch.full((16,), -1.0)}, "variances in bn1.running_var that are neg"),
        ({"linear.bias": torch.zeros(10, dtype=torch.int8)}, "linear.bias as torch.int8"),
        ({"linear.bias": torch.zeros(10, dtype=torch.complex64)}, "linear.bias as torch.complex64"),
        ({"linear.weight": torch.zeros(10, 64).to_sparse()}, "torch.sparse_coo instead of float"),
        ({"linear.bias": torch.zeros(10, device="meta")}, "linear.bias as no numbers"),
        ({f"layer1.{i}.bn1.weight": torch.zeros(1) for i in range(3000)}, "layer1.0.bn1.weight"),
        ({"layer2.0.shortcut.0.weight": torch.zeros(32, 16, 1, 1)}, "holds layer2.0.shortcut"),
    ],
)
def test_what_is_wrong_with_a_state_dict_is_said(model, tmp_path, changes, fault):
    file = saved(model, tmp_path / "tiny.th", **changes)
    with pytest.raises(CorruptModel, match=fault) as told:
        pl.load(file)
    assert re.match(SENTENCE, str(told.value)) and "\n" not in str(told.value)


class Program:
    """What a file must not do when it is read."""

    def __reduce__(self):
        return (pytest.fail, ("code of the file was run",))


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "program", "list", "numbered"])
def test_files_that_are_no_state_dict(model, tmp_path, kind):
    file = saved(model, tmp_path / "tiny.pth")
    whole = file.read_bytes()
    written = io.BytesIO()
    torch.save([1, 2], written)
    numbered = io.BytesIO()
    torch.save({0: torch.zeros(2)}, numbered)
    contents = {
        "cut": whole[: len(whole) // 2],
        "text": b"not a model",
        "empty": b"",
        "program": pickle.dumps(Program()),
        "list": written.getvalue(),
        "numbered": numbered.getvalue(),
    }
    file.write_bytes(contents[kind])
    with pytest.raises(CorruptModel, match="could not be read as tensors|holds no state") as told:
        pl.load(file)
    assert re.match(SENTENCE, str(told.value)) and "\n" not in str(told.value)


def test_a_size_would_change_nothing(model, tmp_path):
    with pytest.raises(BadParameter, match="is read without size, got 64: leave it out"):
        pl.load(saved(model, tmp_path / "tiny.th"), size=64)


def test_no_file_of_that_name(tmp_path):
    with pytest.raises(UnknownModel, match="There is no file"):
        pl.load(tmp_path / "none.th")


def test_images_of_another_size_are_refused(model, tmp_path):
    net = pl.load(saved(model, tmp_path / "tiny.th"), device="cpu")
    with pytest.raises(BadPoints, match=r"takes images of shape \(3, 32, 32\)") as told:
        net.points(np.zeros((2, 3, 28, 28), dtype=np.uint8))
    assert re.match(SENTENCE, str(told.value))
