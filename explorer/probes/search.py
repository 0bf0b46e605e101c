"""Searching for the best sentence, on a typed table or on a trained network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from pydantic import ValidationError

from explorer.errors import DataError
from explorer.probes.capture import about
from explorer.probes.finding.methods import METHODS, begin
from explorer.probes.finding.network import begun, sought
from explorer.probes.finding.reference import Reference
from explorer.probes.finding.stepper import Stepper, no_word
from explorer.probes.finding.table import TableStepper
from explorer.probes.finding.tree import Tree, sentence
from explorer.probes.opened import Opened
from explorer.probes.translating import opened_pairs
from explorer.searching import Search
from explorer.spec import say
from explorer.tasks.translation import sacre
from explorer.text.bleu import sentence_bleu
from explorer.text.table import END, Table
from explorer.words import N_


def search_table(
    table: str, prefix: Sequence[int | str] | str = (), reference: str = "", **settings: Any
) -> xr.Dataset:
    """Look for the best sentence in a table of conditional probabilities, as text (see
    explorer.text.table). See `find` for what comes back.

    prefix: words, or their ids, or a text, that are forced; the search goes on from there.
    reference: a sentence whose way through the search is followed, and against which `bleu` scores
    each one found. settings: the fields of `explorer.searching.Search`. Raises DataError,
    ExperimentError.
    """
    stepper = TableStepper(Table.parse(table))
    words = [*reference.split()]
    hoped = " ".join(word for word in words if word != END)
    if words and stepper.eos is not None and words[-1] != END:
        words.append(END)
    forced = prefix.split() if isinstance(prefix, str) else prefix
    found = find(stepper, admit_ids(stepper, forced), admit_ids(stepper, words), settings)
    found = graded(found, hoped, lambda ids: " ".join(
        stepper.labels[token] for token in ids if token != stepper.eos), "none")
    return found.assign_attrs(table=table, joint=" ")


def search(
    opened: Opened, source: str, prefix: Sequence[int | str] | str = (), reference: str = "",
    **settings: Any,
) -> xr.Dataset:
    """Look for the best translation of a source sentence; or, in a language model, for the best way
    a text goes on, of just the maximum length, since nothing ends it. See `find` for what comes
    back; with attention, also `attention` over (node, source): where the network looked as it chose
    a node's word, with the source's words as `source_label`.

    prefix: words of the target, or their ids, or a text, that are forced. reference: a target
    sentence whose way through the search is followed, and against which `bleu` scores each
    translation found. settings: the fields of `explorer.searching.Search`.
    attrs: `text`, the best sentence; `unknown`, the words of the source that were read as <unk>;
    of a translator also `source_of`, how many tokens the source has, and `source_read`, how many of
    these, the first, were read; `target_of`, `target_read` likewise of the reference.
    Raises DataError, ExperimentError.
    """
    with torch.inference_mode():  # nothing here will ever want a gradient
        asked = sought(opened, source, reference)
        forced = begun(opened, prefix) if isinstance(prefix, str) else prefix
        found = find(asked.stepper, admit_ids(asked.stepper, forced), asked.reference, settings)
    if "attention" in found:
        found = found.assign_coords(source_label=("source", list(asked.source)))
    if asked.source:
        _, sentences = opened_pairs(opened)
        found = graded(found, sentences.prepare(reference), sentences.decode, sacre(sentences))
    best = sentence(found, found.attrs["best"])
    by_word = opened.tokenizer.how.kind == "word" and asked.source
    return found.assign_attrs(about(opened) | asked.attrs | {
        "joint": " " if by_word else "", "text": opened.tokenizer.decode(best)})


def find(
    stepper: Stepper, prefix: Sequence[int], reference: Sequence[int], settings: dict[str, Any]
) -> xr.Dataset:
    """The tree of a search over `node`, 0 being the root, before the first word.

    `parent` (−1 for the root), `token`, `log_probability` of this word, `total` = log P up to it,
    `depth` = L, `score` = log P / L^α; `rank` among all that competed (among the words after the
    same beginning, when those were forced, drawn, or all taken); `margin`, the log P by which one
    missed being kept (negative: was kept), NaN where nothing competed; `drawn`, how many samples
    passed; `forced`; `expanded`: it was read on from; `more`: continuations of it that were scored
    and are not listed. Coordinates `label` and `state`: kept, pruned, finished, or best.

    attrs: the settings, `scored` and `expanded` as counted, `left_out` of all that was scored,
    `best`, its node, with `best_score` and `best_total`. With a reference, see `Reference.onto`.
    Raises DataError, ExperimentError.
    """
    try:
        asked = Search.model_validate(settings)
    except ValidationError as error:
        raise say(error) from error
    if asked.method == "greedy":
        asked = asked.model_copy(update={"width": 1})
    if stepper.eos in prefix:
        raise DataError(N_("Nothing can follow {end}: take it out, or what comes after it."),
                        end=stepper.labels[prefix[-1]])
    if len(prefix) >= asked.longest:
        raise DataError(N_("{count} words are forced, and the maximum length is {longest}: nothing "
                           "is left to search for. Force fewer, or search for longer sentences."),
                        count=len(prefix), longest=asked.longest)
    tree, hoped = Tree(stepper, asked), Reference(stepper, reference)
    front = begin(stepper, tree, prefix, hoped)
    if front.total[0] == -math.inf:
        raise DataError(N_("“{words}” cannot be forced: after what stands before it, one of these "
                           "words has the probability 0."),
                        words=" ".join(stepper.labels[token] for token in prefix))
    METHODS[asked.method](stepper, tree, front, asked, hoped)
    return hoped.onto(tree.trace(prefix=list(prefix)), stepper.eos)


def graded(
    found: xr.Dataset, reference: str, spoken: Callable[[list[int]], str], tokenize: str
) -> xr.Dataset:
    """A search's tree with `bleu` over node: of each sentence that ended or was cut off, against
    the one that was hoped for, 0…100 (`text.bleu.sentence_bleu`); NaN elsewhere. As it is if none
    was hoped for. spoken: the sentence of some ids."""
    if not reference:
        return found
    state, over = found["state"].values, found["depth"].values == found.attrs["longest"]
    scores = np.full(found.sizes["node"], math.nan)
    for node in np.flatnonzero(np.isin(state, ["finished", "best"]) | ((state == "kept") & over)):
        scores[node] = sentence_bleu(spoken(sentence(found, int(node))), reference, tokenize)
    return found.assign(bleu=("node", scores))


def admit_ids(stepper: Stepper, words: Sequence[int | str]) -> list[int]:
    """The ids of words, or ids as they are. Raises DataError: not of this vocabulary, or something
    that would have to follow a sentence's end."""
    labels = list(stepper.labels)
    for word in words:
        known = word in labels if isinstance(word, str) else 0 <= word < len(labels)
        if not known:
            raise no_word(word, labels)
    found = [labels.index(word) if isinstance(word, str) else int(word) for word in words]
    if stepper.eos in found[:-1]:
        raise DataError(N_("Nothing can follow {end}: take it out, or what comes after it."),
                        end=labels[found[found.index(stepper.eos)]])
    return found
