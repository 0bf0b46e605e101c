"""How does it know where a word stands?"""

from __future__ import annotations

import streamlit as st

from explorer import ui
from explorer.errors import ExplorerError
from explorer.models.positions import Position
from explorer.store import Run
from explorer.text import Text
from explorer.ui import link, positions
from explorer.ui.backend import ask, draw, store
from explorer.ui.several import curves
from explorer.ui.source import choose_text
from explorer.ui.unloaded import source
from explorer.views import places, position_notices
from explorer.views.positions import KINDS
from explorer.words import _

LENGTHS = (8, 256)
KIND = ("transformer",)
ROTATED = [r"R_{p+k} = R_k\, R_p", r"\sum_i \cos \omega_i k,\quad \omega_i = 10000^{-2i/d}"]
theme = ui.theme()


@st.fragment
def encodings() -> None:
    """One encoding by itself."""
    which, long, wide, away = st.columns([2.6, 1.4, 1.4, 1.2], vertical_alignment="top")
    link.seed("kind", "sinusoidal", allowed=KINDS)
    kind = which.segmented_control(
        _("Positions"), list(KINDS), key="kind", required=True, wrap=True,
        format_func=lambda name: _(KINDS[name]),
        help=_("How a token is told where it stands: something is added to its vector, its queries "
               "and keys are turned, its scores are lowered with distance; or it is told nothing."))
    position = Position.parse(kind)
    link.seed("places", 128, int, between=LENGTHS)
    length = int(long.slider(_("Places"), *LENGTHS, key="places", disabled=kind == "none"))
    link.seed("width", 32, int, allowed=positions.WIDTHS)
    width = int(wide.select_slider(
        _("Numbers of a vector, d"), positions.WIDTHS, key="width", disabled=not position.turns,
        help=_("Of a token's vector; of a head, where queries and keys are turned.")))
    link.seed("k", 8, int, between=(1, 128))
    k = int(away.number_input(_("Places further on, k"), 1, 128, key="k",
                               disabled=not position.turns))
    link.write(kind=kind, places=length, width=width, k=k)
    picture, aside = ui.columns()
    with picture, ui.guard():
        heads = 4
        if kind == "alibi":
            link.seed("heads", 4, int, between=(1, 8))
            heads = int(st.slider(_("Heads"), 1, 8, key="heads"))
            link.write(heads=heads)
        learnt = own_places() if kind == "learned" else None
        trace = ask("positions", "", 0, kind=kind, length=length, width=width, heads=heads,
                    distance=k) if learnt is None else ask(
            "run_positions", learnt.key, learnt.snapshots[-1], length=length, distance=k)
        if "encoding" in trace:
            ui.show(draw("position heatmap", trace, theme=theme), "encoding", trace)
            positions.waves(trace)
            st.subheader(_("How alike are two places?"), anchor=False)
            ui.show(draw("position products", trace, theme=theme), "products", trace)
        if "turned" in trace:
            st.subheader(_("k places further on is a rotation"), anchor=False)
            link.seed("place", 0, int, between=(0, length - 1))
            place = int(st.slider(_("Place p"), 0, length - 1, key="place"))
            link.write(place=place or None)
            ui.show(draw("position circles", trace, place=place, theme=theme), "circles", trace)
            ui.show(draw("position angles", trace, theme=theme), "angles", trace)
        if "bias" in trace:
            link.seed("head", 1, int, between=(1, heads))
            head = int(st.pills(_("Head"), range(1, heads + 1), key="head", required=True,
                                wrap=True))
            link.write(head=head)
            ui.show(draw("lowered scores", trace, head=head - 1, theme=theme), "bias", trace)
            ui.show(draw("slopes", trace, theme=theme), "slopes", trace)
        if not trace.variables:
            st.info(_("Nothing is added, nothing turned, nothing lowered: there is nothing to "
                      "draw. What that costs stands below."), icon=":material/visibility_off:")
        with aside:
            said = position_notices.encoding(trace)
            ui.before_you_look(
                _("Two tokens stand k places apart. Does what is told of their places depend on "
                  "where in the text that is?"), [_("yes"), _("no")], said[0], key="guess")
            ui.notice(said)
            ui.letters([*position.letters.split(r",\quad "), *(ROTATED if position.turns else [])])
            ui.code(type(position), source("probes/positions.py", "rotation"))
            ui.not_shown(_(
                "These are the numbers that are told, not what a network makes of them: sines are "
                "added to a token's own numbers, and its matrices may keep or lose them. That a "
                "product falls with distance does not make a network look near; that it depends "
                "on the distance alone makes it easy to learn to look so many places back."))


def own_places() -> Run | None:
    """The run below whose places are learnt, if it has been trained."""
    run = ui.choose_run(store().pretrained("positions"), kinds=KIND, shown=False)
    return positions.finished(positions.with_each(run.experiment)[0]).get("learned")


def worth() -> Run | None:
    """The same network with each kind of positions: trained, read too far, and shuffled."""
    st.subheader(_("What is it worth to know?"), anchor=False)
    complaint = st.session_state.pop(positions.COMPLAINT, None)
    if complaint is not None:
        ui.complain(complaint)
    begun = positions.own()
    which, measured_on, more = st.columns([1.8, 2.2, 1], vertical_alignment="top")
    run = None
    with which:
        run = ui.choose_run(store().pretrained("positions"), kinds=KIND)
    link.seed("text", "")
    text = measured_on.text_area(
        _("Text to measure on"), key="text", height=68,
        placeholder=_("the end of the text, which was held out"),
        help=_("Leave it empty for the part of the text that was held out. Else at least as long "
               "as the windows that they were trained on."))
    link.write(text=text or None)
    with more.popover(_("A text of your own"), icon=":material/edit_note:", width="stretch"):
        other = choose_text()
        st.button(_("Train all {count}", count=len(KINDS)), type="primary", key="own-start",
                  icon=":material/model_training:", width="stretch", disabled=other is None,
                  on_click=begin, args=(other, run))
    experiments, refused = positions.with_each(begun or run.experiment)
    first = next(iter(experiments.values()), run.experiment)
    picture, aside = ui.columns()
    with picture:
        st.caption(ui.plain(_(
            "{count} times the same: “{text}”, {layers} × {width}, {steps} steps in windows of "
            "{window} tokens, the same seed and batches. Only how places are told differs.",
            count=len(experiments), text=first.data.name, layers=first.model.layers,
            width=first.model.hidden, steps=first.training.steps, window=first.training.window)))
        for kind, why in refused.items():
            st.caption(ui.plain(f"{places.called(kind)}: {why}"))
        done = len(positions.finished(experiments)) == len(experiments)
        with st.expander(_("How they learnt")) if done else st.container(), ui.guard():
            curves({places.called(kind): each for kind, each in experiments.items()}, "told")
    runs = positions.finished(experiments)
    if not runs:
        return run
    said: list[str] = []
    with picture, ui.guard():
        with st.spinner(_("Reading far beyond the windows, and shuffling …")):
            trace = positions.measured(runs, text)
        said = [*places.breaks(trace), *places.lost(trace)]
        st.subheader(_("Where does each break?"), anchor=False)
        ui.show(draw("loss by place", trace, theme=theme), "by-place", trace)
        st.subheader(_("And if the order is lost?"), anchor=False)
        ui.show(draw("shuffled orders", trace, theme=theme), "shuffled", trace)
    with aside:
        if said:
            ui.before_you_look(
                _("They were trained on windows of {window} tokens. Which of them can still guess "
                  "four times as far into a text?", window=first.training.window),
                [places.called(kind) for kind in runs], places.holding(trace), key="guess-far")
        ui.notice(said)
        ui.code(source("probes/places.py", "places"), source("probes/places.py", "_order"))
        ui.not_shown(_(
            "One small network, one text, one seed: larger ones and longer training may stretch "
            "further. With several layers a writer without positions is no bag any more: since "
            "each token sees only those before it, the lower layer can tell how many there are. "
            "And whoever guesses the same far away may do so by looking near only."))
    return run


def begin(text: Text, run: Run) -> None:
    """What the button of the popover does."""
    try:
        positions.begin(positions.on_text(text, run.experiment))
    except ExplorerError as error:
        st.session_state[positions.COMPLAINT] = error


ui.header(
    _("How does it know where a word stands?"),
    _("A recurrent network reads one token after the other, so it knows. Attention looks at all of "
      "them at once, as at words in a bag: it must be told where each stands."),
)
encodings()
chosen = worth()
ui.onward("pages/steps.py", _("And how does a word look at the others? Follow it step by step."),
          **({"run": chosen.key} if chosen else {}))
