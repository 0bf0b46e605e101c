"""Sentences of two languages ↔ ids: nothing lost, nothing spelt that is a sign."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.text.door import normal
from explorer.text.pairs import Pairs
from explorer.text.sentences import EOS, SIGNS, Sentences, Side, encoded, padded, prepared
from explorer.text.tokenizers import MOST, Tokenizer
from explorer.text.types import Tokenisation

KINDS = ("character", "word", "bpe", "wordpiece")
ROWS = [
    ("Go on, please!", "Continuez, s'il vous plaît !"),
    ("He has twenty-two dogs.", "Il a vingt-deux chiens."),
    ("It costs 3.50, sir.", "Ça coûte 3,50, monsieur."),
    ("The water is cold.", "L'eau est froide."),
    ("I see 👩‍👩‍👧 and 👍🏽.", "Je vois 👩‍👩‍👧 et 👍🏽."),
    ("peace", "שלום, עולם"),
    ("<pad> <bos> x<eos>y <unk>", "a <eos> b < eos > <unk>"),
]
CHINESE = [
    ("I love you, Tom.", "我爱你，汤姆。"),
    ("Hello!", "你好！"),
    ("He has 3 dogs.", "他有3只狗。"),
    ("I write Python code.", "我写 Python 代码。"),
]


def pairs(rows: list[tuple[str, str]], times: int = 3) -> Pairs:
    return Pairs("pairs", "".join(f"{source}\t{target}\n" for source, target in rows * times))


def learnt(rows: list[tuple[str, str]], kind: str, longest: int = 128, **how: object) -> Sentences:
    return Sentences.learnt(pairs(rows), Tokenisation.model_validate({"kind": kind} | how),
                            kind != "character", longest)


MADE = {(kind, spelt): learnt(ROWS, kind, byte_fallback=spelt)
        for kind in KINDS for spelt in (False, True)}


@pytest.mark.parametrize(("sentence", "lowercase", "spaced", "expected"), [
    ("  Go\u00a0 on\t! ", False, False, "Go on !"),
    ("Go on, please!", True, True, "go on , please !"),
    ("L'eau, vingt-deux et 3.5 ou 3,5.", True, True, "l'eau , vingt-deux et 3.5 ou 3,5 ."),
    ("“Oui”, dit-il…", False, True, "“ Oui ” , dit-il …"),
    ("a,,b", False, True, "a , , b"),
    ("don’t -- e-mail-", False, True, "don’t - - e-mail -"),
    ("İ Ş", True, False, "i̇ ş"),
    ("snake_case", False, True, "snake_case"),
    ("", True, True, ""),
    ("\u3000", False, True, ""),
])
def test_a_sentence_is_prepared(
    sentence: str, lowercase: bool, spaced: bool, expected: str
) -> None:
    assert prepared(sentence, lowercase, spaced) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
       | st.text("aé1 ,.'’-!_", max_size=12), st.booleans(), st.booleans())
def test_prepared_twice_is_prepared_once_and_loses_only_blanks(
    sentence: str, lowercase: bool, spaced: bool
) -> None:
    sentence = normal(sentence)
    once = prepared(sentence, lowercase, spaced)
    assert prepared(once, lowercase, spaced) == once
    expected = normal(sentence.lower()) if lowercase else sentence
    assert "".join(once.split()) == "".join(expected.split())
    assert "  " not in once
    assert once == once.strip()


@pytest.mark.parametrize(("kind", "spelt"), MADE, ids=str)
def test_its_own_sentences_come_back(kind: str, spelt: bool) -> None:
    made = MADE[kind, spelt]
    for source, target in ROWS:
        for side, sentence, tokens in ((made.source, source, made.read(source)),
                                       (made, target, made.written(target))):
            assert tokens.ids.dtype == np.int64
            assert tokens.labels[-1] == EOS
            assert len(tokens.ids) == len(tokens.labels)
            assert side.decode(tokens.ids) == side.prepare(sentence)
            assert list(tokens.ids).count(side.eos) == 1
            assert not {side.pad, side.bos} & set(tokens.ids)


@pytest.mark.parametrize(("kind", "spelt"), MADE, ids=str)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([*SIGNS, "<unk>", "<", "pad", ">", " ", "é", "狗", "##", "👍🏽"]),
                max_size=9).map("".join) | st.text(st.characters(codec="utf-8"), max_size=20))
def test_no_text_spells_a_sign(kind: str, spelt: bool, sentence: str) -> None:
    for side in (MADE[kind, spelt], MADE[kind, spelt].source):
        cut = side.encode(side.prepare(sentence))
        assert not {side.pad, side.bos, side.eos} & set(cut.ids.tolist())
        assert all(0 <= i < side.size for i in cut.ids)
        if spelt or kind == "bpe":
            assert side.decode(cut.ids) == normal(side.prepare(sentence)).strip()


@pytest.mark.parametrize(("kind", "spelt"), MADE, ids=str)
def test_where_the_signs_stand(kind: str, spelt: bool) -> None:
    side = MADE[kind, spelt]
    assert [side.labels[i] for i in (side.pad, side.bos, side.eos)] == list(SIGNS)
    after = 256 if spelt and kind != "bpe" else 0
    assert side.eos == side.size - 1 - after
    assert side.sizes == (side.size, side.source.size)
    assert len(set(side.vocabulary)) == side.size
    assert kind == "bpe" or not any("\n" in token for token in side.vocabulary)


def test_an_unknown_word_is_a_word() -> None:
    for kind in ("word", "wordpiece"):
        made = learnt(ROWS, kind)
        tokens = made.written("Il a ⅋ 犬 chiens.")
        assert made.decode(tokens.ids) == "Il a <unk> <unk> chiens ."
        assert [made.unknown(int(i)) for i in tokens.ids].count(True) == 2
    words = learnt(ROWS, "word")
    assert words.written("Il a un chat.").labels == ("Il", "a", "un", "chat", ".", EOS)
    letters = learnt(ROWS, "character")
    assert letters.decode(letters.written("犬e").ids) == "<unk>e"


def test_the_signs_are_never_said() -> None:
    made = MADE["word", False]
    ids = made.written("Il a vingt-deux chiens.").ids.tolist()
    assert made.said([made.bos, made.pad, *ids, *ids]) == ids[:-1]
    assert made.decode([made.bos, *ids, made.pad, 3, 4]) == "Il a vingt-deux chiens ."


@pytest.mark.parametrize("kind", KINDS)
def test_chinese_has_no_blanks_but_its_own(kind: str) -> None:
    made = learnt(CHINESE, kind)
    assert (made.chinese, made.source.chinese) == (kind in ("word", "wordpiece"), False)
    for _, target in CHINESE:
        tokens = made.written(target)
        assert "" not in tokens.labels
        if kind != "bpe":
            assert made.decode(tokens.ids) == target
    if kind == "word":
        assert made.written("我爱你，汤姆。").labels == ("我爱你", "，", "汤姆", "。", EOS)
        assert " " in made.written("我写 Python 代码。").labels
        assert made.read("Hello!").labels == ("Hello", "!", EOS)


def test_lower_case() -> None:
    made = learnt(ROWS, "word", lowercase=True)
    assert made.read("GO ON, Please!").labels == ("go", "on", ",", "please", "!", EOS)
    assert made.decode(made.written("L'EAU est Froide.").ids) == "l'eau est froide ."


def test_a_long_sentence_is_cut_off_and_a_missing_one_only_ends() -> None:
    made = learnt(ROWS, "word", longest=4)
    whole = learnt(ROWS, "word")
    assert made.read("He has twenty-two dogs.").labels == ("He", "has", "twenty", "-")
    assert made.read("Go on, please!").ids.tolist() == whole.read("Go on, please!").ids[:4].tolist()
    assert made.read("Go on,").labels == ("Go", "on", ",", EOS)
    for empty in ("", "  "):
        assert made.read(empty).labels == made.written(empty).labels == (EOS,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [ROWS, CHINESE], ids=["west", "zh"])
def test_all_together_are_as_each_alone(kind: str, rows: list[tuple[str, str]]) -> None:
    made = learnt(rows, kind, longest=9, min_frequency=4)
    rows = [*rows, ("", "")]
    source, target = encoded(made, rows)
    for place, (one, other) in enumerate(rows):
        for sides, tokens, pad in ((source, made.read(one), made.source.pad),
                                   (target, made.written(other), made.pad)):
            assert sides.valid[place] == len(tokens)
            assert sides.ids[place, : len(tokens)].tolist() == tokens.ids.tolist()
            assert (sides.ids[place, len(tokens) :] == pad).all()
    assert source.ids.shape == (len(rows), source.valid.max())


def test_rows_are_filled_up() -> None:
    ids, valid = padded([np.array([1, 2, 3]), np.array([4]), np.array([], np.int64)], 9)
    assert ids.tolist() == [[1, 2, 3], [4, 9, 9], [9, 9, 9]]
    assert valid.tolist() == [3, 1, 0]
    assert padded([], 9).ids.shape == (0, 1)


@pytest.mark.parametrize(("kind", "spelt"), MADE, ids=str)
def test_there_and_back_through_json(kind: str, spelt: bool) -> None:
    made = MADE[kind, spelt]
    again = Sentences.from_json(made.to_json())
    assert isinstance(again, Sentences)
    assert again.to_json() == made.to_json() == learnt(ROWS, kind, byte_fallback=spelt).to_json()
    assert (again.spaced, again.source.spaced, again.longest) == (made.spaced, made.spaced, 128)
    for source, target in ROWS:
        assert again.read(source).ids.tolist() == made.read(source).ids.tolist()
        assert again.written(target).labels == made.written(target).labels


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("damage", [
    lambda side: side | {"labels": side["labels"][:-1]},
    lambda side: side | {"labels": [each for each in side["labels"] if each != "<bos>"]},
    lambda side: side | {"labels": [*side["labels"], "<pad>"]},
    lambda side: side | {"labels": [side["labels"][-3], *side["labels"][1:-3], "?", "!", "."]},
    lambda side: side | {"how": {"kind": "runes"}},
    lambda side: side | {"how": {"kind": "character"}},
    lambda side: [side], lambda side: None, lambda side: "", lambda side: 7])
def test_a_damaged_side_is_refused(side: str, damage) -> None:
    read = json.loads(MADE["word", False].to_json())
    read[side] = damage(read[side])
    with pytest.raises(DataError, match="cannot be read"):
        Sentences.from_json(json.dumps(read))


@pytest.mark.parametrize("damage", [
    {"longest": "many"}, {"longest": None}, {"longest": 1}, {"longest": -3},
    {"longest": float("inf")}, {"longest": float("nan")}, {"source": {}}])
def test_damaged_settings_are_refused(damage: dict[str, object]) -> None:
    read = json.loads(MADE["word", False].to_json()) | damage
    with pytest.raises(DataError, match="cannot be read"):
        Sentences.from_json(json.dumps(read))


@pytest.mark.parametrize("data", ["", "{", "[]", "7", "null", "[" * 100_000, "{}"])
def test_what_is_no_such_tokenizer_is_refused(data: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        Sentences.from_json(data)


def test_a_tokenizer_of_one_text_is_none_of_pairs() -> None:
    plain = Tokenizer.learn(pairs(ROWS), Tokenisation(kind="word"))
    with pytest.raises(DataError, match="cannot be read"):
        Side.from_json(plain.to_json())
    with pytest.raises(DataError, match="cannot be read"):
        Sentences.from_json(plain.to_json())


def test_the_largest_vocabulary_can_be_stored() -> None:
    many = [(f"w{i}", f"w{i}") for i in range(20_500)]
    made = Sentences.learnt(pairs(many, 1), Tokenisation(
        kind="word", vocabulary=20_000, byte_fallback=True), True, 8)
    assert made.size > MOST - 5
    assert Sentences.from_json(made.to_json()).sizes == made.sizes


def test_nothing_but_unknown_words_is_refused() -> None:
    rows = [(f"a{i} b{i}", f"c{i} d{i}") for i in range(6)]
    for least, said in ((4, "frequent enough"), (9, "fewer than two")):
        with pytest.raises(DataError, match=said):
            Sentences.learnt(pairs(rows, 1), Tokenisation(kind="word", min_frequency=least),
                             True, 8)
    spelt = Tokenisation(kind="word", min_frequency=4, byte_fallback=True)
    made = Sentences.learnt(pairs(rows, 1), spelt, True, 8)
    assert made.decode(made.written("c1").ids) == "c1"


def test_a_single_word_for_everything_is_still_a_language() -> None:
    made = Sentences.learnt(pairs([("one", "yes"), ("two", "yes")], 1), Tokenisation(kind="word"),
                            True, 8)
    assert made.labels == ("<unk>", "yes", *SIGNS)
