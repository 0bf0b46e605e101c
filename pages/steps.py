"""How does a word look at the others?"""

from __future__ import annotations

import streamlit as st

from explorer import ui
from explorer.models.base import ATTENTIVE
from explorer.ui import link, steps
from explorer.ui.backend import ask, ask_or_stop, draw
from explorer.ui.text import opening, plain
from explorer.ui.unloaded import source
from explorer.views import steps as pictures
from explorer.views.figure import visible
from explorer.words import N_, _

HEADS = (1, 2, 4, 8)
SENTENCES = {"en": "The lamp is lit, and the", "zh": "爷爷说：“灯亮了，船就能回家。”",
             "python": "def count(items):\n    return"}
PLACES = {"itself": N_("itself"), "before": N_("the token before it"),
          "first": N_("the first token"), "else": N_("another one")}
theme = ui.theme()


ui.header(
    _("How does a word look at the others?"),
    _(
        "Every token makes three vectors: a query, which asks, a key, which answers, and a value, "
        "which is handed over. Where a query and a key point the same way, much of the value is "
        "taken. Step by step, each a matrix: here are all of their numbers."
    ),
)
which, read, at, part, when = st.columns([1.5, 2, 0.6, 0.6, 0.9])
with which:
    run = ui.choose_run(kinds=ATTENTIVE)
with read:
    usual = opening(run.experiment.text.content, SENTENCES)
    link.seed("text", usual)
    text = st.text_area(_("Text to read"), key="text", height=68)
spec = run.experiment.model
layers, heads = int(getattr(spec, "layers", 1)), int(getattr(spec, "heads", 1))
link.seed("layer", 1, int, between=(1, layers))
layer = int(at.selectbox(_("Layer"), range(1, layers + 1), key="layer"))
link.seed("head", 1, int, between=(1, heads))
head = int(part.selectbox(_("Head"), range(1, heads + 1), key="head"))
with when:
    snapshot = ui.choose_step(run)
link.write(text=text if text != usual else None, layer=layer if layer > 1 else None,
           head=head if head > 1 else None)
trace = ask_or_stop("attention_steps", run.key, snapshot, text=text, layer=layer - 1,
                    head=head - 1)
steps.turn()

picture, aside = ui.columns()
with picture:
    stage = steps.choose_stage(trace)
    told = pictures.stages(trace)[stage]
    steps.onward(trace, stage)
    place = steps.choose_place(trace)
    for number, (column, each) in enumerate(
            zip(st.columns(len(told.shown)), told.shown, strict=True)):
        with column:
            drawn = draw("attention step", trace, stage=stage, place=number, query=place.query,
                         key=place.key, number=place.number, theme=theme)
            made = each.name == stage
            ui.show(drawn, f"matrix-{number}", trace if made else None, alone=not made)
    steps.listen(trace, told)
    with ui.guard():
        steps.one_cell(trace, stage, place)

    st.subheader(_("Are many heads dearer than one?"), anchor=False)
    with ui.guard():
        one, other = st.columns(2)
        usual_width = int(getattr(spec, "hidden", 96))
        link.seed("width", usual_width, int, between=(1, 1024))
        width = int(one.number_input(_("Width"), 1, 1024, key="width"))
        usual_length = trace.sizes["query"]
        link.seed("length", usual_length, int, between=(1, 4096))
        length = int(other.number_input(_("Tokens"), 1, 4096, key="length"))
        link.write(width=width if width != usual_width else None,
                   length=length if length != usual_length else None)
        fitting = [count for count in HEADS if width % count == 0]
        if len(fitting) < len(HEADS):
            st.caption(_("A width of {width} cannot be divided evenly among {heads} heads: those "
                         "are left out.", width=width, heads=", ".join(
                             str(count) for count in HEADS if count not in fitting)))
        cost = ask("heads_cost", "", 0, width=width, tokens=length, heads=fitting)
        ui.show(draw("cost of heads", cost, now=heads, theme=theme), "cost", cost)
        for sentence in pictures.heads_said(cost):
            st.markdown(ui.prose(sentence))

with aside:
    said = pictures.notices(trace, place.query)
    ui.before_you_look(
        plain(_("Where does “{name}” look most, token {place}?", place=place.query + 1,
                name=visible(str(trace["query_label"].values[place.query])))),
        [_(name) for name in PLACES.values()],
        _("**{where}**.", where=_(PLACES[pictures.where(trace, place.query)]).capitalize())
        + " " + said[0], key="guess")
    ui.notice(said)
    ui.letters([stage.letters for stage in pictures.stages(trace).values()])
    st.caption(_("Parameters and FLOPs of a layer of H heads, W wide, over T tokens:"))
    for formula in (r"4 W^2 + 4 W, \quad 8 T W^2 + 4 T^2 W",
                    r"\left(\tfrac{3}{H} + 1\right) W^2 + 4 W, \quad "
                    r"2 T \left(\tfrac{3}{H} + 1\right) W^2 + 4 T^2 W"):
        st.latex(formula)
    ui.code(source("models/heads.py", "projected"), source("models/heads.py", "_readable"),
            source("models/attention.py", "masked_softmax"))
    ui.not_shown(_(
        "A weight says what is handed over, not what for: the values are mixed once more by the "
        "output matrix and added to what was there. One head of one layer is looked at here, on "
        "a text whose first tokens alone are drawn, and from one seed: another would share the "
        "work among its heads in another way."))
ui.onward("pages/block.py", _("What happens to a token on its way through?"), run=run.key,
          text=text)
