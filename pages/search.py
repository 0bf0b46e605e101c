"""Is the best next word part of the best sentence?"""

import streamlit as st

from explorer import ui
from explorer.errors import ExplorerError
from explorer.text.cropped import cropped
from explorer.ui import found, searching
from explorer.ui.unloaded import source
from explorer.views.searching import compared, findings, greedy_answer
from explorer.words import _

ui.header(
    _("Is the best next word part of the best sentence?"),
    _("A model gives the probability of the next word only. A sentence is found by {search}: the "
      "words are chosen one after the other, and each choice decides what can still follow.",
      search=ui.term("beam search", _("searching"))),
)
first, second = st.columns([1, 1.5])
with first:
    task = searching.choose_model()
if task == "table":
    with first:
        example = searching.choose_example()
    with second:
        searched = searching.typed_table(example)
    given = searching.HOPED[example]
else:
    with second:
        searched, given = searching.choose_trained(task)
how = searching.choose_method(task)
against = how.pop("against")
prefix, reference = searching.choose_words(searched, given)

picture, aside = ui.columns()
with picture:
    try:
        with st.spinner(_("Searching …")):
            trace = searched.ask(prefix, reference, **how)
            greedy = searched.ask(prefix, reference, **how | {"method": "greedy"})
            other = searched.ask(prefix, reference, **how | {
                "method": "beam", "width": against}) if against else None
    except ExplorerError as error:
        ui.complain(error)
        if task == "table":
            searching.divide()
        st.stop()
    if trace.attrs.get("unknown"):
        st.warning(ui.plain(_("Never seen in training, and read as <unk>: {words}.",
                              words=", ".join(trace.attrs["unknown"]))), icon=":material/help:")
    for said in cropped(trace.attrs):
        st.caption(said)
    node = found.tree_of(trace, "main")
    found.figure_of(trace)

    st.subheader(_("What it found"), anchor=False)
    found.sentences_of(trace)

    st.subheader(_("One beginning, opened"), anchor=False)
    found.opened_node(trace, node)
    if other is not None:
        st.subheader(_("Beside it: a beam of {width}", width=against), anchor=False)
        found.tree_of(other, "other")

with aside:
    ui.before_you_look(
        _("Does taking the most probable word at each step give the most probable sentence?"),
        [_("always"), _("not always"), _("hardly ever")], greedy_answer(greedy, trace), key="guess")
    ui.notice(findings(trace) + (compared(trace, other) if other is not None else []))
    ui.letters([
        r"P(y_1 \dots y_L) = \prod_{t=1}^{L} P(y_t \mid y_1 \dots y_{t-1})",
        r"\mathrm{score} = \frac{1}{L^{\alpha}} \sum_{t=1}^{L} \log P(y_t \mid y_1 \dots y_{t-1})",
        rf"|\mathcal Y|^T \;\text{{({_('exhaustive')})}}",
        rf"|\mathcal Y|\,T \;\text{{({_('greedy')})}}",
        rf"k\,|\mathcal Y|\,T \;\text{{({_('beam')})}}",
    ])
    ui.code(source("probes/finding/methods.py", trace.attrs["method"]),
            source("probes/finding/methods.py", "keep"))
    ui.not_shown(_(
        "The most probable sentence need not be a good one: a model may prefer what is short or "
        "bland, and a wider beam then makes it worse. And a search sees only what it scored: what "
        "was pruned early may have led to something better. Only an exhaustive search can be sure, "
        "and it is out of reach beyond toys."))
ui.onward("pages/attention.py", _("What is attention, without a network around it?"))
