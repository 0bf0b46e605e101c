"""Where the decoder of a Transformer looks in the source while it writes: every layer and head."""

from __future__ import annotations

import torch
import xarray as xr

from explorer.errors import DataError
from explorer.models.tape import Tape, record
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.translating import admit_source, encode, longest, opened_pairs
from explorer.tasks.pairing import coded
from explorer.tasks.translation import greedy
from explorer.words import N_


def across(opened: Opened, source: str, target: str | None = None) -> xr.Dataset:
    """`scores` and `attention` over (layer, head, query, key): a query for each token that is
    written, a key for each that was read; and `logits` over (query, vocabulary).

    target: read under teacher forcing; None lets it write by itself, the likeliest token at each
    step. Coordinates `query_label`, what is written at each step, and `key_label`. Raises
    DataError: an empty source or target.
    """
    network, sentences = opened_pairs(opened)
    read = admit_source(sentences, source)
    if target is not None and not sentences.prepare(target):
        raise DataError(N_("There is no target to read: type a sentence, or let the network write "
                           "its own."))
    ids = (greedy(network, coded(sentences, [(source, "")]), sentences.eos, longest(opened))[0]
           if target is None else sentences.written(target).ids.tolist())
    if sentences.eos in ids:
        ids = ids[: ids.index(sentences.eos) + 1]
    given = torch.tensor([[sentences.bos, *ids[:-1]]])
    tape = Tape()
    with torch.no_grad():
        memory = encode(network, read)
        with record(tape):
            logits = network.output(network.read(given, (), memory)[0])[0]  # type: ignore[operator]
    kept = {name: torch.stack([value[0] for axes, value in sorted(tape.kept[name].items())
                               if dict(axes).get("across")]) for name in ("scores", "attention")}
    return xr.Dataset(
        {name: (("layer", "head", "query", "key"), value.numpy()) for name, value in kept.items()}
        | {"logits": (("query", "vocabulary"), logits.numpy())},
        {"query_label": ("query", [sentences.labels[i] for i in ids]),
         "key_label": ("key", list(read.labels)), "query_id": ("query", ids),
         "vocabulary": list(sentences.labels)},
        about(opened) | {"source": sentences.source.prepare(source), "local": 0,
                         "forced": int(target is not None), "translation": sentences.decode(ids)})
