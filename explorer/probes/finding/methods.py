"""The methods, each of which grows a tree from a front: greedy and beam search level by level,
sampling too, exhaustive search by finding the sentences first. Beginnings are read in one batch.

Beam search, after Zhang et al., Dive into Deep Learning: of the k·|Y| continuations of k beginnings
the k likeliest are kept at each step; the result is the sentence with the highest log P / L^α of
all that ended. Those that were cut off at the maximum length count as ended. Greedy search is beam
search of width 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import DataError
from explorer.probes.finding.leaders import Leaders
from explorer.probes.finding.reference import Reference
from explorer.probes.finding.stepper import Guess, Stepper
from explorer.probes.finding.tree import (
    FINISHED,
    KEPT,
    Bar,
    Floats,
    Front,
    Ints,
    Ranking,
    Tree,
    highest,
)
from explorer.searching import LISTED, MOST, Search, reachable, sentences
from explorer.words import N_

AT_ONCE = 4096  # beginnings of an exhaustive search that are read side by side
LISTED_SENTENCES = 50  # of an exhaustive search whose tree is too large to be listed

Method = Callable[[Stepper, Tree, Front, Search, Reference], None]


def begin(stepper: Stepper, tree: Tree, prefix: Sequence[int], reference: Reference) -> Front:
    """The front after the words that were forced, from which a search goes on."""
    first = np.zeros(1, np.int64)
    front = Front(first, np.zeros(1), stepper.start(), 0)
    for token in prefix:
        tree.expand(front, searched=False)
        place, ranking = np.array([token]), Ranking(front.totals.ravel())
        reference.force(token)
        nodes = tree.add(front, first, place, forced=True, rank=ranking.of(place))
        tree.beside(front, place, ranking)
        front = _advance(stepper, front, first, place, nodes)
    return front


def _advance(stepper: Stepper, front: Front, rows: Ints, tokens: Ints, nodes: Ints) -> Front:
    """The front after one more word: rows (n,) of this one, each with a token."""
    if len(rows):
        guess = stepper.step(
            front.guess.state, torch.from_numpy(rows), torch.from_numpy(tokens))
    else:  # nothing goes on: nothing is read
        guess = Guess(front.guess.log_probabilities[:0], None)
    return Front(nodes, front.totals[rows, tokens], guess, front.depth + 1)


def greedy(
    stepper: Stepper, tree: Tree, front: Front, asked: Search, reference: Reference
) -> None:
    """The likeliest word at each step."""
    beam(stepper, tree, front, asked.model_copy(update={"width": 1, "refill": False}), reference)


def beam(stepper: Stepper, tree: Tree, front: Front, asked: Search, reference: Reference) -> None:
    """The `width` likeliest beginnings at each step."""
    ended, words = 0, len(stepper.labels)
    while len(front.node) and front.depth < asked.longest:
        if asked.early and ended >= asked.width:
            return
        tree.expand(front)
        ranking = Ranking(front.totals.ravel())
        last = front.depth + 1 == asked.longest
        places, goes = keep(front.totals, stepper.eos, asked.width, asked.refill and not last)
        bar = _bar(front.totals, stepper.eos, asked.width, places, goes)
        reference.watch(front.totals, ranking, bar, places)
        rows, tokens = places // words, places % words
        nodes = tree.add(front, rows, tokens, state=np.where(goes, KEPT, FINISHED),
                         rank=ranking.of(places))
        tree.beside(front, places, ranking, bar)
        if last:
            return
        ended += int((~goes).sum())
        reference.go_on(places[goes])
        front = _advance(stepper, front, rows[goes], tokens[goes], nodes[goes])


def keep(
    totals: Floats, eos: int | None, width: int, refill: bool
) -> tuple[Ints, NDArray[np.bool_]]:
    """Which of the continuations (k, V) are kept, as flat places in the order of their rank, and
    which of those go on: all but the sentences that end.

    The `width` likeliest are kept. refill: sentences that end leave their place to the next
    likeliest that do not, so that `width` go on (as in `transformers`).
    """
    ranked = highest(totals.ravel(), 2 * width if refill else width)
    on = _goes(ranked % totals.shape[1], eos)
    goes = on & (on.cumsum() <= width)
    kept = goes | (~on & (np.arange(len(ranked)) < width))
    return ranked[kept], goes[kept]


def _bar(
    totals: Floats, eos: int | None, width: int, places: Ints, goes: NDArray[np.bool_]
) -> Bar:
    """That of the last continuation that was kept. When the beam is kept full, those that end
    compete for the first places only."""
    reached = totals.ravel()[places]
    if len(places) <= width:
        return Bar(float(reached.min()), float(reached.min()), eos)
    return Bar(float(reached[goes].min()), float(reached[width - 1]), eos)


def sampling(
    stepper: Stepper, tree: Tree, front: Front, asked: Search, reference: Reference
) -> None:
    """`samples` sentences, each word drawn by its probability. Beginnings that several of them
    share are read once."""
    draw = torch.Generator().manual_seed(asked.seed)
    counts, words = np.array([asked.samples]), len(stepper.labels)
    while len(front.node) and front.depth < asked.longest:
        tree.expand(front)
        weights = allowed(front.guess.log_probabilities, asked)  # (k, V)
        drawn = np.stack([
            torch.multinomial(weight, int(count), True, generator=draw).bincount(minlength=words)
            for weight, count in zip(weights, counts, strict=True)])  # (k, V)
        rows, tokens = drawn.nonzero()
        counts, goes = drawn[rows, tokens], _goes(tokens, stepper.eos)
        ranking, places = Ranking(front.totals.ravel()), rows * words + tokens
        nodes = tree.add(front, rows, tokens, drawn=counts, rank=ranking.of(places),
                         state=np.where(goes, KEPT, FINISHED))
        tree.beside(front, places, ranking)
        if front.depth + 1 == asked.longest:
            return
        counts = counts[goes]
        front = _advance(stepper, front, rows[goes], tokens[goes], nodes[goes])


def allowed(log_probabilities: Tensor, asked: Search) -> Tensor:
    """The probabilities (k, V) that words are drawn with: after the temperature, among the `top_k`
    likeliest, and of those among the likeliest that reach `top_p` (Holtzman et al. 2020)."""
    heated = (log_probabilities / asked.temperature).softmax(-1)
    p, order = heated.sort(dim=-1, descending=True, stable=True)
    if asked.top_k:
        p[:, asked.top_k:] = 0
    if asked.top_p < 1:  # of all, a rounded sum would cut off the last
        p[p.cumsum(-1) - p >= asked.top_p] = 0  # the likeliest always stays
    return torch.zeros_like(p).scatter_(-1, order, p)


def _goes(tokens: Ints, eos: int | None) -> NDArray[np.bool_]:
    """Which tokens end no sentence."""
    return np.ones(len(tokens), np.bool_) if eos is None else tokens != eos


def exhaustive(
    stepper: Stepper, tree: Tree, front: Front, asked: Search, reference: Reference
) -> None:
    """Every sentence. The tree lists all of them, or the best if they are too many. Raises
    DataError beforehand when that would take too long."""
    words, ends = len(stepper.labels), stepper.eos is not None
    scored, _ = sentences(words, ends, asked.longest - front.depth)
    if scored > MOST:
        raise DataError(
            N_("Exhaustive search would have to score {count:.4g} continuations ({words} words, "
               "{longest} steps); at most {most} are scored. Shorten the maximum length to "
               "{reachable}, or take beam search."),
            count=scored, words=words, longest=asked.longest - front.depth, most=f"{MOST:,}",
            reachable=front.depth + reachable(words, ends))
    best = Leaders(scored if scored <= LISTED else LISTED_SENTENCES, asked.longest,
                   reference.score(asked.length_penalty))
    waiting = [(front, np.zeros((1, 0), np.int64))]
    while waiting:
        here, paths = waiting.pop()  # (k,) beginnings; their words since the prefix (k, n)
        tree.scored += here.own.size
        tree.expanded += len(here.node)
        waiting += _continued(stepper, here, paths, asked, best)
    reference.place = best.ahead + 1
    _grow(stepper, tree, front, best.paths)


def _continued(
    stepper: Stepper, here: Front, paths: Ints, asked: Search, best: Leaders
) -> list[tuple[Front, Ints]]:
    """Offer the sentences that end here; read on after all that do not, some thousands at once."""
    rows, tokens = np.divmod(np.arange(here.totals.size), len(stepper.labels))
    goes = _goes(tokens, stepper.eos) & (here.depth + 1 < asked.longest)
    longer = np.concatenate([paths[rows], tokens[:, None]], 1)
    best.offer(here.totals.ravel()[~goes], longer[~goes],
               (here.depth + 1) ** asked.length_penalty)
    going = np.flatnonzero(goes)
    return [
        (_advance(stepper, here, rows[part], tokens[part], part), longer[part])
        for part in np.split(going, range(AT_ONCE, len(going), AT_ONCE)) if len(part)]


def _grow(stepper: Stepper, tree: Tree, front: Front, paths: Ints) -> None:
    """Add sentences to the tree: paths (n, longest) of tokens, −1 after a sentence's end."""
    words, rows = len(stepper.labels), np.zeros(len(paths), np.int64)
    while len(paths):
        tree.expand(front, searched=False)
        places, own = np.unique(rows * words + paths[:, 0], return_inverse=True)
        tokens = places % words
        nodes = tree.add(front, places // words, tokens,
                         rank=Ranking(front.totals.ravel()).of(places),
                         state=np.where(_goes(tokens, stepper.eos), KEPT, FINISHED))
        paths = paths[:, 1:]
        longer = (paths >= 0).any(1)
        going, rows = np.unique(own[longer], return_inverse=True)
        paths = paths[longer]
        front = _advance(stepper, front, places[going] // words, tokens[going], nodes[going])


METHODS: dict[str, Method] = {
    "greedy": greedy, "beam": beam, "exhaustive": exhaustive, "sampling": sampling}
