"""The gradient at every block, and how alike the tokens are there, with residual paths and norms or
without.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from explorer.views.figure import Figure, view
from explorer.views.palette import Theme, palette
from explorer.words import N_, _

NAMES = {"trained": N_("this run, trained"), "pre": N_("norm before (pre)"),
         "post": N_("norm after (post)"), "no norm": N_("no norm"),
         "no residual": N_("no residual path"), "neither": N_("neither")}
LOOKS = {"trained": ("solid", "circle"), "pre": ("dash", "diamond"), "post": ("dot", "square"),
         "no norm": ("dashdot", "cross"), "no residual": ("dash", "x"),
         "neither": ("dot", "triangle-up")}
SHADES = {"pre": 0, "post": 1, "no norm": 2, "no residual": 4, "neither": 5}
HELD = 0.5  # of a gradient at the last block: so much at the first, and it has not shrunk
LOST = 0.95  # cosine: beyond it tokens are as good as one


@view("gradient by layer", "alike")
def gradient_by_layer(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """‖∂L/∂x‖ of what each block gives on, on a log axis, and the mean cosine of two tokens."""
    colours = palette(theme)
    chart = make_subplots(1, 2, horizontal_spacing=0.12, subplot_titles=[
        _("gradient norm ‖∂L/∂x‖"), _("how alike two tokens are")])
    for name in map(str, trace["variant"].values):
        dash, marker = LOOKS[name]
        shade = (colours.architecture(str(trace.attrs["kind"])) if name == "trained"
                 else colours.categorical[SHADES[name]])
        for column, what in enumerate(("gradient", "alike"), start=1):
            values = trace[what].sel(variant=name).values
            known = np.isfinite(values) & ((values > 0) | (what == "alike"))
            chart.add_trace(go.Scatter(
                x=trace["layer"].values[known], y=values[known], name=_(NAMES[name]),
                legendgroup=name, showlegend=column == 1, mode="lines+markers",
                line={"color": shade, "dash": dash, "width": 3 if name == "trained" else 2},
                marker={"symbol": marker, "size": 7},
                hovertemplate=f"{_(NAMES[name])}, %{{x}}: %{{y:.3g}}<extra></extra>"),
                row=1, col=column)
    layout = colours.layout(height=360)
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        legend={"orientation": "h", "y": 1.12, "yanchor": "bottom", "x": 0},
                        margin={"l": 8, "r": 8, "t": 90, "b": 8})
    chart.update_xaxes(**layout["xaxis"])
    chart.update_yaxes(**layout["yaxis"])
    chart.update_xaxes(title={"text": _("layer")}, showgrid=False,
                       dtick=max(1, round(trace.sizes["layer"] / 6)), tick0=1)
    chart.update_yaxes(type="log", exponentformat="power", row=1, col=1)
    chart.update_yaxes(range=[-0.1, 1.05], row=1, col=2)
    chart.update_annotations(font={"size": 13, "color": colours.muted})
    said = _("Left: how strongly the loss of these {tokens} tokens pulls at what each block gives "
             "on. Right: the mean cosine of two tokens' vectors there; at 1 all are the same. "
             "All but the run itself are before training, {layers} blocks deep.",
             tokens=trace.attrs["tokens"], layers=trace.attrs["layers"])
    if trace.attrs["of"] > trace.attrs["tokens"]:
        said += " " + _("The first {count} of {of} tokens were read.", count=trace.attrs["tokens"],
                        of=trace.attrs["of"])
    data = trace[["gradient", "alike"]].to_dataframe().reset_index()
    return Figure(chart, data[["variant", "layer", "gradient", "alike"]], said,
                  said + " " + " ".join(findings(trace)), "gradient-by-layer")


def passed(trace: xr.Dataset, variant: str) -> float:
    """The gradient's norm at the first block over that at the last."""
    norms = trace["gradient"].sel(variant=variant).values
    norms = norms[np.isfinite(norms)]
    return float(norms[0] / norms[-1]) if norms[-1] else float("nan")


def findings(trace: xr.Dataset) -> list[str]:
    """What is left of the gradient at the first block, and what a norm hides."""
    last = int(trace.attrs["layers"])
    own = "post" if trace.attrs["norm"] == "post" else "pre"
    said = [_("With one block there is no way to go: the first is the last. Stack more blocks to "
              "see what reaches the first.")]
    if last > 1:
        bare, normed = (passed(trace, variant) for variant in ("neither", "no residual"))
        said = [
            _("At the first of {layers} blocks the gradient is {share} times as long as at the "
              "last with residual paths and norms, **{least} times** with neither.", layers=last,
              share=_times(passed(trace, own)), least=_times(bare)),
            _("With norms and no residual paths it is {share} times as long: a norm stretches what "
              "has shrunk, its gradient too.", share=_times(normed))
            if bare < HELD <= normed else
            _("With norms and no residual paths it is {share} times as long.",
              share=_times(normed))]
    alike = trace["alike"].sel(layer=last)
    lost = float(alike.sel(variant="no residual"))
    if lost > LOST:
        said.append(_("But then all tokens are the same there: their mean cosine is **{lost}**, "
                      "against {kept} with residual paths. What is left is a gradient that cannot "
                      "tell them apart (Dong et al. 2021).", lost=f"{lost:.3f}",
                      kept=f"{float(alike.sel(variant=own)):.2f}"))
    else:
        said.append(_("Two tokens have a mean cosine of {lost} there without residual paths, of "
                      "{kept} with them: stack more blocks to see them become the same.",
                      lost=f"{lost:.2f}", kept=f"{float(alike.sel(variant=own)):.2f}"))
    return said


def _times(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else f"{value:.1e}"
