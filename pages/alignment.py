"""Which word does it look at while it writes?"""

import streamlit as st

from explorer import ui
from explorer.models.seq2seq import Seq2Seq
from explorer.ui import alignment, attentions
from explorer.ui.backend import ask_or_stop, draw
from explorer.ui.lines import lines
from explorer.ui.unloaded import source as code_of
from explorer.views import alignment_notices as notices
from explorer.words import _

ui.header(
    _("Which word does it look at while it writes?"),
    _(
        "A network reads a sentence and writes its translation. With attention, it compares its "
        "own state with each word that it has read before it writes the next one; the weights, "
        "which sum to 1, say where it looks."
    ),
)
which, read, force, when = st.columns([1.3, 1.6, 1.3, 0.9])
with which:
    run = ui.choose_run(task="translation", train="pages/translation.py", kinds=("seq2seq",))
with read:
    source = alignment.choose_source(run)
with force:
    target = alignment.choose_target(run)
with when:
    snapshot = ui.choose_step(run)
trace = ask_or_stop("alignment", run.key, snapshot, source=source, target=target)
spec = run.experiment.model
assert isinstance(spec, Seq2Seq)
step, theme = alignment.step_chosen(trace), ui.theme()
own, right = str(trace.attrs["translation"]), alignment.reference(run, source)

picture, aside = ui.columns()
with picture:
    if own:
        st.markdown(
            _("It is made to write: **{translation}**", translation=ui.plain(own))
            if target
            else _("It writes: **{translation}**", translation=ui.plain(own))
        )
    if right and not target:
        st.caption(ui.plain(_("In the pairs: {translation}", translation=right)))
    if spec.scorer is None:
        st.info(
            _(
                "This run has no attention, so there is nothing to see: no weights, no lines. All "
                "that the decoder knows of the sentence is the encoder's last state. Choose a run "
                "with attention, or train one below with all else the same."
            ),
            icon=":material/visibility_off:",
        )
    else:
        ui.show(draw("alignment", trace, query=step, theme=theme), "alignment", trace)
    st.subheader(_("The same as lines"), anchor=False)
    chosen = lines(trace, step, heatmap="alignment", key="lines")
    if chosen is not None and chosen != step:
        alignment.turn(chosen)
        st.rerun()
    st.subheader(_("One step, with its numbers"), anchor=False)
    alignment.choose_step(trace, step)
    with ui.guard():
        alignment.one_step(run, snapshot, spec, trace, step, source, target)

    st.subheader(_("Every kind of attention, on the same sentence"), anchor=False)
    with ui.guard():
        attentions.side_by_side(run, source, target or right or own or None)

with aside:
    if spec.scorer is not None:
        ui.before_you_look(
            _("Will the most-looked-at places lie on the diagonal? Where will they not?"),
            [_(name) for name in list(notices.DIAGONALS.values())[:3]],
            notices.answer(trace),
            key="guess",
        )
    ui.notice(notices.findings(trace))
    ui.letters(alignment.letters(spec))
    scorer = [type(spec.scorer).score] if spec.scorer is not None else []
    ui.code(
        *scorer,
        code_of("models/attention.py", "attend"),
        code_of("models/translator.py", "step"),
    )
    ui.not_shown(
        _(
            "A weight says what was mixed into the context, not why a word was written: the same "
            "word may come out with other weights (Jain & Wallace 2019), and the decoder's own "
            "state knows much without looking. What is looked at is no word but the encoder's "
            "state there, which also knows its neighbours: a line may be a word beside the right "
            "one. And this is one network from one seed."
        )
    )
ui.onward("pages/attention.py", _("What is attention, without a network around it?"))
ui.onward(
    "pages/search.py",
    _("Is the best next word part of the best sentence?"),
    model="translation",
    run=run.key,
    source=source,
)
