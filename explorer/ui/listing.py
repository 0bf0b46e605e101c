"""Runs side by side: how each stands, which can be compared, and what the comparison says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2

from explorer import comparison
from explorer.scores import best
from explorer.store import Run
from explorer.ui.naming import alone, distinct, tell_apart
from explorer.ui.runs import last_bleu
from explorer.views.figure import amount
from explorer.words import _

LEVEL = 0.005  # bits: a smaller lead would read as 0.00


@dataclass(frozen=True)
class Standing:
    """A run by its best snapshot. held_out, training: perplexity there, None if not measured.
    blind: of a blind guess, the size of the vocabulary. bleu: of a translator. name: unique among
    those it was listed with. given: whether somebody called it so."""

    run: Run
    name: str
    given: bool
    held_out: float | None
    training: float | None
    blind: int
    parameters: int
    bleu: float | None = None

    @property
    def subject(self) -> tuple[str, str, float, bool]:
        """What it learns: text, tokens, what is held out, and whether it may read the tokens that
        it guesses. Only runs with the same one compare."""
        return comparison.subject(self.run.experiment)


def standings(runs: Sequence[Run], given: Sequence[str]) -> list[Standing]:
    """How some runs stand. given: what each is called already, "" if nothing: then it is called
    by what differs between all of them, or by what it is if it is the only one. Raises RunError."""
    experiments = [run.experiment for run in runs]
    told = tell_apart(experiments).names if len(runs) > 1 else list(map(alone, experiments))
    names = distinct([name or made for name, made in zip(given, told, strict=True)])
    return [_standing(run, name, bool(before))
            for run, name, before in zip(runs, names, given, strict=True)]


def renamed(chosen: Sequence[Standing]) -> list[Standing]:
    """Some of those listed, called by what differs between these alone; who was given a name keeps
    it."""
    nameless = [row for row in chosen if not row.given]
    told = tell_apart([row.run.experiment for row in nameless]).names if len(nameless) > 1 else [
        row.name for row in nameless]
    made = iter(told)
    names = distinct([row.name if row.given else next(made) for row in chosen])
    return [replace(row, name=name) for row, name in zip(chosen, names, strict=True)]


def _standing(run: Run, name: str, given: bool) -> Standing:
    history, vocabulary = run.history, run.tokenizer.size
    least = best(history)
    row = least if len(least) else history.tail(1)
    return Standing(
        run=run, name=name, given=given, blind=vocabulary,
        held_out=float(least["validation_perplexity"].iloc[0]) if len(least) else None,
        training=float(row["perplexity"].iloc[0]) if len(row) else None,
        parameters=run.experiment.model.parameters(*run.tokenizer.sizes), bleu=last_bleu(run))


def subjects(listed: Sequence[Standing]) -> list[list[Standing]]:
    """Those that compare, together; in the order in which the first of each comes."""
    found: dict[tuple[str, str, float, bool], list[Standing]] = {}
    for standing in listed:
        found.setdefault(standing.subject, []).append(standing)
    return list(found.values())


def ranked(listed: Sequence[Standing]) -> list[Standing]:
    """Those with a held-out perplexity, the best first."""
    return sorted((standing for standing in listed if standing.held_out is not None),
                  key=lambda standing: standing.held_out or 0.0)


def bits(more: float, less: float) -> float:
    """How many bits per token lie between two perplexities."""
    return log2(more / less)


def findings(listed: Sequence[Standing]) -> list[str]:
    """What the comparison says: for each text the best run, and by how much; and who learnt by
    heart."""
    said, groups = [], subjects(listed)
    for group in groups:
        order = ranked(group)
        about = "" if len(groups) == 1 else _(
            "On “{text}”: ", text=group[0].run.experiment.data.name)
        if len(order) > 1:
            said.append(about + _comparison(order))
        elif order:
            said.append(about + _alone(order[0]))
    gaps = [(bits(standing.held_out, standing.training), standing) for standing in ranked(listed)
            if standing.held_out and standing.training]
    if gaps:
        gap, standing = max(gaps, key=lambda pair: pair[0])
        if gap > 0.1:
            said.append(_(
                "**{name}** guesses the text it learns from better than the held-out end, by "
                "{bits} bits per token: that much it knows by heart.",
                name=standing.name, bits=f"{gap:.2f}"))
    return said


def _comparison(order: Sequence[Standing]) -> str:
    """The lead of the first of some that are ranked, or who shares it."""
    best, second, *_others = order
    assert best.held_out
    assert second.held_out
    saved = f"{bits(best.blind, best.held_out):.2f}"
    level = [row.name for row in order
             if row.held_out and bits(row.held_out, best.held_out) < LEVEL]
    if len(level) > 1:
        return _("**{names}** come out level: held-out perplexity {value}, and less than {least} "
                 "bits per token between them. A blind guess among {blind} needs {saved} bits "
                 "more.", names="**, **".join(level), value=amount(best.held_out), least=LEVEL,
                 blind=best.blind, saved=saved)
    return _("**{best}** learnt best: held-out perplexity {value}, which is {bits} bits per token "
             "less than **{second}** ({other}). A blind guess among {blind} needs {saved} bits "
             "more.", best=best.name, value=amount(best.held_out),
             bits=f"{bits(second.held_out, best.held_out):.2f}", second=second.name,
             other=amount(second.held_out), blind=best.blind, saved=saved)


def _alone(standing: Standing) -> str:
    assert standing.held_out
    return _("**{name}** hesitates among {value} tokens on the held-out end; a blind guess, among "
             "{blind}. That saves {saved} bits per token.", name=standing.name,
             value=amount(standing.held_out), blind=standing.blind,
             saved=f"{bits(standing.blind, standing.held_out):.2f}")
