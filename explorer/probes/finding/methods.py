"""The methods, each of which grows a tree from a front: greedy and beam search level by level,
sampling too, exhaustive search by finding the sentences first. Beginnings are read in one batch.

Beam search, after Zhang et al., Dive into Deep Learning: of the k·|Y| continuations of k beginnings
the k likeliest are kept at each step; the result is the sentence with the highest log P / L^α of
all that ended. Those that were cut off at the maximum length count as ended. Greedy search is beam
search of width 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from explorer.errors import DataError
from explorer.probes.finding.leaders import Leaders
from explorer.probes.finding.reference import Reference
from explorer.probes.finding.stepper import Guess, Stepper
from explorer.probes.finding.tree import FINISHED, KEPT, Front, Tree, highest, ranks
from explorer.searching import LISTED, MOST, Search, reachable, sentences
from explorer.words import N_

AT_ONCE = 4096  # beginnings of an exhaustive search that are read side by side
LISTED_SENTENCES = 50  # of an exhaustive search whose tree is too large to be listed

Method = Callable[[Stepper, Tree, Front, Search, Reference], None]


def begin(stepper: Stepper, tree: Tree, prefix: Sequence[int], reference: Reference) -> Front:
    """The front after the words that were forced, from which a search goes on."""
    first = torch.zeros(1, dtype=torch.long)
    front = Front(first, torch.zeros(1, dtype=torch.float64), stepper.start(), 0)
    for token in prefix:
        tree.expand(front, searched=False)
        place = torch.tensor([token])
        reference.force(token)
        nodes = tree.add(front, first, place, forced=True,
                         rank=ranks(front.guess.log_probabilities[0], place))
        tree.beside(front, place)
        front = _advance(stepper, front, first, place, nodes)
    return front


def _advance(stepper: Stepper, front: Front, rows: Tensor, tokens: Tensor, nodes: Tensor) -> Front:
    """The front after one more word: rows (n,) of this one, each with a token."""
    total = front.totals[rows, tokens]
    if not len(rows):  # nothing goes on: nothing is read
        guess = Guess(front.guess.log_probabilities[:0], None)
    else:
        guess = stepper.step(front.guess.state, rows, tokens)
    return Front(nodes, total, guess, front.depth + 1)


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
        totals = front.totals  # (k, V)
        last = front.depth + 1 == asked.longest
        places, goes = keep(totals, stepper.eos, asked.width, asked.refill and not last)
        bar = _bar(totals, stepper.eos, asked.width, places, goes)
        reference.watch(totals, bar, places)
        rows, tokens = places // words, places % words
        nodes = tree.add(front, rows, tokens, state=torch.where(goes, KEPT, FINISHED).numpy(),
                         rank=ranks(totals.flatten(), places))
        tree.beside(front, places, bar)
        ended += int((~goes).sum())
        reference.go_on(places[goes])
        front = _advance(stepper, front, rows[goes], tokens[goes], nodes[goes]) if not last else (
            Front(nodes[:0], totals[:0, 0], front.guess, asked.longest))


def keep(totals: Tensor, eos: int | None, width: int, refill: bool) -> tuple[Tensor, Tensor]:
    """Which of the continuations (k, V) are kept, as flat places in the order of their rank, and
    which of those go on: all but the sentences that end.

    The `width` likeliest are kept. refill: sentences that end leave their place to the next
    likeliest that do not, so that `width` go on (as in `transformers`).
    """
    ranked = highest(totals.flatten(), 2 * width if refill else width)
    ends = torch.zeros_like(ranked, dtype=torch.bool) if eos is None else (
        ranked % totals.shape[1] == eos)
    goes = ~ends & ((~ends).cumsum(0) <= width)
    kept = goes | (ends & (torch.arange(len(ranked)) < width))
    return ranked[kept], goes[kept]


def _bar(
    totals: Tensor, eos: int | None, width: int, places: Tensor, goes: Tensor
) -> Tensor:
    """The log P that each continuation (k, V) had to reach in order to be kept: that of the last
    that was. When the beam is kept full, those that end compete for the first places only."""
    reached = totals.flatten()[places]
    bar = torch.full_like(totals, float(reached[goes].min() if goes.any() else reached.min()))
    if len(places) <= width:
        return bar.fill_(float(reached.min()))
    bar[:, eos] = float(reached[width - 1])
    return bar


def sampling(
    stepper: Stepper, tree: Tree, front: Front, asked: Search, reference: Reference
) -> None:
    """`samples` sentences, each word drawn by its probability. Beginnings that several of them
    share are read once."""
    draw = torch.Generator().manual_seed(asked.seed)
    counts, words = torch.tensor([asked.samples]), len(stepper.labels)
    while len(front.node) and front.depth < asked.longest:
        tree.expand(front)
        weights = allowed(front.guess.log_probabilities, asked)  # (k, V)
        drawn = torch.stack([
            torch.multinomial(weight, int(count), True, generator=draw).bincount(minlength=words)
            for weight, count in zip(weights, counts, strict=True)])  # (k, V)
        rows, tokens = drawn.nonzero(as_tuple=True)
        counts, goes = drawn[rows, tokens], _goes(tokens, stepper.eos)
        totals = front.totals.flatten()
        nodes = tree.add(front, rows, tokens, drawn=counts.numpy(),
                         state=torch.where(goes, KEPT, FINISHED).numpy(),
                         rank=ranks(totals, rows * words + tokens))
        tree.beside(front, rows * words + tokens)
        counts = counts[goes]
        if front.depth + 1 == asked.longest:
            return
        front = _advance(stepper, front, rows[goes], tokens[goes], nodes[goes])


def allowed(log_probabilities: Tensor, asked: Search) -> Tensor:
    """The probabilities (k, V) that words are drawn with: after the temperature, among the `top_k`
    likeliest, and of those among the likeliest that reach `top_p` (Holtzman et al. 2020)."""
    heated = (log_probabilities / asked.temperature).softmax(-1)
    p, order = heated.sort(dim=-1, descending=True, stable=True)
    if asked.top_k:
        p[:, asked.top_k:] = 0
    p[p.cumsum(-1) - p >= asked.top_p] = 0  # the likeliest always stays
    return torch.zeros_like(p).scatter_(-1, order, p)


def _goes(tokens: Tensor, eos: int | None) -> Tensor:
    return torch.ones_like(tokens, dtype=torch.bool) if eos is None else tokens != eos


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
    waiting = [(front, torch.zeros(1, 0, dtype=torch.long))]
    while waiting:
        here, paths = waiting.pop()  # (k,) beginnings; their words since the prefix (k, n)
        tree.scored += here.guess.log_probabilities.numel()
        tree.expanded += len(here.node)
        waiting += _continued(stepper, here, paths, asked, best)
    reference.place = best.ahead + 1
    _grow(stepper, tree, front, best.paths)


def _continued(
    stepper: Stepper, here: Front, paths: Tensor, asked: Search, best: Leaders
) -> list[tuple[Front, Tensor]]:
    """Offer the sentences that end here; read on after all that do not, some thousands at once."""
    last = here.depth + 1 == asked.longest
    every = torch.arange(here.totals.numel())
    rows, tokens = every // len(stepper.labels), every % len(stepper.labels)
    goes = _goes(tokens, stepper.eos) & (not last)
    longer = torch.cat([paths[rows], tokens[:, None]], 1)
    best.offer(here.totals.flatten()[~goes], longer[~goes], (here.depth + 1)
               ** asked.length_penalty)
    return [
        (_advance(stepper, here, rows[part], tokens[part], part), longer[part])
        for part in goes.nonzero()[:, 0].split(AT_ONCE) if len(part)]


def _grow(stepper: Stepper, tree: Tree, front: Front, paths: Tensor) -> None:
    """Add sentences to the tree: paths (n, longest) of tokens, −1 after a sentence's end."""
    words, rows = len(stepper.labels), torch.zeros(len(paths), dtype=torch.long)
    while len(paths):
        tree.expand(front, searched=False)
        places, own = (rows * words + paths[:, 0]).unique(return_inverse=True)
        tokens = places % words
        goes = _goes(tokens, stepper.eos)
        nodes = tree.add(front, places // words, tokens, rank=ranks(front.totals.flatten(), places),
                         state=torch.where(goes, KEPT, FINISHED).numpy())
        paths = paths[:, 1:]
        longer = (paths >= 0).any(1)
        going, rows = own[longer].unique(return_inverse=True)
        paths = paths[longer]
        front = _advance(stepper, front, places[going] // words, tokens[going], nodes[going])


METHODS: dict[str, Method] = {
    "greedy": greedy, "beam": beam, "exhaustive": exhaustive, "sampling": sampling}
