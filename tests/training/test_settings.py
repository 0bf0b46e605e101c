"""Label smoothing and the warm-up of the Transformer's paper."""

from __future__ import annotations

import math

import pytest
import torch

from explorer.errors import ExperimentError
from explorer.experiment import Experiment, Training
from explorer.tasks.base import guess_loss
from explorer.text import Text

TEXT = Text("abc", "abcdefgh " * 400)


def test_smoothing_changes_the_gradient_and_not_the_value() -> None:
    true = torch.tensor([2, 0, 1])
    plain, smooth = (torch.randn(3, 4, dtype=torch.float64,
                                 generator=torch.Generator().manual_seed(0)).requires_grad_()
                     for _ in range(2))
    one, other = guess_loss(plain, true), guess_loss(smooth, true, 0.3)
    assert one.item() == pytest.approx(other.item(), abs=1e-15)
    other.backward()
    p = smooth.detach().softmax(-1)
    wanted = 0.7 * torch.nn.functional.one_hot(true, 4).double() + 0.3 / 4
    torch.testing.assert_close(smooth.grad, (p - wanted) / 3, rtol=0, atol=1e-12)


def test_the_warm_up_is_the_papers() -> None:
    """lrate = d^−0.5 · min(step^−0.5, step · warmup^−1.5), up to its constant."""
    how = Training(schedule="warm-up", warmup=40, learning_rate=0.01, steps=400)
    paper = [min((step + 1) ** -0.5, (step + 1) * 40**-1.5) for step in range(400)]
    for step in range(400):
        assert how.rate(step) == pytest.approx(0.01 * paper[step] / max(paper), rel=1e-12)
    assert how.rate(39) == pytest.approx(0.01)


def test_what_came_later_leaves_old_keys_alone() -> None:
    experiment = Experiment.language_model(TEXT, model="rnn", steps=3)
    written = experiment.model_dump(mode="json")["training"]
    assert not {"warmup", "smoothing"} & set(written)


@pytest.mark.parametrize(("training", "said"), [
    ({"sampling": "sequential"}, "carries no state"),
    ({"truncation": "regular"}, "nothing to cut"),
    ({"window": 128}, "longer than the places"),
])
def test_what_a_transformer_cannot(training: dict[str, object], said: str) -> None:
    model = {"kind": "transformer", "positions": "learned", "context": 64, "hidden": 8, "heads": 1}
    with pytest.raises(ExperimentError, match=said):
        Experiment.language_model(TEXT, model=model, **{"window": 32, "steps": 2} | training)


@pytest.mark.parametrize("kind", ["transformer", "aaren", "cnn"])
def test_each_learns(kind: str) -> None:
    from explorer.text import Tokenizer
    from explorer.training.events import Progress
    from explorer.training.loop import train

    experiment = Experiment.language_model(
        TEXT, model={"kind": kind, "hidden": 16, "layers": 2}, steps=60, window=16, batch=16,
        learning_rate=0.01)
    seen = [event.loss for event in train(experiment, Tokenizer.learn(TEXT, experiment.tokens))
            if isinstance(event, Progress)]
    assert seen[0] > math.log(9) * 0.7
    assert seen[-1] < 0.7
