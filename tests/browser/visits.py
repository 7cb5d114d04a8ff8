"""The built pages behind a local server, and a browser that notes what a page asks for."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HTML = Path(os.environ.get("PLATEAUS_PAGES", ROOT / "_build" / "html"))
"""What `make pages` or `make book` built."""
TEXT = ("text/", "javascript", "json", "svg")
WAIT = 60_000
"""Milliseconds within which a page is there."""


def pages() -> list[str]:
    """All pages by their address below the root, without those that are indices."""
    if not HTML.is_dir():
        return []
    found = [p.relative_to(HTML) for p in HTML.rglob("*.html") if "_static" not in p.parts]
    return sorted(p.as_posix() for p in found if p.stem not in {"search", "genindex", "index"})


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@dataclass
class Visit:
    """What happened while a page was opened."""

    page: Any
    address: str
    faults: list[str] = field(default_factory=list)
    loaded: dict[str, int] = field(default_factory=dict)
    """Bytes of each file, texts as a server would compress them."""

    def listen(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"raised {error}"))
        self.page.on("request", self._asked)
        self.page.on("requestfailed", lambda r: self.faults.append(f"failed {r.url}"))
        self.page.on("response", self._got)

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"another site: {request.url}")

    def _got(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")
        elif response.url.startswith(self.address) and response.ok:
            kind, body = response.headers.get("content-type", ""), response.body()
            size = len(gzip.compress(body)) if any(t in kind for t in TEXT) else len(body)
            self.loaded[response.url.removeprefix(self.address)] = size


@contextmanager
def opened(browser: Any, address: str, name: str, *, width: int, scheme: str) -> Iterator[Visit]:
    """The page `name`, once its formulas are set, in a window of `width` pixels."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    visit = Visit(context.new_page(), address)
    visit.listen()
    try:
        visit.page.goto(f"{address}/{name}", wait_until="load", timeout=WAIT)
        visit.page.evaluate("window.MathJax?.startup?.promise")
        visit.page.wait_for_load_state("networkidle", timeout=WAIT)
        yield visit
    finally:
        context.close()
