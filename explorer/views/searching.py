"""What a search found, in words and as a table."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import xarray as xr

from explorer.searching import sentences as counted
from explorer.views.tree import METHOD_NAMES, path, reference_path, tidy, written
from explorer.words import _

APART = 0.05  # of log P: nearer ones are about equally likely
SAME = 5e-4  # of a score or log P: nearer ones are written alike


def ended(trace: xr.Dataset) -> pd.DataFrame:
    """The sentences that ended, or were cut off, the best first: sentence, P, log P, score, words,
    how often it was drawn, and BLEU, where one was hoped for."""
    data = tidy(trace)
    data["near"] = data["score"].round(9)  # of equal ones the longest first, as the search does
    some = data[data["drawn_as"].isin(["finished", "best", "cut"])].sort_values(
        ["near", "depth"], ascending=False, kind="stable")
    return pd.DataFrame({
        "node": some.index, "sentence": [written(trace, node) for node in some.index],
        "p": np.exp(some["total"]), "total": some["total"], "score": some["score"],
        "words": some["depth"], "drawn": some["drawn"], "cut": some["drawn_as"].eq("cut")
        | ((some["drawn_as"] == "best") & (some["token"] != trace.attrs["eos"])
           & (trace.attrs["eos"] >= 0)),
    } | ({"bleu": trace["bleu"].values[some.index]} if "bleu" in trace else {})
    ).reset_index(drop=True)


def candidates(trace: xr.Dataset, node: int) -> pd.DataFrame:
    """The listed continuations of a node, the likeliest first: node, token, word, p, state."""
    data = tidy(trace)
    some = data[data["parent"] == node].sort_values(
        "log_probability", ascending=False, kind="stable")
    return pd.DataFrame({
        "node": some.index, "token": some["token"], "word": some["label"],
        "p": np.exp(some["log_probability"]), "state": some["drawn_as"]}).reset_index(drop=True)


def chance(p: float) -> str:
    """A probability, as short as it says something."""
    return f"{p:.3g}" if p >= 1e-4 else f"{p:.1e}"


def signed(value: float) -> str:
    """A log-probability or a score."""
    return f"{value:.3f}".replace("-", "−")


def findings(trace: xr.Dataset) -> list[str]:
    """What to notice about one search."""
    return [_best(trace), *_trap(trace), _cost(trace), *_missed(trace), *fallen(trace)]


def _best(trace: xr.Dataset) -> str:
    about, node = trace.attrs, trace.attrs["best"]
    length = int(trace["depth"].values[node])
    said = _("{method} found **{sentence}**: P = {p}, and log P / L^α = {total} / "
             "{length}^{alpha:g} = {score}.", method=_(METHOD_NAMES[about["method"]]),
             sentence=written(trace, node), p=chance(math.exp(about["best_total"])),
             total=signed(about['best_total']),
             length=length, alpha=about["length_penalty"], score=signed(about['best_score']))
    if about["eos"] >= 0 and int(trace["token"].values[node]) != about["eos"]:
        said += " " + _("It was cut off: at {longest} words it had not ended.",
                        longest=about["longest"])
    return said


def _trap(trace: xr.Dataset) -> list[str]:
    """Whether, of what was found, another sentence would win without correction for length, or
    with it."""
    found = ended(trace)
    if len(found) < 2:
        return []
    plain = found.sort_values(["total", "words"], ascending=False).iloc[0]
    best = found.iloc[0]
    if trace.attrs["length_penalty"] > 0 and plain["node"] != trace.attrs["best"] and (
            plain["total"] > trace.attrs["best_total"] + APART):
        return [_("The trap: by probability alone **{short}** would win, with P = {p} against "
                  "{other}: every word costs, so that short sentences are likely. Only the "
                  "correction for length puts **{best}** first.", short=plain["sentence"],
                  p=chance(plain["p"]), other=chance(math.exp(trace.attrs["best_total"])),
                  best=written(trace, trace.attrs["best"]))]
    if trace.attrs["length_penalty"] == 0:
        fair = found.assign(fair=found["total"] / found["words"] ** 0.75).sort_values(
            "fair", ascending=False).iloc[0]
        if fair["node"] != trace.attrs["best"] and fair["words"] > best["words"]:
            return [_("The trap: nothing corrects for length here, so the short sentence wins. "
                      "With α = 0.75 it would be **{other}**: {score} against {own}.",
                      other=fair["sentence"], score=signed(fair['fair']),
                      own=signed(best['total'] / best['words'] ** 0.75))]
    return []


def _cost(trace: xr.Dataset) -> str:
    about = trace.attrs
    steps = about["longest"] - (int(trace["forced"].values.sum()) - 1)
    every, _count = counted(about["words"], about["eos"] >= 0, steps)
    if about["method"] == "exhaustive":
        return _("It scored {scored} continuations, all there are: nothing better exists.",
                 scored=f"{about['scored']:,}")
    said = f"{every:,}" if every < 1e9 else f"{float(every):.1e}" if every < 1e300 else "10³⁰⁰…"
    return _("It scored {scored} continuations; to be sure that there is nothing better one would "
             "have to score {every}.", scored=f"{about['scored']:,}", every=said)


def _missed(trace: xr.Dataset) -> list[str]:
    """The beginning that was pruned by the least."""
    margin = np.where(trace["state"].values == "pruned", trace["margin"].values, np.nan)
    if not np.isfinite(margin).any():
        return []
    node = int(np.nanargmin(margin))
    if margin[node] < 1e-9:
        return [_("**{words}** was pruned by chance: it is as likely as what was kept in its "
                  "place.", words=written(trace, node))]
    return [_("The closest miss: **{words}** was pruned {margin} short in log P; {factor} times as "
              "likely, it would have been kept.", words=written(trace, node),
              margin=signed(margin[node]), factor=f"{math.exp(margin[node]):.2f}")]


def fallen(trace: xr.Dataset) -> list[str]:
    """What became of the reference."""
    if "reference_token" not in trace:
        return []
    about, labels = trace.attrs, [str(label) for label in trace["reference_label"].values]
    fell = about["reference_fell"]
    if about["reference_forced_off"]:
        return [_("The reference was left when another word was forced in its step {step}.",
                  step=fell)]
    said = []
    if fell:
        margin = float(trace["reference_margin"].values[fell - 1])
        rank = int(trace["reference_rank"].values[fell - 1])
        lacked = _("{margin} short in log P", margin=signed(margin)) if margin < 1e3 else _(
            "with probability 0")
        said.append(_("The reference fell off in step {step}, at **{word}**: its beginning was "
                      "number {rank} of those that competed, {lacked}.", step=fell,
                      word=labels[fell - 1], rank=rank, lacked=lacked))
    elif "reference_place" in about:
        said.append(_("Of all sentences the reference comes as number {place}.",
                      place=f"{about['reference_place']:,}"))
    return [*said, _verdict(trace, len(labels))]


def _verdict(trace: xr.Dataset, words: int) -> str:
    """Whose fault it is that the reference, of so many words, was not found."""
    about, nodes = trace.attrs, reference_path(trace)
    score, best = about["reference_score"], about["best_score"]
    whole = len(nodes) - 1 == words
    if whole and nodes[-1] == about["best"]:
        return _("The reference is what was found.")
    if whole and about["reference_kind"] == "beginning" and nodes[-1] in path(trace, about["best"]):
        return _("What was found begins with the reference.")
    if about["reference_kind"] == "beginning":
        return _("Nothing ends the reference here: it is only a beginning, and what was found does "
                 "not begin so. Beginnings and sentences cannot be compared.")
    if about["reference_kind"] == "longer":
        return _("The reference has {words} words, and the search goes no further than {longest}: "
                 "it could not be found. Raise the maximum length.", words=words,
                 longest=about["longest"])
    if abs(score - best) < SAME:
        return _("The model scores the reference like what was found, {score}: chance decides "
                 "between them.", score=signed(score))
    if score < best:
        return _("The model's own taste: it scores the reference {score}, less than what was "
                 "found. No search would bring it back.", score=signed(score))
    said = _("The search's mistake: the model itself scores the reference higher, {score} against "
             "{best}.", score=signed(score), best=signed(best))
    return said + " " + (_("More draws, or a beam, may find it.") if about["method"] == "sampling"
                         else _("A wider beam may find it."))


def compared(trace: xr.Dataset, other: xr.Dataset) -> list[str]:
    """One search beside another one of the same model."""
    mine, theirs = (written(each, each.attrs["best"]) for each in (trace, other))
    prices = _("It scored {mine} continuations, the other {theirs}.",
               mine=f"{trace.attrs['scored']:,}", theirs=f"{other.attrs['scored']:,}")
    if mine == theirs:
        return [_("Both searches found **{sentence}**.", sentence=mine) + " " + prices]
    first = _first_apart(trace, other)
    ahead = trace.attrs["best_score"] - other.attrs["best_score"]
    better = _("a higher score") if ahead > 0 else _("a lower score")
    return [_("The other search found **{other}**: this one has {better}, {mine} against {theirs}. "
              "They part in step {step}.", other=theirs, better=better,
              mine=signed(trace.attrs['best_score']), theirs=signed(other.attrs['best_score']),
              step=first) + " " + prices]


def _first_apart(trace: xr.Dataset, other: xr.Dataset) -> int:
    own, theirs = ([int(each["token"].values[node]) for node in path(each, each.attrs["best"])[1:]]
                   for each in (trace, other))
    return next((step for step, (a, b) in enumerate(zip(own, theirs, strict=False), 1) if a != b),
                min(len(own), len(theirs)) + 1)


def greedy_answer(greedy: xr.Dataset, trace: xr.Dataset) -> str:
    """Whether the likeliest word at each step made the likeliest sentence, as far as was seen."""
    own, p = written(greedy, greedy.attrs["best"]), math.exp(greedy.attrs["best_total"])
    found = ended(trace).sort_values(["total", "words"], ascending=False)
    if len(found) and found["sentence"].iloc[0] != own and (
            found["total"].iloc[0] > greedy.attrs["best_total"] + SAME):
        return _("No: word by word one gets **{own}**, P = {p}; but **{other}** has P = {more}. A "
                 "likely word can lead where nothing likely follows.", own=own, p=chance(p),
                 other=found["sentence"].iloc[0], more=chance(found["p"].iloc[0]))
    if trace.attrs["method"] == "exhaustive":
        return _("Here it does: of all sentences none is likelier than **{own}**, P = {p}. Change "
                 "a number, and look again.", own=own, p=chance(p))
    return _("As far as this search saw: it found nothing likelier than **{own}**, P = {p}. Only "
             "an exhaustive search could be sure.", own=own, p=chance(p))
