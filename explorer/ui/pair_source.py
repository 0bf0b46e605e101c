"""Bring sentence pairs: built-in ones, a file, two files, or a paste; and see how they are read.
They live in the session only."""

from __future__ import annotations

import json

import streamlit as st
import xarray as xr

from explorer.errors import DataError
from explorer.tasks.translation import Translation
from explorer.text import LIMIT, PAIR_CORPORA, Pairs, Tokenisation, pair_corpus
from explorer.text.pair_statistics import Which, batch, statistics, steps
from explorer.text.sentences import Sentences
from explorer.ui.backend import draw
from explorer.ui.figure import show
from explorer.ui.page import complain
from explorer.ui.session import theme
from explorer.ui.text import plain
from explorer.words import _

BATCH = 6  # pairs of the batch that is drawn
EXAMPLES = 12  # sentences that are offered to be prepared
KEPT = "uploaded pairs"  # their name in the session


def choose_pairs() -> Pairs | None:
    """The pairs to learn from; None, with a message on the page, while there are none."""
    ways = {"built-in": _("built-in"), "file": _("one file"), "two": _("two files"),
            "paste": _("paste")}  # fmt: skip
    way = st.segmented_control(_("Sentence pairs"), list(ways), key="pair_source",
                               format_func=ways.__getitem__, default="built-in", required=True)
    try:
        if way == "built-in":
            return _built_in()
        pairs = {"file": _uploaded, "two": _two, "paste": _pasted}[str(way)]()
    except DataError as error:
        complain(error)
        return None
    if pairs is not None:
        _report(pairs)
    return pairs


def _built_in() -> Pairs:
    name = st.selectbox(_("Built-in pairs"), list(PAIR_CORPORA), key="pair_corpus",
                        format_func=lambda name: _(PAIR_CORPORA[name].title))
    pairs = pair_corpus(name)
    st.caption(_(PAIR_CORPORA[name].about) + " " + _("{count} pairs, made by a grammar.",
                                                     count=f"{len(pairs.rows):,}"))
    return pairs


def _uploaded() -> Pairs | None:
    file = st.file_uploader(
        _("A file of pairs, at most {limit} MB", limit=LIMIT // 10**6), key="pair_file",
        help=_("In each line a sentence, a tab and its translation, as in the files of "
               "manythings.org; or a CSV with a header; any encoding."))  # fmt: skip
    if file is None:
        return _kept(1)
    return _keep(1, Pairs.decode(file.name, file.getvalue()))


def _two() -> Pairs | None:
    one, other = st.columns(2)
    source = one.file_uploader(_("The source sentences, one in each line"), key="source_file")
    target = other.file_uploader(_("Their translations, line by line"), key="target_file")
    if source is None or target is None:
        return _kept(2)
    return _keep(2, Pairs.decode_two(source.name, source.getvalue(),
                                     target.name, target.getvalue()))


def _pasted() -> Pairs | None:
    content = st.text_area(
        _("Paste pairs of your own, a tab between source and target"), key="pasted_pairs",
        height=160, placeholder="go .\tva !\nhe's calm .\til est calme .")
    return Pairs.paste(content, _("pasted pairs")) if content else None


def _keep(files: int, pairs: Pairs) -> Pairs:
    st.session_state[f"{KEPT} {files}"] = pairs
    return pairs


def _kept(files: int) -> Pairs | None:
    """What was uploaded before the visitor went to another page."""
    pairs = st.session_state.get(f"{KEPT} {files}")
    return pairs if isinstance(pairs, Pairs) else None


def _report(pairs: Pairs) -> None:
    """How many pairs came in, and what the door skipped."""
    report = pairs.report
    said = [_("{name}, read as {encoding}: {count} pairs.", name=pairs.name,
              encoding=pairs.encoding, count=f"{len(pairs.rows):,}")]  # fmt: skip
    if report.header:
        said.append(_("Read as the header: {header}.", header=report.header))
    if report.repeated:
        said.append(_("Pairs that stand there more than once: {count}; they are kept.",
                      count=f"{report.repeated:,}"))  # fmt: skip
    st.caption(plain(" ".join(said)))
    if report.skipped:
        places = [_("line {line}: {reason}", line=line, reason=_(reason))
                  for line, reason in report.first]  # fmt: skip
        more = "" if len(places) == report.skipped else " …"
        st.warning(plain(_("Broken lines that were skipped: {count} ({places}).",
                           count=f"{report.skipped:,}", places="; ".join(places) + more)),
                   icon=":material/report:")  # fmt: skip


def preview_pairs(pairs: Pairs, task: Translation, how: Tokenisation) -> Sentences | None:
    """What the network will read: one sentence step by step, a batch, lengths and words. Gives the
    tokenizer; None, with a message, if the pairs cannot be cut so."""
    try:
        sentences = learnt(pairs, task, how)
    except DataError as error:
        complain(error)
        return None
    with st.expander(_("How the network reads them"), icon=":material/text_fields:"):
        asked = [pairs.sha256, how.model_dump_json(), task.spaced, task.longest]
        row = st.container(horizontal=True)
        for name, value in {
            _("pairs"): len(pairs.rows),
            _("different source tokens"): sentences.source.size,
            _("different target tokens"): sentences.size,
        }.items():
            row.metric(name, f"{value:,}", width=190)
        _steps(pairs, sentences, asked)
        _batch(pairs, sentences, asked)
        counted = _counted(json.dumps(asked), sentences, pairs)
        for view in ("pair lengths", "pair words"):
            show(draw(view, counted, theme=theme()), view.replace(" ", "-"), counted)
    return sentences


def learnt(pairs: Pairs, task: Translation, how: Tokenisation) -> Sentences:
    """The tokenizers of some pairs, kept under their content's hash. Raises DataError."""
    return _learnt(pairs.sha256, how, task.spaced, task.longest, task, pairs)


@st.cache_resource(show_spinner=False, max_entries=16)
def _learnt(
    sha256: str, how: Tokenisation, spaced: bool, longest: int, _task: Translation, _pairs: Pairs
) -> Sentences:
    return _task.tokenizer(_pairs, how)


@st.cache_resource(show_spinner=False, max_entries=16)
def _counted(asked: str, _sentences: Sentences, _pairs: Pairs) -> xr.Dataset:
    return statistics(_sentences, _pairs.rows).assign_attrs(asked=asked)


def _steps(pairs: Pairs, sentences: Sentences, asked: list[object]) -> None:
    """One sentence, from how it came to how it is read."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    names: dict[Which, str] = {"source": _("source"), "target": _("target")}
    side = right.segmented_control(_("Side"), list(names), key="prepared_side", default="source",
                                   required=True, format_func=names.__getitem__)
    examples = _examples(pairs, side)
    place = left.selectbox(_("A sentence"), range(len(examples)), len(examples) // 2,
                           key="prepared_sentence",
                           format_func=lambda i: examples[min(i, len(examples) - 1)])
    sentence = examples[min(int(place), len(examples) - 1)]
    length = max(len(sentences.read(each) if side == "source" else sentences.written(each))
                 for each in examples)  # fmt: skip
    trace = steps(sentences, sentence, side, length)
    trace.attrs["asked"] = json.dumps([*asked, sentence, side])
    show(draw("preparation", trace, theme=theme()), "preparation", trace)


def _examples(pairs: Pairs, side: Which) -> list[str]:
    """Different sentences spread over the file, from short to long."""
    rows = pairs.rows
    some = [rows[i * len(rows) // EXAMPLES][side == "target"] for i in range(EXAMPLES)]
    return sorted(dict.fromkeys(some), key=len)


def _batch(pairs: Pairs, sentences: Sentences, asked: list[object]) -> None:
    """The pairs from which a batch is drawn are spread over the file."""
    size = min(BATCH, len(pairs.rows))
    rows = [pairs.rows[i * len(pairs.rows) // size] for i in range(size)]
    trace = batch(sentences, rows).assign_attrs(asked=json.dumps(asked))
    show(draw("batch", trace, theme=theme()), "batch", trace)
