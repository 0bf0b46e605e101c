"""One step of the cell with its numbers: what each gate's sum is made of."""

from __future__ import annotations

import torch
import xarray as xr

from explorer.errors import DataError
from explorer.models.tape import Tape, record
from explorer.probes.capture import about, admit, stacked, through_layers
from explorer.probes.opened import Opened
from explorer.words import N_


def inspect(
    opened: Opened, text: str, token: int, layer: int = 0, unit: int = 0, direction: int = 0
) -> xr.Dataset:
    """The sums behind one unit at one token, per gate block in PyTorch's order (axis `block`):
    `from_input` = (W x)_unit, `from_state` = (U h)_unit, `bias_input`, `bias_state`; and the terms
    of the two products: `input_terms` (block, input), `state_terms` (block, unit).

    direction: 1 is the layer's half that reads backwards: its h comes from the token after.
    Raises DataError when token, layer, unit or direction is outside the text or network.
    """
    tokens = admit(opened, text)
    network = opened.network
    spec = network.spec
    for name, value, count in (
        ("token", token, len(tokens)),
        ("layer", layer, spec.layers),
        ("unit", unit, spec.hidden),
        ("direction", direction, spec.directions),
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
        ids = torch.from_numpy(tokens.ids if spec.bidirectional else tokens.ids[: token + 1])
        through_layers(opened, ids)
        hidden = stacked(tape.kept["hidden"])  # (layer, direction, token, unit)
        below = torch.from_numpy(hidden[layer - 1, :, token].ravel())  # (width,)
        x = network.read(ids)[token] if layer == 0 else below  # (inputs,)
        before = token + 1 if direction else token - 1
        known = 0 <= before < len(tokens)
        h = torch.from_numpy(hidden[layer, direction, before if known else 0]) * known  # (hidden,)
        W, U, b_W, b_U = network.weights(layer, direction)
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
        about(opened)
        | {"token": token, "layer": layer, "unit": unit, "direction": direction},
    )
