"""Sentence pairs as tensors: which are held out, and which are read side by side in a step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.text.pairs import Pairs
from explorer.text.sentences import Sentences, encoded, prepared

if TYPE_CHECKING:
    from torch import Tensor

ALIKE = 16  # batches whose pairs are sorted by length together, so that little is padding


@dataclass(frozen=True)
class Coded:
    """Pairs as ids, rows filled up with <pad>. source (N, S), source_valid (N,): how many tokens of
    a row count; target and target_valid likewise, <eos> among them. begin: the id of <bos>.
    sources, references: both sentences as text, prepared, of pairs by which translations are
    measured."""

    source: Tensor
    source_valid: Tensor
    target: Tensor
    target_valid: Tensor
    begin: int
    sources: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.source)

    def to(self, device: Any) -> Coded:
        return replace(
            self, source=self.source.to(device), source_valid=self.source_valid.to(device),
            target=self.target.to(device), target_valid=self.target_valid.to(device))

    def rows(self, which: Any) -> Coded:
        """Some of the pairs, no wider than the longest of them, without their text."""
        source_valid, target_valid = self.source_valid[which], self.target_valid[which]
        return Coded(self.source[which, : int(source_valid.max())], source_valid,
                     self.target[which, : int(target_valid.max())], target_valid, self.begin)

    @property
    def given(self) -> Tensor:
        """What a decoder reads before each step when it is told the truth: (N, T)."""
        import torch

        begin = self.target.new_full((len(self.target), 1), self.begin)
        return torch.cat((begin, self.target[:, :-1]), 1)

    @property
    def mask(self) -> Tensor:
        """Which targets count: (N, T)."""
        import torch

        place = torch.arange(self.target.shape[1], device=self.target.device)
        return place < self.target_valid[:, None]

    @cached_property
    def lengths(self) -> bytes:
        """How long each pair is, source and target together: plain bytes, so that orders of it
        can be kept."""
        lengths = (self.source_valid + self.target_valid).cpu().numpy().astype(np.int32)
        return lengths.tobytes()


class Batch(NamedTuple):
    """pairs: of a step. told: the share of tokens before each guess that are the true ones."""

    pairs: Coded
    told: float


def apart(pairs: Pairs, share: float) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The pairs that are trained on, and those that are held out: about a share of all source
    sentences, drawn by their hash, so that no held-out sentence is ever trained on with another
    translation, or with other capitals and blanks, whatever the order of the file."""
    heard = [prepared(source, lowercase=True, spaced=True) for source, _ in pairs.rows]
    ranked = sorted(set(heard), key=lambda source: hashlib.sha256(source.encode()).digest())
    held = set(ranked[: round(len(ranked) * share)])
    return ([row for row, source in zip(pairs.rows, heard, strict=True) if source not in held],
            [row for row, source in zip(pairs.rows, heard, strict=True) if source in held])


def coded(sentences: Sentences, rows: Sequence[tuple[str, str]]) -> Coded:
    """Pairs as tensors."""
    import torch

    source, target = encoded(sentences, rows)
    return Coded(torch.from_numpy(source.ids), torch.from_numpy(source.valid),
                 torch.from_numpy(target.ids), torch.from_numpy(target.valid), sentences.bos)


def spread(count: int, most: int | None) -> NDArray[np.int64]:
    """The numbers of at most so many rows, spread evenly over all."""
    if most is None or most >= count:
        return np.arange(count)
    return np.arange(most) * count // most


def alike(sources: Sequence[str], most: int | None = None) -> list[list[int]]:
    """The numbers of the pairs of each source sentence, however many translations it has; of at
    most so many sentences, spread evenly over all."""
    found: dict[str, list[int]] = {}
    for number, source in enumerate(sources):
        found.setdefault(source, []).append(number)
    rows = list(found.values())
    return [rows[i] for i in spread(len(rows), most)]


@lru_cache(maxsize=4)
def order(count: int, batch: int, seed: int, lengths: bytes) -> list[Any]:
    """The batches of an epoch: all pairs in a drawn order, those of `ALIKE` batches sorted by
    length, so that rows of a batch are about equally long; then the batches in a drawn order."""
    import torch

    draw = np.random.RandomState(seed & 0xFFFFFFFF)
    drawn = draw.permutation(count)
    length = np.frombuffer(lengths, np.int32)
    parts = [drawn[start : start + batch * ALIKE] for start in range(0, count, batch * ALIKE)]
    alike = [part[np.argsort(length[part], kind="stable")] for part in parts]
    batches = [rows[start : start + batch] for rows in alike
               for start in range(0, len(rows), batch)]
    return [torch.from_numpy(batches[i]) for i in draw.permutation(len(batches))]
