"""The training loop: a generator. No thread, no queue and no store in it; a test calls `next()`."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from explorer.errors import Diverged
from explorer.experiment import Experiment
from explorer.tasks.language_model import LanguageModel
from explorer.text import Tokenizer
from explorer.training.device import device
from explorer.training.events import Progress, Snapshot

VALIDATION = 8192  # tokens scored at a snapshot on the way; the last one scores all
SMOOTHING = 0.98  # of the loss behind the shown perplexity


def build(experiment: Experiment, vocabulary: int) -> nn.Module:
    """The network of an experiment as it is before the first step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        return experiment.model.build(vocabulary)


def train(
    experiment: Experiment,
    tokenizer: Tokenizer,
    *,
    resume: bytes | None = None,
    until: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress | Snapshot]:
    """Train, yielding a Snapshot before the first step and along the way, and Progress each step.

    resume: the `resume` of an earlier snapshot; training goes on from there as if never stopped.
    until: stop after this many steps, with a snapshot to go on from (default: all).
    stop: asked after each step; True ends there, likewise with a snapshot to go on from.
    On a CPU everything runs in one thread, and the same experiment gives the same weights, bit
    for bit. Raises Diverged when a loss or gradient is no longer finite.
    """
    torch.set_num_threads(1)
    training = experiment.training
    where = device()
    ids = torch.from_numpy(tokenizer.encode(experiment.text.content).ids).to(where)
    cut = len(ids) - round(len(ids) * experiment.data.held_out)
    held_in, held_out = ids[:cut], ids[cut:]

    network = build(experiment, tokenizer.size).to(where)
    optimizer = _optimizer(network, experiment)
    task: Any = experiment.task
    at = _Position()
    if resume is not None:
        at = _restore(resume, network, optimizer)
    last = min(training.steps, until if until is not None else training.steps)
    keep = set(training.snapshot_steps()) | {last}
    parameters = list(network.parameters())
    clip = training.clip or math.inf
    tokens = training.batch * training.window

    if resume is None:
        yield _snapshot(at, network, optimizer, task, held_out, training.steps)
    last_good = at.step
    began, done = time.perf_counter(), 0
    while at.step < last:
        step = at.step
        if any(layer.dropout for layer in network.modules() if isinstance(layer, nn.RNNBase)):
            torch.manual_seed(experiment.seed * 1_000_003 + step)
        inputs, targets, blank = task.batch(held_in, training, experiment.seed, step)
        loss, state = task.loss(network, inputs, targets, None if blank else at.state)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(parameters, clip))
        value = float(loss.detach())
        if not (math.isfinite(value) and math.isfinite(norm)):
            raise Diverged.at(step + 1, _first_broken(value, network), last_good)
        for group in optimizer.param_groups:
            group["lr"] = training.rate(step)
        optimizer.step()

        at.step, done = step + 1, done + 1
        at.state = None if training.sampling == "random" else _detached(state)
        at.smooth(value)
        if stop():
            last = at.step
            keep.add(last)
        speed = done * tokens / (time.perf_counter() - began)
        metrics = {"perplexity": math.exp(min(at.loss, 700.0)), "learning_rate": training.rate(step)}
        if at.step in keep:
            snapshot = _snapshot(at, network, optimizer, task, held_out, training.steps)
            metrics |= snapshot.metrics
        yield Progress(at.step, training.steps, value, metrics, norm, speed,
                       (training.steps - at.step) * tokens / speed)
        if at.step in keep:
            yield snapshot
            last_good = at.step


class _Position:
    """Where training stands, beside the weights and the optimiser."""

    def __init__(self) -> None:
        self.step = 0
        self.loss = math.nan  # smoothed
        self.best = math.inf  # lowest validation loss so far
        self.state: Any = None

    def smooth(self, value: float) -> None:
        memory = min(SMOOTHING, 1 - 1 / self.step)  # a plain mean at first
        self.loss = value if self.step == 1 else memory * self.loss + (1 - memory) * value


def _optimizer(network: nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
    training = experiment.training
    if training.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), training.learning_rate,
                               weight_decay=training.weight_decay)
    return torch.optim.AdamW(network.parameters(), training.learning_rate, fused=True,
                             weight_decay=training.weight_decay)


def _detached(state: Any) -> Any:
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def _first_broken(loss: float, network: nn.Module) -> str:
    """The name of the first tensor that is not finite, in the order of the computation."""
    for name, value in network.named_parameters():
        if not torch.isfinite(value).all():
            return f"{name}"
    if not math.isfinite(loss):
        return "loss"
    for name, value in network.named_parameters():
        if value.grad is not None and not torch.isfinite(value.grad).all():
            return f"gradient of {name}"
    return "gradient norm"


def _weights(network: nn.Module) -> dict[str, Tensor]:
    """The state dict without the second name of tied weights (safetensors keeps no aliases)."""
    seen: set[int] = set()
    kept: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        if value.data_ptr() not in seen:
            seen.add(value.data_ptr())
            kept[name] = value.detach().cpu().contiguous()
    return kept


def load_weights(network: nn.Module, weights: bytes) -> None:
    """Put a snapshot's weights into the network."""
    missing, unexpected = network.load_state_dict(load(weights), strict=False)
    aliases = set(network.state_dict()) - set(_weights(network))
    if unexpected or set(missing) - aliases:
        raise ValueError(f"these weights are another network's: {missing} {unexpected}")


def _snapshot(
    at: _Position, network: nn.Module, optimizer: torch.optim.Optimizer, task: Any,
    held_out: Tensor, steps: int,
) -> Snapshot:
    network.eval()
    loss, count = task.evaluate(network, held_out, None if at.step == steps else VALIDATION)
    network.train()
    best = loss < at.best or (math.isnan(loss) and at.step == steps)
    at.best = min(at.best, loss) if not math.isnan(loss) else at.best
    metrics = {} if math.isnan(loss) else {
        "validation_loss": loss, "validation_perplexity": math.exp(min(loss, 700.0)),
        "validation_tokens": float(count)}
    weights = _weights(network)
    return Snapshot(at.step, save(weights), _resume(at, weights, optimizer), metrics, best)


def _resume(
    at: _Position, weights: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> bytes:
    """All that is needed to go on, as one safetensors file."""
    tensors = {f"weights.{name}": value for name, value in weights.items()}
    for index, entry in optimizer.state_dict()["state"].items():
        for name, value in entry.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value.detach().cpu().contiguous()
    states = () if at.state is None else at.state if isinstance(at.state, tuple) else (at.state,)
    for index, value in enumerate(states):
        tensors[f"state.{index}"] = value.cpu().contiguous()
    about = {"step": at.step, "loss": at.loss, "best": at.best}
    return save(tensors, {"position": json.dumps(about)})


def _restore(data: bytes, network: nn.Module, optimizer: torch.optim.Optimizer) -> _Position:
    """Undo `_resume`."""
    tensors = load(data)
    length = int.from_bytes(data[:8], "little")
    about = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["position"])
    where = next(network.parameters()).device
    load_weights(network, save(_under("weights", tensors)))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer", tensors).items():
        index, _, field = name.partition(".")
        state.setdefault(int(index), {})[field] = value
    if state:
        optimizer.load_state_dict({"state": state,
                                   "param_groups": optimizer.state_dict()["param_groups"]})
    at = _Position()
    at.step, at.loss, at.best = about["step"], about["loss"], about["best"]
    carried = [value.to(where) for _, value in sorted(_under("state", tensors).items())]
    if carried:
        at.state = tuple(carried) if len(carried) > 1 else carried[0]
    return at


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix + "."): value for name, value in tensors.items()
            if name.startswith(prefix + ".")}
