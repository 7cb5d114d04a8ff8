"""What makes training fast leaves its results as they are."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from plateaus.training.muon import Muon

SHAPES = [(24, 72), (24, 24), (24, 96), (96, 24)] * 2 + [(40, 24)]
OPTIONS = {"lr": 6e-3, "weight_decay": 0.1}


def moved(make, **options) -> list[torch.Tensor]:
    """Nine matrices after three steps along the same random gradients; one of them has none at the
    second.
    """
    generator = torch.Generator().manual_seed(0)
    params = [torch.randn(shape, generator=generator) / 10 for shape in SHAPES]
    optimiser = make(params, **OPTIONS, **options)
    for step in range(3):
        for i, p in enumerate(params):
            gradient = torch.randn(p.shape, generator=generator)
            p.grad = None if (step, i) == (1, 3) else gradient
        optimiser.step()
    return params


def difference(left: list[torch.Tensor], right: list[torch.Tensor]) -> float:
    """Largest relative to the length of three steps."""
    start = moved(
        Muon, momentum=1.0
    )  # a momentum of one never takes a gradient in: weight decay alone moves
    return max(
        float((x - y).norm() / (x - z).norm()) for x, y, z in zip(left, right, start, strict=True)
    )


def test_matrices_moved_together_go_where_the_library_moves_them_one_by_one():
    library = moved(torch.optim.Muon, adjust_lr_fn="match_rms_adamw")
    assert difference(library, moved(Muon)) < 1e-3
    for wrong in ({"nesterov": False}, {"ns_steps": 4}, {"momentum": 0.9}):
        assert difference(library, moved(Muon, **wrong)) > 1e-2, wrong
    assert difference(moved(torch.optim.Muon), moved(Muon)) > 1e-2  # another size of step


FAULTS = """
import resource, torch
from plateaus.training.memory import keep_freed_memory
kept = {kept} and keep_freed_memory()
def step():
    return torch.ones(12_000_000).sum()   # 48 MB: beyond 32 MB the default gives every block back
for _ in range(12): step()   # until every alignment has had its block
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10): step()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked to keep memory")
def test_memory_that_is_kept_costs_no_page_faults():
    faults = {}
    for kept in (True, False):
        said = subprocess.run(
            [sys.executable, "-c", FAULTS.format(kept=kept)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert said[0] == str(kept)
        faults[kept] = int(said[1])
    assert 10 * faults[True] < faults[False] > 100  # with huge pages there are fewer of both
