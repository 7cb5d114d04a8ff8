"""The benchmark compares like with like; how long it takes is nobody's test."""

from __future__ import annotations

import json

import pytest
import torch

from plateaus import bench
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
    monkeypatch.setattr(bench.mechanism, "speeds", lambda tail, x, v: v.norm(dim=-1))
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


@pytest.mark.parametrize("repeats", [0, -3])
def test_no_repeats_are_refused(repeats, tmp_path, capsys):
    with pytest.raises(BadParameter, match=f"repeats={repeats}: give 1 or more"):
        bench.bench(tmp_path / "bench.json", repeats=repeats)
    assert main(["bench", "--repeats", str(repeats)]) == 2
    assert "median of at least one run" in capsys.readouterr().err
