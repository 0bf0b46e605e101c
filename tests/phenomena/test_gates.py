"""The gates of the trace are PyTorch's (phenomenon 28), and z of a GRU keeps the old state."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from explorer.experiment import Experiment
from explorer.models import Model
from explorer.models.network import Network
from explorer.probes import Opened
from explorer.probes.capture import trace
from explorer.text import Text, Tokenizer
from tests.phenomena.seeds import SEEDS

TEXT = Text("rhyme", 'the cat (a fat cat) sat on "the mat, the flat mat" and that was that. ' * 20)
SENTENCE = 'a cat, "a fat cat", sat (flat).'
pytestmark = pytest.mark.phenomena


def in_double(kind: str, seed: int) -> Opened:
    """A network with weights large enough to move every gate, in float64."""
    experiment = Experiment.language_model(
        TEXT, model=Model.parse({"kind": kind, "hidden": 16, "embedding": 8}), seed=seed)
    tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
    torch.manual_seed(seed)
    network = experiment.model.build(tokenizer.size).double().eval()
    assert isinstance(network, Network)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(2)
    return Opened(experiment.key, 0, experiment, tokenizer, network)


def inputs(opened: Opened, seen: xr.Dataset) -> torch.Tensor:
    return opened.network.read(torch.from_numpy(seen["id"].values))  # (T, inputs)


def close(seen: xr.Dataset, name: str, theirs: list[torch.Tensor]) -> None:
    ours = seen[name].values[0, 0]  # (token, unit)
    np.testing.assert_allclose(ours, torch.stack(theirs), rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by_cell", [False, True])
def test_every_value_of_the_lstm_is_that_of_lstmcell(seed: int, by_cell: bool) -> None:
    opened = in_double("lstm", seed)
    seen = trace(opened, SENTENCE, by_cell=by_cell)
    w = opened.network.weights(0)
    cell = nn.LSTMCell(8, 16).double()
    cell.load_state_dict(dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), w,
                                  strict=True)))
    h, c = torch.zeros(2, 16, dtype=torch.float64)
    found: dict[str, list[torch.Tensor]] = {name: [] for name in
                                            ("input", "forget", "candidate", "output", "cell",
                                             "hidden")}
    with torch.no_grad():
        for x in inputs(opened, seen):
            # the gates, which the cell does not give away, from its own weights, block by block
            sums = nn.functional.linear(x, cell.weight_ih, cell.bias_ih) + nn.functional.linear(
                h, cell.weight_hh, cell.bias_hh)
            for i, (name, bend) in enumerate((("input", torch.sigmoid), ("forget", torch.sigmoid),
                                              ("candidate", torch.tanh),
                                              ("output", torch.sigmoid))):
                found[name].append(bend(sums[16 * i : 16 * (i + 1)]))
            h, c = cell(x, (h, c))
            found["cell"].append(c)
            found["hidden"].append(h)
    for name, theirs in found.items():
        close(seen, name, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_update_gate_of_the_gru_keeps_the_old_state_as_in_grucell(seed: int) -> None:
    opened = in_double("gru", seed)
    seen = trace(opened, SENTENCE)
    cell = nn.GRUCell(8, 16).double()
    cell.load_state_dict(dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
                                  opened.network.weights(0), strict=True)))
    h, shown = torch.zeros(16, dtype=torch.float64), []
    with torch.no_grad():
        for x in inputs(opened, seen):
            h = cell(x, h)
            shown.append(h)
    close(seen, "hidden", shown)
    before = np.vstack([np.zeros((1, 16)), seen["hidden"].values[0, 0, :-1]])
    z, n = (seen[name].values[0, 0] for name in ("update", "candidate"))
    np.testing.assert_allclose(z * before + (1 - z) * n, torch.stack(shown), rtol=0, atol=1e-12)


def test_with_its_update_gate_open_a_gru_keeps_what_it_had() -> None:
    """z → 1 by its bias: the state stands still; z → 0: it is written anew at each step."""
    for bias, kept in ((40.0, True), (-40.0, False)):
        opened = in_double("gru", 0)
        with torch.no_grad():
            opened.network.core.bias_ih_l0[16:32] = bias
        seen = trace(opened, SENTENCE)
        h, n = (seen[name].values[0, 0] for name in ("hidden", "candidate"))
        np.testing.assert_allclose(h, np.zeros_like(h) if kept else n, atol=1e-12)
