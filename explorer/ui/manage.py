"""What one can do with a run on a list: open, rename, export, delete; and take one in."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.errors import ExplorerError
from explorer.store import Run, archive
from explorer.store.owners import LONGEST
from explorer.ui import places
from explorer.ui.backend import engine, store
from explorer.ui.doctor import CURED, doctor
from explorer.ui.page import complain, onward
from explorer.ui.session import owner
from explorer.ui.text import plain
from explorer.words import _

# Names in the session.
IN_HAND, DONE, SURE, SAID = "run in hand", "run let go", "run to delete", "said of a run"


def take_in_hand(key: str) -> None:
    """What the button beside a run does: the page then opens `dialog` for it."""
    st.session_state.pop(SURE, None)
    st.session_state[IN_HAND] = key


def in_hand() -> str | None:
    """The key of the run that was just taken in hand, if any; said once, so that the dialog does
    not open again when one comes back from another page."""
    st.session_state.pop(DONE, None)
    key: str | None = st.session_state.pop(IN_HAND, None)
    return key


def let_go() -> None:
    """Close the dialog with the next drawing of the page."""
    for name in (IN_HAND, SURE):
        st.session_state.pop(name, None)
    st.session_state[DONE] = True


def dialog(key: str, run: Run | None, name: str, given: str | None) -> None:
    """All that can be done with a run. run: None if it cannot be read. given: what its owner
    calls it; None if it stands on nobody's list, so that it cannot be renamed or deleted."""

    @st.dialog(name_short(name), on_dismiss=let_go)
    def shown() -> None:
        closed = st.session_state.pop(DONE, False)
        if closed or CURED in st.session_state:  # a button in here has ended it
            st.rerun()
        st.session_state.pop(IN_HAND, None)
        if run is not None and run.status == "diverged":
            doctor(run, "dialog")
        if run is not None:
            for place in places.open_places():
                if place.shows(run.experiment.task.kind, run.experiment.model.kind):
                    onward(f"pages/{place.name}.py", _(place.question), run=key)
        if given is not None:
            _rename(key, given)
        row = st.container(horizontal=True)
        if run is not None:
            row.download_button(_("Export as a zip"), lambda: archive.export(store(), key),
                                f"run-{key[:8]}.zip", "application/zip", on_click="ignore",
                                icon=":material/archive:", key="export")
        if given is not None:
            row.button(_("Delete"), icon=":material/delete:", key="delete",
                       on_click=st.session_state.update, args=({SURE: key, IN_HAND: key},))
            _confirm(key)

    shown()


def name_short(name: str) -> str:
    """A name as the title of a dialog."""
    return plain(name if len(name) <= 60 else name[:59] + "…")


def _rename(key: str, given: str) -> None:
    with st.form("rename", border=False):
        st.text_input(_("Your name for it"), given, key=f"name-{key}", max_chars=LONGEST,
                      help=_("Left empty, it is called by what differs from your other runs."))
        st.form_submit_button(_("Rename"), on_click=_renamed, args=(key,))


def _renamed(key: str) -> None:
    name = str(st.session_state[f"name-{key}"]).strip()
    _do(lambda: store().rename(owner(), key, name))


def _confirm(key: str) -> None:
    if st.session_state.get(SURE) != key:
        return
    st.warning(_("Its weights, its curves and its name are removed. Nothing brings them back but "
                 "training it again."), icon=":material/delete_forever:")
    row = st.container(horizontal=True)
    row.button(_("Delete for good"), key="delete-sure", type="primary", on_click=_deleted,
               args=(key,))
    row.button(_("Keep it"), key="keep", on_click=let_go)


def _deleted(key: str) -> None:
    if training(key):
        say(_("This run is being trained: cancel its training first, then delete it."), "warning")
        let_go()
        return
    _do(lambda: store().delete(owner(), key), _("The run was deleted."))


def training(key: str) -> bool:
    """Whether a run waits in the queue or is being trained."""
    job = engine().find(key)
    return job is not None and not job.over


def _do(deed: Callable[[], None], done: str = "") -> None:
    try:
        deed()
        if done:
            say(done)
    except ExplorerError as error:
        say(str(error), "error")
    let_go()


def say(message: str, how: str = "success") -> None:
    """What `saying` shows with the next drawing of the page. how: success, warning or error."""
    st.session_state[SAID] = message, how


def saying() -> None:
    """Show what a button has to say, once."""
    message, how = st.session_state.pop(SAID, ("", ""))
    if message:
        {"success": st.success, "warning": st.warning, "error": st.error}[how](plain(message))


def take_in() -> None:
    """Take in a run that was exported: onto one's own list, and into the picture."""
    with st.popover(_("Import a run"), icon=":material/unarchive:"):
        number = st.session_state.setdefault("imports", 0)  # a new one for the next file
        file = st.file_uploader(_("A zip that was exported here"), "zip", key=f"import-{number}",
                                max_upload_size=archive.LIMIT // 10**6)
        if file is None:
            return
        try:
            key = archive.admit(store(), file.getvalue(), owner())
        except ExplorerError as error:
            complain(error)
            return
    st.session_state["imports"] += 1
    st.session_state[f"tick-{key}"] = True
    say(_("The run was taken in: it is on your list."))
    st.rerun()
