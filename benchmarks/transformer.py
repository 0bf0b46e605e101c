"""The Transformer against two peers.

**training**: tokens per second of our loop over a bare loop of `nn.TransformerEncoder` of the same
size (pre-norm, GELU, learnt positions, a causal mask), in turns of a few steps as in `training`.

**nanoGPT**: seconds to the held-out loss at which nanoGPT's recipe for a CPU ends: 4 layers, 4
heads, 128 wide, windows of 64, batches of 12, 2,000 steps of AdamW (β 0.9 and 0.99, decay 0.1 of
matrices), the rate rising to 1e-3 over 100 steps and falling as a cosine to 1e-4, clipping at 1,
weights drawn with 0.02. Written anew on PyTorch's own layers. Ours has the same size and reads
1 MB of the same text. Both are scored on the same held-out windows of 64, each token of them from
what stands before it in its window. Seconds are those of the one thread that trains.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.rows import Row
from benchmarks.training import compare
from explorer.experiment import Experiment
from explorer.text import Text, Tokenizer, corpus
from explorer.training.events import Progress
from explorer.training.learner import Learner
from explorer.training.loop import split

SIZE = {"kind": "transformer", "hidden": 128, "layers": 4, "heads": 4}
WINDOW, BATCH, STEPS, WARMUP = 64, 12, 2000, 100
CHARACTERS = 1_000_000
OURS = {"steps": 800, "batch": 12, "learning_rate": 0.005}
SCORED = 400  # held-out windows


class Peer(nn.Module):
    """A decoder-only Transformer of PyTorch's own layers. small: weights drawn as nanoGPT does."""

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int, small: bool) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, F.gelu, batch_first=True,
                                           norm_first=True)
        self.embed, self.places = nn.Embedding(vocabulary, width), nn.Embedding(1024, width)
        self.blocks = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width),
                                            enable_nested_tensor=False)
        self.decode = nn.Linear(width, vocabulary, bias=False)
        self.decode.weight = self.embed.weight
        if small:
            for name, value in self.named_parameters():
                if value.dim() > 1:
                    last = name.endswith(("out_proj.weight", "linear2.weight"))
                    nn.init.normal_(value, std=0.02 / math.sqrt(2 * layers) if last else 0.02)
                elif name.endswith("bias"):
                    nn.init.zeros_(value)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> logits (B, T, V)"""
        T = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(T)
        x = self.embed(ids) + self.places(torch.arange(T))
        logits: Tensor = self.decode(self.blocks(x, mask, is_causal=True))
        return logits


def bare(experiment: Experiment, tokenizer: Tokenizer) -> Iterator[None]:
    """The ten lines: one step at each `next`."""
    spec, training = experiment.model.model_dump(), experiment.training
    ids = torch.from_numpy(tokenizer.encode(experiment.text.content).ids)
    network = Peer(tokenizer.size, spec["hidden"], spec["layers"], spec["heads"], False)
    optimizer = torch.optim.AdamW(network.parameters(), training.learning_rate, fused=True)
    steps = torch.arange(training.window + 1)
    while True:
        start = torch.randint(len(ids) - training.window, (training.batch,))
        window = ids[start[:, None] + steps]  # (B, T + 1)
        loss = F.cross_entropy(network(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), training.clip)
        optimizer.step()
        yield


def text() -> Text:
    """1 MB that every machine has: Python's reference and source."""
    import _pydecimal

    parts = (corpus("python-reference").content, corpus("python-source").content,
             inspect.getsource(_pydecimal))
    return Text("Python", "\n".join(parts)[:CHARACTERS])


def windows(held_out: Tensor) -> Tensor:
    """The held-out windows that both are scored on, (n, WINDOW + 1)."""
    places = torch.arange(SCORED) * (len(held_out) - WINDOW - 1) // SCORED
    return held_out[places[:, None] + torch.arange(WINDOW + 1)]


@torch.no_grad()
def scored(logits: Tensor, some: Tensor) -> float:
    """Nats per token. logits (n, WINDOW, V)."""
    return float(F.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten()))


def nanogpt(held_in: Tensor, some: Tensor, vocabulary: int) -> tuple[float, float]:
    """Seconds of its recipe, and the loss at which it ends."""
    torch.manual_seed(0)
    network = Peer(vocabulary, 128, 4, 4, True)
    matrices = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        1e-3, betas=(0.9, 0.99), fused=True)
    began = time.process_time()
    for step in range(STEPS):
        share = (step - WARMUP) / (STEPS - WARMUP)
        rate = 1e-3 * step / WARMUP if step < WARMUP else (
            1e-4 + 0.5 * (1 + math.cos(math.pi * share)) * 9e-4)
        start = torch.randint(len(held_in) - WINDOW, (BATCH,))
        window = held_in[start[:, None] + torch.arange(WINDOW + 1)]
        loss = F.cross_entropy(network(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    seconds = time.process_time() - began
    with torch.no_grad():
        return seconds, scored(network.eval()(some[:, :-1]), some)


def explorers(experiment: Experiment, tokenizer: Tokenizer, some: Tensor) -> tuple[float, float]:
    """Seconds of our loop with its snapshots, and the loss at which it ends."""
    from explorer.training import loop

    kept: list[Learner] = []

    class Kept(Learner):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            kept.append(self)

    loop.Learner, before = Kept, loop.Learner  # type: ignore[misc]
    try:
        began = time.process_time()
        for event in loop.train(experiment, tokenizer):
            assert not isinstance(event, Progress) or math.isfinite(event.loss)
        seconds = time.process_time() - began
    finally:
        loop.Learner = before  # type: ignore[misc]
    with torch.no_grad():
        logits, _ = kept[0]._network.eval()(some[:, :-1].T)  # (T, n, V)
        return seconds, scored(logits.transpose(0, 1), some)


def measure() -> Iterator[Row]:
    torch.set_num_threads(1)
    story = corpus("story-en")
    for hidden, layers in ((128, 2), (256, 2), (128, 4)):
        model = {"kind": "transformer", "hidden": hidden, "layers": layers, "positions": "learned"}
        experiment = Experiment.language_model(story, model=model, quality="quick")
        tokenizer = Tokenizer.learn(story, experiment.tokens)
        training = experiment.training
        ours, theirs = compare(experiment, tokenizer, bare)
        tokens = training.steps * training.batch * training.window
        yield Row(f"training transformer {layers} × {hidden}", theirs / ours, 0.95, True,
                  f"{tokens / ours:,.0f} tokens/s", f"{tokens / theirs:,.0f}")
    experiment = Experiment.language_model(text(), model=SIZE, window=WINDOW, **OURS)
    tokenizer = Tokenizer.learn(experiment.text, experiment.tokens)
    held_in, held_out = split(experiment, tokenizer)
    some = windows(held_out)
    seconds, reached = explorers(experiment, tokenizer, some)
    peer, target = nanogpt(held_in, some, tokenizer.size)
    yield Row("loss of nanoGPT's end", peer / seconds if reached <= target else 0.0, 2.0, True,
              f"{reached:.3f} after {seconds:.1f} s", f"{target:.3f} after {peer:.1f} s")
