"""Why not simply read one word after the other?"""

from __future__ import annotations

import streamlit as st

from explorer import ui
from explorer.errors import ExplorerError
from explorer.ui import costs
from explorer.ui.backend import ask, draw
from explorer.ui.costs import Sentence
from explorer.ui.unloaded import source
from explorer.views import cost, measured
from explorer.words import _

LENGTHS = tuple(2**power for power in range(4, 13))
WIDTHS = tuple(2**power for power in range(4, 10))
TIMED = WIDTHS[:-1]
theme = ui.theme()


@st.fragment
def ways(sentence: Sentence) -> None:
    """Which token reaches which."""
    labels = list(sentence.drawn)
    picture, aside = ui.columns()
    with picture, ui.guard():
        choose, shape = st.columns([2, 2.4])
        with choose:
            start, end = costs.two_tokens(labels)
        kernel_box, growth_box, layers_box = shape.columns(3)
        with kernel_box:
            kernel = costs.number("kernel", _("Kernel"), 3, 2, 5, _(
                "How many tokens a convolution sees at once."))
        with growth_box:
            growth = costs.number("growth", _("Dilation grows"), 3, 2, 5, _(
                "By what each layer of the dilated CNN reaches further than the one below."))
        with layers_box:
            layers = costs.number("layers", _("CNN layers"), 3, 1, 6, _(
                "Of both convolutional networks; the others have one."))
        trace = ask("reach", "", 0, tokens=len(labels), source=start, target=end, k=kernel,
                    growth=growth, layers=layers)
        ui.show(draw("reach", trace, labels=labels, all=sentence.all, theme=theme), "reach",
                trace)
        with aside:
            said = cost.reached(trace, labels)
            ui.before_you_look(
                _("How many layers does the plain CNN need to bring the two tokens together?"),
                [_("one"), _("as many as there are tokens between them"), _("something between")],
                said[1], key="guess layers")
            ui.notice(said)
            ui.letters([
                r"h_t = \tanh(W x_t + U h_{t-1} + b)",
                r"y_t = \sum_{j=0}^{k-1} W_j\, x_{t - j\,\delta_l}, \quad "
                r"\delta_l \in \{1,\, g^{\,l}\}",
                r"y_t = \sum_{i \le t} \alpha_{ti}\, v_i"])
            ui.code(*(source("probes/reach.py", name)
                      for name in ("support", "_recurrent", "shortest")))
            ui.not_shown(_(
                "That a token can be reached does not say that it is heard: over a long way the "
                "gradient may vanish. And an encoder reads both ways: then later tokens are "
                "reached too, but no way is shorter for it."))


@st.fragment
def operations() -> None:
    """Table 1, by the formula and counted."""
    st.subheader(_("What is computed, and how much of it must wait?"), anchor=False)
    picture, aside = ui.columns()
    with picture, ui.guard():
        length, width, kernel = st.columns(3)
        with length:
            n = costs.one_of("n", _("Tokens, n"), 256, LENGTHS)
        with width:
            d = costs.one_of("d", _("Width, d"), 64, WIDTHS, _(
                "How many numbers stand for a token."))
        with kernel:
            k = costs.one_of("k", _("Kernel, k"), 3, range(2, 10))
        trace = ask("layer_costs", "", 0, d=d, k=k, n=n)
        ui.show(draw("layer operations", trace, theme=theme), "operations", trace)
        st.table(cost.table(trace))
        st.caption(_("“Apart” are products that see one token each, which the formula leaves out: "
                     "projections, and a recurrence's W x. The chain is the longest row of matrix "
                     "products of which each needs the one before, followed through autograd's "
                     "graph. Of the CNN's path the formula says n/k."))
        with aside:
            said = cost.counts(trace)
            ui.before_you_look(
                _("Which is dearer by the formula once n is larger than d?"),
                [_("self-attention"), _("the recurrence")],
                _("Self-attention: n²·d > n·d² as soon as n > d, here beyond {d} tokens.", d=d),
                key="guess operations")
            ui.notice(said)
            ui.letters([rf"\text{{{_('self-attention')}}}:\; n^2 d",
                        rf"\text{{{_('recurrence')}}}:\; n\, d^2",
                        rf"\text{{{_('convolution')}}}:\; k\, n\, d^2",
                        r"n^2 d > n\, d^2 \iff n > d"])
            ui.code(source("probes/bare_layers.py", "look"),
                    *(source("probes/layer_costs.py", name) for name in ("count", "chain")))
            ui.not_shown(_(
                "Only matrix products are counted, as usual: no mask, softmax, gate or sum. Of a "
                "masked score matrix both halves are counted, since both are computed. And "
                "operations are not seconds: those see below."))


@st.fragment
def recurrence(sentence: Sentence) -> None:
    """Attention as a recurrence, on the sentence."""
    st.subheader(_("Can attention do with a constant memory?"), anchor=False)
    picture, aside = ui.columns()
    with picture, ui.guard():
        st.markdown(_("If the query stays the same, the weighted mean can be carried along: three "
                      "things are kept, however long the text (Feng et al. 2024, Aaren)."))
        trace = ask("recurrent_attention", "", 0, words=list(sentence.tokens))
        ui.show(draw("recurrent attention", trace, theme=theme), "recurrent", trace)
        if sentence.all > len(sentence.tokens):
            st.caption(_("The first {count} of {all} tokens.", count=f"{len(sentence.tokens):,}",
                         all=f"{sentence.all:,}"))
        with aside:
            said = measured.recalled(trace)
            ui.before_you_look(
                _("How far apart are the answers of softmax, recurrence and scan?"),
                [_("a few per cent"), _("not at all, but for rounding")], said[0],
                key="guess forms")
            ui.notice(said)
            ui.letters([
                r"o_k = \frac{\sum_{i \le k} e^{s_i} v_i}{\sum_{i \le k} e^{s_i}} = "
                r"\frac{w_k}{u_k}", r"m_k = \max(m_{k-1}, s_k)",
                r"u_k = u_{k-1}\, e^{m_{k-1} - m_k} + e^{s_k - m_k}",
                r"w_k = w_{k-1}\, e^{m_{k-1} - m_k} + e^{s_k - m_k}\, v_k"])
            ui.code(*(source("models/scan.py", name)
                      for name in ("by_softmax", "join", "step", "by_steps", "scan")))
            ui.not_shown(_(
                "One query for the whole text is what makes this possible: a Transformer asks "
                "anew at every token, and needs all keys for it. What the fixed query costs in "
                "quality only training shows."))


@st.fragment
def seconds() -> None:
    """What it takes on this machine."""
    st.subheader(_("And in seconds and bytes, on this machine?"), anchor=False)
    picture, aside = ui.columns()
    with picture, ui.guard():
        slider, button = st.columns([3, 1], vertical_alignment="bottom")
        with slider:
            d = costs.one_of("width", _("Width, d"), 64, TIMED)
        if button.button(_("Measure again"), icon=":material/timer:", width="stretch"):
            st.session_state["measured"] = st.session_state.get("measured", 0) + 1
        with st.spinner(_("Reading 16 to 4,096 tokens with each layer, over and over: about "
                          "ten seconds …"), show_time=True):
            trace = ask("layer_seconds", "", 0, d=d, again=st.session_state.get("measured", 0))
        ui.show(draw("layer seconds", trace, theme=theme), "seconds", trace)
        ui.show(draw("layer memory", trace, theme=theme), "memory", trace)
        with aside:
            said = measured.timed(trace)
            ui.before_you_look(
                _("The formula lets self-attention overtake the RNN at n = d = {d}. And the "
                  "clock?", d=d), [_("earlier"), _("about there"), _("much later")], said[0],
                key="guess seconds")
            ui.notice(said)
            ui.letters([rf"t(n) \sim n^2 \;\text{{{_('or')}}}\; n",
                        rf"\text{{{_('cache')}}}:\; 2\, n\, d",
                        rf"\text{{{_('state')}}}:\; d + 2"])
            ui.code(*(source("probes/layer_seconds.py", name)
                      for name in ("_measure", "peak", "_see")))
            ui.not_shown(_(
                "One layer, one thread, one text at a time: a machine with many cores can share "
                "out attention's products, but not an RNN's, each of which waits for the one "
                "before. Step by step in Python, Aaren is slow for the language's sake. And while "
                "it learns, an RNN keeps all its states too."))


ui.header(
    _("Why not simply read one word after the other?"),
    _("A recurrent network reads word by word; a convolution looks at neighbours; self-attention "
      "looks at all at once. How far is it from one word to another, how much is computed on the "
      "way, and what must wait for what?"),
)
sentence = costs.sentence()
try:
    ways(sentence)
    operations()
    recurrence(sentence)
    seconds()
except ExplorerError as error:
    ui.complain(error)
ui.onward("pages/side.py", _("And which learns your text best, at what price?"))
