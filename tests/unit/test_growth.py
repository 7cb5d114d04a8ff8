"""Piece counts of the growth study: additive under composition with an affine map, larger for
deeper networks.
"""

from __future__ import annotations

import torch

import plateaus as pl
from plateaus.measures import growth
from plateaus.networks.residual import PlainMLP, ResidualMLP, network

PAIRS = [((0.75, -0.25), (-0.45, -0.25)), ((-0.9, 0.8), (0.6, 0.1))]


def nets(depths):
    out = {}
    for blocks in depths:
        torch.manual_seed(0)
        out[blocks] = [
            network(ResidualMLP(blocks=blocks, width=6, normalisation=None), dtype=torch.float64)
        ]
    return out


def test_counts_are_those_of_the_exact_segment():
    found = growth.on_segments(nets((1, 3)), PAIRS, dim="blocks").isel(training=0)
    net = pl.exact.exact(nets((3,))[3][0])
    for k, (a, b) in enumerate(PAIRS):
        segment = pl.exact.ExactSegment.of(
            net,
            [pl.exact.program.point([v])[0] for v in a],
            [pl.exact.program.point([v])[0] for v in b],
            metric="linf",
        )
        assert found.pieces.sel(blocks=3)[k] == len(segment.affine)
        assert (
            float(found.merge_height.sel(blocks=3)[k])
            == float(segment.merge_height())
            >= float(found.end.sel(blocks=3)[k])
        )
    assert found.pieces.sel(blocks=3).sum() > found.pieces.sel(blocks=1).sum()


def test_an_affine_network_has_one_piece():
    torch.manual_seed(0)
    flat = network(
        ResidualMLP(blocks=2, width=6, normalisation=None, activation="identity"),
        dtype=torch.float64,
    )
    assert (growth.on_segments({2: [flat]}, PAIRS, dim="blocks").pieces == 1).all()
    assert growth.on_plane({2: flat}, (0.0, 0.0), dim="blocks").pieces == 1


def test_trainings_and_pairs_are_told_apart():
    torch.manual_seed(1)
    other = network(ResidualMLP(blocks=2, width=6, normalisation=None), dtype=torch.float64)
    both = growth.on_segments({2: [*nets((2,))[2], other]}, PAIRS, dim="blocks")
    alone = growth.on_segments({2: [other]}, PAIRS, dim="blocks")
    assert both.pieces.dims == ("blocks", "training", "pair")
    assert (both.end.sel(training=1).values == alone.end.sel(training=0).values).all()
    assert (both.end.sel(training=0).values != both.end.sel(training=1).values).all()


def test_a_merge_height_is_the_largest_on_the_way():
    torch.manual_seed(0)
    net = network(PlainMLP((2, 8, 8, 1)), dtype=torch.float64)
    found = growth.on_segments({2: [net]}, [((-2.0, 1.0), (4.0, 3.0))], dim="blocks").squeeze()
    assert found.merge_height > 10 * found.end  # a hill on the way
