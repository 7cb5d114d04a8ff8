"""A chapter's second cell: its parameters are checked, and `run` is what it works with.

Afterwards it may say::

    run = pl.open_chapter(globals(), "4-dynamics/trajectories", steps=pl.whole(2))
    ...
    run.save(dataset)                # <out>/<model>/trajectories.nc
    run.claim("N6", model=..., ...)  # of <out>/<model>/claims/trajectories.json
    run.provenance()                 # writes the rows
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plateaus import __version__, results
from plateaus.book import committed
from plateaus.book import figure as figures
from plateaus.book import provenance as origin
from plateaus.book.claims import Row, load_claims
from plateaus.book.parameters import checked, written
from plateaus.book.places import output_folder, repository
from plateaus.book.repeatable import quiet, seeded
from plateaus.errors import BadParameter
from plateaus.figures import drawn
from plateaus.figures.style import in_notebook
from plateaus.rules import Rule, listing, one_of, real, text, whole

SHOW_COMMIT = "PLATEAUS_SHOW_COMMIT"
"""Set by the build. A notebook in the repository cannot name the commit that will contain it, and
anything that follows the source would change its saved table with every edit."""
COMMITTED = "PLATEAUS_COMMITTED"
"""Set by the tests: the folder of claims with which a chapter's must agree, `book/claims`."""
NOTE = (
    "What the text of this page says of results was written about {about}. "
    "Numbers, captions and verdicts below are of {model}."
)

APART = ("device", "out")
"""Parameters that change no number."""

__all__ = ["Run", "listing", "one_of", "open_chapter", "real", "text", "whole"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of one chapter: its parameters, and where its results and claims go."""

    chapter: str
    """Part and name, such as "2-language-models/interpolation"."""
    parameters: Mapping[str, Any]
    """Every parameter as given, `device` and `out` too."""
    device: str
    """A device that exists, "auto" is resolved; or "map", for a model larger than one."""
    out: Path
    """The folder for results on this model; absolute, so do not show it in a cell."""
    as_written: bool = False
    """Whether all parameters but `device` and `out` are those of the chapter's first cell: what its
    text says of results is asserted of these alone."""
    models: dict[str, Mapping[str, str]] = field(default_factory=dict)
    rows: dict[tuple[str, str, str], Row] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The parameter `model`."""
        return self.parameters["model"]

    @property
    def seed(self) -> int:
        """The parameter `seed`."""
        return self.parameters["seed"]

    @property
    def name(self) -> str:
        """The last part of the chapter's name: what its files are called."""
        return self.chapter.rsplit("/", 1)[-1]

    def uses(self, model: Any, name: str | None = None) -> Any:
        """Note `model` for the provenance and return it: `lm = run.uses(pl.load(run.model))`."""
        self.models[name or str(getattr(model, "name", type(model).__name__))] = origin.describe(
            model
        )
        return model

    def compared(self, models: Mapping[str, Any]) -> dict[str, Any]:
        """What `uses` does for several models that stand side by side, by their names::

            models = run.compared({"model": pl.load(model), "laboratory": pl.load(laboratory)})

        Raises `BadParameter` where two have one name: tables and claims could not tell them apart.
        """
        named: dict[str, Any] = {}
        for model in models.values():
            if model.name in named:
                raise BadParameter(
                    f"{self.chapter} compares models by their names, got two that are called "
                    f"{model.name}: give {' or '.join(models)} another one."
                )
            named[model.name] = self.uses(model)
        return named

    def require(self, because: str, /, **rules: Rule) -> None:
        """Check parameters again, by what is known only once a model is loaded or from each other.

        It is given the reason, ``run.require("prose-12l has 12 blocks", patch=pl.whole(1, 11))``.
        Stands in the second or third cell, so that nothing is computed in vain. Raises
        `BadParameter` with `because` in its sentence.
        """
        for name, rule in rules.items():
            rule.check(name, self.parameters[name], because)

    def save(self, dataset: Any, suffix: str = "") -> str:
        """Write a labelled result to `<name>[-<suffix>].nc` in `out` and return that file's name.

        Raises `NotSaved` if that is impossible; what was saved earlier stays. Raises `BadParameter`
        for a suffix that is a path.
        """
        if not re.fullmatch(r"[\w.-]*", suffix):
            raise BadParameter(
                f"A suffix is a part of a file's name, got {suffix!r:.80}: give letters, digits, "
                "dots and dashes."
            )
        file = self.name + (f"-{suffix}" if suffix else "") + ".nc"
        results.save(dataset, self.out / file, **self._origin(), commit=origin.commit())
        return file

    def claim(
        self,
        id: str,
        *,
        model: Any,
        value: float | None,
        n: int,
        metric: str | None = None,
        ci: tuple[float, float] | None = None,
        control: Mapping[str, Any] | Sequence[Any] = (),
    ) -> Row:
        """Settle one criterion of the claim `id`; `provenance` writes it.

        The verdict follows from the rule in `book/claims.yaml`; it cannot be given. `metric` is the
        criterion's name and may be left out if there is only one. `ci` is the interval of `value`;
        `control` has every control of the rule, by name or in the order of the rule, the negative
        ones first: something with `value`, `ci` and `n`, a number that rests on no sample, or None
        where this model has no such control. `value=None` says that the model does not allow the
        measurement at all. Raises `BadClaim` for an id, metric or control that the rules do not
        have.
        """
        claims = load_claims(repository() / "book" / "claims.yaml")
        named = model if isinstance(model, str) else str(getattr(model, "name", model))
        row = claims.settle(
            id,
            metric=metric,
            model=named,
            value=value,
            ci=ci,
            n=n,
            control=control,
            chapter=self.chapter,
        )
        self.rows[row.id, row.metric, row.model] = row
        return row

    def figure(self, figure: Any, name: str, *, caption: str, alt: str) -> figures.Shown:
        """Show `figure` as the last line of a cell: picture and caption, numbered in the book.

        `name` is its label without "fig-"; `caption` states the finding with a computed number;
        `alt` says in plain words what is seen. What is drawn is also written as numbers, to
        `figures/<name>.csv` in `out`. Raises `BadFigure`.
        """
        table = drawn.as_csv(figure)
        shown = figures.shown(figure, name, caption=caption, alt=alt)
        results.write_bytes(table.encode(), self.out / figures.FOLDER / f"{name}.csv")
        return shown

    def provenance(self) -> origin.Provenance:
        """Ends the chapter: writes its claims and shows code, versions, models and parameters.

        Only a chapter that came to its end leaves claims; one that stopped leaves the earlier file.
        In a test run (`COMMITTED` is set) raises `BadClaim` where a claim is not as committed.
        """
        rows = [row.as_json() for row in self.rows.values()]
        results.write_json(rows, self.out / "claims" / f"{self.name}.json")
        if folder := os.environ.get(COMMITTED):
            committed.compare(rows, Path(folder) / f"{self.name}.json")
        own = {"chapter": self.chapter, "device": self.device, "plateaus": __version__}
        if os.environ.get(SHOW_COMMIT):
            own["commit"] = origin.commit()
        groups: dict[str, Mapping[str, str]] = {"run": own}
        groups["parameters"] = {k: repr(v) for k, v in self.parameters.items() if k != "out"}
        groups |= {name: facts for name, facts in self.models.items()}
        groups["versions"] = origin.versions()
        return origin.Provenance(groups=groups)

    def _origin(self) -> dict[str, Any]:
        return {
            "chapter": self.chapter,
            "parameters": dict(self.parameters),
            "device": self.device,
            "models": {name: dict(facts) for name, facts in self.models.items()},
            "source": origin.source_digest(),
            "versions": origin.versions(),
        }


def open_chapter(namespace: MutableMapping[str, Any], chapter: str, /, **rules: Rule) -> Run:
    """Check every parameter of `chapter` and return its `Run`.

    `namespace` is the notebook's `globals()`; `rules` say what each parameter may be, beside
    `model`, `device`, `seed` and `out`, which every chapter has. Also seeds `random`, NumPy and
    PyTorch, and keeps library chatter out of the page.

    Raises `BadParameter` (unknown, missing, mistyped or impossible parameter), `NoDevice`, or
    `NotSaved` when nothing can be written to `out`.
    """
    from plateaus.networks.load import MAP, device

    parameters, defaults = checked(namespace, chapter, rules), written(chapter)
    run = Run(
        chapter=chapter,
        parameters=parameters,
        device=MAP if parameters["device"] == MAP else str(device(parameters["device"])),
        out=output_folder(parameters["out"], parameters["model"]),
        as_written=bool(defaults)
        and all(parameters[name] == value for name, value in defaults.items() if name not in APART),
    )
    quiet()
    in_notebook()
    seeded(run.seed)
    if (about := defaults.get("model")) not in (None, run.model):
        print(textwrap.fill(NOTE.format(about=about, model=run.model), 88))
    return run
