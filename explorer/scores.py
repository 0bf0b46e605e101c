"""Held-out scores along a training that can be compared with each other.

What is scored along the way is a sample of the held-out text, the same at each snapshot; the last
snapshot is scored by it too, and once more by a larger one (`training.learner`).
"""

from __future__ import annotations

import pandas as pd


def scored(history: pd.DataFrame) -> pd.DataFrame:
    """The rows of a history at which held-out text was scored, and `along`: the perplexity by the
    tokens that all of them were scored by, of which there were `along_tokens`. Of a run of an
    earlier version the last snapshot has the larger sample alone, and other `along_tokens`."""
    if "validation_perplexity" not in history:
        return history.iloc[:0].assign(validation_perplexity=[], along=[], along_tokens=[])
    held = history.dropna(subset=["validation_perplexity"])
    along, tokens = held["validation_perplexity"], held["validation_tokens"]
    if "validation_along" in held and len(held):
        again = held["validation_along"].notna()
        along, tokens = held["validation_along"].where(again, along), tokens.mask(
            again, tokens.iloc[0])
    return held.assign(along=along, along_tokens=tokens)


def best(history: pd.DataFrame) -> pd.DataFrame:
    """The row of the best snapshot, of those that were scored; none if none was."""
    held = scored(history)
    return held.sort_values("along", kind="stable").head(1)
