"""Inside a Transformer that translates: where its decoder looks in the source while it writes, and
every tensor of either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.rewriter import Rewriter
from explorer.models.stacked import Stacked
from explorer.models.tape import Axes, Tape, record
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import AXES, laid
from explorer.probes.translating import admit_source, encode, longest, opened_pairs, read_of
from explorer.tasks.pairing import coded
from explorer.tasks.translation import greedy
from explorer.text.sentences import Sentences
from explorer.text.types import Tokens
from explorer.words import N_

Side = Literal["encoder", "decoder"]


class Written(NamedTuple):
    """source: as it was read. ids: of what is written, <eos> at its end; `given`, the token before
    each. logits: (token, vocabulary). encoder, decoder: what was tapped of either."""

    source: Tokens
    ids: list[int]
    given: list[int]
    logits: Tensor
    encoder: Tape
    decoder: Tape


def across(opened: Opened, source: str, target: str | None = None) -> xr.Dataset:
    """`scores` and `attention` over (layer, head, query, key): a query for each token that is
    written, a key for each that was read; and `logits` over (query, vocabulary).

    target: read under teacher forcing; None lets it write by itself, the likeliest token at each
    step. Coordinates `query_label`, what is written at each step, and `key_label`. Raises
    DataError: an empty source or target.
    """
    _, sentences = opened_pairs(opened)
    found = _written(opened, sentences, source, target)
    kept = {name: laid(f"look_{name}", _of(found.decoder, name, True))[1]
            for name in ("scores", "attention")}
    return xr.Dataset(
        {name: (("layer", "head", "query", "key"), value) for name, value in kept.items()}
        | {"logits": (("query", "vocabulary"), found.logits.numpy())},
        {"query_label": ("query", [sentences.labels[i] for i in found.ids]),
         "key_label": ("key", list(found.source.labels)), "query_id": ("query", found.ids),
         "vocabulary": list(sentences.labels)},
        _about(opened, sentences, found, source, target) | {"local": 0})


def trace_pair(
    opened: Opened, source: str, target: str | None = None, side: Side = "decoder",
    only: Sequence[str] | None = None,
) -> xr.Dataset:
    """Every tensor on the way of the source through the encoder, or of what is written through the
    decoder, named as in `stacks.trace_stack`. A token of the decoder is what it is given before
    each step, <bos> first; of its second attention, which looks at the source, there are
    `look_reads`, `look_q`, `look_mixed`, `looks`, `looks_sum` and `looked` likewise, `look_k` and
    `look_v` over (layer, head, source, number), `look_scores` and `look_attention` over (layer,
    head, query, source). The decoder has `logits` and `loss`, nats paid for what stands at each
    step, and as a coordinate that token (`answer`); what the encoder makes of the source in the end
    is `final`.

    target: read under teacher forcing; None lets it write by itself. only: these names. attrs: as
    of `trace_stack`; `forced`, whether a target was read. Raises DataError: an empty source or
    target.
    """
    _, sentences = opened_pairs(opened)
    spec = cast(Stacked, opened.experiment.model)
    found = _written(opened, sentences, source, target)
    writes = side == "decoder"
    tape = found.decoder if writes else found.encoder
    kept = {name: _of(tape, name, False) for name in tape.kept}
    if writes:
        kept |= {f"look_{name}": _of(tape, name, True) for name in tape.kept}
    variables: dict[str, Any] = {name: laid(name, values) for name, values in kept.items()
                                 if values and name in AXES and (only is None or name in only)}
    ids = found.given if writes else found.source.ids.tolist()
    labels = ([sentences.labels[i] for i in ids] if writes else list(found.source.labels))
    coordinates: dict[str, Any] = {"label": ("token", labels), "id": ("token", ids)}
    used = {axis for axes, *_ in variables.values() for axis in axes}
    if "query" in used:
        coordinates |= {"query_label": ("query", labels)}
    if "key" in used:
        coordinates |= {"key_label": ("key", labels)}
    if "source" in used:
        coordinates |= {"source_label": ("source", list(found.source.labels))}
    if writes:
        paid = -found.logits.log_softmax(-1)[range(len(ids)), found.ids]
        variables |= {"logits": (("token", "vocabulary"), found.logits.numpy()),
                      "loss": ("token", paid.numpy().astype(np.float32), {"units": "nat"})}
        coordinates |= {"vocabulary": list(sentences.labels),
                        "answer": ("token", [sentences.labels[i] for i in found.ids]),
                        "answer_id": ("token", found.ids)}
    return xr.Dataset(variables, coordinates, _about(opened, sentences, found, source, target)
                      | {"side": side, "of": len(ids), "residual": int(spec.residual)})


def _written(
    opened: Opened, sentences: Sentences, source: str, target: str | None
) -> Written:
    """Read a source, and write its translation or the target that is given."""
    network, _ = opened_pairs(opened)
    read = admit_source(sentences, source)
    if target is not None and not sentences.prepare(target):
        raise DataError(N_("There is no target to read: type a sentence, or let the network write "
                           "its own."))
    ids = (greedy(network, coded(sentences, [(source, "")]), sentences.eos, longest(opened))[0]
           if target is None else sentences.written(target).ids.tolist())
    if sentences.eos in ids:
        ids = ids[: ids.index(sentences.eos) + 1]
    given = [sentences.bos, *ids[:-1]]
    encoder, decoder = Tape(), Tape()
    with torch.no_grad():
        with record(encoder):
            memory = encode(network, read)
        with record(decoder):
            writer = cast("Rewriter", network)
            logits: Tensor = writer.output(writer.read(torch.tensor([given]), (), memory)[0])[0]
    return Written(read, ids, given, logits, encoder, decoder)


def _of(tape: Tape, name: str, looks: bool) -> dict[Axes, Tensor]:
    """What was tapped under a name while the decoder looked at the source, or else."""
    return {axes: value for axes, value in tape.kept.get(name, {}).items()
            if ("across" in dict(axes)) == looks}


def _about(
    opened: Opened, sentences: Sentences, found: Written, source: str, target: str | None
) -> dict[str, Any]:
    return about(opened) | read_of(sentences, source, target) | {
        "source": sentences.source.prepare(source), "forced": int(target is not None),
        "translation": sentences.decode(found.ids)}
