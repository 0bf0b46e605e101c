"""Bring a text: a built-in one, an upload, or a paste. It lives in the session only."""

from __future__ import annotations

import streamlit as st

from explorer.errors import DataError
from explorer.text import CORPORA, LIMIT, Text, Tokenisation, Tokenizer, corpus
from explorer.text.preview import Summary, summary
from explorer.ui.page import complain
from explorer.ui.session import theme
from explorer.ui.strip import strip
from explorer.ui.text import plain
from explorer.views import palette
from explorer.views.palette import mix
from explorer.words import _

PREVIEW = 300  # tokens of a text that are shown in pieces


def choose_text() -> Text | None:
    """The text to learn from; None, with a message on the page, while there is none."""
    ways = {"built-in": _("built-in"), "upload": _("upload"), "paste": _("paste")}
    way = st.segmented_control(
        _("Text"),
        list(ways),
        key="source",
        format_func=ways.__getitem__,
        default="built-in",
        required=True,
    )
    try:
        if way == "upload":
            return _uploaded()
        if way == "paste":
            return _pasted()
        name = st.selectbox(
            _("Built-in text"),
            list(CORPORA),
            key="corpus",
            format_func=lambda name: _(CORPORA[name].title),
        )
        st.caption(_(CORPORA[name].about))
        return corpus(name)
    except DataError as error:
        complain(error)
        return None


def _uploaded() -> Text | None:
    file = st.file_uploader(
        _("A text file of your own, at most {limit} MB", limit=LIMIT // 10**6),
        help=_("Plain text, Markdown, CSV, subtitles (.srt) or HTML; any language and encoding."),
    )
    if file is None:
        text = st.session_state.get("uploaded")
    else:
        text = Text.decode(file.name, file.getvalue())
        st.session_state["uploaded"] = text
    if not isinstance(text, Text):
        return None
    st.caption(_("{name}, read as {encoding}.", name=plain(text.name), encoding=text.encoding))
    return text


def _pasted() -> Text | None:
    content = st.text_area(
        _("Paste a text of your own"),
        key="pasted",
        height=160,
        placeholder=_("A poem, a chapter, lyrics, code: a few hundred characters at least."),
    )
    return Text.paste(content, _("pasted text")) if content else None


def preview(text: Text, how: Tokenisation) -> Tokenizer | None:
    """What the network will read: counts, and the beginning in coloured pieces. Gives the
    tokenizer; None, with a message, if the text cannot be cut so."""
    try:
        tokenizer = learnt(text, how)
    except DataError as error:
        complain(error)
        return None
    with st.expander(_("How the network reads it"), icon=":material/text_fields:"):
        counts = _counted(text.sha256, how, tokenizer, text)
        row = st.container(horizontal=True)
        for name, value in {
            _("characters"): f"{counts.characters:,}",
            _("tokens"): f"{counts.tokens:,}",
            _("vocabulary"): f"{counts.vocabulary:,}",
            _("encoding"): text.encoding,
        }.items():
            row.metric(name, value, width=150)
        if counts.left_out:
            st.caption(
                _(
                    "{count} different tokens are too rare for the vocabulary: they are read as "
                    "<unk>, {share} of the text, and are grey here.",
                    count=f"{counts.left_out:,}",
                    share=f"{counts.unknown:.1%}",
                )
            )
        _pieces(tokenizer, text)
    return tokenizer


@st.cache_resource(show_spinner=False, max_entries=16)
def _learnt(sha256: str, how: Tokenisation, _text: Text) -> Tokenizer:
    return Tokenizer.learn(_text, how)


@st.cache_resource(show_spinner=False, max_entries=16)
def _counted(sha256: str, how: Tokenisation, _tokenizer: Tokenizer, _text: Text) -> Summary:
    return summary(_tokenizer, _text.content)


def learnt(text: Text, how: Tokenisation) -> Tokenizer:
    """The tokenizer of a text, kept under its content's hash. Raises DataError."""
    return _learnt(text.sha256, how, text)


def _pieces(tokenizer: Tokenizer, text: Text) -> None:
    """The beginning, token by token, in turning colours."""
    colours = palette(theme())
    shades = [mix(colours.background, colour, 0.28) for colour in colours.categorical[:4]]
    pieces = tokenizer.pieces(text.content[: PREVIEW * 8])[:PREVIEW]
    strip(
        [piece.text for piece in pieces],
        [colours.border if piece.unknown else shades[i % 4] for i, piece in enumerate(pieces)],
        label=_("The beginning of the text, token by token"),
        hover=[
            [_("id {id}", id=piece.id)] + ([_("unknown: read as <unk>")] if piece.unknown else [])
            for piece in pieces
        ],
        key="pieces",
    )
