"""What crosses between the web process and the engine: JSON and raw bytes, never a pickle.

A message is `length of the header (4 bytes, little-endian) · header (JSON, UTF-8) · payload`.
Only `send_bytes` and `recv_bytes` of a connection are used.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from explorer.engine.contract import EngineStatus, Job
from explorer.errors import EngineError, ExplorerError
from explorer.experiment import Experiment
from explorer.text import Text
from explorer.words import N_

Header = dict[str, Any]


def pack(header: Header, payload: bytes = b"") -> bytes:
    """One message. Raises EngineError when the header holds what JSON cannot say."""
    try:
        head = json.dumps(header, default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise EngineError(N_("This cannot be sent to the engine: {reason}. Use numbers, words and "
                             "lists."), reason=str(error)) from error
    return len(head).to_bytes(4, "little") + head + payload


def unpack(message: bytes) -> tuple[Header, bytes]:
    """Undo `pack`. Raises EngineError when this is no message of ours."""
    length = int.from_bytes(message[:4], "little")
    try:
        header = json.loads(message[4 : 4 + length])
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise EngineError(N_("The engine was sent something that is no message of ours."))
    return header, message[4 + length :]


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as Python's own."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no plain data")


def pack_experiment(experiment: Experiment, **more: Any) -> bytes:
    """An experiment with its text; `more` joins the header."""
    text = experiment.text
    header = {"experiment": experiment.model_dump(mode="json"), "text": text.name,
              "encoding": text.encoding} | more
    return pack(header, text.content.encode())


def unpack_experiment(header: Header, payload: bytes) -> Experiment:
    """Undo `pack_experiment`. Raises ExperimentError, RunError, DataError."""
    text = Text(header["text"], payload.decode(), header["encoding"])
    return Experiment.parse(header["experiment"]).with_text(text)


def pack_error(error: ExplorerError) -> bytes:
    """What went wrong; values that JSON cannot say are sent as words."""
    return pack(json.loads(json.dumps({"error": error.to_json()}, default=str)))


def job_to_json(job: Job) -> Header:
    return asdict(job)


def status_to_json(status: EngineStatus) -> Header:
    return asdict(status)


def status_from_json(data: Header) -> EngineStatus:
    jobs = {name: tuple(Job(**job) for job in data[name]) for name in ("running", "queued")}
    return EngineStatus(**data | jobs)


def pack_dataset(dataset: xr.Dataset, **more: Any) -> bytes:
    """A dataset: names, dims and attrs in the header, each array raw after it. Words (coordinates
    of labels) stand in the header; numbers keep their type to the bit."""
    variables: list[Header] = []
    parts: list[bytes] = []
    for name, variable in dataset.variables.items():
        values = np.asarray(variable.values)
        entry: Header = {"name": name, "dims": variable.dims, "shape": values.shape,
                         "attrs": variable.attrs, "coordinate": name in dataset.coords}
        if values.dtype.kind in "biufc":
            little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
            entry["dtype"] = little.dtype.str
            parts.append(little.tobytes())
        else:
            entry["words"] = [str(word) for word in values.ravel()]
        variables.append(entry)
    header = {"variables": variables, "attrs": dataset.attrs} | more
    return pack(header, b"".join(parts))


def unpack_dataset(header: Header, payload: bytes) -> xr.Dataset:
    """Undo `pack_dataset`. Words come back as numpy strings. Raises EngineError if cut short."""
    data: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    at = 0
    for entry in header["variables"]:
        if "words" in entry:
            values = np.array(entry["words"], dtype=str if entry["words"] else "<U1")
        else:
            dtype = np.dtype(entry["dtype"])
            length = prod(entry["shape"]) * dtype.itemsize
            if at + length > len(payload):
                raise EngineError(N_("The engine's answer was cut short: ask again."))
            values = np.frombuffer(bytearray(payload[at : at + length]), dtype)
            values = values.astype(dtype.newbyteorder("="), copy=False)
            at += length
        place = coordinates if entry["coordinate"] else data
        place[entry["name"]] = (entry["dims"], values.reshape(entry["shape"]), entry["attrs"])
    return xr.Dataset(data, coordinates, header["attrs"])
