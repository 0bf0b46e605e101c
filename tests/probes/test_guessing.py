"""Networks that carry no state: what they guess, write and search within their windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.models import Model
from explorer.probes import PROBES, Opened
from explorer.probes.generation import generate
from explorer.probes.guessing import guesses
from explorer.probes.surprisal import surprisal
from explorer.tasks.language_model import LanguageModel
from tests.probes.conftest import in_double, open_trained

WINDOW = 16  # of their training: see conftest


@pytest.fixture(scope="module", params=["rotary", "learned"])
def reader(request: pytest.FixtureRequest) -> Opened:
    model = {"kind": "transformer", "hidden": 16, "layers": 2, "heads": 2,
             "positions": request.param, "context": WINDOW}
    return in_double(open_trained(Model.parse(model)))


@pytest.fixture(scope="module", params=["aaren", "cnn"])
def carrier(request: pytest.FixtureRequest) -> Opened:
    return in_double(open_trained(Model.parse({"kind": request.param, "hidden": 16})))


def ids(opened: Opened, count: int) -> torch.Tensor:
    return torch.from_numpy(opened.corpus.ids[:count])


@pytest.mark.parametrize("count", [1, 15, 16, 17, 24, 25, 60])
def test_each_guess_sees_at_least_half_a_window(reader: Opened, count: int) -> None:
    read = ids(reader, count)
    with torch.no_grad():
        found = guesses(reader, read)
        for t in range(count):
            starts = [max(0, t + 1 - WINDOW + back) for back in range(WINDOW // 2)]
            several = [reader.network(read[s : t + 1, None])[0][-1, 0] for s in set(starts)]
            nearest = min(float((found[t] - one).abs().max()) for one in several)
            assert nearest < 1e-12


def test_it_writes_from_what_it_remembers_as_if_it_read_anew(reader: Opened) -> None:
    written = generate(reader, prefix="the cat", tokens=30, temperature=0)
    found = written["id"].values.tolist()
    with torch.no_grad():
        for t in range(7, len(found)):
            last = torch.tensor(found[max(0, t - WINDOW) : t])[:, None]
            assert int(reader.network(last)[0][-1, 0].argmax()) == found[t]


def test_what_carries_a_state_writes_from_it(carrier: Opened) -> None:
    found = generate(carrier, prefix="the cat", tokens=40, temperature=0)["id"].values.tolist()
    with torch.no_grad():
        whole = carrier.network(torch.tensor(found)[:, None])[0][:, 0].argmax(-1)
    assert whole[6:-1].tolist() == found[7:]


def test_surprisal_is_of_those_guesses(reader: Opened) -> None:
    text = reader.experiment.text.content[:50]
    bits = surprisal(reader, text)["bits"].values[1:]
    read = ids(reader, 50)
    with torch.no_grad():
        p = guesses(reader, read)[:-1].softmax(-1).gather(1, read[1:, None])[:, 0]
    np.testing.assert_allclose(bits, -np.log2(p.numpy()), atol=1e-9)


def test_held_out_text_is_scored_within_windows(reader: Opened) -> None:
    held_out = ids(reader, 101)
    with torch.no_grad():
        loss, count = LanguageModel.evaluate(reader.network, held_out, None, WINDOW)
        paid = []
        for start in range(0, 100, 8):
            read = held_out[max(0, start - 8) : min(start + 8, 100)]
            guess = reader.network(read[:, None])[0][:, 0].log_softmax(-1)
            end = min(start + 8, 100)
            for t in range(start, end):
                paid.append(-float(guess[t - max(0, start - 8), held_out[t + 1]]))
    assert count == 100
    assert loss == pytest.approx(np.mean(paid), abs=1e-9)


@pytest.mark.parametrize("method", ["beam", "sampling"])
def test_it_is_searched_as_any_other(reader: Opened, carrier: Opened, method: str) -> None:
    for opened in (reader, carrier):
        found = PROBES["search"](opened, "the cat ", method=method, width=2, longest=5)
        assert len(found.attrs["text"]) == 5
