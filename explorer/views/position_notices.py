"""What to notice in an encoding: computed from its tensors."""

from __future__ import annotations

import numpy as np
import xarray as xr

from explorer.views.positions import same_everywhere
from explorer.views.rotations import degrees
from explorer.words import _


def encoding(trace: xr.Dataset) -> list[str]:
    """What an encoding tells, and how."""
    if "bias" in trace:
        return _lowered(trace)
    if "encoding" not in trace:
        return [_("Nothing is told: two tokens that are the same have the same vector wherever "
                  "they stand. What the network then knows of order, it has from what it may see: "
                  "a writer sees only what stands before.")]
    said = [same_everywhere(trace)]
    if "frequency" in trace:
        said += _turned(trace)
    squared = trace["squared"].values
    if np.ptp(squared) < 1e-9 * squared.max():
        said.append(_("Every place has a vector of the same length: ‖·‖² = {squared} = d / 2.",
                      squared=f"{squared.mean():g}"))
    elif not trace.attrs["random"]:
        said += _trained(trace)
    return said


def _turned(trace: xr.Dataset) -> list[str]:
    k, ω = int(trace.attrs["distance"]), trace["frequency"].values
    return [
        _("{distance} places on, the first pair has turned by {quick}, the last by {slow}.",
          distance=k, quick=degrees(ω[0] * k), slow=degrees(ω[-1] * k)),
        _("R(k) times the vector of place p **is the vector of place p + k**, for all "
          "{count} places: the largest difference of any number is {error}.",
          count=trace.sizes["place"], error=f"{trace.attrs['error']:.0e}")]


def _trained(trace: xr.Dataset) -> list[str]:
    """Places inside and beyond the windows of training."""
    window, size = int(trace.attrs["window"]), np.sqrt(trace["squared"].values)
    if window >= len(size):
        return []
    return [_("It was trained on {window} places: a vector of those has a length of {inside} on "
              "average, one of the places beyond, which no gradient ever reached, {beyond}.",
              window=window, inside=f"{size[:window].mean():.2f}",
              beyond=f"{size[window:].mean():.2f}")]


def _lowered(trace: xr.Dataset) -> list[str]:
    slope = trace["slope"].values
    steep, flat = int(slope.argmax()), int(slope.argmin())
    half = [np.log(2) / slope[head] for head in (steep, flat)]
    said = [_("Nothing is added to a token's vector and nothing is turned: only scores are "
              "lowered, by the same at every place p.")]
    if len(slope) > 1:
        said.append(_("In head {steep} a key {near} places further away has half the weight, all "
                      "else the same; in head {flat} it takes {far} places: **one looks near, the "
                      "other far**.", steep=steep + 1, near=f"{half[0]:.2g}", flat=flat + 1,
                      far=f"{half[1]:.3g}"))
    return said
