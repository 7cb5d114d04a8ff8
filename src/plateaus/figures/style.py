"""One look for all figures: legible on a phone, safe for colour-blind readers, calm at night.

One thing looks alike everywhere: what is trained is blue, what is not is grey (and nothing else
is), a dotted line is what a reader compares with, a dashed one a radius or a bound; heights are
drawn in greys, merge heights and the plateaus that they bound in `MERGE`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from plateaus.figures.fit import fit

WIDTH = 6.0
"""Inches across. The column of a phone, 356 pixels of 390, shows text of `TEXT` at 9 pixels."""
TEXT = 11
"""Points: no text in a figure is smaller."""
PIXELS = 110
"""Of the page for an inch of a figure, where the column is wide enough."""
COLUMNS = 2
"""Panels side by side at most; more go below."""
PALETTE = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#E69F00",
    "grey": "#8A8A8A",
    "ink": "#222222",
}
"""Okabe and Ito's colours: distinct for every common kind of colour blindness."""
CYCLE = ("blue", "orange", "green", "purple", "yellow", "sky", "ink")
"""For what has no role. Grey is left out: it says "untrained"."""
ROLES = {
    "trained": "blue",
    "whole network": "blue",
    "untrained": "grey",
    "step 0": "grey",
    "shuffled labels": "orange",
    "linearised": "green",
    "sign-flipped": "purple",
    "MLPs frozen": "orange",
    "attention frozen": "green",
    "both frozen": "purple",
    "straight": "ink",
    "straight segment": "ink",
    "another way": "orange",
    "found path": "orange",
}
REFERENCE = {"color": PALETTE["ink"], "ls": ":", "lw": 1.2}
"""What to compare with: an affine network, equality, zero."""
BOUND = {"color": PALETTE["ink"], "ls": "--", "lw": 1.0}
"""A radius, or a bound."""
MERGE = "plasma"
"""The colours of merge heights and of nested plateaus: dark is near, also without hue."""
HEIGHT = "Greys"
STAR = {"marker": "*", "ms": 13, "color": "white", "mec": PALETTE["ink"], "ls": "none", "zorder": 5}
"""The activation a plateau belongs to."""
DOT = STAR | {"marker": "o", "ms": 6}
"""Any other point."""
RC = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 110,
    "figure.constrained_layout.h_pad": 0.06,
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": TEXT,
    "lines.linewidth": 1.8,
    "image.cmap": MERGE,
}

DPI, COLOURS = 144, 128


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name: that of its role, or the next that no role of these names has."""
    names = list(names)
    taken = {ROLES[name] for name in names if name in ROLES}
    free = iter([c for c in CYCLE if c not in taken] * len(names))
    return {name: PALETTE[ROLES.get(name) or next(free)] for name in names}


def png(figure: Figure) -> bytes:
    """The figure as a small, sharp and reproducible PNG: dense pixels, few colours, no software
    stamp.

    A page may weigh 300 KB with all its figures; full-colour pictures at this density would not
    fit.
    """
    from PIL import Image

    fit(figure, TEXT)
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=DPI, metadata={"Software": None})
    picture = Image.open(full).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def in_notebook() -> None:
    """Show figures with ``png`` in the running notebook; does nothing outside one."""
    try:
        shell = get_ipython()  # noqa: F821  (IPython defines it)
    except NameError:
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("png")
    display_width = round(WIDTH * PIXELS)
    formatter = shell.display_formatter.formatters["image/png"]
    formatter.for_type(Figure, lambda figure: (png(figure), {"width": display_width}))


def subplots(
    rows: int = 1, columns: int = 1, *, height: float = 2.8, **kwargs
) -> tuple[Figure, Axes]:
    """``plt.subplots`` at page width in the book's style; ``height`` in inches for each row.

    More than ``COLUMNS`` panels in a single row continue below, two by two, so that a phone shows
    them large; the place left over is named "spare", and the legend stands there. The array of
    axes has the shape that was asked for.
    """
    plt.rcParams.update(RC)
    if rows > 1 or columns <= COLUMNS:
        size = (WIDTH, height * rows)
        return plt.subplots(rows, columns, figsize=size, layout="constrained", **kwargs)
    kwargs.pop("gridspec_kw", None)
    below = -(-columns // COLUMNS)
    size = (WIDTH, height * below)
    figure, grid = plt.subplots(below, COLUMNS, figsize=size, layout="constrained", **kwargs)
    for spare in grid.flat[columns:]:
        spare.set_axis_off()
        spare.set_label("spare")
    if kwargs.get("sharey"):
        for ax in grid.flat[1:columns]:
            ax.set_ylabel("")
    return figure, np.array(grid.flat[:columns])


def colour_bar(drawn: ScalarMappable, panels: Sequence[Axes], *, label: str) -> None:
    """One colour bar for all `panels`, in the place left over where there is one."""
    figure = panels[0].figure
    spare = next((ax for ax in figure.axes if ax.get_label() == "spare"), None)
    if spare is None:
        figure.colorbar(drawn, ax=list(panels), shrink=0.9, label=label)
    else:
        place = spare.inset_axes([0.05, 0.5, 0.85, 0.09])
        figure.colorbar(drawn, cax=place, orientation="horizontal", label=label)


def plain_powers(axis: Axis) -> None:
    """Label powers of ten of a logarithmic axis as 0.01, 10 …: exponents are too small to read."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def plain_steps(axis: Axis) -> None:
    """Label a logarithmic axis of a decade or two at 1, 2 and 5 of each, and nothing between."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_formatter(NullFormatter())
    plain_powers(axis)
