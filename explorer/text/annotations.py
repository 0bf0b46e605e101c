"""What stands where in a text: true or false for each token, found from the labels alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.words import N_

Mask = NDArray[np.bool_]

CLASSES: dict[str, Callable[[str], bool]] = {
    N_("spaces"): lambda label: label.isspace(),
    N_("capital letters"): lambda label: label[:1].isupper(),
    N_("vowels"): lambda label: len(label) == 1 and label.lower() in "aeiou",
    N_("other letters"): lambda label: (
        label[:1].isalpha()
        and not label[:1].isupper()
        and not (len(label) == 1 and label.lower() in "aeiou")
    ),
    N_("digits"): lambda label: label[:1].isdigit(),
    N_("punctuation"): lambda label: unicodedata.category(label[:1] or "x").startswith(("P", "S")),
}


def classes(labels: Sequence[str]) -> dict[str, Mask]:
    """Which tokens belong to which class of characters; classes that do not occur are left out."""
    masks = {
        name: np.array([bool(label) and test(label) for label in labels])
        for name, test in CLASSES.items()
    }
    return {name: mask for name, mask in masks.items() if mask.any()}


def spans(labels: Sequence[str]) -> dict[str, Mask]:
    """Longer stretches: inside quotation marks, inside brackets."""
    found = {
        N_("the inside of quotation marks"): _inside(labels, "“「『«", "”」』»", '"'),
        N_("the inside of brackets"): _inside(labels, "([{（【", ")]}）】", ""),
    }
    return {name: mask for name, mask in found.items() if mask.any() and not mask.all()}


def words(labels: Sequence[str]) -> list[tuple[int, int]]:
    """Where words stand: (first token, the one after its last). A sign of a script that is written
    without blanks, such as Chinese, is a word of its own."""
    found: list[tuple[int, int]] = []
    for i, label in enumerate(labels):
        bare = label.strip()
        if not bare[:1].isalnum():
            continue
        goes_on = found and found[-1][1] == i and not label[:1].isspace()
        if goes_on and not _stands_alone(bare) and not _stands_alone(labels[i - 1].strip()):
            found[-1] = (found[-1][0], i + 1)
        else:
            found.append((i, i + 1))
    return found


def _stands_alone(label: str) -> bool:
    return len(label) == 1 and unicodedata.category(label) == "Lo"


def _inside(labels: Sequence[str], opening: str, closing: str, both: str) -> Mask:
    """True from an opening mark to before its closing one; a new paragraph ends a quotation."""
    signs = set(opening + closing + both + ("\n" if both else ""))
    depth, last, mask = 0, 0, np.zeros(len(labels), bool)
    for i in [i for i, label in enumerate(labels) if not signs.isdisjoint(label)]:
        mask[last:i] = depth > 0
        for sign in labels[i]:
            if sign in both:
                depth = 0 if depth else 1
            elif sign in opening:
                depth += 1
            elif sign in closing:
                depth = max(0, depth - 1)
            elif sign == "\n" and both:
                depth = 0
        last = i
    mask[last:] = depth > 0
    return mask
