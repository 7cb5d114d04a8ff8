"""Where prompts come from, which words can end them, and what their ends mean; each with a twin
that would be wrong.
"""

from __future__ import annotations

import copy
from collections import Counter
from itertools import islice

import pytest
import torch

import plateaus as pl
from plateaus.data import meaning, prompts, sources, texts
from plateaus.data.derivation import Reader


@pytest.fixture(scope="module")
def lab():
    return pl.load("laboratory-3l", device="cpu")


@pytest.fixture(scope="module")
def peaked(gpt2_lm):
    """The tiny model with a few likely words after every context, as a trained model has."""
    lm = copy.copy(gpt2_lm)
    object.__setattr__(lm, "bridge", copy.deepcopy(gpt2_lm.bridge))
    with torch.no_grad():
        lm.bridge.original_model.transformer.ln_f.weight.mul_(12)
    return lm


def words(lm, ids) -> list[str]:
    return lm.tokenizer.decode(ids).split()


def true_probabilities(lm, pairs) -> list[float]:
    """Of both last words of every pair."""
    found = []
    for a, b in zip(pairs.a, pairs.b, strict=True):
        assert torch.equal(a[:-1], b[:-1]) and a[-1] != b[-1]
        truth = Reader().read(words(lm, a[:-1])).next()
        found += [truth.get(words(lm, ids[-1:])[0], 0.0) for ids in (a, b)]
    return found


def test_last_words_of_the_laboratory_language_are_possible(lab):
    found, missing = prompts.by_meaning(lab, 30)
    assert set(found) == {"different", "similar"} and not missing
    for pairs in found.values():
        assert min(true_probabilities(lab, pairs)) >= meaning.POSSIBLE
    # The wrong twin takes any context and draws both words from what the model predicts: where the
    # grammar allows one word only, the other is forbidden.
    contexts = torch.stack(list(islice(sources.windows(lab, 9, source="grammar", most=10_000), 30)))
    p = lab.clean_run(contexts)[1].double().softmax(-1)
    last = torch.multinomial(p + 1e-9, 2, generator=torch.Generator().manual_seed(0))
    a, b = (torch.cat([contexts, last[:, k : k + 1]], dim=1) for k in (0, 1))
    twin = prompts.Pairs(a=a, b=b, labels=("",) * 30, source="twin")
    assert sum(p < meaning.POSSIBLE for p in true_probabilities(lab, twin)) > 8


def futures(reader: Reader, depth: int) -> dict[tuple[str, ...], float]:
    """Probabilities of the next few words, by the reader alone."""
    if depth == 0:
        return {(): 1.0}
    return {
        (word, *rest): p * q
        for word, p in reader.next().items()
        for rest, q in futures(reader.read([word]), depth - 1).items()
        if p > 0.05
    }


def test_similar_words_have_one_future_and_different_words_do_not(lab):
    found, _ = prompts.by_meaning(lab, 12, seed=1)
    for kind, pairs in found.items():
        for a, b in zip(pairs.a, pairs.b, strict=True):
            one, other = (futures(Reader().read(words(lab, ids)), 2) for ids in (a, b))
            if kind == "similar":
                assert one == pytest.approx(other)
            else:
                shared = sum(min(p, other.get(w, 0.0)) for w, p in one.items())
                assert shared < 0.6, "most of the two futures differs"


def test_the_same_next_word_is_not_yet_the_same_meaning():
    """The wrong twin: "red" and "blue" lead to the same next words, and to other stories."""
    red, blue = (Reader().read(f"Anna had a {colour}") for colour in ("red", "blue"))
    assert red.next() == pytest.approx(blue.next())
    assert not meaning.same_meaning(red, blue)
    river, stream = (Reader().read(f"Anna was in the {word}") for word in ("river", "stream"))
    assert meaning.same_meaning(river, stream)


def test_branches_are_what_reading_gives():
    reader = Reader().read("Anna heard the")
    branches = reader.branches()
    assert {w: p for w, (p, _) in branches.items()} == pytest.approx(reader.next())
    assert branches["dog"][1].belief == pytest.approx(reader.read("dog").belief)
    assert set(reader.branches(0.1)) < set(branches)


def test_elsewhere_the_models_own_predictions_say_what_is_possible_and_similar(peaked):
    found, missing = prompts.by_meaning(peaked, 10, tokens=6)
    assert found, missing
    for kind, pairs in found.items():
        p = peaked.clean_run(pairs.a[:, :-1])[1].double().softmax(-1)
        for side in (pairs.a, pairs.b):
            assert p.gather(1, side[:, -1:]).min() >= meaning.POSSIBLE
        ends = [peaked.clean_run(side)[1].double().softmax(-1) for side in (pairs.a, pairs.b)]
        apart = meaning.root_jsd(*ends)
        good = apart >= meaning.APART if kind == "different" else apart <= meaning.CLOSE
        assert good.all()
    any_words = torch.randint(2, 200, (64, 2), generator=torch.Generator().manual_seed(0))
    context = found["different"].a[:1, :-1].expand(64, -1)
    ends = [
        peaked.clean_run(torch.cat([context, any_words[:, k : k + 1]], 1))[1].double().softmax(-1)
        for k in (0, 1)
    ]
    apart = meaning.root_jsd(*ends)  # the wrong twin takes any two words
    assert (apart < meaning.APART).any()


def test_root_jsd_is_that_of_the_curves(peaked):
    logits = torch.randn(2, 50, generator=torch.Generator().manual_seed(2)).double() * 3
    expected = pl.curves.root_jsd(logits)[-1]
    assert meaning.root_jsd(*logits.softmax(-1)) == pytest.approx(float(expected))
    far = torch.eye(2).double()
    assert float(meaning.root_jsd(far[0], far[1])) == pytest.approx(0.832555, abs=1e-6)


def test_words_are_drawn_by_their_probabilities():
    generator = torch.Generator().manual_seed(0)
    p = [0.5, 0.3, 0.2]
    n = 3000
    drawn = Counter(meaning._draw(p, lambda u, v: {u, v} != {0, 1}, generator) for _ in range(n))
    weights = {(u, v): p[u] * p[v] for u in range(3) for v in range(3) if 2 in (u, v) and u != v}
    for two, weight in weights.items():
        assert drawn[two] / n == pytest.approx(weight / sum(weights.values()), abs=0.03)
    assert set(drawn) == set(weights)
    assert meaning._draw(p, lambda u, v: False, generator) is None
    assert meaning._draw([0.4], lambda u, v: True, generator) is None


def first_tokens(lm, **options) -> Counter:
    found = sources.samples(lm, 1, lead=0, **options)
    return Counter(int(ids[0]) for ids in islice(found, 1024))


def test_samples_start_as_texts_start(peaked):
    """Their first token has the distribution that the model gives after its beginning."""
    begin = sources.beginning(peaked)
    assert begin.tolist() == [1]
    p = peaked.clean_run(begin[None])[1][0].double().softmax(-1)
    likely = p.topk(5).indices.tolist()
    seen = first_tokens(peaked)
    for token in likely:
        assert seen[token] / 1024 == pytest.approx(float(p[token]), abs=0.06)
    # The wrong twin starts anywhere; so does a start of one's own, when it is asked for.
    other = first_tokens(peaked, start="w77")
    assert max(abs(other[t] / 1024 - float(p[t])) for t in likely) > 0.06
    own = peaked.clean_run(torch.tensor([[77]]))[1][0].double().softmax(-1)
    top = int(own.argmax())
    assert other[top] / 1024 == pytest.approx(float(own[top]), abs=0.06)


def test_a_sample_with_the_cache_is_one_without(peaked):
    """Each token is drawn from what the whole text so far predicts."""
    begin = sources.beginning(peaked).expand(3, -1)
    ids = sources._sample(peaked, begin, 6, torch.Generator().manual_seed(5))
    again, generator = begin, torch.Generator().manual_seed(5)
    for _ in range(6):
        p = peaked.clean_run(again)[1].double().softmax(-1).cumsum(-1)
        chance = torch.rand(3, 1, generator=generator, dtype=p.dtype)
        again = torch.cat([again, torch.searchsorted(p, chance * p[:, -1:], right=True)], dim=1)
    assert torch.equal(ids, again)


def test_a_sample_starts_with_what_starts_a_document_or_what_is_asked_for(gpt2_lm):
    assert sources.beginning(gpt2_lm, "w5 w6").tolist() == [5, 6]
    silent = copy.copy(gpt2_lm)
    tokenizer = copy.deepcopy(gpt2_lm.tokenizer)
    tokenizer.bos_token = None
    object.__setattr__(silent, "tokenizer", tokenizer)
    with pytest.raises(pl.errors.BadPrompt, match="no token that starts a document"):
        sources.beginning(silent)
    tokenizer.eos_token = "w9"
    assert sources.beginning(silent).tolist() == [9]


def test_prompts_begin_as_the_tokeniser_was_published_to_begin_a_text(peaked):
    lm = copy.copy(peaked)
    tokenizer = copy.deepcopy(peaked.tokenizer)
    from tokenizers import processors

    tokenizer._tokenizer.post_processor = processors.TemplateProcessing(
        single="w1 $A", special_tokens=[("w1", 1)]
    )
    object.__setattr__(lm, "tokenizer", tokenizer)
    assert (prompts.unrelated(lm, 3, tokens=5).a[:, 0] == 1).all()
    assert (prompts.unrelated(lm, 3, tokens=5, bos=False).a[:, 0] != 1).all()
    assert prompts.unrelated(peaked, 3, tokens=5).a.shape == (3, 5)


def test_prompts_hold_no_special_token(peaked, tmp_path):
    special = set(peaked.tokenizer.all_special_ids)
    assert special == {0, 1}
    every = torch.stack(list(islice(sources.samples(peaked, 8), 400)))
    assert {int(t) for t in every.unique()} & special, "the samples themselves do hold some"
    kept = torch.stack(list(islice(sources.windows(peaked, 8, source="samples", most=10_000), 100)))
    assert not {int(t) for t in kept.unique()} & special


def test_a_beginning_is_put_before_every_prompt_when_asked(peaked):
    without, with_bos = (prompts.unrelated(peaked, 4, tokens=5, bos=bos) for bos in (False, True))
    assert torch.equal(with_bos.a[:, 1:], without.a) and (with_bos.a[:, 0] == 1).all()
    assert torch.equal(with_bos.b[:, 1:], without.b) and with_bos.source.endswith("with BOS")
    shared = prompts.sharing_context(peaked, 4, tokens=5, bos=True)
    assert (shared.a[:, 0] == 1).all() and shared.a.shape == (4, 6)
    one = prompts.pair(peaked, "w3 w4", " w5", " w6", bos=True)
    assert one.a.tolist() == [[1, 3, 4, 5]] and one.b.tolist() == [[1, 3, 4, 6]]


@pytest.mark.parametrize("count", [1, 2, 50])
def test_unrelated_prompts_are_never_equal(lab, count):
    pairs = prompts.unrelated(lab, count, tokens=1)  # one word each: many stories begin alike
    assert len(pairs) == count and (pairs.a != pairs.b).any(-1).all()
    stories = islice(sources.windows(lab, 1, source="grammar", most=10_000), 2 * count)
    a, b = torch.stack(list(stories)).chunk(2)  # the wrong twin does not look
    assert count < 50 or (a == b).all(-1).any()


def test_prompts_depend_on_the_seed_alone(lab, peaked):
    for lm in (lab, peaked):
        first, again = (prompts.unrelated(lm, 6, tokens=5, seed=1) for _ in range(2))
        assert torch.equal(first.a, again.a) and torch.equal(first.b, again.b)
        assert not torch.equal(first.a, prompts.unrelated(lm, 6, tokens=5, seed=2).a)
        few, many = (prompts.sharing_context(lm, n, tokens=5) for n in (3, 6))
        assert torch.equal(few.a, many.a[:3])
    assert prompts.unrelated(lab, 2).source == "grammar"
    assert prompts.unrelated(peaked, 2).source == "samples", "it knows no word of the book"
    assert sources.resolved(pl.load("prose-4l", device="cpu"), "auto") == "book"


def test_text_of_a_directory(peaked, tmp_path):
    text = " ".join(f"w{3 + i % 50}" for i in range(8000))
    (tmp_path / "train.txt").write_text("w199 " * 30_000)
    (tmp_path / "val.txt").write_text(text)
    pairs = prompts.unrelated(peaked, 4, tokens=5, source=str(tmp_path))
    assert 199 not in pairs.a and 199 not in pairs.b, "held-out files alone"
    assert ((pairs.a[:, 1:] - pairs.a[:, :-1]) % 50 == 1).all(), "a window is a piece of the text"
    with pytest.raises(pl.errors.BadPrompt, match="ask for fewer"):
        prompts.unrelated(peaked, 50, tokens=5, source=str(tmp_path))
    assert len(prompts.unrelated(peaked, 2, tokens=5, source=str(tmp_path / "val.txt"))) == 2


def test_windows_begin_where_words_begin_and_end_with_their_text(tmp_path):
    text = "onceuponatime " * 400 + "\n<|endoftext|>\n" + "afterwards " * 3000
    (tmp_path / "val.txt").write_text(text)
    passages = list(islice(texts.directory(tmp_path, 0), 10))
    assert len(passages) == 10
    for passage in passages:
        assert passage.startswith(" ") and passage.split()[0] in ("onceuponatime", "afterwards")
        assert "<|endoftext|>" not in passage
    assert len(set(passages)) > 1


def test_the_book_that_ships(lab):
    prose = pl.load("prose-4l", device="cpu")
    pairs = prompts.unrelated(prose, 1000, source="book")
    assert len(pairs) == 1000 and len({tuple(ids) for ids in pairs.a.tolist()}) > 990
    assert all(prose.tokenizer.decode(ids).startswith(" ") for ids in pairs.a[:20])
    lines = texts._lines()
    assert len(lines) == 2000 and sum(map(len, lines)) < 120_000


def llama_like():
    """A tokeniser that puts a space before every text, as that of Llama 2 does."""
    from tokenizers import Tokenizer, models, normalizers
    from transformers import PreTrainedTokenizerFast

    text = " ".join(c + a + b for c, a, b in prompts.NAMED.values()).replace(",", " ,")
    pieces = {"▁" + word for word in text.split()} | {","}
    vocabulary = [("<unk>", 0.0), ("▁", -9.0), *((piece, -1.0) for piece in sorted(pieces))]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def test_published_pairs_of_a_tokeniser_that_prepends_a_space(gpt2_lm):
    lm = copy.copy(gpt2_lm)
    object.__setattr__(lm, "tokenizer", llama_like())
    assert len(lm.ids(" very")) == 2, "the word alone, tokenised by the wrong twin, is two tokens"
    served, skipped = prompts.named(lm)
    assert not skipped and [p.labels[0] for p in served] == list(prompts.NAMED)
    d1 = served[0]
    assert lm.tokenizer.convert_ids_to_tokens(d1.a[0])[-2:] == ["▁was", "▁very"]
    assert lm.tokenizer.convert_ids_to_tokens(d1.b[0])[-2:] == ["▁was", "▁in"]


def test_published_pairs_of_the_prose_model():
    prose = pl.load("prose-4l", device="cpu")
    served, skipped = prompts.named(prose)
    assert [p.labels[0] for p in served] == ["D1", "D2", "D3", "S1", "S2", "big-in", "big-large"]
    assert list(skipped) == ["S3"] and "one is needed" in skipped["S3"]
    text = prose.tokenizer.decode(served[0].a[0])
    assert text == " The house at the end of the street was very", "as printed"
