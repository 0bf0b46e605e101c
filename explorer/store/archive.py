"""A run as a zip of JSON, Parquet and safetensors. One that comes in is hostile until checked:
names, sizes, kinds and shapes, and that it is the run that its key says; nothing is unpickled.
"""

from __future__ import annotations

import io
import json
import math
import re
import stat
import zipfile
import zlib
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load, save

from explorer.errors import DataError, ExperimentError, RunError
from explorer.experiment import Experiment
from explorer.store.folder import COLUMNS, MEASURES, Folder, Status, parse_history
from explorer.store.store import Store
from explorer.store.tensors import Damaged, dtypes, shapes
from explorer.text import Text, Tokenizer
from explorer.words import N_

LIMIT = 200_000_000  # bytes, unpacked
FILES = 300
ROWS = 20_000
DENSE = 50  # times its size a zip may unpack to, beyond the first `FREE` bytes
FREE = 20_000_000
JSON = ("experiment.json", "text.json", "tokenizer.json", "status.json", "best.json")
STANDING: tuple[Status, ...] = ("paused", "finished", "diverged", "cancelled", "failed")

_NAME = re.compile(r"([0-9a-f]{32})/((?:experiment|text|tokenizer|status|best)\.json"
                   r"|history\.parquet|snapshots/(?:0|[1-9]\d{0,8})\.safetensors)")
_STEP = re.compile(r"snapshots/(\d+)\.safetensors")


def export(store: Store, key: str) -> bytes:
    """A run as a zip: its experiment, text, history and snapshots. Raises RunError."""
    run, folder = store.run(key), store.folder(key)
    names = [*JSON, "history.parquet", *(f"snapshots/{step}.safetensors" for step in run.snapshots)]
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as packed:
        for name in names:
            data = folder.read(name)
            if data is not None:
                how = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
                packed.writestr(f"{key}/{name}", data, how)
    return sink.getvalue()


def admit(store: Store, data: bytes, owner: str) -> str:
    """Take a zip that `export` made into the store, onto the owner's list; the run's key.

    A run that is there already is left as it is: it may be in training, or on the lists of others,
    and nobody here saw the zip's trained. Raises RunError when the zip's has got further. Raises
    RunError or DataError, in words, and leaves the store as it was, when anything in the zip is
    not as it should be.
    """
    key, files = _unpack(data)
    experiment, tokenizer = _experiment(key, files)
    steps = experiment.training.steps
    weights = {int(match[1]): _weights(name, data, experiment, tokenizer)
               for name, data in files.items() if (match := _STEP.fullmatch(name))}
    if not weights or max(weights) > steps:
        raise _wrong("snapshots", N_("there are none, or of steps that the run does not have"))
    history = _history(files, steps)
    bests = _bests(files, weights)
    status, seconds = _status(files, max(weights) == steps)
    known = key in store
    if not known:
        folder = Folder(store.files, key)
        folder.remove()
        for step, tensors in weights.items():
            folder.write_weights(step, tensors)
        folder.write_history(history)
        folder.write_bests(bests)
        folder.write_status(status, seconds=seconds, imported=True)
        folder.create(experiment, tokenizer)  # last: now it is there
    store.claim(owner, key)
    if known:
        _further(max(store.folder(key).snapshots(), default=0), max(weights))
    return key


def _further(here: int, there: int) -> None:
    """Say so when what was left out had got further than what was kept."""
    if there > here:
        raise RunError(
            N_("This run is here already, and has got to step {here}; that of the zip, to step "
               "{there}. It was left as it is: train it here to its end, or delete it and take in "
               "the zip again."), here=here, there=there)


def _unpack(data: bytes) -> tuple[str, dict[str, bytes]]:
    """The key and the files of a zip, if it holds one run and nothing else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
            keys = {_key(entry) for entry in entries}
            names = [entry.filename.partition("/")[2] for entry in entries]
            if len(entries) > FILES or len(keys) != 1 or len(set(names)) != len(names):
                raise RunError(N_("This zip holds no single run: choose one that was exported "
                                  "here."))
            most = min(LIMIT, max(FREE, DENSE * len(data)))
            files: dict[str, bytes] = {}
            for name, entry in zip(names, entries, strict=True):
                files[name] = _read(packed, entry, most)
                most -= len(files[name])
            return keys.pop(), files
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError,
            ValueError, UnicodeError) as error:
        raise RunError(N_("This zip cannot be read ({reason}): choose one that was exported here."),
                       reason=str(error)[:200]) from error


def _key(entry: zipfile.ZipInfo) -> str:
    """The key that an entry's name begins with; names and kinds of no run are refused."""
    match = _NAME.fullmatch(entry.filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if match is None or kind not in (0, stat.S_IFREG):
        raise RunError(N_("This zip holds “{name}”, which is no part of a run: choose one that was "
                          "exported here."), name=entry.filename[:80])
    return match[1]


def _read(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """An entry's bytes, at most so many: what the zip says of its own size is not believed."""
    with packed.open(entry) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise RunError(
            N_("This zip unpacks to far more than a run needs (the limit is {limit} MB): choose "
               "one that was exported here."), limit=LIMIT // 1_000_000)
    return data


def _experiment(key: str, files: dict[str, bytes]) -> tuple[Experiment, Tokenizer]:
    """The experiment with its text, if both are what the key says; its tokenizer, learnt anew."""
    try:
        experiment = Experiment.parse(_needed(files, "experiment.json"))
        if experiment.key != key:
            raise _wrong("experiment.json", N_("it is not the run's that the zip names"))
        said = _json(files, "text.json")
        text = Text.paste(str(said["content"]), str(said["name"]))
        experiment = experiment.with_text(text)
        tokenizer = experiment.task.tokenizer(text, experiment.tokens)
    except (KeyError, TypeError) as error:
        raise _wrong("text.json", N_("it holds no text")) from error
    except (ExperimentError, DataError) as error:
        raise _wrong("experiment.json", str(error)) from error
    if tokenizer.to_json() != _needed(files, "tokenizer.json").decode("utf-8", "replace"):
        raise _wrong("tokenizer.json", N_("it is not the one that this text gives"))
    return experiment, tokenizer


def _weights(
    name: str, data: bytes, experiment: Experiment, tokenizer: Tokenizer
) -> bytes:
    """A snapshot, packed anew, if it holds this network's tensors and nothing else."""
    try:
        own = experiment.task.shapes(experiment.model, *tokenizer.sizes)
        if shapes(data) != own or dtypes(data) != {"F32"}:
            raise _wrong(name, N_("its tensors are not those of this network"))
        tensors = load(data)
    except (Damaged, SafetensorError) as error:
        raise _wrong(name, str(error)) from error
    if not all(math.isfinite(value.sum(dtype="float64")) for value in tensors.values()):
        raise _wrong(name, N_("it holds numbers that are not finite"))
    return save(tensors)


def _history(files: dict[str, bytes], steps: int) -> pd.DataFrame:
    data = _needed(files, "history.parquet")
    try:
        about = pq.ParquetFile(io.BytesIO(data))
        schema = about.schema_arrow
        if about.metadata.num_rows > ROWS or about.metadata.num_row_groups > ROWS // 100:
            raise ValueError(N_("it is too long"))
        names = schema.names
        if not set(names) <= {*COLUMNS, *MEASURES} or len(set(names)) != len(names):
            raise ValueError(N_("it has other columns than a history"))
        if not all(pa.types.is_floating(kind) or pa.types.is_integer(kind)
                   for kind in schema.types):
            raise ValueError(N_("it holds something else than numbers"))
        history = parse_history(data)
    except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
        raise _wrong("history.parquet", str(error)) from error
    step = history["step"]
    if not (step.is_monotonic_increasing and step.is_unique and step.between(1, steps).all()):
        raise _wrong("history.parquet", N_("its steps are not those of this run"))
    return history


def _bests(files: dict[str, bytes], weights: dict[int, bytes]) -> list[tuple[int, float]]:
    """Those that are among the snapshots."""
    if "best.json" not in files:
        return []
    try:
        bests = [(int(step), float(loss)) for step, loss in _json(files, "best.json", list)]
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong("best.json", N_("it is no list of steps and losses")) from error
    return [(step, loss) for step, loss in bests if step in weights and math.isfinite(loss)]


def _status(files: dict[str, bytes], complete: bool) -> tuple[Status, float]:
    """How the run stands and its seconds; messages stay behind: they are somebody else's words."""
    said = _json(files, "status.json")
    status: Status = next((known for known in STANDING if known == said.get("status")), "paused")
    if (status == "finished") != complete:
        status = "finished" if complete else "paused"
    seconds = said.get("seconds", 0.0)
    good = isinstance(seconds, int | float) and 0 <= seconds < 1e9
    return status, float(seconds) if good else 0.0


def _needed(files: dict[str, bytes], name: str) -> bytes:
    if name not in files:
        raise _wrong(name, N_("it is missing"))
    return files[name]


def _json(files: dict[str, bytes], name: str, kind: type = dict) -> Any:
    try:
        value = json.loads(_needed(files, name))
    except (ValueError, RecursionError) as error:
        raise _wrong(name, N_("it is no JSON")) from error
    if not isinstance(value, kind):
        raise _wrong(name, N_("it holds something else"))
    return value


def _wrong(name: str, reason: str) -> RunError:
    return RunError(N_("This zip cannot be taken in ({file}: {reason}): choose one that was "
                       "exported here."), file=name, reason=reason[:200])
