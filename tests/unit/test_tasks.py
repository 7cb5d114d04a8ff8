"""Tasks by rule and from tables, many networks side by side, and what is measured of them."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from plateaus import evidence
from plateaus.book import studies
from plateaus.data import digits, tables, tasks, toy
from plateaus.errors import BadParameter, BadTable, TrainingError
from plateaus.experiments import tasks as toys
from plateaus.experiments.tasks import pick, scores
from plateaus.measures import statistics
from plateaus.networks import toy as networks
from plateaus.networks.residual import ResidualMLP, network
from plateaus.results import provenance_of
from plateaus.studies import Setting, Study
from plateaus.training.toy import Case, Recipe, train, train_many
from plateaus.training.toy.losses import LOSSES, REGRESSIONS
from plateaus.training.toy.many import widened

torch.set_num_threads(1)


@pytest.mark.parametrize("name", tasks.names())
def test_every_rule_makes_the_same_task_again_and_splits_by_inputs(name):
    one, again = tasks.task(name), tasks.task(name)
    assert torch.equal(one.train.x, again.train.x) and torch.equal(one.test.y, again.test.y)
    assert not torch.equal(one.train.x[:50], tasks.task(name, seed=1).train.x[:50])
    seen = {tuple(row) for row in one.train.x.tolist()}
    assert not seen & {tuple(row) for row in one.test.x.tolist()}
    assert one.family == tasks.family(name)
    a, b = tasks.pairs(one.test, 50)
    assert a.shape == b.shape == (50, one.inputs) and not torch.equal(a, b)


def test_rules_say_what_their_names_say():
    bits = tasks.task("parity").train
    raw = (bits.x > 0).long()
    assert torch.equal(raw[:, [1, 2, 3, 5, 7]].sum(1) % 2, bits.y)
    assert not torch.equal(raw[:, [0, 1, 2, 3, 4]].sum(1) % 2, bits.y)
    assert abs(len(tasks.task("monk-1").train) / 0.8 - 432) < 2
    xor = tasks.task("xor").train
    corner = torch.tensor([[1.0, 1.0], [-1.0, 1.0]])
    near = torch.cdist(corner, xor.x).argmin(1)
    assert xor.y[near].tolist() == [0, 1]


def test_a_row_that_is_there_twice_stands_on_one_side():
    x = np.repeat(np.arange(40.0)[:, None], 5, axis=0)
    made = tasks._task("twice", "rule", x, (x[:, 0] > 20).astype(int), 2, np.random.default_rng(0))
    assert not set(made.train.x[:, 0].tolist()) & set(made.test.x[:, 0].tolist())
    # The twin that splits by rows puts nearly every input on both sides.
    held = np.random.default_rng(0).random(200) < 0.2
    assert set(x[held, 0]) & set(x[~held, 0])


def test_digits_are_whole_and_balanced():
    pixels, digit = digits.table()
    assert pixels.shape == (1797, 64) and pixels.max() == 16 and set(digit) == set(range(10))
    images = digits.images(16)
    assert images.train.shape[1:] == (1, 16, 16) and len(images.train) + len(images.test) == 1797
    assert images.train.max() == 255


def written(folder, table: pd.DataFrame, name="given"):
    (folder / name).mkdir()
    table.to_csv(folder / name / f"{name}.tsv.gz", sep="\t", index=False)
    return folder


def frame(rows=40):
    random = np.random.default_rng(0)
    return pd.DataFrame({"a": random.normal(size=rows), "b": random.integers(0, 4, size=rows),
                         "target": random.integers(0, 2, size=rows)})  # fmt: skip


def test_a_table_becomes_numbers_with_a_column_for_every_code(tmp_path):
    made = tasks.task("given", written(tmp_path, frame()))
    assert made.inputs == 5 and made.train.classes == 2 and made.family == "table"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.assign(a=[np.nan, *t.a[1:]]), "Column a .* 1 missing"),
        (lambda t: t.assign(a=[np.inf, *t.a[1:]]), "Column a .* infinite"),
        (lambda t: t.assign(target=1), "in every row"),
        (lambda t: t.assign(b="red"), "holds text"),
        (lambda t: t.drop(columns="target"), "named target"),
        (lambda t: t[:3], "3 rows"),
    ],
    ids=["gap", "infinite", "constant", "text", "no target", "short"],
)
def test_a_table_that_nothing_can_be_learnt_from_is_refused(spoil, words, tmp_path):
    with pytest.raises(BadTable, match=words) as error:
        tables.read("given", written(tmp_path, spoil(frame())))
    assert "\n" not in str(error.value)


def test_a_table_of_constant_inputs_is_refused(tmp_path):
    with pytest.raises(BadTable, match="constant columns only"):
        tasks.task("given", written(tmp_path, frame().assign(a=3, b=1)))


def test_a_table_that_is_not_there_and_an_unknown_rule_are_refused(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "broken.tsv.gz").write_bytes(b"not gzip")
    with pytest.raises(BadTable, match="could not be read"):
        tables.read("broken", tmp_path)
    with pytest.raises(TrainingError, match="parity"):
        tasks.task("mushrooms")


def test_a_table_of_ones_own_is_a_task(tmp_path):
    written(tmp_path, frame(), name="mine")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "other.tsv.gz").write_bytes(b"")
    assert set(tasks.known(tmp_path)) == {*tasks.names(), *tasks.TABLES, "mine"}
    assert tasks.known(None) == tasks.names() and "mine" not in tasks.known(tmp_path / "half")
    assert tasks.task("mine", tmp_path).inputs == 5


def test_pairs_are_to_be_told_apart():
    for name in ("spiral-3", "wave"):
        task = tasks.task(name)
        a, b = tasks.pairs(task.test, 40)
        rows = [[int((task.test.x == p).all(1).nonzero()[0]) for p in side] for side in (a, b)]
        gap = (task.test.clean[rows[0]] - task.test.clean[rows[1]]).abs().flatten()
        assert (gap >= (1 if task.train.classes else float(task.test.clean.std()))).all()
    same = toy.ToyData(x=torch.rand(9, 2), y=torch.zeros(9), clean=torch.zeros(9), classes=2)
    with pytest.raises(TrainingError, match="told apart"):
        tasks.pairs(same, 5)


def build(inputs=2, outputs=2, **changes):
    return ResidualMLP(inputs=inputs, outputs=outputs, width=6, blocks=2, **changes)


def test_many_trained_together_are_each_trained_alone():
    spiral, wave = toy.spiral(samples=128), toy.folded_wave(samples=96)
    more = toy.ToyData(x=torch.rand(64, 5), y=torch.arange(64) % 3, clean=torch.arange(64) % 3,
                       classes=3)  # fmt: skip
    cases = {
        "spiral": Case(build=build, data=spiral),
        "wave": Case(build=partial(build, outputs=1), data=wave),
        "more": Case(build=partial(build, inputs=5, outputs=3), data=more, loss="squared"),
    }
    recipe = Recipe(batch=32, rate=1e-2, seeds=(3, 4))
    together = train_many(cases, recipe, steps=12, checkpoints=(5,))
    assert together["wave"].steps == (0, 5, 12)
    for name, case in cases.items():
        alone = train_many({name: case}, recipe, steps=12)[name]
        for mine, theirs in zip(together[name].module(1).parameters(),
                                alone.module(1).parameters(), strict=True):  # fmt: skip
            torch.testing.assert_close(mine, theirs)
    assert not torch.allclose(together["spiral"].module(0).encoder.weight,
                              together["spiral"].module(1).encoder.weight)  # fmt: skip
    # On data that whole batches divide it is the trainer of the toy chapter.
    usual = train(build, spiral, Recipe(batch=32, rate=1e-2, epochs=3, seeds=(3,))).module()
    torch.testing.assert_close(together["spiral"].module(0).encoder.weight, usual.encoder.weight)


def test_inputs_that_a_network_does_not_have_change_nothing():
    module = build(inputs=3)
    x = torch.randn(7, 5)
    wide = widened(module, 5, 4)(x)
    torch.testing.assert_close(wide[:, :2], module(x[:, :3]))
    assert (wide[:, 2:] == 0).all()


def test_losses_are_smallest_where_they_should_be():
    target = torch.tensor([[0, 1, 1]])
    right = torch.nn.functional.one_hot(target, 2).double()
    for name, loss in LOSSES.items():
        good, bad = (loss(scale * (2 * right - 1), target) for scale in (1.0, -1.0))
        assert good.shape == (1,) and good < bad, name
    assert LOSSES["squared"](right, target) == 0
    sure = 30 * (2 * right - 1)
    assert LOSSES["smoothed"](sure, target) > LOSSES["smoothed"](sure / 20, target)
    with pytest.raises(TrainingError, match="smoothed"):
        Case(build=build, data=toy.spiral(samples=9), loss="hinge")


def test_losses_of_regressions_are_smallest_where_they_should_be():
    target = torch.tensor([[[0.0, 0.3], [1.0, 0.0]]])
    assert REGRESSIONS["squared"](target, target) == 0
    # What is below 0 answers 0, and costs the plain squared error something.
    below = torch.where(target == 0, -2.0, target)
    assert REGRESSIONS["rectified"](below, target) == 0 < REGRESSIONS["squared"](below, target)
    at = torch.logit(target.clamp(1e-6, 1 - 1e-6)).requires_grad_()
    REGRESSIONS["logistic"](at, target).sum().backward()
    assert float(at.grad.abs().max()) < 1e-5  # the logit of the target is the best answer
    with pytest.raises(TrainingError, match="regression is one of squared, rectified, logistic"):
        Case(build=build, data=toy.folded_wave(samples=9), regression="cross-entropy")


def test_a_regression_is_trained_with_the_loss_that_is_asked_for():
    wave = toy.folded_wave(samples=64)
    data = toy.ToyData(x=wave.x, y=wave.y.sigmoid(), clean=wave.y.sigmoid(), classes=None)
    one = partial(build, outputs=1)
    cases = {n: Case(build=one, data=data, regression=n) for n in REGRESSIONS}
    done = train_many(cases, Recipe(batch=32, rate=1e-2, seeds=(0,)), steps=3)
    heads = [done[n].module().head[-1].weight for n in REGRESSIONS]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not torch.allclose(heads[i], heads[j])
    alone = train_many({"one": cases["logistic"]}, Recipe(batch=32, rate=1e-2, seeds=(0,)), steps=3)
    torch.testing.assert_close(alone["one"].module().head[-1].weight, heads[2])


def test_the_loss_of_a_regression_is_what_is_left_of_its_variance():
    task = tasks.task("wave")
    net = network(build(outputs=1), dtype=torch.float64)
    said = net(task.test.x).detach()
    expected = (said - task.test.clean).square().mean()
    assert toys.loss(net, task.test) == pytest.approx(float(expected), rel=1e-6)
    spiral, arms = tasks.task("spiral"), network(build(), dtype=torch.float64)
    logs = arms(spiral.test.x).detach().log_softmax(-1)
    right = -logs[range(len(logs)), spiral.test.clean].mean()
    assert toys.loss(arms, spiral.test) == pytest.approx(float(right), rel=1e-6)
    assert abs(float(right) + float(logs.mean())) > 1e-4  # the twin that averages over all classes


@pytest.mark.parametrize("bad", [{"optimiser": "lion"}, {"decay": -1.0}])
def test_impossible_optimisers_are_refused(bad):
    with pytest.raises(TrainingError, match="adam or sgd"):
        Recipe(**bad)


def test_tied_blocks_are_one_block():
    module = networks.build("tied", width=6, blocks=5)
    assert len(module.trunk) == 1 and len(network(module)) == 6
    x = torch.randn(4, 2)
    torch.testing.assert_close(network(module)(x), module(x))
    once = networks.build("residual", width=6, blocks=1)
    once.load_state_dict(module.state_dict())
    assert not torch.allclose(once(x), module(x))


def test_a_study_finds_plateaus_of_a_task_that_has_them_and_none_of_one_that_has_not():
    settings = {n: Setting(task=n, blocks=6, width=8, steps=150, rate=5e-3)
                for n in ("and", "smooth")}  # fmt: skip
    found = Study(settings=settings, seeds=(0, 1), pairs=40).run()
    assert found.half_exit.dims == ("setting", "weights", "seed", "pair")
    score = scores(found).score.sel(bound="value")
    assert float(score.sel(setting="and", weights="trained")) > 0.3
    assert float(abs(score.sel(setting="smooth")).max()) < 0.2
    assert float(abs(score.sel(weights="untrained")).max()) < 0.2
    trained, untrained = pick(found, "and", "a model")
    assert evidence.slope_gain(trained, untrained)["model"] == "a model"
    assert float(found.quality.sel(setting="and", weights="trained", data="fresh").min()) > 0.9
    assert found.loss.dims == ("setting", "weights", "seed")
    assert (found.loss.sel(weights="trained") < found.loss.sel(weights="untrained")).all()


def made(values: np.ndarray, names) -> xr.Dataset:
    """A study with these slopes after training (setting, seed) and 1 before it, for every pair."""
    slope = np.stack([np.ones_like(values), values], axis=1)[..., None] * np.ones(3)
    return xr.Dataset(
        {"slope": (("setting", "weights", "seed", "pair"), slope)},
        {"setting": names, "weights": ["untrained", "trained"]},
        attrs={"model": "made"},
    ).assign(half_exit=lambda d: 1 / d.slope)


def test_spread_sees_tasks_and_its_control_sees_none():
    random = np.random.default_rng(0)
    noise = 0.1 * random.random((4, 5))
    different = made(noise + np.array([[1], [2], [3], [9]]), list("abcd"))
    one = made(0.1 * random.random((1, 20)) + 5, ["a"])
    found = evidence.spread(different, one)
    assert 7.5 < found["value"] < 8.5 and found["control"][0].value < 0.2
    alike = made(noise + 5, list("abcd"))
    assert evidence.spread(alike, one)["value"] < 0.2
    assert evidence.half_exit_spread(different, one)["value"] > 0.5


def test_labels_matter_compares_seed_by_seed():
    true, first, second = (made(np.full((1, 5), v), ["a"]).squeeze("setting") for v in (9.0, 2, 2))
    found = evidence.labels_matter(true, first, second)
    assert found["value"] == 7 and found["control"][0].value == 0 and found["n"] == 5


def test_the_interval_over_seeds_and_pairs_is_wider_than_over_pairs_alone():
    random = np.random.default_rng(0)
    values = random.normal(size=(5, 1)) + 0.1 * random.normal(size=(5, 200))
    value, low, high = statistics.nested(values)
    _, narrow, wide = statistics.nested(values.reshape(1, -1))
    assert low < value < high and high - low > 2 * (wide - narrow)


def test_a_saved_loss_keeps_its_digits():
    kept = toys.saved(xr.Dataset({"loss": ("x", [1.2345e-5]), "margin": ("x", [1.23456])}))
    assert float(kept.loss[0]) == pytest.approx(1.2345e-5, rel=1e-6)
    assert float(kept.margin[0]) == pytest.approx(1.235, abs=1e-6)


def test_a_study_that_does_not_exist_is_answered_with_those_that_do(tmp_path):
    with pytest.raises(BadParameter, match="choose one of tasks, .*superposition"):
        studies.save("task", out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_saved_results_say_which_command_makes_them():
    for name in studies.STUDIES:
        found = studies.load(name)
        assert provenance_of(found)["command"].startswith(f"plateaus study {name}"), name
        assert found.sizes.get("seed", found.sizes.get("training")) >= 5
