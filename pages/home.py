"""What is this?"""

import streamlit as st

from explorer import ui
from explorer.ui import cards, places
from explorer.words import _

ui.header(
    _("What happens inside a network that reads?"),
    _("Train a network on a text of your own, here in the browser, and watch it learn to spell. "
      "Then open it: every {gate}, every state, at every {token}, exactly as computed. "
      "Everything runs on this machine, and every picture is a link that you can share.",
      gate=ui.term("gate", _("gate")), token=ui.term("token", _("token"))),
)
with ui.guard():
    runs = cards.finished()
    if runs:
        left, middle, right = st.columns(3, gap="small")
        with left, ui.guard():
            cards.gates(cards.first(runs))
        with middle, ui.guard():
            cards.samples(cards.first(runs))
        with right, ui.guard():
            cards.unit(runs[-1])
    else:
        st.info(_("No network has been trained here yet. The first one takes a quarter of a "
                  "minute."), icon=":material/model_training:")

st.subheader(_("The path"), anchor=False)
for place in places.open_places():
    if place.name != places.HOME:
        ui.onward(place.name, _(place.question))
