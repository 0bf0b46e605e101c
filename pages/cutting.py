"""How much of the past may we cut off?"""

import streamlit as st

from explorer import ui
from explorer.models.base import RECURRENT
from explorer.models.three_steps import STEPS, three_steps
from explorer.models.truncation import links, read_in_pieces, weigh
from explorer.store import Run
from explorer.ui import link
from explorer.ui.backend import ask_or_stop, draw
from explorer.ui.graph import graph
from explorer.ui.several import curves, cut_in_each_way
from explorer.views.segments import NAMES
from explorer.views.truncation import MEANT, findings, learnt, lost
from explorer.words import _

OPENING = 96  # tokens, about: the text that is read at first

bptt = ui.term("backpropagation through time", _("backpropagation through time"))
ui.header(
    _("How much of the past may we cut off?"),
    _("A network learns by {bptt}: each error is followed back through every token that was read. "
      "To go all the way is exact, and dear; a chain that is cut is cheap, and no longer exact.",
      bptt=bptt),
)
which, read, when = st.columns([1.4, 2.2, 1])
with which:
    run = ui.choose_run(kinds=RECURRENT)
with read:
    link.seed("text", run.experiment.text.content[:OPENING])
    text = st.text_area(_("Text to read"), key="text", height=68)
with when:
    step = ui.choose_step(run)

picture, aside = ui.columns()
with picture:
    length, which_draw, which_weights = st.columns([1.6, 0.8, 1.6])
    link.seed("every", 16, int, between=(2, 64))
    every = int(length.slider(_("Tokens from cut to cut"), 2, 64, key="every",
                              help=_("Of regular cuts exactly, of randomised ones on average.")))
    with st.spinner(_("Reading the text once for every way to cut it …")):
        trace = ask_or_stop("truncation", run.key, step, text=text, every=every)
    draws = int(trace.attrs["draws"])
    link.seed("draw", 1, int, between=(1, draws))
    one = int(which_draw.number_input(_("Draw"), 1, draws, key="draw",
                                      help=_("Which of the randomised cuts is drawn.")))
    link.seed("weights", "recurrent", allowed=MEANT)
    weights = which_weights.segmented_control(
        _("Gradient of"), list(MEANT), key="weights", required=True, wrap=True,
        format_func=lambda name: _(MEANT[name]))
    theme = ui.theme()
    ui.show(draw("segments", trace, draw=one - 1, theme=theme), "segments", trace)

    said = findings(trace, weights)
    st.subheader(_("What each leaves of the gradient"), anchor=False)
    if lost(trace, weights):
        st.info(said[0], icon=":material/block:")
    else:
        ui.show(draw("truncated gradients", trace, weights=weights, theme=theme), "gradients",
                trace)
        st.subheader(_("Bias stays, chance averages out"), anchor=False)
        ui.show(draw("truncation error", trace, weights=weights, theme=theme), "errors", trace)

    st.subheader(_("What each costs"), anchor=False)
    ui.show(draw("truncation cost", trace, theme=theme), "cost", trace)

    st.subheader(_("Which learns best?"), anchor=False)
    raced = cut_in_each_way(run, every)
    st.caption(ui.plain(_(
        "The same network and text, from the same seed, {steps} steps in windows of {window} "
        "tokens, the state carried on: only the gradient is cut, every {every} tokens.",
        steps=raced["full"].training.steps, window=raced["full"].training.window, every=every)))
    finished: dict[str, Run] = {}
    with ui.guard():
        finished = curves({_(NAMES[kind]): each for kind, each in raced.items()}, "race")

    st.subheader(_("Three steps, with their numbers"), anchor=False)
    st.markdown(_("The smallest chain: one unit, three steps, no bend. A weight is used at each "
                  "step, so that its gradient is a sum over all paths that lead to it."))
    row = st.columns([1, 1, 1, 1.4, 1])
    chosen = {}
    for column, (name, usual) in zip(row, {"w_hx": 0.5, "w_hh": 0.8, "w_qh": 1.0}.items(),
                                     strict=False):
        link.seed(name, usual, float, between=(-2, 2))
        chosen[name] = column.number_input(name, -2.0, 2.0, key=name, step=0.1)
    cuts = {"none": (), "3": (3,), "2": (2,), "all": STEPS}
    told = {"none": _("nowhere"), "3": _("before step 3"), "2": _("before step 2"),
            "all": _("before every step")}
    link.seed("cut", "none", allowed=cuts)
    cut = row[3].selectbox(_("Cut"), list(cuts), key="cut", format_func=told.__getitem__)
    link.seed("numbers", 0, int, between=(0, 999))
    numbers = int(row[4].number_input(_("Numbers"), 0, 999, key="numbers",
                                      help=_("The seed of what is read and asked for.")))
    steps = three_steps(**chosen, seed=numbers, cut=cuts[cut])
    graph(steps, "graph")
    ui.show(draw("paths", steps, theme=theme), "paths", steps)

with aside:
    ui.before_you_look(
        _("Cut every {every} tokens: how alike is the direction that is left to the full "
          "gradient's? (1 is the same, 0 is none of it.)", every=every),
        ["0.5", "0.9", "0.99"], said[0], key="guess")
    if len(finished) == len(NAMES):
        said += learnt({name: each.history for name, each in finished.items()})
    ui.notice(said)
    ui.letters([
        r"\frac{\partial h_t}{\partial w} = \frac{\partial f}{\partial w} + \xi_t "
        r"\frac{\partial f}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial w}",
        rf"\xi_t = 1 \quad\text{{({_('full')})}}",
        rf"\xi_t = [\,t \bmod k \neq 0\,] \quad\text{{({_('regular')})}}",
        rf"\xi_t \in \{{0, \tfrac1\pi\}} \quad\text{{({_('randomised')})}}",
        r"P(\xi_t \neq 0) = \pi = 1 - \tfrac1k",
        r"E\,\xi_t = 1",
    ])
    ui.code(links, weigh, read_in_pieces, three_steps)
    ui.not_shown(_(
        "This is one text and one set of weights: elsewhere the past may matter more, or less. A "
        "small bias may even help, since it damps what explodes; and a gradient of great spread "
        "needs small steps. Full here means the whole of this text, and in training the whole "
        "window: what lies before is always cut."))
link.write(
    text=text, every=every, draw=one if one > 1 else None, weights=weights, cut=cut,
    numbers=numbers or None, **chosen)
ui.onward("pages/gates.py", _("What does it let in, keep, and let out? Open its gates."),
          run=run.key)
