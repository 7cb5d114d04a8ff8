"""The names of the package: what the stub promises to type checkers is what is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import plateaus as pl

STUB = Path(pl.__file__).with_suffix(".pyi")
IMPORTS = [n for n in ast.parse(STUB.read_text()).body if isinstance(n, ast.ImportFrom)]


@pytest.mark.parametrize("line", IMPORTS, ids=lambda line: line.names[0].name)
def test_a_name_is_what_the_stub_says(line: ast.ImportFrom):
    (alias,) = line.names
    assert alias.asname == alias.name, "exported, as type checkers read a stub"
    scope: dict = {}
    exec(ast.unparse(line), scope)
    assert getattr(pl, alias.name) is scope[alias.name]
    if not isinstance(scope[alias.name], type(ast)):
        own = import_module(line.module)
        assert getattr(own, alias.name) is scope[alias.name]


def test_nothing_else_is_offered_and_a_slip_is_answered():
    assert sorted(line.names[0].name for line in IMPORTS) == pl.__all__ == dir(pl)
    with pytest.raises(AttributeError, match="no attribute 'Plateu'; it has .*Plateau"):
        pl.Plateu  # noqa: B018


def test_exact_geometry_does_not_wait_for_the_transformer_libraries():
    code = (
        "import sys, plateaus as pl; pl.exact; pl.paths; pl.curves; pl.whole\n"
        "print(*{m.split('.')[0] for m in sys.modules} & {'transformers', 'transformer_lens'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "", done.stdout + done.stderr
    late = subprocess.run(
        [sys.executable, "-c", code.replace("pl.whole", "pl.load; pl.open_chapter; "
         "import transformers")], capture_output=True, text=True,
    )  # fmt: skip
    assert "transformers" in late.stdout  # the check sees them when they are there


def test_a_missing_dependency_is_not_taken_for_a_missing_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    monkeypatch.delitem(sys.modules, "plateaus.measures.statistics", raising=False)
    monkeypatch.delitem(vars(pl), "statistics", raising=False)
    with pytest.raises(ModuleNotFoundError, match="scipy.stats"):
        pl.statistics  # noqa: B018
