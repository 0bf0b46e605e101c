"""One file per picture: Trace → Figure. No torch, no Streamlit."""

from explorer.views import gates, history, states
from explorer.views.figure import VIEWS, Figure, View, figure
from explorer.views.palette import Palette, palette

__all__ = ["VIEWS", "Figure", "Palette", "View", "figure", "gates", "history", "palette",
           "states"]
