"""What does the network remember of what it has read?"""

import streamlit as st

from explorer import ui
from explorer.models.base import RECURRENT
from explorer.models.recurrent import Recurrent
from explorer.observations import OBSERVATIONS
from explorer.text.annotations import words
from explorer.ui import link
from explorer.ui.backend import ask, ask_or_stop, draw
from explorer.ui.concordance import concordance
from explorer.ui.reading import read_whole
from explorer.ui.text import opening
from explorer.ui.unloaded import source
from explorer.views import palette, remembered
from explorer.views.states import COLOURS, firing
from explorer.words import _

SENTENCES = {
    "en": '"The lamp is lit," said Wren, and the sea is calm.',
    "zh": "爷爷说：“灯亮了，船就能回家。”阿月没有说话。",
    "python": "def count(items):\n    return len(items)",
}
METHODS = ("pca", "umap", "units")


def numbers(said: str) -> tuple[int, ...]:
    """Numbers in a link: "3,17"."""
    return tuple(int(part) for part in said.split(","))


def pair(said: str) -> tuple[int, int]:
    """A span in a link: "5-9"."""
    first, last = said.split("-")
    return int(first), int(last)


ui.header(
    _("What does the network remember of what it has read?"),
    _(
        "After each {token} all that a recurrent network has of the past is its state: one number "
        "for each {unit}. Each point below is such a state, and similar states lie close together.",
        token=ui.term("token", _("token")),
        unit=ui.term("unit", _("unit")),
    ),
)
which, read, compare, when = st.columns([1.3, 1.7, 1.5, 0.9])
with which:
    run = ui.choose_run(kinds=RECURRENT)
with read:
    link.seed("text", opening(run.experiment.text.content, SENTENCES))
    text = st.text_area(_("Text to read"), key="text", height=68)
with compare:
    link.seed("second", "")
    second = st.text_area(
        _("Second text, to compare"), key="second", height=68, placeholder=_("none")
    )
with when:
    step = ui.choose_step(run)

spec = run.experiment.model
assert isinstance(spec, Recurrent)
H, theme = spec.hidden, ui.theme()
method_names = {"pca": _("PCA"), "umap": _("UMAP"), "units": _("chosen units")}
colour_names = {
    "class": _("kind of character"),
    "quotes": _("inside quotation marks"),
    "brackets": _("inside brackets"),
    "word": _("word"),
    "position": _("position"),
    "none": _("nothing"),
}

picture, aside = ui.columns()
with picture:
    how, deep, by, what, deepness = st.columns([2.1, 0.8, 1.2, 1.1, 0.6])
    link.seed("method", "pca", allowed=METHODS)
    method = how.segmented_control(
        _("Seen by"), METHODS, key="method", required=True, format_func=method_names.__getitem__,
        help=_(
            "PCA turns the space of all units so that the states spread most. UMAP bends it so "
            "that neighbours stay neighbours. Or look at two or three units as they are."
        ),
    )
    link.seed("axes", 2, int, allowed=(2, 3))
    axes = deep.segmented_control(_("Dimensions"), (2, 3), key="axes", required=True)
    link.seed("colour", "class", allowed=list(COLOURS))
    colour = by.selectbox(
        _("Colour by"), list(COLOURS), key="colour", format_func=colour_names.__getitem__
    )
    seen = [name for name in ("hidden", "cell") if name in spec.observes]
    link.seed("state", "hidden", allowed=seen)
    state = what.selectbox(
        _("State"), seen, key="state", format_func=lambda name: _(OBSERVATIONS[name].title)
    )
    layer = 1
    if spec.layers > 1:
        link.seed("layer", 1, int, allowed=range(1, spec.layers + 1))
        layer = int(deepness.selectbox(_("Layer"), range(1, spec.layers + 1), key="layer"))
    layer -= 1  # people count layers from 1
    units = tuple(range(min(axes, H)))
    if method == "units":
        link.seed("chosen", units, numbers)
        link.put("chosen", [n for n in st.session_state["chosen"] if 0 <= n < H][:axes], axes)
        units = tuple(
            st.multiselect(_("Units"), range(H), key="chosen", max_selections=axes)
        )
    waiting = (
        _("UMAP places some thousand states, which takes a few seconds the first time.")
        if method == "umap"
        else _("The network reads its own text.")
    )
    with st.spinner(waiting):
        cloud = ask_or_stop(
            "projection", run.key, step, text=text, other=second, method=method, dimensions=axes,
            layer=layer, observation=state, units=units,
        )
    trace = ask_or_stop("trace", run.key, step, text=text, logits=False)
    labels = [str(label) for label in trace["label"].values]
    T = len(labels)

    longest = max(words(labels)[:6] or [(0, min(3, T))], key=lambda word: word[1] - word[0])
    link.seed("span", (longest[0], longest[1] - 1), pair)
    moved = st.session_state.pop("span moved to", st.session_state["span"])
    first, last = sorted(min(max(int(end), 0), T - 1) for end in moved)
    link.put("span", (first, last), T)

    drawn = draw(
        "trajectory", cloud, colour=colour, start=first, stop=last + 1, theme=theme
    )
    ui.show(drawn, "trajectory", cloud)

    st.subheader(_("Which units hold a span, and where else do they fire?"), anchor=False)
    brush, height = st.columns([3, 1], gap="medium")
    if T > 1:
        first, last = brush.slider(
            _("Span: from token to token"), 0, T - 1, key="span",
            help=_("The units that are on throughout it, and off right before and after."),
        )
    link.seed("threshold", 0.3, float, between=(0.0, 1.0))
    threshold = height.slider(
        _("On beyond ±"), 0.0, 1.0, step=0.05, key="threshold",
        help=_("A unit is on when its value is above this, or, on the other side of zero, below "
               "its negative."),
    )
    read_whole(run.key, step, layer, state)
    match = ask_or_stop(
        "select_and_match", run.key, step, text=text, start=first, stop=last + 1,
        threshold=threshold, layer=layer, observation=state,
    )
    together, colours = firing(trace, match), palette(theme)
    chosen = match["unit"].values.tolist()
    event = ui.strip(
        labels,
        [colours.shade(float(share), False) if share else None for share in together],
        label=_("The text; the span is tokens {first} to {last}", first=first, last=last),
        hover=[
            [_("token {number}", number=i)]
            + ([_("{on} of {all} units on", on=round(share * len(chosen)), all=len(chosen))]
               if chosen else [])
            for i, share in enumerate(together)
        ],
        selected=last,
        key="strip",
    )
    if event is not None and event.index is not None:
        nearer_first = event.index < first or event.index - first < last - event.index
        ends = (event.index, last) if nearer_first else (first, event.index)
        if ends != (first, last):
            st.session_state["span moved to"] = ends
            st.rerun()
    st.caption(
        _("The more of these units are on, the stronger the colour. A click on a token moves the "
          "nearer end of the span there; with the strip in focus, arrows walk and Enter does it.")
    )
    said = remembered.selection(match)
    if chosen:
        st.markdown(ui.prose(" ".join(said[:2])))
        ui.show(
            draw("units", trace, observation=state, layer=layer, chosen=chosen[:6], theme=theme),
            "units",
        )
    else:
        st.info(ui.prose(" ".join(said)), icon=":material/search_off:")
    if match.sizes["place"]:
        concordance(
            match,
            [
                _("{count} of {all} on", count=count, all=len(chosen))
                for count in match["together"].values.tolist()
            ],
            _("Places where these units fire together"),
            "places",
        )
        st.caption(
            _(
                "The first {shown} of {found} places: by how many units are on at once, then by "
                "how many are off right before and after, then by how near in length to the span. "
                "States are kept as whole numbers of 16 bits: a value within {error} of the "
                "threshold may fall on its other side.",
                shown=min(12, match.sizes["place"]),
                found=f"{match.attrs['found']:,}",
                error=f"{match.attrs['error']:.1g}",
            )
        )
        ui.show(draw("found", match, theme=theme), "found", match)

    st.subheader(_("Where has it been in nearly the same state?"), anchor=False)
    link.seed("token", last, int, between=(0, T - 1))
    token = last
    if T > 1:
        token = int(st.slider(_("After token"), 0, T - 1, key="token"))
    with ui.guard():
        near = ask("nearest_states", run.key, step, text=text, token=token, layer=layer,
                   observation=state)
        concordance(
            near, [f"{distance:.3f}" for distance in near["distance"].values.tolist()],
            _("The nearest states, with their distances"), "nearest",
        )
        st.caption(ui.prose(remembered.nearest(near)))

    st.subheader(_("All its units, token by token"), anchor=False)
    ui.show(draw("gates", trace, observation=state, layer=layer, theme=theme), "heatmap", trace)

with aside:
    ui.before_you_look(
        _("The state has {count} numbers. How many directions hold nine tenths of how it varies?",
          count=H),
        [_("two or three"), _("about ten"), _("more than that")],
        remembered.directions(cloud),
        key="guess",
    )
    ui.notice(remembered.trajectory(cloud) + said[2:])
    ui.letters(
        [
            r"\text{PCA:}\quad p_t = A\,(h_t - \bar h)",
            rf"\text{{{_('on')}}}\quad \min_{{a \le t \le b}} \pm h_t > \theta",
            rf"\text{{{_('off')}}}\quad \pm h_{{a-1}},\ \pm h_{{b+1}} \le \theta",
        ]
    )
    ui.code(source("probes/cloud.py", "pca"), source("probes/matching.py", "rank"))
    ui.not_shown(
        _(
            "A picture of two dimensions leaves out most of a state: points that lie together here "
            "may be far apart. UMAP invents clusters of its own. Units that fire together at a "
            "span need not be what the network uses there; to know, one must change them and see "
            "what it writes. And another seed would give other units."
        )
    )
link.write(
    text=text,
    second=second or None,
    method=method,
    axes=axes,
    colour=colour,
    state=state if len(seen) > 1 else None,
    layer=layer + 1 if spec.layers > 1 else None,
    chosen=",".join(map(str, units)) if method == "units" else None,
    span=f"{first}-{last}",
    threshold=threshold,
    token=token,
)
ui.onward("pages/gates.py", _("What decides what is kept? Look at the gates."), run=run.key)
