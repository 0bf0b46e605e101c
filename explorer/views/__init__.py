"""One file per picture: Trace → Figure. No torch, no Streamlit."""

from explorer.views import (
    alone,
    attention,
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
    pairs,
    states,
    translation,
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
    "alone",
    "attention",
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
    "pairs",
    "palette",
    "states",
    "translation",
    "tree",
    "truncation",
]
