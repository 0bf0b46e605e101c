"""What a trace can hold, named as the field names it, with letters, ranges and meanings."""

from __future__ import annotations

from typing import NamedTuple

from explorer.words import N_


class Observation(NamedTuple):
    """letter: in its paper. signed: lies around zero; else in 0…1. low, high: what the ends of
    its range mean."""

    title: str
    letter: str
    signed: bool
    low: str
    high: str
    meaning: str


OBSERVATIONS: dict[str, Observation] = {
    "forget": Observation(
        N_("forget gate"),
        "f",
        False,
        N_("forget"),
        N_("keep"),
        N_("How much of the old cell state a unit keeps: 0 wipes it, 1 keeps all of it."),
    ),
    "input": Observation(
        N_("input gate"),
        "i",
        False,
        N_("shut"),
        N_("let in"),
        N_("How much of the candidate a unit writes into its cell: 0 ignores it, 1 takes it all."),
    ),
    "output": Observation(
        N_("output gate"),
        "o",
        False,
        N_("hide"),
        N_("show"),
        N_("How much of the cell a unit shows to the rest of the network."),
    ),
    "candidate": Observation(
        N_("candidate"),
        "g",
        True,
        N_("write −1"),
        N_("write +1"),
        N_("The new value on offer at this step, before a gate decides how much of it is taken."),
    ),
    "cell": Observation(
        N_("cell state"),
        "c",
        True,
        N_("negative"),
        N_("positive"),
        N_("The memory itself: it changes only by forgetting and by writing."),
    ),
    "hidden": Observation(
        N_("hidden state"),
        "h",
        True,
        N_("negative"),
        N_("positive"),
        N_("What the network shows at this step: the next guess and the next step are made of it."),
    ),
    "reset": Observation(
        N_("reset gate"),
        "r",
        False,
        N_("ignore the past"),
        N_("use the past"),
        N_("How much of the old state is used to make the candidate."),
    ),
    "update": Observation(
        N_("update gate"),
        "z",
        False,
        N_("replace"),
        N_("keep"),
        N_("How much of the old state is kept; the rest is replaced by the candidate."),
    ),
}
