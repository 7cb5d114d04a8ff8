"""What a reader waits for beside curves: a plateau on a grid, an exact slice, a field of exponents,
a whole chapter; in seconds of one processor.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plateaus.bench.bound import PARTS, shares
from plateaus.bench.timing import one_thread, processor_seconds
from plateaus.book.places import repository
from plateaus.data import prompts
from plateaus.errors import BuildFailed
from plateaus.experiments import exponents
from plateaus.experiments.ends import Ends
from plateaus.experiments.landscape import landscape
from plateaus.geometry import paths
from plateaus.geometry.exact import ExactPlane, exact, raster
from plateaus.measures import exponents as measures
from plateaus.measures.plateaus import components
from plateaus.networks.load import load
from plateaus.networks.residual import ResidualMLP, network

SIDE, SOME = 121, 100
"""Nodes on the side of a grid, and at how many of them the plain way is timed."""
CHAPTER = "2-language-models/interpolation"
FIELD, H = ("prose-12l", 100), 1e-5
"""Whose exponents are taken, at how many nodes a side; and the step of a difference quotient."""
CPU = torch.device("cpu")


def rows(repeats: int, *, chapter: str | None = CHAPTER) -> dict[str, dict[str, Any]]:
    """Each with its seconds, what bounds it and, where there is a plain way, how many times as long
    that takes and how far apart the two are.
    """
    found = {
        "plateau_on_a_grid": plateau(repeats),
        "exact_slice": exact_slice(repeats),
        "whole_exponent_field": exponent_field(1),
    }
    return found | ({"whole_chapter": whole_chapter(chapter)} if chapter else {})


def plateau(repeats: int, *, side: int = SIDE) -> dict[str, Any]:
    """Heights and merge heights of the shipped toy network on a grid: all plateaus of one point.

    The plain way evaluates node by node; the components are compared with those that labelling
    {h < r} finds, for radii that share out the heights.
    """
    net = load("spiral", device="cpu")
    anchor = torch.tensor([0.3, 0.4], dtype=net.dtype)

    def ours() -> Any:
        return landscape(net, anchor, resolution=side)

    def plain() -> None:
        with torch.no_grad():
            for x in some:
                net(x[None])

    some = torch.rand(SOME, 2, dtype=net.dtype, generator=torch.Generator().manual_seed(0))
    row = _timed(ours, repeats)
    field = ours()
    radii = np.quantile(field.height.values, [0.2, 0.4, 0.6, 0.8])
    labelled = components(field.height.values, field.attrs["source"], radii)
    differ = [
        (field.merge_height.values < r) != one for r, one in zip(radii, labelled, strict=True)
    ]
    nodes = side * side
    with one_thread():
        slow = processor_seconds(plain, 1, CPU) / SOME * nodes
    return row | {
        "size": f"{nodes:,} nodes, 20 blocks of width 16",
        "times ours": slow / row["seconds"],
        "relative difference": float(np.mean(differ)),
    }


def exact_slice(repeats: int, *, blocks: int = 3, width: int = 8) -> dict[str, Any]:
    """The plane of inputs cut into the pieces on which a network is affine, in rational arithmetic,
    and its merge heights; compared with the network itself at nodes of the plane.
    """
    torch.manual_seed(0)
    net = network(ResidualMLP(width=width, blocks=blocks, normalisation=None).double())
    window = ((-1, -1), (1, 1))

    def ours() -> ExactPlane:
        plane = ExactPlane.of(exact(net), window=window, anchor=(0, 0), metric="linf")
        _ = plane.levels
        return plane

    row, plane, axis = _timed(ours, repeats), ours(), np.linspace(-0.9, 0.9, 7)
    height, _, _ = raster(plane, axis, axis)
    points = torch.tensor(np.stack(np.meshgrid(axis, axis), axis=-1))
    with torch.no_grad():
        seen = (net(points) - net(torch.zeros(2).double())).abs().amax(-1).numpy()
    return row | {
        "size": f"{plane.affine_pieces:,} pieces, {blocks} blocks of width {width}",
        "relative difference": float(np.abs(height - seen).max() / seen.max()),
    }


def exponent_field(repeats: int, *, model: str = FIELD[0], side: int = FIELD[1]) -> dict[str, Any]:
    """Both exponents, heights and merge heights on a plane through three activations of a language
    model, in double precision; speeds at some nodes are compared with difference quotients.
    """
    lm = load(model, device="cpu", dtype=torch.float64)
    ends = Ends.of_prompts(lm, prompts.unrelated(lm, 2))

    def ours() -> Any:
        return exponents.planes(ends, 1, steps=side)

    row, found = _timed(ours, repeats), ours().isel(plane=0)
    part, third = next(ends[[0]].parts(side)), ends.b[1]
    e1, e2 = paths.plane_axes(part.a[0], part.b[0], third)
    frame, nodes = measures.frame(e1, e2), (0, side // 2, side - 1)
    at = torch.tensor(found.alpha.values)
    points = torch.stack([part.a[0] + at[k] * (e1 + e2) for k in nodes])[:, None]
    with torch.no_grad():
        ahead, behind = (part.net.trace((points + h * frame).flatten(0, 1))[-1] for h in (H, -H))
    images = (ahead - behind).unflatten(0, (len(nodes), 2)) / (2 * H)
    seen = measures.exponents(images, len(part.net))
    told = [found.exponent.values[k, k] for k in nodes]
    return row | {
        "size": f"{side}² nodes of {model}",
        "relative difference": float(np.abs(np.array(told) / seen[:, 0].numpy() - 1).max()),
    }


def whole_chapter(chapter: str) -> dict[str, Any]:
    """A chapter by papermill, as a reader runs it, one thread; its cells once more for the shares.

    Raises:
        BuildFailed: the chapter stops.
    """
    path = repository() / "chapters" / f"{chapter}.ipynb"
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "papermill", str(path), f"{out}/x.ipynb", "-k", "python3"]
        env = os.environ | {"PLATEAUS_OUT": out, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        start = _of_children()
        done = subprocess.run(
            [*command, "--no-progress-bar"], env=env, capture_output=True, text=True
        )
        seconds = _of_children() - start
        if done.returncode:
            raise BuildFailed(f"{chapter} stopped: {done.stderr.strip().splitlines()[-1]}")
        command = [sys.executable, "-m", __name__, str(path), str(seconds)]
        told = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    parts = (float(x) for x in told.stdout.split()[-3:])
    return {
        "size": chapter,
        "seconds": seconds,
        "shares": dict(zip(PARTS, parts, strict=True)),
    }


def _timed(way: Callable[[], Any], repeats: int) -> dict[str, Any]:
    with one_thread():
        seconds = processor_seconds(way, repeats, CPU)
    return {"seconds": seconds, "shares": shares(way, CPU, seconds)}


def _of_children() -> float:
    """Seconds on the processor of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cells(path: Path) -> None:
    """Run the code of a notebook in this process."""
    import nbformat

    space: dict[str, Any] = {"__name__": "chapter"}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, path.name, "exec"), space)


if __name__ == "__main__":
    found = shares(lambda: cells(Path(sys.argv[1])), CPU, float(sys.argv[2]))
    print(*(found[name] for name in PARTS))
