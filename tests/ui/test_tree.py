"""The tree believes nothing of a browser that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.probes.search import search_table
from explorer.text.table import PRESETS
from explorer.ui.tree import TreeEvent, admit, goes_on, picture

TRACE = search_table(PRESETS["notes"], width=2, longest=4, reference="A")


def node(label: str, state: str) -> int:
    return int(np.flatnonzero(
        (TRACE["label"].values == label) & (TRACE["state"].values == state))[0])


@pytest.mark.parametrize("event", [
    None, "3", {"node": "3"}, {"node": True}, {"node": -1}, {"node": 10**6}, {}, {"node": 1.5}])
def test_what_cannot_be_done_was_not_done(event: Any) -> None:
    assert admit(event, TRACE) is None


def test_what_can_be_done() -> None:
    kept, over = node("A", "kept"), node("<eos>", "best")
    assert admit({"node": kept}, TRACE) == TreeEvent(kept)
    assert admit({"node": kept, "force": True}, TRACE) == TreeEvent(kept, True)
    assert admit({"node": over, "force": True}, TRACE) == TreeEvent(over, False)
    assert admit({"node": 0, "force": True}, TRACE) == TreeEvent(0, False)
    assert goes_on(TRACE, node("C", "pruned"))
    last = int(np.flatnonzero((TRACE["depth"].values == 4) & (TRACE["label"].values == "B"))[0])
    assert not goes_on(TRACE, last)


def test_what_is_drawn() -> None:
    drawn = picture(TRACE, selected=3)
    assert drawn["legend"] == ["kept", "pruned", "finished", "best", "reference"]
    assert drawn["nodes"]["label"][drawn["best"]] == "<eos>"
    assert (drawn["selected"], drawn["eos"]) == (3, "<eos>")
    assert drawn["id"] == picture(TRACE)["id"]
    assert drawn["id"] != picture(search_table(PRESETS["notes"], width=3, longest=4))["id"]
