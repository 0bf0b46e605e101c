"""Text → tokens → ids → text."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.text import Text, Tokenisation, Tokenizer, corpus
from explorer.text.fit import check_length

KINDS = ("character", "word", "bpe", "wordpiece")
MIXED = Text(
    "mixed", "café 👩‍👩‍👧 said: “naïve” 👍🏽, don't!\n\t# ## <unk> <script>x</script> " * 20
)


def learn(text: Text, kind: str, **how: object) -> Tokenizer:
    return Tokenizer.learn(text, Tokenisation.model_validate({"kind": kind} | how))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text", [corpus("story-en"), corpus("story-zh"), MIXED], ids=["en", "zh", "mixed"]
)
def test_its_own_text_comes_back(text: Text, kind: str) -> None:
    tokenizer = learn(text, kind)
    tokens = tokenizer.encode(text.content)
    assert tokenizer.decode(tokens.ids) == text.content
    assert tokens.ids.dtype == np.int64
    assert 0 <= tokens.ids.min() <= tokens.ids.max() < tokenizer.size == len(tokenizer.labels)
    again = Tokenizer.from_json(tokenizer.to_json())
    np.testing.assert_array_equal(again.encode(text.content).ids, tokens.ids)
    assert again.labels == tokenizer.labels
    assert learn(text, kind).to_json() == tokenizer.to_json()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(content=st.text(max_size=40))
def test_with_bytes_nothing_is_out_of_vocabulary(kind: str, content: str) -> None:
    tokenizer = BYTEWISE[kind]
    clean = content.encode("utf-8", "replace").decode()
    tokens = tokenizer.encode(clean)
    assert tokenizer.decode(tokens.ids) == clean
    if kind != "bpe":
        assert 0 not in tokens.ids


BYTEWISE = {kind: learn(corpus("story-en"), kind, byte_fallback=True) for kind in KINDS}


def test_d2ls_vocabulary_has_28_symbols() -> None:
    text = Text("abc", "the quick brown fox jumps over the lazy dog " * 3)
    assert learn(text, "character").size == 28


def test_graphemes_stay_whole() -> None:
    labels = learn(MIXED, "character").encode("é👩‍👩‍👧👍🏽").labels
    assert labels == ("é", "👩‍👩‍👧", "👍🏽")


def test_rare_tokens_become_unknown_and_keep_their_own_letters() -> None:
    tokenizer = learn(Text("t", "aaaa bbbb q"), "character", min_frequency=2)
    assert tokenizer.labels == ("<unk>", " ", "a", "b")
    assert [(p.text, p.unknown) for p in tokenizer.pieces("aq")] == [("a", False), ("q", True)]
    assert tokenizer.decode(tokenizer.encode("aq").ids) == "a<unk>"


def test_the_most_frequent_are_kept() -> None:
    many = " ".join(f"w{i}" for i in range(3000)) + " the the the and and"
    tokenizer = learn(Text("t", many), "word", vocabulary=16)
    assert tokenizer.size == 16
    assert {" the", " and"} <= set(tokenizer.labels)


def test_lower_case() -> None:
    tokenizer = learn(Text("t", "Ab aB"), "character", lowercase=True)
    assert tokenizer.decode(tokenizer.encode("AB").ids) == "ab"


def test_chinese_words_are_words() -> None:
    tokenizer = learn(corpus("story-zh"), "word")
    assert "爷爷" in tokenizer.labels
    assert max(map(len, tokenizer.labels[1:])) <= 8


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"how": {"kind": "runes"}, "labels": []}'])
def test_a_damaged_tokenizer_is_said(damaged: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        Tokenizer.from_json(damaged)


def test_a_damaged_model_is_said() -> None:
    data = json.loads(learn(MIXED, "bpe").to_json()) | {"model": '{"version": 7}'}
    with pytest.raises(DataError, match="cannot be read"):
        Tokenizer.from_json(json.dumps(data))


def test_one_word_is_not_enough() -> None:
    with pytest.raises(DataError, match="fewer than two different tokens"):
        learn(Text("word.txt", "hello"), "word")


def test_length_is_checked_with_numbers_and_cure() -> None:
    check_length(100, 0.1, window=64, batch=32, sequential=False)
    with pytest.raises(DataError, match="90 tokens to train on, but a window of 90 needs 91"):
        check_length(100, 0.1, window=90, batch=32, sequential=False)
    with pytest.raises(DataError, match="32 lanes of 64 tokens need 2049"):
        check_length(100, 0.1, window=64, batch=32, sequential=True)
