"""The published experiments on one model: what they run, and the evidence for their claims."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

import plateaus as pl
from plateaus import evidence
from plateaus.data import prompts
from plateaus.experiments import flat_jump_flat, over, slopes

RULES = Path(__file__).resolve().parents[2] / "book" / "claims.yaml"


@pytest.fixture(scope="module")
def lab():
    return pl.load("laboratory-3l", device="cpu")


@pytest.fixture(scope="module")
def found(lab):
    unrelated = prompts.unrelated(lab, 6)
    kinds, _ = prompts.by_meaning(lab, 6, similar=4)
    return flat_jump_flat(lab, lab.untrained(0), unrelated, kinds, steps=9)


def test_every_result_is_of_its_pairs_block_and_sublayers(found, lab):
    sizes = {name: result.sizes["pair"] for name, result in found.items()}
    assert {sizes[k] for k in ("unrelated", "different", "late", "mlp", "attention")} == {6}
    assert sizes["similar"] == sizes["similar_0"] == 4 and sizes["both"] == 6
    assert found["unrelated"].block_in == 1 and found["late"].block_in == max(1, len(lab) // 4)
    assert found["mlp"].frozen == "mlp" and found["both"].frozen == "mlp, attention"
    for name in ("unrelated", "different", "similar", "late"):
        assert not torch.equal(
            torch.as_tensor(slopes(found[name]).values),
            torch.as_tensor(slopes(found[name + "_0"]).values),
        ), f"{name} and {name}_0 are of different weights"


def test_evidence_is_for_every_criterion_that_one_training_can_settle(found):
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    wanted = {
        (id, name)
        for id in ("J1", "J2", "J4", "J6", "S1", "S4")
        for name, rule in rules[id]["criteria"].items()
        if "trainings" not in rule["at least"]
    }
    given = [(id, e["metric"]) for id, e in evidence.flat_jump_flat(found)]
    assert sorted(given) == sorted(wanted), "each once"
    for id, e in evidence.flat_jump_flat(found):
        rule = rules[id]["criteria"][e["metric"]]
        controls = {**rule.get("negative control", {}), **rule.get("positive control", {})}
        assert len(e["control"]) == len(controls), (id, e["metric"])
    without = {k: v for k, v in found.items() if not k.startswith("similar")}
    fewer = [(id, e["metric"]) for id, e in evidence.flat_jump_flat(without)]
    assert set(given) - set(fewer) == {("J1", "similar_slope"), ("J1", "difference")}


def test_a_history_says_whether_the_slope_rises(found):
    stages = {k: found[name] for k, name in enumerate(["unrelated_0"] * 3 + ["unrelated"])}
    history = over("step", stages, lambda r: r, model="lab")
    told = dict((e["metric"], e) for _, e in evidence.flat_jump_flat(found, history))
    assert told["rank_by_step"]["n"] == 6
    alone = dict((e["metric"], e) for _, e in evidence.flat_jump_flat(found))
    assert alone["rank_by_step"]["value"] is None
