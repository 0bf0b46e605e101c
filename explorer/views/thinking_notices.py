"""What to notice in a lens, in sampling, in ablations and attributions: computed from the data."""

from __future__ import annotations

from html import unescape

import numpy as np
import pandas as pd
import xarray as xr

from explorer.views.ablation import changes, name, title
from explorer.views.figure import shown
from explorer.views.lens import depth_name
from explorer.words import _

SURE = 0.9  # a probability from which on its gradient has little left to show
ALIKE = 0.5  # a rank correlation from which on two rankings are much alike
MOST = 0.5  # a share that is worth a word
LITTLE = 0.005  # nats: a rise that is none


def settled(trace: xr.Dataset) -> np.ndarray:
    """The first depth from which on the likeliest token stays what it is at the end: (token,)."""
    best = trace["candidate"].values[:, :, 0]  # (depth, token)
    differs = best != best[-1]
    found: np.ndarray = np.where(differs.any(0), len(best) - np.argmax(differs[::-1], 0), 0)
    return found


def when(trace: xr.Dataset, token: int) -> str:
    """When the guess after a token is found, and whether it had been there before."""
    depth = int(settled(trace)[token])
    at = trace.isel(token=token, place=0)
    guess = _word(trace, int(at["candidate"].values[-1]))
    share = at["candidate_probability"].values
    if depth == 0:
        return _("Its answer, “{guess}”, is there from the embedding on: it is what the token "
                 "itself suggests.", guess=guess)
    best = at["candidate"].values  # (depth,)
    said = _("Its answer, “{guess}”, is the likeliest from **{depth}** on; just before that it was "
             "“{before}”. At the end it has a probability of {share}.", guess=guess,
             depth=depth_name(depth), before=_word(trace, int(best[depth - 1])),
             share=f"{share[-1]:.2f}")
    earlier = [depth_name(int(d)) for d in np.flatnonzero(best[:depth] == best[-1])]
    if earlier:
        said += " " + _("It had been the likeliest before ({depths}), and was given up again.",
                        depths=", ".join(earlier))
    return said


def lens(trace: xr.Dataset, token: int) -> list[str]:
    """When it knows, after this token and after all of them."""
    said = [when(trace, token)]
    T = trace.sizes["token"]
    if T < 2:
        return said
    best = trace["candidate"].values[:, :, 0]  # (depth, token)
    share = (best == best[-1]).mean(1)
    said.append(_("For this share of the {count} tokens its likeliest next token is already that "
                  "of the end: {shares}.", count=T, shares=", ".join(
                      f"{depth_name(d)} {value:.0%}" for d, value in enumerate(share[:-1]))))
    own = float((trace["candidate"].values[0, :, 0] == trace["id"].values).mean())
    if own > MOST:
        said.append(_("At the embedding it repeats: {share} of its guesses are the token just "
                      "read.", share=f"{own:.0%}"))
    p = trace["probability"].values[:, :-1].mean(1)
    said.append(_("The token that really comes next has, on average, a probability of {first} at "
                  "the embedding and {last} at the end.", first=f"{p[0]:.2f}", last=f"{p[-1]:.2f}"))
    kl = trace["kl"].values.mean(1)
    fall = kl[:-1] - kl[1:]
    most = int(fall.argmax())
    said.append(_("The guess moves most in **{depth}**: on average it comes {fall} nats nearer to "
                  "the last.", depth=depth_name(most + 1), fall=f"{fall[most]:.2f}"))
    return said


def sampling(rows: pd.DataFrame) -> list[str]:
    """How wide the choice is. rows: what `views.sampling.table` gives."""
    left = int((rows["drawn"] > 0).sum())
    p = rows["drawn"].to_numpy(dtype=float)
    spread = float(np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()))
    said = [_("**{left} of {count}** tokens can be drawn; the choice is as wide as among {spread} "
              "equally likely ones.", left=left, count=len(rows), spread=f"{spread:.1f}")]
    cut = float(rows["chance"].sum() - rows["in_top_p"].sum())
    if left < len(rows) and cut > 0:
        said.append(_("What top-k and top-p cut off had {cut} of the probability; it is shared out "
                      "among the others.", cut=f"{cut:.1%}"))
    first = rows.iloc[0]
    said.append(_("“{token}” is drawn {share} of the time.", token=said_as(first["label"]),
                  share=f"{first['drawn']:.1%}"))
    return said


def ablations(trace: xr.Dataset) -> list[str]:
    """Which part is worth most, and which it would do without."""
    values = changes(trace)
    heads, feeds = values[:, :-1], values[:, -1]
    layer, head = np.unravel_index(heads.argmax(), heads.shape)
    said = [_("The head whose silence costs most is **{name}**: {rise} nats a token, {share} of "
              "the loss.", name=title(name(int(layer), int(head))), rise=f"{heads.max():.3f}",
              share=f"{heads.max() / trace.attrs['loss']:.0%}"),
            _("Of the feed-forward layers it is that of layer {layer}: {rise}.",
              layer=int(feeds.argmax()) + 1, rise=f"{feeds.max():.3f}")]
    better = [title(name(int(layer), int(head))) for layer, head in np.argwhere(heads < -LITTLE)]
    if better:
        said.append(_("On this text it guesses **better** without: {names}.",
                      names="; ".join(better[:4])))
    alone, together = float(values.sum()), float(trace.attrs["loss"])
    said.append(_("Each part is silenced alone. Their rises sum to {sum} nats beside a loss of "
                  "{loss}: parts stand in for each other, or need each other, so no sum is their "
                  "worth together.", sum=f"{alone:.2f}", loss=f"{together:.2f}"))
    return said


def silenced(trace: xr.Dataset, rows: pd.DataFrame) -> list[str]:
    """What becomes of the guess. rows: what `views.ablation.before_after` gives."""
    first = rows.iloc[int(rows["before"].argmax())]
    now = rows.iloc[int(rows["after"].argmax())]
    said = [_("“{token}” had a probability of {before} and now has {after}.",
              token=said_as(first["label"]), before=f"{first['before']:.2f}",
              after=f"{first['after']:.2f}")]
    if now["id"] != first["id"]:
        said.append(_("Now it would say **{token}** ({share}).", token=said_as(now["label"]),
                      share=f"{now['after']:.2f}"))
    rise = np.diff(trace["loss"].values, axis=0)[0]  # (token,)
    if np.isfinite(rise).any():
        most = int(np.nanargmax(rise))
        said.append(_("The mean loss goes from {before} to {after} nats a token; most is lost at "
                      "token {place}, “{token}”.", place=most,
                      before=f"{np.nanmean(trace['loss'].values[0]):.3f}",
                      after=f"{np.nanmean(trace['loss'].values[1]):.3f}",
                      token=said_as(str(trace["label"].values[most]))))
    return said


def attributions(trace: xr.Dataset) -> list[str]:
    """Which token matters most, whether the sum is right, and whether attention agrees."""
    about, added = trace.attrs, trace["attribution"].values
    most = int(np.abs(added).argmax())
    p = float(np.exp(about["log_probability"]))
    said = [_("“{target}” has a probability of {p}. What weighs most is “{token}”, token {place}: "
              "{value} nats.", target=said_as(str(about["target_label"])), p=f"{p:.2f}",
              token=said_as(str(trace["label"].values[most])), place=most + about["first"],
              value=f"{added[most]:+.2f}")]
    if about["first"]:
        said.append(_("This network is large: the first {first} tokens were not read for this.",
                      first=about["first"]))
    if about["method"] == "integrated-gradients":
        said.append(_("All sum to {sum}; log p differs by {whole} from that of no token in "
                      "particular: {gap} is missing after {steps} steps.",
                      sum=f"{added.sum():+.3f}",
                      whole=f"{about['log_probability'] - about['baseline']:+.3f}",
                      gap=f"{about['gap']:+.4f}", steps=about["steps"]))
    if about["method"] == "gradient-input" and p > SURE:
        said.append(_("It is all but sure, so that hardly any small change can make it surer: its "
                      "gradient says little here."))
    ranks = [float(trace[f"rank_{other}"]) for other in ("attention", "rollout")]
    if not np.isfinite(ranks).all():
        return said
    return [*said, _("Ranked by size, the attributions agree with attention by ρ = {attention} and "
                     "with rollout by ρ = {rollout} (Spearman; 1: the same order).",
                     attention=f"{ranks[0]:.2f}",
                     rollout=f"{ranks[1]:.2f}"), agreement(trace)]


def agreement(trace: xr.Dataset) -> str:
    """Whether attention tells what the attributions tell."""
    rho = float(trace["rank_attention"])
    if not np.isfinite(rho):
        return _("There is nothing to rank here.")
    if rho >= ALIKE:
        return _("Here attention and attribution rank the tokens **much alike**: ρ = {rho}.",
                 rho=f"{rho:.2f}")
    return _("Here attention is **another story** than attribution: ρ = {rho}.", rho=f"{rho:.2f}")


def said_as(label: str) -> str:
    """A token as a sentence quotes it: as a chart writes it, but no HTML."""
    return unescape(shown(label))


def _word(trace: xr.Dataset, token: int) -> str:
    return said_as(str(trace["vocabulary"].values[token]))
