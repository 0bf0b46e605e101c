"""What one step does to a small change of the state: singular values of its Jacobian along a text,
and the eigenvalues of the weights behind it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import DASHES, MARKS, Theme, mix, palette
from explorer.words import N_, _

LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
QUANTILES = (1.0, 0.9, 0.5, 0.1)  # of a Jacobian's singular values


@view("jacobians", "frobenius")
def jacobians(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Singular values of each step's Jacobian over the text, on a logarithmic axis: the largest,
    which is its norm, and where nine tenths, half and a tenth of them lie below."""
    colours, kind = palette(theme), str(trace.attrs["kind"])
    singular = trace["singular"].values  # (token, rank)
    positions = trace["position"].values
    labels = [str(label) for label in trace["label"].values]
    levels = np.quantile(singular, QUANTILES, axis=1)  # (4, token)
    names = [_("largest: the norm"), _("nine tenths lie below"), _("median"),
             _("a tenth lies below")]
    shade = colours.architecture(kind)
    chart = go.Figure(
        [
            go.Scatter(
                x=positions, y=np.where(line > 0, line, np.nan), name=name,
                mode="lines+markers" if len(positions) < 60 else "lines",
                marker={"size": 5, "symbol": MARKS[i]},
                line={"color": mix(shade, colours.background, 0.2 * i), "width": 2,
                      "dash": DASHES[i]},
                customdata=[f"{t} {shown(label)}"
                            for t, label in zip(positions, labels, strict=True)],
                hovertemplate="%{customdata}<br>%{y:.3g}",
            )
            for i, (name, line) in enumerate(zip(names, levels, strict=True))
        ]
    )
    chart.add_hline(y=1, line={"color": colours.muted, "dash": "dash", "width": 1})
    chart.update_layout(colours.layout(height=320), hovermode="x unified",
                        legend=LEGEND)
    chart.update_xaxes(showgrid=False, title={"text": _("token number")})
    chart.update_yaxes(type="log", exponentformat="power", dtick=1,
                       title={"text": _("singular value")})
    data = pd.DataFrame(
        {
            "token": np.repeat(positions, singular.shape[1]),
            "label": np.repeat(np.array(labels, dtype=object), singular.shape[1]),
            "rank": np.tile(np.arange(1, singular.shape[1] + 1), len(positions)),
            "singular": singular.ravel(),
        }
    )
    what = (_("∂(h, c)(t)/∂(h, c)(t−1), hidden state and cell together")
            if trace.attrs["of"] == "state" else _("∂h(t)/∂h(t−1)"))
    caption = _(
        "{model} at step {step}, layer {layer}: singular values of {what}: how much one step "
        "stretches or shrinks a small change. Dashed: 1, which keeps its length. {count} of the "
        "{of} steps, evenly spread.",
        model=str(trace.attrs["model"]), step=int(trace.attrs["step"]),
        layer=int(trace.attrs["layer"]) + 1, what=what, count=len(positions),
        of=int(trace.attrs["tokens"]) - 1,
    )
    return Figure(chart, data, caption, caption, "jacobians")


BLOCKS = {
    "hidden": N_("hidden state"), "reset": N_("reset gate"), "update": N_("update gate"),
    "candidate": N_("candidate"), "input": N_("input gate"), "forget": N_("forget gate"),
    "output": N_("output gate"),
}


@view("eigenvalues", "imaginary")
def eigenvalues(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The eigenvalues of U, of each gate's part, in the complex plane, with the unit circle."""
    colours = palette(theme)
    blocks = [str(block) for block in trace["block"].values]
    real, imaginary = trace["real"].values, trace["imaginary"].values  # (block, unit)
    alone = [colours.architecture(str(trace.attrs["kind"]))]
    shades = alone if len(blocks) == 1 else list(colours.categorical)
    round_ = np.linspace(0, 2 * np.pi, 181)
    circle = go.Scatter(
        x=np.cos(round_), y=np.sin(round_), mode="lines", hoverinfo="skip",
        name=_("unit circle"), line={"color": colours.muted, "dash": "dash", "width": 1},
    )
    points = [
        go.Scatter(
            x=real[i], y=imaginary[i], mode="markers", name=_(BLOCKS.get(block, block)),
            marker={"symbol": MARKS[i], "size": 7, "opacity": 0.75, "color": shades[i]},
            customdata=np.hypot(real[i], imaginary[i]),
            hovertemplate="%{x:.3f} + %{y:.3f} i<br>|λ| = %{customdata:.3f}",
        )
        for i, block in enumerate(blocks)
    ]
    most = max(1.0, float(trace["radius"].max())) * 1.08
    chart = go.Figure([circle, *points])
    chart.update_layout(colours.layout(height=420), legend=LEGEND)
    chart.update_xaxes(range=[-most, most], constrain="domain", title={"text": _("real part")})
    chart.update_yaxes(range=[-most, most], scaleanchor="x", title={"text": _("imaginary part")})
    data = pd.DataFrame(
        {
            "block": np.repeat(blocks, real.shape[1]),
            "real": real.ravel(),
            "imaginary": imaginary.ravel(),
            "size": np.hypot(real, imaginary).ravel(),
        }
    )
    radii = ", ".join(
        f"{_(BLOCKS.get(block, block))} {radius:.3g}"
        for block, radius in zip(blocks, trace["radius"].values, strict=True)
    )
    caption = _(
        "{model} at step {step}, layer {layer}: all eigenvalues of the matrix that carries h(t−1) "
        "on, gate by gate. Spectral radius: {radii}.",
        model=str(trace.attrs["model"]), step=int(trace.attrs["step"]),
        layer=int(trace.attrs["layer"]) + 1, radii=radii,
    )
    return Figure(chart, data, caption, caption, "eigenvalues")
