"""Chapters, models and seeds as the ``Snakefile`` sees them: where cells lie, which failed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from plateaus.errors import BadGrid

SETTINGS = {
    "out": str, "parameters": str, "chapters": list, "models": list, "seeds": list,
    "set": dict, "threads": int, "resources": dict,
}  # fmt: skip
"""What a grid file says, and of which type."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One papermill run of one chapter."""

    chapter: str
    model: str
    seed: int
    out: str
    """The grid's folder."""
    given: Mapping[str, Any]
    """Further parameters of the chapter."""

    @property
    def folder(self) -> str:
        """Where its notebook, result and claims go."""
        return f"{self.out}/{slug(self.model)}/seed-{self.seed}/{self.chapter}"

    @property
    def log(self) -> Path:
        return Path(f"{self.folder}.log")

    @property
    def notebook(self) -> str:
        return f"chapters/{self.chapter}.ipynb"

    @property
    def options(self) -> str:
        """Papermill's options for this cell, quoted for a shell."""
        values = {"model": self.model, "seed": self.seed, **self.given}
        raw = [word for name, value in values.items() for word in ("-p", name, str(value))]
        return shlex.join(raw)

    def __str__(self) -> str:
        return f"{self.chapter} on {self.model}, seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """All cells of one grid file."""

    out: str
    parameters: str
    chapters: Sequence[str]
    models: Sequence[str]
    seeds: Sequence[int]
    set: Mapping[str, Mapping[str, Any]]
    threads: int
    resources: Mapping[str, Any]
    python: str = shlex.quote(sys.executable)
    """The interpreter that Snakemake itself runs in has the package; on a cluster it is shared."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Grid:
        """The grid that a configuration describes.

        Raises:
            BadGrid: a setting is missing, unknown, of the wrong type or empty, or names a chapter
                or a preset that does not exist.
        """
        unknown, missing = set(config) - set(SETTINGS), set(SETTINGS) - set(config)
        if unknown or missing:
            raise BadGrid(
                f"A grid has the settings {', '.join(SETTINGS)}; "
                f"missing: {', '.join(sorted(missing)) or 'none'}, "
                f"unknown: {', '.join(sorted(unknown)) or 'none'}."
            )
        for name, kind in SETTINGS.items():
            value = config[name]
            if not isinstance(value, kind) or (kind in (list, str) and not value):
                raise BadGrid(
                    f"The grid's {name!r} is a {kind.__name__} and not empty; given: {value!r}."
                )
        if bad := [s for s in config["seeds"] if type(s) is not int or s < 0]:
            raise BadGrid(f"Seeds are whole numbers of at least 0; given: {bad[0]!r}.")
        files = [f"chapters/{c}.ipynb" for c in (*config["chapters"], *config["set"])]
        if gone := [f for f in (*files, config["parameters"]) if not Path(f).is_file()]:
            raise BadGrid(
                f"The grid names {gone[0]}, which does not exist here: run Snakemake in the "
                "repository and write a chapter as 2-language-models/interpolation."
            )
        models = [str(m) for m in config["models"]]
        if len({slug(m) for m in models}) < len(models):
            raise BadGrid(f"Two of the grid's models are one: {', '.join(models)}.")
        return cls(**{**config, "models": models})

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every chapter on every model with every seed."""
        return tuple(
            Cell(chapter=c, model=m, seed=s, out=self.out, given=self.set.get(c, {}))
            for m, s, c in product(self.models, self.seeds, self.chapters)
        )

    @property
    def pattern(self) -> str:
        """A cell's folder with Snakemake's wildcards."""
        return f"{self.out}/{{model}}/seed-{{seed,[0-9]+}}/{{part}}/{{name}}"

    def cell(self, wildcards: Any) -> Cell:
        """The cell that Snakemake asks for."""
        wanted = (wildcards.model, int(wildcards.seed), f"{wildcards.part}/{wildcards.name}")
        return next(c for c in self.cells if (slug(c.model), c.seed, c.chapter) == wanted)

    def failures(self) -> Iterator[str]:
        """One line for every cell that was tried and gave no result: which, and its sentence."""
        for cell in self.cells:
            if cell.log.is_file() and not Path(cell.folder).is_dir():
                yield f"FAILED {cell}: {last_sentence(cell.log)}"


def slug(model: str) -> str:
    """A model's name as the name of a folder."""
    return model.strip("/").replace("/", "--")


def last_sentence(log: Path) -> str:
    """The last line of what papermill said: the error that stopped the chapter."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it was stopped before it could say why."
