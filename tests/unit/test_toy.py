"""Toy data, toy architectures and the recipe that trains several seeds at once."""

import math

import pytest
import torch
from torch import nn

from plateaus.data import toy as data
from plateaus.errors import TrainingError, UnknownModel
from plateaus.networks import toy
from plateaus.training.toy import Recipe, accuracy, log_spaced, train

torch.set_num_threads(1)


def small():
    return toy.build("residual", width=8, blocks=2)


@pytest.mark.parametrize("classes", [2, 3])
def test_spiral_labels_are_the_sector_of_theta_plus_four_r(classes):
    spiral = data.spiral(samples=500, classes=classes, seed=1)
    for (x, y), label in zip(spiral.x.tolist(), spiral.clean.tolist(), strict=True):
        phase = (math.atan2(y, x) + 4 * math.hypot(x, y)) % (2 * math.pi)
        edge = phase * classes / (2 * math.pi)
        assert (
            label == int(edge) or abs(edge - round(edge)) < 1e-5
        )  # float32 against float64 at a sector's edge
    wrong = (
        (torch.atan2(spiral.x[:, 1], spiral.x[:, 0]) % (2 * math.pi)) * classes / (2 * math.pi)
    ).long()
    assert (
        wrong != spiral.clean
    ).float().mean() > 0.3  # plain sectors, without the 4 r, are something else


def test_label_noise_is_fixed_with_the_data_and_always_wrong():
    noisy, again = (
        data.spiral(samples=20_000, classes=3, noise=0.1),
        data.spiral(samples=20_000, classes=3, noise=0.1),
    )
    assert torch.equal(noisy.y, again.y)
    assert abs((noisy.y != noisy.clean).float().mean().item() - 0.1) < 0.01
    # The twin: replacing by *any* class leaves a third of the "wrong" labels right.
    generator = torch.Generator().manual_seed(0)
    twin = torch.where(
        torch.rand(20_000, generator=generator) < 0.1,
        torch.randint(3, (20_000,), generator=generator),
        noisy.clean,
    )
    assert abs((twin != noisy.clean).float().mean().item() - 0.1) > 0.02


def test_inputs_are_uniform_on_the_square_or_normal():
    assert data.spiral(samples=1000).x.abs().max() <= 1
    assert data.spiral(samples=1000, inputs="normal").x.abs().max() > 2


def test_folded_wave_is_flat_on_the_right_only():
    wave = data.folded_wave(samples=1000)
    right = wave.x[:, 0] >= 0
    assert (wave.y[right] == 0).all() and (wave.y[~right].abs() > 0).all() and wave.outputs == 1
    expected = wave.x[~right, 0].sin() + wave.x[~right, 1].cos()
    torch.testing.assert_close(wave.y[~right, 0], expected)


def test_shuffling_keeps_the_targets_and_breaks_their_place():
    spiral = data.spiral(samples=2000)
    control = data.shuffled(spiral)
    assert torch.equal(control.y.sort().values, spiral.y.sort().values) and torch.equal(
        control.x, spiral.x
    )
    assert abs((control.y == spiral.y).float().mean().item() - 0.5) < 0.05


@pytest.mark.parametrize(
    "bad", [{"classes": 1}, {"noise": 1.0}, {"noise": -0.1}, {"inputs": "cauchy"}, {"samples": 0}]
)
def test_impossible_data_is_refused(bad):
    with pytest.raises(TrainingError):
        data.spiral(**bad)


def test_architectures_differ_in_one_part():
    assert not [m for m in toy.build("no-norm").modules() if isinstance(m, nn.LayerNorm)]
    assert [m for m in toy.build("residual").modules() if isinstance(m, nn.LayerNorm)]
    assert not toy.build("no-skip").trunk[0].skip
    x, y = torch.randn(2, 5, 2)
    linear = toy.build("linear")
    torch.testing.assert_close(linear((x + y) / 2), (linear(x) + linear(y)) / 2)
    assert not torch.allclose(small()((x + y) / 2), (small()(x) + small()(y)) / 2, atol=1e-3)
    with pytest.raises(UnknownModel, match="residual"):
        toy.build("resnet-50")


def test_seeds_trained_together_equal_seeds_trained_alone():
    spiral = data.spiral(samples=300)
    together = train(small, spiral, Recipe(epochs=2, batch=50, seeds=(0, 1, 2)))
    for k in range(3):
        alone = train(small, spiral, Recipe(epochs=2, batch=50, seeds=(k,)))
        for mine, theirs in zip(
            together.module(k).parameters(), alone.module(0).parameters(), strict=True
        ):
            torch.testing.assert_close(mine, theirs)
    # The twin: averaging the losses over seeds would scale gradients, and mixing seeds would
    # equalise them.
    first, second = together.module(0), together.module(1)
    assert not torch.allclose(first.encoder.weight, second.encoder.weight, atol=1e-2)


def test_training_is_plain_adam():
    spiral = data.spiral(samples=128)
    torch.set_default_dtype(torch.float64)  # weights are drawn in the precision of the recipe
    torch.manual_seed(5)
    module = small()
    torch.set_default_dtype(torch.float32)
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    order = torch.Generator().manual_seed(5)
    for _ in range(3):
        for index in torch.randperm(128, generator=order).split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(
                module(spiral.x[index].double()), spiral.y[index]
            ).backward()
            optimiser.step()
    ours = train(small, spiral, Recipe(epochs=3, batch=32, rate=1e-2, seeds=(5,))).module()
    torch.testing.assert_close(ours.encoder.weight, module.encoder.weight)
    assert torch.get_default_dtype() == torch.float32


def test_same_recipe_same_weights_and_the_global_generator_is_left_alone():
    spiral, recipe = (
        data.spiral(samples=200),
        Recipe(epochs=1, batch=50, seeds=(3,), checkpoints=(2,)),
    )
    before = torch.random.get_rng_state()
    one, two = train(small, spiral, recipe), train(small, spiral, recipe)
    assert torch.equal(before, torch.random.get_rng_state())
    assert one.steps == (0, 2, 4)
    for step in one.steps:
        assert all(
            torch.equal(one.weights[step][n], two.weights[step][n]) for n in one.weights[step]
        )
    assert not torch.equal(one.weights[0]["encoder.weight"], one.weights[4]["encoder.weight"])
    assert one.loss.shape == (1, 1)


def test_the_network_learns_true_labels_and_not_shuffled_ones():
    spiral, fresh = data.spiral(samples=3000), data.spiral(samples=1000, seed=9)
    recipe = Recipe(epochs=8, batch=50, rate=3e-3)
    assert accuracy(train(small, spiral, recipe).module(), fresh) > 0.85
    assert accuracy(train(small, data.shuffled(spiral), recipe).module(), fresh) < 0.65


def test_regression_learns():
    wave = data.folded_wave(samples=1000)
    recipe = Recipe(epochs=10, batch=50, rate=3e-3)
    learnt = train(lambda: toy.build(width=8, blocks=2, outputs=1), wave, recipe).loss[-1]
    control = train(
        lambda: toy.build(width=8, blocks=2, outputs=1), data.shuffled(wave), recipe
    ).loss[-1]
    assert learnt < 0.1 * wave.y.var() < 0.8 * wave.y.var() < control
    with pytest.raises(TrainingError, match="loss"):
        accuracy(toy.build(outputs=1), wave)


@pytest.mark.parametrize("bad", [{"epochs": -1}, {"batch": 0}, {"rate": 0.0}, {"seeds": ()}])
def test_impossible_recipes_are_refused(bad):
    with pytest.raises(TrainingError):
        Recipe(**bad)


def test_what_training_cannot_use_is_said():
    spiral = data.spiral(samples=100)
    with pytest.raises(TrainingError, match="batch"):
        train(small, spiral, Recipe(batch=101))
    with pytest.raises(TrainingError, match="between 0 and 2"):
        train(small, spiral, Recipe(epochs=1, batch=50, checkpoints=(3,)))
    with pytest.raises(TrainingError, match="not kept"):
        train(small, spiral, Recipe(epochs=1, batch=50)).module(step=1)
    with pytest.raises(TrainingError, match="finite"):
        train(
            lambda: toy.build("no-norm", width=8, blocks=20),
            spiral,
            Recipe(epochs=20, batch=50, rate=1e100),
        )
    with pytest.raises(TrainingError, match="finite at step 1:"):  # of which no step takes the loss
        train(small, spiral, Recipe(epochs=1, batch=100, rate=1e200))


def test_one_thread_while_training_and_as_many_as_before_after_it():
    seen = []

    class Watched(nn.Linear):
        def forward(self, x):
            seen.append(torch.get_num_threads())
            return super().forward(x)

    torch.set_num_threads(2)
    try:
        train(lambda: Watched(2, 2), data.spiral(samples=60), Recipe(epochs=1, batch=50))
        assert set(seen) == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_steps_are_spaced_logarithmically():
    assert (
        log_spaced(100, 3) == (1, 10, 100)
        and log_spaced(3, 50) == (1, 2, 3)
        and log_spaced(0, 5) == ()
    )


def test_pairs_are_of_different_classes():
    spiral = data.spiral(samples=400, noise=0.1)
    a, b = data.different_classes(spiral, 50)
    assert (
        data.spiral_sector(a, classes=2) != data.spiral_sector(b, classes=2)
    ).all() and a.shape == (50, 2)
    with pytest.raises(TrainingError, match="more samples"):
        data.different_classes(spiral, 201)
    with pytest.raises(TrainingError, match="regression"):
        data.different_classes(data.folded_wave(samples=10), 2)
