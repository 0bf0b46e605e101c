"""Beam search, 5 wide and 20 steps long: batched with cached states, over a loop per hypothesis,
and over the `generate` of `transformers` on a model of the same size. Seconds of this thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.gradients import pairs
from benchmarks.rows import Row
from explorer.experiment import Experiment
from explorer.models.translator import Translator
from explorer.probes.finding.network import TranslatorStepper
from explorer.probes.finding.stepper import Guess
from explorer.probes.search import find
from explorer.text.pair_corpora import pair_corpus
from explorer.text.sentences import Sentences
from explorer.training.loop import build

WIDTH, STEPS, HIDDEN, REPETITIONS = 5, 20, 256, 15
SOURCE = "the little girl is reading a book in the garden ."


def measure() -> Iterator[Row]:
    torch.set_num_threads(1)
    stepper, network = made()
    with torch.inference_mode():  # as the probe does
        ours = searching(stepper)
        for name, peer, asked in (
            ("one by one, read anew", Anew(stepper), 5.0),
            ("one by one, states kept", OneByOne(stepper), 1.5),
        ):
            assert ours() == searching(peer)()
            yield row(f"search over {name}", ours, searching(peer), asked)
        generate, size = transformers_beam(len(stepper.labels), parameters(network))
        yield row(f"search over transformers ({parameters(network) / 1e6:.2f} M, "
                  f"{size / 1e6:.2f} M)", ours, generate, 2.0)


def row(name: str, ours: Callable[[], object], theirs: Callable[[], object], asked: float) -> Row:
    pairs(ours, theirs, 2)
    mine, peer, ratio = pairs(ours, theirs, REPETITIONS)
    return Row(name, 1 / ratio, asked, True, f"{mine * 1e3:.1f} ms", f"{peer * 1e3:.1f} ms")


def made() -> tuple[TranslatorStepper, Translator]:
    """A translator before training, which never ends a sentence early, and what it may write."""
    pairs = pair_corpus("english-french")
    experiment = Experiment.translation(pairs, tokens="word", steps=1, model={
        "kind": "seq2seq", "hidden": HIDDEN, "embedding": 128, "attention": "additive"})
    sentences = experiment.task.tokenizer(pairs, experiment.tokens)
    assert isinstance(sentences, Sentences)
    network = build(experiment, *sentences.sizes).eval()
    assert isinstance(network, Translator)
    stepper = TranslatorStepper(network, sentences.read(SOURCE), sentences)
    stepper.eos = None
    return stepper, network


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def searching(stepper: Any) -> Callable[[], float]:
    """The whole search, with the tree that it grows: the best score."""
    def run() -> float:
        found = find(stepper, [], [], {"width": WIDTH, "longest": STEPS})
        assert found.attrs["expanded"] == 1 + WIDTH * (STEPS - 1)
        return round(float(found.attrs["best_score"]), 4)

    return run


class OneByOne:
    """One beginning after the other, each with its state."""

    def __init__(self, stepper: TranslatorStepper) -> None:
        self._inner, self.labels, self.eos = stepper, stepper.labels, stepper.eos

    def start(self) -> Guess:
        found = self._inner.start()
        return Guess(found.log_probabilities, [found.state], found.attention)

    def step(self, state: list[Any], rows: Tensor, tokens: Tensor) -> Guess:
        first = torch.zeros(1, dtype=torch.long)
        return joined([self._inner.step(state[row], first, token[None])
                       for row, token in zip(rows.tolist(), tokens, strict=True)],
                      lambda guess: guess.state)


class Anew:
    """One beginning after the other, each read from its first word."""

    def __init__(self, stepper: TranslatorStepper) -> None:
        self._inner, self.labels, self.eos = stepper, stepper.labels, stepper.eos

    def start(self) -> Guess:
        found = self._inner.start()
        return Guess(found.log_probabilities, [[]], found.attention)

    def step(self, state: list[list[int]], rows: Tensor, tokens: Tensor) -> Guess:
        paths = [[*state[row], token] for row, token in zip(
            rows.tolist(), tokens.tolist(), strict=True)]
        first, found = torch.zeros(1, dtype=torch.long), []
        for path in paths:
            guess = self._inner.start()
            for token in path:
                guess = self._inner.step(guess.state, first, torch.tensor([token]))
            found.append(guess)
        return joined(found, lambda guess: None)._replace(state=paths)


def joined(found: list[Guess], state: Callable[[Guess], Any]) -> Guess:
    looks = [guess.attention for guess in found if guess.attention is not None]
    return Guess(torch.cat([guess.log_probabilities for guess in found]),
                 [state(guess) for guess in found], torch.cat(looks) if looks else None)


def transformers_beam(words: int, size: int) -> tuple[Callable[[], object], int]:
    """The peer's beam search on an encoder–decoder of the same vocabulary and about so many
    parameters: one layer each, its states cached, as many steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import BartConfig, BartForConditionalGeneration
    torch.manual_seed(0)
    models = []
    for width in range(64, 513, 32):
        config = BartConfig(
            vocab_size=words, d_model=width, encoder_layers=1, decoder_layers=1,
            encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=2 * width,
            decoder_ffn_dim=2 * width, max_position_embeddings=64)
        models.append((abs(parameters(BartForConditionalGeneration(config)) - size), width, config))
    model = BartForConditionalGeneration(min(models, key=lambda each: each[:2])[2]).eval()
    source = torch.randint(4, words, (1, 11))

    def run() -> object:
        return model.generate(
            source, attention_mask=torch.ones_like(source), num_beams=WIDTH, do_sample=False,
            min_new_tokens=STEPS, max_new_tokens=STEPS, length_penalty=0.75, early_stopping=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()
    return run, parameters(model)
