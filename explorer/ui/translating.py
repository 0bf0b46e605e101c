"""A trained translator at work: a sentence typed, and a pair on which it goes astray."""

from __future__ import annotations

import streamlit as st
import xarray as xr

from explorer.models.transformer import Transformer
from explorer.store import Run
from explorer.tasks.translation import sacre, true_words
from explorer.text.bleu import notes_bleu, sentence_bleu
from explorer.text.sentences import Sentences
from explorer.text.subwords import UNKNOWN
from explorer.ui import link
from explorer.ui.backend import ask, draw
from explorer.ui.figure import show
from explorer.ui.held_out import HeldOut, held_out, sentences
from explorer.ui.page import guard, onward
from explorer.ui.runs import middle
from explorer.ui.sentences import Kind, Line, whole
from explorer.ui.sentences import sentences as draw_sentences
from explorer.ui.session import theme
from explorer.ui.text import plain
from explorer.words import _

OWN = "own"  # in the link: a pair that is typed
LONG = 1_000  # characters of a sentence that may be typed


def scores(run: Run, translation: str, reference: str) -> str:
    """BLEU of one sentence both ways, in words."""
    cut = sentences(run)
    ours = sentence_bleu(translation, reference, sacre(cut))
    notes = notes_bleu(_tokens(cut, translation), true_words(cut, reference), 2)
    return _("sacrebleu {ours}, the notes' formula {notes}", ours=f"{ours:.1f}",
             notes=f"{notes:.2f}")


def _tokens(cut: Sentences, translation: str) -> list[str]:
    """What was written, token by token: <unk> is one."""
    found: list[str] = []
    for place, part in enumerate(translation.split(UNKNOWN)):
        found += [UNKNOWN] if place else []
        found += cut.encode(part.strip()).labels if part.strip() else ()
    return found


def translate(run: Run) -> None:
    """A sentence, what is read of it, and what is written."""
    known = held_out(run)
    key = f"source-{run.key}"
    link.seed("source", known.examples[0][0], key=key)
    with st.container(key="typed-source"):
        source = st.text_input(_("A sentence to translate"), key=key, max_chars=LONG)
    link.write(source=source)
    with guard():
        answer = ask("translate", run.key, run.snapshots[-1], sources=[source])
        _show_translation(run, known, source, str(answer["translation"].values[0]))
        if isinstance(run.experiment.model, Transformer):
            _looks(run, run.experiment.model, source)


def _looks(run: Run, spec: Transformer, source: str) -> None:
    """Where the decoder looks in the source, layer by layer and head by head."""
    trace = ask("across", run.key, run.snapshots[-1], source=source)
    layers, heads = range(1, spec.layers + 1), range(1, spec.heads + 1)
    link.seed("layer", spec.layers, int, allowed=layers)
    link.seed("head", 0, int, allowed=[0, *heads])
    row = st.columns([1, 3])
    layer: int = row[0].selectbox(_("Layer"), layers, key="layer")
    head = row[1].segmented_control(
        _("Head"), [0, *heads], key="head", required=True,
        format_func=lambda number: str(number) if number else _("mean of all"),
        help=_("Each head of the encoder–decoder attention looks for itself.")) or 0
    chosen = trace.isel(layer=[layer - 1])
    one = chosen.isel(head=[head - 1]) if head else (
        chosen.mean("head", keepdims=True, keep_attrs=True))
    asked = one.assign_attrs(layer=layer, head=head)  # a picture of this one
    show(draw("alignment", asked, theme=theme()), "across", trace)
    link.write(layer=None if layer == spec.layers else layer, head=head or None)
    onward("pages/block.py", _("What happens to a token on its way through?"), run=run.key,
           source=source)


def _show_translation(run: Run, known: HeldOut, source: str, translation: str) -> None:
    cut = sentences(run)
    whole_source = cut.source.encode(cut.source.prepare(source))
    read = cut.read(source)
    lost = [cut.source.unknown(int(i)) for i in read.ids]
    gap = between(run, source=True)
    parts: list[tuple[str, Kind]] = []
    for label, unknown in zip(read.labels, lost, strict=True):
        parts += [(gap, "")] if parts and gap else []
        parts.append((label, "unknown" if unknown else ""))
    lines = [Line(_("it reads"), parts), whole(_("it writes"), translation or "–", strong=True)]
    reference = known.references.get(cut.source.prepare(source))
    if reference is not None:
        right = cut.prepare(reference)
        lines.append(whole(_("reference"), right, scores(run, translation, right)))
    draw_sentences([lines], _("The sentence, and its translation"), "translated")
    said = []
    if any(lost):
        strange = dict.fromkeys(label for label, unknown in zip(read.labels, lost, strict=True)
                                if unknown)
        said.append(_("It does not know {words}, which it was never or too rarely shown: it reads "
                      "<unk> there, and can only guess from what stands around.",
                      words=", ".join(f"“{word}”" for word in strange)))
    if len(whole_source) >= cut.longest:
        said.append(_("Only the first {count} tokens are read.", count=cut.longest))
    if said:
        st.warning(plain(" ".join(said)), icon=":material/visibility_off:")


def between(run: Run, source: bool = False) -> str:
    """What stands between two tokens of a side: nothing where tokens have their blanks."""
    cut = sentences(run)
    side = cut.source if source else cut
    return "" if side.chinese or side.how.kind in ("character", "bpe") else " "


def forced(run: Run) -> xr.Dataset | None:
    """One pair token by token: what each costs when the truth is told, and when it is not. The
    probe's answer; None, with a message, where there is none."""
    known = held_out(run)
    pair = _pair(run, known)
    found: xr.Dataset | None = None
    with guard():
        found = trace = ask("forcing", run.key, run.snapshots[-1], source=pair[0], target=pair[1])
        longest = max(len(sentences(run).written(target)) for _source, target in known.examples)
        padding = max(0, longest - trace.sizes["token"])
        show(draw("forcing", trace, padding=padding, theme=theme()), "forcing", trace)
        gap = between(run)
        draw_sentences([[
            Line(_("the truth"), _parts(trace["label"], trace["unknown"], "unknown", gap),
                 strong=True),
            Line(_("told the truth"), _parts(trace["guess_told"], ~trace["right_told"], "wrong",
                                             gap)),
            Line(_("by itself"), _parts(trace["guess_free"], ~trace["right_free"], "wrong", gap)),
        ]], _("What it guesses at each place, told the truth and by itself"), "guesses")
    return found


def _pair(run: Run, known: HeldOut) -> tuple[str, str]:
    """The pair that is looked at: an example, at first the one whose errors cost it most, or one
    typed."""
    options = [*(str(place + 1) for place in range(len(known.examples))), OWN]
    key = f"pair-{run.key}"
    link.seed("pair", _worst(run, known), allowed=options, key=key)
    chosen = st.selectbox(
        _("Pair"), options, key=key, format_func=lambda option: _("a pair of your own")
        if option == OWN else middle(" → ".join(known.examples[int(option) - 1]), 110))
    link.write(pair=chosen)
    if chosen != OWN:
        link.write(pair_source=None, pair_target=None)
        return known.examples[int(chosen) - 1]
    found = []
    with st.container(key="typed-pair"):
        for name, label, start in (("pair_source", _("Its source"), known.examples[0][0]),
                                   ("pair_target", _("Its target"), known.examples[0][1])):
            of_run = f"{name}-{run.key}"
            link.seed(name, start, key=of_run)
            found.append(st.text_input(label, key=of_run, max_chars=LONG))
    link.write(pair_source=found[0], pair_target=found[1])
    return found[0], found[1]


def _worst(run: Run, known: HeldOut) -> str:
    """The number of the example that costs most more, a token, when it reads its own guesses."""
    costs = []
    for source, target in known.examples:
        found = ask("forcing", run.key, run.snapshots[-1], source=source, target=target)
        costs.append(float((found["free"] - found["told"]).mean()))
    return str(costs.index(max(costs)) + 1)


def _parts(
    tokens: xr.DataArray, which: xr.DataArray, kind: Kind, gap: str
) -> list[tuple[str, Kind]]:
    """Tokens one after the other, some of them marked."""
    return [((gap if place else "") + str(token), kind if marked else "")
            for place, (token, marked) in enumerate(zip(tokens.values, which.values, strict=True))]


