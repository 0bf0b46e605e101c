"""A network while it learns: its weights, its optimiser, and where it stands in its text."""

from __future__ import annotations

import json
import math
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from explorer.errors import Diverged
from explorer.experiment import Experiment
from explorer.models.truncation import links
from explorer.text import Tokenizer
from explorer.training.device import device
from explorer.training.doctor import diagnose, named
from explorer.training.events import Snapshot

# Held-out tokens scored for each token trained on: by the snapshots on the way, all together, and
# by the last one. Scoring costs a third of training or a little more, so this takes some 2 % of
# the time.
ALONG, LAST = 0.015, 0.03
LEAST = 256  # tokens scored by any snapshot
SMOOTHING = 50  # steps behind the shown perplexity


def build(experiment: Experiment, *sizes: int) -> nn.Module:
    """The network of an experiment as it is before the first step. sizes: of its vocabularies."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        return experiment.task.build(experiment.model, *sizes)


class Learner:
    """step: how many steps were taken. loss: of the training text, smoothed, in nats per token."""

    def __init__(self, experiment: Experiment, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._training = experiment.training
        self._seed = experiment.seed
        self._task: Any = experiment.task
        self._network = build(experiment, *tokenizer.sizes).to(device())
        self._parameters = list(self._network.parameters())
        self._optimizer = _optimizer(self._network, experiment)
        self._optimizer.zero_grad()  # imports torch._dynamo, seconds long, before any clock runs
        self._draws = self._task.draws or any(
            layer.dropout if isinstance(layer, nn.RNNBase) else getattr(layer, "p", 0.0)
            for layer in self._network.modules())
        self.step = 0
        self.loss = math.nan
        self._best = math.inf  # lowest validation loss so far
        self._state: Any = None  # carried from window to window
        self._good = 0  # the last step whose snapshot was handed out

    def learn(self, ids: Any) -> tuple[float, float]:
        """Take one step. The loss (nats per token) and the gradient's norm before clipping.
        Raises Diverged, and leaves the weights as they were, when either is not finite."""
        training = self._training
        loss, state = self._forward(ids)
        for weight in self._parameters:
            weight.grad = None
        loss.backward()
        norm = clip(self._parameters, training.clipping(self.step) or math.inf)
        value = float(loss.detach())
        if not (math.isfinite(value) and math.isfinite(norm)):
            found = diagnose(self._network, lambda: self._forward(ids)[0])
            raise Diverged.at(self.step + 1, found.said, self._good, **found.more)
        for group in self._optimizer.param_groups:
            group["lr"] = training.rate(self.step)
        self._optimizer.step()

        self.step += 1
        self._state = None if training.sampling == "random" else _detached(state)
        self.loss = smooth(self.loss, value, self.step)
        return value, norm

    def _links(self) -> Tensor | None:
        """How this step's gradient passes from token to token; None: whole."""
        training = self._training
        if training.truncation == "full":
            return None
        # From the other end of this seed's numbers: batches and dropout draw from the beginning.
        draw = torch.Generator().manual_seed((self._seed + 1) * 1_000_003 - 1 - self.step)
        return links(training.truncation, training.window, training.truncate, training.batch, draw)

    def _forward(self, ids: Any) -> tuple[Tensor, Any]:
        """The loss of the step that is due, and the state after its windows: a pure function of
        the weights, so that the doctor can look at it once more."""
        if self._draws:
            torch.manual_seed(self._seed * 1_000_003 + self.step)
        inputs, targets, blank = self._task.batch(ids, self._training, self._seed, self.step)
        loss: Tensor
        loss, state = self._task.loss(self._network, inputs, targets,
                                      None if blank else self._state, self._links(),
                                      self._training.smoothing)
        return loss, state

    def snapshot(self, held_out: Any) -> Snapshot:
        """The weights now, scored on the held-out text. Raises Diverged when they, or the score,
        are not finite: what is kept can be used."""
        for name, value in self._network.named_parameters():
            if not torch.isfinite(value).all():
                raise Diverged.at(self.step, named(name), self._good, name=name)
        ends = self.step == self._training.steps
        self._network.eval()
        scored = self._scored(held_out, along=True)
        loss, count = self._evaluate(held_out, scored)
        if count and not math.isfinite(loss):
            found = diagnose(self._network, lambda: torch.tensor(
                self._evaluate(held_out, scored)[0]))
            raise Diverged.at(self.step, found.said, self._good, **found.more)
        best = loss < self._best if count else ends  # by the same tokens as all before
        self._best = min(self._best, loss) if count else self._best
        again, more = {}, self._scored(held_out, along=False)
        if ends and count and more > scored:
            again = {"validation_along": perplexity(loss)}
            loss, count = self._evaluate(held_out, more)
        measures = self._task.measures(self._network, held_out, self._tokenizer, ends)
        self._network.train()
        metrics = {"validation_loss": loss, "validation_tokens": float(count),
                   "validation_perplexity": perplexity(loss), **again, **measures} if count else {}
        weights = _weights(self._network)
        self._good = self.step
        return Snapshot(self.step, save(weights), self._resume(), metrics, best)

    def _evaluate(self, held_out: Any, limit: int) -> tuple[float, int]:
        found: tuple[float, int] = self._task.evaluate(
            self._network, held_out, limit, self._training.window)
        return found

    def _scored(self, held_out: Any, along: bool) -> int:
        """How many held-out tokens a snapshot along the way scores, or the last one."""
        training = self._training
        trained = training.steps * self._task.step_tokens(held_out, training)
        return max(LEAST, int(ALONG * trained / training.snapshots if along else LAST * trained))

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot, as if never stopped."""
        tensors = load(resume := snapshot.resume)
        length = int.from_bytes(resume[:8], "little")
        about = json.loads(json.loads(resume[8 : 8 + length])["__metadata__"]["position"])
        where = self._parameters[0].device
        load_weights(self._network, snapshot.weights)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer", tensors).items():
            index, _, field = name.partition(".")
            state.setdefault(int(index), {})[field] = value
        if state:
            groups = self._optimizer.state_dict()["param_groups"]
            self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.step, self.loss, self._best = about["step"], about["loss"], about["best"]
        self._good = self.step
        carried = [value.to(where) for _, value in sorted(_under("state", tensors).items())]
        if carried:
            self._state = tuple(carried) if len(carried) > 1 else carried[0]

    def _resume(self) -> bytes:
        """All that is needed to go on beside the weights, as one safetensors file."""
        tensors: dict[str, Tensor] = {}
        for index, entry in self._optimizer.state_dict()["state"].items():
            for name, value in entry.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{index}.{name}"] = value.detach().cpu().contiguous()
        state = self._state
        carried = () if state is None else state if isinstance(state, tuple) else (state,)
        for index, value in enumerate(carried):
            tensors[f"state.{index}"] = value.cpu().contiguous()
        about = {"step": self.step, "loss": self.loss, "best": self._best}
        return save(tensors, {"position": json.dumps(about)})


def clip(parameters: list[nn.Parameter], limit: float) -> float:
    """Scale the gradients down to a common norm of `limit` where it is greater; the norm before.

    Bit for bit as `torch.nn.utils.clip_grad_norm_`, which also multiplies them by 1 where it is
    not, and sorts them by device and type at each step: 4 % of a small network's step.
    """
    found = [weight.grad for weight in parameters if weight.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack(
        [torch.linalg.vector_norm(gradient) for gradient in found]))
    share = limit / (norm + 1e-6)
    if share < 1:
        for gradient in found:
            gradient.mul_(share)
    return float(norm)


def smooth(before: float, value: float, step: int) -> float:
    """The mean over about the last tenth of the steps, at most `SMOOTHING` of them."""
    share = max(1 / SMOOTHING, 10 / (step + 9))
    return value if step == 1 else (1 - share) * before + share * value


def perplexity(loss: float) -> float:
    """exp of a loss in nats; at most 1e304, so that it can be written down."""
    return math.exp(min(loss, 700.0))


def load_weights(network: nn.Module, weights: bytes) -> None:
    """Put a snapshot's weights into the network. Raises ValueError: another network's."""
    missing, unexpected = network.load_state_dict(load(weights), strict=False)
    aliases = set(network.state_dict()) - set(_weights(network))
    if unexpected or set(missing) - aliases:
        raise ValueError(f"these weights are another network's: {missing} {unexpected}")


def _optimizer(network: nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
    training = experiment.training
    if training.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), training.learning_rate,
                               weight_decay=training.weight_decay)
    return torch.optim.AdamW(network.parameters(), training.learning_rate, fused=True,
                             weight_decay=training.weight_decay)


def _detached(state: Any) -> Any:
    if state is None:
        return None
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def _weights(network: nn.Module) -> dict[str, Tensor]:
    """The state dict without the second name of tied weights (safetensors keeps no aliases)."""
    seen: set[int] = set()
    kept: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        if value.data_ptr() not in seen:
            seen.add(value.data_ptr())
            kept[name] = value.detach().cpu().contiguous()
    return kept


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix + "."): value for name, value in tensors.items()
            if name.startswith(prefix + ".")}
