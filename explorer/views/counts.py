"""What to notice in counts: sentences that are computed from a trace, and true for this text."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import isnan, log2

import xarray as xr

from explorer.views.ngrams import SMOOTHINGS, signed
from explorer.words import _

Best = tuple[int, float, int]  # of an n-gram model: order, held-out perplexity, guesses
QUOTED = 80  # characters of a longer stretch
LEVEL = 0.01  # perplexities that differ by less than this share are level


def against(network: float, scored: int, best: Best) -> str:
    """A network's held-out perplexity beside that of the best n-gram model, whoever wins."""
    n, counting, guesses = best
    numbers = {"n": n, "counting": f"{counting:.2f}", "network": f"{network:.2f}",
               "bits": f"{abs(log2(network / counting)):.2f}"}
    if abs(network / counting - 1) < LEVEL:
        said = _("Counting is level with it: the best n-gram model (order {n}) hesitates among "
                 "{counting} tokens on the same end, the network among {network}.", **numbers)
    elif network < counting:
        said = _("It beats counting: the best n-gram model (order {n}) hesitates among {counting} "
                 "tokens on the same end, the network among {network}, {bits} bits a token "
                 "better.", **numbers)
    else:
        said = _("**Counting beats it:** the best n-gram model (order {n}) hesitates among "
                 "{counting} tokens on the same end, the network among {network}, {bits} bits a "
                 "token worse.", **numbers)
    if scored < guesses:
        said += " " + _("(The network was scored on {scored} of the {guesses} tokens there.)",
                        scored=f"{scored:,}", guesses=f"{guesses:,}")
    return said


def frequencies(trace: xr.Dataset) -> list[str]:
    """How steeply the counts fall, and how much comes only once."""
    said = []
    slopes = [float(slope) for slope in trace["slope"].values]
    if not isnan(slopes[0]):
        said.append(_("From rank {low} to {high} the line falls with slope {slope}: at twice the "
                      "rank there is {share} of the count. (Zipf's law says −1, and half.)",
                      low=int(trace["low"][0]), high=f"{int(trace['high'][0]):,}",
                      slope=signed(slopes[0]), share=f"{2 ** slopes[0]:.0%}"))
    else:
        said.append(_("There are too few different ones for a line: take a longer text."))
    if not any(map(isnan, slopes)):
        numbers = " · ".join(map(signed, slopes))
        flatter = all(a < b for a, b in pairwise(slopes))
        said.append(
            _("Each longer n-gram falls more flatly ({slopes}): there are ever more of them to "
              "share the same text.", slopes=numbers) if flatter else
            _("Longer n-grams do not fall more flatly in every case here: {slopes}.",
              slopes=numbers))
    once = [f"{one / of:.0%}" if of else "–"
            for one, of in zip(trace["once"].values, trace["distinct"].values, strict=True)]
    said.append(_("Seen only once: {shares} of the different single ones, pairs and triples.",
                  shares=" · ".join(once)))
    return said


def tenth(trace: xr.Dataset) -> str:
    """How often the first and the tenth come."""
    one = trace.isel(point=trace["n"].values == 1)
    place = int(abs(one["rank"].values - 10).argmin())
    first, later = int(one["count"][0]), int(one["count"][place])
    return _("The first, “{first}”, comes {often} times; number {rank}, “{later}”, {count} times: "
             "{share} of it.", first=str(one["gram"].values[0]), often=f"{first:,}",
             rank=int(one["rank"][place]), later=str(one["gram"].values[place]),
             count=f"{later:,}", share=f"{later / first:.0%}")


def guesses(trace: xr.Dataset, networks: Mapping[str, tuple[str, float]]) -> list[str]:
    """Which order guesses best with each smoothing, why longer is no better, and whether the
    networks that were trained on the same text do better."""
    scores = trace["perplexity"]
    V = int(trace.attrs["vocabulary"])
    best = {str(name): int(scores.sel(smoothing=name).values.argmin()) + 1
            for name in trace["smoothing"].values}
    least = float(scores.sel(smoothing="witten-bell").min())
    numbers = {"smoothing": SMOOTHINGS["witten-bell"], "n": best["witten-bell"],
               "value": f"{least:.2f}", "count": V, "bits": f"{abs(log2(V / least)):.2f}"}
    said = [_("With {smoothing} order {n} guesses best: it hesitates among {value} of {count} "
              "tokens. That saves {bits} bits a token against a blind guess.", **numbers)
            if least < V else
            _("With {smoothing} order {n} guesses best, yet {bits} bits a token worse than a blind "
              "guess: it hesitates as if among {value} tokens, and there are {count}. The text is "
              "too short to count.", **numbers)]
    flat = scores.sel(smoothing="laplace").values
    said.append(
        _("Laplace with α = {alpha} is best at order {n} ({value}), and at order {last} it is at "
          "{worse}: the longer the context, the more of its chances go to what was never seen.",
          alpha=f"{trace.attrs['alpha']:g}", n=best["laplace"], value=f"{flat.min():.2f}",
          last=len(flat), worse=f"{flat[-1]:.2f}")
        if flat[-1] > flat.min() else
        _("Laplace with α = {alpha} still gains at order {last}: {value}.",
          alpha=f"{trace.attrs['alpha']:g}", last=len(flat), value=f"{flat[-1]:.2f}"))
    said.append(_("In {share} of the guesses the {count} tokens before were never seen together.",
                  share=f"{float(trace['unseen'][-1]):.0%}", count=len(flat) - 1))
    said += [
        _("**{name}**, a network, hesitates among {value}: {bits} bits better than counting.",
          name=name, value=f"{value:.2f}", bits=f"{log2(least / value):.2f}") if value < least else
        _("**{name}**, a network, hesitates among {value}: counting is {bits} bits better.",
          name=name, value=f"{value:.2f}", bits=f"{log2(value / least):.2f}")
        for name, (_kind, value) in networks.items()]
    return said


def reading(trace: xr.Dataset) -> list[str]:
    """What the two ways of cutting a text do to the order of reading."""
    window = int(trace.attrs["window"])
    said = []
    for way in map(str, trace["sampling"].values):
        one = trace.sel(sampling=way)
        starts = one["start"].values  # (step, row)
        on = (starts[1:] == starts[:-1] + window) & (one["epoch"].values[1:]
                                                     == one["epoch"].values[:-1])[:, None]
        share = f"{on.mean():.0%}" if on.size else "–"
        said.append(
            _("Random: {share} of the windows happen to begin where their row's last one ended; "
              "every state begins blank, so nothing beyond {window} tokens can be learnt.",
              share=share, window=window)
            if way == "random" else
            _("Sequential: each row reads its part of the text in a single window, so here too "
              "every state begins blank.")
            if one["blank"].values.all() else
            _("Sequential: {share} of the windows begin where their row's last one ended, and the "
              "state goes on into all of these.", share=share))
    read = trace.sel(sampling="random")
    first = read["start"].values[read["epoch"].values == 0].ravel()
    said.append(_("One reading cuts the text into {windows} windows; the next begins at another "
                  "place, so that no cut is always the same.", windows=len(set(first.tolist()))))
    return said


def by_heart(stretch: str, order: int) -> str:
    """How much of what the highest order wrote stands in the text as it is."""
    quoted = " ".join(stretch.split())
    if len(quoted) > QUOTED:
        quoted = quoted[: QUOTED // 2] + "…" + quoted[-QUOTED // 2 :]
    return _("The longest stretch that order {n} wrote as it stands in the text has {count} "
             "characters: “{stretch}”.", n=order, count=len(stretch), stretch=quoted)


Span = tuple[int | None, bool, str]  # row of the batch, from 0; whether of this step; in words


def spans(trace: xr.Dataset, way: str, at: int) -> list[Span]:
    """For each token of the text the window of step `at` (from 1) that reads it, else that of the
    step after it, if either does."""
    found: list[Span] = [(None, False, "")] * trace.sizes["token"]
    window = int(trace.attrs["window"])
    for step in (at + 1, at):
        if step > trace.sizes["step"]:
            continue
        for row, start in enumerate(trace["start"].sel(sampling=way, step=step).values.tolist()):
            said = _("step {step}, row {row}", step=step, row=row + 1)
            found[start : start + window] = [(row, step == at, said)] * window
    return found
