"""The functions of the public interface. Torch is imported where something is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from explorer.comparison import SEEDS
from explorer.errors import Diverged
from explorer.experiment import Experiment
from explorer.store import LOCAL, Run, Store

if TYPE_CHECKING:
    from explorer.probes import Opened
    from explorer.views.figure import Figure


def train(
    experiment: Experiment,
    store: Store | None = None,
    progress: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Train, and give the run as it stands in the store; at once if it was trained before.

    store: None is the default one. progress: show a bar on stderr. An unfinished run goes on from
    its last snapshot. stop: asked after each step; True pauses the run there. The app lists it
    among your own runs. Raises ExplorerError: text that
    cannot be used, divergence, a full disk.
    """
    from explorer.bar import Bar
    from explorer.work import work

    store = store or Store()
    with Bar(experiment.training.steps, shown=progress) as bar:
        work(store, experiment, stop=stop, report=bar)
    store.claim(LOCAL, experiment.key)
    return store.run(experiment.key)


def load(key: str, store: Store | None = None) -> Run:
    """A run from the store by its key. Raises RunError: unknown, damaged, another version."""
    return (store or Store()).run(key)


def trace(run: Run, text: str, step: int = -1, **options: Any) -> xr.Dataset:
    """Every gate and state while the run's network reads `text`, over (layer, direction, token,
    unit); `logits` over (token, vocabulary). step: a snapshot, −1 the last. Of a stack of blocks
    every tensor of its first 256 tokens, and no more; attrs["of"] is how many the text has. Raises
    DataError."""
    return _ask("trace", run, step, text=text, **options)


def gradients(run: Run, text: str, at: int = -1, step: int = -1) -> xr.Dataset:
    """`gradient` over (layer, direction, token, unit): of the loss at token `at` (−1 the last)
    with respect to every hidden state before it. Raises DataError."""
    return _ask("gradients", run, step, text=text, at=at)


def generate(
    run: Run,
    prefix: str = "",
    tokens: int = 200,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    step: int = -1,
) -> xr.Dataset:
    """`tokens` new tokens after the prefix; `attrs["text"]` is all of it as text. Each token's
    `probability`, and the five likeliest `candidate`. Raises DataError."""
    return _ask(
        "generate",
        run,
        step,
        prefix=prefix,
        tokens=tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    )


def translate(run: Run, sources: str | Sequence[str], step: int = -1) -> xr.Dataset:
    """Each source sentence translated by a run that learnt pairs, the likeliest token at each step:
    `translation` over sentence. Raises DataError: an empty sentence."""
    return _ask("translate", run, step, sources=[sources] if isinstance(sources, str) else sources)


def translations(
    run: Run, sources: Iterable[str], width: int = 1, length_penalty: float = 0.75, step: int = -1
) -> Iterator[str]:
    """Each source sentence translated as it comes, the best of a beam of this width; one that is
    empty stays so. Raises RunError: the run did not learn to translate; ExperimentError."""
    for found in searches(run, sources, width, length_penalty, step):
        yield "" if found is None else str(found.attrs["text"])


def searches(
    run: Run, sources: Iterable[str], width: int = 1, length_penalty: float = 0.75, step: int = -1
) -> Iterator[xr.Dataset | None]:
    """As `translations`, each with its search; None for an empty sentence."""
    from explorer.probes import PROBES, suit

    suit("translate", run.experiment)
    opened = _open(run, run.step(step))
    for source in sources:
        yield PROBES["search"](opened, source, width=width, length_penalty=length_penalty) if (
            source.strip()) else None


def bleu(run: Run, step: int = -1) -> xr.Dataset:
    """How well a run translates the pairs that were held out: `translation`, `reference`, `bleu`
    (sacrebleu, 0…100) and `notes_bleu` (d2l's formula with k = 2, 0…1) over pair; `bin_bleu` over
    bins of source length; attrs `bleu` of all together, each sentence against all of its
    translations. Raises DataError: nothing was held out."""
    return _ask("evaluation", run, step)


def blanks(run: Run, text: str, step: int = -1) -> xr.Dataset:
    """Of a run that learnt to fill gaps: each token of a text hidden in turn. `loss` over token, in
    nats, and over (token, rank) the likeliest `candidate` and its `candidate_probability`. Raises
    RunError: the run learnt something else; DataError: an empty text."""
    return _ask("blanks", run, step, text=text)


def surprisal(run: Run, text: str, step: int = -1) -> xr.Dataset:
    """`bits` over token: −log₂ of the probability that the run gives each token after those before
    it; NaN for the first. Raises DataError."""
    return _ask("surprisal", run, step, text=text)


def search(
    run: Run,
    source: str,
    method: str = "beam",
    width: int = 3,
    length_penalty: float = 0.75,
    longest: int = 20,
    prefix: Sequence[int | str] | str = (),
    reference: str = "",
    seed: int = 0,
    step: int = -1,
    **more: Any,
) -> xr.Dataset:
    """The tree of a search for the best translation of `source` (or, of a language model, for the
    best way to go on from it) over `node`: `parent`, `token`, `log_probability`, `total`, `score`,
    `state`; attrs["text"] is the best sentence.

    method: greedy, beam, exhaustive or sampling. length_penalty: α of log P / L^α. prefix: words
    that are forced. reference: a sentence whose way through the beam is followed. more: the other
    fields of `explorer.searching.Search`. Raises DataError, ExperimentError.
    """
    return _ask(
        "search", run, step, source=source, prefix=prefix, reference=reference, method=method,
        width=width, length_penalty=length_penalty, longest=longest, seed=seed, **more)


def compare(
    base: Experiment,
    vary: Mapping[str, Sequence[Any]],
    seeds: int = SEEDS,
    *,
    equal_parameters: bool = False,
    store: Store | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Train every combination of some fields' values, each with `seeds` seeds from the base's on,
    on the same text in the same batches: `training_perplexity`, `held_out_perplexity` and
    `seconds` over (variation, seed, step), `flops` of a step over variation; `key` of each run
    over (variation, seed). `ex.figure("comparison", …)` draws it.

    vary: field path -> values, {"model.kind": ["rnn", "gru", "lstm"]} say. equal_parameters: the
    hidden size of each is solved for. One that diverges keeps its curve up to there, and the
    others go on. Raises ExperimentError: values or fields that no comparison can vary; DataError:
    perplexities that would not compare.
    """
    from explorer import comparison

    chosen = comparison.Comparison(base, comparison.vary(vary),
                                   range(base.seed, base.seed + seeds), equal_parameters)
    store = store or Store()
    groups = [[_as_far_as_it_goes(experiment, store, progress) for experiment in group]
              for group in chosen.experiments]
    costs = [_ask("flops", group[0], 0) for group in groups]
    found = comparison.curves(
        [", ".join(f"{path.rpartition('.')[2]} {value}" for path, value in values.items())
         for values in chosen.variations],
        [[comparison.Side(run.experiment, run.history) for run in group] for group in groups],
        [float(cost["forward"] + cost["backward"]) for cost in costs])
    return found.assign_coords(
        key=(("variation", "seed"), [[run.key for run in group] for group in groups]))


def _as_far_as_it_goes(experiment: Experiment, store: Store, progress: bool) -> Run:
    """Train; a run that diverges is given as it stands."""
    try:
        return train(experiment, store, progress)
    except Diverged:
        return store.run(experiment.key)


def figure(name: str, trace: xr.Dataset, **options: Any) -> Figure:
    """The picture called `name` of a trace. Raises DataError if there is none of it."""
    from explorer.views import figure

    return figure(name, trace, **options)


def _ask(probe: str, run: Run, step: int, **parameters: Any) -> xr.Dataset:
    from explorer.probes import PROBES, suit

    suit(probe, run.experiment)
    return PROBES[probe](_open(run, run.step(step)), **parameters)


def _open(run: Run, step: int) -> Opened:
    from explorer.probes import Opened

    return Opened.from_weights(run.experiment, run.tokenizer, step, run.weights(step))
