"""Fits a drawn figure to a narrow page: text large enough, long words wrapped, legends off the
data.
"""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter

NOTE = 0.55
"""Of a panel's width, at most, for a note in it."""


def fit(figure: Figure, text: float) -> None:
    """Change `figure` in place; no text in it stays smaller than `text` points."""
    for one in figure.findobj(Text):
        if one.get_fontsize() < text:
            one.set_fontsize(text)
    label_first_column(figure)
    legend_apart(figure)
    figure.draw_without_rendering()
    for ax in figure.axes:
        wrap(ax)
        thin(ax)


def label_first_column(figure: Figure) -> None:
    """Panels that share an axis are named once in each row, at its beginning."""
    panels = [ax for ax in figure.axes if ax.get_subplotspec() and ax.get_label() != "spare"]
    for ax in panels:
        joined = [other for other in panels if ax.get_shared_y_axes().joined(ax, other)]
        names = {other.get_ylabel() for other in joined} - {""}
        if len(joined) > 1 and names and not ax.get_subplotspec().is_first_col():
            ax.set_ylabel("")
        elif len(joined) > 1 and len(names) == 1:
            ax.set_ylabel(names.pop())


def legend_apart(figure: Figure) -> None:
    """One legend with each entry once, beside the panels instead of on their data."""
    entries = {}
    for ax in figure.axes:
        if (legend := ax.get_legend()) is None:
            continue
        # Of a dot with its bar a legend keeps the bar alone; what was drawn has both.
        drawn = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        for handle, word in zip(legend.legend_handles, legend.get_texts(), strict=True):
            entries.setdefault(word.get_text(), drawn.get(word.get_text(), handle))
        legend.remove()
    if not entries:
        return
    spare = next((ax for ax in figure.axes if ax.get_label() == "spare"), None)
    if spare is not None:
        spare.legend(entries.values(), entries.keys(), loc="center left")
        return
    for columns in range(len(entries), 0, -1):
        legend = figure.legend(
            entries.values(), entries.keys(), loc="outside upper left", ncols=columns
        )
        figure.draw_without_rendering()
        extent = legend.get_window_extent()
        if extent.width <= figure.bbox.width or columns == 1:
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)


def wrap(ax: Axes) -> None:
    """Break titles, names of axes and notes that are longer than their panel."""
    place = ax.get_position().transformed(ax.figure.transFigure)
    title = ax.set_title(ax.get_title(loc="left"), loc="left")
    room = {title: place.width, ax.xaxis.label: place.width, ax.yaxis.label: place.height}
    for words, most in (room | dict.fromkeys(ax.texts, NOTE * place.width)).items():
        extent = words.get_window_extent()
        length = extent.height if words is ax.yaxis.label else extent.width
        if length > most and "$" not in words.get_text():
            letters = max(8, int(len(words.get_text()) * most / length))
            words.set_text(textwrap.fill(words.get_text(), letters))


def thin(ax: Axes) -> None:
    """Leave out labels of an axis where they would run into each other."""
    for axis in (ax.xaxis, ax.yaxis):
        if touch(axis):
            axis.set_minor_formatter(NullFormatter())
            ax.figure.draw_without_rendering()  # labels are placed anew only then
        ticks = [tick for tick in axis.get_major_ticks() if tick.label1.get_text()]
        while touch(axis) and len(ticks) > 1:
            ticks = ticks[::2]
            axis.set_ticks([t.get_loc() for t in ticks], [t.label1.get_text() for t in ticks])
            ax.figure.draw_without_rendering()
            ticks = axis.get_major_ticks()


def touch(axis: Axis) -> bool:
    """Whether two labels of an axis, written straight or upright, lie on each other."""
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    low, high = sorted(axis.get_view_interval())
    shown = [t.label1 for t in ticks if low <= t.get_loc() <= high and t.label1.get_visible()]
    straight = [one for one in shown if one.get_text() and one.get_rotation() % 90 == 0]
    extents = [one.get_window_extent() for one in straight]
    return any(a.overlaps(b) for k, a in enumerate(extents) for b in extents[:k])
