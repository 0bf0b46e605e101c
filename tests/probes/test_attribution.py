"""Attributions: complete, as autograd has them, as done by hand, and blind to what comes later."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.attribution import METHODS, attributions, average, chance, rolled, spearman
from explorer.probes.stacks import read, stack_of
from tests.probes.conftest import in_double, open_trained

SENTENCE = "the cat sat on the mat"
TOKEN = 9


@pytest.fixture(scope="module", params=["rotary", "learned"])
def single(request: pytest.FixtureRequest) -> Opened:
    return open_trained(Model.parse({"kind": "transformer", "hidden": 16, "layers": 2, "heads": 2,
                                     "positions": request.param}))


@pytest.fixture(scope="module")
def opened(single: Opened) -> Opened:
    return in_double(single)


def test_integrated_gradients_are_complete(single: Opened, opened: Opened) -> None:
    for network, close in ((single, 1e-3), (opened, 1e-4)):
        found = attributions(network, SENTENCE, TOKEN)
        about = found.attrs
        explained = about["log_probability"] - about["baseline"]
        assert float(found["attribution"].sum()) - explained == pytest.approx(
            about["gap"], abs=1e-5)
        assert abs(about["gap"]) < close * abs(explained)
        assert about["steps"] in (32, 256)


def test_the_integral_is_the_one_of_the_definition(opened: Opened) -> None:
    """The same path, by the midpoint rule, in many small steps."""
    found = attributions(opened, SENTENCE, TOKEN)
    ids = torch.from_numpy(found["id"].values)
    F = chance(stack_of(opened), found.attrs["target"])
    x, base = stack_of(opened).encoder(ids[None]).detach(), average(opened)
    steps = 2000
    alphas = (torch.arange(steps, dtype=torch.double) + 0.5) / steps
    points = (base + alphas[:, None, None] * (x - base)).requires_grad_()
    [slope] = torch.autograd.grad(F(points).sum(), points)
    by_hand = ((x[0] - base) * slope.mean(0)).sum(-1)
    np.testing.assert_allclose(found["attribution"], by_hand, atol=1e-4)


def test_gradient_times_input_is_autograd_s(opened: Opened) -> None:
    found = attributions(opened, SENTENCE, TOKEN, target=4, method="gradient-input")
    ids = torch.from_numpy(found["id"].values)
    x = stack_of(opened).encoder(ids).detach().requires_grad_()
    stack = stack_of(opened)
    logits = stack.guess(stack.through(stack.placed(x[None]))[0])[0, -1]
    [slope] = torch.autograd.grad(logits.log_softmax(-1)[4], x)
    np.testing.assert_allclose(found["attribution"], (x * slope).sum(-1).detach(), rtol=1e-9)
    assert np.isnan(found.attrs["gap"])


def test_occlusion_is_what_is_lost_when_a_token_is_taken_away(opened: Opened) -> None:
    found = attributions(opened, SENTENCE, TOKEN, target=4, method="occlusion")
    ids = torch.from_numpy(found["id"].values)
    F, x = chance(stack_of(opened), 4), stack_of(opened).encoder(ids[None]).detach()
    with torch.no_grad():
        for t in range(len(ids)):
            less = x.clone()
            less[0, t] = average(opened)
            assert float(found["attribution"][t]) == pytest.approx(
                float(F(x) - F(less)), rel=1e-6, abs=1e-7)  # captum keeps single precision


def test_what_is_explained_is_the_network_s_own_guess(opened: Opened) -> None:
    ids = torch.from_numpy(opened.tokenizer.encode(SENTENCE).ids)
    with torch.no_grad():
        log_p = read(opened, ids)[0][TOKEN].log_softmax(-1)
    found = attributions(opened, SENTENCE, TOKEN, method="gradient-input").attrs
    assert found["target"] == int(log_p.argmax())
    assert found["target_label"] == opened.tokenizer.labels[found["target"]]
    assert found["log_probability"] == pytest.approx(float(log_p.max()), rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_what_comes_later_is_not_asked(opened: Opened, method: str) -> None:
    one = attributions(opened, SENTENCE, TOKEN, 4, method)  # type: ignore[arg-type]
    other = attributions(opened, SENTENCE[: TOKEN + 1] + "tttt", TOKEN, 4,
                         method)  # type: ignore[arg-type]
    assert one.sizes["token"] == TOKEN + 1
    np.testing.assert_array_equal(one["attribution"], other["attribution"])
    ids = torch.from_numpy(opened.tokenizer.encode(SENTENCE).ids)
    stack = stack_of(opened)
    x = stack.encoder(ids).detach().requires_grad_()
    logits = stack.guess(stack.through(stack.placed(x[None]))[0])[0, TOKEN]
    [slope] = torch.autograd.grad(logits.log_softmax(-1)[4], x)
    assert (slope[TOKEN + 1 :] == 0).all(), "nor would it matter"
    assert (slope[: TOKEN + 1] != 0).any(1).all()


def test_attention_beside_it_is_the_trace_s(opened: Opened) -> None:
    found = attributions(opened, SENTENCE, TOKEN, method="gradient-input")
    ids = torch.from_numpy(found["id"].values)
    with torch.no_grad():
        _, tape = read(opened, ids)
    weights = [tape.kept["attention"][("layer", layer),][0].mean(0) for layer in range(2)]
    np.testing.assert_allclose(found["attention"], weights[1][-1])
    own = torch.eye(TOKEN + 1, dtype=torch.double)
    by_hand = (0.5 * weights[1] + 0.5 * own) @ (0.5 * weights[0] + 0.5 * own)
    np.testing.assert_allclose(found["rollout"], by_hand[-1], rtol=1e-12)
    assert float(found["rollout"].sum()) == pytest.approx(1)
    size = np.abs(found["attribution"].values)
    for name in ("attention", "rollout"):
        expected = spearmanr(size, found[name].values).statistic
        assert float(found[f"rank_{name}"]) == pytest.approx(expected, abs=1e-12)


def test_rollout_by_hand() -> None:
    """Two layers that look at the first token only: three quarters of it come from there."""
    first = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    torch.testing.assert_close(rolled(torch.stack([first, first]))[-1],
                               torch.tensor([0.75, 0.25], dtype=torch.double))


def test_rankings_with_ties_and_without_order() -> None:
    one, other = np.array([1.0, 2, 2, 9]), np.array([0.0, 5, 1, 6])
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert spearman(one, -one) == pytest.approx(-1)
    assert np.isnan(spearman(np.ones(3), other[:3]))
    assert np.isnan(spearman(np.ones(1), np.ones(1)))


def test_the_vector_of_no_token_in_particular_is_the_text_s_mean(opened: Opened) -> None:
    text = opened.tokenizer.encode("tea")
    small = dataclasses.replace(opened)
    small.__dict__["corpus"] = text
    vectors = stack_of(opened).encoder.weight[torch.from_numpy(text.ids)]
    torch.testing.assert_close(average(small), vectors.mean(0), rtol=1e-12, atol=1e-12)


def test_one_token_and_wrong_wishes(opened: Opened) -> None:
    found = attributions(opened, "t", 0, method="gradient-input")
    assert found.sizes["token"] == 1
    assert np.isnan(found["rank_attention"])
    for wrong in ({"token": 22}, {"token": 0, "target": 10**6}, {"token": -1}):
        with pytest.raises(DataError, match="There is no"):
            attributions(opened, SENTENCE, **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no method “guess”"):
        attributions(opened, SENTENCE, 0, method="guess")  # type: ignore[arg-type]
