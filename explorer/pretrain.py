"""Make the runs that ship with the project: `python -m explorer pretrain`. Imports torch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from explorer.errors import DataError, Diverged
from explorer.experiment import Experiment
from explorer.store import Store
from explorer.store.store import SHIPPED
from explorer.text import corpus, pair_corpus
from explorer.text.pair_corpora import PAIR_CORPORA
from explorer.words import N_


class Card(NamedTuple):
    """A run that is shipped. title and about: for people, to be translated where they are shown.
    text: the name of a built-in text, or of built-in pairs if it learns to translate. page: the
    only one that shows it, "" for all. A run may end in divergence, if that is what it is to show.
    """

    name: str
    title: str
    about: str
    text: str
    model: dict[str, Any]
    training: dict[str, Any]
    page: str = ""


# One budget for all depths, so that they compare; the weights before and after are kept.
DEEP: dict[str, Any] = {"steps": 1500, "batch": 32, "window": 64, "learning_rate": 0.01,
                        "snapshots": 1}
SMALL = {"kind": "lstm", "hidden": 40, "embedding": 32}

# The same twice, but for the clipping: the first breaks at step 42.
EXPLOSIVE = {"kind": "rnn", "activation": "relu", "hidden": 64, "embedding": 16,
             "spectral_radius": 1.5}
FRAIL: dict[str, Any] = {"steps": 160, "snapshots": 4, "seed": 3, "window": 64, "batch": 16,
                         "optimizer": "sgd", "learning_rate": 0.03, "schedule": "constant"}

# The same twice, but for the attention; few snapshots, for their vocabularies make them large.
TRANSLATOR: dict[str, Any] = {"kind": "seq2seq", "hidden": 96, "embedding": 48}
TRANSLATED: dict[str, Any] = {"steps": 1500, "batch": 64, "learning_rate": 0.01, "snapshots": 2}

# Few snapshots, for their many weights make them large; windows as long as what is looked at.
READER: dict[str, Any] = {"kind": "transformer", "hidden": 96, "layers": 4, "heads": 4}
READ: dict[str, Any] = {"steps": 600, "batch": 8, "window": 256, "learning_rate": 0.005,
                        "snapshots": 3}

# In the order of their names: of those that stand on every page, the last one is the one that home
# looks for brackets in.
CARDS = (
    Card("1-lstm-story-en", N_("LSTM, English story"),
         N_("128 units read a story in English, character by character. See its gates at work."),
         "story-en", {"kind": "lstm", "hidden": 128}, {}),
    Card("2-gru-story-en", N_("GRU, English story"),
         N_("128 units on the same story, with two gates instead of three and no cell."),
         "story-en", {"kind": "gru", "hidden": 128}, {}),
    Card("3-rnn-story-en", N_("RNN, English story"),
         N_("128 units on the same story without any gate: all of its memory is written anew at "
            "each step."),
         "story-en", {"kind": "rnn", "hidden": 128}, {}),
    Card("4-lstm-story-zh", N_("LSTM, Chinese story"),
         N_("128 units read a story in Chinese: each character is a token."),
         "story-zh", {"kind": "lstm", "hidden": 128}, {}),
    Card("4.1-lstm-deep-1", N_("LSTM, 1 layer of 40"),
         N_("40 units on the English story: the lowest of three depths that had the same budget."),
         "story-en", SMALL, DEEP),
    Card("4.2-lstm-deep-2", N_("LSTM, 2 layers of 40"),
         N_("The same with a second layer, which reads the states of the first."),
         "story-en", SMALL | {"layers": 2}, DEEP),
    Card("4.3-lstm-deep-4", N_("LSTM, 4 layers of 40"),
         N_("The same with four layers: look at what each of them sees."),
         "story-en", SMALL | {"layers": 4}, DEEP),
    Card("4.4-lstm-both-ways", N_("LSTM, both directions"),
         N_("40 units read forwards and 40 backwards, over the token that is to be guessed: a "
            "misuse, shipped to be seen."),
         "story-en", SMALL | {"bidirectional": True}, DEEP),
    Card("5-lstm-python", N_("LSTM, Python source"),
         N_("160 units read the source of Python's own library in order, the state carried on: "
            "look for units that follow brackets, quotes and indentation."),
         "python-source", {"kind": "lstm", "hidden": 160},
         {"steps": 6000, "sampling": "sequential", "learning_rate": 0.005}),
    Card("6.1-rnn-explodes", N_("RNN that explodes"),
         N_("64 ReLU units whose recurrent weights begin with a spectral radius of 1.5, trained "
            "without clipping until nothing is a number any more."),
         "story-en", EXPLOSIVE, FRAIL | {"clip": 0.0}, "explode"),
    Card("6.2-rnn-clipped", N_("RNN that is clipped"),
         N_("The very same, but that no gradient is longer than 1."),
         "story-en", EXPLOSIVE, FRAIL | {"clip": 1.0}, "explode"),
    Card("7.1-translation-additive", N_("English → French, additive attention"),
         N_("96 units read an English sentence, 96 write it in French, and look back at each word "
            "(Bahdanau)."),
         "english-french", TRANSLATOR | {"attention": "additive"}, TRANSLATED),
    Card("7.2-translation-none", N_("English → French, without attention"),
         N_("The very same without attention: the whole sentence must pass through one state."),
         "english-french", TRANSLATOR | {"attention": "none"}, TRANSLATED),
    Card("7.3-dates-dot", N_("Dates, dot attention"),
         N_("64 units read a date as people write it, 64 write it as 2024-03-07: see which signs "
            "they look at."),
         "dates", {"kind": "seq2seq", "hidden": 64, "embedding": 32, "attention": "dot"},
         {"steps": 1500, "batch": 64, "learning_rate": 0.01}),
    Card("8.1-transformer-story-en", N_("Transformer, English story"),
         N_("Four blocks of four heads read the English story, 256 characters at once."),
         "story-en", READER, READ),
    Card("8.2-transformer-python", N_("Transformer, Python source"),
         N_("Four blocks of four heads read the source of Python's own library: look for heads "
            "that find the same name again."),
         "python-source", READER, READ | {"steps": 900}),
    Card("8.9-transformer-english-french", N_("English → French, Transformer"),
         N_("Two blocks of four heads read English, two write French and look at what the first "
            "two made of it."),
         "english-french",
         {"kind": "transformer", "hidden": 96, "layers": 2, "heads": 4, "dropout": 0.1},
         TRANSLATED | {"learning_rate": 0.005}),
)
PAIRED = tuple(card for card in CARDS if card.text in PAIR_CORPORA)
SNAPSHOTS = 8  # along each training, beside the untrained network


def experiment(card: Card) -> Experiment:
    """What a shipped run is made of."""
    if card in PAIRED:
        return Experiment.translation(pair_corpus(card.text), model=card.model, **card.training)
    return Experiment.language_model(corpus(card.text), model=card.model, quality="best",
                                     **({"snapshots": SNAPSHOTS} | card.training))


def pretrain(
    folder: str | Path = SHIPPED, at_once: int = 2, names: Sequence[str] = ()
) -> list[str]:
    """Train all of `CARDS` anew, and put them, without what is needed to train on, in the place of
    whatever runs `folder` had. Their keys, in the order of the cards. About six minutes on two
    cores. Raises ExplorerError, and leaves the folder as it was.

    names: of the cards that are trained; the runs of all others stay as they are.
    """
    unknown = set(names) - {card.name for card in CARDS}
    if unknown:
        raise DataError(N_("There is no shipped run called “{name}”; there are: {known}."),
                        name=min(unknown), known=", ".join(card.name for card in CARDS))
    cards = [card for card in CARDS if not names or card.name in names]
    experiments = [experiment(card) for card in cards]
    with TemporaryDirectory() as scratch:
        # The longest first, so that no core waits for it at the end.
        with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(_train, CARDS.index(card), scratch)
                                      for card in reversed(cards)]):
                done.result()
        runs = Path(folder) / "runs"
        if not names:
            shutil.rmtree(runs, ignore_errors=True)
        for card, each in zip(cards, experiments, strict=True):
            shutil.rmtree(runs / each.key, ignore_errors=True)
            shutil.copytree(Path(scratch) / "runs" / each.key, runs / each.key,
                            ignore=shutil.ignore_patterns("resume.safetensors"))
            about = {"name": card.name, "title": card.title, "about": card.about}
            about |= {"page": card.page} if card.page else {}
            (runs / each.key / "card.json").write_text(json.dumps(about, indent=1), "utf-8")
    return [each.key for each in experiments]


def _train(index: int, scratch: str) -> None:
    from explorer.work import work

    with suppress(Diverged):  # it is marked so, and shipped so
        work(Store(scratch, pretrained=""), experiment(CARDS[index]))
