"""One run's folder: which file holds what, and how each is read and written.

A run exists once its experiment.json does; that file is written last and removed first.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.errors import ExperimentError, ExplorerError, RunError
from explorer.experiment import Experiment
from explorer.store.files import Files
from explorer.store.tensors import Damaged, position, shapes
from explorer.text import Text, Tokenizer
from explorer.training.events import Snapshot
from explorer.words import N_

Status = Literal["new", "running", "paused", "finished", "diverged", "cancelled", "failed"]
STATUSES = ("new", "running", "paused", "finished", "diverged", "cancelled", "failed")
COLUMNS = ("step", "loss", "perplexity", "gradient_norm", "tokens_per_second", "learning_rate",
           "validation_loss", "validation_perplexity", "validation_tokens")
MEASURES = ("bleu", "notes_bleu", "validation_along")  # that only some histories have

_KEY = re.compile(r"[0-9a-f]{32}")
_SNAPSHOT = re.compile(r"(\d{1,9})\.safetensors")
_T = TypeVar("_T")


def is_key(key: object) -> bool:
    """Whether this can name a run: 32 hex digits."""
    return isinstance(key, str) and _KEY.fullmatch(key) is not None


class Folder:
    """The files of run `key`. Every reader raises RunError, in words, on a file that is damaged."""

    def __init__(self, files: Files, key: str) -> None:
        self.key = key
        self._files = files
        self._path = f"runs/{key}"

    def exists(self) -> bool:
        return self._files.exists(f"{self._path}/experiment.json")

    def create(self, experiment: Experiment, tokenizer: Tokenizer) -> None:
        """Write what never changes."""
        text = experiment.text
        self._write_json("text.json", {"name": text.name, "content": text.content,
                                       "encoding": text.encoding})
        self.write("tokenizer.json", tokenizer.to_json().encode())
        self._write_json("experiment.json", experiment.model_dump(mode="json"))

    def remove(self) -> None:
        self._files.remove(f"{self._path}/experiment.json")
        self._files.remove(self._path)

    def sweep(self) -> None:
        """Remove what a killed writer left half written."""
        self._files.sweep(self._path)
        self._files.sweep(f"{self._path}/snapshots")

    def experiment(self) -> Experiment:
        """The experiment with its text; both must be what the key says."""
        try:
            experiment = Experiment.parse(self._read("experiment.json"))
        except ExperimentError as error:
            raise self._damaged("experiment.json", str(error)) from error
        if experiment.key != self.key:
            raise self._damaged("experiment.json", N_("it is not this run's"))
        return self._checked("text.json", lambda data: experiment.with_text(
            Text(**json.loads(data))))

    def tokenizer(self) -> Tokenizer:
        task = self.experiment().task
        return self._checked("tokenizer.json", lambda data: task.stored(data.decode()))

    def card(self) -> Mapping[str, Any]:
        """What a shipped run says of itself: name, title, about; empty for any other."""
        return self._optional("card.json", dict, dict) or {}

    def status(self) -> Mapping[str, Any]:
        """`status`, `message`, `error` (an ExplorerError as JSON), `seconds` of training,
        `imported`."""
        return self._optional("status.json", dict, dict) or {"status": "new"}

    def write_status(
        self, status: Status, message: str | ExplorerError = "", seconds: float = 0.0,
        imported: bool = False,
    ) -> None:
        said: dict[str, Any] = {"status": status, "seconds": round(seconds, 3)}
        if imported:
            said["imported"] = True
        if isinstance(message, ExplorerError):
            said["error"] = message.to_json()
        elif message:
            said["message"] = message
        self._write_json("status.json", said)

    def history(self) -> pd.DataFrame:
        """One row a step; columns as `COLUMNS`, NaN where nothing was measured."""
        try:
            data = self._files.read(f"{self._path}/history.parquet")
        except FileNotFoundError:
            return frame([])
        try:
            return parse_history(data)
        except (pa.ArrowException, ValueError, OSError) as error:
            raise self._damaged("history.parquet", str(error)) from error

    def write_history(self, rows: pd.DataFrame) -> None:
        self.write("history.parquet", format_history(rows))

    def snapshots(self) -> tuple[int, ...]:
        """The steps whose weights are there in full."""
        found = self._files.list(f"{self._path}/snapshots")
        steps = (_SNAPSHOT.fullmatch(name) for name, size in found.items() if size > 8)
        return tuple(sorted(int(match[1]) for match in steps if match))

    def weights(self, step: int) -> bytes:
        return self._checked(f"snapshots/{step}.safetensors", _whole)

    def write_weights(self, step: int, weights: bytes) -> None:
        self.write(f"snapshots/{step}.safetensors", weights)

    def drop_weights(self, step: int) -> None:
        self._files.remove(f"{self._path}/snapshots/{step}.safetensors")

    def bests(self) -> list[tuple[int, float]]:
        """Each (step, validation loss) that was lower than all before it; the best stands last."""
        return self._optional("best.json", list, lambda value: [
            (int(step), float(loss)) for step, loss in value]) or []

    def write_bests(self, bests: list[tuple[int, float]]) -> None:
        self._write_json("best.json", bests)

    def resume(self) -> Snapshot | None:
        """The snapshot to go on from, without its scores; None if there is none that can be
        used."""
        try:
            resume = self._files.read(f"{self._path}/resume.safetensors")
            step = position(resume)
            return Snapshot(step, self.weights(step), resume, {}, best=False)
        except (FileNotFoundError, Damaged, RunError):
            return None

    def read(self, name: str) -> bytes | None:
        """A file as it is, or None."""
        try:
            return self._files.read(f"{self._path}/{name}")
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        self._files.write(f"{self._path}/{name}", data)

    def _write_json(self, name: str, value: Any) -> None:
        self.write(name, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def _read(self, name: str) -> bytes:
        try:
            return self._files.read(f"{self._path}/{name}")
        except FileNotFoundError as error:
            raise self._damaged(name, N_("it is missing")) from error

    def _checked(self, name: str, parse: Callable[[bytes], _T]) -> _T:
        data = self._read(name)
        try:
            return parse(data)
        except (ValueError, TypeError, KeyError, RecursionError, ExplorerError) as error:
            raise self._damaged(name, str(error)) from error

    def _optional(self, name: str, kind: type, parse: Callable[[Any], _T]) -> _T | None:
        """A JSON file whose value is a `kind`; None if there is no such file."""
        def parse_json(data: bytes) -> _T:
            value = json.loads(data)
            if not isinstance(value, kind):
                raise ValueError(N_("it holds something else"))
            return parse(value)

        if not self._files.exists(f"{self._path}/{name}"):
            return None
        return self._checked(name, parse_json)

    def _damaged(self, name: str, reason: str) -> RunError:
        return RunError(
            N_("Run {key} is damaged ({file}: {reason}). Delete it and train it again."),
            key=self.key, file=name, reason=reason[:200])


def _whole(weights: bytes) -> bytes:
    shapes(weights)
    return weights


def frame(rows: list[dict[str, float]] | dict[str, NDArray[Any]]) -> pd.DataFrame:
    """Rows of progress, or columns of them, as a table with the columns of a history."""
    found = pd.DataFrame(rows)
    columns = [*COLUMNS, *(name for name in found.columns if name not in COLUMNS)]
    types = dict.fromkeys(columns, "float64") | {"step": "int64"}
    return found.reindex(columns=columns).astype(types)


def format_history(rows: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def parse_history(data: bytes) -> pd.DataFrame:
    table = pq.read_table(io.BytesIO(data))
    columns = zip(table.column_names, table.columns, strict=True)
    return frame({name: column.to_numpy() for name, column in columns})
