"""Pairs that end with one word, whose meaning is a fact of the grammar; with wrong twins."""

import numpy as np
import pytest
import xarray as xr

import plateaus as pl
from plateaus import evidence
from plateaus.data import meaning as facts
from plateaus.data import one_word, prompts
from plateaus.data.derivation import Reader
from plateaus.errors import BadPrompt
from plateaus.experiments import meaning
from plateaus.measures.statistics import larger


@pytest.fixture(scope="module")
def lm():
    return pl.load("laboratory-3l")


@pytest.fixture(scope="module")
def pairs(lm):
    return one_word.same_last_word(lm, 5)


def read(lm, ids):
    return Reader().read(lm.tokenizer.decode(ids))


def test_pairs_share_the_last_word_and_mean_what_they_say(lm, pairs):
    same, other = pairs["similar"], pairs["different"]
    assert (same.a == other.a).all() and len(same) == len(other) == 5
    for some in pairs.values():
        assert (some.a[:, -1] == some.b[:, -1]).all() and (some.a != some.b).any(1).all()
    for a, one, far in zip(same.a, same.b, other.b, strict=True):
        a, one, far = (read(lm, ids) for ids in (a, one, far))
        assert facts.same_meaning(a, one) and not facts.same_meaning(a, far)
        assert a.next() == pytest.approx(one.next())
        assert facts.distance(a.next(), far.next()) >= facts.APART
    # The twin that takes any two beginnings with one last word has no pair of one meaning.
    shuffled = [read(lm, ids) for ids in same.b.roll(1, 0)]
    assert not all(
        facts.same_meaning(read(lm, a), b) for a, b in zip(same.a, shuffled, strict=True)
    )


def test_no_beginning_stands_in_two_pairs_of_one_meaning(pairs):
    rows = [tuple(ids.tolist()) for ids in (*pairs["similar"].a, *pairs["similar"].b)]
    assert len(set(rows)) == len(rows)


def test_too_few_pairs_and_models_of_english_are_refused_in_one_sentence(lm, monkeypatch):
    monkeypatch.setattr(one_word, "MOST", 20)
    with pytest.raises(BadPrompt, match="ask for fewer pairs"):
        one_word.same_last_word(lm, 20)
    with pytest.raises(BadPrompt, match="give one of the laboratory models"):
        one_word.same_last_word(pl.load("prose-4l"), 2)


def test_a_model_of_english_has_no_such_pairs_and_no_verdict(lm, pairs):
    assert meaning.known_pairs(pl.load("prose-4l"), pairs["similar"]) == {}
    none = meaning.by_kind(lm, {})
    assert evidence.meaning_at_equal_token(none, none)["value"] is None
    assert evidence.meaning_against_token(none, none)["value"] is None
    assert meaning.together({"a": none}, {"a": none}).slope.isnull().all()


def test_slopes_are_those_of_each_kind(lm, pairs):
    words = prompts.sharing_context(lm, 5, meaning="similar")
    found = meaning.by_kind(lm, pairs | {"words": words}, steps=12)
    for kind, some in {**pairs, "words": words}.items():
        ends = pl.experiments.Ends.of_prompts(lm, some)
        curves = pl.experiments.interpolate(ends, steps=12)
        assert np.allclose(found.slope.sel(kind=kind), pl.experiments.slopes(curves), atol=1e-4)


def test_accuracy_is_one_where_slopes_follow_meaning_and_a_half_where_they_do_not():
    x = np.linspace(0, 1, 30)
    assert larger(x + 2, x) == 1 and larger(x, x + 2) == 0 and larger(x, x) == 0.5
    by = lambda *rows: xr.Dataset(  # noqa: E731
        {"slope": (("kind", "pair"), np.stack(rows))}, {"kind": list(meaning.KINDS)}, {"model": "m"}
    )
    follows, blind = by(x + 2, x, x), by(x, x, x + 2)
    found = evidence.meaning_at_equal_token(follows, blind)
    assert found["value"] == 1 and found["control"][0].value == 0.5
    against = evidence.meaning_against_token(follows, blind)
    assert against["value"] == 2 and against["control"][0].value == -2
