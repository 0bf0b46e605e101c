"""Which of your runs learnt best?"""

import streamlit as st

from explorer import ui
from explorer.errors import RunError
from explorer.store import Run
from explorer.ui import link, listing, manage, rows
from explorer.ui.backend import store
from explorer.ui.counting import baseline
from explorer.ui.doctor import follow
from explorer.ui.naming import tell_apart
from explorer.ui.runs import colour, whole
from explorer.views.history import Curve, counted, perplexity
from explorer.words import _

MOST = 8  # curves in one picture
SHOWN = 20  # rows at first
LINE = 24  # pixels of a run in the legend

ui.header(
    _("Which of your runs learnt best?"),
    _("The lower its held-out {perplexity}, the better a network guesses text that it has never "
      "seen. Tick runs to lay their curves over each other.",
      perplexity=ui.term("perplexity", _("perplexity"))),
)
follow()
manage.saying()
own = {entry.key: entry.name for entry in store().owned(ui.owner())}
shipped = [key for key in store().pretrained() if key not in own]
linked = [key for key in link.read(rows.TICKS).split(".")
          if key not in own and key not in shipped and key in store()]

runs: dict[str, Run] = {}
damaged: dict[str, str] = {}
for key in [*own, *linked, *shipped]:
    try:
        runs[key] = whole(key, None)
    except RunError as error:
        damaged[key] = (_("It waits in the queue, or is about to begin.")
                        if manage.training(key) else str(error))


def standing(keys: list[str], names: list[str]) -> list[listing.Standing]:
    """How those of the runs stand that can be read."""
    known = [(runs[key], name) for key, name in zip(keys, names, strict=True) if key in runs]
    return listing.standings([run for run, _name in known], [name for _run, name in known])


mine = standing(list(own), list(own.values()))
theirs = standing(linked, [""] * len(linked))
given = standing(shipped, [_(str(runs[key].card.get("title", ""))) if key in runs else ""
                           for key in shipped])
everything = [*mine, *theirs, *given]
default = rows.default_ticks(mine, given)
rows.seed_ticks([row.run.key for row in everything], default)

picture, aside = ui.columns()
with picture:
    drawing = st.container()
    manage.take_in()
    st.subheader(_("Your runs"), anchor=False)
    if not own:
        st.info(_("You have no run yet: train one on a text of your own, or bring one as a zip. "
                  "Meanwhile, these came with the explorer."), icon=":material/model_training:")
        ui.onward("pages/train.py", _("Can a network learn to write like your text?"))
    elif len(mine) > 1:
        shared = tell_apart([row.run.experiment for row in mine]).same
        st.caption(ui.plain(_("All of them: {settings}.", settings=", ".join(shared))))
    limit = SHOWN if len(mine) > SHOWN and not st.toggle(
        _("Show all {count}", count=len(mine))) else len(mine)
    rows.rows(mine[:limit])
    for key in own:
        if key in damaged:
            rows.broken(key, own[key], damaged[key])
    if theirs:
        st.subheader(_("From the link"), anchor=False)
        rows.rows(theirs)
    if given:
        st.subheader(_("Came with the explorer"), anchor=False)
        rows.rows(given)
    ticked = rows.write_ticks(everything, default)

with drawing:
    chosen = listing.renamed(ticked[:MOST])
    if len(ticked) > MOST:
        st.info(_("The first {count} of {all} ticked runs are drawn.", count=MOST,
                  all=len(ticked)))
    groups = listing.subjects(chosen)
    if len(groups) > 1:
        st.warning(_("These runs learn different texts, or cut them differently: their "
                     "perplexities do not compare. A short alphabet makes every guess easier."),
                   icon=":material/balance:")
    drawn = [row for row in chosen if len(row.run.history)]
    if drawn:
        blind = sorted({row.blind for row in drawn})
        baselines = {_("blind guess among {count}", count=count): float(count) for count in blind}
        if len(groups) == 1:
            baselines |= counted(baseline(drawn[0].run))
        ui.show(perplexity([Curve(row.name, colour(row.run), row.run.history)
                            for row in drawn],
                           baselines, ui.theme(), height=300 + LINE * len(drawn)), "curves")
    elif everything:
        st.caption(_("Tick a run below to see its curve."))

with aside:
    ui.notice(listing.findings(chosen))
    ui.letters([r"p = \mathrm{perplexity} = e^{L}",
                r"\mathrm{bits} = \log_2 (p_1 / p_2)"])
    ui.code(listing.bits, listing.ranked)
    ui.not_shown(_(
        "Another seed ends a little higher or lower: a small lead may be luck, and only several "
        "seeds of each tell. Each run is judged by its best snapshot, picked on the same held-out "
        "end, which flatters it a little. And who guesses best need not write best."))

held = manage.in_hand()
if held is not None and (held in own or held in runs):
    rowed = next((row for row in everything if row.run.key == held), None)
    manage.dialog(held, runs.get(held), rowed.name if rowed else own[held] or held[:8],
                  own.get(held))
ui.onward("pages/gates.py", _("What does it let in, keep, and let out? Open its gates."))
