"""What does the network let in, keep, and let out?"""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import ui
from explorer.models.base import RECURRENT
from explorer.models.recurrent import Recurrent
from explorer.observations import OBSERVATIONS
from explorer.ui import link
from explorer.ui.backend import ask, ask_or_stop, draw
from explorer.ui.inspector import step_with_numbers
from explorer.ui.text import opening
from explorer.views import notices, palette
from explorer.views.gates import WIDEST, domain, plane
from explorer.views.order import ORDERS
from explorer.words import N_, _

SENTENCES = {
    "en": '"The lamp is lit," said Wren, "and the sea is calm." (Nobody answered her.)',
    "zh": "爷爷说：“灯亮了，船就能回家。”阿月没有说话。",
    "python": 'def count(items):\n    return len([x for x in items if x != "("])',
}
WAYS = {"forward": N_("→ forward"), "backward": N_("← backward")}
LINES = 6  # as many are told apart


def lines_in_link(said: str) -> list[int]:
    """ "0,17" of a link as units; ValueError when one is not."""
    found = list(dict.fromkeys(int(part) for part in said.split(",")))
    if len(found) > LINES or not all(0 <= unit < H for unit in found):
        raise ValueError(said)
    return found


def choose_lines(unit: int) -> tuple[list[int], list[int]]:
    """The units to keep in the box of lines, and those that are drawn: the unit looked at too,
    which is kept there only if the box was touched while it was in it."""
    link.seed("lines", [unit], lines_in_link, key="lines kept")
    kept = [each for each in st.session_state["lines kept"] if each < H] or [unit]
    others = [each for each in kept if each != unit]
    drawn = kept if unit in kept else [*others[: LINES - 1], unit]
    link.put("lines drawn", drawn)
    st.multiselect(_("Draw as lines"), range(H), key="lines drawn", max_selections=LINES,
                   on_change=keep_lines, args=(unit,))
    return kept, drawn


def keep_lines(unit: int) -> None:
    """Keep what now stands in the box of lines."""
    drawn = st.session_state["lines drawn"]
    st.session_state["lines kept"] = drawn if unit in drawn else [unit, *drawn][:LINES]


ui.header(
    _("What does the network let in, keep, and let out?"),
    _(
        "A recurrent network reads one token at a time. At each step its gates, numbers between 0 "
        "and 1, decide what enters its memory, what stays there and what is shown."
    ),
)
first_look = ui.first_look()
with st.container(key="chosen"):  # it keeps the controls' room
    which, read, when = st.columns([1.4, 2.2, 1])
with which:
    run = ui.choose_run(shown=not first_look, kinds=RECURRENT)
with read:
    link.seed("text", opening(run.experiment.text.content, SENTENCES))
    if not first_look:
        st.text_area(_("Text to read"), key="text", height=68)
    text: str = st.session_state["text"]
with when:
    step = ui.choose_step(run, shown=not first_look)
trace = ask_or_stop("trace", run.key, step, text=text, logits=False)

spec = run.experiment.model
assert isinstance(spec, Recurrent)
T, H, layers = trace.sizes["token"], trace.sizes["unit"], trace.sizes["layer"]
names = [name for name in OBSERVATIONS if name in trace]
theme = ui.theme()
order_names = {
    "clusters": _("likeness"),
    "variance": _("variance"),
    "mean": _("mean"),
    "correlation": _("correlation"),
    "number": _("number"),
}

link.seed("view", names[0], allowed=names)
link.seed("order", ORDERS[0], allowed=ORDERS)
link.seed("unit", 0, int, between=(0, H - 1))
if "turned to" in st.session_state:
    st.session_state["unit"] = st.session_state.pop("turned to")
if layers > 1:
    link.seed("layer", 1, int, allowed=range(1, layers + 1))
if trace.sizes["direction"] > 1:
    link.seed("direction", "forward", allowed=list(WAYS))
if T > WIDEST:
    link.seed("start", 0, int, between=(0, T - 1))


def choices() -> tuple[str, str, int, int, int, int]:
    """What is to be drawn: gate or state, order, unit, layer (people count them from 1), direction,
    first token."""
    state = st.session_state
    layer = int(state["layer"]) if layers > 1 else 1
    direction = list(WAYS).index(state["direction"]) if trace.sizes["direction"] > 1 else 0
    start = int(state["start"]) if T > WIDEST else 0
    return state["view"], state["order"], int(state["unit"]), layer - 1, direction, start


def controls(row: Sequence[DeltaGenerator]) -> None:
    """What is drawn, and how its rows are ordered."""
    gate, sort, which_unit, which_layer = row
    meanings = "\n\n".join(
        f"**{_(OBSERVATIONS[name].title)}** ({OBSERVATIONS[name].letter}): "
        f"{_(OBSERVATIONS[name].meaning)}"
        for name in names
    )
    gate.pills(
        _("Gate or state"),
        names,
        key="view",
        required=True,
        wrap=True,
        help=meanings,
        format_func=lambda name: _(OBSERVATIONS[name].title),
    )
    sort.selectbox(_("Order units by"), ORDERS, key="order", format_func=order_names.__getitem__)
    which_unit.number_input(_("Unit"), 0, H - 1, key="unit")
    if layers > 1:
        which_layer.selectbox(_("Layer"), range(1, layers + 1), key="layer")
    if trace.sizes["direction"] > 1:
        st.segmented_control(
            _("Direction"),
            list(WAYS),
            key="direction",
            required=True,
            format_func=lambda way: _(WAYS[way]),
        )
    if T > WIDEST:
        st.slider(_("First token drawn"), 0, T - 1, step=20, key="start")


@st.fragment
def heatmap(below: object) -> None:
    """The controls and the picture. below: the choices that the rest of the page shows."""
    with st.container(key="turned"):  # it keeps the controls' room
        row = st.columns([3, 1, 0.9, 0.7], vertical_alignment="top")
        if not first_look:
            controls(row)
    view, order, unit, layer, direction, start = choices()
    drawn = draw(
        "gates",
        trace,
        observation=view,
        layer=layer,
        order=order,
        unit=unit,
        start=start,
        theme=theme,
        direction=direction,
    )
    ui.show(drawn, "gates", trace, alone=first_look)
    ui.rest_follows("gates", choices(), below)


picture, aside = ui.columns()
with picture:
    view, order, unit, layer, direction, start = choices()
    heatmap(choices())
    if first_look:
        ui.picture_first("gates")

    st.subheader(_("One unit, as the text goes by"), anchor=False)
    labels = [str(label) for label in trace["label"].values]
    values = plane(trace, view, layer, direction)  # (token, unit)
    seen, reach, colours = OBSERVATIONS[view], domain(trace, view, layer)[1], palette(theme)
    link.seed("token", 0, int, between=(0, T - 1))
    token = min(int(st.session_state["token"]), T - 1)
    unknown = [run.tokenizer.unknown(int(i)) for i in trace["id"].values]
    event = ui.strip(
        labels,
        [colours.shade(float(value), seen.signed, reach) for value in values[:, unit]],
        label=_("The text, coloured by the {gate} of unit {unit}", gate=_(seen.title), unit=unit),
        hover=[
            [f"{seen.letter} = {value:.4f}"] + ([_("unknown: read as <unk>")] if lost else [])
            for value, lost in zip(values[:, unit], unknown, strict=True)
        ],
        selected=token,
        keys={"n": "next", "p": "previous"},
        key="strip",
    )
    if event is not None and event.key:
        st.session_state["turned to"] = (unit + (1 if event.key == "next" else -1)) % H
        st.rerun()
    if event is not None and event.index is not None and event.index != token:
        st.session_state["token"] = event.index
        st.rerun()
    st.caption(
        _(
            "Unit {unit} of {count}. Click a token to open its step below; with the strip in "
            "focus, arrows walk along, n and p go to the next and the previous unit.",
            unit=unit,
            count=H,
        )
    )

    if any(unknown):
        st.warning(
            ui.plain(
                _(
                    "Unknown to this network, and all the same to it: {count} of the {all} tokens "
                    "are read as <unk>.",
                    count=f"{sum(unknown):,}",
                    all=f"{T:,}",
                )
            ),
            icon=":material/help:",
        )

    lines, drawn_lines = choose_lines(unit)
    ui.show(
        draw(
            "units", trace, observation=view, layer=layer, chosen=drawn_lines, start=start,
            theme=theme, direction=direction,
        ),
        "units",
    )

    st.subheader(_("One step, with its numbers"), anchor=False)
    with ui.guard():
        sums = ask("inspect", run.key, step, text=text, token=token, layer=layer, unit=unit,
                   direction=direction)
        step_with_numbers(spec, trace, sums)

    st.subheader(_("Do the gates decide, or hesitate?"), anchor=False)
    with ui.guard():
        saturated = ask("saturation", run.key, step)
        ui.show(
            draw("saturation", saturated, layer=layer, theme=theme, direction=direction),
            "saturation", saturated)

with aside:
    said = notices.gates(trace, view, layer, direction)
    gated = [name for name in ("forget", "update") if name in names]
    if gated:
        ui.before_you_look(
            _("Where will most units forget?"),
            [_("at spaces"), _("inside words"), _("at signs")],
            " ".join(notices.gates(trace, gated[0], layer, direction)[:2]),
            key="guess",
        )
    else:
        ui.before_you_look(
            _("An RNN has no gates. How many of its states will be beyond ±0.9?"),
            [_("hardly any"), _("about half"), _("nearly all")],
            said[0],
            key="guess",
        )
    ui.notice(said)
    ui.letters(spec.letters)
    ui.code(type(spec).step)
    ui.not_shown(
        _(
            "An open gate says what may pass, not what does: look at the cell and the candidate "
            "too. A unit that goes with something in one text may not in the next. And this is "
            "one network from one seed; another seed would number its units otherwise."
        )
    )
link.write(
    text=text,
    view=view,
    order=order,
    unit=unit,
    lines=",".join(map(str, lines)) if lines != [unit] else None,
    token=token or None,
    start=start or None,
    layer=layer + 1 if layers > 1 else None,
    direction="backward" if direction else None,
)
ui.onward("pages/train.py", _("Would your own text open other gates? Train on it."))
