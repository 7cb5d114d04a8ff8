"""Search for a low path: an upper bound of the merge height in the whole space, for any network.

m(a, b) = inf over paths of max h_a. A polyline from a to b is bent until its highest point is as
low as gradients can make it, as the nudged elastic band of chemistry does for mountain passes:
nodes move across the path only, and are spread again along it, densest where it is high. What is
found is an upper bound on m(a, b), as good as the evidence that nothing higher lies between the
samples. A search that finds nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from plateaus.errors import BadParameter, BadPath, Undecided
from plateaus.geometry.exact.program import ExactNetwork
from plateaus.geometry.inner import peak
from plateaus.geometry.metrics import check_metric, heights
from plateaus.geometry.polyline import respaced, sampled, tangents
from plateaus.networks.network import Network

Heights = Callable[[Tensor], Tensor]


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

    @property
    def excess_before(self) -> Tensor:
        """The excess barrier of the straight segment, ``(P,)``."""
        return self.straight - self.ends

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


def search(
    network: Network,
    a: Tensor,
    b: Tensor,
    *,
    metric: str = "l2",
    nodes: int = 33,
    steps: int = 300,
    restarts: int = 4,
    bow: float = 0.3,
    dense: int = 8,
    shell: tuple[float, float] | None = None,
    below: float | Tensor | None = None,
    seed: int = 0,
) -> FoundPaths:
    """Bend the segment from a to b until the largest h_a on it is low.

    Args:
        a, b: ``(P, d)``. A network at P prompts takes them one pair for each prompt.
        nodes: K, nodes of the polyline, both ends included.
        steps: gradient steps; the temperature of the soft maximum and the step length fall during
            them.
        restarts: paths per pair. The first begins straight, the others bowed in a random direction.
        bow: the height of these bows in units of |b - a|.
        dense: evaluations on each leg in the final count.
        shell: keep the nodes' norms in this range: a search for a path among points as long as real
            ones.
        below: stop as soon as every pair has a path below this level.
        seed: of the random bows.

    Raises:
        BadPath: identical ends or fewer than three nodes.
        BadParameter: unknown metric, or a number of steps, restarts or samples that is not
            positive.
    """
    check_metric(metric)
    if nodes < 3 or min(steps, restarts, dense) < 1:
        raise BadParameter(
            "A search needs at least 3 nodes and 1 step, restart and sample, got "
            f"{nodes, steps, restarts, dense}."
        )
    a, b = network.check(a), network.check(b)
    if a.ndim != 2 or a.shape != b.shape:
        raise BadPath(
            f"A search takes pairs of points of shape (P, d), got {tuple(a.shape)} and "
            f"{tuple(b.shape)}."
        )
    if (a == b).all(-1).any():
        raise BadPath("A search was given two identical end points: a and b must differ.")
    with torch.no_grad():
        centre = network(a[:, None])
    height = _heights(network, centre, metric)
    paths = _bows(a, b, nodes, restarts, bow, seed)
    best = _descend(height, paths, steps=steps, shell=shell, below=below)
    straight = torch.lerp(
        a[:, None], b[:, None], torch.linspace(0, 1, nodes, device=a.device, dtype=a.dtype)[:, None]
    )
    candidates = torch.cat([straight[:, None], best], dim=1)
    with torch.no_grad():
        ends = height(b[:, None])[:, 0]
    # Every path ends at b; evaluated in another batch its height may differ in the last digits.
    final = torch.maximum(_peaks(height, candidates, dense), ends[:, None])
    winner = final.argmin(dim=1)  # the straight segment stands first: it wins ties
    rows = torch.arange(len(a), device=a.device)
    return FoundPaths(
        nodes=candidates[rows, winner],
        peaks=final[rows, winner],
        straight=final[:, 0],
        ends=ends,
        samples=(nodes - 1) * dense + 1,
    )


def certify(
    found: FoundPaths,
    network: Network | ExactNetwork,
    a: Tensor,
    *,
    metric: str = "l2",
    lipschitz: float | None = None,
    dense: int = 64,
) -> FoundPaths:
    """The same paths with a proved upper bound of max h_a on each.

    An ``ExactNetwork`` is followed piece by piece and the bound is the maximum itself (in "l2"
    rounded up to a float). Otherwise ``lipschitz``, a bound on |f(x) - f(y)| / |x - y|_2, closes
    the gaps between
    samples: on a piece of length e with ends of heights h and h' it is at most (h + h' + L e) / 2.

    Raises:
        Undecided: neither an exact network nor a Lipschitz bound was given.
    """
    a = torch.atleast_2d(torch.as_tensor(a))
    if isinstance(network, ExactNetwork):
        power = 2 if metric == "l2" else 1
        exact = [
            peak(network, x.tolist(), nodes.tolist(), metric=metric)
            for x, nodes in zip(a, found.nodes, strict=True)
        ]
        top = torch.tensor([float(v) ** (1 / power) for v in exact], dtype=torch.float64)
        return replace(
            found,
            ceilings=torch.nextafter(
                top * (1 + 2**-50), torch.tensor(torch.inf, dtype=torch.float64)
            ),
        )
    if lipschitz is None:
        raise Undecided(
            "A path of a network without an exact form is certified by a Lipschitz bound, and none "
            "was given: "
            "compute one with geometry.bounds.lipschitz, or leave the path as found."
        )
    points = sampled(found.nodes[:, None], dense)[:, 0].double()
    with torch.no_grad():
        height = _heights(network, network(a[:, None].to(found.nodes)), metric)(
            points.to(found.nodes)
        )
    gaps = points.diff(dim=1).norm(dim=-1)
    crest = (height[:, :-1] + height[:, 1:] + lipschitz * gaps) / 2
    return replace(found, ceilings=torch.maximum(crest.amax(1), height.amax(1)))


def _heights(network: Network, centre: Tensor, metric: str) -> Heights:
    """h_a on points ``(P, ..., d)``: the network sees ``(P, n, d)``."""

    def height(x: Tensor) -> Tensor:
        flat = x.reshape(len(x), -1, x.shape[-1])
        return heights(network(flat), centre, metric).reshape(x.shape[:-1])

    return height


def _bows(a: Tensor, b: Tensor, nodes: int, restarts: int, bow: float, seed: int) -> Tensor:
    """Straight, then bowed paths ``(P, R, K, d)``: a + t (b - a) + bow |b - a| sin(pi t) u, u
    across the segment.
    """
    generator = torch.Generator().manual_seed(seed)
    pairs, d = a.shape
    u = torch.randn(pairs, restarts, d, generator=generator, dtype=torch.float64).to(a)
    along = ((b - a) / (b - a).norm(dim=-1, keepdim=True))[:, None]
    u = u - (u * along).sum(-1, keepdim=True) * along
    u = (
        u
        / u.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        * (b - a).norm(dim=-1)[:, None, None]
        * bow
    )
    u[:, 0] *= 1e-3  # nearly straight: exactly so, a symmetric ridge has no gradient to either side
    t = torch.linspace(0, 1, nodes, dtype=a.dtype, device=a.device)[:, None]
    path = (
        torch.lerp(a[:, None, None], b[:, None, None], t) + torch.sin(torch.pi * t) * u[:, :, None]
    )
    path[:, :, 0], path[:, :, -1] = a[:, None], b[:, None]
    return path


def _descend(
    height: Heights,
    paths: Tensor,
    *,
    steps: int,
    shell: tuple[float, float] | None,
    below: float | Tensor | None,
) -> Tensor:
    """The lowest version of each path met on the way, ``(P, R, K, d)``."""
    length = (paths[:, :, -1] - paths[:, :, 0]).norm(dim=-1)[..., None, None]
    x, best = paths.clone(), paths.clone()
    lowest = torch.full(paths.shape[:2], torch.inf, device=paths.device, dtype=torch.float64)
    first = second = torch.zeros_like(x)
    for step in range(steps):
        x = respaced(x, _weights(height, x) if step % 10 == 0 else None) if step % 5 == 0 else x
        x = _within(x, shell)
        left = 1 - step / steps
        h, gradient = _soft_gradient(height, x, temperature=0.02 + 0.3 * left**2)
        better = h.amax(-1) < lowest
        lowest, best = (
            torch.where(better, h.amax(-1), lowest),
            torch.where(better[..., None, None], x, best),
        )
        if below is not None and bool((lowest.amin(1) < below).all()):
            break
        across = tangents(x)
        gradient = gradient - (gradient * across).sum(-1, keepdim=True) * across
        # Adam with one scale for each path: directions keep their proportions.
        first = 0.8 * first + 0.2 * gradient
        second = 0.95 * second + 0.05 * gradient.square().sum(-1, keepdim=True).amax(
            -2, keepdim=True
        )
        size = (second / (1 - 0.95 ** (step + 1))).sqrt().clamp_min(1e-30)
        move = 0.05 * (0.1 + 0.9 * left) * length * first / (1 - 0.8 ** (step + 1)) / size
        move[:, :, 0] = move[:, :, -1] = 0
        x = x - move
    return best


def _soft_gradient(height: Heights, x: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """h at nodes and midpoints, ``(P, R, 2K - 1)``, and the gradient by nodes of temperature * log
    sum exp(h / temperature).

    The temperature is in units of each path's own maximum.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        h = height(sampled(x, 2))
        scale = h.detach().amax(-1, keepdim=True).clamp_min(1e-30)
        (gradient,) = torch.autograd.grad(
            (temperature * (h / scale / temperature).logsumexp(-1)).sum(), x
        )
    return h.detach(), gradient


def _weights(height: Heights, x: Tensor) -> Tensor:
    """How densely nodes should stand on each leg, ``(P, R, K - 1)``: three times denser at the top
    than at the bottom.
    """
    with torch.no_grad():
        h = height(x)
    leg = torch.maximum(h[..., 1:], h[..., :-1])
    return (1 + 2 * (leg / leg.amax(-1, keepdim=True).clamp_min(1e-30)) ** 4).to(x.dtype)


def _within(x: Tensor, shell: tuple[float, float] | None) -> Tensor:
    if shell is None:
        return x
    norm = x.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    inner = x * (norm.clamp(*shell) / norm)
    inner[:, :, 0], inner[:, :, -1] = x[:, :, 0], x[:, :, -1]
    return inner


def _peaks(height: Heights, paths: Tensor, dense: int) -> Tensor:
    with torch.no_grad():
        return height(sampled(paths, dense)).amax(-1)
