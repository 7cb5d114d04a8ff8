"""Points that move through depth: small multiples, and a player that a reader can pause."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from plateaus.figures.style import PALETTE

COLOURS = (PALETTE["yellow"], PALETTE["blue"], PALETTE["orange"])
"""In neither plateau, in that of a, in that of b."""


def frames(
    found: xr.Dataset, axes: Sequence[Axes], depths: Sequence[int], *, marked: Sequence[int] = ()
) -> None:
    """The line at some depths, on the same axes in every panel; ``found`` as of ``on_basis``.
    ``marked`` points are large and ringed.
    """
    large = np.isin(np.arange(found.sizes["point"]), marked)
    size, ring = np.where(large, 60, 14), np.where(large, PALETTE["ink"], "none")
    low, high = _window(found)
    for ax, depth in zip(axes, depths, strict=True):
        x, y = found.place.sel(depth=depth).values.T
        ax.plot(x, y, color=PALETTE["ink"], lw=0.6, alpha=0.5)
        inside = [COLOURS[k] for k in found.plateau.values]
        ax.scatter(x, y, s=size, c=inside, edgecolors=ring, lw=1, zorder=3)
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=f"entering block {depth}")
        ax.set_xlabel("along the last chord")
    axes[0].set_ylabel("across it")


def player(found: xr.Dataset, *, name: str, words: str, marked: Sequence[int] = ()) -> str:
    """The same as HTML: a picture with a slider over depth and a button that starts and stops it.

    Nothing moves until the button is pressed. A few kB: the places are written out and a short
    script puts the points there.
    """
    low, high = _window(found)
    scaled = (found.place.values - low) / (high - low)
    scaled[..., 1] = 1 - scaled[..., 1]
    places = np.round(scaled * (600, 300), 1).tolist()
    data = json.dumps(places, separators=(",", ":"))
    colours = json.dumps([COLOURS[k] for k in found.plateau.values.tolist()])
    depths, large = found.depth.values.tolist(), [int(k) for k in marked]
    return f"""<figure id="{name}"><svg viewBox="-8 -8 616 316" role="img" aria-label="{words}"
 style="max-width:620px;width:100%;background:#fff;border:1px solid #ccc"></svg>
<p><button type="button">play</button>
<label>block <input type="range" min="0" max="{len(depths) - 1}" value="0"></label>
<output>{depths[0]}</output></p></figure>
<script>(() => {{
const root = document.getElementById("{name}"), places = {data}, colours = {colours};
const marked = {large};
const svg = root.querySelector("svg"), slider = root.querySelector("input");
const button = root.querySelector("button"), said = root.querySelector("output");
const dots = colours.map((fill, i) => {{
  const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  dot.setAttribute("r", marked.includes(i) ? 9 : 5); dot.setAttribute("fill", fill);
  if (marked.includes(i)) dot.setAttribute("stroke", "#222");
  svg.append(dot); return dot; }});
const show = t => {{
  const k = Math.min(Math.floor(t), places.length - 1), m = Math.min(k + 1, places.length - 1);
  dots.forEach((dot, i) => ["cx", "cy"].forEach((c, j) =>
    dot.setAttribute(c, places[k][i][j] + (t - k) * (places[m][i][j] - places[k][i][j]))));
  said.textContent = k + {depths[0]}; }};
let at = 0, timer = 0;
const stop = () => {{ clearInterval(timer); timer = 0; button.textContent = "play"; }};
button.onclick = () => {{
  if (timer) return stop();
  if (at >= places.length - 1) at = 0;
  button.textContent = "pause";
  timer = setInterval(() => {{
    at = Math.min(at + 0.05, places.length - 1); slider.value = at; show(at);
    if (at >= places.length - 1) stop(); }}, 40); }};
slider.oninput = () => {{ stop(); at = +slider.value; show(at); }};
show(0); }})();</script>"""


def _window(found: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    low, high = (f(("depth", "point")).values for f in (found.place.min, found.place.max))
    margin = 0.06 * (high - low) + 1e-12
    return low - margin, high + margin
