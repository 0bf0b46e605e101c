"""What a head is called, and what is to be noticed of all of them: computed from the tests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from explorer.words import N_, _


class Said(NamedTuple):
    """title: of the test. called: of a head that passes it. score: what its score says, with
    {score} and {chance}. asks: what the test measures."""

    title: str
    called: str
    score: str
    asks: str


SAID = {
    "previous": Said(
        N_("token before"), N_("it looks at the token before"),
        N_("{score} of its weight goes to the token before; of even weights it would be {chance}."),
        N_("The share of the weight that goes to the token before.")),
    "first": Said(
        N_("first token"), N_("it looks at the first token"),
        N_("{score} of its weight goes to the first token; of even weights it would be {chance}."),
        N_("The share of the weight that goes to the first token of all.")),
    "same": Said(
        N_("same token"), N_("it looks at earlier places of the same token"),
        N_("{score} of its weight goes to earlier places of the same token; of even weights it "
           "would be {chance}."),
        N_("The share of the weight that goes to earlier places of the token that looks, but for "
           "the one just before it; asked of tokens that have such a place.")),
    "induction": Said(
        N_("induction"),
        N_("it looks at what came after earlier places of the same token"),
        N_("{score} of its weight goes to what came after earlier places of the same token; of "
           "even weights it would be {chance}."),
        N_("The share of the weight that goes to what came after earlier places of the token that "
           "looks (Olsson et al. 2022), where that is neither the same token nor the one before; "
           "asked of tokens that have such a place.")),
    "separator": Said(
        N_("separators"), N_("it looks at blanks and signs"),
        N_("{score} of its weight goes to blanks and signs; of even weights it would be {chance}."),
        N_("The share of the weight that goes to tokens without a letter or a digit.")),
    "distance": Said(
        N_("by distance"), N_("it goes by distance alone"),
        N_("How far back a token stands explains {score} of what makes its weights uneven; by "
           "chance it would be {chance}."),
        N_("The share of the variance of α − 1/n, the departure from even weights, that lies "
           "between the distances.")),
}


def title(name: str) -> str:
    return _(SAID[name].title)


def called(name: str) -> str:
    """What a head does, by the test that it passed; "" passed none."""
    return _(SAID[name].called) if name else _("it passes none of the tests, so it has no name")


def score_of(trace: xr.Dataset, layer: int, head: int, name: str) -> str:
    """A head's score in a test, as it is written; "–" where the test had nothing to ask."""
    score = float(trace["score"].sel(test=name).values[layer, head])
    return "–" if np.isnan(score) else f"{score:.2f}"


def found(trace: xr.Dataset, layer: int, head: int) -> str:
    """What the tests found of one head, in a sentence with its score."""
    name = str(trace["name"].values[layer, head])
    if not name:
        return _("It passes none of the six tests, so nothing is said of what it does.")
    said = _(SAID[name].score, score=score_of(trace, layer, head, name),
             chance=f"{float(trace['chance'].sel(test=name)):.2f}")
    others = [title(test) for test in passed(trace, layer, head) if test not in (name, "distance")]
    return f"{said} {_('It also passes: {others}.', others=', '.join(others))}" if others else said


def passed(trace: xr.Dataset, layer: int, head: int) -> list[str]:
    """The tests that one head passes."""
    at, least = trace.isel(layer=layer, head=head), trace.attrs
    well = ((at["excess"] >= least["least_excess"]) & (at["sure"] >= least["least_sure"])
            & (trace["queries"] >= least["least_queries"]))
    return [str(test) for test in trace["test"].values[well.values]]


def asked(trace: xr.Dataset) -> bool:
    """Whether any test had enough to ask."""
    return bool((trace["queries"].values >= trace.attrs["least_queries"]).any())


def answer(trace: xr.Dataset) -> str:
    """How many heads have a name."""
    names = trace["name"].values
    if not asked(trace):
        return _("No test can say anything of so few tokens: each needs at least {queries} "
                 "queries.", queries=trace.attrs["least_queries"])
    named = int((names != "").sum())
    counts = [f"{title(test)} {int((names == test).sum())}" for test in SAID
              if (names == test).any()]
    if not named:
        return _("Heads that pass a test at this step: none of {count}.", count=names.size)
    return _("Heads that pass a test at this step: {named} of {count} ({which}).", named=named,
             count=names.size, which=", ".join(counts))


def findings(trace: xr.Dataset, layer: int, head: int) -> list[str]:
    """What is to be noticed of all heads and of the chosen one."""
    said = [answer(trace)]
    spread = trace["spread"].values
    sharp = np.unravel_index(spread.argmin(), spread.shape)
    if spread.size > 1 and asked(trace):
        wide = np.unravel_index(spread.argmax(), spread.shape)
        said.append(_(
            "The sharpest is head {sharp}: its weights are as spread as if {few} tokens shared "
            "them evenly; the most spread is {wide}, with {many}.",
            sharp=f"{sharp[0] + 1}.{sharp[1] + 1}", few=f"{spread[sharp]:.1f}",
            wide=f"{wide[0] + 1}.{wide[1] + 1}", many=f"{spread[wide]:.1f}"))
    chosen = f"{layer + 1}.{head + 1}"
    said.append(_("**Head {chosen}**: {found}", chosen=chosen, found=found(trace, layer, head)))
    return said
