"""Where a result came from: versions, source, models and parameters; no dates, no machine.

Nothing here changes between two runs of the same code with the same packages, so that a chapter
is reproduced bit for bit. Commit and source digest go into result files, and into the built book.
"""

from __future__ import annotations

import hashlib
import html
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from plateaus.book.places import find_repository

PACKAGES = (
    "torch",
    "transformers",
    "transformer-lens",
    "numpy",
    "scipy",
    "sympy",
    "xarray",
    "matplotlib",
)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Groups of facts, each a mapping from name to text; shows itself as one small table."""

    groups: Mapping[str, Mapping[str, str]]

    def __repr__(self) -> str:
        return "\n".join(
            f"{g} · {k}: {v}" for g, facts in self.groups.items() for k, v in facts.items()
        )

    def _repr_html_(self) -> str:
        """Two columns, so that a phone shows it; "dataframe" is what themes know as a table."""
        rows = []
        for group, facts in self.groups.items():
            rows.append(f'<tr><th colspan="2">{html.escape(group)}</th></tr>')
            rows += [
                f"<tr><td>{html.escape(name)}</td><td><code>{html.escape(value)}</code></td></tr>"
                for name, value in facts.items()
            ]
        return '<table class="dataframe provenance">\n' + "\n".join(rows) + "\n</table>"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a number."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def source_digest() -> str:
    """First 12 digits of the SHA-256 over the names and contents of this package's source files."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(
            path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0"
        )
    return digest.hexdigest()[:12]


@cache
def commit() -> str:
    """The commit of the checkout, with "+changes" if tracked files differ; "unknown" without
    git.
    """
    root = find_repository()
    if root is None:
        return "unknown"
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + (
            "+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe(model: Any) -> dict[str, str]:
    """What `model` says of itself: its `provenance` mapping if it has one, else its dtype."""
    known = getattr(model, "provenance", None)
    if isinstance(known, Mapping) and known:
        return {str(k): str(v) for k, v in known.items()}
    dtype = getattr(model, "dtype", None)
    if dtype is None and callable(getattr(model, "parameters", None)):
        dtype = next((p.dtype for p in model.parameters()), None)
    return (
        {"dtype": str(dtype).removeprefix("torch.")}
        if dtype is not None
        else {"kind": type(model).__name__}
    )


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
