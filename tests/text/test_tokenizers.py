"""Text → tokens → ids → text."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.text import Text, Tokenisation, Tokenizer, corpus
from explorer.text.door import normal
from explorer.text.fit import check_length
from explorer.text.subwords import UNKNOWN

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
@given(content=st.text(st.characters(codec=None), max_size=40))
def test_with_bytes_nothing_is_out_of_vocabulary(kind: str, content: str) -> None:
    tokenizer = BYTEWISE[kind]
    tokens = tokenizer.encode(content)
    assert tokenizer.decode(tokens.ids) == normal(content)
    assert all(0 <= i < tokenizer.size for i in tokens.ids)
    assert "".join(piece.text for piece in tokenizer.pieces(content)) == normal(content)
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content", ["##", "a##b ## ##ing", "<unk>", "<0x41>", "１２ #一#", "\ud83d"]
)
def test_signs_of_the_vocabulary_in_a_text_are_only_text(kind: str, content: str) -> None:
    for tokenizer in (BYTEWISE[kind], learn(corpus("story-zh"), kind, byte_fallback=True)):
        assert tokenizer.decode(tokenizer.encode(content).ids) == normal(content)
        assert kind == "bpe" or 0 not in tokenizer.encode(content).ids


@given(content=st.text(alphabet="the quick brown fox.\n", max_size=60))
def test_texts_over_the_vocabulary_come_back(content: str) -> None:
    tokens = PLAIN.encode(content)
    assert 0 not in tokens.ids
    assert PLAIN.decode(tokens.ids) == content == "".join(tokens.labels)


PLAIN = learn(Text("t", "the quick brown fox.\n"), "character")


def test_half_a_character_is_shown_as_its_bytes() -> None:
    pieces = BYTEWISE["word"].pieces("灯")
    assert [piece.text for piece in pieces] == ["", "", "灯"]
    labels = BYTEWISE["word"].encode("灯").labels
    assert labels == ("<0xE7>", "<0x81>", "<0xAF>") == BYTEWISE["bpe"].encode("灯").labels
    assert BYTEWISE["word"].decode([pieces[0].id]) == "\ufffd"


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_is_cut_to_its_largest(kind: str) -> None:
    letters = "".join(chr(0x4E00 + i) for i in range(1000))
    many = Text("t", " ".join(f"w{i}" for i in range(5_000)) + letters)
    cap = 300
    assert learn(many, kind, vocabulary=cap).size <= cap
    assert learn(many, kind, vocabulary=cap, byte_fallback=True).size <= cap + 256


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_is_encoded_fast(kind: str) -> None:
    long = Text("long", (corpus("story-en").content * 100)[:1_000_000])
    tokenizer = learn(long, kind)
    began = time.process_time()
    assert len(tokenizer.encode(long.content)) > 200_000
    assert time.process_time() - began < 2


def test_it_is_the_same_in_another_process() -> None:
    code = (
        "import hashlib\nfrom explorer.text import *\n"
        "for kind in ('character', 'word', 'bpe', 'wordpiece'):\n"
        "    made = Tokenizer.learn(corpus('story-zh'), Tokenisation(kind=kind, vocabulary=600))\n"
        "    print(hashlib.sha256(made.to_json().encode()).hexdigest())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert len(said[0].split()) == 4


@pytest.mark.parametrize(
    "damaged", ["", "[]", "{}", "[" * 100_000, '{"how": {"kind": "runes"}, "labels": []}']
)
def test_a_damaged_tokenizer_is_said(damaged: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        Tokenizer.from_json(damaged)


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("character", {"labels": ["a", "b"]}),
        ("character", {"labels": ["<unk>"]}),
        ("character", {"labels": ["<unk>", "a", "a"]}),
        ("character", {"labels": ["<unk>", ""]}),
        ("character", {"labels": ["<unk>", 7]}),
        ("character", {"labels": ["<unk>", ["a"]]}),
        ("character", {"labels": ["<unk>", "\ud800"]}),
        ("character", {"labels": {"<unk>": 0}}),
        ("character", {"labels": [UNKNOWN, *map(str, range(30_000))]}),
        ("character", {"merges": [["a", "b"]]}),
        ("word", {"how": {"kind": "word", "byte_fallback": True}}),
        ("bpe", {"labels": ["<unk>", "a", "b"]}),
        ("bpe", {"merges": [["a"]]}),
        ("bpe", {"merges": [["a", "no such token"]]}),
        ("bpe", {"merges": [[1, 2]]}),
        ("bpe", {"merges": 3}),
    ],
)
def test_a_hostile_tokenizer_is_refused(kind: str, damage: dict[str, object]) -> None:
    data = json.loads(learn(MIXED, kind).to_json()) | damage
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
    check_length(3, 0.0, window=2, batch=32, sequential=False)
    with pytest.raises(DataError, match="take a shorter window or a longer text"):
        check_length(3, 0.0, window=3, batch=32, sequential=False)


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("window", [2, 64])
def test_where_no_window_is_short_enough_only_a_longer_text_is_advised(
    window: int, sequential: bool
) -> None:
    with pytest.raises(DataError, match=r"2 tokens .* of 2, needs 3: take a longer text\.$"):
        check_length(2, 0.0, window=window, batch=32, sequential=sequential)
