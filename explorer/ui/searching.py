"""The controls of the page of searches: what is searched, how, and what is forced."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import streamlit as st
import xarray as xr
from pydantic import ValidationError

from explorer.errors import DataError
from explorer.searching import LONGEST, METHODS, WIDEST, Search
from explorer.spec import say
from explorer.store import Run
from explorer.text.pairs import Pairs
from explorer.text.table import PRESETS, Table, normalised
from explorer.ui import link
from explorer.ui.backend import ask
from explorer.ui.controls import form
from explorer.ui.runs import choose_run, choose_step
from explorer.views.tree import path
from explorer.words import N_, _

PLACES = {"table": N_("a typed table"), "translation": N_("a translator"),
          "language_model": N_("a language model")}
EXAMPLES = {"notes": N_("the notes' example"), "late": N_("a word that pays late"),
            "five": N_("five words, none ends")}
HOPED = {"notes": "A", "late": "a dog barks", "five": ""}
OPENING = 60  # letters of a language model's own text, to go on from
FORCED = "search forced"  # its name in the session: what a click asks for
OWNER = "search forced in"  # likewise: whose words the forced ids are
MORE = {"beam": ("refill", "early"), "sampling": ("samples", "temperature", "top_k", "top_p",
                                                 "seed")}


class Searched(NamedTuple):
    """probe, key, step and what of it is to be read: what a search is asked of."""

    probe: str
    key: str
    step: int
    read: dict[str, Any]

    def ask(self, prefix: list[int] | str, reference: str, **how: Any) -> xr.Dataset:
        """A search's tree. Raises ExplorerError."""
        return ask(self.probe, self.key, self.step, prefix=prefix, reference=reference,
                   **self.read, **how)


def choose_model() -> str:
    """A table, or what a run must have learnt."""
    link.seed("model", "table", allowed=PLACES)
    task = str(st.segmented_control(
        _("Search in"), list(PLACES), key="model", required=True, wrap=True, on_change=_leave,
        format_func=lambda name: _(PLACES[name])))
    link.write(model=task)
    return task


def _leave() -> None:
    """Another thing is searched: the link forgets what belonged to the last one."""
    link.write(run=None, step=None, source=None, reference=None, table=None, example=None,
               longest=None)


def choose_example() -> str:
    """An example of a table; another one replaces what was typed."""
    link.seed("example", "notes", allowed=EXAMPLES)

    def replace() -> None:
        st.session_state["table"] = PRESETS[st.session_state["example"]]

    return str(st.selectbox(_("Example"), list(EXAMPLES), key="example", on_change=replace,
                            format_func=lambda name: _(EXAMPLES[name])))


def typed_table(example: str) -> Searched:
    """The table as text."""
    text = st.text_area(
        _("The table"), key=seeded("table", PRESETS[example]), height=200,
        help=_("In the first line the words; <eos> ends a sentence. Then a line for each step, #1, "
               "#2, …, or for the words so far, with the probability of each word."))
    link.write(table=text if text != PRESETS[example] else None, example=example)
    return Searched("search_table", "", 0, {"table": text})


def divide() -> None:
    """Offer to divide each row of the table by its sum, where that mends it."""
    text = str(st.session_state["table"])
    with suppress(DataError):
        Table.parse(text)
        return
    with suppress(DataError):
        divided = normalised(text)
        st.button(_("Divide each row by its sum"), icon=":material/percent:",
                  on_click=lambda: st.session_state.update(table=divided))


def choose_trained(task: str) -> tuple[Searched, str]:
    """A run and what it is to read; and the translation that its pairs have of it, if any."""
    which, when = st.columns([2, 1])
    with which:
        train = "pages/translation.py" if task == "translation" else "pages/train.py"
        run = choose_run(task=task, train=train)
    with when:
        step = choose_step(run)
    source = st.text_input(
        _("Sentence to translate") if task == "translation" else _("Text to go on from"),
        key=seeded("source", opening(run)))
    link.write(source=source)
    return Searched("search", run.key, step, {"source": source}), hoped(run, source)


def opening(run: Run) -> str:
    """What a run reads at first."""
    text = run.experiment.text
    if run.experiment.task.kind == "translation":
        return Pairs(text.name, text.content, text.encoding).rows[0][0]
    return " ".join(text.content[:OPENING].split(" ")[:-1]).replace("\n", " ").strip()


def hoped(run: Run, source: str) -> str:
    """The translation that the run's own pairs have of a source, if they have one."""
    text = run.experiment.text
    if run.experiment.task.kind != "translation":
        return ""
    rows = Pairs(text.name, text.content, text.encoding).rows
    return next((target for own, target in rows if own == source), "")


def seeded(name: str, default: Any, convert: Any = str, **bounds: Any) -> str:
    """Let the control of a name start as the link says; gives its key."""
    link.seed(name, default, convert, **bounds)
    return name


def choose_method(task: str) -> dict[str, Any]:
    """How it is searched: method, width, maximum length, α, and more behind a popover; `against`
    is the width of the beam beside it."""
    link.seed("method", "beam", allowed=METHODS)
    link.seed("width", 2, int, between=(1, WIDEST))
    link.seed("longest", 4 if task == "table" else 20, int, between=(1, LONGEST))
    link.seed("alpha", 0.75, float, between=(0, 2))
    link.seed("against", 1, int, between=(0, WIDEST))
    row = st.columns([1.2, 0.9, 1, 1.4, 1.1, 0.7], vertical_alignment="bottom")
    fields = Search.model_fields
    method = str(row[0].selectbox(_("Method"), list(METHODS), key="method",
                                  format_func=lambda name: _(METHODS[name])))
    row[1].number_input(_("Width"), 1, WIDEST, key="width", disabled=method != "beam",
                        help=_(str(fields["width"].description)))
    row[2].number_input(_("Maximum length"), 1, LONGEST, key="longest",
                        help=_(str(fields["longest"].description)))
    row[3].slider(_("Length correction α"), 0.0, 2.0, step=0.05, key="alpha",
                  help=_(str(fields["length_penalty"].description)))
    row[4].number_input(_("Beside it, a beam of"), 0, WIDEST, key="against",
                        help=_("The width of a second search: 1 is greedy search, 0 none."))
    chosen = {name: st.session_state[name] for name in
              ("method", "width", "longest", "alpha", "against")}
    link.write(**chosen)
    how = {"length_penalty": float(chosen.pop("alpha"))} | chosen
    more = MORE.get(method, ())
    if more:
        with row[5], st.popover(_("More"), icon=":material/tune:"):
            how |= form(Search, _linked(more), f"more-{method}", more)
    link.write(**{name: how[name] if name in more and how[name] != fields[name].default else None
                  for names in MORE.values() for name in names})
    return how


def _linked(names: Sequence[str]) -> dict[str, Any]:
    """What the link says of some settings of a search; what is none of their values is refused."""
    found = {}
    for name in names:
        if given := link.read(name):
            try:
                found[name] = getattr(Search.model_validate({name: given}), name)
            except ValidationError as error:
                link.refuse(_("The link cannot be followed: {reason}", reason=say(error)))
    return found


def choose_words(searched: Searched, given: str) -> tuple[list[int] | str, str]:
    """What is forced, as ids when it was clicked and as a text when it was typed, and what is
    hoped for. given: the default of the latter. Ids are those of what was `searched` as they were
    clicked: another run's or table's are forgotten."""
    forced, wanted = st.columns(2)
    owner = (searched.probe, searched.key, searched.read.get("table"))
    if st.session_state.get(OWNER, owner) != owner and link.read("ids"):
        link.write(begin=None, ids=None)
        st.session_state["begin"] = ""
    st.session_state[OWNER] = owner
    if FORCED in st.session_state:
        text, ids = st.session_state.pop(FORCED)
        link.turn(begin=text, ids=".".join(map(str, ids)))
    begin = forced.text_input(
        _("Begin with"), key=seeded("begin", ""),
        help=_("Words that are forced; the search goes on from there. Or click a node of the tree, "
               "and go on from it."))
    if begin != link.read("begin"):  # typed: it is no longer what was clicked
        link.write(ids=None)
    reference = wanted.text_input(
        _("A sentence you hope for"), key=seeded("reference", given),
        help=_("Its way through the search is followed: where did it fall off?"))
    link.write(begin=begin or None, reference=reference if reference != given else None)
    ids = [int(each) for each in link.read("ids").split(".") if each.isdecimal()][:LONGEST]
    return ids or begin, reference


def force(trace: xr.Dataset, node: int, token: int | None = None) -> None:
    """Search on from a node, or from its parent with another word; the page is drawn again."""
    nodes = path(trace, node)[1:]
    ids = [int(trace["token"].values[each]) for each in nodes]
    labels = [str(trace["label"].values[each]) for each in nodes]
    if token is not None:
        siblings = trace["parent"].values == trace["parent"].values[node]
        other = int((siblings & (trace["token"].values == token)).argmax())
        ids[-1], labels[-1] = token, str(trace["label"].values[other])
    st.session_state[FORCED] = (str(trace.attrs["joint"]).join(labels), ids)
    st.session_state.pop("node", None)
    st.rerun()
