"""Trained networks as something to search: their states are kept, so that a step reads one word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from explorer.errors import DataError
from explorer.models.translator import Memory, State, Translator
from explorer.probes.capture import admit
from explorer.probes.finding.stepper import Guess, no_word
from explorer.probes.opened import Opened
from explorer.probes.translating import admit_source, encode, opened_pairs, read_of
from explorer.text.tokenizers import Tokenizer
from explorer.text.types import Tokens
from explorer.words import N_


class TranslatorStepper:
    """A decoder that writes the translation of one sentence. All beginnings look at the same
    memory, which is never copied."""

    def __init__(self, translator: Translator, source: Tokens, sentences: Any) -> None:
        self._translator, self._begin = translator, sentences.bos
        self._memory = encode(translator, source)
        self._for: dict[int, Memory] = {}  # so many decoders
        self.labels: Sequence[str] = sentences.labels
        self.eos: int | None = sentences.eos

    def start(self) -> Guess:
        return self._guess(torch.tensor([self._begin]), self._translator.begin(self._memory))

    def step(self, state: State, rows: Tensor, tokens: Tensor) -> Guess:
        fed = None if state.fed is None else state.fed[rows]
        return self._guess(tokens, State(_rows(state.core, rows), fed))

    def _guess(self, tokens: Tensor, state: State) -> Guess:
        if len(tokens) not in self._for:
            self._for[len(tokens)] = _shared(self._memory, len(tokens))
        logits, state, weights = self._translator.step(tokens, state, self._for[len(tokens)])
        looks = self._translator.spec.attention != "none"
        return Guess(logits.double().log_softmax(-1), state, weights if looks else None)


class LanguageStepper:
    """A language model that goes on from a text. No word of it ends a sentence. unknown: what of
    the text is read as <unk>."""

    eos: int | None = None

    def __init__(self, opened: Opened, text: str) -> None:
        if getattr(opened.experiment.model, "bidirectional", False):
            raise DataError(N_("A network that reads both ways has no state to go on from: choose "
                               "one of a single direction."))
        self._network = opened.network
        read = admit(opened, text)
        if not opened.experiment.model.carries:  # it leaves room for what is written
            kept = slice(-max(1, opened.experiment.training.window // 2), None)
            read = Tokens(read.ids[kept], read.labels[kept])
        self.unknown = _unknown(opened.tokenizer, read)
        self._read = torch.from_numpy(read.ids)[:, None]
        self.labels: Sequence[str] = opened.tokenizer.labels

    def start(self) -> Guess:
        return self._guess(self._read, None)

    def step(self, state: Any, rows: Tensor, tokens: Tensor) -> Guess:
        return self._guess(tokens[None], _rows(state, rows))

    def _guess(self, ids: Tensor, state: Any) -> Guess:
        logits, state = self._network(ids, state)  # (T, k, V)
        return Guess(logits[-1].double().log_softmax(-1), state)


class Sought(NamedTuple):
    """stepper: to be searched. reference: a sentence as its ids. attrs: what was read."""

    stepper: TranslatorStepper | LanguageStepper
    reference: Sequence[int]
    attrs: dict[str, Any]
    source: Sequence[str]


def sought(opened: Opened, source: str, reference: str) -> Sought:
    """What a search looks through: the translations of a source, or how a text may go on. Raises
    DataError: there is nothing to read."""
    if opened.experiment.task.kind != "translation":
        ids = opened.tokenizer.encode(reference).ids.tolist() if reference else []
        stepper = LanguageStepper(opened, source)
        return Sought(stepper, ids, {"source": source, "unknown": stepper.unknown}, ())
    translator, sentences = opened_pairs(opened)
    read = admit_source(sentences, source)
    hopes = bool(sentences.prepare(reference))
    hoped = sentences.written(reference).ids.tolist() if hopes else []
    return Sought(TranslatorStepper(translator, read, sentences), hoped,
                  read_of(sentences, source, reference if hopes else None)
                  | {"source": sentences.source.prepare(source),
                     "unknown": _unknown(sentences.source, read)}, read.labels)


def begun(opened: Opened, text: str) -> list[int]:
    """The ids of a text that is to begin what is written. Raises DataError: a word of it is
    unknown."""
    if opened.experiment.task.kind == "translation":
        _, sentences = opened_pairs(opened)
        text = sentences.prepare(text)
    if not text:
        return []
    tokenizer = opened.tokenizer
    read = tokenizer.encode(text)
    for word in _unknown(tokenizer, read):
        raise no_word(word, [label for id, label in enumerate(tokenizer.labels)
                             if not tokenizer.unknown(id)])
    ids: list[int] = read.ids.tolist()
    return ids


def _unknown(tokenizer: Tokenizer, read: Tokens) -> list[str]:
    """The different words among those that are read as <unk>."""
    return list(dict.fromkeys(label for id, label in zip(read.ids, read.labels, strict=True)
                              if tokenizer.unknown(int(id))))


def _shared(memory: Memory, k: int) -> Memory:
    """One memory for k decoders, as views of it."""
    views = {name: getattr(memory, name) for name in ("keys", "prepared", "valid", "summary")}
    return memory._replace(
        **{name: part.expand(k, *part.shape[1:]) for name, part in views.items()})


def _rows(core: Any, rows: Tensor) -> Any:
    """Some of the states (layers, k, hidden), or of a pair of them."""
    if isinstance(core, tuple):
        return tuple(cast("Tensor", part)[:, rows] for part in core)
    return core[:, rows]
