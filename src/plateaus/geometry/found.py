"""What a search for low paths hands back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class FoundPaths:
    """One polyline for each of P pairs, and how high it climbs."""

    nodes: Tensor
    """``(P, K, d)``, from a to b."""
    peaks: Tensor
    """max h_a over all samples of the path, ``(P,)``; a lower bound of the path's true maximum."""
    straight: Tensor
    """The same for the straight segment, ``(P,)``."""
    ends: Tensor
    """h_a(b), ``(P,)``: no path can stay below it."""
    samples: int
    """Points at which each path was evaluated in the end."""
    ceilings: Tensor | None = None
    """Certified upper bounds of the paths' maxima, ``(P,)``, if a Lipschitz bound or an exact form
    was given.
    """

    def __getitem__(self, index: int) -> FoundPaths:
        """The pair number ``index`` alone, still with an axis for pairs."""
        pick = lambda x: None if x is None else x[index : index + 1]  # noqa: E731
        return replace(
            self,
            nodes=pick(self.nodes),
            peaks=pick(self.peaks),
            straight=pick(self.straight),
            ends=pick(self.ends),
            ceilings=pick(self.ceilings),
        )

    @property
    def excess(self) -> Tensor:
        """What is left of the excess barrier, max h_a - h_a(b), after the search; ``(P,)``."""
        return self.peaks - self.ends

    def joined(self, r: float | Tensor) -> Tensor:
        """Whether the path stays below r: a proof that b lies in P_r(a) if ``ceilings`` is given,
        else the samples' word.
        """
        return (self.peaks if self.ceilings is None else self.ceilings) < r

    def statement(self, index: int = 0) -> str:
        """What has been shown about one pair, in a sentence."""
        if self.ceilings is not None:
            return (
                f"b lies in P_r(a) for every r > {float(self.ceilings[index]):.6g}: "
                "certified along the whole path"
            )
        return (
            f"found a path on which h_a is at most {float(self.peaks[index]):.6g} at "
            f"{self.samples} points; "
            "between them nothing is proved"
        )
