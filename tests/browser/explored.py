"""The explorers on a bare page, how far their numbers are from the package's, and how fast they
follow a hand.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import visits

from plateaus.book import explorers
from plateaus.networks import residual

STEPS = {"trained": "step-4680", "step 0": "step-0"}
READINGS = (0, 10, 20, 21, 22)
"""Behind the first block, the middle one and the last, the logits and the probabilities."""
SLOWER = 4
"""How many times slower than this one the processor is that follows a drag."""
SECONDS = 6
"""Of dragging."""
READ = """([name, points, reading]) => {
    const net = plateauExplorer.nets[name];
    return points.map((p) => Array.from(plateauMath.read(net, p, reading)));
}"""
FRAMES = """() => {
    window.frames_ = [];
    let last;
    const next = (now) => {
        if (last !== undefined) frames_.push(now - last);
        last = now;
        if (!window.still_) requestAnimationFrame(next);
    };
    window.still_ = false;
    requestAnimationFrame(next);
}"""


@contextmanager
def bare(browser: Any, folder: Path, faults: list[str]) -> Iterator[Any]:
    """Both explorers on a page without anything else, opened from ``folder``; what went wrong is
    put into ``faults``.
    """
    shutil.copytree(
        visits.ROOT / "book/_static/explorer", folder / "book/_static/explorer", dirs_exist_ok=True
    )
    text = "% explorer plateau\n% explorer prompt\n"
    (folder / "book/introduction.md").write_text(text)
    explorers.place(visits.ROOT, folder)
    html = (folder / "book/introduction.md").read_text()
    html = html.replace("```{raw} html", "").replace("```", "").replace("../_static", "_static")
    (folder / "book/page.html").write_text(f"<!doctype html><meta charset=utf-8>{html}")
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto((folder / "book/page.html").as_uri())
    page.wait_for_function("window.plateauExplorer?.result", timeout=120_000)
    try:
        yield page
    finally:
        page.close()


def difference(page: Any, name: str, points: int = 1000) -> float:
    """The largest difference of any number from the package's at random points, over all readings,
    as a share of R: of the reading's largest distance from its mean.
    """
    module = explorers.spiral(visits.ROOT / "book/models/spiral", STEPS[name])
    net = residual.network(module, dtype=torch.float64)
    draws = torch.Generator().manual_seed(0)
    x = torch.rand(points, 2, generator=draws, dtype=torch.float64) * 2 - 1
    with torch.no_grad():
        states = net.trace(x)[1:]
        every = [*states, net.readout(states[-1]), net.readout(states[-1]).softmax(-1)]
    found = 0.0
    for reading in READINGS:
        shown = np.array(page.evaluate(READ, [name, x.tolist(), reading]))
        wanted = every[reading].numpy()
        scale = np.linalg.norm(wanted - wanted.mean(0), axis=-1).max()
        found = max(found, float(np.abs(shown - wanted).max() / scale))
    return found


def frames(page: Any) -> tuple[float, float]:
    """Milliseconds between two pictures while *a* is dragged in circles: median and 95th
    percentile, on a processor that is `SLOWER`.
    """
    page.locator("[data-part=terrain]").scroll_into_view_if_needed()
    slow = page.context.new_cdp_session(page)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    handle = page.locator("#explorer [data-part=a]").bounding_box()
    field = page.locator("[data-part=terrain]").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.evaluate(FRAMES)
    end, turn = time.monotonic() + SECONDS, 0.0
    while time.monotonic() < end:
        turn += 2 * math.pi / 40
        across, down = (0.5 + 0.35 * f(turn) for f in (math.cos, math.sin))
        page.mouse.move(field["x"] + field["width"] * across, field["y"] + field["height"] * down)
    took = page.evaluate("() => { window.still_ = true; return frames_; }")
    page.mouse.up()
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return median(took), float(np.percentile(took, 95))
