"""A Figure on the screen: chart, caption, and everything one may take away."""

from __future__ import annotations

import streamlit as st
import xarray as xr

from explorer.ui.session import asset
from explorer.ui.text import plain
from explorer.views import Figure
from explorer.words import _

__all__ = ["netcdf", "plain", "show"]

_exporter = st.components.v2.component(
    "explorer_exporter", css=asset("exporter.css"), js=asset("exporter.js"))

_CONFIG = {"displaylogo": False, "displayModeBar": "hover", "responsive": True,
           "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
           "toImageButtonOptions": {"format": "svg"}}
_SVG = {"embedOptions": {"renderer": "svg"}}  # what the exporter takes from the page


def show(figure: Figure, key: str, trace: xr.Dataset | None = None, alone: bool = False) -> None:
    """Draw a figure with its caption and its downloads: HTML, SVG, PNG, CSV, and the trace as
    NetCDF if given. alone: the picture only, and the room of what belongs to it."""
    import plotly.graph_objects as go

    with st.container(key=key):
        if isinstance(figure.chart, go.Figure):
            st.plotly_chart(figure.chart, theme=None, config=_CONFIG, alt=figure.alt,
                            key=f"{key}-chart")
        else:
            st.vega_lite_chart(spec=figure.spec | {"usermeta": _SVG}, alt=figure.alt,
                               width="stretch", key=f"{key}-chart")
    below = st.container(horizontal=True, vertical_alignment="top", key=f"{key}-below")
    if alone:
        return
    below.caption(plain(figure.caption))
    with below.popover(_("Download"), icon=":material/download:", type="tertiary"):
        _exporter(data={"key": key, "name": figure.name}, key=f"{key}-exporter")
        st.download_button("HTML", figure.html, f"{figure.name}.html", "text/html",
                           key=f"{key}-html", on_click="ignore", width="stretch")
        st.download_button("CSV", lambda: figure.data.to_csv(index=False), f"{figure.name}.csv",
                           "text/csv", key=f"{key}-csv", on_click="ignore", width="stretch")
        if trace is not None:
            st.download_button("NetCDF", lambda: netcdf(trace), f"{figure.name}.nc",
                               "application/x-netcdf", key=f"{key}-nc", on_click="ignore",
                               width="stretch")


def netcdf(trace: xr.Dataset) -> bytes:
    """A trace as a NetCDF file."""
    return bytes(trace.to_netcdf(engine="h5netcdf"))

