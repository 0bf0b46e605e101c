"""A network with parts of it silenced: to the bit, by its weights, and by hand."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models import Model
from explorer.models.tape import Tape
from explorer.probes import Opened
from explorer.probes.ablation import Instead, ablated, ablations, averages, silent
from explorer.probes.stacks import read, stack_of
from tests.probes.conftest import in_double, open_trained

SENTENCE = "the cat sat on the mat"
LAYERS, HEADS, W = 2, 4, 16


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "split"])
def opened(request: pytest.FixtureRequest) -> Opened:
    return in_double(open_trained(Model.parse({
        "kind": "transformer", "hidden": W, "layers": LAYERS, "heads": HEADS,
        "split": request.param})))


def ids(opened: Opened) -> torch.Tensor:
    return torch.from_numpy(opened.tokenizer.encode(SENTENCE).ids)


def mean_loss(opened: Opened) -> float:
    """Nats a token, by PyTorch and the fused kernel."""
    x = ids(opened)
    with torch.no_grad():
        logits, _ = stack_of(opened)(x[:, None])
    return float(F.cross_entropy(logits[:-1, 0], x[1:]))


def without(opened: Opened, change: dict[str, slice]) -> Opened:
    """A copy whose weights of these names have zeros in these columns."""
    network = copy.deepcopy(opened.network)
    weights = dict(network.named_parameters())
    with torch.no_grad():
        for name, columns in change.items():
            weights[name][..., columns] = 0
    return dataclasses.replace(opened, network=network)


def test_silencing_nothing_changes_nothing_to_the_bit(opened: Opened) -> None:
    nothing = Instead(torch.zeros(LAYERS, HEADS, W // HEADS), torch.zeros(LAYERS, W))
    with torch.no_grad():
        plain, _ = read(opened, ids(opened), Tape())
        same, _ = read(opened, ids(opened), silent((), (), nothing))
    assert torch.equal(plain, same)
    both = ablated(opened, SENTENCE, token=3)
    for name in ("loss", "logits"):
        np.testing.assert_array_equal(both[name].values[0], both[name].values[1])
    np.testing.assert_array_equal(both["logits"].values[0], plain[3])


def test_a_silent_head_is_one_whose_columns_of_the_output_matrix_are_zero(opened: Opened) -> None:
    found = ablations(opened, SENTENCE)
    assert found.attrs["loss"] == pytest.approx(mean_loss(opened), rel=1e-12)
    d = W // HEADS
    for layer in range(LAYERS):
        for head in range(HEADS):
            columns = slice(head * d, (head + 1) * d)
            same = without(opened, {f"blocks.{layer}.mix.out.weight": columns})
            assert float(found["without_head"][layer, head]) == pytest.approx(
                mean_loss(same), rel=1e-12)


def test_a_silent_feed_forward_layer_is_one_without_output(opened: Opened) -> None:
    found = ablations(opened, SENTENCE)
    for layer in range(LAYERS):
        same = without(opened, {f"blocks.{layer}.feed.down.weight": slice(None),
                                f"blocks.{layer}.feed.down.bias": slice(None)})
        assert float(found["without_feed"][layer]) == pytest.approx(mean_loss(same), rel=1e-12)


def test_several_at_once_and_what_is_guessed_then(opened: Opened) -> None:
    d = W // HEADS
    found = ablated(opened, SENTENCE, token=5, heads=[[0, 1], [0, 3], [1, 0]], feeds=[1])
    same = without(opened, {"blocks.0.mix.out.weight": slice(d, 2 * d),
                            "blocks.1.mix.out.weight": slice(0, d),
                            "blocks.1.feed.down.weight": slice(None),
                            "blocks.1.feed.down.bias": slice(None)})
    same = without(same, {"blocks.0.mix.out.weight": slice(3 * d, 4 * d)})
    with torch.no_grad():
        logits, _ = stack_of(same)(ids(opened)[:, None])
    np.testing.assert_allclose(found["logits"].sel(network="silenced"), logits[5, 0], rtol=1e-10)
    assert float(found["loss"].sel(network="silenced")[1:].mean()) == pytest.approx(
        mean_loss(same), rel=1e-12)
    assert float(found["loss"].sel(network="whole")[1:].mean()) == pytest.approx(
        mean_loss(opened), rel=1e-12)
    assert found["loss"].isnull().values.sum() == 2
    assert (found.attrs["heads"], found.attrs["feeds"]) == ("0.1 0.3 1.0", "1")


def test_the_mean_is_that_of_the_run_s_own_text(opened: Opened) -> None:
    """A corpus of one window, read once more: the mean over its tokens, by hand."""
    short = opened.tokenizer.encode(SENTENCE[:16])
    one = dataclasses.replace(opened)
    one.__dict__["corpus"] = short
    found = averages(one)
    with torch.no_grad():
        _, tape = read(opened, torch.from_numpy(short.ids))
    for layer in range(LAYERS):
        mixed = tape.kept["mixed"][("layer", layer),][0]  # (heads, T, d)
        torch.testing.assert_close(found.mixed[layer], mixed.mean(1), rtol=1e-12, atol=1e-12)
        fed = tape.kept["fed"][("layer", layer),][0]
        torch.testing.assert_close(found.fed[layer], fed.mean(0), rtol=1e-12, atol=1e-12)


def test_by_hand_on_a_network_of_one_number() -> None:
    """Width 1, one head, no norm: the head looks at one token, itself, so that silencing it takes
    out.weight · v from the stream, and silencing the feed-forward layer what that adds."""
    opened = in_double(open_trained(Model.parse({
        "kind": "transformer", "hidden": 1, "layers": 1, "heads": 1, "positions": "none",
        "norm": "none", "expansion": 1, "activation": "relu", "tied": False}), steps=1))
    net = stack_of(opened)
    values = {"in_weight": [[[0.0]], [[0.0]], [[2.0]]], "in_bias": [[0.0], [0.0], [1.0]],
              "out.weight": [[3.0]], "out.bias": [0.5]}
    with torch.no_grad():
        for name, value in values.items():
            net.blocks[0].mix.get_parameter(name).copy_(torch.tensor(value))
        for name, value in {"up.weight": [[1.0]], "up.bias": [1.0], "down.weight": [[4.0]],
                            "down.bias": [0.25]}.items():
            net.blocks[0].feed.get_parameter(name).copy_(torch.tensor(value))
        net.encoder.weight.fill_(1.0)
        net.decoder.weight.fill_(0.0)
        net.decoder.weight[2, 0] = 1.0
        net.decoder.bias.zero_()
    x = 1.0
    v = 2 * x + 1
    middle = x + 3 * v + 0.5  # 10.5
    whole = middle + 4 * (middle + 1) + 0.25
    mute = x + 0.5  # the head is silent, the bias behind it is not
    no_head = mute + 4 * (mute + 1) + 0.25
    both = ablated(opened, "t", heads=[[0, 0]])["logits"].values[:, 2]
    np.testing.assert_allclose(both, [whole, no_head])
    np.testing.assert_allclose(ablated(opened, "t", feeds=[0])["logits"].values[1, 2], middle)


def test_what_is_not_there_is_refused(opened: Opened) -> None:
    for wrong in ({"token": 22}, {"heads": [[2, 0]]}, {"heads": [[0, 4]]}, {"feeds": [-1]}):
        with pytest.raises(DataError, match="There is no"):
            ablated(opened, SENTENCE, **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no way “loudly”"):
        ablations(opened, SENTENCE, how="loudly")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="at least two"):
        ablations(opened, "t")
    assert np.isnan(ablated(opened, "t")["loss"]).all()


def test_a_long_text_is_cropped_and_says_so(opened: Opened) -> None:
    found = ablations(opened, "cat " * 501)
    assert (found.attrs["read"], found.attrs["of"]) == (256, 2004)
