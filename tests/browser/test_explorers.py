"""The explorers in a real browser: their numbers are the package's, and keys drive them."""

import shutil

import explored
import numpy as np
import pytest
import torch

import plateaus as pl
from plateaus.book import explorers
from plateaus.geometry import flood

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Both explorers on a bare page that is opened from a folder."""
    faults = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with explored.bare(browser, tmp_path_factory.mktemp("stage"), faults) as page:
            yield page
        assert not faults
        browser.close()


@pytest.mark.parametrize("name", explored.STEPS)
def test_a_thousand_points_read_as_the_package_reads_them(page, name):
    assert explored.difference(page, name) < 1e-5


def test_another_network_would_be_seen(page, monkeypatch):
    monkeypatch.setitem(explored.STEPS, "trained", explored.STEPS["step 0"])
    assert explored.difference(page, "trained", points=10) > 0.1


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
