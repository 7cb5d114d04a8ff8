"""Errors a reader can act on: one sentence with what was given, what is accepted and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable


class PlateauError(Exception):
    """Base of every error that is the reader's to mend.

    In a notebook only the sentence is shown, without a traceback: the traceback of a mistyped
    parameter points at our code, not at the mistake.
    """

    def _render_traceback_(self) -> list[str]:  # read by IPython
        return [f"{type(self).__name__}: {self}"]


class BadParameter(PlateauError):
    """A chapter or command was given a parameter it does not know or cannot use."""


class UnknownModel(PlateauError):
    """No model of that name is embedded, on disk or reachable on the hub."""


class CorruptModel(PlateauError):
    """A model file is missing, truncated or differs from its recorded checksum."""


class UnsupportedModel(PlateauError):
    """A model that is whole but cannot be measured faithfully here."""


class BadPrompt(PlateauError):
    """A prompt or continuation does not tokenise as the experiment needs."""


class BadPath(PlateauError):
    """A path has identical end points, too few steps, or no defined direction."""


class BadPoints(PlateauError):
    """Points have the wrong dimension or are not finite."""


class BadRadius(PlateauError):
    """A plateau radius is not a positive number."""


class Undecided(PlateauError):
    """The question has no certified answer from what was given."""


class NotPiecewiseLinear(PlateauError):
    """Exact geometry was asked of a network that is not affine on polyhedral cells."""


class NotCertifiable(PlateauError):
    """A certified bound was asked of a network with a part that no bound is known for."""


class NoDevice(PlateauError):
    """The requested device does not exist on this machine."""


class BadFigure(PlateauError):
    """A chapter's figure has a name, caption or alternative text that a reader cannot use."""


class NotEnoughMemory(PlateauError):
    """Not even the smallest piece of the work fits the device."""


class NotSaved(PlateauError):
    """A result could not be written; what was already on disk is untouched."""


class BadClaim(PlateauError):
    """A row does not fit its rule, or a rule is not written as it should be."""


class NoMark(PlateauError):
    """A page has no line, or several, where something that is generated belongs."""


class NoRepository(PlateauError):
    """Something needs files of the book that an installed package alone does not have."""


class BuildFailed(PlateauError):
    """A chapter stopped, or the HTML could not be built without warnings."""


class NoLatex(PlateauError):
    """A PDF was asked for, and LaTeX or a part of it is not installed."""


class BuildRunning(PlateauError):
    """Another build of the same checkout has not ended yet."""


class TrainingError(PlateauError):
    """A training recipe was given settings, data or a state that it cannot use."""


class BadGrid(PlateauError):
    """A grid file has a setting that is missing, unknown or impossible."""


class NoResult(PlateauError):
    """A file that should hold a saved result is missing or is not netCDF."""


class BadTable(PlateauError):
    """A table of data is missing, has gaps, or nothing can be learnt from it."""


def first_line(error: Exception) -> str:
    """What a library says, on one line and without its full stop."""
    said = " ".join(str(error).split())
    return (said if len(said) <= 240 else f"{said[:240]} ...").rstrip(".") or type(error).__name__


def answered(command: Callable[[], int | None]) -> int:
    """The exit status of a command: an error that the user can mend is printed as its one sentence,
    status 2; what the user stopped ends with 130.
    """
    try:
        return command() or 0
    except PlateauError as error:
        print(f"plateaus: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("plateaus: stopped; what was there before is untouched.", file=sys.stderr)
        return 130
