"""The path search finds what is known to be there, claims nothing that is not, and its wrong twins
are caught.
"""

from __future__ import annotations

import math
from fractions import Fraction as F

import pytest
import torch

from plateaus.errors import BadParameter, BadPath, Undecided
from plateaus.geometry import proofs
from plateaus.geometry.exact import ExactNetwork, floating, witnesses
from plateaus.geometry.exact.program import affine, hinges
from plateaus.geometry.inner import peak
from plateaus.geometry.metrics import heights
from plateaus.geometry.minimax import FoundPaths, certify, search
from plateaus.geometry.polyline import respaced, sampled, tangents
from plateaus.measures.known import gate, gate_at, wall
from plateaus.networks.network import Network

QUICK = {"steps": 120, "nodes": 25}


def points(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def fold_in(net: ExactNetwork) -> ExactNetwork:
    """A function of one variable on the plane."""
    return ExactNetwork.of(affine([[1, 0]]), *net.steps, inputs=2, name=net.name)


def found(net: ExactNetwork, a, b, **options) -> FoundPaths:
    a, b = points(a), points(b)
    return certify(
        search(floating(net), a, b, metric="linf", **{**QUICK, **options}), net, a, metric="linf"
    )


def test_around_the_bump():
    """W8: straight across 1, around 0, certified."""
    path = found(witnesses.bump(), [-2.0, 0.0], [2.0, 0.0])
    assert float(path.straight) == 1 and float(path.ceilings) < 1e-9
    assert bool(path.joined(0.5)) and "certified" in path.statement()


def test_coupling_witness():
    """(x + 4|y|, y): the straight slice climbs to 4, the infimum over paths is 2."""
    path = found(witnesses.bent_sheet(), [0.0, 1.0], [0.0, -1.0], steps=300, nodes=65)
    assert float(path.straight) == 4
    assert 2 <= float(path.ceilings) < 2.05


@pytest.mark.parametrize("d", [16, 32])
def test_passes_in_many_dimensions(d):
    """A wall of infinite extent with one gate off the line: m = 0, and chance does not find the
    gate.
    """
    net = gate(d)
    assert net(gate_at(d)) == (0,)
    end = [2.0] + [0.0] * (d - 1)
    path = found(net, [-2.0] + [0.0] * (d - 1), end, steps=300)
    assert float(path.straight) > 0.5
    assert float(path.ceilings) < 0.02


@pytest.mark.parametrize(
    "net, a, b, known",
    [
        (witnesses.ridge(), [-1.0, 1.0], [1.0, -1.0], 0.5),
        (fold_in(witnesses.double_well()), [-1.0, 0.0], [1.0, 0.0], 1.0),
        (wall(16), [-2.0] + [0.0] * 15, [2.0] + [0.5] * 15, 1.0),
    ],
    ids=["ridge", "double well", "wall"],
)
def test_no_path_where_there_is_none(net, a, b, known):
    """Where m is known to be high the search must not say otherwise once it has to prove it."""
    path = found(net, a, b)
    assert float(path.ceilings) >= known
    assert not bool(path.joined(known))


def test_never_below_the_end():
    """h_a(b) >= r: no path joins a and b, and the search says so."""
    path = search(floating(witnesses.identity(2)), points([0.0, 0.0]), points([1.0, 0.0]), **QUICK)
    assert float(path.peaks) >= float(path.ends) == 1
    assert not bool(path.joined(1.0))


def straddling() -> FoundPaths:
    """A path over the ridge whose four nodes stand on the plains to its sides."""
    nodes = points([-1.0, 1.0], [-0.6, 0.6], [0.6, -0.6], [1.0, -1.0])[None]
    zero = torch.zeros(1, dtype=torch.float64)
    return FoundPaths(nodes=nodes, peaks=zero, straight=zero + 0.5, ends=zero, samples=4)


def test_nodes_are_not_a_certificate():
    """The twin that trusts its samples joins the two sides of a ridge of height 1/2 at r = 1/4; the
    certificate does not.
    """
    a, net = points([-1.0, 1.0]), witnesses.ridge()
    naive = straddling()
    assert bool(naive.joined(0.25)) and "nothing is proved" in naive.statement()
    for proved in (
        certify(naive, net, a, metric="linf"),
        certify(naive, floating(net), a, metric="linf", lipschitz=2**0.5, dense=3),
    ):
        assert not bool(proved.joined(0.25))
        assert float(proved.ceilings) >= 0.5


def test_lipschitz_certificate_is_tight():
    """From foot to foot of the ridge the bound with L = sqrt 2 is its height 1/2; half the slack
    would prove 1/4.
    """
    nodes, zero = (
        points([-1.0, 1.0], [-0.25, 0.25], [0.25, -0.25], [1.0, -1.0])[None],
        torch.zeros(1, dtype=torch.float64),
    )
    path = FoundPaths(nodes=nodes, peaks=zero, straight=zero, ends=zero, samples=4)
    a, net = points([-1.0, 1.0]), floating(witnesses.ridge())
    true = float(peak(witnesses.ridge(), [-1, 1], nodes[0].tolist()))
    assert true == 0.5
    assert (
        float(certify(path, net, a, metric="linf", lipschitz=2**0.5, dense=3).ceilings)
        >= true - 1e-12
    )
    halved = certify(path, net, a, metric="linf", lipschitz=2**0.5 / 2, dense=3)
    assert float(halved.ceilings) < true


def leg(net: Network | ExactNetwork, a: float, b: float, **options) -> float:
    """The certified height of the one leg from a to b of a function of one variable."""
    dtype = net.dtype if isinstance(net, Network) else torch.float64
    zero = torch.zeros(1, dtype=torch.float64)
    path = torch.tensor([[[a], [b]]], dtype=dtype)
    path = FoundPaths(nodes=path, peaks=zero, straight=zero, ends=zero, samples=2)
    return float(certify(path, net, path.nodes[:, 0], **options).ceilings)


def turning(direction: list[float], start: list[float], top: int = 10) -> ExactNetwork:
    """start + t direction, where t grows from 0 to ``top`` at x = top and falls to 0 again."""
    out = [[v, -2 * v] for v in direction]
    return ExactNetwork.of(*hinges([[1], [1]], [0, -top], out, start), inputs=1)


HALF = 2**-0.5


@pytest.mark.parametrize(
    "metric, net",
    [("kl", turning([-HALF, HALF], [2 * HALF, -2 * HALF])), ("l1", turning([HALF, HALF], [0, 0]))],
)
def test_metrics_steeper_than_the_output_are_allowed_for(metric, net, monkeypatch):
    """f changes by one per unit of length and comes back to f(a) on one leg of length 20."""
    net = floating(net)
    y = net(points([0.0], [10.0]))
    true = float(heights(y[1], y[0], metric))
    assert leg(net, 0.0, 20.0, metric=metric, lipschitz=1 + 1e-12, dense=1) >= true > 10.4
    monkeypatch.setattr(proofs, "steepness", lambda metric, outputs: 1.0)
    assert leg(net, 0.0, 20.0, metric=metric, lipschitz=1 + 1e-12, dense=1) < true  # the twin


@pytest.mark.parametrize("shift", [1e8, -1e8])
def test_rounded_samples_prove_nothing(shift):
    """x + 1e8 in float32 is constant on [0, 3]; the height at 3 is 3 all the same."""
    net = floating(ExactNetwork.of(affine([[1]], [shift]), inputs=1), dtype=torch.float32)
    assert float((net(torch.tensor([3.0])) - net(torch.tensor([0.0]))).abs()) == 0
    assert 3 <= leg(net, 0.0, 3.0, lipschitz=1.0, dense=1) < 3.001


def test_networks_that_intervals_cannot_follow_need_a_rounding():
    wave = Network(blocks=(torch.sin,), dims=(1, 1), dtype=torch.float64)
    with pytest.raises(Undecided, match="rounding"):
        leg(wave, 0.0, 3.0, lipschitz=1.0)
    low, high = (leg(wave, 0.0, 3.0, lipschitz=1.0, rounding=r) for r in (1e-12, 1e-2))
    assert 1 < low < 1.03 and high == pytest.approx(low + 1e-2)


@pytest.mark.parametrize("exponent", [150, 162, 250])
def test_heights_whose_squares_vanish_are_certified(exponent):
    small = ExactNetwork.of(affine([[F(1, 10**exponent)]]), inputs=1)
    assert F(1, 10**exponent) <= leg(small, 0.0, 1.0) <= F(1001, 10 ** (exponent + 3))


def test_a_path_begins_at_its_anchor():
    """h is measured from a; from elsewhere the ridge would be as high as one likes."""
    net, path = witnesses.ridge(), straddling()
    for elsewhere in (points([-0.6, 0.6]), points([-1.0, 1.0], [-1.0, 1.0]), points([-1.0])):
        with pytest.raises(BadPath, match="begin"):
            certify(path, net, elsewhere, metric="linf")


@pytest.mark.parametrize("bound", [-1.0, math.nan, math.inf, "1", True])
def test_a_lipschitz_bound_is_a_number_that_bounds(bound):
    with pytest.raises(BadParameter, match="Lipschitz"):
        certify(straddling(), floating(witnesses.ridge()), points([-1.0, 1.0]), lipschitz=bound)


def test_uncertified_without_a_bound():
    with pytest.raises(Undecided, match="Lipschitz"):
        certify(straddling(), floating(witnesses.ridge()), points([-1.0, 1.0]))


def test_bad_requests():
    net, a = floating(witnesses.bump()), points([-2.0, 0.0])
    with pytest.raises(BadPath, match="identical"):
        search(net, a, a)
    with pytest.raises(BadPath, match="shape"):
        search(net, a[0], a[0])
    with pytest.raises(BadParameter, match="nodes of a search"):
        search(net, a, -a, nodes=2)


def test_pairs_do_not_disturb_each_other():
    """Two pairs at once give what each gives alone, up to the random bows."""
    net = floating(witnesses.bump())
    a, b = points([-2.0, 0.0], [0.0, -2.0]), points([2.0, 0.0], [0.0, 2.0])
    both = search(net, a, b, metric="linf", **QUICK)
    assert (both.peaks < 1e-9).all() and (both.straight == 1).all()
    assert both[1].nodes.shape == (1, 25, 2) and torch.equal(both[1].nodes[0, 0], a[1])


def test_search_is_reproducible_and_keeps_its_ends():
    net, a, b = floating(witnesses.bent_sheet()), points([0.0, 1.0]), points([0.0, -1.0])
    one, two = (search(net, a, b, metric="linf", steps=40, nodes=9) for _ in range(2))
    assert torch.equal(one.nodes, two.nodes)
    assert torch.equal(one.nodes[0, 0], a[0]) and torch.equal(one.nodes[0, -1], b[0])


def test_shell_is_kept():
    net = floating(witnesses.bump())
    path = search(
        net, points([-2.0, 0.0]), points([2.0, 0.0]), metric="linf", shell=(1.5, 2.5), **QUICK
    )
    norms = path.nodes.norm(dim=-1)
    assert float(norms.min()) >= 1.5 - 1e-9 and float(norms.max()) <= 2.5 + 1e-9


def test_stops_below_a_level():
    net, a, b = floating(witnesses.bump()), points([-2.0, 0.0]), points([2.0, 0.0])
    assert float(search(net, a, b, metric="linf", below=0.5, **QUICK).peaks) < 0.6


def test_polylines():
    nodes = points([0.0, 0.0], [1.0, 0.0], [1.0, 3.0])
    assert torch.equal(
        sampled(nodes, 2), points([0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [1.0, 1.5], [1.0, 3.0])
    )
    even = respaced(nodes)
    assert torch.allclose(even, points([0.0, 0.0], [1.0, 1.0], [1.0, 3.0]))
    assert torch.allclose(respaced(nodes, torch.tensor([3.0, 1.0]))[1], points([1.0, 0.0])[0])
    assert torch.allclose(tangents(nodes)[1], points([1.0, 3.0])[0] / math.sqrt(10))


def test_peak_is_exact():
    """The highest point lies between nodes, at a rational breakpoint."""
    nodes = [(F(-1), F(1)), (F(1), F(-1, 3))]
    assert peak(witnesses.ridge(), [-1, 1], nodes) == F(1, 2)
