"""Where the pages are: one for each file of `pages/`, in its section of the navigation."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from explorer.models.base import ATTENTIVE, RECURRENT
from explorer.words import N_, _

TEXT, PAIRS = ("language_model",), ("translation",)  # what was learnt, and of what
FOLDER = Path(__file__).parents[2] / "pages"


class Place(NamedTuple):
    """name: of the file, and of the page's address. section: "" stands outside of the sections.
    question: what the page answers. tasks: what a run must have learnt to be opened there; none
    where no single run is looked at. kinds: the architectures that it shows; none means any."""

    name: str
    title: str
    section: str
    question: str
    tasks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def shows(self, task: str, kind: str) -> bool:
        """Whether it shows a run that learnt this, with this architecture."""
        return task in self.tasks and (not self.kinds or kind in self.kinds)


PLACES = (
    Place("home", N_("Home"), "", N_("What is this?")),
    Place("counting", N_("Counting words"), N_("Text"), N_("How far does counting get you?"),
          TEXT),
    Place("train", N_("Train and write"), N_("Recurrent"),
          N_("Can a network learn to write like your text?"), TEXT),
    Place("gates", N_("Gates"), N_("Recurrent"),
          N_("What does the network let in, keep, and let out?"), TEXT, RECURRENT),
    Place("states", N_("Hidden states"), N_("Recurrent"),
          N_("What does the network remember?"), TEXT, RECURRENT),
    Place("gradients", N_("Gradients"), N_("Recurrent"),
          N_("How far back does a mistake reach?"), TEXT, RECURRENT),
    Place("cutting", N_("Cutting the chain"), N_("Recurrent"),
          N_("How much of the past may we cut off?"), TEXT, RECURRENT),
    Place("deep", N_("Deep, and both ways"), N_("Recurrent"),
          N_("What do more layers see, and what if it reads backwards too?"), TEXT,
          RECURRENT),
    Place("explode", N_("When it explodes"), N_("Recurrent"),
          N_("What happens when the gradient grows at every step?"), TEXT, RECURRENT),
    Place("translation", N_("Translation"), N_("Sequence to sequence"),
          N_("Can a network learn to translate?"), PAIRS),
    Place("alignment", N_("Attention in translation"), N_("Sequence to sequence"),
          N_("Which word does it look at while it writes?"), PAIRS, ("seq2seq",)),
    Place("attention", N_("Attention alone"), N_("Sequence to sequence"),
          N_("What is attention, without a network around it?")),
    Place("search", N_("Searching for a sentence"), N_("Sequence to sequence"),
          N_("Is the best next word part of the best sentence?"), PAIRS),
    Place("positions", N_("Where am I?"), N_("Transformer"),
          N_("How does it know where a word stands?")),
    Place("steps", N_("Attention, step by step"), N_("Transformer"),
          N_("How does a word look at the others?"), TEXT, ATTENTIVE),
    Place("block", N_("A block, opened"), N_("Transformer"),
          N_("What happens to a token on its way through?"), (*TEXT, *PAIRS), ATTENTIVE),
    Place("heads", N_("Heads"), N_("Transformer"),
          N_("What does each head look at?"), TEXT, ATTENTIVE),
    Place("thinking", N_("What does it think so far?"), N_("Transformer"),
          N_("What would it say, layer by layer?"), TEXT, ATTENTIVE),
    Place("cost", N_("What does it cost?"), N_("Transformer"),
          N_("Why not simply read one word after the other?")),
    Place("side", N_("Side by side"), N_("Compare"),
          N_("Which network learns your text best, and at what price?")),
    Place("runs", N_("My runs"), N_("Runs"), N_("Which of your runs learnt best?")),
)
HOME = PLACES[0].name


def is_open(name: str) -> bool:
    """Whether a place, by its name or its file, has a page."""
    return (FOLDER / f"{_bare(name)}.py").exists()


def open_places() -> list[Place]:
    """The places that have a page."""
    return [place for place in PLACES if is_open(place.name)]


def page(name: str) -> st.Page:
    """The page of a place, by its name or its file, for the navigation and for links to it."""
    name = _bare(name)
    place = next(place for place in PLACES if place.name == name)
    return st.Page(FOLDER / f"{name}.py", title=_(place.title), url_path=name,
                   default=name == HOME)


def sections() -> dict[str, list[st.Page]]:
    """The pages as the navigation shows them."""
    found: dict[str, list[st.Page]] = {}
    for place in open_places():
        found.setdefault(_(place.section), []).append(page(place.name))
    return found


def _bare(name: str) -> str:
    return name.removeprefix("pages/").removesuffix(".py")
