"""What does each head look at?"""

import streamlit as st

from explorer import ui
from explorer.models.base import ATTENTIVE
from explorer.models.stacked import Stacked
from explorer.ui import heads, link
from explorer.ui.backend import ask, ask_or_stop, draw
from explorer.ui.lines import between
from explorer.ui.runs import within
from explorer.ui.unloaded import source
from explorer.views import head_notices as notices
from explorer.views import palette
from explorer.views.figure import visible
from explorer.views.heads import products
from explorer.words import _

OPENING = 256  # characters: as many tokens as are looked at in one picture
THRESHOLDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
TURNED = "head turned to"  # in the session: what was chosen in a picture

ui.header(
    _("What does each head look at?"),
    _(
        "Each layer of a Transformer looks at the text with several heads at once. A head compares "
        "the query of a token with the keys of all tokens before it; the weights, which sum to 1, "
        "say where it looks."
    ),
)
which, read, when = st.columns([1.4, 2.2, 1])
with which:
    run = ui.choose_run(kinds=ATTENTIVE)
begins = within(run, run.experiment.text.content[:OPENING])
with read:
    link.seed("text", begins)
    text = st.text_area(_("Text to read"), key="text", height=68)
with when:
    step = ui.choose_step(run)
trace = ask_or_stop("heads", run.key, step, text=text)

spec = run.experiment.model
assert isinstance(spec, Stacked)
state, theme, T = st.session_state, ui.theme(), trace.sizes["token"]
state.update(state.pop(TURNED, {}))
first_layer, first_head = heads.opening(run, begins)
link.seed("layer", first_layer + 1, int, between=(1, spec.layers))
link.seed("head", first_head + 1, int, between=(1, spec.heads))
link.seed("threshold", 0.0, float, allowed=THRESHOLDS)
link.seed("hide", False, lambda given: bool(int(given)))
link.seed("mean", [], lambda given: heads.read_mean(given, spec.layers, spec.heads))
link.put("mean", [name for name in state["mean"] if name in heads.names(spec.layers, spec.heads)])
link.seed("query", T - 1, int, between=(0, T - 1))
query = int(state["query"])


def turn(**values: object) -> None:
    """Draw the page anew with what was chosen in a picture."""
    state[TURNED] = values
    st.rerun()


def choices() -> tuple[int, int, float, bool, list[str]]:
    """Layer and head (people count them from 1), threshold, whether blanks and signs are hidden,
    and the heads whose mean is drawn instead."""
    return (int(state["layer"]) - 1, int(state["head"]) - 1, float(state["threshold"]),
            bool(state["hide"]), sorted(state["mean"]))


def controls() -> None:
    """Which head is drawn, and how much of it."""
    first, second, third = st.columns([1.2, 1.5, 1.3])
    first.segmented_control(_("Layer"), range(1, spec.layers + 1), key="layer", required=True)
    second.segmented_control(_("Head"), range(1, spec.heads + 1), key="head", required=True)
    third.select_slider(_("Weights of at least"), THRESHOLDS, key="threshold",
                        format_func="{:g}".format)
    first, second = st.columns([1.2, 2.8], vertical_alignment="bottom")
    first.toggle(_("Hide blanks and signs"), key="hide", help=_(
        "Tokens without a letter or a digit: spaces, new lines, punctuation. What is left is not "
        "made to sum to 1 again."))
    second.multiselect(
        _("Mean of"), heads.names(spec.layers, spec.heads), key="mean",
        placeholder=_("no mean: the one head"),
        help=_("Draw the mean of these heads, layer.head, instead of the one chosen."))


@st.fragment
def one_head(below: object) -> None:
    """The controls and the heatmap. below: the choices that the rest of the page shows."""
    with st.container(key="turned"):
        controls()
    layer, head, threshold, hide, mean = choices()
    with ui.guard():
        weights = ask("mean_of_heads", run.key, step, text=text, chosen=heads.pairs(mean)) \
            if mean else ask("head", run.key, step, text=text, layer=layer, head=head)
        ui.show(draw("head", weights, threshold=threshold, hide=hide, query=query, theme=theme),
                "head-weights", weights)
    ui.rest_follows("head-weights", choices(), below)


picture, aside = ui.columns()
layer, head, threshold, hide, mean = choices()
with picture:
    st.subheader(_("All heads at a glance"), anchor=False)
    chosen = heads.grid(trace, (layer, head), palette(theme), key="all-heads")
    if chosen is not None and (mean or chosen != (layer, head)):
        turn(layer=chosen[0] + 1, head=chosen[1] + 1, mean=[])
    st.caption(ui.plain(heads.caption(trace)))
    st.subheader(_("One head, weight by weight"), anchor=False)
    one_head(choices())

    one = ask_or_stop("head", run.key, step, text=text, layer=layer, head=head)
    weights = ask_or_stop("mean_of_heads", run.key, step, text=text, chosen=heads.pairs(mean)) \
        if mean else one
    st.subheader(_("The same as lines"), anchor=False)
    index = between(heads.lines_of(weights, query, hide, threshold, "head-weights"), key="lines")
    st.caption(heads.lines_caption(weights, query, hide))
    if index is not None:
        turn(query=int(heads.window(weights, query, hide)[index]))

    st.subheader(_("What six tests say of this head"), anchor=False)
    ui.show(draw("head tests", trace, layer=layer, head=head, theme=theme), "head-tests", trace)
    with st.expander(_("What each test asks")):
        for said in notices.SAID.values():
            st.markdown(f"- **{_(said.title)}**: {ui.plain(_(said.asks))}")

    st.subheader(_("One query and its keys, number by number"), anchor=False)
    asks, answers = st.columns(2)
    labels = [visible(str(label)) for label in trace["label"].values]
    asks.selectbox(_("Token that looks (query)"), range(T), key="query",
                   format_func=lambda place: f"{place} · {labels[place]}")
    best = int(one["attention"].values[query].argmax())
    link.seed("key", best, int, between=(0, query))
    key = int(answers.selectbox(_("Token that is looked at (key)"), range(query + 1), key="key",
                                format_func=lambda place: f"{place} · {labels[place]}"))
    ui.show(draw("neurons", one, query=query, key=key, theme=theme), "neurons", one)
    ui.show(draw("pair", one, query=query, key=key, theme=theme), "pair", one)
    for formula in heads.formulas(one, query, key, products(one, query, [key])[0]):
        st.latex(formula)

with aside:
    named = notices.answer(trace)
    ui.before_you_look(
        _("How many of its heads can be given a name by one of six tests?"),
        [_("hardly any"), _("about half"), _("nearly all")], named, key="guess")
    ui.notice(notices.findings(trace, layer, head))
    ui.letters([
        r"s_{tj} = \frac{q_t^\top k_j}{\sqrt d} = \sum_{i=1}^{d} \frac{q_{t,i}\, k_{j,i}}{\sqrt d}",
        r"\alpha_{tj} = \frac{e^{s_{tj}}}{\sum_{l \le t} e^{s_{tl}}}, \quad j \le t",
        rf"\text{{{_('excess')}}} = \frac{{\text{{{_('score')}}} - \text{{{_('chance')}}}}}"
        rf"{{1 - \text{{{_('chance')}}}}}",
    ])
    ui.code(source("models/heads.py", "_readable"),
            *(source("probes/head_tests.py", name) for name in ("toward", "induction", "distance")))
    ui.not_shown(
        _(
            "Where a head looks is not what it takes from there: that is in the values, and a head "
            "that looks at the first token may take nothing at all. The tests know six habits, on "
            "this text alone: a head without a name may well have a habit of its own, and one that "
            "has a name may lose it in another text. And this is one network from one seed."
        )
    )
link.write(
    text=text, layer=layer + 1, head=head + 1, threshold=threshold or None,
    hide=1 if hide else None, mean="-".join(mean) or None, query=query if query != T - 1 else None,
    key=key if key != best else None,
)
ui.onward("pages/thinking.py", _("What would it say, layer by layer?"), run=run.key)
ui.onward("pages/block.py", _("What happens to a token on its way through?"), run=run.key)
