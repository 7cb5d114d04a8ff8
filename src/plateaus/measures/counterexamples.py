"""Exact networks of one input, laid out to be drawn: heights, the plateau, and the rest of the
preimage.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import xarray as xr

from plateaus.geometry.exact import ExactNetwork, ExactSegment, witnesses
from plateaus.geometry.exact.pieces import coordinates
from plateaus.geometry.exact.program import Rational


def on_line(
    net: ExactNetwork, a: Rational, *, radius: Rational, window: tuple[Rational, Rational]
) -> xr.Dataset:
    """h_a on ``window`` and the components of {h_a < r}, all exact before they are turned into
    floats.

    Args:
        net: a network of one input; heights are in the maximum norm of its outputs.
        window: the part of the input line that is looked at; must contain a.

    Returns:
        ``height`` (dim ``x``, at the breakpoints: between them h_a is a straight line); ``low``,
        ``high`` and ``holds_a`` (dim ``component``); attributes ``a`` and ``radius``.

    Raises:
        BadPath: a lies outside the window. BadParameter: the radius is not positive.
    """
    a = Fraction(a)
    segment = ExactSegment.of(
        net, [a], [a + 1], metric="linf", window=(window[0] - a, window[1] - a)
    )
    parts = segment.intervals(radius)
    return xr.Dataset(
        {
            "height": (
                "x",
                [float(h) for h in segment.heights],
                {"long_name": "h_a", "units": "output units"},
            ),
            "low": ("component", [float(a + part.low) for part in parts]),
            "high": ("component", [float(a + part.high) for part in parts]),
            "holds_a": ("component", [0 in part for part in parts]),
        },
        coords={"x": [float(a + t) for t in segment.breakpoints]},
        attrs={"a": float(a), "radius": float(radius), "network": net.name},
    )


def slopes(net: ExactNetwork, *, window: tuple[Rational, Rational]) -> xr.Dataset:
    """|f'| of a network of one input and one output on every piece; dim ``piece`` with ``low, high,
    slope``.
    """
    low, high = map(Fraction, window)
    segment = ExactSegment.of(net, [low], [low + 1], metric="linf", window=(0, high - low))
    ends = [float(low + coordinates(piece.region[0])[0]) for piece in segment.affine]
    steep = [
        abs(float(Fraction(int(piece.rows[0, 1]), int(piece.denominator))))
        for piece in segment.affine
    ]
    return xr.Dataset(
        {
            "low": ("piece", ends),
            "high": ("piece", [*ends[1:], float(high)]),
            "slope": ("piece", steep),
        }
    )


def relative(net: ExactNetwork, a: Rational, b: Rational, *, steps: int = 401) -> xr.Dataset:
    """rho and the output along [a, b] of a network of one input and one output; dim ``alpha``."""
    fractions = [Fraction(k, steps - 1) for k in range(steps)]
    y = np.array([float(net([a + t * (b - a)])[0]) for t in fractions])
    u, v = np.abs(y - y[0]), np.abs(y - y[-1])
    return xr.Dataset(
        {"output": ("alpha", y), "relative_distance": ("alpha", u / (u + v))},
        coords={"alpha": [float(t) for t in fractions]},
    )


def horseshoe(
    *, centre: Rational = -1, radius: Rational = Fraction(1, 2), level: Rational = Fraction(1, 2)
) -> xr.Dataset:
    """The bent line of ``witnesses.horseshoe``: where it lies, what of it is in a ball, and where
    the gate stands at ``level`` or above.

    Returns:
        ``u, v`` (the plane), ``in_ball`` and ``blocked`` (dim ``x``); the ball is one of the
        maximum norm of the plane.
    """
    x = [Fraction(k, 64) for k in range(-128, 145)]
    middle = witnesses.horseshoe(centre)
    bent = [witnesses.horseshoe(t) for t in x]
    near = [max(abs(p - q) for p, q in zip(place, middle, strict=True)) < radius for place in bent]
    high = [witnesses.gate()([t])[0] >= level for t in x]
    return xr.Dataset(
        {
            "u": ("x", [float(p[0]) for p in bent]),
            "v": ("x", [float(p[1]) for p in bent]),
            "in_ball": ("x", near),
            "blocked": ("x", high),
        },
        coords={"x": [float(t) for t in x]},
        attrs={"centre": [float(c) for c in middle], "radius": float(radius)},
    )


def normalised(*, epsilon: float, half_width: float = 2.0, steps: int = 121) -> xr.Dataset:
    """h_a of the first entry of a LayerNorm on R^3, on the plane of vectors that sum to zero.

    Coordinates s along (0, 1, -1) / sqrt 2, where the entry does not change, and t along
    (2, -1, -1) / sqrt 6; a = (0, 1, -1). Dims ``t, s``: ``height``.
    """
    axis = np.linspace(-half_width, half_width, steps)
    s, t = np.meshgrid(axis, axis)
    entry = 2 / np.sqrt(6) * t / np.sqrt((s * s + t * t) / 3 + epsilon)
    return xr.Dataset({"height": (("t", "s"), np.abs(entry))}, {"s": axis, "t": axis})


def shell_heights(epsilons: Sequence[float], *, steps: int = 200) -> xr.DataArray:
    """m_X(a, b) of `normalised` for paths that keep the distance rho from the vectors of equal
    entries: sqrt 2 rho / sqrt(rho^2 + 3 epsilon), rho up to |a|. Dims ``epsilon, rho``.
    """
    rho, epsilon = np.linspace(0.01, 2**0.5, steps), np.array(epsilons)[:, None]
    return xr.DataArray(
        2**0.5 * rho / np.sqrt(rho**2 + 3 * epsilon),
        {"epsilon": list(epsilons), "rho": rho},
        dims=("epsilon", "rho"),
    )
