"""Model + tokens → Trace. Each probe is a function (Opened, **parameters) -> xr.Dataset whose
parameters are plain data; those of BARE need no run and are called without an Opened. Torch is
imported here: only the engine's processes and the library, when asked for a result, import this
package.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import xarray as xr

from explorer.errors import RunError
from explorer.experiment import Experiment
from explorer.models.base import ATTENTIVE, RECURRENT, foreign
from explorer.probes.ablation import ablated, ablations
from explorer.probes.across import across, trace_pair
from explorer.probes.attention_alone import attention_alone
from explorer.probes.attention_steps import attention_steps
from explorer.probes.attribution import attributions
from explorer.probes.blanks import blanks
from explorer.probes.bptt import gradient_map, gradients
from explorer.probes.capture import trace
from explorer.probes.cloud import projection
from explorer.probes.cost import flops
from explorer.probes.depth import carried
from explorer.probes.explosion import explosion
from explorer.probes.generation import generate
from explorer.probes.gradient_by_layer import gradient_by_layer
from explorer.probes.heads import head, heads, mean_of_heads
from explorer.probes.heads_cost import heads_cost
from explorer.probes.inspection import inspect
from explorer.probes.jacobians import jacobians, recurrent_eigenvalues
from explorer.probes.kernel_regression import kernel_regression
from explorer.probes.layer_costs import layer_costs
from explorer.probes.layer_seconds import layer_seconds
from explorer.probes.lens import lens
from explorer.probes.matching import select_and_match
from explorer.probes.misuse import misuse
from explorer.probes.nearest import nearest_states, read_states
from explorer.probes.opened import Opened
from explorer.probes.places import places
from explorer.probes.positions import positions, run_positions
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
from explorer.tasks.language_model import LanguageModel
from explorer.tasks.masked import Masked
from explorer.tasks.translation import Translation

Probe = Callable[..., xr.Dataset]


class Asked(NamedTuple):
    """Probes, and the runs that can be asked them: what those learnt, with which architectures."""

    task: str
    kinds: Sequence[str]
    probes: tuple[Probe, ...]


LEARNT = (
    Asked("language_model", LanguageModel.models,
          (trace, generate, surprisal, flops, search)),
    Asked("language_model", RECURRENT, (
        gradients, gradient_map, jacobians, recurrent_eigenvalues, inspect, saturation, truncation,
        carried, misuse, sight, explosion, projection, select_and_match, nearest_states,
        read_states)),
    Asked("language_model", ATTENTIVE, (
        ablated, ablations, attention_steps, attributions, gradient_by_layer, heads, head, lens,
        mean_of_heads, places, run_positions)),
    Asked("masked", Masked.models, (blanks,)),
    Asked("translation", ("seq2seq",), (alignment, scoring)),
    Asked("translation", ATTENTIVE, (across, trace_pair)),
    Asked("translation", Translation.models, (translate, evaluation, forcing, flops, search)),
)
PROBES: dict[str, Probe] = {
    probe.__name__: probe for asked in LEARNT for probe in asked.probes
}

BARE: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (attention_alone, heads_cost, kernel_regression, layer_costs, layer_seconds,
                  positions, reach, recurrent_attention, softmax_left, search_table)
}


def suit(name: str, experiment: Experiment) -> None:
    """Raises RunError when a run of this experiment cannot be asked this probe: it learnt something
    else, or another architecture learnt it."""
    asked = [each for each in LEARNT if PROBES[name] in each.probes]
    same = [each for each in asked if each.task == experiment.task.kind]
    if not asked:  # it is nobody's: any run will do
        return
    if not same:
        raise RunError(Task.family[asked[0].task].mismatch)  # type: ignore[attr-defined]
    kinds = [kind for each in same for kind in each.kinds]
    if experiment.model.kind not in kinds:
        raise foreign(experiment.model, kinds)


__all__ = ["BARE", "PROBES", "Opened", "Probe"]
