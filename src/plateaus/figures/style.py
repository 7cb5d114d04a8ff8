"""One look for all figures: legible at book width, safe for colour-blind readers, calm on light and
dark pages.
"""

from __future__ import annotations

import io

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 7.2
"""Inches across the text column of the book."""
PIXELS = 100
"""Of the page for an inch of a figure, where the column is wide enough."""
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
RC = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 110,
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "image.cmap": "cividis",
}

DPI, COLOURS = 144, 128


def png(figure: Figure) -> bytes:
    """The figure as a small, sharp and reproducible PNG: dense pixels, few colours, no software
    stamp.

    A page may weigh 300 KB with all its figures; full-colour pictures at this density would not
    fit.
    """
    from PIL import Image

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
    """``plt.subplots`` at book width in the book's style; ``height`` in inches for each row."""
    plt.rcParams.update(RC)
    return plt.subplots(
        rows, columns, figsize=(WIDTH, height * rows), layout="constrained", **kwargs
    )
