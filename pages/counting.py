"""How far does counting get you?"""

from contextlib import nullcontext, suppress

import streamlit as st

from explorer import ui
from explorer.errors import ExplorerError
from explorer.text import CORPORA, Text, Tokenisation, corpus, counting, ngrams, windows
from explorer.ui import counting as counted
from explorer.ui import link
from explorer.ui.backend import draw
from explorer.ui.source import choose_text
from explorer.views import counts, palette
from explorer.views.minibatches import WAYS, shade
from explorer.words import _

ALPHAS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
WRITTEN = {"character": 180, "word": 40}  # tokens of a sample
SHOWN = {"character": 240, "word": 200}  # tokens that are cut into windows
LARGE = 500_000  # characters that take longer than a moment to count

kinds = {"word": _("words"), "character": _("characters")}
theme = ui.theme()


def chosen_text() -> Text:
    """The text of the link, if it is a built-in one; else one's own. Until that is there, the
    built-in one stays."""
    link.seed("corpus", next(iter(CORPORA)), allowed=CORPORA)
    text = choose_text()
    built_in = st.session_state.get("source") == "built-in"
    link.write(corpus=st.session_state["corpus"] if built_in else None)
    if text is None:
        st.info(_("Until your text is here, the built-in one is counted."),
                icon=":material/text_fields:")
    return text or corpus(st.session_state["corpus"])


def summary(text: Text) -> None:
    """The text in numbers."""
    numbers = {_("characters"): len(text.content)}
    with suppress(ExplorerError):  # it has no words: the picture says so
        trace = counted.ranks(text, "word")
        numbers |= {
            _("words"): int(trace["total"][0]),
            _("different words"): int(trace["distinct"][0]),
            _("words seen once"): int(trace["once"][0]),
        }
    row = st.container(horizontal=True)
    for name, value in numbers.items():
        row.metric(name, f"{value:,}", width=140)
    if st.session_state.get("source") != "built-in":
        st.caption(_("Your text stays in this session: a link to this page cannot carry it."))


def frequencies(text: Text) -> None:
    """Counts by rank."""
    picture, aside = ui.columns()
    with picture:
        link.seed("count", "word", allowed=kinds)
        kind = st.segmented_control(
            _("Count"), list(kinds), key="count", required=True, format_func=kinds.__getitem__
        )
        link.write(count=kind)
        with ui.guard():
            trace = counted.ranks(text, kind)
            ui.show(draw("zipf", trace, theme=theme), "zipf", trace)
            with aside:
                ui.before_you_look(
                    _("How often does the tenth most frequent come, beside the first?"),
                    [_("nearly as often"), _("about a tenth as often"),
                     _("about a hundredth as often")],
                    counts.tenth(trace),
                    key="guess",
                )
                ui.notice(counts.frequencies(trace))
                ui.letters([r"f(r) \propto r^{-s}", r"\ln f = a - s \ln r"])
                ui.code(counting.line)
                ui.not_shown(
                    _(
                        "A straight line on two logarithmic axes proves little: many processes "
                        "draw one, even a monkey at a typewriter. And rare words, where counts "
                        "are 1 or 2, are mostly chance."
                    )
                )


def models(text: Text) -> None:
    """Guessing and writing by counts."""
    st.subheader(_("How well do counts guess what comes next?"), anchor=False)
    picture, aside = ui.columns()
    with picture:
        cut, smooth, draw_again = st.columns([1.2, 1.8, 0.8], vertical_alignment="top")
        link.seed("tokens", "character", allowed=kinds)
        kind = cut.segmented_control(
            _("Tokens"), ["character", "word"], key="tokens", required=True,
            format_func=kinds.__getitem__,
        )
        link.seed("alpha", 0.1, float, allowed=ALPHAS)
        alpha = smooth.select_slider(
            _("Laplace's α"), ALPHAS, key="alpha", format_func="{:g}".format,
            help=_("How often every token is counted without having been seen."),
        )
        link.seed("sample", 0, int, between=(0, 9999))
        sample = int(draw_again.number_input(
            _("Sample"), 0, 9999, key="sample", help=_("Another number writes another text.")
        ))
        link.write(tokens=kind, alpha=f"{alpha:g}", sample=sample)
        how = Tokenisation(kind=kind)
        with ui.guard():
            made = counted.counted(text, how)
            trace = counting.guesses(text, made, kind, alpha)
            networks = counted.trained_on(text, how)
            ui.show(draw("ngrams", trace, networks=networks, theme=theme), "ngrams", trace)
            st.subheader(_("What they write, by Witten–Bell"), anchor=False)
            written = counted.written(text, how, ngrams.WittenBell(), WRITTEN[kind], sample)
            for order, content in reversed(list(enumerate(written, 1))):
                label, shown = st.columns([1, 9])
                label.caption(_("order {n}", n=order))
                shown.text(content)
            with aside:
                ui.before_you_look(
                    _("Is it better to count more tokens in a row?"),
                    [_("yes, the more the better"), _("no, pairs are enough"),
                     _("up to a point")],
                    " ".join(counts.guesses(trace, {})[:2]),
                    key="guess longer",
                )
                ui.notice([*counts.guesses(trace, networks),
                           counts.by_heart(counted.copied(text, written[-1]), len(written))])
                ui.letters([
                    r"p_\mathrm{L}(w \mid h) = \frac{c(hw) + \alpha}{c(h) + \alpha V}",
                    r"p_\mathrm{WB}(w \mid h) = \frac{c(hw) + N_{1+}(h)\, p_\mathrm{WB}(w \mid "
                    r"h')}{c(h) + N_{1+}(h)}",
                    r"\mathrm{perplexity} = e^{-\frac1n \sum \ln p(w \mid h)}",
                ])
                ui.code(ngrams.Laplace, ngrams.WittenBell, ngrams.chances)
                ui.not_shown(
                    _(
                        "Kneser–Ney, which smooths better still. And perplexity by character and "
                        "by word do not compare: a word is harder to guess than a letter."
                    )
                )


def batches(text: Text) -> None:
    """How a text is cut into minibatches."""
    st.subheader(_("In which order does a network read?"), anchor=False)
    picture, aside = ui.columns()
    how = Tokenisation(kind=st.session_state["tokens"])
    with picture:
        st.markdown(_("It learns from small batches of windows. They are drawn at random, or "
                      "read in order, so that the network can carry its state from one to the "
                      "next."))
        size, rows, seed_box, which = st.columns([1, 1, 1, 2], vertical_alignment="top")
        link.seed("window", 10, int, between=(2, 32))
        window = int(size.number_input(
            _("Window"), 2, 32, key="window", help=_("Tokens read before the weights change.")))
        link.seed("batch", 3, int, between=(1, 6))
        batch = int(rows.number_input(
            _("Batch"), 1, 6, key="batch", help=_("Windows read side by side.")))
        link.seed("seed", 0, int, between=(0, 9999))
        seed = int(seed_box.number_input(_("Seed"), 0, 9999, key="seed"))
        link.write(window=window, batch=batch, seed=seed)
        with ui.guard():
            labels = counted.beginning(text, how, SHOWN[how.kind])
            trace = counting.minibatches(labels, window, batch, seed)
            steps = trace.sizes["step"]
            link.seed("at", 1, int, between=(1, steps))
            at = int(which.slider(_("Step"), 1, steps, key="at"))
            link.write(at=at)
            ui.show(draw("minibatches", trace, at=at, theme=theme), "minibatches", trace)
            for way in WAYS:
                spans(trace, way, at)
            with aside:
                ui.notice(counts.reading(trace))
                ui.code(windows.cut)
                ui.not_shown(
                    _(
                        "A real training cuts the whole text, in windows and batches that are "
                        "several times larger; here they are small enough to be seen."
                    )
                )


def spans(trace: object, way: str, at: int) -> None:
    """The text with the windows of a step in colour, and those of the next step more faintly."""
    marked = counts.spans(trace, way, at)
    colours = palette(theme)
    st.caption(_("{way}: the windows of step {step}, and faintly those of the next",
                 way=_(WAYS[way]), step=at))
    ui.strip(
        [str(label) for label in trace["label"].values],
        [shade(colours, row, now) if row is not None else None for row, now, _said in marked],
        label=_("The text with the windows of step {step}: {way}", step=at, way=_(WAYS[way])),
        hover=[[said] if said else [] for _row, _now, said in marked],
        key=f"spans-{way}",
    )


ngram = ui.term("n-gram", _("n-gram"))
ui.header(
    _("How far does counting get you?"),
    _(
        "Before there were networks one counted: how often each word comes, and what follows what. "
        "An {ngram} is n {token}s in a row. Whatever a network learns, it has to guess "
        "better than this.",
        ngram=ngram, token=ui.term("token", _("token")),
    ),
)
left, right = st.columns([1.2, 1], gap="medium")
with left:
    text = chosen_text()
with right:
    summary(text)
with st.spinner(_("Counting …"), show_time=True) if len(text.content) > LARGE else nullcontext():
    frequencies(text)
    models(text)
    batches(text)
ui.onward("pages/train.py", _("Can a network guess better than counts? Train one."))
