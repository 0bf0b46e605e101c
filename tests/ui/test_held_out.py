"""Which pairs are looked at, and how their words are marked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from explorer.tasks.pairing import apart
from explorer.text.pairs import Pairs
from explorer.ui.held_out import EXAMPLES, by_sign, held_out
from explorer.ui.sentences import marked
from explorer.ui.translating import _tokens
from tests.training.small_pairs import PAIRS, content, translator

CHINESE = Pairs("zh", content([(f"i see {n} lamps.", f"我看见{sign}盏灯。") for n, sign in
                               zip("123456789", "一二三四五六七八九", strict=True)] * 2))


def run(**settings: Any) -> Any:
    """A run of which only this is known: what it learns, and how that is cut."""
    made = translator(**settings)
    return SimpleNamespace(key=made.key, experiment=made,
                           tokenizer=made.task.tokenizer(made.text, made.tokens))


def test_the_examples_were_never_read_and_go_from_short_to_long() -> None:
    known = held_out(run())
    _kept, held = apart(PAIRS, 0.2)
    assert known.size == len(held) == 12
    assert len(known.examples) == EXAMPLES
    assert set(known.examples) <= set(held)
    lengths = [len(source.split()) for source, _target in known.examples]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]
    assert known.references["i see the cat ."] == "je vois le chat."


def test_where_nothing_is_held_out_the_examples_are_of_what_it_reads() -> None:
    known = held_out(run(held_out=0.0))
    assert known.size == 0
    assert len(known.examples) == EXAMPLES


def test_one_held_out_pair_is_enough() -> None:
    known = held_out(run(held_out=1 / 60))
    assert known.size == len(known.examples) == 1


@pytest.mark.parametrize(("pairs", "signs"), [(PAIRS, False), (CHINESE, True)])
def test_words_are_compared_between_blanks_or_sign_by_sign(pairs: Pairs, signs: bool) -> None:
    assert by_sign(run(pairs=pairs)) is signs


def test_what_does_not_stand_in_the_reference_is_marked() -> None:
    line = marked("step 3", "je vois la mer .", "je vois le chat .", by_sign=False)
    assert line.words == [("je", ""), (" vois", ""), (" la", "wrong"), (" mer", "wrong"),
                          (" .", "")]
    assert "".join(word for word, _kind in line.words) == "je vois la mer ."
    signs = marked("", "我看灯。", "我看见灯。", by_sign=True)
    assert [kind for _sign, kind in signs.words] == [""] * 4


def test_an_unknown_word_that_was_written_is_one_token() -> None:
    cut = run().tokenizer
    assert _tokens(cut, "je <unk> le <unk>") == ["je", "<unk>", "le", "<unk>"]
    assert _tokens(cut, "") == []
