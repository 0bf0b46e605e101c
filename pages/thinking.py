"""What would it say, layer by layer?"""

import streamlit as st

from explorer import sampling, ui
from explorer.models.base import ATTENTIVE
from explorer.models.stacked import Stacked
from explorer.ui import link, thinking
from explorer.ui.backend import ask, ask_or_stop, draw
from explorer.ui.unloaded import source
from explorer.views import sampling as samples
from explorer.views import thinking_notices as notices
from explorer.views.ablation import before_after
from explorer.views.lens import COLOURS
from explorer.words import _

ui.header(
    _("What would it say, layer by layer?"),
    _(
        "A Transformer's {layer}s do not hand on an answer but a vector for each token, to which "
        "each adds. Read as if it were the last, that vector says at any depth what would come "
        "next.",
        layer=ui.term("layer", _("layer")),
    ),
)
which, read, when = st.columns([1.4, 2.2, 1])
with which:
    run = ui.choose_run(kinds=ATTENTIVE)
with read:
    link.seed("text", thinking.ending(run))
    text = st.text_area(_("Text to read"), key="text", height=68)
with when:
    step = ui.choose_step(run)
trace = ask_or_stop("lens", run.key, step, text=text)
spec, theme = run.experiment.model, ui.theme()
assert isinstance(spec, Stacked)

picture, aside = ui.columns()
with picture:
    token = thinking.choose_token(trace)
    link.seed("colour", "guess", allowed=list(COLOURS))
    of = st.segmented_control(
        _("Colour: the probability of"), list(COLOURS), key="colour", required=True,
        format_func=lambda name: _(COLOURS[name]))
    ui.show(draw("lens", trace, token=token, of=of, theme=theme), "lens", trace)
    with st.expander(_("The five likeliest after the chosen token, at each depth")):
        st.dataframe(thinking.candidates(trace, token))
with aside:
    ui.before_you_look(
        _("From which depth on does it have its answer?"),
        [_("from the embedding on"), _("from the first half on"), _("only near the end")],
        notices.when(trace, token), key=f"guess-{token}")
    ui.notice(notices.lens(trace, token))
    ui.letters([
        r"x_0 = e,\quad x_l = x_{l-1} + \mathrm{block}_l(x_{l-1})",
        r"p_l = \mathrm{softmax}\big(E\,\mathrm{norm}(x_l) + b\big)",
        r"\mathrm{KL}(p_L \,\|\, p_l) = \textstyle\sum_i p_{L,i} \log (p_{L,i} / p_{l,i})",
    ])
    ui.code(source("probes/lens.py", "guesses_by_depth"), source("models/stack.py", "guess"))
    ui.not_shown(_(
        "Only the last block was trained to be read like this. Below it the vectors may say "
        "something in a basis that the output matrix does not read: a wrong guess there does not "
        "show that nothing is known (Belrose et al. 2023 train a translator for each layer)."
    ))

st.subheader(_("How does a guess become a draw?"), anchor=False)
picture, aside = ui.columns()
with ui.guard():
    with picture:
        whole = ask("ablated", run.key, step, text=text, token=token)
        chosen = thinking.choose_sampling(run.tokenizer.size, st.columns(3))
        ui.show(draw("sampling", whole, theme=theme, **chosen), "sampling", whole)
        rows = samples.table(whole, **chosen)
        with st.expander(_("Every stage, in numbers")):
            st.dataframe(rows.drop(columns="id"), hide_index=True)
    with aside:
        ui.notice(notices.sampling(rows))
        ui.letters([
            r"q_i = \frac{e^{z_i / \tau}}{\sum_j e^{z_j / \tau}}",
            r"\mathrm{rank}(i) > k \;\Rightarrow\; q_i \leftarrow 0",
            r"p < 1,\; \textstyle\sum_{\mathrm{rank}(j) < \mathrm{rank}(i)} q_j \ge p"
            r" \;\Rightarrow\; q_i \leftarrow 0",
            r"q \leftarrow q \,/\, \textstyle\sum_j q_j",
        ])
        ui.code(sampling.stages, source("probes/generation.py", "choose"))

st.subheader(_("What if a part of it is silent?"), anchor=False)
picture, aside = ui.columns()
with picture:
    how = thinking.choose_how()
    silent = thinking.choose_silent(spec)
with ui.guard():
    with picture:
        worth = ask("ablations", run.key, step, text=text, how=how)
        ui.show(draw("ablations", worth, chosen=silent, theme=theme), "ablations", worth)
    with aside:
        ui.notice(notices.ablations(worth))
if silent:
    with ui.guard():
        mute = ask("ablated", run.key, step, text=text, token=token, how=how,
                   **thinking.asked(silent))
        with picture:
            ui.show(draw("silenced", mute, theme=theme), "silenced", mute)
            thinking.loss_strip(mute, token)
        with aside:
            st.markdown("\n".join(f"- {ui.prose(said)}" for said in notices.silenced(
                mute, before_after(mute))))
with aside:
    ui.code(source("probes/ablation.py", "silent"))
    ui.not_shown(_(
        "What happens without a part is not what the part does: others may step in for it, and "
        "the layers above read vectors that they have never met. A head that costs nothing on "
        "this text may be needed for another."
    ))

st.subheader(_("Because of which tokens?"), anchor=False)
picture, aside = ui.columns()
follows = token + 1 < trace.sizes["token"]
with picture:
    method, target = thinking.choose_attribution(follows)
with ui.guard():
    with picture:
        wanted = int(trace["id"].values[token + 1]) if target == "next" else None
        because = ask("attributions", run.key, step, text=text, token=token, target=wanted,
                      method=method)
        thinking.attribution_strips(because)
    with aside:
        ui.notice(notices.attributions(because))
with aside:
    ui.letters([
        rf"F = \log p(\text{{{_('target')}}})",
        rf"\text{{{_('occlusion')}}}_t" r" = F(e) - F(e_{t \to \bar e})",
        r"\textstyle\sum_i e_{t,i}\, \partial F / \partial e_{t,i}",
        r"\textstyle\sum_i (e_{t,i} - \bar e_i) \int_0^1 \frac{\partial F}{\partial e_{t,i}}"
        r"\big(\bar e + \alpha (e - \bar e)\big)\, d\alpha",
    ])
    ui.code(source("probes/attribution.py", "chance"), source("probes/attribution.py", "_by"),
            source("probes/attribution.py", "rolled"))
    ui.not_shown(_(
        "Three methods, three answers to three questions, and none is the reason. Each depends on "
        "what stands for “no token”: here the mean vector of the run's text. Attention says what "
        "was mixed, not what it was used for (Jain & Wallace 2019; Wiegreffe & Pinter 2019)."
    ))
link.write(text=text, token=token, colour=of if of != "guess" else None)
ui.onward("pages/heads.py", _("What does each head look at?"), run=run.key, text=text)
ui.onward("pages/block.py", _("What happens to a token on its way through?"), run=run.key,
          text=text)
