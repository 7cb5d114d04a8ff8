"""What foretells the place of a boundary: regressions that know the answer, and such that must not.

Every check has a twin that it refuses.
"""

import numpy as np
import pytest
import torch
import xarray as xr

import plateaus as pl
from plateaus.data.pairs import Pairs
from plateaus.evidence import neurons as evidence
from plateaus.experiments import neurons
from plateaus.measures import ridge

WORDS, ROWS, COLUMNS = 40, 200, 60


@pytest.fixture(scope="module")
def words():
    """Two different labels of each row."""
    random = np.random.default_rng(0)
    return np.array([random.permutation(WORDS)[:2] for _ in range(ROWS)])


def differences(words, columns=COLUMNS, seed=1):
    """Quantities that a word has wherever it stands, B minus A."""
    own = np.random.default_rng(seed).standard_normal((WORDS, columns))
    return own[words[:, 1]] - own[words[:, 0]]


def test_what_shared_quantities_decide_is_foretold_of_new_words(words):
    x = differences(words, columns=8)
    y = x @ np.arange(8) + 0.1 * np.random.default_rng(2).standard_normal(ROWS)
    assert ridge.explained(y, ridge.foretold(x @ x.T, y, words)) > 0.9
    mixed = x[np.random.default_rng(3).permutation(ROWS)]
    assert ridge.explained(y, ridge.foretold(mixed @ mixed.T, y, words)) < 0.1


def test_what_each_word_has_for_itself_is_not(words):
    x = differences(words, columns=5000)
    y = differences(words, columns=1, seed=5)[:, 0]
    assert ridge.explained(y, ridge.foretold(x @ x.T, y, words)) < 0.15
    unseen = np.arange(2 * ROWS).reshape(ROWS, 2)  # as if all words were different ones
    assert ridge.explained(y, ridge.foretold(x @ x.T, y, unseen)) > 0.5


def fits(monkeypatch, words, contexts):
    """(fitted rows, foretold rows) of every regression."""
    seen, plain = [], ridge._predict

    def spy(gram, y, train, test):
        if len(gram) == ROWS:  # those that choose a penalty get a smaller one
            seen.append((train, test))
        return plain(gram, y, train, test)

    monkeypatch.setattr(ridge, "_predict", spy)
    x = differences(words)
    found = ridge.foretold(x @ x.T, x[:, 0], words, contexts)
    assert np.isfinite(found).all()
    return seen


def test_no_row_shares_a_word_or_a_context_with_those_it_is_foretold_from(words, monkeypatch):
    contexts = np.arange(ROWS) // 3
    seen = fits(monkeypatch, words, contexts)
    assert sorted(np.concatenate([test for _, test in seen])) == list(range(ROWS))
    for train, test in seen:
        assert not np.isin(words[train], words[test]).any()
        assert not np.isin(contexts[train], contexts[test]).any()
    monkeypatch.undo()
    without = fits(monkeypatch, words, None)
    assert any(np.isin(contexts[train], contexts[test]).any() for train, test in without)


@pytest.fixture(scope="module")
def lm(save_tiny, tmp_path_factory):
    folder = save_tiny("gpt2", tmp_path_factory.mktemp("gpt2"), scale=0.5)
    return pl.load(folder, device="cpu", dtype=torch.float64)


def some_pairs(a, b, context):
    ids = [torch.cat([context, last[:, None]], 1) for last in (a, b)]
    return Pairs(a=ids[0], b=ids[1], labels=tuple(map(str, range(len(a)))), source="made")


@pytest.fixture(scope="module")
def both(lm):
    """Pairs in contexts of their own, and the same pairs with their ends exchanged."""
    generator = torch.Generator().manual_seed(0)
    context = torch.randint(3, 200, (12, 4), generator=generator)
    a, b = torch.randperm(100, generator=generator)[:24].reshape(2, 12) + 3
    made = some_pairs(a, b, context), some_pairs(b, a, context)
    return [neurons.at_ends(lm, pairs, steps=41) for pairs in made]


def test_exchanging_the_ends_mirrors_places_and_changes_no_gram_matrix(both):
    one, other = both
    assert set(one.of.values) == {"ends", "logits", "crossings", "boundary"}
    assert float(np.abs(one.place + other.place).max()) < 1e-3 < float(np.abs(one.place).max())
    assert np.allclose(one.planted, -other.planted) and np.ptp(one.planted.values) > 0.05
    assert (one.word_a == other.word_b).all()
    for of in ("ends", "logits", "crossings"):
        assert np.allclose(one.gram.sel(of=of), other.gram.sel(of=of)), of
    near = np.abs(one.gram - other.gram).sel(of="boundary") / np.abs(one.gram.sel(of="boundary"))
    assert float(near.median()) < 0.05  # their places agree up to the steps of the path


def test_pre_activations_are_those_of_the_model(lm, both):
    """Against the library's own hooks, in the whole prompt."""
    generator = torch.Generator().manual_seed(0)
    context = torch.randint(3, 200, (12, 4), generator=generator)
    a, b = torch.randperm(100, generator=generator)[:24].reshape(2, 12) + 3
    z = []
    for last in (a, b):
        ids = torch.cat([context, last[:, None]], 1)
        _, cache = lm.bridge.run_with_cache(ids)
        z.append(
            torch.cat([cache[f"blocks.{k}.mlp.hook_pre"][:, -1] for k in range(1, len(lm))], -1)
        )
    rows = (z[1] - z[0]).numpy()
    rows /= np.sqrt(np.square(rows).mean(0))
    assert np.allclose(rows @ rows.T, both[0].gram.sel(of="ends"))
    assert not np.allclose(rows[::-1] @ rows.T, both[0].gram.sel(of="ends"))


def a_result(words, y, **rows):
    gram = np.stack([x @ x.T for x in rows.values()])
    return xr.Dataset(
        {
            "place": ("pair", y),
            "planted": ("pair", rows["ends"][:, 0]),
            "word_a": ("pair", words[:, 0]),
            "word_b": ("pair", words[:, 1]),
            "context": ("pair", np.arange(len(y))),
            "gram": (("of", "pair", "other"), gram),
        },
        coords={"of": list(rows)},
        attrs={"model": "made"},
    )


def test_evidence_tells_neurons_from_logits_and_the_order_of_places(words):
    ends, logits = differences(words, columns=8), differences(words, columns=8, seed=9)
    y = ends @ np.linspace(0.1, 1, 8)
    rest = {"crossings": logits, "boundary": y[:, None]}
    result = a_result(words, y, ends=ends, logits=logits, **rest)
    row = evidence.explained(result, evidence.shares(result))
    permuted, of_logits, boundary, planted = (c.value for c in row["control"])
    assert row["metric"] == "explained" and row["value"] > 0.9 and row["n"] == ROWS
    assert permuted < 0.1 and of_logits < 0.1 and boundary > 0.9 and planted > 0.9
    assert evidence.order(result) > 0.9 > 0.6 > evidence.order(result, "logits")
    swapped = a_result(words, y, ends=logits, logits=ends, **rest)
    other = evidence.explained(swapped, evidence.shares(swapped, result))
    assert other["value"] < 0.1 < other["control"][1].value


def test_what_is_at_the_boundary_itself_does_not_know_the_order_of_the_ends(words):
    """Why shares of the way, and not pre-activations there, are the positive control."""
    at, place = differences(words, columns=8), differences(words, columns=1, seed=4)[:, 0]
    twice, both = np.concatenate([at, at]), np.concatenate([place, -place])
    labels = np.concatenate([words, words[:, ::-1]])
    found = ridge.foretold(twice @ twice.T, both, labels)
    assert np.abs(found).max() < 1e-9


def test_results_of_models_stand_side_by_side_and_say_the_same(both):
    joined = neurons.of_neurons({"one": both[0], "other": both[1]}, {"one": both[1]})
    assert joined.place.dims == ("weights", "model", "pair") and joined.gram.dtype == "float32"
    kept = joined.sel(weights="trained", model="one")
    assert np.allclose(kept.place, both[0].place) and list(joined.weights) == ["trained", "step 0"]
    assert joined.sel(weights="step 0", model="other").place.isnull().all()


def test_a_figure_shows_every_share_and_what_is_asked():
    from plateaus.figures import mechanism, style

    fig, ax = style.subplots()
    mechanism.explained({"neurons": (0.1, 0.0, 0.2), "planted": (0.6, 0.5, 0.7)}, ax, asked=0.25)
    (dots,) = (line for line in ax.lines if line.get_marker() == "o")
    assert list(dots.get_xdata()) == [0.1, 0.6] and list(dots.get_ydata()) == [1, 0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["neurons", "planted"]
    assert 0.25 in [line.get_xdata()[0] for line in ax.lines]
