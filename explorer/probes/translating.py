"""What an encoder–decoder writes, where it looks meanwhile, and what its mistakes cost."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import DataError
from explorer.models.tape import Tape, record
from explorer.models.translator import Memory, Translator
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.tasks.pairing import apart, coded
from explorer.tasks.translation import (
    Translation,
    bleu,
    greedy,
    sacre,
    told_apart,
    translated,
    true_words,
    written_words,
)
from explorer.text.bleu import notes_bleu, sentence_bleu
from explorer.text.sentences import Sentences
from explorer.text.types import Tokens
from explorer.words import N_

SENTENCES = 1_000  # that are translated at once
CANDIDATES = 5
BINS = 5  # of sentence lengths


def opened_pairs(opened: Opened) -> tuple[Translator, Sentences]:
    """The network and the vocabularies of a run that learnt to translate."""
    return cast("Translator", opened.network), cast("Sentences", opened.tokenizer)


def admit_source(sentences: Sentences, source: str) -> Tokens:
    """A source sentence as the network reads it. Raises DataError: there is none."""
    if not sentences.source.prepare(source):
        raise DataError(N_("There is nothing to translate: type a sentence of at least one word."))
    return sentences.read(source)


def read_of(sentences: Sentences, source: str, target: str | None = None) -> dict[str, int]:
    """For a trace's attrs, of each side its tokens, <eos> among them, and how many of these are
    read, which are the first: `source_of`, `source_read`; `target_of`, `target_read`."""
    found = {}
    for name, side, sentence in (("source", sentences.source, source),
                                 ("target", sentences, target)):
        if sentence is not None:
            found[f"{name}_of"] = len(side.encode(side.prepare(sentence))) + 1
            found[f"{name}_read"] = min(found[f"{name}_of"], sentences.longest)
    return found


def encode(translator: Translator, tokens: Tokens) -> Memory:
    """What the encoder leaves of one sentence."""
    return translator.encode(torch.from_numpy(tokens.ids)[None], torch.tensor([len(tokens)]))


def translate(opened: Opened, sources: Sequence[str]) -> xr.Dataset:
    """Each source sentence translated, the likeliest token at each step: `translation` over
    sentence; `unknown`, how many of its tokens were <unk>; `source_of`, how many it has, and
    `source_read`, how many of these were read. Raises DataError: none, or an empty one."""
    translator, sentences = opened_pairs(opened)
    if not 0 < len(sources) <= SENTENCES:
        raise DataError(N_("{count} sentences cannot be translated at once: send 1 to {most}."),
                        count=len(sources), most=SENTENCES)
    read = [admit_source(sentences, source) for source in sources]
    written = greedy(translator, coded(sentences, [(source, "") for source in sources]),
                     sentences.eos, longest(opened))
    lost = [sum(sentences.source.unknown(int(i)) for i in tokens.ids) for tokens in read]
    whole = [read_of(sentences, source) for source in sources]
    return xr.Dataset(
        {"source": ("sentence", [sentences.source.prepare(source) for source in sources]),
         "translation": ("sentence", [sentences.decode(row) for row in written]),
         "unknown": ("sentence", lost)}
        | {name: ("sentence", [int(each[name]) for each in whole])
           for name in ("source_of", "source_read")},
        attrs=about(opened))


def longest(opened: Opened) -> int:
    """How many tokens a run writes at most."""
    return cast("Translation", opened.experiment.task).longest


def alignment(opened: Opened, source: str, target: str | None = None) -> xr.Dataset:
    """Where the decoder looks while it writes: `scores` and `attention` over (layer, head, query,
    key), a query for each token that is written, a key for each that was read; `centre` over
    query, in tokens, where attention is local; `query_state` over (query, number), the state that
    asks; `key_state` over (key, unit), what the encoder shows; `context` over (query, unit), their
    sum by the weights; `probability` of each token written; over (query, rank) the likeliest
    `candidate` and its `candidate_probability`; `logits` over (query, vocabulary).

    target: read under teacher forcing; None lets it write by itself, the likeliest token at each
    step. Coordinates: `query_label`, what is written at each step; `key_label`. Without attention
    there are no scores and nothing asks, `attention` is 0, and the context of every step is the
    encoder's last state. attrs: also those of `read_of`. Raises DataError: an empty source or
    target.
    """
    translator, sentences = opened_pairs(opened)
    read = admit_source(sentences, source)
    if target is not None and not sentences.prepare(target):
        raise DataError(N_("There is no target to read: type a sentence, or let the network write "
                           "its own."))
    given = None if target is None else sentences.written(target).ids
    tape = Tape()
    with torch.no_grad(), record(tape):
        memory = encode(translator, read)
        ids, logits, weights = _written(translator, memory, sentences, longest(opened), given)
    blind = translator.spec.scorer is None
    context = memory.summary.expand(len(ids), -1) if blind else weights @ memory.keys[0]
    guesses = logits.softmax(-1)  # (T, vocabulary)
    best = guesses.topk(min(CANDIDATES, guesses.shape[1]))
    looks: dict[str, Any] = {"attention": weights} | {
        name: torch.cat([_tapped(tape, name, t) for t in range(len(ids))])
        for name in ("scores",) if name in tape.kept}
    variables: dict[str, Any] = {
        name: (("layer", "head", "query", "key"), value[None, None].numpy())
        for name, value in looks.items()}
    if "centre" in tape.kept:
        variables["centre"] = ("query", torch.cat(
            [_tapped(tape, "centre", t).flatten() for t in range(len(ids))]).numpy())
    if "query" in tape.kept:
        variables["query_state"] = (("query", "number"), torch.cat(
            [_tapped(tape, "query", t) for t in range(len(ids))]).numpy())
    chosen = torch.tensor(ids)
    return xr.Dataset(
        variables | {
            "key_state": (("key", "unit"), memory.keys[0].numpy()),
            "context": (("query", "unit"), context.numpy()),
            "probability": ("query", guesses.gather(1, chosen[:, None])[:, 0].numpy()),
            "candidate": (("query", "rank"), best.indices.numpy()),
            "candidate_probability": (("query", "rank"), best.values.numpy()),
            "logits": (("query", "vocabulary"), logits.numpy())},
        {"query_label": ("query", [sentences.labels[i] for i in ids]),
         "key_label": ("key", list(read.labels)), "query_id": ("query", ids),
         "key_unknown": ("key", [sentences.source.unknown(int(i)) for i in read.ids]),
         "vocabulary": list(sentences.labels)},
        about(opened) | read_of(sentences, source, target) | {
                         "source": sentences.source.prepare(source),
                         "forced": int(given is not None), "translation": sentences.decode(ids),
                         "attention": translator.spec.attention,
                         "local": int(translator.spec.reach == "local")})


def _tapped(tape: Tape, name: str, step: int) -> Tensor:
    """What a step's query was tapped with: (1, S), or (1,) of a place."""
    kept: Tensor = tape.kept[name][(("head", 0), ("layer", 0), ("token", step))][0]
    return kept


def _written(
    translator: Translator, memory: Memory, sentences: Sentences, most: int, given: Any
) -> tuple[list[int], Tensor, Tensor]:
    """What is written for one source, or `given` to be written; the logits (T, vocabulary) from
    which each token was chosen, and where each looked (T, S)."""
    state, token = translator.begin(memory), torch.tensor([sentences.bos])
    ids: list[int] = []
    logits, weights = [], []
    while len(ids) < (most if given is None else len(given)):
        guess, state, look = translator.step(token, state, memory, token=len(ids))
        token = guess.argmax(-1) if given is None else torch.tensor([int(given[len(ids)])])
        ids.append(int(token))
        logits.append(guess[0])
        weights.append(look[0])
        if given is None and ids[-1] == sentences.eos:
            break
    return ids, torch.stack(logits), torch.stack(weights)


def forcing(opened: Opened, source: str, target: str) -> xr.Dataset:
    """What each token of a target costs, in nats: `told` over token, when the true tokens before it
    were read (teacher forcing); `free`, when the network read its own guesses. `guess_told`,
    `guess_free`: the likeliest token each time; `right_told`, `right_free`: whether it is the true
    one. An `unknown` token costs what <unk> does, and no guess of it is right. attrs `first_error`:
    the first token that it got wrong by itself (−1: none), `masked`: the mean of `told`, and those
    of `read_of`.
    Raises DataError: an empty source or target.
    """
    translator, sentences = opened_pairs(opened)
    if not sentences.prepare(target):
        raise DataError(N_("There is no target to read: type a sentence, or let the network write "
                           "its own."))
    read, true = admit_source(sentences, source), sentences.written(target)
    with torch.no_grad():
        memory = encode(translator, read)
        told = _guesses(translator, memory, sentences.bos, true, free=False)
        free = _guesses(translator, memory, sentences.bos, true, free=True)
    ids = torch.from_numpy(true.ids)
    cost = [-logits.log_softmax(-1).gather(1, ids[:, None])[:, 0] for logits in (told, free)]
    unknown = np.array([sentences.unknown(int(i)) for i in true.ids])
    guesses = {"told": told.argmax(-1), "free": free.argmax(-1)}
    right = {name: (guess == ids).numpy() & ~unknown for name, guess in guesses.items()}
    wrong = np.flatnonzero(~right["free"])
    return xr.Dataset(
        {"told": ("token", cost[0].numpy(), {"units": "nat"}),
         "free": ("token", cost[1].numpy(), {"units": "nat"}),
         **{f"guess_{name}": ("token", [sentences.labels[i] for i in guess.tolist()])
            for name, guess in guesses.items()},
         **{f"right_{name}": ("token", each) for name, each in right.items()}},
        {"label": ("token", list(true.labels)), "unknown": ("token", unknown)},
        about(opened) | read_of(sentences, source, target) | {
                         "source": sentences.source.prepare(source),
                         "target": sentences.prepare(target),
                         "first_error": int(wrong[0]) if len(wrong) else -1,
                         "masked": float(cost[0].mean())})


def _guesses(
    translator: Translator, memory: Memory, begin: int, true: Tokens, free: bool
) -> Tensor:
    """Logits (T, vocabulary) before each token of a target, reading it, or one's own guesses."""
    state, token, found = translator.begin(memory), torch.tensor([begin]), []
    for t in range(len(true)):
        logits, state, _ = translator.step(token, state, memory)
        found.append(logits[0])
        token = logits.argmax(-1) if free else torch.from_numpy(true.ids[t : t + 1])
    return torch.stack(found)


def evaluation(opened: Opened, most: int = SENTENCES) -> xr.Dataset:
    """At most so many held-out sentences translated greedily: over pair, each with one of its
    translations, `source`, `reference` (the whole sentence, its unknown words in their own
    letters), `translation`, and against that reference alone `bleu` (sacrebleu, 0…100) and
    `notes_bleu` (the notes' formula, k = 2, 0…1); `length`, the tokens of its source; over bin of
    length, `bin_low`, `bin_high`, `bin_bleu` (corpus BLEU) and `bin_sentences`. attrs: `bleu` of
    all sentences; corpus BLEU takes a sentence once, against all of its translations.
    `notes_bleu`, the mean over pairs; `sentences`, how many were translated; `of`, how many pairs
    are held out.
    Raises DataError: nothing was held out.
    """
    translator, sentences = opened_pairs(opened)
    experiment = opened.experiment
    task = cast("Translation", experiment.task)
    _, held_out = apart(task.material(experiment.text), experiment.data.held_out)
    if not held_out:
        raise DataError(N_("Of this run's pairs nothing was held out: there is nothing that it has "
                           "not read to translate."))
    pairs = told_apart(sentences, held_out)
    rows, written = translated(translator, pairs, sentences, task.longest, most)
    right = [[pairs.references[i] for i in numbers] for numbers in rows]
    length = np.array([len(sentences.source.said(pairs.source[numbers[0]].tolist()))
                       for numbers in rows])
    bins = _bins(length)
    return xr.Dataset(
        _by_pair(sentences, pairs.sources, rows, written, right, length) | {
            "bin_low": ("bin", [low for low, _, _ in bins]),
            "bin_high": ("bin", [high for _, high, _ in bins]),
            "bin_sentences": ("bin", [len(which) for _, _, which in bins]),
            "bin_bleu": ("bin", [bleu(sentences, [written[i] for i in which],
                                      [right[i] for i in which]) for _, _, which in bins])},
        attrs=about(opened) | {"bleu": bleu(sentences, written, right), "of": len(held_out),
                               "sentences": len(rows), "attention": translator.spec.attention}
    ).pipe(lambda found: found.assign_attrs(notes_bleu=float(found["notes_bleu"].mean())))


def _bins(length: NDArray[np.int64]) -> list[tuple[int, int, NDArray[np.int64]]]:
    """The shortest and the longest length of each bin, and which sentences are of such a one."""
    quantiles = np.quantile(length, np.linspace(0, 1, BINS + 1)[:-1]).round().astype(int)
    edges = np.unique([*quantiles, length.max() + 1])
    bins = [(low, high - 1, np.flatnonzero((length >= low) & (length < high)))
            for low, high in itertools.pairwise(edges)]
    return [each for each in bins if len(each[2])]


def _by_pair(
    sentences: Sentences, sources: Sequence[str], rows: Sequence[Sequence[int]],
    written: Sequence[Sequence[int]], right: Sequence[Sequence[str]], length: NDArray[np.int64],
) -> dict[str, Any]:
    """What is known of each pair by itself: a sentence with one of its translations."""
    found: dict[str, list[Any]] = {name: [] for name in (
        "source", "reference", "translation", "bleu", "notes_bleu", "length")}
    for numbers, ids, references, tokens in zip(rows, written, right, length, strict=True):
        text, words = sentences.decode(ids), written_words(sentences, ids)
        for reference in references:
            said = (sources[numbers[0]], reference, text,
                    sentence_bleu(text, reference, sacre(sentences)),
                    notes_bleu(words, true_words(sentences, reference), 2), tokens)
            for name, value in zip(found, said, strict=True):
                found[name].append(value)
    return {name: ("pair", values) for name, values in found.items()}
