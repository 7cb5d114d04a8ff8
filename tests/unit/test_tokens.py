"""Texts as tokens: how a document begins, what a continuation is, and what is refused."""

from __future__ import annotations

import pytest
import torch

import plateaus as pl
from plateaus.errors import BadPrompt
from plateaus.networks.tokens import Tokens

WORDS = ["▁", "▁I", "▁was", "▁very", "▁in", "s", "a", "▁."]


def llama2(bos: bool = True):
    """A tokeniser that puts a space before every text, and <s> before that."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [("<unk>", 0.0), ("<s>", 0.0), *((w, -float(len(WORDS) - len(w))) for w in WORDS)]
    made = Tokenizer(models.Unigram(pieces, unk_id=0))
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    if bos:
        made.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 1)]
        )
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", unk_token="<unk>")


@pytest.fixture(scope="module")
def folder(save_tiny, tmp_path_factory):
    where = save_tiny("llama", tmp_path_factory.mktemp("llama"))
    llama2().save_pretrained(where)
    return where


@pytest.fixture(scope="module")
def lm(folder):
    return pl.load(folder, device="cpu")


def test_a_text_begins_as_the_tokeniser_was_published_to_begin_it(lm):
    was = [WORDS.index("▁I") + 2, WORDS.index("▁was") + 2]
    assert lm.ids("I was").tolist() == was
    assert lm.ids("I was", bos=True).tolist() == [1, *was]
    assert lm.at("I was").prefix_ids.tolist() == [[1, *was]]
    assert lm.at("I was", bos=False).prefix_ids.tolist() == [was]
    ids = torch.tensor([was, was])
    assert lm.at(ids).prefix_ids.tolist() == [was, was]
    assert lm.at(ids, bos=True).prefix_ids.tolist() == [[1, *was], [1, *was]]


def test_without_a_habit_a_text_begins_as_it_is(gpt2_lm):
    assert gpt2_lm.at("w5 w6").prefix_ids.tolist() == [[5, 6]]
    assert gpt2_lm.at("w5 w6", bos=True).prefix_ids.tolist() == [[1, 5, 6]]


def test_a_document_begins_with_bos_or_else_with_the_separator():
    for named, expected in (({"bos_token": "<s>"}, 1), ({"eos_token": "▁I"}, 3)):
        tokenizer = llama2(bos=False)
        tokenizer.bos_token = None
        for name, token in named.items():
            setattr(tokenizer, name, token)
        tokens = Tokens(tokenizer=tokenizer, name="m")
        assert tokens.begin() == expected and not tokens.begins
    tokenizer.eos_token = None
    with pytest.raises(BadPrompt, match="no token that starts a document"):
        tokens.begin()
    assert Tokens(tokenizer=llama2(), name="m").begins


def test_words_after_a_space_are_served_where_a_text_alone_gets_another_space(lm):
    """ " very" alone is two tokens there; after a prefix it is one."""
    assert len(lm.ids(" very")) == 2
    expected = [WORDS.index("▁very") + 2, WORDS.index("▁in") + 2]
    for net in (lm.at("I was"), lm.at("I was", bos=False), lm.at(lm.ids("I was").repeat(2, 1))):
        found = lm.continuation_ids(net.prefix_ids, [" very", " in"])
        assert found.tolist() == expected
    with pytest.raises(BadPrompt, match="' very in' is 3 tokens"):
        lm.at("I was").embed([" very in"])


@pytest.mark.parametrize("prompt", [None, 5, b"w5", ["w5"]])
def test_what_is_no_text_is_refused(gpt2_lm, prompt):
    with pytest.raises(BadPrompt, match="is a text"):
        gpt2_lm.ids(prompt)


def test_more_tokens_than_positions_are_refused(gpt2_lm):
    assert gpt2_lm.positions == 64
    net = gpt2_lm.at(torch.arange(63))  # and one more to come
    net(net.embed(torch.tensor([5])))
    for run in (
        lambda: gpt2_lm.at(torch.arange(64)),
        lambda: gpt2_lm.at(" ".join(["w5"] * 64)),
        lambda: gpt2_lm.clean_run(torch.zeros(2, 65, dtype=torch.long)),
        lambda: gpt2_lm.embed(torch.tensor([5]), position=64),
    ):
        with pytest.raises(BadPrompt, match="reads at most 64 tokens, got 65"):
            run()


def test_ids_outside_the_vocabulary_are_refused(gpt2_lm):
    net = gpt2_lm.at("w5")
    for run in (
        lambda ids: gpt2_lm.at(ids),
        lambda ids: gpt2_lm.clean_run(ids),
        lambda ids: net.embed(ids),
        lambda ids: net.states(ids, block=1),
    ):
        for ids in ([3, 211], [-1, 3]):
            with pytest.raises(BadPrompt, match="has the tokens 0 to 210, got ids from"):
                run(torch.tensor(ids))


@pytest.mark.parametrize(
    "ids", [torch.rand(3), torch.zeros(2, 3, 4).long(), torch.zeros(0, 3).long(), 1.5, [[0.5]]]
)
def test_what_is_no_list_of_ids_is_refused(gpt2_lm, ids):
    with pytest.raises(BadPrompt, match="takes token ids as whole numbers"):
        gpt2_lm.at(ids)
    assert gpt2_lm.at(torch.zeros(1, 0, dtype=torch.long)).prefix.tokens == 0
    with pytest.raises(BadPrompt, match="at least one string, got \\[\\]"):
        gpt2_lm.at("w5").embed([])


def test_a_tokeniser_larger_than_its_model_is_found_at_the_first_word(folder, tmp_path):
    import shutil

    from transformers import AutoTokenizer

    where = shutil.copytree(folder, tmp_path / "copy")
    tokenizer = AutoTokenizer.from_pretrained(where)
    tokenizer.add_tokens([f"new{i}" for i in range(300)])
    tokenizer.save_pretrained(where)
    with pytest.raises(BadPrompt, match="has the tokens 0 to 210"):
        pl.load(where).at("I was new250")
