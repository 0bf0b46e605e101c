"""Scores of one sample are compared, and nothing else is called learning by heart."""

import numpy as np
import pandas as pd

from explorer.scores import best, scored
from explorer.views.history import Curve, perplexity
from explorer.views.notices import by_heart

NAN = np.nan


def history(held: list[float], along: float = NAN, last: int = 900) -> pd.DataFrame:
    """Five snapshots, the last scored by more tokens; along: its score by those of the others."""
    tokens = [300.0] * (len(held) - 1) + [float(last)]
    return pd.DataFrame({
        "step": range(len(held)), "perplexity": np.linspace(20, 4, len(held)),
        "validation_perplexity": held, "validation_tokens": tokens,
    } | ({} if np.isnan(along) else {"validation_along": [NAN] * (len(held) - 1) + [along]}))


def test_all_are_by_the_same_tokens() -> None:
    found = scored(history([20, 9, 7, 6, 8.5], along=5.5))
    assert found["along"].tolist() == [20, 9, 7, 6, 5.5]
    assert found["along_tokens"].tolist() == [300] * 5
    assert found["validation_perplexity"].tolist() == [20, 9, 7, 6, 8.5]
    least = best(history([20, 9, 7, 6, 8.5], along=5.5))
    assert (least["step"].iloc[0], least["validation_perplexity"].iloc[0]) == (4, 8.5)


def test_of_what_was_never_scored_there_is_nothing() -> None:
    bare = pd.DataFrame({"step": [1, 2], "perplexity": [9.0, 8.0]})
    assert len(scored(bare)) == len(best(bare)) == 0
    assert by_heart(bare, 8.0, 50) == []


def test_a_larger_sample_is_no_learning_by_heart() -> None:
    [value, verdict] = by_heart(history([20, 9, 7, 6, 8.5], along=5.5), 4.0, 50)
    assert "step 4: held-out perplexity 8.50" in value
    assert "still falling" in verdict
    [alone] = by_heart(history([20, 9, 7, 6, 8.5]), 4.0, 50)  # as earlier versions wrote it
    assert "step 3: held-out perplexity 6.00" in alone


def test_by_heart_is_said_where_one_rises_and_the_other_falls() -> None:
    [_, verdict] = by_heart(history([20, 9, 6, 7, 8], last=300), 4.0, 50)
    assert "by heart: over the same 300 held-out tokens the perplexity has risen to 8.00" in verdict
    [_, verdict] = by_heart(history([20, 9, 6, 7, 8.5], along=9.0), 12.0, 50)
    assert "by heart" not in verdict
    assert "has risen to 9.00" in verdict


def test_the_curve_draws_one_sample_and_says_both() -> None:
    shown = perplexity([Curve("run", "rnn", history([20, 9, 7, 6, 8.5], along=5.5))], {})
    held = shown.data[shown.data["held_out"]]
    assert held["perplexity"].tolist() == [20, 9, 7, 6, 5.5]
    assert "8.50, over 900 of its tokens. Its dot there stands at 5.50" in shown.caption
    plain = perplexity([Curve("run", "rnn", history([20, 9, 7, 6, 8.5], last=300))], {})
    assert "Its dot" not in plain.caption
