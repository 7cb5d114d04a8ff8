"""Work in pieces: memory does not grow with the number of points, and lack of it is survived."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from plateaus.errors import NotEnoughMemory
from plateaus.networks import chunks
from plateaus.networks import prompt as prompt_module


def test_pieces_cover_everything_once():
    for rows in (0, 1, 7, 8):
        for size in (0, 1, 3, 8, 100):
            found = chunks.in_chunks(lambda some, rows=rows: list(range(rows))[some], rows, size)
            assert sum(found, []) == list(range(rows))
            assert all(len(piece) <= max(size, 1) for piece in found)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_pieces_are_halved_while_memory_lacks(error):
    tried = []

    def run(some):
        tried.append(some)
        if some.stop - some.start > 3:
            raise error("not enough memory: you tried to allocate 5 bytes")
        return list(range(20))[some]

    assert sum(chunks.in_chunks(run, 20, 16), []) == list(range(20))
    sizes = [some.stop - some.start for some in tried]
    assert sizes[:4] == [16, 8, 4, 2] and set(sizes[3:]) == {2}


def test_other_errors_and_hopeless_ones_are_told():
    def broken(_some):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        chunks.in_chunks(broken, 4, 4)

    def hungry(_some):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(NotEnoughMemory, match="single row of 4 does not fit"):
        chunks.in_chunks(hungry, 4, 4)


@pytest.mark.parametrize("prompts", [1, 3])
def test_a_layer_sees_no_more_rows_than_fit_and_says_the_same(gpt2_lm, prompts, monkeypatch):
    ids = torch.randint(3, 200, (prompts, 8), generator=torch.Generator().manual_seed(1))
    net = gpt2_lm.at(ids)
    x = torch.randn(prompts, 700, 32, generator=torch.Generator().manual_seed(2))
    whole, parts = net(x), net.blocks[1].with_parts(x)
    rows, right = [], prompt_module.PromptBlock._layer

    def watched(block, some, *rest):
        rows.append(len(some))
        return right(block, some, *rest)

    monkeypatch.setattr(prompt_module.PromptBlock, "_layer", watched)
    bytes_of = net.blocks[0]._bytes(x[:1, :64])
    for fit in (1, 2, 5):
        rows.clear()
        monkeypatch.setattr(prompt_module, "budget", lambda _device, fit=fit: fit * bytes_of)
        assert torch.allclose(net(x), whole, atol=1e-5)
        assert max(rows) == fit  # however many points there are
    again = net.blocks[1].with_parts(x)
    assert torch.allclose(again[0], parts[0], atol=1e-5)
    assert all(torch.allclose(again[1][k], parts[1][k], atol=1e-5) for k in parts[1])
    monkeypatch.setattr(prompt_module, "budget", lambda _device: 10**12)
    rows.clear()
    net(x)
    assert max(rows) > 5  # the other side: nothing is cut without need


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's options")
def test_what_is_freed_is_held_for_the_next():
    """Pages that the system clears anew for arrays of 16 MB, with and without."""
    work = (
        "import resource, sys, torch; from plateaus.networks import chunks; "
        "chunks.hold() if sys.argv[1] == 'held' else None; x = torch.zeros(2**22); "
        "step = lambda: ((x * 2).tanh() * x + x.tanh()).numel(); all(step() for _ in range(10)); "
        "new = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt; before = new(); "
        "all(step() for _ in range(10)); print(new() - before)"
    )
    held, freed = (
        int(subprocess.run([sys.executable, "-c", work, how], capture_output=True).stdout)
        for how in ("held", "freed")
    )
    assert held < freed / 4
