"""What is attention, without a network around it?"""

from __future__ import annotations

import streamlit as st

from explorer import ui
from explorer.errors import ExplorerError
from explorer.models.kernels import KERNELS
from explorer.models.scorers import Scorer
from explorer.ui import alone, link
from explorer.ui.alone import BOXES, EXAMPLES
from explorer.ui.backend import ask, draw
from explorer.ui.plane import cut
from explorer.ui.text import plain
from explorer.ui.unloaded import source
from explorer.views import alone as pictures
from explorer.views import attention
from explorer.words import N_, _

SCORERS = ("scaled-dot", "dot", "general", "additive", "concat")
MASKS = {"none": N_("nothing"), "first": N_("all but the first"), "causal": N_("what comes later")}
GUESSES = 5  # keys that one may choose from
WIDTHS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
SIZES = tuple(2**power for power in range(11))
theme = ui.theme()


def begin() -> None:
    """Fill the boxes from the example that was just chosen."""
    example = EXAMPLES[st.session_state["example"]]
    for name, text in example.texts().items():
        st.session_state[name] = text
    st.session_state["scorer"], st.session_state["mask"] = example.scorer, example.mask
    st.session_state["query"] = 0


def controls() -> dict[str, object]:
    """The example, the score and the mask: what is asked of the engine beside the vectors."""
    which, score, hide, more = st.columns([1.5, 2.2, 1.9, 0.8], vertical_alignment="top")
    link.seed("example", next(iter(EXAMPLES)), allowed=EXAMPLES)
    chosen = which.selectbox(
        _("Begin with"), list(EXAMPLES), key="example", on_change=begin,
        format_func=lambda name: _(EXAMPLES[name].title).capitalize())
    example = EXAMPLES[chosen]
    link.seed("scorer", example.scorer, allowed=SCORERS)
    scorer = score.pills(
        _("Score"), SCORERS, key="scorer", required=True, wrap=True,
        format_func=lambda kind: _(Scorer.parse(kind).title),
        help="\n\n".join(f"**{_(Scorer.parse(kind).title)}** ${Scorer.parse(kind).letters}$ "
                         f"({Scorer.parse(kind).paper})" for kind in SCORERS))
    link.seed("mask", example.mask, allowed=MASKS)
    mask = hide.segmented_control(
        _("Hide"), list(MASKS), key="mask", required=True, wrap=True,
        format_func=lambda name: _(MASKS[name]),
        help=_("The mask of a padded sentence leaves the first keys; that of a writer hides from "
               "each query the keys that come after its own place."))
    first = 0
    if mask == "first":
        link.seed("first", 2, int, between=(0, 24))
        first = int(hide.number_input(_("Keys that are left"), 0, 24, key="first"))
    with more.popover(_("More"), icon=":material/tune:", width="stretch"):
        learns = bool(Scorer.parse(scorer).shapes(1, 1, 1))
        link.seed("hidden", 3, int, between=(1, 16))
        hidden = int(st.number_input(
            _("Layer between"), 1, 16, key="hidden", disabled=scorer not in ("additive", "concat"),
            help=_("How many numbers the additive and the concat score bend before they sum.")))
        link.seed("learnt", 0, int, between=(0, 999))
        seed = int(st.number_input(
            _("Weights"), 0, 999, key="learnt", disabled=not learns,
            help=_("The seed from which a score that learns draws its weights: here they are as "
                   "before any training.")))
    link.write(example=chosen if chosen != next(iter(EXAMPLES)) else None,
               scorer=scorer if scorer != example.scorer else None,
               mask=mask if mask != example.mask else None,
               first=first if mask == "first" else None, hidden=hidden if hidden != 3 else None,
               learnt=seed or None)
    return {"scorer": scorer, "mask": mask, "first": first, "hidden": hidden, "seed": seed}


def boxes() -> None:
    """Where the vectors are typed."""
    texts = EXAMPLES[st.session_state["example"]].texts()
    labels = {"q": _("Queries"), "k": _("Keys"), "v": _("Values")}
    for column, (name, text) in zip(st.columns(3), texts.items(), strict=True):
        link.seed(name, text)
        typed = column.text_area(
            labels[name], key=name, height=132,
            help=_("One vector a line, its numbers apart; a name may stand before a colon."))
        link.write(**{name: typed if typed != text else None})


@st.fragment
def by_hand() -> None:
    """Queries, keys and values: scores, mask, softmax, weighted sum."""
    asked = controls()
    picture, aside = ui.columns()
    with picture, ui.guard():
        boxes()
        q, k, v = (alone.typed(name) for name in BOXES)
        trace = ask("attention_alone", "", 0, queries=q.numbers, keys=k.numbers,
                    values=v.numbers, names=[q.names, k.names], **asked)
        link.seed("query", 0, int, between=(0, len(q.names) - 1))
        query = int(st.pills(
            _("Query that is followed"), range(len(q.names)), key="query", required=True,
            wrap=True, format_func=lambda number: plain(cut(q.names[number]))))
        link.write(query=query or None)
        room = iter([*st.columns(2), *st.columns(2)])
        if q.length == k.length == 2:
            with next(room):
                alone.drawing(q, k, trace, query)
        for name, key in {"scores": "scores", "attention": "weights-of", "context": "got"}.items():
            with next(room):
                ui.show(draw(name, trace, query=query, theme=theme), key, trace)
        for left_over in room:
            left_over.caption(_("Vectors of two numbers can be drawn in a plane; these have "
                                "{query} and {key}.", query=q.length, key=k.length))
        st.subheader(_("One query, step by step"), anchor=False)
        alone.steps(trace, query)
        with aside:
            scorer = Scorer.parse(asked["scorer"])
            said = attention.looks(trace, query)
            ui.before_you_look(
                plain(_("Which key does {query} look at most?", query=q.names[query])),
                [plain(name) for name in dict.fromkeys(k.names[:GUESSES])], said[0], key="guess")
            learnt = scorer.parameters(q.length, k.length, asked["hidden"])
            ui.notice([*said, _("This score has {count} weights to learn.", count=learnt)
                       if learnt else _("This score has nothing to learn.")])
            ui.letters([
                rf"s_{{ij}} = {scorer.letters}",
                r"\alpha_{ij} = \frac{m_{ij}\, e^{s_{ij}}}{\sum_l m_{il}\, e^{s_{il}}}, \quad "
                r"m_{ij} \in \{0, 1\}", r"c_i = \sum_j \alpha_{ij}\, v_j"])
            ui.code(type(scorer).score, source("models/attention.py", "masked_softmax"),
                    source("models/attention.py", "attend"))
            ui.not_shown(_(
                "In a network nobody types these vectors: queries, keys and values are made from "
                "states by matrices that are learnt, and a score with weights is learnt with "
                "them. Here such weights are as drawn, so what they prefer means nothing yet."))


@st.fragment
def scale() -> None:
    """The size of the vectors, with the scale and without."""
    st.subheader(_("Why divide by √d?"), anchor=False)
    picture, aside = ui.columns()
    with picture, ui.guard():
        longer, count, draws = st.columns([2.4, 0.8, 0.8])
        link.seed("d", 64, int, allowed=SIZES)
        size = int(longer.select_slider(_("Numbers of a vector, d"), SIZES, key="d"))
        link.seed("keys", 8, int, between=(2, 64))
        keys = int(count.number_input(_("Keys of a query"), 2, 64, key="keys"))
        link.seed("draw", 0, int, between=(0, 999))
        seed = int(draws.number_input(_("Seed"), 0, 999, key="draw"))
        link.write(d=size, keys=keys if keys != 8 else None, draw=seed or None)
        trace = ask("softmax_left", "", 0, keys=keys, seed=seed)
        left, right = st.columns(2)
        with left:
            ui.show(draw("score distribution", trace, size=size, theme=theme), "spread", trace)
        with right:
            ui.show(draw("sorted weights", trace, size=size, theme=theme), "sorted", trace)
        ui.show(draw("softmax left", trace, size=size, theme=theme), "left", trace)
        with aside:
            said = pictures.findings(trace, size)
            ui.before_you_look(
                _("Vectors of {size} numbers, not scaled: how much of the gradient is left that "
                  "passes with the scale?", size=size),
                [_("more than half"), _("a tenth to a half"), _("less than a tenth")], said[2],
                key="guess left")
            ui.notice(said)
            ui.letters([r"\mathrm{Var}(q^\top k) = \sum_{i=1}^{d} \mathrm{Var}(q_i k_i) = d",
                        r"\mathrm{Var}\!\left(\tfrac{q^\top k}{\sqrt d}\right) = 1",
                        r"\frac{\partial \alpha_i}{\partial s_j} = \alpha_i ([i = j] - \alpha_j)"])
            ui.code(source("probes/softmax_left.py", "_measure"))
            ui.not_shown(_(
                "Queries and keys of a trained network are not drawn from a normal distribution: "
                "it can make its own vectors shorter, or use a sure choice. The scale only sees "
                "to it that learning can begin, whatever d."))


@st.fragment
def kernels() -> None:
    """Nadaraya–Watson kernel regression."""
    st.subheader(_("Attention before there were networks"), anchor=False)
    picture, aside = ui.columns()
    with picture, ui.guard():
        st.markdown(_("To guess y at some x, take the mean of all examples, and let those nearby "
                      "count more: the query is x, the keys are the examples' places, the values "
                      "what was seen there (Nadaraya 1964, Watson 1964)."))
        which, wide, how, more = st.columns([1.7, 1.7, 1.3, 0.8], vertical_alignment="top")
        link.seed("kernel", "gaussian", allowed=KERNELS)
        kernel = which.pills(_("Kernel"), list(KERNELS), key="kernel", required=True, wrap=True,
                             format_func=lambda name: _(KERNELS[name].title))
        link.seed("width", 1.0, float, allowed=WIDTHS)
        width = float(wide.select_slider(_("Width"), WIDTHS, key="width", format_func="{:g}".format,
                                         help=_("Where learning begins, if it is learnt.")))
        link.seed("learn", False, lambda given: bool(int(given)))
        learns = KERNELS[kernel].learns
        learnt = how.toggle(_("Learn the width"), key="learn", disabled=not learns, help=_(
            "By gradient descent on the error of guessing each example from the others. The error "
            "of a boxcar changes in jumps, that of a constant not at all: no slope to go down."))
        with more.popover(_("More"), icon=":material/tune:", width="stretch"):
            link.seed("examples", 40, int, between=(5, 100))
            examples = int(st.number_input(_("Examples"), 5, 100, key="examples"))
            link.seed("noise", 0.5, float, between=(0, 3))
            noise = float(st.number_input(_("Noise"), 0.0, 3.0, key="noise", step=0.1))
            link.seed("points", 0, int, between=(0, 999))
            seed = int(st.number_input(_("Seed"), 0, 999, key="points"))
        link.write(kernel=kernel if kernel != "gaussian" else None, width=f"{width:g}",
                   learn=1 if learnt else None, noise=noise if noise != 0.5 else None,
                   examples=examples if examples != 40 else None, points=seed or None)
        trace = ask("kernel_regression", "", 0, kernel=kernel, width=width, examples=examples,
                    noise=noise, seed=seed, learnt=learnt and learns)
        ui.show(draw("kernel regression", trace, theme=theme), "regression", trace)
        left, right = st.columns(2)
        with left:
            reach = float(trace["attention"].max())
            drawn = draw("attention", trace, reach=reach, tallest=340, theme=theme)
            ui.show(drawn, "kernel-weights", trace)
        with right:
            ui.show(draw("kernel width", trace, theme=theme), "kernel-width", trace)
        with aside:
            said = pictures.fitted(trace)
            ui.before_you_look(
                _("What does a very narrow kernel do?"),
                [_("it follows every example"), _("it draws the mean"), _("it finds the truth")],
                said[1], key="guess width")
            ui.notice(said)
            ui.letters([
                r"f(x) = \sum_i \frac{K\!\left(\frac{x - x_i}{w}\right)}"
                r"{\sum_j K\!\left(\frac{x - x_j}{w}\right)}\, y_i",
                KERNELS[kernel].letters, r"w \leftarrow w\, e^{-\eta\, \partial L / \partial \ln w}"
            ])
            ui.code(KERNELS[kernel].scores, *(source("probes/kernel_regression.py", name)
                                              for name in ("weights", "leave_one_out", "learn")))
            ui.not_shown(_(
                "One function and one number to learn: with more inputs, near becomes far, and a "
                "single width is too little. Attention in a network learns what near means."))


ui.header(
    _("What is attention, without a network around it?"),
    _("A query is compared with every key; the scores become weights that sum to 1; the answer is "
      "the mean of all values with these weights. A dictionary, looked up softly."),
)
try:
    by_hand()
    scale()
    kernels()
except ExplorerError as error:
    ui.complain(error)
ui.onward("pages/alignment.py", _("Which word does a translator look at while it writes?"))
