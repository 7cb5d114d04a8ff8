"""The reference holds all that the package offers, and names in the text and in code lead to it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

import plateaus as pl
from plateaus.book import build, lookup

TEXT = "With `pl.paths.slerp`, `Ends.of_points`, `pl.paths.slepr`, `slerp` and `Unknown.of`."
CODE = "```python\nx = pl.paths.slerp(A, B)\ny = pl.paths.slepr(A, B)\n```"
LISTED = "```{eval-rst}\n.. automodule:: plateaus.geometry.paths\n   :members:\n```"
ENDS = "```{eval-rst}\n.. automodule:: plateaus.experiments.ends\n   :members:\n```"


def listed(root: Path) -> list[str]:
    """The modules of the reference."""
    pages = (root / "book" / "reference").glob("*.md")
    found = [re.findall(r"automodule:: (\S+)", page.read_text("utf-8")) for page in pages]
    return sorted(sum(found, []))


def missing(modules: list[str]) -> list[str]:
    """What `import plateaus as pl` offers and the reference of these modules does not list."""
    names = {name: lookup.full_name(f"pl.{name}") for name in pl.__all__}
    return [
        name
        for name, full in names.items()
        if full and full not in modules and full.rpartition(".")[0] not in modules
    ]


def test_all_that_the_package_offers_is_in_the_reference(root: Path) -> None:
    modules = listed(root)
    assert len(modules) == len(set(modules)) > 20
    assert missing(modules) == []


def test_a_module_left_out_is_missed(root: Path) -> None:
    less = [module for module in listed(root) if module != "plateaus.experiments.ends"]
    assert missing(less) == ["Ends"]


def test_every_public_object_says_what_it_is(root: Path) -> None:
    silent = []
    for name in listed(root):
        module = import_module(name)
        public = [n for n, o in vars(module).items() if getattr(o, "__module__", "") == name]
        for one in getattr(module, "__all__", public):
            of = getattr(module, one)
            if not one.startswith("_") and callable(of) and not inspect.getdoc(of):
                silent.append(f"{name}.{one}")
    assert silent == []


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("pl.Plateau", "plateaus.geometry.plateau.Plateau"),
        ("pl.paths.slerp(A, B)", "plateaus.geometry.paths.slerp"),
        ("Ends.of_points", "plateaus.experiments.ends.Ends.of_points"),
        ("pl.experiments.interpolate", "plateaus.experiments.interpolate"),
        ("pl.figures.style", None),  # nothing outside the chapters draws with it
        ("pl.paths.slepr", None),
        ("paths.slerp", None),
        ("load", None),
        ("pl.", None),
    ],
)
def test_names_as_readers_write_them(written: str, full: str | None) -> None:
    assert lookup.full_name(written) == full


def test_docstrings_stay_as_help_shows_them() -> None:
    lines = ["|x - y|_2 and ``|z|``", "none"]
    lookup.plain(None, "function", "", None, None, lines)
    assert lines == [r"\|x - y\|_2 and ``|z|``", "none"]
    lines = ["h_a: of points"]
    lookup.plain(None, "property", "", None, None, lines)
    assert lines == ["..", "", "h_a: of points"]


def test_types_of_functions_are_short() -> None:
    written = "(f: ~collections.abc.Callable[[~torch.Tensor], ~torch.Tensor], n: int = 1.0)"
    made = lookup.short(None, "function", "", None, None, written, "None")
    assert made == ("(f: Callable[[Tensor], Tensor], n: int = 1.0)", "None")
    assert lookup.short(None, "function", "", None, None, "(x: ~torch.Tensor)", None) is None
    made = lookup.short(None, "class", "", None, None, "(x: dict[str, int] = <factory>)", None)
    assert made == ("(x: dict[str, int] = ...)", None)


def several_errors(text: str) -> list[str]:
    """Lines of a docstring's errors that name a second one, which the reference would not see."""
    part = text.partition("Raises:\n")[2].partition("\n\n")[0]
    return re.findall(r"; [A-Z]\w+: .*", part)


def test_each_error_has_a_line_of_its_own(root: Path) -> None:
    found = {}
    for path in sorted((root / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                if odd := several_errors(ast.get_docstring(node) or ""):
                    found[f"{path.name}: {node.name}"] = odd
    assert found == {}


def test_a_second_error_in_a_line_is_found() -> None:
    assert several_errors("Raises:\n    BadPath: no path; BadPoints: no points.\n")
    assert not several_errors("Raises:\n    BadPath: no path; no points.\n    BadPoints: one.\n")


def test_text_and_code_lead_to_the_reference(root: Path, tmp_path: Path, staged: Callable) -> None:
    settings = staged(
        tmp_path,
        "format: jb-book\nroot: page\nchapters:\n- file: listed\n",
        page=f"# A page\n\n{TEXT}\n\n{CODE}\n",
        listed=f"# Listed\n\n## Paths\n\n{LISTED}\n\n## Ends\n\n{ENDS}\n",
    )
    assert lookup.__name__ in settings["sphinx"]["extra_extensions"]
    build.render(root, tmp_path)
    html = (tmp_path / "html" / "page.html").read_text(encoding="utf-8")
    links = re.findall(r'<a [^>]*href="listed.html#([^"]*)"', html)
    slerp = "plateaus.geometry.paths.slerp"
    assert sorted(links) == ["plateaus.experiments.ends.Ends.of_points", slerp, slerp]
    assert "slepr" in html
