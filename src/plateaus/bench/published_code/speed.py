"""What the whole published pipeline takes in the public code and in ours, on the same weights."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from plateaus.bench import shapes
from plateaus.bench.about import machine
from plateaus.bench.published_code import MODES, Answer, Code, Words
from plateaus.book import beside
from plateaus.experiments.one_pair import one_pair
from plateaus.networks.load import load

WORDS: Words = ("w11 w12 w13", "w21", "w22")
"""As many tokens as the published prompts have."""
VOCABULARY = 50257
SOME, PATCHES = (0, 24), (0, 11)
"""Steps of the path at which the public code takes its Jacobians here, and the layers that it
patches: of the others each step costs as much, and each layer as the mean of the first and the
last, since fewer readings are kept the later the patch. Its seconds are counted up to all of them.
"""
BY_LAYER = ("patched", "relative distances")


def speed(
    code: Code, *, steps: int = 50, some: Sequence[int] = SOME, repeats: int = 3, threads: int = 1
) -> xr.Dataset:
    """Seconds of one pair, plots and files left out: GPT-2 small's shape, random weights.

    Returns:
        Dim ``repeat``, the two in turn, each in its own process with so many threads:
        ``public_seconds``, dims ``part, by``, and ``our_seconds``, dims ``whole, by``, seconds of
        the processor and by the clock; ``difference``, the largest of norms and curves, relative;
        ``bytes`` that the public code writes to a disk; ``directions``, the fewest and the most
        that slopes of an MLP span here.
    """
    with tempfile.TemporaryDirectory() as folder:
        shapes.save(folder, words=VOCABULARY)
        rows = [_once(code, folder, steps, some, threads) for _ in range(repeats)]
    m = machine()
    where = f"{m['processor']} ({m['system']}, {m['processors']} processors, "
    about = {"machine": f"{where}{m['memory [GiB]']} GiB of memory)"}
    about |= {"threads": threads, "steps": steps, "points of Jacobians": len(some)}
    return xr.concat(rows, "repeat").assign_attrs(about)


def _once(code: Code, folder: str, steps: int, some: Sequence[int], threads: int) -> xr.Dataset:
    lm = load(folder, device="cpu")
    asked = {"steps": steps, "dtype": "float32", "jacobians": some, "threads": threads}
    answer = code.ask(folder, [WORDS], **asked, patches=PATCHES)
    pairs, had = answer.pairs([WORDS]), torch.get_num_threads()
    torch.set_num_threads(threads)
    ours, one = [], None
    try:
        for whole in (False, True):
            start = time.process_time(), time.perf_counter()
            one = one_pair(lm, pairs, steps=steps, jacobians=whole)
            ours.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    finally:
        torch.set_num_threads(had)
    seconds = answer.about["seconds"]
    more = dict.fromkeys(seconds, 1.0) | dict.fromkeys(BY_LAYER, len(lm) / len(PATCHES))
    more |= {name: steps / len(some) for name in seconds if name.startswith(beside.OF_JACOBIANS)}
    theirs = np.array(list(seconds.values())) * np.array(list(more.values()))[:, None]
    data = {"public_seconds": (("part", "by"), theirs)}
    data["our_seconds"] = ("whole", "by"), np.array(ours)
    coords = {"part": list(seconds), "whole": list(beside.WHOLE), "by": ["processor", "clock"]}
    found = xr.Dataset(data, coords=coords).assign(difference=_difference(answer, one, some))
    found["directions"] = "ends", [int(one.directions.min()), int(one.directions.max())]
    return found.assign(bytes=answer.about["bytes"] * more[BY_LAYER[0]])


def _difference(answer: Answer, ours: xr.Dataset, some: Sequence[int]) -> float:
    """The largest relative difference of a norm, and of a curve over its largest number."""
    norms, apart = ours.norm.isel(pair=0, alpha=list(some)), []
    for block in norms.block_out.values.tolist():
        of = {"attention": block, "mlp": block, "block": block - 1}
        of = {kind: f"0/norm/{kind}/{layer}" for kind, layer in of.items()}
        apart += [
            np.abs(norms.sel(of=kind, block_out=block) / answer[name] - 1).max()
            for kind, name in of.items()
            if name in answer.arrays
        ]
    for mode in MODES:
        rho = ours.rho_logits.isel(pair=0).sel(frozen=mode)
        apart.append(np.abs(rho - answer[f"0/rho/{mode}/0/logits"]).max())
    return float(max(apart))
