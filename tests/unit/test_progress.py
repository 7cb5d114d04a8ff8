"""Bars of long commands: on a terminal, and nowhere else."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios

import nbformat
import pytest
import torch
import xarray as xr
from nbformat.v4 import new_code_cell, new_notebook

from plateaus import progress, results
from plateaus.book import build, collect, notebooks
from plateaus.experiments import Ends, interpolate, over
from plateaus.networks.residual import ResidualMLP, network
from plateaus.training.toy import Recipe, train


@contextlib.contextmanager
def terminal(monkeypatch):
    """Standard error is a terminal within; what was drawn on it comes back in a list."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    seen: list[str] = []
    with os.fdopen(theirs, "w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", file)
        patch.setattr(progress, "WAIT", 0.0)
        yield seen
        file.flush()
        os.set_blocking(ours, False)
        with contextlib.suppress(BlockingIOError):
            while part := os.read(ours, 65536):
                seen.append(part.decode(errors="replace"))
    os.close(ours)


def toy():
    return network(ResidualMLP(width=4, blocks=2))


def many_pairs(_folder):
    x = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    interpolate(Ends.of_inputs(toy(), *x), steps=5)


def several_models(_folder):
    over("seed", {0: 0, 1: 1}, lambda n: xr.Dataset({"x": n}))


def a_training(_folder):
    from plateaus.data import toy as data

    points = data.spiral(samples=80, noise=0.02, seed=0)
    train(lambda: ResidualMLP(width=4, blocks=1), points, Recipe(epochs=1, batch=8, seeds=(0,)))


def merging(folder):
    row = {"id": "J4", "metric": "x", "model": "m", "verdict": "holds", "chapter": "c", "n": 1}
    row |= dict.fromkeys(("value", "ci_low", "ci_high"))
    results.write_json([row], folder / "m/seed-0/auto/part/name/m/claims/name.json")
    collect.rows(folder)


def notebook(folder):
    path = folder / "chapters" / "x" / "one.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), path)
    return path


def chapters_in_place(folder):
    notebooks.execute([notebook(folder)])


def a_book(folder):
    notebook(folder)
    (folder / "_toc.yml").write_text("parts: [{chapters: [{file: chapters/x/one}]}]\n")
    (folder / "_build").mkdir()
    build.execute(folder, folder / "_build")


WORK = {
    many_pairs: "ResidualMLP, 5 pairs",
    several_models: "seed",
    a_training: "toy",
    merging: "cells",
    chapters_in_place: "chapters",
    a_book: "chapters, into _build",
}


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_long_work_shows_a_bar_on_a_terminal(work, tmp_path, monkeypatch):
    with terminal(monkeypatch) as seen:
        work(tmp_path)
    drawn = "".join(seen)
    assert f"{WORK[work]}:   0%|" in drawn


@pytest.mark.parametrize("work", [many_pairs, several_models, a_training, merging])
def test_nothing_is_drawn_elsewhere(work, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(progress, "WAIT", 0.0)
    work(tmp_path)
    said = capfd.readouterr()
    assert not said.err and not said.out


def test_short_work_draws_nothing(monkeypatch):
    with terminal(monkeypatch) as seen:
        monkeypatch.setattr(progress, "WAIT", 5.0)
        many_pairs(None)
    assert not "".join(seen)


def test_a_terminal_is_told_where_the_result_goes(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with terminal(monkeypatch) as seen:
        progress.goes_to(tmp_path / "results" / "x.nc")
    assert "".join(seen).strip() == "The result goes to results/x.nc"
    progress.goes_to(tmp_path / "results" / "x.nc")
    assert not capfd.readouterr().err
