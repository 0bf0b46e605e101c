"""What the page of positions asks of the store and the engine: the same experiment with each way
of telling places, and what each was measured to be worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import streamlit as st
import xarray as xr
from numpy.typing import NDArray

from explorer.engine import Job
from explorer.errors import EngineError, ExperimentError, ExplorerError, RunError
from explorer.experiment import Experiment
from explorer.store import Run
from explorer.text import Text
from explorer.ui import link
from explorer.ui.backend import ask, draw, engine, open_run, store
from explorer.ui.figure import show
from explorer.ui.session import owner, theme
from explorer.views.positions import KINDS, first_waves
from explorer.words import _

WIDTHS = (4, 8, 16, 32, 64, 96, 128)  # numbers of a vector
WAVES = 8  # drawn at most
OWN = "positions own"  # in the session: the first experiment on a text of one's own
COMPLAINT = "positions complaint"


def with_each(one: Experiment) -> tuple[dict[str, Experiment], dict[str, str]]:
    """An experiment with each kind of positions and all else the same, by kind; and why some
    cannot be had with its sizes. Where places are learnt there are at least as many as it reads."""
    made, refused = {}, {}
    for kind in KINDS:
        data = one.model_dump(mode="json")
        data["model"]["positions"] = kind
        data["model"]["context"] = max(data["model"]["context"], one.training.window)
        data["training"]["changes"] = []
        try:
            made[kind] = Experiment.parse(data).with_text(one.text)
        except ExperimentError as error:
            refused[kind] = str(error)
    return made, refused


def on_text(text: Text, like: Experiment) -> Experiment:
    """The experiment of another run, on a text of one's own, cut likewise; in shorter windows if
    the text is short. Raises ExplorerError."""
    window = max(8, min(like.training.window, len(text.content) // 40))
    how = like.training.model_dump() | {"window": window, "changes": ()}
    return Experiment.language_model(text, like.tokens, like.model, seed=like.seed,
                                     held_out=like.data.held_out, **how)


def begin(experiment: Experiment) -> None:
    """Train an experiment with each kind of positions; the page is then about these. What the
    queue has no room for is left to the button of the curves."""
    st.session_state[OWN] = experiment
    try:
        for each in with_each(experiment)[0].values():
            engine().submit(each, owner())
            store().claim(owner(), each.key)
    except ExplorerError as error:
        st.session_state[COMPLAINT] = error


def own() -> Experiment | None:
    """The experiment on one's own text that has been begun, as long as it is not in the link: it
    is put there, for the control of runs to follow, as soon as it has something to look at."""
    begun: Experiment | None = st.session_state.get(OWN)
    if begun is None:
        return None
    with suppress(RunError, EngineError):
        job: Job | None = engine().find(begun.key)
        run = open_run(begun.key) if begun.key in store() else None
        if run is not None and run.snapshots:
            link.turn(run=begun.key)
            st.session_state.pop(OWN, None)
            return None
        if job is None or job.over:
            st.session_state.pop(OWN, None)
            return None
    return begun


def finished(experiments: Mapping[str, Experiment]) -> dict[str, Run]:
    """Those that were trained to their end, by kind."""
    runs = {kind: open_run(each.key) for kind, each in experiments.items() if each.key in store()}
    return {kind: run for kind, run in runs.items() if run.status == "finished"}


def measured(runs: Mapping[str, Run], text: str) -> xr.Dataset:
    """What the probe `places` says of each, as one, over `positions`. Raises ExplorerError."""
    found = {kind: ask("places", run.key, run.snapshots[-1], text=text)
             for kind, run in runs.items()}
    return together(found).assign_attrs(given=int(bool(text)))


def together(found: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Answers of the probe `places` as one: `bits`, `error`, `first`, `last` over (positions, bin),
    NaN beyond what each knows; `shuffled` over (positions, order, draw); `known` over positions."""
    traces = list(found.values())
    longest = max(trace.sizes["bin"] for trace in traces)

    def filled(name: str) -> NDArray[np.float64]:
        rows = [np.pad(trace[name].values.astype(float), (0, longest - trace.sizes["bin"]),
                       constant_values=np.nan) for trace in traces]
        return np.stack(rows)

    attrs = dict(traces[0].attrs)
    attrs["independent"] = min(int(trace.attrs["independent"]) for trace in traces)
    attrs["run"] = " ".join(str(trace.attrs["run"]) for trace in traces)
    return xr.Dataset(
        {name: (("positions", "bin"), filled(name)) for name in ("bits", "error", "first", "last")}
        | {"shuffled": (("positions", "order", "draw"),
                        np.stack([trace["shuffled"].values for trace in traces])),
           "known": ("positions", [int(trace.attrs["known"]) for trace in traces])},
        {"positions": list(found), "order": traces[0]["order"].values}, attrs)


def numbers_in_link(said: str) -> list[int]:
    """ "0-1-10" of a link as numbers of a vector; ValueError when one is none, or too many are."""
    found = sorted({int(part) for part in said.split("-")})
    if min(found) < 0 or len(found) > WAVES:
        raise ValueError(said)
    return found


def waves(trace: xr.Dataset) -> None:
    """Some numbers of the encoding along the text."""
    d = int(trace.sizes["number"])

    def read(said: str) -> list[int]:
        found = numbers_in_link(said)
        beyond = "-".join(str(n) for n in found if n >= d)
        if beyond:
            link.refuse(_("The link draws the numbers {given} as waves, which a vector of {d} "
                          "numbers (0 to {last}) has not: they are left out.", given=beyond[:40],
                          d=d, last=d - 1))
        return [n for n in found if n < d]

    link.seed("numbers", first_waves(d), read)
    link.put("numbers", [n for n in st.session_state["numbers"] if n < d] or [0])
    chosen = st.multiselect(_("Numbers drawn as waves"), range(d), key="numbers",
                            max_selections=WAVES) or first_waves(d)
    link.write(numbers="-".join(map(str, sorted(chosen))) if chosen != first_waves(d) else None)
    show(draw("position waves", trace, numbers=sorted(chosen), theme=theme()), "waves", trace)
