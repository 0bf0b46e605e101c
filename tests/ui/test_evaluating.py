"""Translators side by side: which of them differ in their attention only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from explorer.pretrain import SHIPPED  # that of explorer.store is another on pages' tests
from explorer.store import Store
from explorer.ui.evaluating import side_by_side


def test_of_the_shipped_runs_those_of_one_architecture_differ_in_attention_only(
    tmp_path: Path,
) -> None:
    store = Store(str(tmp_path), pretrained=str(SHIPPED))
    runs = {run.card["title"]: run for run in map(store.run, store.pretrained())}
    chosen = [runs[f"English → French, {name}"]
              for name in ("Transformer", "additive attention", "without attention")]
    bins = {name: ("bin", np.zeros(2)) for name in (
        "bin_bleu", "bin_sentences", "bin_low", "bin_high")}
    found = [xr.Dataset(bins, attrs={"run": run.key, "step": 0}) for run in chosen]
    trace = side_by_side(chosen, found)
    assert trace["attention"].values.tolist() == ["transformer", "additive", "none"]
    assert trace["otherwise"].values.tolist() == [0, 1, 1]
