"""What to notice of a translator: sentences computed from its history and its answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from explorer.views.notices import by_heart
from explorer.words import _

LEVEL = 1.0  # points of BLEU that are not worth a word


def learnt(history: pd.DataFrame, vocabulary: int) -> list[str]:
    """How far it came, by perplexity and by BLEU."""
    trained = history["perplexity"].dropna()
    if "validation_perplexity" not in history or not len(trained):
        return []
    said = by_heart(history, float(trained.iloc[-1]), vocabulary)
    measured = history.dropna(subset=["bleu"]) if "bleu" in history else history.iloc[:0]
    if len(measured) > 1:
        first, last = measured.iloc[0], measured.iloc[-1]
        said.append(_(
            "From step {first} to step {last} BLEU goes from {before} to {after} by sacrebleu, and "
            "from {low} to {high} by the notes' formula.", first=int(first["step"]),
            last=int(last["step"]), before=f"{first['bleu']:.1f}", after=f"{last['bleu']:.1f}",
            low=f"{first['notes_bleu']:.2f}", high=f"{last['notes_bleu']:.2f}"))
    return said


def avalanche(trace: xr.Dataset) -> list[str]:
    """What the first error costs. Needs `told` and `free`."""
    error, T = int(trace.attrs["first_error"]), trace.sizes["token"]
    if error < 0:
        return [_("On this pair it makes no error: what it reads by itself is the truth, and both "
                  "costs are the same.")]
    label, guess = (_short(str(trace[name].values[error])) for name in ("label", "guess_free"))
    said = [_("Its first error is at token {place}: it writes “{guess}” where “{label}” stands.",
              place=error + 1, guess=guess, label=label)]
    if error + 1 < T:
        told, free = (float(trace[name].values[error + 1 :].mean()) for name in ("told", "free"))
        said.append(_("After it a token costs {told} nats when the truth is told, and {free} when "
                      "it reads its own guesses.", told=f"{told:.2f}", free=f"{free:.2f}"))
    return said


def _short(label: str) -> str:
    return label if len(label) <= 24 else label[:23] + "…"


def lengths(trace: xr.Dataset) -> list[str]:
    """Whether attention pays, and on which sentences: of a run beside one that has none and is
    else the same. Needs `bin_bleu` over (run, bin), `attention` and `otherwise` over run."""
    bleu = trace["bin_bleu"].values
    blind = {int(same): r for r, same in enumerate(trace["otherwise"].values)
             if trace["attention"].values[r] == "none"}
    seeing = [r for r, same in enumerate(trace["otherwise"].values)
              if trace["attention"].values[r] != "none" and int(same) in blind]
    if not seeing or bleu.shape[1] < 2:
        return []
    with_it = max(seeing, key=lambda r: bleu[r].mean())
    without = blind[int(trace["otherwise"].values[with_it])]
    gap = bleu[with_it] - bleu[without]  # (bin,)
    numbers = {"name": str(trace["run"].values[with_it]), "short": f"{gap[0]:+.1f}",
               "long": f"{gap[-1]:+.1f}"}
    if gap[-1] > max(gap[0] + LEVEL, LEVEL) and gap[-1] == gap.max():
        return [_("Attention pays most on long sentences: **{name}** is {short} points of BLEU "
                  "from the one without on the shortest, {long} on the longest.", **numbers)]
    if np.all(gap > LEVEL):
        return [_("Attention pays at every length here: **{name}** is {short} points of BLEU from "
                  "the one without on the shortest sentences, {long} on the longest.", **numbers)]
    if np.all(gap <= LEVEL):
        return [_("Attention pays at no length here: **{name}** is {short} points of BLEU from the "
                  "one without on the shortest sentences, {long} on the longest.", **numbers)]
    return [_("On these pairs the gap does not grow steadily with the length: **{name}** is "
              "{short} points of BLEU from the one without on the shortest sentences, {long} on "
              "the longest.", **numbers)]
