"""How far back does a mistake reach?"""

import streamlit as st

from explorer import ui
from explorer.errors import ExplorerError
from explorer.ui import link
from explorer.ui.backend import draw
from explorer.ui.page import complain
from explorer.ui.subjects import at_share, choose_runs, fresh, train_them, watch
from explorer.ui.text import opening
from explorer.views.gradient_notices import farthest, noticed, reaches, share, typical
from explorer.views.gradients import PARTS, remaining, shades, together
from explorer.words import _

SENTENCES = {
    "en": "The keeper, who had not slept since the storm took the boats, opened the little door "
    'and said to the girl on the stairs, "Is the lamp still lit?"',
    "zh": "爷爷说：“灯亮了，船就能回家。”阿月没有说话，她望着海，等那只还没有回来的船。",
    "python": 'def count(items, wanted=("(", "[")):\n    """How many."""\n    '
    "return sum(each in wanted for each in items)",
}
LOOKS = {"trained": _("trained networks"), "fresh": _("fresh ones, of my making")}
SCALES = {"share": _("share of the first"), "length": _("length")}


ui.header(
    _("How far back does a mistake reach?"),
    _(
        "A wrong guess is blamed on every state before it: that blame is the {gradient}, and it "
        "travels back one step at a time. Where it has died away, nothing can be learnt.",
        gradient=ui.term("gradient", _("gradient")),
    ),
)
which, read, when = st.columns([1.5, 2, 1])
complaint = st.session_state.pop("complaint", None)
if complaint is not None:
    complain(complaint)
with which:
    link.seed("look", "trained", allowed=LOOKS)
    look = st.segmented_control(
        _("Look at"), list(LOOKS), key="look", required=True, format_func=LOOKS.__getitem__
    )
    runs = choose_runs(shown=look == "trained")
    subjects = fresh(runs[0]) if look == "fresh" else []
with read:
    link.seed("text", opening(runs[0].experiment.text.content, SENTENCES))
    text = st.text_area(_("Text to read"), key="text", height=108)
with when:
    subjects = subjects or at_share(runs)
    count = len(runs[0].tokenizer.encode(text))
    at = -1
    if count > 1:
        link.seed("at", count - 1, int, between=(1, count - 1))
        turned = st.session_state.pop("guess turned to", st.session_state["at"])
        link.put("at", min(max(int(turned), 1), count - 1))
        at = int(st.number_input(
            _("Guessed token T"), 1, count - 1, key="at",
            help=_("The loss of this guess, made from all tokens before it, is followed back."),
        ))

picture, aside = ui.columns()
with picture:
    how, what, where = st.columns([1.5, 1.5, 1])
    link.seed("scale", "share", allowed=SCALES)
    scale = how.segmented_control(
        _("Draw the gradient's"), list(SCALES), key="scale", required=True,
        format_func=SCALES.__getitem__,
    )
    link.seed("part", "hidden", allowed=PARTS)
    part = what.segmented_control(
        _("With respect to the"), list(PARTS), key="part", required=True,
        format_func=lambda name: _(PARTS[name]),
        help=_("An LSTM carries its cell on beside the hidden state: its whole state is both."),
    )
    layers = max(each.model.layers for each in subjects)
    layer = layers
    if layers > 1:
        link.seed("layer", layers, int, allowed=range(1, layers + 1))
        layer = int(where.selectbox(_("Layer"), range(1, layers + 1), key="layer"))
    try:
        answers = [each.ask("gradients", text=text, at=at) for each in subjects]
    except ExplorerError as error:
        complain(error)
        st.stop()
    names = [each.name for each in subjects]
    overlaid = together(answers, names, layer - 1)
    theme = ui.theme()
    ui.show(
        draw("gradients", overlaid, part=part, relative=scale == "share", theme=theme),
        "gradients", overlaid,
    )
    numbers = st.container(horizontal=True, key="numbers")
    for name, value in reaches(overlaid, part).items():
        numbers.metric(_("{name}: steps until 1 %", name=name), value, width=190,
                       help=_("How many steps back the gradient has fallen under one hundredth of "
                              "what it is at the state the guess is made from."))

    link.seed("network", names[-1], allowed=names)
    network = st.pills(
        _("One network, closer"), names, key="network", required=True, wrap=True
    )
    subject = subjects[names.index(network)]
    depth = min(layer, subject.model.layers) - 1  # people count layers from 1
    labels = [str(label) for label in overlaid["label"].values]
    left = remaining(overlaid, network, part)
    event = ui.strip(
        labels,
        shades(overlaid, network, part, theme),
        label=_("The text, coloured by what is left of the {name}'s gradient", name=network),
        hover=[[_("guessed here")] if t == overlaid.attrs["at"] else
               [_("{share} left · steps back: {steps}", share=share(value),
                  steps=overlaid.attrs["at"] - 1 - t)] if t < overlaid.attrs["at"] else
               [_("comes after the guess")] for t, value in enumerate(left)],
        selected=overlaid.attrs["at"],
        key="strip",
    )
    if event is not None and event.index is not None and event.index != at:
        st.session_state["guess turned to"] = event.index
        st.rerun()
    st.caption(_("Click a token to follow its guess back."))

    st.subheader(_("Every guess at once"), anchor=False)
    with ui.guard():
        every = subject.ask("gradient_map", text=text, layer=depth)
        ui.show(draw("gradient map", every, part=part, at=overlaid.attrs["at"], theme=theme),
                "map", every)
        st.caption(
            _(
                "Median over the guesses of the text's second half: {steps} steps until 1 %.",
                steps=typical(every, part),
            )
        )

    st.subheader(_("What one step does"), anchor=False)
    with ui.guard():
        stretched = subject.ask("jacobians", text=text, layer=depth, of=part)
        ui.show(draw("jacobians", stretched, theme=theme), "jacobians", stretched)

    st.subheader(_("The matrix behind it"), anchor=False)
    with ui.guard():
        spectrum = subject.ask("recurrent_eigenvalues", layer=depth)
        ui.show(draw("eigenvalues", spectrum, theme=theme), "eigenvalues", spectrum)

with aside:
    ui.before_you_look(
        _("Of whose gradient is most left at the first token?"),
        names if len(names) > 1 else [_("nearly all"), _("about half"), _("hardly any")],
        farthest(overlaid, part),
        key="guess",
    )
    ui.notice(noticed(overlaid, part))
    ui.letters(
        [
            r"\frac{\partial L_T}{\partial h_t} = \frac{\partial L_T}{\partial h_{T-1}}"
            r" \prod_{k=t+1}^{T-1} \frac{\partial h_k}{\partial h_{k-1}}",
            r"\frac{\partial h_k}{\partial h_{k-1}} = \mathrm{diag}(\varphi'(a_k))\, U"
            r" \quad \text{(RNN)}",
            r"\frac{\partial c_k}{\partial c_{k-1}} = \mathrm{diag}(f_k) + \dots"
            r" \quad \text{(LSTM)}",
        ]
    )
    ui.code(type(subject.model).slopes, type(subject.model).back)
    ui.not_shown(
        _(
            "A gradient says what a very small change would do, not what the network uses: a large "
            "one need not mean that something is remembered. And this is the loss of single "
            "guesses; training adds up the blame of many, within its window."
        )
    )
    if look == "fresh":
        train_them(subjects)
link.write(
    look=look if look != "trained" else None,
    text=text,
    at=at if at > 0 else None,
    scale=scale if scale != "share" else None,
    part=part if part != "hidden" else None,
    layer=layer if layer != layers else None,
    network=network,
)
watch(runs)
ui.onward("pages/gates.py", _("What do gates do to let it pass? Open them."))
