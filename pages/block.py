"""What happens to a token on its way through?"""

from __future__ import annotations

from typing import cast

import streamlit as st

from explorer import ui
from explorer.models.base import ATTENTIVE
from explorer.models.stacked import Stacked
from explorer.ui import block, link
from explorer.ui.backend import ask, ask_or_stop, draw
from explorer.ui.runs import LANGUAGE_MODEL, TRANSLATION
from explorer.ui.text import plain
from explorer.ui.unloaded import source
from explorer.views import block_parts as parts
from explorer.views import gradient_by_layer as gradients
from explorer.views.block import lengths as lengths_of
from explorer.views.figure import visible
from explorer.words import N_, _

ADDERS = {"attended": N_("attention"), "looks": N_("the looks at the source"),
          "fed": N_("the feed-forward networks")}
DEEP = 12
theme = ui.theme()


ui.header(
    _("What happens to a token on its way through?"),
    _(
        "Each token is a vector, and every block changes it twice: first by what attention brings "
        "from other tokens, then by what a feed-forward network makes of the token itself. Where "
        "there are residual paths both are added to it. A decoder looks at the source in between. "
        "This is the whole way, with the numbers of a trained network; open any box."
    ),
)
which, read, at, when = st.columns([1.5, 2.2, 0.7, 1])
with which:
    run = ui.choose_run(task=(LANGUAGE_MODEL, TRANSLATION), kinds=ATTENTIVE)
with read:
    probe, given = block.choose_reading(run)
with when:
    snapshot = ui.choose_step(run)
spec = cast("Stacked", run.experiment.model)
block.turn()
link.seed("layer", 1, int, between=(1, spec.layers))
layer = int(at.selectbox(_("Layer"), range(1, spec.layers + 1), key="layer")) - 1
link.write(layer=layer + 1 if layer else None)
trace = parts.whole(ask_or_stop(probe, run.key, snapshot, only=block.ASKED, **given))
text = given.get("text")

picture, aside = ui.columns()
with picture:
    token = block.choose_token(run, trace)
    name = block.choose_box(trace, spec, layer, token)
    if name == "token":
        st.subheader(_("The box, opened: {title}", title=_("token")), anchor=False)
        block.tell_token(trace, token)
    else:
        block.tensor(spec, trace, name, layer, token)

    st.subheader(_("The stream, and what is added to it") if spec.residual else
                 _("How long its vector is, from block to block"), anchor=False)
    ui.show(draw("residual stream", trace, token=token, theme=theme), "stream", trace)

    if text is not None:
        st.subheader(_("What are residual paths and norms for?"), anchor=False)
        with ui.guard():
            link.seed("depth", DEEP, int, between=(1, 24))
            depth = int(st.slider(_("Blocks of the networks before training"), 1, 24, key="depth"))
            link.write(depth=depth if depth != DEEP else None)
            measured = ask("gradient_by_layer", run.key, snapshot, text=text, layers=depth)
            ui.show(draw("gradient by layer", measured, theme=theme), "gradients", measured)
            for sentence in gradients.findings(measured):
                st.markdown(ui.prose(sentence))

with aside:
    lengths = lengths_of(trace, token)
    adders = [name for name in ADDERS if name in lengths]
    more = max(adders, key=lambda name: lengths[name].sum())
    said = block.notices(trace, lengths, token)
    ui.before_you_look(
        plain(_("Who makes the longer vectors of “{name}”?",
                name=visible(str(trace["label"].values[token])))),
        [_(ADDERS[name]) for name in adders],
        " ".join([_("**{who}**.", who=_(ADDERS[more]).capitalize()), *said[1 : len(adders)]]),
        key="guess")
    ui.notice(said)
    kept, one = ("x + ", "1 + ") if spec.residual else ("", "")
    ui.letters([
        rf"x \leftarrow {kept}f(\mathrm{{LN}}(x)) \quad \text{{(pre)}}",
        rf"x \leftarrow \mathrm{{LN}}({kept}f(x)) \quad \text{{(post)}}",
        r"\mathrm{FFN}(x) = \varphi(x W_1 + b_1) W_2 + b_2",
        rf"\frac{{\partial L}}{{\partial x}} = \frac{{\partial L}}{{\partial y}} "
        rf"\left({one}\frac{{\partial f}}{{\partial x}}\right),\quad y = {kept}f(x)"])
    ui.code(source("models/blocks.py", "goes_on"), source("models/stack.py", "through"),
            source("models/stack.py", "guess"), source("probes/gradient_by_layer.py", "by_layer"))
    ui.not_shown(_(
        "A long vector is not an important one: what one block makes a later one may cancel, "
        "and norms divide lengths away again. The gradients are of one text and one seed, before "
        "training, and of networks that guess the next token; one that is trained may mend what "
        "its start makes hard."))
if text is None:
    ui.onward("pages/translation.py", _("Can a network learn to translate?"), run=run.key)
else:
    ui.onward("pages/heads.py", _("What does each head look at?"), run=run.key, text=text)
    ui.onward("pages/steps.py", _("How does a word look at the others?"), run=run.key, text=text)
