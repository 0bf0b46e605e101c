"""One file per picture: Trace → Figure. No torch, no Streamlit."""

from explorer.views import (
    comparison,
    deep,
    duel,
    explosion,
    gates,
    gradients,
    history,
    jacobians,
    minibatches,
    ngrams,
    states,
    tree,
    truncation,
)
from explorer.views.figure import VIEWS, Figure, View, figure
from explorer.views.palette import Palette, palette

__all__ = [
    "VIEWS",
    "Figure",
    "Palette",
    "View",
    "comparison",
    "deep",
    "duel",
    "explosion",
    "figure",
    "gates",
    "gradients",
    "history",
    "jacobians",
    "minibatches",
    "ngrams",
    "palette",
    "states",
    "tree",
    "truncation",
]
