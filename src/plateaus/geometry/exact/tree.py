"""The merge tree of a plane slice: when components of {h_a < r} are born and whom they join.

As r grows, a component appears at a local minimum of h_a (its birth) and is swallowed by an older
one at a saddle (its death). The bar of a itself is [0, infinity).
"""

from __future__ import annotations

from dataclasses import dataclass

from plateaus.geometry.exact.plane import ExactPlane
from plateaus.geometry.exact.roots import Level


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One component of {h_a < r}: it exists for birth < r <= death. Levels are in
    output units.
    """

    birth: Level
    death: Level | None
    """None for the component of the anchor, which never dies."""
    cell: int
    """A cell on which the component's lowest height is attained."""
    into: int | None
    """The ``cell`` of the older component that swallows it."""

    def alive(self, r: Level) -> bool:
        """Whether the component exists at that radius."""
        return self.birth < r and (self.death is None or r <= self.death)


def bars(plane: ExactPlane) -> tuple[Bar, ...]:
    """H0 bars of h_a on the window, the anchor's first, then by length.

    Components of {h_a < r} are counted by ``1 + #{finite bars alive at r}``. Bars of no length are
    left out.
    """
    root = plane.cell(plane.anchor)
    parent = list(range(len(plane.cells)))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def age(i: int) -> tuple:
        return plane.floors[i], i != root, i  # among equals the anchor's component is the eldest

    found = []
    for door, facet in sorted(
        zip(plane.doors, plane.facets, strict=True), key=lambda pair: pair[0]
    ):
        i, j = (find(c) for c in facet.cells)
        if i == j:
            continue
        elder, younger = sorted((i, j), key=age)
        parent[younger] = elder
        if plane.floors[younger] < door:
            found.append(Bar(birth=plane.floors[younger], death=door, cell=younger, into=elder))
    found.sort(key=lambda bar: float(bar.birth) - float(bar.death))
    return (Bar(birth=plane.floors[root], death=None, cell=root, into=None), *found)
