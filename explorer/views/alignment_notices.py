"""What to notice in an alignment: computed from its weights."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from explorer.text.cropped import cropped
from explorer.text.sentences import EOS
from explorer.views.alignment import weights
from explorer.words import N_, _

STRAIGHT = 0.9  # |r| from which on the places lie on a diagonal
FEWEST = 4  # written tokens below which nothing is said of a diagonal
MUCH = 0.5  # of a token's weight

DIAGONALS = {"along": N_("along the diagonal"), "against": N_("against it, from the end"),
             "neither": N_("on neither"), "few": N_("too few tokens to say")}

ANSWERS = {
    "along": N_("They run **along the diagonal**: place and time go together with r = {r}."),
    "against": N_("They run **against the diagonal**, from the end of the source to its "
                  "beginning: r = {r}."),
    "neither": N_("They lie **on neither** diagonal: place and time go together with only "
                  "r = {r}."),
}


def places(trace: xr.Dataset) -> NDArray[np.int64]:
    """Of each written token, <eos> aside, the place that it looks at most."""
    kept = trace["query_label"].values != EOS
    found: NDArray[np.int64] = weights(trace)[kept].argmax(-1)
    return found


def diagonal(trace: xr.Dataset) -> tuple[str, float]:
    """Which of `DIAGONALS` the most-looked-at places lie on, and their correlation r with the time
    of writing (0 where all are the same)."""
    at = places(trace)
    if len(at) < FEWEST:
        return "few", float("nan")
    r = float(np.corrcoef(np.arange(len(at)), at)[0, 1]) if at.std() else 0.0
    return ("along" if r >= STRAIGHT else "against" if r <= -STRAIGHT else "neither"), r


def answer(trace: xr.Dataset) -> str:
    """Whether the weights lie on the diagonal."""
    which, r = diagonal(trace)
    if which == "few":
        return _("This sentence is too short to say: write a longer one.")
    at = places(trace)
    off = [t for t in range(1, len(at)) if at[t] < at[t - 1]]
    said = _(ANSWERS[which], r=f"{r:+.2f}")
    if which != "against" and off:
        said += " " + _("It goes back at {tokens}.", tokens=_quoted(trace, off))
    return said


def findings(trace: xr.Dataset) -> list[str]:
    """What this sentence shows."""
    if trace.attrs["attention"] == "none":
        return [_("This network has no attention: at each of the {count} steps it reads the same "
                  "{size} numbers, the encoder's last state. Whatever it knows of the source must "
                  "fit in there.", count=trace.sizes["query"], size=trace.sizes["unit"]),
                *cropped(trace.attrs)]
    said = [_moves(trace), *_widest(trace), _at_end(trace)]
    if trace.attrs["local"]:
        lost = weights(trace).sum(-1)
        said.append(_("Local attention does not make up for its bell: the weights of a step sum to "
                      "{least} to {most} here.", least=f"{lost.min():.2f}",
                      most=f"{lost.max():.2f}"))
    unknown = int(trace["key_unknown"].sum())
    if unknown:
        said.append(_("{count} of the words that were read are unknown to the network: they are "
                      "all the same to it.", count=unknown))
    return [sentence for sentence in [*said, *cropped(trace.attrs)] if sentence]


def _moves(trace: xr.Dataset) -> str:
    """How often the place of most weight goes on, stays, goes back."""
    moves = np.diff(places(trace))
    if not len(moves):
        return ""
    return _("From one written token to the next, the place of most weight moves on ({on}×), "
             "stays ({stays}×) or goes back ({back}×).", on=int((moves > 0).sum()),
             stays=int((moves == 0).sum()), back=int((moves < 0).sum()))


def entropy(trace: xr.Dataset) -> NDArray[np.float64]:
    """Of each written token the entropy of its weights, made to sum to 1, in nats."""
    seen = weights(trace)
    share = seen / np.maximum(seen.sum(-1, keepdims=True), 1e-12)
    found: NDArray[np.float64] = -(share * np.log(np.maximum(share, 1e-12))).sum(-1)
    return found


def _widest(trace: xr.Dataset) -> list[str]:
    """Which written token looks at the most places, which at the fewest."""
    spread = np.exp(entropy(trace))
    if len(spread) < 2:
        return []
    wide, sharp = int(spread.argmax()), int(spread.argmin())
    name = [str(label) for label in trace["query_label"].values]
    return [_("“{wide}” looks at the most places, as if at {most} equally; “{sharp}” at the "
              "fewest, {least}.", wide=name[wide], most=f"{spread[wide]:.1f}", sharp=name[sharp],
              least=f"{spread[sharp]:.1f}")]


def _at_end(trace: xr.Dataset) -> str:
    """Where it looks at <eos>, which stands for no word."""
    ends = np.flatnonzero(trace["key_label"].values == EOS)
    if not len(ends):
        return ""
    share = weights(trace)[:, ends].sum(-1)
    much = [int(t) for t in np.flatnonzero(share > MUCH)]
    if not much:
        return _("Nowhere does it look mostly at the source's {eos}: at most {share} of a step's "
                 "weight goes there.", eos=EOS, share=f"{share.max():.0%}")
    return _("At {tokens} most of the weight goes to the source's {eos}, which stands for no word: "
             "the state there has read all of the sentence.", tokens=_quoted(trace, much), eos=EOS)


def _quoted(trace: xr.Dataset, steps: list[int], most: int = 4) -> str:
    """Some written tokens in quotation marks; of many the first."""
    said = [f"“{trace['query_label'].values[t]}”" for t in steps[:most]]
    return ", ".join(said) + (" …" if len(steps) > most else "")
