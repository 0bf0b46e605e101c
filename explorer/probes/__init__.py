"""Model + tokens → Trace. Each probe is a function (Opened, **parameters) -> xr.Dataset whose
parameters are plain data; those of BARE need no run and are called without an Opened. Torch is
imported here: only the engine's processes and the library, when asked for a result, import this
package.
"""

from collections.abc import Callable

import xarray as xr

from explorer.errors import RunError
from explorer.probes.attention_alone import attention_alone
from explorer.probes.bptt import gradient_map, gradients
from explorer.probes.capture import trace
from explorer.probes.cloud import projection
from explorer.probes.cost import flops
from explorer.probes.depth import carried
from explorer.probes.explosion import explosion
from explorer.probes.generation import generate
from explorer.probes.inspection import inspect
from explorer.probes.jacobians import jacobians, recurrent_eigenvalues
from explorer.probes.kernel_regression import kernel_regression
from explorer.probes.layer_costs import layer_costs
from explorer.probes.layer_seconds import layer_seconds
from explorer.probes.matching import select_and_match
from explorer.probes.misuse import misuse
from explorer.probes.nearest import nearest_states, read_states
from explorer.probes.opened import Opened
from explorer.probes.reach import reach
from explorer.probes.recurrent_attention import recurrent_attention
from explorer.probes.saturation import saturation
from explorer.probes.scoring import scoring
from explorer.probes.search import search, search_table
from explorer.probes.sight import sight
from explorer.probes.softmax_left import softmax_left
from explorer.probes.surprisal import surprisal
from explorer.probes.translating import alignment, evaluation, forcing, translate
from explorer.probes.truncation import truncation
from explorer.tasks import Task

Probe = Callable[..., xr.Dataset]

LEARNT: dict[str, tuple[Probe, ...]] = {  # by what a run must have learnt to be asked
    "language_model": (
        trace,
        gradients,
        gradient_map,
        jacobians,
        recurrent_eigenvalues,
        generate,
        inspect,
        saturation,
        truncation,
        carried,
        misuse,
        sight,
        surprisal,
        flops,
        explosion,
        projection,
        select_and_match,
        nearest_states,
        read_states,
        search,
    ),
    "translation": (translate, alignment, scoring, forcing, evaluation, flops, search),
}
PROBES: dict[str, Probe] = {
    probe.__name__: probe for probes in LEARNT.values() for probe in probes
}

BARE: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (attention_alone, kernel_regression, layer_costs, layer_seconds, reach,
                  recurrent_attention, softmax_left, search_table)
}


def suit(name: str, task: str) -> None:
    """Raises RunError when a run that learnt this task cannot be asked this probe."""
    fitting = [kind for kind, probes in LEARNT.items() if PROBES[name] in probes]
    if fitting and task not in fitting:
        raise RunError(Task.family[fitting[0]].mismatch)  # type: ignore[attr-defined]


__all__ = ["BARE", "PROBES", "Opened", "Probe"]
