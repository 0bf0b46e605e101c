"""What to notice about states: sentences computed from probes' answers, for this run and text."""

from __future__ import annotations

import numpy as np
import xarray as xr

from explorer.views.states import separation
from explorer.words import N_, _

KINDS = {"class": N_("the kind of the character"), "quotes": N_("being inside quotation marks"),
         "brackets": N_("being inside brackets")}
NEARLY = 0.9  # of the variance
WORTH = 0.01  # of a threshold: a narrower range cannot be set
STANDS_OUT = 1.5  # times as often as in the whole text


def trajectory(trace: xr.Dataset) -> list[str]:
    """About the picture of the states: how flat it is, what it sorts by, what two texts share."""
    said = [directions(trace)]
    shares = separation(trace)
    if shares:
        best = max(shares, key=shares.__getitem__)
        rest = [f"{_(KINDS[name])} {share:.0%}" for name, share in shares.items() if name != best]
        said.append(_("In this picture **{what}** goes along with {share} of where a state lies.",
                      what=_(KINDS[best]), share=f"{shares[best]:.0%}")
                    + (" " + _("Less does: {rest}.", rest=", ".join(rest)) if rest else ""))
    return said + _meeting(trace)


def directions(trace: xr.Dataset) -> str:
    """How many directions hold most of the variance."""
    held = np.cumsum(trace["explained"].values)
    return _("Two directions hold {two} of how the states differ; it takes {count} of {all} to "
             "hold {nearly}.", two=f"{held[min(1, len(held) - 1)]:.0%}", nearly=f"{NEARLY:.0%}",
             count=int((held < NEARLY).sum()) + 1, all=len(held))


def _meeting(trace: xr.Dataset) -> list[str]:
    """What two texts leave behind when their last tokens are the same."""
    if "apart" not in trace:
        return []
    apart = trace["apart"].values
    if len(apart) < 2:
        return [_("The two texts end differently, so nothing is said of how fast a difference is "
                  "forgotten: let them share their last words.")]
    if apart[0] == 0:
        return [_("The two texts are the same.")]
    half = int((apart > apart[0] / 2).sum())
    return [_("Before their last {shared} tokens, which are the same, the two texts are {before} "
              "apart, after them {after}: that is what is left of the difference. After {half} of "
              "them half of it was gone.", shared=len(apart) - 1, before=f"{apart[0]:.2f}",
              after=f"{apart[-1]:.2f}", half=half)
            if apart[-1] <= apart[0] / 2 else
            _("Before their last {shared} tokens, which are the same, the two texts are {before} "
              "apart, after them still {after}.", shared=len(apart) - 1,
              before=f"{apart[0]:.2f}", after=f"{apart[-1]:.2f}")]


def selection(match: xr.Dataset) -> list[str]:
    """About select and match: which units hold the span, where else, and what it has in common."""
    if not match.sizes["chosen"]:
        return _none(match)
    pairs = zip(match["unit"].values, match["sign"].values, strict=True)
    units = ", ".join(f"{unit}{'+' if sign > 0 else '−'}" for unit, sign in pairs)
    said = [_("On throughout the span and off around it: **{units}** (units; + above {threshold}, "
              "− below −{threshold}).", units=units,
              threshold=f"{match.attrs['threshold']:.2f}")]
    return [*said, _elsewhere(match), *_in_common(match)]


def _none(match: xr.Dataset) -> list[str]:
    about = match.attrs
    least, most = about["nearest_least"], about["nearest_most"]
    if least - most > WORTH:
        return [_("No unit is on throughout this span and off around it at a threshold of "
                  "{threshold}. The nearest, unit {unit}, would be at any from {most} to {least}.",
                  threshold=f"{about['threshold']:.2f}", unit=about["nearest"],
                  most=f"{most:.2f}", least=f"{least:.2f}")]
    return [_("No unit is on throughout this span and off around it, at any threshold. The nearest "
              "is unit {unit}: within the span it goes down to {least}, around it up to {most} "
              "(times {sign}1). Choose a shorter span.", unit=about["nearest"],
              least=f"{least:.2f}", most=f"{most:.2f}",
              sign="+" if about["nearest_sign"] > 0 else "−")]


def _elsewhere(match: xr.Dataset) -> str:
    about, chosen = match.attrs, match.sizes["chosen"]
    if about["all"]:
        return _("Places where all of them are on together, in {read} tokens of the run's own "
                 "text: {places}.", read=f"{about['read']:,}", places=f"{about['all']:,}")
    if not about["found"]:
        return _("Nowhere in {read} tokens of the run's own text is even half of them on together.",
                 read=f"{about['read']:,}")
    return _("Nowhere in {read} tokens of the run's own text are all of them on together; at most "
             "{most} of {count} are.", read=f"{about['read']:,}",
             most=int(match["together"].values[0]), count=chosen)


def _in_common(match: xr.Dataset) -> list[str]:
    """The kind of token that is found most above its share, if any is."""
    share, base = match["share"].values, match["base"].values
    if not match.attrs["found"]:
        return []
    lift = np.divide(share, base, out=np.zeros_like(share), where=base > 0)
    lift[share < 0.1] = 0  # too few to speak of
    best = int(lift.argmax())
    if lift[best] < STANDS_OUT:
        return [_("No kind of token is found there much more often than elsewhere.")]
    return [_("What they have in common: {share} of the tokens found are {kind}, of all tokens "
              "{base}.", share=f"{share[best]:.0%}", kind=_(str(match["kind"].values[best])),
              base=f"{base[best]:.0%}")]


def nearest(places: xr.Dataset) -> str:
    """How near the nearest states are."""
    about, distance = places.attrs, places["distance"].values
    return _("After token {token}, the state nearest to this one in {read} tokens lies {first} "
             "away; half of all lie farther than {median}. Distances are Euclidean, over all "
             "units; each kept number is exact to {error}.", token=about["token"],
             read=f"{about['read']:,}", first=f"{distance[0]:.3f}", median=f"{about['median']:.2f}",
             error=f"{about['error']:.1g}")
