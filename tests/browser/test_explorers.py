"""The explorers in a real browser: their numbers are the package's, and keys drive them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import plateaus as pl
from plateaus.book import explorers
from plateaus.geometry import flood
from plateaus.networks import residual

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
STEPS = {"trained": "step-4680", "step 0": "step-0"}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Both explorers on a bare page that is opened from a folder."""
    folder = tmp_path_factory.mktemp("stage")
    shutil.copytree(ROOT / "book/_static/explorer", folder / "book/_static/explorer")
    text = "% explorer plateau\n% explorer prompt\n"
    (folder / "book/introduction.md").write_text(text)
    explorers.place(ROOT, folder)
    html = (folder / "book/introduction.md").read_text()
    html = html.replace("```{raw} html", "").replace("```", "").replace("../_static", "_static")
    (folder / "book/page.html").write_text(f"<!doctype html><meta charset=utf-8>{html}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        faults = []
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.goto((folder / "book/page.html").as_uri())
        page.wait_for_function("window.plateauExplorer?.result", timeout=120_000)
        yield page
        assert not faults
        browser.close()


@pytest.mark.parametrize("name", STEPS)
def test_a_thousand_points_read_as_the_package_reads_them(page, name):
    module = explorers.spiral(ROOT / "book/models/spiral", STEPS[name])
    net = residual.network(module, dtype=torch.float64)
    x = torch.rand(1000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    for reading in (0, 10, 20, 21, 22):
        shown = page.evaluate(
            """([name, points, reading]) => {
                const net = plateauExplorer.nets[name];
                return points.map((p) => Array.from(plateauMath.read(net, p, reading)));
            }""",
            [name, x.tolist(), reading],
        )
        with torch.no_grad():
            states = net.trace(x)[1:]
            every = [*states, net.readout(states[-1]), net.readout(states[-1]).softmax(-1)]
        wanted = every[reading].numpy()
        scale = np.linalg.norm(wanted - wanted.mean(0), axis=-1).max()
        assert np.abs(np.array(shown) - wanted).max() < 1e-5 * scale


def test_heights_merge_heights_and_membership_are_those_of_the_package(page):
    shown = page.evaluate(
        """() => {
            const { h, tree, mark, radius, source, goal } = plateauExplorer.result;
            const joined = tree.joined;
            return { h: Array.from(h), joined, mark: Array.from(mark), radius, source, goal };
        }"""
    )
    h = np.array(shown["h"]).reshape(121, 121)
    source, goal = (divmod(shown[k], 121) for k in ("source", "goal"))
    merged = flood.over_grid(h, source)
    assert merged[goal] == shown["joined"]
    inside = np.array(shown["mark"]).reshape(121, 121) == 2
    assert (inside == (merged < shown["radius"])).all() and inside.any() and not inside.all()
    ball = h < shown["radius"]
    assert (ball & ~inside).any()  # the twin without the component would show these as plateau


def test_the_first_picture_shows_one_output_and_two_plateaus(page):
    said = page.inner_text("#explorer [data-part=said]")
    assert "lies within r of that of a, and yet b is not in its plateau" in said


def test_keys_move_the_anchor_and_the_address_keeps_the_picture(page):
    before = page.evaluate("plateauExplorer.state.a[1]")
    page.focus("#explorer [data-part=a]")
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"location.hash.includes('a=-0.500,{before + 0.02:.3f}')")
    page.keyboard.press("ArrowDown")


def test_a_drag_moves_b(page):
    handle, box = page.locator("#explorer [data-part=b]"), page.locator("[data-part=terrain]")
    where, size = handle.bounding_box(), box.bounding_box()
    page.mouse.move(where["x"] + 15, where["y"] + 15)
    page.mouse.down()
    page.mouse.move(size["x"] + size["width"] / 2, size["y"] + size["height"] / 2, steps=5)
    page.mouse.up()
    x, y = page.evaluate("plateauExplorer.state.b")
    assert abs(x) < 0.02 and abs(y) < 0.02


def test_the_language_model_moves_as_in_the_package(page):
    page.click("#prompt [data-part=load]")
    page.wait_for_function("window.plateauPrompt.result", timeout=120_000)
    shown = page.evaluate(
        """() => ({ curves: plateauPrompt.result.curves.map((c) => Array.from(c)),
                    odds: plateauPrompt.result.predictions.map((p) => Array.from(p)) })"""
    )
    lm = pl.load(explorers.LANGUAGE_MODEL, device="cpu")
    net = lm.at("He")
    a, b = net.states([" met", " was"], block=1)
    with torch.no_grad():
        states = net[1:].trace(pl.paths.segment(a, b, steps=51))[1:]
        odds = lm.logits(states[-1]).softmax(-1)
    wanted = np.stack([pl.curves.normalised_distance(s[None])[0].numpy() for s in states])
    # The package computes in float32, the page in float64.
    assert np.abs(np.array(shown["curves"]) - wanted).max() < 1e-4
    assert np.abs(np.array(shown["odds"]) - odds.numpy()).max() < 1e-4
    assert np.abs(wanted[-1] - np.linspace(0, 1, 51)).max() > 0.1  # a straight line would not pass


def test_a_word_that_the_language_lacks_is_named(page):
    page.fill("#prompt [data-part=a]", "nosuch")
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelector('#prompt .said').textContent.includes('nosuch')")
