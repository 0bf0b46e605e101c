"""One step of the cell with its numbers: what each gate's sum is made of."""

from __future__ import annotations

import torch
import xarray as xr

from explorer.errors import DataError
from explorer.models.recurrent import before
from explorer.models.tape import Tape, record
from explorer.probes.capture import about, admit, through_layers
from explorer.probes.opened import Opened
from explorer.words import N_


def inspect(opened: Opened, text: str, token: int, layer: int = 0, unit: int = 0) -> xr.Dataset:
    """The sums behind one unit at one token, per gate block in PyTorch's order (axis `block`):
    `from_input` = (W x)_unit, `from_state` = (U h)_unit, `bias_input`, `bias_state`; and the terms
    of the two products: `input_terms` (block, input), `state_terms` (block, unit).

    Raises DataError when token, layer or unit is outside the text or network.
    """
    tokens = admit(opened, text)
    network = opened.network
    spec = network.spec
    for name, value, count in (
        ("token", token, len(tokens)),
        ("layer", layer, spec.layers),
        ("unit", unit, spec.hidden),
    ):
        if not 0 <= value < count:
            raise DataError(
                N_("There is no {name} {value}: choose one from 0 to {last}."),
                name=name,
                value=value,
                last=count - 1,
            )
    tape = Tape()
    with torch.no_grad(), record(tape):
        ids = torch.from_numpy(tokens.ids[: token + 1])
        through_layers(opened, ids)
        hidden = [tape.kept["hidden"][(("layer", index),)] for index in range(spec.layers)]
        x = network.read(ids)[token] if layer == 0 else hidden[layer - 1][token]  # (inputs,)
        h = before(hidden[layer], torch.zeros(spec.hidden))[token]  # (hidden,)
        W, U, b_W, b_U = network.weights(layer)
        rows = torch.arange(spec.gates) * spec.hidden + unit  # this unit's row of each block
        input_terms, state_terms = W[rows] * x, U[rows] * h  # (block, inputs), (block, hidden)
        biases = b_W[rows], b_U[rows]  # (block,) each
    return xr.Dataset(
        {
            "from_input": ("block", input_terms.sum(1).numpy()),
            "from_state": ("block", state_terms.sum(1).numpy()),
            "bias_input": ("block", biases[0].numpy()),
            "bias_state": ("block", biases[1].numpy()),
            "input_terms": (("block", "input"), input_terms.numpy()),
            "state_terms": (("block", "unit"), state_terms.numpy()),
        },
        {"block": list(spec.blocks)},
        about(opened) | {"token": token, "layer": layer, "unit": unit},
    )
