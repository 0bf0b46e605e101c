"""Can a network learn to translate?"""

from typing import Any

import streamlit as st

from explorer import ui
from explorer.defaults import usual_cut, usual_translator
from explorer.errors import ExplorerError
from explorer.experiment import Experiment, Training
from explorer.models import Model
from explorer.models.seq2seq import Seq2Seq
from explorer.models.transformer import Transformer
from explorer.tasks.translation import Translation, masked_loss
from explorer.text import Tokenisation
from explorer.text.bleu import corpus_bleu, notes_bleu
from explorer.ui import evaluating, link, translating
from explorer.ui.controls import CHOICES, form, make
from explorer.ui.pair_source import choose_pairs, preview_pairs
from explorer.ui.training import looked_at, train_button, watched
from explorer.ui.translation import LOOK, others
from explorer.views import translation_notices as notices
from explorer.words import _

CELLS = ("rnn", "gru", "lstm", "transformer")
ATTENTIONS = ("none", "additive", "dot", "general", "concat", "scaled-dot")
IN_ROW = ("cell", "attention", "hidden")
LINKED = dict.fromkeys(IN_ROW)  # no longer in the link where it is not chosen
OF_LONG_TEXTS = ("window", "sampling", "truncation", "truncate")  # a sentence is read whole
QUALITIES = {"quick": _("quick"), "good": _("good"), "best": _("best")}

ui.header(
    _("Can a network learn to translate?"),
    _(
        "Give it pairs: sentences and their translations. An encoder reads the source, a decoder "
        "writes the target token by token; after some seconds it translates sentences that it has "
        "never read."
    ),
)


def settings() -> Experiment | None:
    """The controls: pairs, architecture, attention, size, quality, and all other fields behind one
    button. None while there are no pairs or something contradicts itself."""
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        pairs = choose_pairs()
    with right:
        kind, row = in_the_row()
        link.seed("quality", "good", allowed=QUALITIES)
        quality = st.segmented_control(
            _("Quality"),
            list(QUALITIES),
            key="quality",
            required=True,
            format_func=QUALITIES.__getitem__,
            help=_("How long it trains: 250, 1,000 or 4,000 steps, unless told otherwise."),
        )
        link.write(**LINKED | row | ({} if "cell" in row else {"cell": kind}), quality=quality)
        with st.popover(_("All settings"), icon=":material/tune:"):
            st.markdown(f"**{_('Model')}**")
            family = Model.family[kind]
            rest = [name for name in family.model_fields if name not in IN_ROW]
            start = ({} if pairs is None else
                     usual_translator(pairs, row.get("attention", ""), kind))
            of = "-".join(map(str, start.values()))  # what it starts from: another form
            model = make(family, form(family, start | row, f"{kind}-{of}", rest) | row)
            st.markdown(f"**{_('Task')}**")
            task = make(Translation, form(Translation, {}, "translation"))
            if pairs is None:
                return None
            st.markdown(f"**{_('Tokens')}**")
            cut = form(Tokenisation, usual_cut(pairs).model_dump(), f"tokens-{pairs.sha256[:8]}",
                       ["kind"])
            usual = usual_cut(pairs, cut["kind"]).model_dump()
            fields = [name for name in usual if name not in cut]
            cut |= form(Tokenisation, usual, f"tokens-{pairs.sha256[:8]}-{cut['kind']}", fields)
            how = make(Tokenisation, cut)
            if not (
                isinstance(model, Model)
                and isinstance(task, Translation)
                and isinstance(how, Tokenisation)
            ):
                return None
            st.markdown(f"**{_('Training')}**")
            base = Experiment.translation(pairs, how, model, task=task, quality=quality)
            fields = [name for name in Training.model_fields if name not in OF_LONG_TEXTS]
            training = form(
                Training,
                base.training.model_dump(),
                f"training-{quality}-{pairs.sha256[:8]}",
                fields,
            )
            seed = form(Experiment, {}, "experiment", ["seed"])
    if preview_pairs(pairs, task, how) is None:
        return None
    try:
        return Experiment.translation(
            pairs, how, model, task=task, quality=quality, **training, **seed
        )
    except ExplorerError as error:
        ui.complain(error)
        return None


def in_the_row() -> tuple[str, dict[str, Any]]:
    """The kind of architecture, and those of its fields that are chosen at once: cells, attention
    and size of an encoder–decoder, the size of a Transformer."""
    link.seed("cell", "gru", allowed=CELLS)
    link.seed("attention", "general", allowed=ATTENTIONS)
    link.seed("hidden", 128, int, between=(1, 1024))
    cell = str(st.segmented_control(
        _("What reads and writes"), CELLS, key="cell", required=True, wrap=True,
        format_func=CHOICES.__getitem__,
    ))
    row = st.columns([1.2, 1])
    if cell == "transformer":
        width = row[0].number_input(
            _("Width"), 1, 1024, key="hidden", step=32,
            help=_(str(Transformer.model_fields["hidden"].description)),
        )
        return cell, {"hidden": int(width)}
    attention = row[0].selectbox(
        _("Attention"),
        ATTENTIONS,
        key="attention",
        format_func=lambda kind: _(CHOICES[kind]),
        help=_(str(Seq2Seq.model_fields["attention"].description)),
    )
    hidden = row[1].number_input(
        _("Hidden units"),
        1,
        1024,
        key="hidden",
        step=32,
        help=_("How many numbers each layer remembers."),
    )
    return "seq2seq", {"cell": cell, "attention": attention, "hidden": int(hidden)}


picture, aside = ui.columns()
forced = compared = None
with picture:
    train_button(settings())
    key = looked_at(LOOK.task)
    run = watched(key, LOOK)
    if not key:
        others()
    ready = run if run is not None and run.snapshots else None
    if ready is not None:
        with ui.guard():
            st.subheader(_("Now let it translate"), anchor=False)
            translating.translate(ready)
        with ui.guard():
            st.subheader(_("Where does its first error start the avalanche?"), anchor=False)
            forced = translating.forced(ready)
        with ui.guard():
            st.subheader(_("Does attention help, and on which sentences?"), anchor=False)
            compared = evaluating.lengths(ready)
            st.subheader(_("Every held-out pair, and its BLEU both ways"), anchor=False)
            evaluating.pairs(ready)

with aside:
    said = notices.avalanche(forced) if forced is not None else []
    ui.before_you_look(
        _(
            "While it learns, the decoder is told the true token before each guess. Let it read "
            "its own guesses instead: from where on does a sentence cost more?"
        ),
        [_("from its first token on"), _("from its first error on"), _("nowhere")],
        " ".join(
            said
            or [
                _(
                    "From its first error on: until then it reads the very tokens that it would "
                    "have been told."
                )
            ]
        ),
        key="guess",
    )
    if ready is not None:
        with ui.guard():
            found = notices.learnt(ready.history, ready.tokenizer.size)
            ui.notice(found + said + (notices.lengths(compared) if compared is not None else []))
    elif not key:
        ui.notice(
            [
                _(
                    "First it learns which words are frequent, and writes the same for every "
                    "sentence; then words come that belong to this source."
                )
            ]
        )
    ui.letters(
        [
            r"p(y \mid x) = \prod_t p(y_t \mid y_{<t}, x)",
            r"L = -\frac{\sum_t m_t \ln p(y_t \mid y_{<t}, x)}{\sum_t m_t}",
            r"m_t = [\, t \le t_{\langle\mathrm{eos}\rangle} \,]",
            r"\mathrm{notes} = e^{\min(0,\, 1 - \mathrm{len}_y / \mathrm{len}_{\hat y})}"
            r" \prod_{n=1}^{k} p_n^{1/2^n}",
            r"\mathrm{BLEU} = 100 \, e^{\min(0,\, 1 - r/c)} \, "
            r"\big(p_1 p_2 p_3 p_4\big)^{1/4}",
        ]
    )
    ui.code(masked_loss, notes_bleu, corpus_bleu, Translation.told)
    ui.not_shown(
        _(
            "BLEU counts shared runs of tokens: it does not know whether a translation is right. "
            "It depends on how sentences are cut, so figures of other cuts, or of papers, do not "
            "compare. What is held out comes from the same source as what is trained on: "
            "sentences from elsewhere are harder. And one run is one throw of the dice."
        )
    )
going = {"run": key} if ready is not None else {}
if ready is None or isinstance(ready.experiment.model, Seq2Seq):
    ui.onward("pages/alignment.py", _("Which word does it look at while it writes?"), **going)
ui.onward(
    "pages/search.py",
    _("Is the best next word part of the best sentence?"),
    **({"model": "translation"} | going if going else {}),
)
