"""Can a network learn to write like your text?"""

from typing import Any

import streamlit as st

from explorer import ui
from explorer.errors import ExplorerError
from explorer.experiment import Data, Experiment, Training
from explorer.models import Model
from explorer.models.base import ATTENTIVE, RECURRENT
from explorer.text import Tokenisation
from explorer.ui import link
from explorer.ui.controls import form, make
from explorer.ui.counting import baseline
from explorer.ui.language_model import KINDS, LOOK, samples
from explorer.ui.source import choose_text, preview
from explorer.ui.training import looked_at, train_button, watched
from explorer.ui.writing import write
from explorer.views import notices
from explorer.words import _

QUALITIES = {
    "quick": _("quick, about 4 s"),
    "good": _("good, about 15 s"),
    "best": _("best, about 1 min"),
}

ui.header(
    _("Can a network learn to write like your text?"),
    _(
        "Give it a text. It guesses the next token over and over, is corrected a little each time, "
        "and after some seconds it writes by itself."
    ),
)


CHOSEN = "train chosen"  # in the session: settings of training that are not as usual


def kept(usual: dict[str, Any]) -> dict[str, Any]:
    """What is usual, but for what was chosen: that stays when another control moves."""
    return usual | st.session_state.get(CHOSEN, {})


def keep(training: dict[str, Any], usual: dict[str, Any]) -> None:
    """Remember what is not as usual."""
    st.session_state[CHOSEN] = {
        name: value for name, value in training.items()
        if value != usual.get(name, Training.model_fields[name].default)}


def as_usual() -> None:
    """Another quality is another number of steps."""
    for name in ("steps", "snapshots"):
        st.session_state.get(CHOSEN, {}).pop(name, None)


def settings() -> Experiment | None:
    """The controls: text, architecture, size, quality, and all other fields behind one button.
    None while there is no text or something contradicts itself."""
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        text = choose_text()
    with right:
        row = st.columns([1.2, 1])
        link.seed("model", "lstm", allowed=KINDS)
        kind = row[0].segmented_control(
            _("Architecture"),
            list(KINDS),
            key="model",
            required=True,
            wrap=True,
            format_func=KINDS.__getitem__,
        )
        link.seed("hidden", 128, int, between=(1, 1024))
        hidden = row[1].number_input(
            _("Hidden units"),
            1,
            1024,
            key="hidden",
            step=32,
            help=_("How many numbers each layer remembers."),
        )
        link.seed("quality", "good", allowed=QUALITIES)
        quality = st.segmented_control(
            _("Quality"),
            list(QUALITIES),
            key="quality",
            required=True,
            wrap=True,
            on_change=as_usual,
            format_func=QUALITIES.__getitem__,
            help=_("How long it trains, on two cores."),
        )
        link.write(model=kind, hidden=hidden, quality=quality)
        more = st.popover(_("All settings"), icon=":material/tune:")
        with more:
            family = Model.family[kind]
            st.markdown(f"**{_('Model')}**")
            fields = [name for name in family.model_fields if name != "hidden"]
            size = {"hidden": hidden}
            chosen = form(family, size, f"model-{kind}", fields) | size | {"kind": kind}
            st.markdown(f"**{_('Tokens')}**")
            tokens = form(Tokenisation, {}, "tokens")
        model = make(family, chosen)  # what contradicts itself is said where it is seen
        how = make(Tokenisation, tokens)
        if text is None or not isinstance(model, Model) or how is None:
            return None
        with more:
            st.markdown(f"**{_('Training')}**")
            usual = Experiment.language_model(text, how, model, quality=quality)
            training = form(Training, kept(usual.training.model_dump()), f"training-{usual.key}")
            keep(training, usual.training.model_dump())
            rest = form(Data, {}, "data", ["held_out"]) | form(Experiment, {}, "experiment", [
                "seed"])
    if preview(text, how) is None:
        return None
    try:
        return Experiment.language_model(text, how, model, quality=quality, **training, **rest)
    except ExplorerError as error:
        ui.complain(error)
        return None


picture, aside = ui.columns()
with picture:
    experiment = settings()
    train_button(experiment)
    key = looked_at(LOOK.task)
    run = watched(key, LOOK)
    if run is not None and run.snapshots:
        with ui.guard():
            st.subheader(_("Now let it write"), anchor=False)
            write(run)

with aside:
    ui.before_you_look(
        _(
            "A text has {count} different characters. Guessing blindly, among how many does one "
            "hesitate?",
            count=60,
        ),
        ["8", "30", "60"],
        _(
            "Among all 60: the perplexity of a blind guess is the size of the vocabulary, the "
            "dashed line in the chart. All that lies below it, the network has learnt."
        ),
        key="guess",
    )
    if run is not None and run.snapshots:
        with ui.guard():
            ui.notice(
                notices.training(
                    run.history, run.tokenizer.size, samples(run), run.experiment.text.content,
                    baseline(run),
                )
            )
    elif key is None:
        ui.notice(
            [
                _(
                    "Spaces and common letters come first, then short words, then spelling: read "
                    "what it writes after each snapshot."
                )
            ]
        )
    ui.letters(
        [
            r"p_t = \mathrm{softmax}(V h_t + b)",
            r"L = -\frac1n \sum_{t} \ln p_t(x_{t+1})",
            r"\mathrm{perplexity} = e^{L}",
        ]
    )
    ui.code(Training.rate, Training.snapshot_steps)
    ui.not_shown(
        _(
            "A low perplexity on a short text is mostly memory, not understanding. And one run is "
            "one throw of the dice: another seed ends a little higher or lower."
        )
    )
done = run is not None and bool(run.snapshots)
kind = run.experiment.model.kind if run is not None and done else "lstm"
if kind in RECURRENT:
    ui.onward(
        "pages/gates.py",
        _("What does it let in, keep, and let out? Open its gates."),
        **({"run": key} if done else {}),
    )
elif kind in ATTENTIVE:
    ui.onward("pages/heads.py", _("What does each head look at?"), run=key)
else:
    ui.onward("pages/cost.py", _("Why not simply read one word after the other?"))
