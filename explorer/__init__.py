"""Train sequence models on your own text and look inside them.

The public interface, imported when it is first asked for: `import explorer` loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.errors import ExplorerError
    from explorer.experiment import Experiment
    from explorer.library import (
        blanks,
        bleu,
        compare,
        figure,
        generate,
        gradients,
        load,
        search,
        surprisal,
        trace,
        train,
        translate,
    )
    from explorer.models.aaren import Aaren
    from explorer.models.cnn import CNN
    from explorer.models.gru import GRU
    from explorer.models.lstm import LSTM
    from explorer.models.rnn import RNN
    from explorer.models.seq2seq import Seq2Seq
    from explorer.models.transformer import Transformer
    from explorer.store import Run, Store
    from explorer.text import Text, corpus
    from explorer.text.pair_corpora import pair_corpus
    from explorer.text.pairs import Pairs

_HOME = {
    "Aaren": "models.aaren", "CNN": "models.cnn", "Transformer": "models.transformer",
    "blanks": "library", "ExplorerError": "errors", "Experiment": "experiment", "GRU": "models.gru",
    "LSTM": "models.lstm", "Pairs": "text.pairs", "RNN": "models.rnn", "Run": "store",
    "Seq2Seq": "models.seq2seq", "Store": "store", "Text": "text", "bleu": "library",
    "compare": "library", "corpus": "text", "figure": "library", "generate": "library",
    "gradients": "library", "load": "library", "search": "library", "surprisal": "library",
    "trace": "library", "pair_corpus": "text.pair_corpora", "train": "library",
    "translate": "library",
}

__all__ = [
    "CNN", "GRU", "LSTM", "RNN", "Aaren", "Experiment", "ExplorerError", "Pairs", "Run", "Seq2Seq",
    "Store", "Text", "Transformer", "blanks", "bleu", "compare", "corpus", "figure",
    "generate", "gradients", "load", "pair_corpus", "search", "surprisal", "trace",
    "train", "translate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
