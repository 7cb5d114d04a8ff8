"""A table of what every built page weighs, how soon it is there, and what axe says of it, how far
the explorers are from the package and how fast they follow a hand, for whoever wants to see the
numbers that the tests bound: python tests/browser/measured.py [explorers].
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import explored
import visits
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from test_pages import LATER, OPEN, words

TIMES = 3
"""Loads of a page, of which the median is told; each with an empty cache."""
IMPACTS = ("critical", "serious", "moderate", "minor")
HEAD = ("page", *IMPACTS, "contrast undecided", "own (kB)", "first load (kB)", "load (ms)")


def row(browser: Any, address: str, name: str, width: int, scheme: str) -> tuple[str, ...]:
    """One page: counts by impact, kilobytes as a server would compress them, milliseconds."""
    with visits.opened(browser, address, name, width=width, scheme=scheme) as visit:
        visit.page.evaluate(OPEN)
        found, undecided = judged(visit.page)
        sizes = {k: n for k, n in visit.loaded.items() if not any(p in k for p in LATER)}
    own = sum(n for k, n in sizes.items() if "_static" not in k or "_images" in k)
    counts = (*(found[impact] for impact in IMPACTS), undecided)
    weights = (f"{n / 1000:.0f}" for n in (own, sum(sizes.values())))
    waits = median(waited(browser, f"{address}/{name}", width) for _ in range(TIMES))
    return (name.removesuffix(".html"), *map(str, counts), *weights, f"{waits:.0f}")


def waited(browser: Any, url: str, width: int) -> float:
    """Milliseconds until everything that a page asks for first is there."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    try:
        page = context.new_page()
        page.goto(url, wait_until="load", timeout=visits.WAIT)
        return page.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart")
    finally:
        context.close()


def judged(page: Any) -> tuple[Counter[str], int]:
    """Elements that break a rule of axe, by impact, and words whose contrast it could not tell."""
    response = Axe().run(page, context="article", options={"preload": False}).response
    found: Counter[str] = Counter()
    for violation in response["violations"]:
        found[violation["impact"]] += len(violation["nodes"])
    undecided = [r for r in response["incomplete"] if r["id"] == "color-contrast"]
    return found, sum(words(node) for rule in undecided for node in rule["nodes"])


def of_explorers(browser: Any) -> list[str]:
    """What is said of the explorers."""
    faults: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        explored.bare(browser, Path(folder), faults) as page,
    ):
        lines = [
            f"{name}: largest difference from the package {explored.difference(page, name):.1e} R"
            for name in explored.STEPS
        ]
        middle, slow = explored.frames(page)
    lines.append(
        f"dragging on a processor {explored.SLOWER} times slower: {middle:.0f} ms a picture in the "
        f"median, {slow:.0f} ms at the 95th percentile"
    )
    return lines + faults


def tables(browser: Any, address: str) -> None:
    """Print every page, on a desk and on a phone."""
    for width, scheme in ((1280, "light"), (390, "dark")):
        print(f"\n{width} pixels, {scheme}\n\n| {' | '.join(HEAD)} |")
        print(f"|---{'|---:' * (len(HEAD) - 1)}|")
        for name in visits.pages():
            print(f"| {' | '.join(row(browser, address, name, width, scheme))} |", flush=True)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with visits.served(visits.HTML) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        print("\n".join(of_explorers(browser)), flush=True)
        if "explorers" not in sys.argv[1:]:
            tables(browser, address)


if __name__ == "__main__":
    main()
