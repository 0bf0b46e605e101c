"""What to notice in a deep network, and in one that reads both ways: computed from its traces."""

from __future__ import annotations

import numpy as np
import xarray as xr

from explorer.words import _

APART = 0.05  # of a state's size: smaller differences are not worth a word


def layers(carried: xr.Dataset) -> list[str]:
    """What sets the layers apart: how fast they change, what their states can be told from."""
    if carried.sizes["layer"] == 1:
        return [_("This network has one layer: choose one with more, or train other depths below.")]
    return [speed(carried), _shares(carried)]


def speed(carried: xr.Dataset) -> str:
    """Which layer changes slowest as the text goes by."""
    change = carried["change"].values[:, 0]  # (layer,)
    fast, slow = int(change.argmax()), int(change.argmin())
    if change[fast] - change[slow] < APART:
        return _("All layers change about as fast: by {share} of their size from one token to the "
                 "next.", share=f"{change.mean():.0%}")
    return _("From one token to the next, layer {slow} changes least, by {least} of its size; "
             "layer {fast} most, by {most}.", slow=slow + 1, least=f"{change[slow]:.0%}",
             fast=fast + 1, most=f"{change[fast]:.0%}")


def _shares(carried: xr.Dataset) -> str:
    here, ahead = (carried["explained"].sel(lag=lag).values[:, 0] for lag in (0, 1))
    top = len(here)
    return _("The token just read explains {here} of layer 1 and {top_here} of layer {top}; the "
             "token that comes next {ahead} and {top_ahead}: "
             "the {nearer} layer is nearer to the guess.",
             here=f"{here[0]:.0%}", top_here=f"{here[-1]:.0%}", top=top, ahead=f"{ahead[0]:.0%}",
             top_ahead=f"{ahead[-1]:.0%}",
             nearer=_("top") if ahead[-1] > ahead[0] else _("lowest"))


def depths(found: xr.Dataset) -> list[str]:
    """Which of the depths that were trained guesses best, and what it costs."""
    known = found.isel(depth=np.isfinite(found["held_out"].values))
    if known.sizes["depth"] < 2:
        return [_("Train at least two depths to compare them.")]
    best = known.isel(depth=int(known["held_out"].values.argmin()))
    least, most = known.isel(depth=0), known.isel(depth=-1)
    said = [_("Of the depths trained, {best} came out best: held-out perplexity {value}.",
              best=count(int(best["depth"])), value=f"{float(best['held_out']):.2f}")]
    if int(best["depth"]) != int(most["depth"]):
        said[0] += " " + _("{most} did worse with the same steps ({value}): more layers have more "
                           "to learn before the first of them can help.",
                           most=count(int(most["depth"])),
                           value=f"{float(most['held_out']):.2f}")
    said.append(_("{most} took {times} times as long as {least}, with {more} times the "
                  "parameters.", most=count(int(most["depth"])),
                  least=count(int(least["depth"])),
                  times=f"{float(most['seconds'] / least['seconds']):.1f}",
                  more=f"{float(most['parameters'] / least['parameters']):.1f}"))
    return said


def count(count: int) -> str:
    """A number of layers, in words."""
    return _("one layer") if count == 1 else _("{count} layers", count=count)


def directions(carried: xr.Dataset) -> list[str]:
    """What the two halves of the top layer know of the past and of the future."""
    top = carried["explained"].isel(layer=-1)
    before, after = (top.sel(lag=lag).values for lag in (-1, 1))  # (direction,) each
    return [_("The half that reads forwards is explained to {past} by the token before and to "
              "{next} by the one after; the half that reads backwards to {past_back} and "
              "{next_back}.", past=f"{before[0]:.0%}", next=f"{after[0]:.0%}",
              past_back=f"{before[1]:.0%}", next_back=f"{after[1]:.0%}")]


def misuse(one: xr.Dataset, both: xr.Dataset) -> list[str]:
    """Why a low perplexity says nothing when the answer has been read."""
    a, b = one.attrs, both.attrs
    known = {str(source): float(value) for source, value in
             zip(both["source"].values, both["known"].values, strict=True)}
    said = [
        _("Held-out perplexity {scored} looks perfect. Asked for the same tokens with nothing "
          "after them to read, it has {honest}; the one-way network, {other}.",
          scored=f"{b['scored']:.2f}", honest=f"{b['honest']:.2f}", other=f"{a['honest']:.2f}"),
        _("Of what it writes, {known} stands in the text, of tokens drawn by frequency {unigram}.",
          known=f"{known['written']:.1%}", unigram=f"{known['unigram']:.1%}"),
        _("When it may read all anew for each token, {anew} does: in training, the last of each "
          "{window} guesses had nothing to look at, and it is from those that it learns to guess.",
          anew=f"{known['anew']:.0%}", window=b["window"]),
    ]
    if b["echo"] > max(0.2, 3 * b["echo_text"]):
        said.insert(2, _(
            "{echo} of the tokens it writes are the one that stood two before (in the text "
            "{usual}): its backward state says which token comes, and when it is carried on it has "
            "read the one before.", echo=f"{b['echo']:.0%}", usual=f"{b['echo_text']:.0%}"))
    return said


def sights(one: xr.Dataset, both: xr.Dataset) -> list[str]:
    """How much of each guess is made of the very token that is guessed."""
    def answer(trace: xr.Dataset) -> float:
        return float(np.diagonal(trace["share"].values, 1).mean())

    def ahead(trace: xr.Dataset) -> bool:
        return bool((np.triu(trace["gradient"].values, 1) > 0).any())

    said = []
    if not ahead(one):
        said.append(_("Read one way, the gradient with respect to every token to come is exactly "
                      "zero."))
    said.append(_("Read both ways, {share} of what a guess is made of is the very token that is "
                  "guessed.", share=f"{answer(both):.0%}"))
    return said
