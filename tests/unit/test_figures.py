"""The book's style: what fits a narrow page, and that one thing looks alike everywhere."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from plateaus.figures import grid, interpolation, readouts, style
from plateaus.figures.fit import fit, touch

PHONE = 356
"""Pixels of the column on a phone that is 390 wide."""


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def faults(figure: Figure) -> set[str]:
    """What a reader on a phone would stumble over."""
    figure.draw_without_rendering()
    found = set()
    for text in figure.findobj(Text):
        shown = text.get_visible() and text.get_text()
        if shown and text.get_fontsize() / 72 / figure.get_figwidth() * PHONE < 9:
            found.add("small text")
    for ax in figure.axes:
        panel, legend = ax.get_window_extent(), ax.get_legend()
        if ax.axison and legend and legend.get_window_extent().overlaps(panel):
            found.add("legend on the data")
        if ax.axison and (touch(ax.xaxis) or touch(ax.yaxis)):
            found.add("labels on each other")
        title = ax.set_title(ax.get_title(loc="left"), loc="left")
        if title.get_window_extent().width > panel.width + 1:
            found.add("title wider than its panel")
        if panel.width / figure.bbox.width * PHONE < 100:
            found.add("small panel")
    for legend in figure.legends:
        if legend.get_window_extent().x1 > figure.bbox.x1 + 1:
            found.add("legend cut")
    return found


def crowded(columns: int) -> Figure:
    figure, axes = style.subplots(1, columns, height=2.5)
    for ax in np.atleast_1d(axes):
        for k in range(3):
            ax.plot([0.4, 3], [1, 1 + k], label=f"a curve with a long name, {k}")
        ax.set_xscale("log")  # whose own labels, between the powers of ten, are long
        ax.set_title("a title that is much too long for a panel of this size")
        ax.annotate("a note", (0.5, 0.5), fontsize=7)
        ax.legend(fontsize=7)
    return figure


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_crowded_figure_fits_a_phone(columns: int) -> None:
    figure = crowded(columns)
    fit(figure, style.TEXT)
    assert faults(figure) == set()


def test_unfitted_figure_has_every_fault() -> None:
    with plt.rc_context({"font.size": 9.5}):
        figure, axes = plt.subplots(1, 4, figsize=(7.2, 2.5))
    for ax in axes:
        ax.plot([0.4, 3], [0, 1], label="a curve with a long name")
        ax.set_xscale("log")
        ax.set_title("a title that is much too long", loc="left")
        ax.legend(fontsize=7)
    figure.legend(loc="upper left", bbox_to_anchor=(0.9, 1))
    assert faults(figure) == {
        "small text",
        "legend on the data",
        "labels on each other",
        "title wider than its panel",
        "small panel",
        "legend cut",
    }


def test_one_legend_has_every_entry_once_and_the_panels_keep_their_height() -> None:
    figure = crowded(2)
    height = figure.get_figheight()
    fit(figure, style.TEXT)
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert len(names) == len(set(names)) == 3
    assert figure.get_figheight() > height


def test_a_legend_shows_the_dot_and_not_its_bar_alone() -> None:
    figure, ax = style.subplots()
    ax.errorbar([0, 1], [0, 1], yerr=[0.1, 0.1], fmt="s", label="dots")
    ax.legend()
    assert not hasattr(ax.get_legend().legend_handles[0], "get_marker")  # a bar without its dot
    fit(figure, style.TEXT)
    (legend,) = figure.legends
    assert any(line.get_marker() == "s" for line in legend.findobj(Line2D))


def test_models_that_stand_level_are_named_apart() -> None:
    """As 6 and 12 blocks do; their whole names cover each other."""
    names = [f"laboratory-{blocks}l" for blocks in (3, 6, 12, 24)]
    where = {"model": names, "parameters": ("model", [0.67e6, 1.26e6, 2.45e6, 4.83e6])}
    gain = xr.DataArray([[1.27], [1.94], [1.92], [3.18]], coords=where, dims=("model", "seed"))
    figure, axes = style.subplots(1, 2)
    grid.against_size(gain, axes[0], by="parameters")
    fit(figure, style.TEXT)
    assert not covered(axes[0])
    for text, name in zip(axes[0].texts, names, strict=True):
        text.set_text(name)
    assert covered(axes[0])


def covered(ax: Axes) -> bool:
    """Whether two words of a panel overlap."""
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    return any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_grey_is_untrained_and_nothing_else() -> None:
    names = ["step 0", "untrained", *map(str, range(9))]
    grey = [name for name, colour in style.colours(names).items() if colour == "#8A8A8A"]
    assert grey == ["step 0", "untrained"]
    assert style.colours(["x", "trained"])["trained"] == style.colours(["trained"])["trained"]
    assert style.colours(["x", "trained"])["x"] != style.PALETTE["blue"]


def test_a_pair_keeps_its_colour_in_all_panels() -> None:
    figure, axes = style.subplots(1, 2)
    for ax, names in zip(axes, (["D1", "D2"], ["other", "D2"]), strict=True):
        curve = xr.DataArray(
            np.zeros((2, 3)), dims=("pair", "alpha"), coords={"pair": names, "alpha": [0, 0.5, 1]}
        )
        interpolation.pairs(curve, ax)
    drawn = [{line.get_label(): line.get_color() for line in ax.get_lines()} for ax in axes]
    assert drawn[0]["D2"] == drawn[1]["D2"]
    assert drawn[1]["other"] not in (drawn[0]["D1"], drawn[0]["D2"])


def test_pairs_share_a_colour_only_when_none_is_left() -> None:
    names = [f"D{k}" for k in range(4)] + ["S1", "S2"]
    curve = xr.DataArray(
        np.zeros((6, 3)), dims=("pair", "alpha"), coords={"pair": names, "alpha": [0, 0.5, 1]}
    )
    figure, ax = style.subplots()
    interpolation.pairs(curve, ax, dashed=("S1", "S2"))
    drawn = [line.get_color() for line in ax.get_lines() if line.get_label() in names]
    assert len(set(drawn)) == 6  # the twin that counts each kind of line by itself has four


def test_read_outs_are_named_in_order_and_the_last_block_always() -> None:
    values = xr.DataArray(
        np.zeros(14),
        dims="readout",
        coords={
            "block_out": ("readout", [*range(1, 12), 11, 11, 11]),
            "reading": ("readout", ["stream"] * 11 + ["normed", "logits", "probabilities"]),
        },
    )
    figure, ax = style.subplots()
    at = readouts.axis(values, ax)
    assert (np.diff(at) > 0).all()
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert shown[-4:] == ["11", "norm", "logits", "prob."] and len(shown) <= 10
