"""One query over words: three forms, and the bytes of what is kept."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import DataError
from explorer.probes.recurrent_attention import recurrent_attention

WORDS = ["the", "lamp", "and", "the", "<b>sea</b>", "灯塔"]


def test_three_forms_and_what_they_keep() -> None:
    found = recurrent_attention(WORDS, d=5)
    assert found.attrs["apart"] < 1e-12
    np.testing.assert_allclose(found["steps"], found["softmax"], atol=1e-12)
    np.testing.assert_allclose(found["scan"], found["softmax"], atol=1e-12)
    assert found["state"].values.tolist() == [8 * (5 + 2)] * 6
    assert found["cache"].values.tolist() == [8 * 2 * 5 * (t + 1) for t in range(6)]
    assert found["label"].values.tolist() == WORDS
    assert found.attrs["rounds"] == 3


def test_the_running_state_is_that_of_the_scores() -> None:
    found = recurrent_attention(WORDS, d=5)
    s = found["score"].values
    np.testing.assert_allclose(found["maximum"], np.maximum.accumulate(s))
    for t in range(6):
        np.testing.assert_allclose(
            found["sum"][t], np.exp(s[: t + 1] - s[: t + 1].max()).sum())
    assert s[0] == s[3], "the same word has the same vector"
    assert len(set(s)) == 5


def test_one_token_and_many() -> None:
    one = recurrent_attention(["alone"], d=3)
    assert one.attrs["rounds"] == 0
    assert one.attrs["apart"] == 0
    many = recurrent_attention(["and", "on"] * 1000 + ["end"], d=2)
    assert many.sizes["token"] == 2001
    assert many.attrs["rounds"] == 11
    assert many.attrs["apart"] < 1e-12
    assert len(set(many["state"].values)) == 1


@pytest.mark.parametrize(("words", "d"), [([], 4), (["a"] * 4097, 4), (["a"], 0), (["a"], 257)])
def test_out_of_range(words: list[str], d: int) -> None:
    with pytest.raises(DataError, match="1 to 4096 tokens"):
        recurrent_attention(words, d)
