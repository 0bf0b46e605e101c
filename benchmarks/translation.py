"""How fast a network learns to translate.

Two rows. The first: seconds from the click to a held-out BLEU of 20 on 20,000 uploaded pairs (the
English–French file in the folder EXPLORER_TEST_DATA; without it, the built-in pairs, on which a
BLEU of 20 comes sooner), at the page's own defaults, vocabularies and snapshots counted in. What
counts is the BLEU at the end: of 1,000 held-out sentences, each translated once, by the likeliest
token at each step, against every translation that the file gives.

The second: seconds of thread until the masked loss of training falls to that of the notes' recipe
(Zhang et al., Dive into Deep Learning, ch. 10.7): the first 600 pairs, two layers of 32 GRU units,
embeddings of 32, dropout 0.1, batches of 64, ten steps, Adam with rate 0.005 and gradients clipped
at 1, 300 epochs; written anew. The target is the mean over the recipe's last ten epochs, and both
sides are read alike: the masked loss of all 600 pairs in evaluation mode, after each epoch. Ours is
`explorer.training.loop.train` with its progress and snapshots.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from benchmarks.rows import Row
from explorer.experiment import Experiment
from explorer.tasks.pairing import Coded, coded
from explorer.tasks.translation import Translation, masked_loss
from explorer.text.pair_corpora import pair_corpus
from explorer.text.pairs import Pairs
from explorer.text.sentences import Sentences
from explorer.text.types import Tokenisation
from explorer.training.learner import Learner
from explorer.training.loop import split, train

BLEU, SECONDS = 20.0, 90.0
FIRST, BATCH, UNITS, EPOCHS, STEPS, RATE = 600, 64, 32, 300, 10, 0.005
LAST = 10  # epochs of the recipe whose mean is the target
OURS: dict[str, Any] = {"epochs": 120, "learning_rate": 0.01, "batch": 64}


def uploaded() -> Pairs:
    """The file that a learner brings."""
    folder = os.environ.get("EXPLORER_TEST_DATA")
    if not folder:
        return pair_corpus("english-french")
    file = Path(folder) / "eng-fra.tsv"
    return Pairs.decode(file.name, file.read_bytes())


def until_bleu() -> tuple[float, float]:
    """Wall-clock seconds of all of the training, and the last snapshot's held-out BLEU. Those on
    the way translate too few sentences to be believed."""
    began, bleu = time.perf_counter(), 0.0
    experiment = Experiment.translation(uploaded())
    tokenizer = experiment.task.tokenizer(experiment.text, experiment.tokens)
    for event in train(experiment, tokenizer):
        bleu = event.metrics.get("bleu", bleu)
    return time.perf_counter() - began, bleu


class Recipe(nn.Module):
    """The notes' encoder–decoder: the encoder's last state at every step of the decoder."""

    def __init__(self, source: int, target: int) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(source, UNITS), nn.Embedding(target, UNITS)
        self.encoder = nn.GRU(UNITS, UNITS, 2, dropout=0.1)
        self.decoder = nn.GRU(2 * UNITS, UNITS, 2, dropout=0.1)
        self.output = nn.Linear(UNITS, target)

    def forward(self, source: Tensor, given: Tensor) -> Tensor:
        """Sources (B, S) and the true tokens before each step (B, T) -> logits (B, T, V)."""
        _, state = self.encoder(self.source(source).permute(1, 0, 2))
        y = self.target(given).permute(1, 0, 2)  # (T, B, units)
        y = torch.cat((y, state[-1].expand(len(y), -1, -1)), -1)
        logits: Tensor = self.output(self.decoder(y, state)[0]).permute(1, 0, 2)
        return logits


def recipe(pairs: Coded, sizes: tuple[int, int]) -> tuple[float, list[float]]:
    """Thread seconds of training alone, and the masked loss after each epoch."""
    torch.manual_seed(0)
    network = Recipe(*sizes)
    for parameter in network.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    seconds, losses = 0.0, []
    for _ in range(EPOCHS):
        began = time.thread_time()
        network.train()
        for rows in torch.randperm(len(pairs)).split(BATCH):
            some = Coded(pairs.source[rows], pairs.source_valid[rows], pairs.target[rows],
                         pairs.target_valid[rows], pairs.begin)
            loss = masked_loss(network(some.source, some.given), some).mean(1).sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        seconds += time.thread_time() - began
        losses.append(scored(lambda some: network(some.source, some.given), network, pairs))
    return seconds, losses


def scored(logits: Any, network: nn.Module, pairs: Coded) -> float:
    """Masked loss per token of all pairs, in nats."""
    network.eval()
    with torch.no_grad():
        loss = masked_loss(logits(pairs), pairs).sum() / pairs.mask.sum()
    network.train()
    return float(loss)


def explore(pairs: Pairs, tokens: Tokenisation, target: float) -> tuple[float, int, float]:
    """Thread seconds of our loop, its learner read after each epoch, until the target; the epochs
    and the loss there."""
    settings = dict(OURS)
    per_epoch = -(-FIRST // settings["batch"])
    experiment = Experiment.translation(
        pairs, tokens, steps=settings.pop("epochs") * per_epoch, held_out=0, snapshots=1,
        task={"longest": STEPS}, **settings)
    sentences = experiment.task.tokenizer(pairs, experiment.tokens)
    held_in, _held_out = split(experiment, sentences)
    learner, seconds, loss, epoch = Learner(experiment, sentences), 0.0, float("inf"), 0
    network: Any = learner._network
    while loss > target and learner.step < experiment.training.steps:
        began = time.thread_time()
        for _ in range(per_epoch):
            learner.learn(held_in)
        seconds += time.thread_time() - began
        epoch += 1
        loss = scored(lambda some: network(some.source, some.source_valid, some.given), network,
                      held_in)
    return seconds, epoch, loss


def measure() -> Iterator[Row]:
    torch.set_num_threads(1)
    seconds, bleu = until_bleu()
    yield Row(f"translation to BLEU {BLEU:g}, seconds", seconds if bleu >= BLEU else float("inf"),
              SECONDS, False, f"{seconds:.1f} s, BLEU {bleu:.1f}", "none: seconds, no ratio")
    tokens = Tokenisation(kind="word", lowercase=True, min_frequency=2)
    rows = uploaded().rows[:FIRST]
    pairs = Pairs("first", "".join(f"{source}\t{target}\n" for source, target in rows))
    task = Translation(longest=STEPS)
    sentences = cast("Sentences", task.tokenizer(pairs, tokens))
    sizes = sentences.source.size, sentences.size
    spent, losses = recipe(coded(sentences, pairs.rows), sizes)
    target = statistics.mean(losses[-LAST:])
    reached = next(epoch for epoch, loss in enumerate(losses, 1) if loss <= target)
    ours, epochs, loss = explore(pairs, tokens, target)
    theirs = spent * reached / EPOCHS
    yield Row("translation to the notes' loss", theirs / ours if loss <= target else 0.0, 3.0, True,
              f"{loss:.3f} after {epochs} epochs, {ours:.1f} s",
              f"{target:.3f} after {reached} epochs, {theirs:.1f} s")
