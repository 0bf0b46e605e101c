"""Beam search on one toy model, against the one of `transformers`."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.probes.finding.stepper import Guess
from explorer.probes.finding.tree import sentence
from explorer.probes.search import find

WORDS, EOS, BOS, LONGEST = 9, 1, 0, 7


class Toy:
    """A `transformers` model as something to search: it reads each beginning anew."""

    labels, eos = [f"w{n}" for n in range(WORDS)], EOS

    def __init__(self, model: Any) -> None:
        self.model = model

    def start(self) -> Guess:
        return self._guess(torch.tensor([[BOS]]))

    def step(self, state: Tensor, rows: Tensor, tokens: Tensor) -> Guess:
        return self._guess(torch.cat([state[rows], tokens[:, None]], 1))

    def _guess(self, ids: Tensor) -> Guess:
        with torch.no_grad():
            logits = self.model(ids).logits[:, -1]
        return Guess(logits.double().log_softmax(-1), ids)


def toy(seed: int) -> Any:
    with warnings.catch_warnings():  # of what it wishes were installed
        warnings.simplefilter("ignore")
        from transformers import GPT2Config, GPT2LMHeadModel
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=WORDS, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=BOS,
        eos_token_id=EOS, pad_token_id=EOS, initializer_range=0.9)
    return GPT2LMHeadModel(config).double().eval()


@pytest.mark.parametrize(("seed", "width", "alpha"), [
    (0, 2, 0.75), (1, 3, 0.0), (2, 4, 1.0), (3, 5, 0.75), (4, 2, 0.0), (5, 3, 1.0)])
def test_it_finds_what_transformers_finds(seed: int, width: int, alpha: float) -> None:
    model = toy(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = model.generate(
            torch.tensor([[BOS]]), attention_mask=torch.ones(1, 1, dtype=torch.long),
            num_beams=width, max_new_tokens=LONGEST, length_penalty=alpha, do_sample=False,
            early_stopping=True, return_dict_in_generate=True, output_scores=True)
    ours = find(Toy(model), [], [], {"width": width, "longest": LONGEST, "refill": True,
                                     "length_penalty": alpha})
    found = theirs.sequences[0, 1:].tolist()
    found = found[: found.index(EOS) + 1] if EOS in found else found
    assert sentence(ours, ours.attrs["best"]) == found
    assert ours.attrs["best_score"] == pytest.approx(float(theirs.sequences_scores[0]), abs=1e-5)
