"""Step by step is what the network does: each step from the one before, all as in its trace."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import DataError, ExplorerError
from explorer.models import Model
from explorer.probes import PROBES, Opened
from explorer.probes.attention_steps import DRAWN, attention_steps
from explorer.probes.capture import trace
from tests.probes.conftest import open_trained

TEXT = "the cat sat on that"
KINDS: dict[str, dict[str, Any]] = {
    "rotary": {"positions": "rotary"}, "alibi": {"positions": "alibi"},
    "sinusoidal": {"positions": "sinusoidal", "norm": "post"},
    "learned": {"positions": "learned", "context": 30, "heads": 1},
    "split": {"positions": "none", "split": True, "residual": False}}


@cache
def reader(name: str) -> Opened:
    settings = {"kind": "transformer", "hidden": 12, "heads": 3, "layers": 2} | KINDS[name]
    return open_trained(Model.parse(settings), steps=6)


def softmax(rows: np.ndarray) -> np.ndarray:
    powers = np.exp(rows - rows.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("name", KINDS)
def test_each_step_comes_from_the_one_before(name: str) -> None:
    opened = reader(name)
    heads = opened.experiment.model.heads  # type: ignore[attr-defined]
    for layer, head in ((0, 0), (1, heads - 1)):
        found = attention_steps(opened, TEXT, layer, head)
        value = {str(key): found[key].values.astype(float) for key in found.data_vars}
        for part in "qkv":
            made = value["reads"] @ value[f"weight_{part}"] + value[f"bias_{part}"]
            np.testing.assert_allclose(made, value.get(f"straight_{part}", value[part]), atol=1e-5)
        np.testing.assert_allclose(value["products"], value["q"] @ value["k"].T, atol=1e-12)
        d = found.sizes["number"]
        np.testing.assert_allclose(value["scaled"], value["products"] / np.sqrt(d), atol=1e-12)
        np.testing.assert_allclose(
            value["scores"], value["scaled"] + value.get("bias", 0), atol=1e-5)
        T = found.sizes["query"]
        future = ~np.tri(T, dtype=bool)
        assert (value["masked"][future] == -np.inf).all()
        np.testing.assert_array_equal(value["masked"][~future], value["scores"][~future])
        np.testing.assert_allclose(value["attention"], softmax(value["masked"]), atol=1e-6)
        np.testing.assert_allclose(value["mixed"], value["attention"] @ value["v"], atol=1e-5)
    assert ("bias" in found) == (name == "alibi")
    assert found.sizes["input"] == (4 if name == "split" else 12)


@pytest.mark.parametrize("name", KINDS)
def test_it_is_what_the_trace_says(name: str) -> None:
    opened = reader(name)
    whole, found = trace(opened, TEXT), attention_steps(opened, TEXT, layer=1)
    for each in ("q", "k", "v", "scores", "attention", "mixed"):
        np.testing.assert_allclose(found[each], whole[each].isel(layer=1, head=0), atol=1e-6)


def test_rotary_turns_pairs_and_keeps_their_length() -> None:
    found = attention_steps(reader("rotary"), TEXT)
    pairs = {key: found[key].values.astype(float) for key in ("straight_q", "q")}
    made, turned = (value[:, ::2] + 1j * value[:, 1::2] for value in pairs.values())
    angle = np.arange(len(made))[:, None] * 10000.0 ** (-np.arange(0, 4, 2) / 4)
    np.testing.assert_allclose(turned, made * np.exp(1j * angle), atol=1e-5)
    assert not np.allclose(made, turned)


def test_the_tokens_that_are_drawn_are_read_as_in_the_whole_text() -> None:
    opened, text = reader("rotary"), TEXT * 4
    found = attention_steps(opened, text)
    assert (found.sizes["query"], found.attrs["of"]) == (DRAWN, len(text))
    whole = trace(opened, text)["attention"].values[0, 0, :DRAWN, :DRAWN]
    np.testing.assert_allclose(found["attention"], whole, atol=1e-6)


def test_one_token_looks_at_itself() -> None:
    found = attention_steps(reader("alibi"), "t")
    assert found["attention"].values.tolist() == [[1.0]]
    np.testing.assert_array_equal(found["mixed"], found["v"])


@pytest.mark.parametrize(("given", "words"), [
    ({"text": ""}, "nothing to read"), ({"layer": 2}, "no layer 3: it has 2"),
    ({"head": 3}, "no head 4: it has 3"), ({"layer": -1}, "no layer 0")])
def test_what_is_not_there_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        attention_steps(reader("rotary"), **({"text": TEXT} | given))


def test_sizes_that_cannot_be_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="the heads must divide the width"):
        Model.parse({"kind": "transformer", "hidden": 10, "heads": 4})
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Model.parse({"kind": "transformer", "layers": 0})
    with pytest.raises(ExplorerError, match="the heads must divide the width"):
        reader("rotary").untrained({"heads": 5})


def test_the_random_numbers_of_others_are_left_alone() -> None:
    state = torch.random.get_rng_state()
    PROBES["attention_steps"](reader("split"), text=TEXT)
    assert torch.equal(state, torch.random.get_rng_state())
