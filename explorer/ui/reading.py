"""The states of a run's own text: read once, in steps, with progress in words."""

from __future__ import annotations

import streamlit as st

from explorer.errors import ExplorerError
from explorer.ui.backend import REMEMBERED, engine
from explorer.ui.text import plain
from explorer.words import _


@st.cache_resource(show_spinner=False)
def _whole() -> dict[tuple[str, int, int, str], None]:
    """What has been read to its end since the app was started."""
    return {}


def read_whole(key: str, step: int, layer: int, observation: str) -> None:
    """Have the engine read a run's own text to its end. Any change on the page stops it between
    two steps; what was read is kept. Ends the page, in words, when it cannot be read."""
    wanted, known = (key, step, layer, observation), _whole()
    if wanted in known:
        return
    place = st.empty()
    while True:
        try:
            now = engine().ask("read_states", key, step=step, layer=layer, observation=observation)
        except ExplorerError as error:
            place.error(plain(str(error)), icon=":material/error:")
            st.stop()
        read, size = int(now.attrs["read"]), int(now.attrs["size"])
        if read >= size:
            break
        place.progress(read / size, _(
            "The network reads its own text, once: {read} of {size} tokens. Change anything above "
            "to stop it.", read=f"{read:,}", size=f"{size:,}"))
    place.empty()
    known[wanted] = None
    while len(known) > REMEMBERED:
        known.pop(next(iter(known)), None)
