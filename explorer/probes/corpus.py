"""The states of a network while it reads its run's own text, read once and kept on the disk.

One folder an entry, in the user's cache: `states`, int16 (unit, token), so that whoever asks for a
few units reads only their rows; `carry.npz`, how far it has been read, with what to go on from. A
chunk of tokens has a scale for each unit, so the error is at most half a step: the chunk's largest
value over 65,534. An entry is named by what it holds (weights, tokens, layer, observation): several
processes may write it, since they write the same. The memory it fills is bounded; the entries used
longest ago go first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import DataError
from explorer.models.tape import Tape, record
from explorer.probes.opened import Opened
from explorer.text import Tokens
from explorer.words import N_

MOST = 500_000  # tokens of a text that are read
VALUES = 125_000_000  # at most so many states of one text are kept: 250 MB
LIMIT = 2**30  # bytes of all entries together
CHUNK = 2_000
STEPS = 32_767  # of int16 on either side of zero
FORMAT = 1  # raised when the meaning of an entry changes
OBSERVED = ("hidden", "cell")

Quantised = NDArray[np.int16]


class Corpus:
    """The states of one layer over the first `size` tokens of a run's text.

    read: how many of them are there. scales: (chunk, unit), what one step of int16 is worth. name:
    that of the entry.
    Raises DataError: an observation that the network has not, or a disk that cannot be written.
    """

    def __init__(self, opened: Opened, layer: int = 0, observation: str = "hidden") -> None:
        spec = opened.network.spec
        _admit(opened, layer, observation)
        self.opened, self.layer, self.observation = opened, layer, observation
        self.of = len(opened.corpus)
        self.size = min(self.of, MOST, max(CHUNK, VALUES // spec.hidden))
        self.labels = opened.corpus.labels
        self.name = _name(opened, layer, observation, self.size)
        self._folder = cache() / self.name
        try:
            self._open(spec.hidden)
        except OSError as error:
            raise self._failure(error) from error

    @property
    def error(self) -> float:
        """By how much a kept value differs from the computed one, at most."""
        return float(self.scales.max(initial=0.0)) / 2

    def go_on(self, until: int | None = None, seconds: float = float("inf")) -> int:
        """Read on to the token `until` (None: to the end), for about so many seconds at most.
        Gives how many tokens have been read."""
        goal, end = min(until or self.size, self.size), time.monotonic() + seconds
        if self.read < goal:
            try:
                while self.read < goal and time.monotonic() < end:
                    self._read_chunk()
                self._save()
            except OSError as error:
                raise self._failure(error) from error
        return self.read

    def row(self, unit: int) -> NDArray[np.float32]:
        """One unit's states: (token,)."""
        kept = self.states[unit].reshape(-1, CHUNK)  # (chunk, CHUNK)
        values: NDArray[np.float32] = kept * self.scales[:, unit, None]
        return values.ravel()[: self.read]

    def at(self, tokens: NDArray[Any]) -> NDArray[np.float32]:
        """The states at some tokens: (token, unit)."""
        kept: NDArray[np.float32] = self.states[:, tokens].T * self.scales[tokens // CHUNK]
        return kept

    def above(self, unit: int, threshold: float, sign: int = 1) -> NDArray[np.bool_]:
        """Where sign · state > threshold: (token,). Compares whole numbers, decodes nothing."""
        limit = np.floor(threshold / np.maximum(self.scales[:, unit], 1e-30))  # (chunk,)
        limit = np.minimum(limit, STEPS).astype(np.int16)[:, None]
        kept = self.states[unit].reshape(-1, CHUNK)  # (chunk, CHUNK)
        on: NDArray[np.bool_] = kept > limit if sign > 0 else kept < -limit
        return on.ravel()[: self.read]

    def context(self, start: int, stop: int, around: int = 24) -> tuple[str, str, str]:
        """The text before, in and after the tokens start … stop − 1."""
        left, right = max(0, start - around), min(self.of, stop + around)
        parts = (self.labels[left:start], self.labels[start:stop], self.labels[stop:right])
        before, hit, after = ("".join(part) for part in parts)
        return before, hit, after

    def _open(self, hidden: int) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        chunks = -(-self.size // CHUNK)
        with (self._folder / "states").open("ab") as file:  # never replaced: others may map it
            file.truncate(hidden * chunks * CHUNK * 2)
        self.states: Quantised = np.memmap(
            self._folder / "states", np.int16, "r+", shape=(hidden, chunks * CHUNK))
        self.read, self.scales = 0, np.zeros((chunks, hidden), np.float32)
        start = [self.opened.network.start() for _ in range(self.layer + 1)]
        self._carried = start
        with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile):
            self._restore(start)
        _tidy(self._folder)

    def _restore(self, start: list[Any]) -> None:
        with np.load(self._folder / "carry.npz", allow_pickle=False) as kept:
            scales, flat, read = kept["scales"], kept["state"], int(kept["read"])
        if scales.shape == self.scales.shape and 0 <= read <= self.size:
            self.read, self.scales = read, scales
            self._carried = _unflatten(flat, start)
            os.utime(self._folder / "carry.npz")

    def _read_chunk(self) -> None:
        first, last = self.read, min(self.read + CHUNK, self.size)
        ids = torch.from_numpy(self.opened.corpus.ids[first:last])
        with torch.no_grad():
            values, self._carried = _observe(
                self.opened, ids, self._carried, self.layer, self.observation)  # (T, hidden)
        found = values.numpy()
        if not np.isfinite(found).all():
            raise DataError(
                N_("While it reads its own text, the network's state grows beyond all numbers near "
                   "token {token}: take an earlier snapshot."), token=first)
        scale = np.abs(found).max(0) / STEPS  # (hidden,)
        self.scales[first // CHUNK] = scale
        steps = np.divide(found, scale, out=np.zeros_like(found), where=scale > 0)
        self.states[:, first:last] = np.rint(steps).astype(np.int16).T
        self.read = last

    def _save(self) -> None:
        self.states.flush()  # type: ignore[attr-defined]
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".npz", delete=False) as aside:
            np.savez(aside, read=self.read, scales=self.scales, state=_flatten(self._carried))
        os.replace(aside.name, self._folder / "carry.npz")

    def _failure(self, error: OSError) -> DataError:
        return DataError(
            N_("The states of the text cannot be kept in {folder} ({reason}): make room there, or "
               "name another folder in EXPLORER_CACHE."),
            folder=str(cache()), reason=(error.strerror or str(error)).lower())


def states(
    opened: Opened, tokens: Tokens, layer: int = 0, observation: str = "hidden"
) -> NDArray[np.float32]:
    """The states (token, unit) over a text of one's own, read from a blank state: as computed."""
    _admit(opened, layer, observation)
    start = [opened.network.start() for _ in range(layer + 1)]
    with torch.no_grad():
        values, _ = _observe(opened, torch.from_numpy(tokens.ids), start, layer, observation)
    found: NDArray[np.float32] = values.numpy()
    return found


def cache() -> Path:
    """Where entries are kept: EXPLORER_CACHE, else the user's own cache folder."""
    from platformdirs import user_cache_path

    named = os.environ.get("EXPLORER_CACHE")
    home = Path(named) if named else user_cache_path("sequence-explorer", appauthor=False)
    return home / "states"


def _admit(opened: Opened, layer: int, observation: str) -> None:
    spec = opened.network.spec
    if spec.directions > 1:
        raise DataError(
            N_("This network reads both ways, so that each state depends on all of the text that "
               "follows: take a run that reads forwards."))
    if observation not in OBSERVED or observation not in spec.observes:
        raise DataError(
            N_("A network of this kind has no “{name}” that could be kept; it has: {known}."),
            name=observation, known=", ".join(n for n in OBSERVED if n in spec.observes))
    if not 0 <= layer < spec.layers:
        raise DataError(N_("There is no layer {layer}; the network has {count}."),
                        layer=layer + 1, count=spec.layers)


def _observe(
    opened: Opened, ids: Tensor, carried: list[Any], layer: int, observation: str
) -> tuple[Tensor, list[Any]]:
    """One layer's states (T, hidden) over some tokens, and what all layers carry on from there."""
    network, after = opened.network, []
    x, values = network.read(ids), torch.empty(0)
    for number, state in enumerate(carried):
        wrapped = tuple(s[None] for s in state) if isinstance(state, tuple) else state[None]
        h, end = network.layer(number)(x, wrapped)  # (T, hidden)
        after.append(tuple(s[0] for s in end) if isinstance(end, tuple) else end[0])
        values = h
        if number == layer and observation != "hidden":
            tape = Tape()
            with record(tape):
                network.spec.replay(x, h, state, network.weights(number))
            values = tape.kept[observation][()]
        x = h
    return values, after


def _flatten(carried: list[Any]) -> NDArray[np.float32]:
    """What is carried on, as one row of numbers."""
    parts = [p for state in carried for p in (state if isinstance(state, tuple) else (state,))]
    return torch.cat(parts).numpy()


def _unflatten(flat: NDArray[np.float32], like: list[Any]) -> list[Any]:
    """Undo `_flatten`. Raises ValueError when the sizes differ."""
    parts = iter(torch.from_numpy(flat.reshape(-1, _hidden(like)).copy()))
    return [tuple(next(parts) for _ in s) if isinstance(s, tuple) else next(parts) for s in like]


def _hidden(like: list[Any]) -> int:
    first = like[0]
    return len(first[0] if isinstance(first, tuple) else first)


def _name(opened: Opened, layer: int, observation: str, size: int) -> str:
    """A name that only the same states have."""
    said = hashlib.sha256(repr((FORMAT, CHUNK, layer, observation, size)).encode())
    said.update(opened.experiment.model.model_dump_json().encode())
    said.update(opened.corpus.ids[:size].tobytes())
    for name, value in opened.network.state_dict().items():
        said.update(name.encode())
        said.update(value.numpy().tobytes())
    return said.hexdigest()[:32]


def _tidy(keep: Path) -> None:
    """Remove the entries used longest ago, until the rest fits; never the one in use."""
    entries = []
    for folder in keep.parent.iterdir():
        with suppress(OSError):
            files = [file.stat() for file in folder.iterdir()]
            size = sum(getattr(f, "st_blocks", f.st_size / 512) * 512 for f in files)
            entries.append((max((f.st_mtime for f in files), default=0.0), size, folder))
    filled = sum(size for _, size, _ in entries)
    for _, size, folder in sorted(entries):
        if filled <= LIMIT:
            return
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            filled -= size
