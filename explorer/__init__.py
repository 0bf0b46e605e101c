"""Train sequence models on your own text and look inside them.

The public interface, imported when it is first asked for: `import explorer` loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.errors import ExplorerError
    from explorer.experiment import Experiment
    from explorer.library import (
        compare,
        figure,
        generate,
        gradients,
        load,
        search,
        surprisal,
        trace,
        train,
    )
    from explorer.models.gru import GRU
    from explorer.models.lstm import LSTM
    from explorer.models.rnn import RNN
    from explorer.store import Run, Store
    from explorer.text import Text, corpus

_HOME = {
    "ExplorerError": "errors", "Experiment": "experiment", "GRU": "models.gru",
    "LSTM": "models.lstm", "RNN": "models.rnn", "Run": "store", "Store": "store", "Text": "text",
    "compare": "library", "corpus": "text", "figure": "library", "generate": "library",
    "gradients": "library", "load": "library", "search": "library", "surprisal": "library",
    "trace": "library", "train": "library",
}

__all__ = [
    "GRU", "LSTM", "RNN", "Experiment", "ExplorerError", "Run", "Store", "Text", "compare",
    "corpus", "figure", "generate", "gradients", "load", "search", "surprisal", "trace",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
