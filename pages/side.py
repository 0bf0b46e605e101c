"""Which network learns your text best, and at what price?"""

import streamlit as st

from explorer import ui
from explorer.comparison import (
    MOST,
    Comparison,
    equal_parameters,
    same_batches,
    toy,
)
from explorer.errors import ExplorerError
from explorer.tasks.language_model import LanguageModel
from explorer.ui import board, side, tokens, versus
from explorer.ui.runs import LANGUAGE_MODEL
from explorer.views import comparison as curves
from explorer.views import duel
from explorer.words import _

ui.header(
    _("Which network learns your text best, and at what price?"),
    _(
        "What is trained here reads the same text, from the same seeds, and differs only in what "
        "you choose: what comes out differently comes from that. Runs that were there before may "
        "differ in more. The lower the held-out {perplexity}, the better.",
        perplexity=ui.term("perplexity", _("perplexity")),
    ),
)
shipped = side.shipped()


question = st.container()
row = st.container(horizontal=True, vertical_alignment="center", key="launch")


def controls() -> tuple[Comparison | None, int]:
    """What is to be compared next, and how many seeds each has."""
    left, middle, right = st.columns([1.25, 1.3, 1.25], gap="medium")
    with left:
        path = versus.choose()
    if path == "runs":
        with middle:
            versus.choose_runs(side.compared(shipped))
        return None, 0
    with middle:
        given = versus.values(path)
    with right:
        seeds, equal, own = versus.numbers(path)
    text, base = versus.settings(path, row)
    if text is None:
        return None, seeds
    try:
        experiment = base(text)
        if experiment is None:
            return None, seeds
        return versus.compare(experiment, path, given, seeds, equal, own), seeds
    except ExplorerError as error:
        ui.complain(error)
        return None, seeds


with question:
    chosen, seeds = controls()
if seeds:
    row.button(
        _("Compare"),
        type="primary",
        icon=":material/balance:",
        disabled=chosen is None,
        on_click=side.launch,
        args=(chosen,),
    )
row.button(
    _("The toy: four sentences, three networks"),
    icon=":material/toys:",
    on_click=side.launch,
    args=(toy(range(seeds or 3)),),
    help=_(
        "Four short sentences, word by word; an embedding of 50, 100 units, 100 epochs: what does "
        "each write after “{prefix}”?",
        prefix="This is",
    ),
)
if chosen is not None:
    st.caption(ui.plain(versus.announced(chosen)))
complaint = st.session_state.pop(side.COMPLAINT, None)
if complaint is not None:
    ui.complain(complaint)

keys = side.compared(shipped)
field = found = None
picture, aside = ui.columns()
with picture:
    if not keys:
        st.info(
            _("Nothing has been compared here yet: choose what differs, and press Compare."),
            icon=":material/balance:",
        )
    with ui.guard():
        gathered = side.gather(keys, LANGUAGE_MODEL) if keys else None
        found = gathered.trace() if gathered is not None else None
        field = gathered  # whose curves are there: what cannot be read is refused once
    if field is not None and len(field.groups) > MOST:
        st.warning(_("These are more than {count} different networks: choose fewer.", count=MOST))
        field = found = None
    if field is not None:
        board.board(keys, field)

names, groups = tokens.scored(field) if field else ([], [])
trace = None
differs = board.settings(field) if field is not None else None
if differs is not None and len(differs):
    with picture:
        st.subheader(_("What differs"), anchor=False)
        st.table(differs, border="horizontal")
for name in tokens.left_out(field) if field is not None else ():
    picture.info(
        ui.prose(
            _(
                "**{name}** is not asked to guess or to write: training made it worse, so that "
                "its best snapshot is that before the first step, which knows nothing.",
                name=name,
            )
        ),
        icon=":material/person_off:",
    )
if len(names) > 1:
    with picture:
        st.subheader(_("Which token does each win, and by how many bits?"), anchor=False)
        with ui.guard():
            text = tokens.choose_text(groups[0][0].run.experiment)
            trace = tokens.read(names, groups, text)
            tokens.contest(trace)
if names:
    with picture:
        st.subheader(_("What do they write?"), anchor=False)
        tokens.samples(names, groups)

with aside:
    if field is not None and found is not None:
        said = curves.findings(found)
        if said:
            ui.before_you_look(
                _("Which will end lowest, and by more than chance?"),
                [ui.plain(name) for name in field.names] + [_("nobody can tell")],
                " ".join(said[:2]),
                key="guess",
            )
        if not same_batches(field.experiments):
            said.append(
                _(
                    "These do not read the same batches: their windows, or how many are read side "
                    "by side, differ. Part of the difference may come from that."
                )
            )
        said += board.beside_counting(field)
        if trace is not None:
            said += duel.findings(trace)
        ui.notice(said)
    ui.letters(
        [
            r"\mathrm{bits}_t = -\log_2 p(x_t \mid x_1 \dots x_{t-1})",
            r"\mathrm{perplexity} = 2^{\frac1n \sum_t \mathrm{bits}_t}",
            r"\Delta_t = \mathrm{bits}_t^{\,B} - \mathrm{bits}_t^{\,A}",
        ]
    )
    ui.code(LanguageModel.batch, equal_parameters, duel.lead)
    ui.not_shown(
        _(
            "FLOPs count matrix products only, and seconds are of this machine while other runs "
            "trained beside. Each run is judged by its best snapshot, picked on the same held-out "
            "end, which flatters all a little. One learning rate for all may suit one of them "
            "better; and what wins on this text with this budget may lose with another. The text "
            "is read from a blank state: the first tokens are dear for all."
        )
    )
ui.onward(
    "pages/gates.py",
    _("Why does it win? Open its gates."),
    **({"run": groups[0][0].run.key} if groups else {}),
)
