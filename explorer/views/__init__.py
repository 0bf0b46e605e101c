"""One file per picture: Trace → Figure. No torch, no Streamlit."""

from explorer.views import (
    deep,
    gates,
    history,
    minibatches,
    ngrams,
    truncation,
)
from explorer.views.figure import VIEWS, Figure, View, figure
from explorer.views.palette import Palette, palette

__all__ = [
    "VIEWS",
    "Figure",
    "Palette",
    "View",
    "deep",
    "figure",
    "gates",
    "history",
    "minibatches",
    "ngrams",
    "palette",
    "truncation",
]
