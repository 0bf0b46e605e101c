"""What do more layers see, and what if it reads backwards too?"""

import streamlit as st

from explorer import ui
from explorer.models.base import RECURRENT
from explorer.models.recurrent import Recurrent
from explorer.observations import OBSERVATIONS
from explorer.ui import deep, link
from explorer.ui.backend import ask, ask_or_stop, draw
from explorer.ui.text import opening
from explorer.views import depth_notices as notices
from explorer.views import figure
from explorer.views.gates import WIDEST
from explorer.words import _

SENTENCES = {
    "en": '"The lamp is lit," said Wren, "and the sea is calm."',
    "zh": "爷爷说：“灯亮了，船就能回家。”阿月没有说话。",
    "python": 'def count(items):\n    return len([x for x in items if x != "("])',
}
SHORT = 24  # tokens whose guesses are looked at


def depths_in_link(said: str) -> list[int]:
    """ "1-2-4" of a link as depths; ValueError when one is not."""
    found = sorted({int(part) for part in said.split("-")})
    if not all(1 <= depth <= deep.DEEPEST for depth in found):
        raise ValueError(said)
    return found


ui.header(
    _("What do more layers see, and what if it reads backwards too?"),
    _("Stacked, each {layer} reads what the one below shows. With a second {direction}, every "
      "token is seen from both sides: fine for understanding a text, fatal for writing one.",
      layer=ui.term("layer", _("layer")), direction=ui.term("direction", _("direction"))),
)
runs = deep.known_runs()
which, read, when = st.columns([1.4, 2.2, 1])
with which:
    run = ui.choose_run(deep.deepest(runs), kinds=RECURRENT)
with read:
    link.seed("text", opening(run.experiment.text.content, SENTENCES))
    text = st.text_area(_("Text to read"), key="text", height=68)
with when:
    step = ui.choose_step(run)
trace = ask_or_stop("trace", run.key, step, text=text, logits=False)
spec, theme, T = run.experiment.model, ui.theme(), trace.sizes["token"]
assert isinstance(spec, Recurrent)
names = [name for name in OBSERVATIONS if name in trace]

picture, aside = ui.columns()
with picture:
    link.seed("view", "hidden", allowed=names)
    view = st.pills(
        _("Gate or state"), names, key="view", required=True, wrap=True,
        format_func=lambda name: _(OBSERVATIONS[name].title),
    )
    start = 0
    if T > WIDEST:
        link.seed("start", 0, int, between=(0, T - 1))
        start = int(st.slider(_("First token drawn"), 0, T - 1, step=20, key="start"))
    ui.show(draw("layers", trace, observation=view, start=start, theme=theme), "layers", trace)
    st.subheader(_("What does each layer carry?"), anchor=False)
    with ui.guard():
        carried = ask("carried", run.key, step)
        ui.show(draw("carried", carried, theme=theme), "carried", carried)
    st.subheader(_("Is deeper better?"), anchor=False)
    link.seed("depths", list(deep.USUAL), depths_in_link)
    chosen = st.pills(
        _("Depths to compare: this run's text, steps, batches and seed, other layers"),
        range(1, deep.DEEPEST + 1), key="depths", selection_mode="multi", wrap=True,
    ) or [1]
    with ui.guard():
        experiments = deep.at_depths(run, chosen)
        by_depth = deep.by_depth(run, experiments)
        ui.show(figure("depths", by_depth, theme=theme), "depth-chart", by_depth)
        deep.train_button(
            {notices.count(depth): each for depth, each in experiments.items()},
            _("Train the missing depths"), "depths")
        ui.notice(notices.depths(by_depth))

with aside, ui.guard():
    ui.before_you_look(
        _("Which layer will change least from one token to the next?"),
        [_("the lowest"), _("one in the middle"), _("the top one")],
        notices.speed(carried) if spec.layers > 1 else notices.layers(carried)[0],
        key="guess",
    )
    ui.notice(notices.layers(carried))
    ui.letters([
        r"h^{(l)}_t = f\big(h^{(l-1)}_t,\; h^{(l)}_{t-1}\big)",
        r"h^{(0)}_t = x_t",
        r"\overrightarrow{h}_t = f(x_t, \overrightarrow{h}_{t-1})",
        r"\overleftarrow{h}_t = g(x_t, \overleftarrow{h}_{t+1})",
        r"p_t = \mathrm{softmax}\big(V [\overrightarrow{h}_t ; \overleftarrow{h}_t] + b\big)",
    ])
    ui.code(type(spec).step, Recurrent.shapes)
    ui.not_shown(_(
        "That a token explains a state does not say that the network uses it. One run of each "
        "depth is one throw of the dice; deep networks may need more steps, another rate or "
        "shortcuts between layers. And reading both ways is no mistake in itself: to label, to "
        "translate or to fill a gap, the whole text is there to be read."
    ))

st.subheader(_("The same text from both sides"), anchor=False)
with st.columns([1.4, 3.2])[0]:
    both = deep.choose_both(runs)
if both is None:
    with ui.guard():
        deep.train_button({_("both ways"): deep.with_model(run, bidirectional=True, layers=1)},
                          _("Train this run's network in both directions"), "both")
else:
    last, scored = both.snapshots[-1], None
    picture, aside = ui.columns()
    with picture, ui.guard():
        sides = ask("trace", both.key, last, text=text, logits=False)
        ui.show(draw("layers", sides, start=min(start, T - 1), theme=theme), "sides", sides)
        known = ask("carried", both.key, last)
        ui.show(draw("carried", known, theme=theme), "known", known)
    with aside, ui.guard():
        scored = ask("misuse", both.key, last)
        ui.before_you_look(
            _("It reads both ways, and is asked for the next token. How low will its perplexity "
              "be?"),
            ["10", "4", "1"],
            _("{value}: it has read the answer from the other side.",
              value=f"{scored.attrs['scored']:.2f}"),
            key="guess-both",
        )
        ui.notice(notices.directions(known))

    st.subheader(_("A perfect guesser that cannot write"), anchor=False)
    partner = deep.with_model(both, bidirectional=False)
    one = deep.finished(partner)
    deep.train_button({_("one way"): partner}, _("Train the same network one way, to compare"),
                      "one")
    if one is not None and scored is not None:
        with ui.guard():
            other = ask("misuse", one.key, one.snapshots[-1])
            for column, title, said in zip(
                st.columns(2, gap="medium"), (_("One way"), _("Both ways")), (other, scored),
                strict=True,
            ):
                with column:
                    deep.written(title, said)
            picture, aside = ui.columns()
            with picture:
                ui.show(draw("misuse", deep.beside(other, scored), theme=theme), "misuse", scored)
            with aside:
                ui.notice(notices.misuse(other, scored))
            st.subheader(_("Why? Which tokens can each guess see?"), anchor=False)
            columns = st.columns(3, gap="small")
            seen = [
                ask("sight", key, snapshot, text=text, most=SHORT, writing=writing)
                for key, snapshot, writing in (
                    (one.key, one.snapshots[-1], False), (both.key, last, False),
                    (both.key, last, True))
            ]
            titles = (_("One way"), _("Both ways, in training"), _("Both ways, when it writes"))
            for i, (column, title) in enumerate(zip(columns, titles, strict=True)):
                with column:
                    st.markdown(f"**{title}**")
                    ui.show(draw("sight", seen[i], theme=theme), f"sight-{i}", seen[i])
            ui.notice(notices.sights(seen[0], seen[1]))
link.write(text=text, view=view, start=start or None, depths="-".join(map(str, sorted(chosen))))
ui.onward("pages/gates.py", _("And inside a layer? Open its gates."), run=run.key, text=text)
