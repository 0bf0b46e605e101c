"""Forms generated from the fields of a spec: each brings its range, default, name and help."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from explorer.spec import Spec, say
from explorer.ui.page import complain
from explorer.words import N_, _

CHOICES = {
    "character": N_("character"), "word": N_("word"), "bpe": N_("byte pairs (BPE)"),
    "wordpiece": N_("WordPiece"), "embedding": N_("embedding"), "one-hot": N_("one-hot"),
    "tanh": "tanh", "relu": "ReLU", "linear": N_("linear"), "uniform": N_("evenly"),
    "orthogonal": N_("orthogonal"), "gaussian": N_("Gaussian"), "random": N_("random windows"),
    "sequential": N_("sequential, state carried"), "adamw": "AdamW", "sgd": "SGD",
    "one-cycle": N_("one cycle"), "constant": N_("constant"), "warm-up": N_("warm-up"),
    "rnn": "RNN", "gru": "GRU", "lstm": "LSTM", "transformer": "Transformer",
    "none": N_("none"), "additive": N_("additive"),
    "dot": N_("dot"), "general": N_("general"), "concat": N_("concat"),
    "scaled-dot": N_("scaled dot"), "global": N_("whole source"),
    "local": N_("around a predicted place"), "teacher": N_("the true token"),
    "scheduled": N_("now the true one, now its own"), "free": N_("its own guess"),
    "exponential": N_("exponential"), "inverse-sigmoid": N_("inverse sigmoid"),
    "sinusoidal": N_("sinusoidal"), "learned": N_("learned"), "rotary": N_("rotary"),
    "alibi": "ALiBi", "gelu": "GELU", "pre": N_("before each sublayer"),
    "post": N_("after each sublayer"),
    "full": N_("none: the whole window"), "regular": N_("regular"), "randomised": N_("randomised"),
}


def form(
    kind: type[Spec], values: Mapping[str, Any], key: str, fields: Iterable[str] | None = None
) -> dict[str, Any]:
    """Controls for the fields of a spec, starting from `values`; gives what is chosen now.

    fields: which ones, in this order; None takes all that can be shown.
    """
    chosen: dict[str, Any] = {}
    before = {name: st.session_state[f"{key}-{name}"] for name in kind.model_fields
              if f"{key}-{name}" in st.session_state}
    for name in fields or kind.model_fields:
        info = kind.model_fields[name]
        if info.title is None:
            continue
        start = values.get(name, info.default)
        offered = kind.choices({**values, **before, **chosen}).get(name)
        chosen[name] = (_control(info, start, f"{key}-{name}") if offered is None else
                        _among(info, offered, start, f"{key}-{name}"))
    return chosen


def make(kind: type[Spec], values: Mapping[str, Any]) -> Spec | None:
    """The spec of some values; None, with a message on the page, if they contradict each other."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        complain(say(error))
        return None


def _among(info: FieldInfo, offered: list[Any], start: Any, key: str) -> Any:
    """A choice between a few values: at first the nearest to `start`."""
    if st.session_state.get(key) not in offered:
        st.session_state.pop(key, None)
    nearest = min(offered, key=lambda value: abs(value - start))
    return st.selectbox(_(str(info.title)), offered, index=offered.index(nearest), key=key,
                        help=_(str(info.description)))


def _control(info: FieldInfo, start: Any, key: str) -> Any:
    label, help = _(str(info.title)), _(str(info.description))
    kept = st.session_state.get(key, start)
    if get_origin(info.annotation) is Literal:
        options = list(get_args(info.annotation))
        return st.selectbox(label, options, index=options.index(kept) if kept in options else 0,
                            key=key, help=help, format_func=_choice)
    if info.annotation is bool:
        return st.checkbox(label, bool(start), key=key, help=help)
    low, high = _range(info)
    if start is None:  # a number that may be left out
        return st.number_input(label, float(low), float(high), None, 0.1, key=key, help=help,
                               format="%.4g")
    if info.annotation is int:
        return st.number_input(label, int(low), int(high), int(start), key=key, help=help)
    step = 0.05 if high <= 1 else 0.001 if start < 0.1 else 0.1
    return st.number_input(label, float(low), float(high), float(start), step, key=key, help=help,
                           format="%.4g")


def _choice(value: str) -> str:
    return _(CHOICES.get(value, value))


def _range(info: FieldInfo) -> tuple[float, float]:
    """The bounds of a field; an open bound at zero becomes the smallest step above it."""
    low, high = 0.0, float(2**31 - 1)
    for rule in info.metadata:
        low = getattr(rule, "ge", low)
        if getattr(rule, "gt", None) is not None:
            low = rule.gt + 1e-6
        high = getattr(rule, "le", high)
    return low, high
