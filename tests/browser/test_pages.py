"""Every built page in a real browser, on a phone in the dark and on a desk in the light."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import visits

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES = visits.pages()
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not PAGES, reason="no pages are built: run `make pages`"),
]
WINDOWS = {390: "dark", 1280: "light"}
"""Width in pixels and colour scheme."""
OWN, FIRST = 600_000, 1_500_000
"""Bytes that a page itself and all that it loads first may take, compressed."""
LATER = ("explorer/",)
"""What is loaded on demand or after the page is there."""

RAW = r"""() => {
    // Words outside code and formulas, with what Markdown or TeX would have left in them
    const walk = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
    const found = [];
    while (walk.nextNode()) {
        const node = walk.currentNode;
        if (node.parentElement.closest("pre, code, script, style, svg, mjx-container, .sig"))
            continue;
        const left =
            /\\\(|\\\[|\\begin\{|\\frac|\$[^$\s][^$]*\$|\*\*|(^|\s)\*\w[^*]*\w\*(\W|$)/;
        if (left.test(node.data))
            found.push(node.data.trim().slice(0, 80));
    }
    return found;
}"""
CUT = """() => [...document.querySelectorAll("mjx-container[display]")]
    .filter((m) => m.scrollWidth > m.clientWidth + 1 || m.parentElement.scrollWidth >
        m.parentElement.clientWidth + 1)
    .map((m) => m.textContent.slice(0, 60))"""
CODE = """() => [...document.querySelectorAll("article pre")]
    .filter((p) => !p.closest("details") && p.scrollWidth > p.clientWidth + 1)
    .map((p) => p.textContent.trim().slice(0, 60))"""
UNWRAPPED = """() => [...document.querySelectorAll("article div.highlight pre")]
    .filter((p) => p.scrollWidth > p.clientWidth + 1)
    .map((p) => p.textContent.trim().slice(0, 60))"""
TABLE = """() => [...document.querySelectorAll("article table:not(.wide)")]
    .filter((t) => !t.querySelector("[rowspan]"))
    .map((t) => [t, t.closest(".pst-scrollable-table-container") ?? t])
    .filter(([t, box]) => box.scrollWidth > box.clientWidth + 1)
    .map(([t]) => t.textContent.trim().slice(0, 60))"""
"""Tables that scroll without keeping their first column in sight."""
ODD = """() => [...document.querySelectorAll("article a[href^='mailto:'], dt.sig")]
    .filter((e) => e.href || /<function|<factory>| object at 0x/.test(e.textContent))
    .map((e) => "not for readers: " + (e.href || e.textContent.slice(0, 60)))"""
CUT_IN_LINE = """() => [...document.querySelectorAll("article mjx-container:not([display])")]
    .map((m) => [m, m.querySelector("mjx-math").getBoundingClientRect().width])
    .filter(([m, drawn]) => m.scrollWidth > m.clientWidth + 1 || drawn > m.clientWidth + 1 ||
        drawn > (m.closest("p")?.clientWidth ?? drawn) + 1)
    .map(([m]) => m.textContent.slice(0, 60))"""
NAMELESS = """() => [...document.querySelectorAll("article img")]
    .filter((i) => !i.alt || /[\\w-]+\\/[\\w-]+\\.\\w+|\\.(png|svg)$|^_/.test(i.alt))
    .map((i) => i.src + " has the text " + i.alt)"""
LOST = """() => [...document.querySelectorAll(
        "article :is(h1, h2, h3, p, li, a), .prev-next-area :is(a, p)")]
    .filter((e) => !e.closest("pre, table, mjx-container") && e.clientHeight > 0)
    .filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1 ||
        (/^H/.test(e.tagName) && e.scrollWidth > e.clientWidth + 1))
    .map((e) => e.textContent.trim().slice(0, 60))"""
SMALL = """() => [...document.querySelectorAll("article figure img")]
    .filter((i) => i.clientWidth < 353 && i.clientWidth > 0).map((i) => i.clientWidth)"""
"""Figures of `plateaus.figures.style`: narrower, their letters are below nine pixels."""
OPEN = "() => document.querySelectorAll('details').forEach((folded) => { folded.open = true; })"
UNJUDGED = {"nonBmp", "shortTextContent", "elmPartiallyObscured", "elmPartiallyObscuring"}
OVER = "() => document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with visits.served(visits.HTML) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def faults(page: Any, width: int) -> list[str]:
    """What is wrong with an open page, whatever it loaded, unfolded in all its parts."""
    page.evaluate(OPEN)
    found = [f"left in the text: {words}" for words in page.evaluate(RAW)]
    found += page.evaluate(NAMELESS) + page.evaluate(ODD)
    over = page.evaluate(OVER)
    found += [f"{over} pixels wider than the window"] if over > 0 else []
    found += [f"beyond the edge: {words}" for words in page.evaluate(LOST)]
    found += [f"a figure of {pixels} pixels" for pixels in page.evaluate(SMALL)]
    if width >= 1000:
        found += [f"a formula is cut: {words}" for words in page.evaluate(CUT)]
        found += [f"code is cut: {words}" for words in page.evaluate(CODE)]
    else:
        found += [f"a formula in a line is cut: {words}" for words in page.evaluate(CUT_IN_LINE)]
        found += [f"code does not wrap: {words}" for words in page.evaluate(UNWRAPPED)]
        found += [f"a table is cut: {words}" for words in page.evaluate(TABLE)]
    return found + unclear(page)


def unclear(page: Any) -> list[str]:
    """What axe calls serious, and contrast that it could not decide."""
    # Without its own search for style sheets, which asks for what is imported at the wrong place
    result = axe.Axe().run(page, context="article", options={"preload": False})
    serious = [v for v in result.response["violations"] if v["impact"] in {"serious", "critical"}]
    found = [(v["id"], node) for v in serious for node in v["nodes"]]
    for rule in result.response["incomplete"]:
        if rule["id"] == "color-contrast":
            found += [("color-contrast undecided", node) for node in rule["nodes"] if words(node)]
    return [f"{rule}: {node['html'][:100]}" for rule, node in found]


def words(node: dict[str, Any]) -> bool:
    """Whether the node has words; axe judges no arrows and nothing that scrolls under another."""
    return node["any"][0]["data"]["messageKey"] not in UNJUDGED


@pytest.mark.parametrize("width", WINDOWS)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole(browser: Any, address: str, name: str, width: int) -> None:
    with visits.opened(browser, address, name, width=width, scheme=WINDOWS[width]) as visit:
        assert visit.faults + faults(visit.page, width) == []
        sizes = {k: n for k, n in visit.loaded.items() if not any(p in k for p in LATER)}
        own = {k: n for k, n in sizes.items() if "_static" not in k or "_images" in k}
        assert sum(own.values()) <= OWN, own
        assert sum(sizes.values()) <= FIRST, sizes


BROKEN = """<!doctype html><html lang="en"><title>broken</title><main><article>
<h1>Counterexamplescounterexamplescounterexamplescounterexamplescounterexamples</h1>
<figure><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>" alt="A figure"
width="342" height="9"></figure>
<p><mjx-container style="display:inline-block;width:50px;overflow:auto">
<mjx-math style="display:inline-block;width:90px">wide</mjx-math></mjx-container></p>
<p>As $x$ *says*, <a href="https://example.org/">so</a>.</p><img src="gone.png" alt="out/gone.png">
<p style="color:#aaa;background:#fff">pale</p><a href="mailto:a@step-1">a</a>
<dl><dt class="sig">X = &lt;function f&gt;</dt></dl>
<div style="width:2000px">wide</div>
<div class="highlight">
<pre style="width:9em;overflow-x:auto">a line of code that is longer than its box</pre></div>
<table style="display:block;width:3em;overflow-x:auto"><tr><td>measurements</td></tr></table>
</article></main></html>"""


def test_a_broken_page_has_every_fault(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(BROKEN)
    with (
        visits.served(tmp_path) as address,
        visits.opened(browser, address, "page.html", width=1000, scheme="light") as visit,
    ):
        found = " ".join(visit.faults + faults(visit.page, 1000) + faults(visit.page, 390))
    every = ("404", "left in the text", "has the text", "mailto", "<function", "code is cut",
             "beyond the edge", "a figure of 342", "a formula in a line is cut")  # fmt: skip
    for fault in (*every, "does not wrap", "a table is cut", "pixels wider", "color-contrast"):
        assert fault in found


class Links(HTMLParser):
    """The addresses a page leads to, and the names in it that can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.to: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names |= {given[k] for k in ("id", "name") if given.get(k)}
        if tag == "a" and given.get("href"):
            self.to.append(given["href"])


def broken(folder: Path) -> list[str]:
    """Links within the site that lead to no file, or to no place in it."""
    read = {p.resolve(): Links(p.read_text(encoding="utf-8")) for p in folder.rglob("*.html")}
    found = []
    for page, links in read.items():
        for link in links.to:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.exists():
                found.append(f"{page.name}: {link}")
            elif parts.fragment and target in read:
                if unquote(parts.fragment) not in read[target].names:
                    found.append(f"{page.name}: {link}")
    return found


def test_every_link_leads_somewhere() -> None:
    assert [one for one in broken(visits.HTML) if "macros" not in one] == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x">b</a><a href="#y">y</a><p id="y">')
    (tmp_path / "b.html").write_text('<a href="c.html">c</a>')
    assert sorted(broken(tmp_path)) == ["a.html: b.html#x", "b.html: c.html"]
