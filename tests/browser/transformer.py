"""A small Transformer in the store of the server, for the journeys that look into one."""

from __future__ import annotations

from explorer.experiment import Experiment
from explorer.store import LOCAL, Store
from explorer.text import Text
from explorer.work import work
from tests.browser.server import Server

RHYME = Text("rhyme", 'the cat (a fat cat) sat on "the mat, the flat mat" and that was that. ' * 20)


def reader(server: Server) -> str:
    """The key of a run with two layers of three heads, trained when it is first asked for."""
    experiment = Experiment.language_model(
        RHYME, model={"kind": "transformer", "hidden": 12, "heads": 3, "layers": 2}, steps=12,
        window=16, batch=4, snapshots=2)
    store = Store(str(server.store), pretrained="")
    if experiment.key not in store:
        work(store, experiment)
        store.claim(LOCAL, experiment.key)
    return experiment.key
