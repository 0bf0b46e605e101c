"""What a search found, on the page: its tree, its sentences, and one node opened."""

from __future__ import annotations

import math

import streamlit as st
import xarray as xr

from explorer import ui
from explorer.ui import searching
from explorer.ui.backend import draw
from explorer.ui.tree import goes_on, search_tree
from explorer.views import palette
from explorer.views.searching import candidates, chance, ended, signed
from explorer.views.tree import NAMES, path, tidy
from explorer.words import _

MOST = 10  # sentences that are listed
CHOICES = 8  # other words that a token offers


def tree_of(trace: xr.Dataset, key: str) -> int:
    """The tree; gives the node that is open: the one clicked last, else the best sentence's end."""
    node = st.session_state.get(f"{key} node")
    if not isinstance(node, tuple) or node[0] != trace.attrs or node[1] >= trace.sizes["node"]:
        node = (trace.attrs, int(trace.attrs["best"]))
    with st.container(key=key):
        event = search_tree(trace, key=f"{key}-tree", selected=node[1])
    if event is not None and event.force:
        searching.force(trace, event.node)
    if event is not None:
        node = (trace.attrs, event.node)
        st.session_state[f"{key} node"] = node
    return int(node[1])


def sentences_of(trace: xr.Dataset) -> None:
    """The best sentences, as a table."""
    found = ended(trace)
    shown = found.head(MOST)
    columns = {_("sentence"): shown["sentence"] + shown["cut"].map({True: " …", False: ""}),
               "P": shown["p"].map(chance), "log P": shown["total"].map(signed),
               _("score"): shown["score"].map(signed), _("words"): shown["words"]}
    if "bleu" in shown:
        columns["BLEU"] = shown["bleu"].map("{:.1f}".format)
    if found["drawn"].any():
        columns[_("drawn")] = shown["drawn"]
    st.dataframe(columns, hide_index=True, width="stretch")
    said = [_("The best {shown} of {count}.", shown=MOST, count=len(found))] if (
        len(found) > MOST) else []
    if "bleu" in shown:
        said.append(_("BLEU, 0 to 100, is counted by sacrebleu against the sentence that you hope "
                      "for, of this one sentence: by runs of up to four words, fewer where it is "
                      "shorter."))
    if said:
        st.caption(" ".join(said))


def opened_node(trace: xr.Dataset, node: int) -> None:
    """One beginning, word by word: what might have stood in each place, what could follow, and
    where the network looked as it chose the last word."""
    if node == 0:
        node = int(trace.attrs["best"])
    data, colours = tidy(trace), palette(ui.theme())
    nodes = path(trace, node)[1:]
    own = data.loc[nodes]
    shares = own["log_probability"].map(lambda value: math.exp(value))
    event = ui.strip(
        [f"{label}{trace.attrs['joint']}" for label in own["label"]],
        [colours.shade(share, signed=False) for share in shares],
        label=_("The beginning, coloured by each word's probability"),
        hover=[[f"P = {chance(share)}", _(NAMES[state])]
               for share, state in zip(shares, own["drawn_as"], strict=True)],
        candidates=[others(trace, each) for each in nodes],
        selected=len(nodes) - 1, key="strip")
    if event is not None and event.index is not None:
        chosen = nodes[event.index]
        if event.candidate is not None:
            searching.force(trace, chosen, event.candidate)
        st.session_state["main node"] = (trace.attrs, chosen)
        st.rerun()
    st.caption(_("Point at a word: what else was on offer there, with its probability. Click one "
                 "of them, and the search goes on from it."))
    following = candidates(trace, node).head(CHOICES)
    if len(following):
        st.markdown(ui.prose(_("What could follow it: {words}.", words=" · ".join(
            f"**{word}** {chance(p)}" for word, p in zip(
                following["word"], following["p"], strict=True)))))
    elif node != int(trace.attrs["best"]) and trace["state"].values[node] == "pruned":
        st.markdown(_("It was pruned here: what could follow it was never asked."))
    if goes_on(trace, node) and st.button(
            _("Go on from this node"), icon=":material/arrow_forward:", key="go-on"):
        searching.force(trace, node)
    if "attention" in trace and node:
        weights = trace["attention"].values[node]
        word = str(trace["label"].values[node])
        st.markdown(ui.prose(_("Where it looked as it chose **{word}**:", word=word)))
        ui.strip(
            [f"{label} " for label in trace["source_label"].values],
            [colours.shade(float(weight), signed=False) for weight in weights],
            label=_("The source, coloured by the attention for “{word}”", word=word),
            hover=[[f"α = {weight:.3f}"] for weight in weights], key="attention")


def others(trace: xr.Dataset, node: int) -> list[tuple[str, str, int]]:
    """What might have stood in a node's place: label, probability, id; never a sentence's end,
    after which no search goes on."""
    found = candidates(trace, int(trace["parent"].values[node]))
    return [(str(word), chance(p), int(token)) for word, p, token in zip(
        found["word"], found["p"], found["token"], strict=True)
        if token not in (trace.attrs["eos"], trace["token"].values[node])][:CHOICES]


def figure_of(trace: xr.Dataset) -> None:
    """The tree as a figure that one can take away."""
    if st.toggle(_("The tree as a figure to take away"), key="figure"):
        ui.show(draw("tree", trace, theme=ui.theme()), "tree-figure", trace)
