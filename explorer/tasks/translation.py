"""Write the target sentence of a source sentence: its masked loss, and BLEU.

How pairs are held out and cut into batches stands in `explorer.tasks.pairing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, nan
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from explorer.errors import DataError
from explorer.tasks.base import Task, guess_loss
from explorer.tasks.pairing import Batch, Coded, alike, apart, coded, order, spread
from explorer.text import Text, Tokenisation, Tokenizer
from explorer.text.pairs import Pairs
from explorer.text.sentences import Sentences
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor, nn

    from explorer.experiment import Training
    from explorer.models.translator import Translator

SCORED = 100  # held-out sentences that a snapshot on the way translates for its BLEU
SCORED_LAST = 1_000  # … and the last one
AT_ONCE = 128  # pairs that are scored or translated side by side


class Translation(Task):
    """p(y(1…T) | x(1…S)) = ∏ p(y(t) | y(1…t−1), x)"""

    kind: Literal["translation"] = "translation"
    models: ClassVar[tuple[str, ...]] = ("seq2seq", "transformer")
    mismatch: ClassVar[str] = N_(
        "This run did not learn to translate. Here networks are looked at that did: choose such a "
        "run.")

    forcing: Literal["teacher", "scheduled", "free"] = Field(
        "teacher", title=N_("Told before each guess"),
        description=N_("While training, the decoder reads the true token before each guess "
                       "(teacher forcing), its own guess (free running), or now this, now that, "
                       "its own ever more often (scheduled sampling, Bengio et al. 2015)."))
    decay: Literal["linear", "exponential", "inverse-sigmoid"] = Field(
        "linear", title=N_("How the truth fades"),
        description=N_("How the share of true tokens falls from 1 to its last value, in scheduled "
                       "sampling."))
    last_share: float = Field(
        0.25, ge=0.01, le=1, title=N_("Last share of true tokens"),
        description=N_("At the end of the training, in scheduled sampling."))
    spaced: bool = Field(
        True, title=N_("Set signs apart"),
        description=N_("A blank on either side of each comma or full stop, so that it is a token "
                       "of its own. Not when sentences are cut by character."))
    longest: int = Field(
        32, ge=2, le=128, title=N_("Longest sentence"),
        description=N_("Tokens that are kept of a sentence, <eos> among them; the rest is cut "
                       "off."))

    @property
    def draws(self) -> bool:
        return self.forcing == "scheduled"

    def material(self, text: Text) -> Pairs:
        """Raises DataError: a line of it is no pair."""
        pairs = text if isinstance(text, Pairs) else Pairs(text.name, text.content, text.encoding)
        if not all(source and target for source, target in pairs.rows):
            raise DataError(N_("“{name}” holds a line that is no pair of sentences."),
                            name=text.name)
        return pairs

    def tokenizer(self, text: Text, how: Tokenisation) -> Sentences:
        spaced = self.spaced and how.kind != "character"
        return Sentences.learnt(self.material(text), how, spaced, self.longest)

    def stored(self, data: str) -> Sentences:
        return Sentences.from_json(data)

    def split(
        self, text: Text, share: float, training: Training, tokenizer: Tokenizer
    ) -> tuple[Coded, Coded]:
        """The pairs of the sentences that are trained on, and of those that are held out."""
        kept, held_out = apart(self.material(text), share)
        if not kept:
            raise DataError(N_("“{name}” has no pair left to train on: hold out less, or bring "
                               "more pairs."), name=text.name)
        sentences = cast("Sentences", tokenizer)
        return coded(sentences, kept), told_apart(sentences, held_out)

    def step_tokens(self, held_in: Coded, training: Training) -> float:
        if not len(held_in):
            return 0.0
        rows = min(training.batch, len(held_in))
        return rows * float(held_in.target_valid.double().mean())

    def each_step(self, training: Training) -> float:
        return nan

    def told(self, progress: float) -> float:
        """The share of true tokens after this share of the training (Bengio et al. 2015, § 2.4,
        their three schedules, stretched from 1 to `last_share`)."""
        if self.forcing != "scheduled":
            return float(self.forcing == "teacher")
        fall = 1 - self.last_share
        if self.decay == "linear":
            return 1 - fall * progress
        if self.decay == "exponential":
            return float(self.last_share ** progress)
        first, now, last = (1 / (1 + exp(12 * x - 6)) for x in (0.0, progress, 1.0))
        return self.last_share + fall * (now - last) / (first - last)

    def batch(
        self, ids: Coded, training: Training, seed: int, step: int
    ) -> tuple[Batch, Coded, bool]:
        """The pairs of a step, a pure function of its arguments; each is read from a blank state.
        """
        per_epoch = -(-len(ids) // training.batch)
        epoch, index = divmod(step, per_epoch)
        batches = order(len(ids), training.batch, seed * 1_000_003 + epoch, ids.lengths)
        pairs = ids.rows(batches[index])
        return Batch(pairs, self.told(step / training.steps)), pairs, True

    @staticmethod
    def loss(
        network: nn.Module, inputs: Batch, targets: Coded, state: Any = None, links: Any = None,
        smoothing: float = 0.0,
    ) -> tuple[Tensor, Any]:
        """Masked cross-entropy per token, in nats: what stands behind a sentence's <eos> counts
        nothing. No state is carried on."""
        translator, pairs = cast("Translator", network), inputs.pairs
        if inputs.told < 1:
            logits = partly_told(translator, pairs, inputs.told)  # (B, T, V)
            return guess_loss(logits[pairs.mask], pairs.target[pairs.mask], smoothing), None
        return guess_loss(told_all(translator, pairs), pairs.target[pairs.mask], smoothing), None

    def evaluate(
        self, network: Any, ids: Coded, limit: int | None = None,
        window: int | None = None,
    ) -> tuple[float, int]:
        """Masked cross-entropy per token in nats, teacher forcing, and how many tokens were
        scored. limit: take about so many tokens, of pairs spread evenly."""
        import torch
        from torch.nn import functional as F

        if not len(ids):
            return float("nan"), 0
        chosen = spread(len(ids), limit and max(1, int(limit / float(
            ids.target_valid.double().mean()))))
        total, count = 0.0, 0
        with torch.no_grad():
            for part in torch.from_numpy(chosen).split(AT_ONCE):
                pairs = ids.rows(part)
                logits, true = told_all(network, pairs), pairs.target[pairs.mask]
                total += float(F.cross_entropy(logits, true, reduction="none").double().sum())
                count += len(true)
        return total / count, count

    def measures(
        self, network: Any, held_out: Coded, tokenizer: Tokenizer, last: bool
    ) -> Mapping[str, float]:
        """bleu: of held-out sentences, translated greedily, by sacrebleu, 0…100, each against all
        of its translations. notes_bleu: the mean over their pairs of the notes' own formula, which
        knows one reference, with k = 2, 0…1. Both against whole sentences: <unk> is never a right
        guess."""
        from explorer.text.bleu import notes_bleu

        if not len(held_out):
            return {}
        sentences = cast("Sentences", tokenizer)
        rows, written = translated(network, held_out, sentences, self.longest,
                                   SCORED_LAST if last else SCORED)
        own = [notes_bleu(written_words(sentences, ids),
                          true_words(sentences, held_out.references[i]), 2)
               for pairs, ids in zip(rows, written, strict=True) for i in pairs]
        return {"bleu": bleu(sentences, written, [[held_out.references[i] for i in pairs]
                                                  for pairs in rows]),
                "notes_bleu": float(np.mean(own))}


def told_apart(sentences: Sentences, rows: Sequence[tuple[str, str]]) -> Coded:
    """Pairs as tensors, with the text by which translations of them are measured."""
    return replace(coded(sentences, rows),
                   sources=tuple(sentences.source.prepare(source) for source, _ in rows),
                   references=tuple(sentences.prepare(target) for _, target in rows))


def translated(
    network: Translator, pairs: Coded, sentences: Sentences, longest: int, most: int
) -> tuple[list[list[int]], list[list[int]]]:
    """At most so many source sentences, each translated greedily once: the numbers of the pairs of
    each, and the ids that are written for it."""
    import torch

    rows = alike(pairs.sources, most)
    first = torch.tensor([numbers[0] for numbers in rows])
    return rows, greedy(network, pairs.rows(first), sentences.eos, longest)


def bleu(
    sentences: Sentences, written: Sequence[Sequence[int]], references: Sequence[Sequence[str]]
) -> float:
    """Corpus BLEU, 0…100, of the ids written for some sentences, each against all that is right."""
    from explorer.text.bleu import corpus_bleu

    return corpus_bleu([sentences.decode(ids) for ids in written], references, sacre(sentences))


def sacre(sentences: Sentences) -> str:
    """The tokenizer by which sacrebleu cuts what is written in this language."""
    return "zh" if sentences.chinese else "char" if sentences.how.kind == "character" else "13a"


def masked_loss(logits: Tensor, pairs: Coded) -> Tensor:
    """−ln p of each true token (B, T), 0 where there is none. logits (B, T, V)."""
    from torch.nn import functional as F

    paid = F.cross_entropy(logits.flatten(0, 1), pairs.target.flatten(), reduction="none")
    return paid.view_as(pairs.target) * pairs.mask


def told_all(network: Translator, pairs: Coded) -> Tensor:
    """Logits (M, V) before each of the M true tokens of all sentences, one sentence below the
    other, when those before it are read (teacher forcing). Padding gets none: an eighth of a
    step's time would be spent on it."""
    shown = network.shown(pairs.source, pairs.source_valid, pairs.given)  # (B, T, hidden)
    logits: Tensor = network.output(shown[pairs.mask])
    return logits


def partly_told(network: Translator, pairs: Coded, told: float) -> Tensor:
    """Logits (B, T, V) when each token before a guess is the true one with probability `told`, else
    the likeliest of the guess before: scheduled sampling (Bengio et al. 2015); 0 runs free. The
    choice of a token has no gradient."""
    import torch

    memory = network.encode(pairs.source, pairs.source_valid)
    state, given = network.begin(memory), pairs.given
    tokens, found = given[:, 0], []
    for t in range(given.shape[1]):
        logits, state, _ = network.step(tokens, state, memory)
        found.append(logits)
        if t + 1 < given.shape[1]:
            own = logits.detach().argmax(-1)  # (B,)
            truth = torch.rand(len(own)).to(own.device) < told if told else torch.zeros_like(
                own, dtype=torch.bool)
            tokens = torch.where(truth, given[:, t + 1], own)
    return torch.stack(found, 1)


def greedy(network: Translator, pairs: Coded, eos: int, longest: int) -> list[list[int]]:
    """The likeliest token at each step until <eos> or `longest` tokens, for each source."""
    import torch

    found: list[list[int]] = []
    with torch.no_grad():
        for part in torch.arange(len(pairs)).split(AT_ONCE):
            some = pairs.rows(part)
            memory = network.encode(some.source, some.source_valid)
            state = network.begin(memory)
            tokens = some.target.new_full((len(part),), some.begin)
            written, ended = [], torch.zeros_like(tokens, dtype=torch.bool)
            for _ in range(longest):
                logits, state, _ = network.step(tokens, state, memory)
                tokens = logits.argmax(-1)
                written.append(tokens)
                ended |= tokens == eos
                if bool(ended.all()):
                    break
            found.extend(torch.stack(written, 1).tolist())
    return found


def written_words(sentences: Sentences, row: Sequence[int]) -> list[str]:
    """The tokens of what was written, for the notes' formula."""
    return [sentences.labels[i] for i in sentences.said(row)]


def true_words(sentences: Sentences, sentence: str) -> list[str]:
    """The tokens of a prepared target sentence likewise: unknown ones with their own letters."""
    return list(sentences.encode(sentence).labels)
