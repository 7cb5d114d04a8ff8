"""Chapters, models and seeds as the ``Snakefile`` sees them: where cells lie, which failed."""

from __future__ import annotations

import json
import re
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
    "prompts": list, "set": dict, "threads": int, "resources": dict,
}  # fmt: skip
"""What a grid file says, and of which type."""
AXES = ("model", "seed", "prompts")
"""Parameters of a chapter that the grid itself gives."""
OF_A_CELL = (*AXES, "out")
"""Those and the folder, which is named by them."""
CHAPTER = re.compile(r"chapters/[\w-]+/[\w-]+\.ipynb")
NAME = re.compile(r"\A(?!\.+\Z)[^\x00-\x1f{}]+\Z")
"""What a folder can be called that Snakemake looks for: no dots alone, no braces, on one line."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One papermill run of one chapter."""

    chapter: str
    model: str
    seed: int
    prompts: str
    """Where its prompts come from; a chapter without this parameter has the grid's first."""
    takes_prompts: bool
    out: str
    """The grid's folder."""
    given: Mapping[str, Any]
    """Further parameters of the chapter."""

    @property
    def folder(self) -> str:
        """Where its notebook, result and claims go."""
        return f"{self.out}/{slug(self.model)}/seed-{self.seed}/{slug(self.prompts)}/{self.chapter}"

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
        if self.takes_prompts:
            values["prompts"] = self.prompts
        raw = [word for name, value in values.items() for word in ("-p", name, str(value))]
        return shlex.join(raw)

    def __str__(self) -> str:
        asked = f", prompts {self.prompts}" if self.takes_prompts else ""
        return f"{self.chapter} on {self.model}, seed {self.seed}{asked}"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """All cells of one grid file."""

    out: str
    parameters: str
    chapters: Sequence[str]
    models: Sequence[str]
    seeds: Sequence[int]
    prompts: Sequence[str]
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
        if not isinstance(config, Mapping):
            raise BadGrid(f"A grid is a mapping of settings to values; given: {config!r:.80}.")
        unknown, missing = set(config) - set(SETTINGS), set(SETTINGS) - set(config)
        if unknown or missing:
            raise BadGrid(
                f"A grid has the settings {', '.join(SETTINGS)}; "
                f"missing: {', '.join(sorted(missing)) or 'none'}, "
                f"unknown: {', '.join(sorted(unknown)) or 'none'}."
            )
        for name, kind in SETTINGS.items():
            value = config[name]
            empty = not value.strip() if isinstance(value, str) else value == []
            if not isinstance(value, kind) or isinstance(value, bool) or empty:
                raise BadGrid(
                    f"The grid's {name!r} is a {kind.__name__} and not empty; given: {value!r}."
                )
        if config["threads"] < 1:
            raise BadGrid(f"A cell has at least 1 of threads; given: {config['threads']}.")
        if bad := [s for s in config["seeds"] if type(s) is not int or s < 0]:
            raise BadGrid(f"Seeds are whole numbers of at least 0; given: {bad[0]!r}.")
        files = [f"chapters/{c}.ipynb" for c in (*config["chapters"], *config["set"])]
        gone = [f for f in files if not (CHAPTER.fullmatch(f) and Path(f).is_file())]
        if gone := gone + [f for f in (config["parameters"],) if not Path(f).is_file()]:
            raise BadGrid(
                f"The grid names {gone[0]}, which does not exist here: run Snakemake in the "
                "repository and write a chapter as 2-language-models/interpolation."
            )
        if bad := {k for given in config["set"].values() if isinstance(given, dict)
                   for k in given} & {*OF_A_CELL}:  # fmt: skip
            raise BadGrid(f"The grid itself gives {', '.join(sorted(bad))}: leave it out of 'set'.")
        for chapter, given in config["set"].items():
            if chapter not in config["chapters"]:
                raise BadGrid(
                    f"The grid sets parameters of {chapter}, which is none of its chapters: add it "
                    "to them, or take its parameters away."
                )
            if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
                raise BadGrid(
                    f"The grid's 'set' gives {chapter} a mapping of parameters; given: "
                    f"{given!r:.80}."
                )
        for name in ("models", "prompts"):
            values = config[name]
            if bad := [x for x in values if not isinstance(x, str) or not NAME.search(slug(x))]:
                raise BadGrid(
                    f"The grid's {name} are names, folders or hub ids; given: {bad[0]!r}. Write it "
                    "in quotes if it is a number."
                )
            if len({slug(x) for x in values}) < len(values):
                raise BadGrid(f"Two of the grid's {name} are one: {', '.join(values)}.")
        return cls(**config)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every chapter on every model with every seed and, if it takes them, all prompts."""
        takes = {c: takes_prompts(Path(f"chapters/{c}.ipynb")) for c in self.chapters}
        return tuple(
            Cell(chapter=c, model=m, seed=s, prompts=p, takes_prompts=takes[c], out=self.out,
                 given=self.set.get(c, {}))
            for m, s, p, c in product(self.models, self.seeds, self.prompts, self.chapters)
            if takes[c] or p == self.prompts[0]
        )  # fmt: skip

    @property
    def pattern(self) -> str:
        """A cell's folder with Snakemake's wildcards."""
        return f"{self.out}/{{model}}/seed-{{seed,[0-9]+}}/{{prompts}}/{{part}}/{{name}}"

    def cell(self, wildcards: Any) -> Cell:
        """The cell that Snakemake asks for."""
        w = wildcards
        folder = f"{self.out}/{w.model}/seed-{w.seed}/{w.prompts}/{w.part}/{w.name}"
        return next(c for c in self.cells if c.folder == folder)

    def failures(self) -> Iterator[str]:
        """One line for every cell that was tried and gave no result: which, and its sentence."""
        for cell in self.cells:
            if cell.log.is_file() and not Path(cell.folder).is_dir():
                yield f"FAILED {cell}: {last_sentence(cell.log)}"


def slug(name: str) -> str:
    """The name of a model, or of a source of prompts, as that of a folder."""
    return name.strip("/").replace("/", "--")


def takes_prompts(notebook: Path) -> bool:
    """Whether a chapter has the parameter ``prompts``."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    given = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    return any(
        line.startswith("prompts =") for c in given for line in "".join(c["source"]).split("\n")
    )


def last_sentence(log: Path) -> str:
    """The last line of what papermill said: the error that stopped the chapter."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it was stopped before it could say why."
