"""The benchmark compares like with like; how long it takes is nobody's test."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest
import torch

from plateaus import bench
from plateaus.bench.bound import bound, shares
from plateaus.cli import main
from plateaus.errors import BadParameter


@pytest.fixture(params=["gpt2", "llama", "pythia"])
def lm_and_raw(request, save_tiny, tmp_path):
    folder = save_tiny(request.param, tmp_path)
    lm = bench.load(folder, device="cpu")
    return lm, bench.plain(folder, lm)


def test_the_ways_agree_and_weights_count_once(lm_and_raw, monkeypatch):
    lm, raw = lm_and_raw
    monkeypatch.setattr(bench, "PAIRS", 3)
    monkeypatch.setattr(bench, "POINTS", 7)
    monkeypatch.setattr(bench, "matrix_product_peak", lambda _device: 1e9)
    row = bench.measure(lm, raw, repeats=1)
    assert len(row["ways"]) == 2
    for ways in row["ways"].values():
        assert ways[bench.OURS]["times ours"] == 1
        assert all(way["relative difference"] < 1e-5 for way in ways.values())
    single = next(iter(row["ways"].values()))
    seconds = single["ours, prefix at hand"]["seconds"]
    weights = sum(
        p.numel() for n, p in raw.named_parameters() if p.ndim == 2 and (".1." in n or ".2." in n)
    )
    assert row["fraction of the peak"] == pytest.approx(2 * weights * 7 / seconds / 1e9)
    ratios = row["ratios"]
    assert ratios["interpolation_vs_batched_hooks"] == single[bench.PLAIN]
    assert 0 < ratios.pop("fraction_of_peak")
    assert all(r["relative difference"] < 1e-4 and r["times ours"] > 0 for r in ratios.values())


def test_a_wrong_patch_would_be_seen(lm_and_raw):
    lm, raw = lm_and_raw
    a, b = torch.randint(3, 200, (2, 2, 10), generator=torch.Generator().manual_seed(0))
    b[:, :-1] = a[:, :-1]
    ours = bench.by_prefix(lm, a, b)
    theirs = bench.by_hooks(raw, a, b, patch=1, steps=50, batch=50)
    assert torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4)
    assert torch.allclose(theirs, bench.by_hooks(raw, a, b, patch=1, steps=50, batch=13), atol=1e-5)
    wrong = bench.by_hooks(raw, a, b, patch=2, steps=50, batch=50)
    assert not torch.allclose(ours, wrong, atol=1e-3)


def test_a_wrong_measurement_would_be_seen(gpt2_folder, monkeypatch):
    lm = bench.load(gpt2_folder, device="cpu")
    raw = bench.plain(gpt2_folder, lm)
    ids = torch.randint(3, 200, (1, 10), generator=torch.Generator().manual_seed(0))
    points = lm.at(ids[:, :-1]).states(torch.tensor([3, 4, 5]), block=1)
    options = {"patch": 1, "repeats": 1}
    found = bench.mechanism.rows(lm, raw, ids, points, **options)
    assert all(row["relative difference"] < 1e-4 for row in found.values())
    honest = bench.mechanism.NormOf
    monkeypatch.setattr(bench.mechanism, "NormOf", lambda mlp: lambda x: 1.01 * honest(mlp=mlp)(x))
    monkeypatch.setattr(bench.mechanism, "velocities", lambda tail, x, v: v)
    monkeypatch.setattr(
        bench.mechanism, "stretched", lambda tail, x, frame: frame.expand(len(x), *frame.shape)
    )
    read = bench.mechanism.patched
    monkeypatch.setattr(
        bench.mechanism, "patched", lambda raw, prompt, *a, **o: read(raw, prompt.flip(0), *a, **o)
    )
    wrong = bench.mechanism.rows(lm, raw, ids, points, **options)
    assert all(row["relative difference"] > 5e-3 for row in wrong.values())


def test_figures_are_written_and_told(gpt2_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "PAIRS", 2)
    monkeypatch.setattr(bench, "matrix_product_peak", lambda _device: 1e9)
    out = tmp_path / "bench.json"
    assert not main(["bench", "--model", gpt2_folder, "--repeats", "1", "--out", str(out)])
    assert json.loads(out.read_text())["models"]
    said = capsys.readouterr().out
    assert "one pair" in said and "2 pairs in their contexts" in said and "prefix at hand" in said


def test_a_shape_is_one_model_more_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setitem(bench.shapes.SHAPES, "gpt2-large-shape", {"blocks": 3, "width": 64})
    monkeypatch.setattr(bench, "measure", lambda lm, _raw, _repeats: {"blocks": len(lm)})
    out = tmp_path / "bench.json"
    bench.bench(out, model="laboratory-3l", repeats=1)
    found = bench.bench(out, model="gpt2-large-shape", repeats=1)["models"]
    assert found == {
        "laboratory-3l": {"blocks": 3},
        "gpt2-large-shape, random weights": {"blocks": 3},
    }


@pytest.mark.parametrize("repeats", [0, -3])
def test_no_repeats_are_refused(repeats, tmp_path, capsys):
    with pytest.raises(BadParameter, match=f"repeats={repeats}: give 1 or more"):
        bench.bench(tmp_path / "bench.json", repeats=repeats)
    assert main(["bench", "--repeats", str(repeats)]) == 2
    assert "median of at least one run" in capsys.readouterr().err


def test_sections_stay_in_the_file_unless_measured_elsewhere(tmp_path, monkeypatch):
    out = tmp_path / "bench.json"
    made = {"growth": lambda _repeats: {"a": 1}, "memory": lambda _repeats: {"b": 2}}
    monkeypatch.setattr(bench, "SECTIONS", made)
    bench.bench(out, only=["growth"])
    assert bench.bench(out, only=["memory"])["growth"] == {"a": 1}
    monkeypatch.setattr(bench.about, "machine", lambda: {"processor": "another"})
    assert "growth" not in bench.bench(out, only=["memory"])
    with pytest.raises(BadParameter, match="no section 'speed': choose of growth, memory"):
        bench.bench(out, only=["speed"])


def test_no_name_of_a_machine_is_kept():
    about = bench.about.machine()
    assert about["processors"] >= 1 and about["memory [GiB]"] >= 1 and about["processor"]
    assert platform.node() not in json.dumps(about)


def test_what_a_computation_waits_for_is_told_apart():
    big, cpu = torch.randn(400, 400), torch.device("cpu")
    long = torch.randn(2_000_000)
    ways = {
        "arithmetic": lambda: [big @ big for _ in range(50)],
        "memory": lambda: [long.add_(1) for _ in range(100)],
        "Python": lambda: sum(i * i for i in range(300_000)),
    }
    for right, way in ways.items():
        found = shares(way, cpu)
        assert bound(found) == right, (right, found)
        assert sum(found.values()) == pytest.approx(1)


def test_an_exponent_is_found_again():
    assert bench.growth.exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2)
    asked = {"steps": (5, 10), "pairs": (2, 4), "tokens": (3, 5)}
    small = {"steps": 5, "pairs": 2, "blocks": 2, "width": 64, "tokens": 4}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.growth, "BASE", small)
        found = bench.growth.rows(1, asked)
    assert list(found) == list(asked)
    assert all(len(row["seconds"]) == 2 and min(row["seconds"]) > 0 for row in found.values())


def test_wholes_agree_with_another_way_of_computing_them():
    plateau, cut = bench.wholes.plateau(1, side=21), bench.wholes.exact_slice(1, blocks=1, width=3)
    assert plateau["relative difference"] == 0 and plateau["times ours"] > 1
    assert cut["relative difference"] < 1e-12
    field = bench.wholes.exponent_field(1, model="laboratory-3l", side=5)
    assert field["relative difference"] < 1e-6 and field["seconds"] > 0


def test_memory_does_not_grow_with_pairs_and_a_twin_that_keeps_all_does(tmp_path):
    shape = {"blocks": 2, "width": 64}
    row = bench.memory.rows((100, 1000), **shape)
    few, many = row["bytes"]
    folder = bench.shapes.save(tmp_path, **shape)
    twin = (
        "import sys; from plateaus.bench import memory; from plateaus.experiments import runs; "
        "runs.AT_ONCE = 2**40; memory.measure(sys.argv[1], 1000, 50, 3); print(memory.most())"
    )
    done = subprocess.run([sys.executable, "-c", twin, folder], capture_output=True, check=True)
    # One process differs from the next by up to a hundred megabytes, the twin by thousands.
    assert many - few < (int(done.stdout) - few) / 5, row
