"""Attention is a recurrence (phenomenon 22; Feng et al. 2024): scan, steps and softmax agree, and
the memory of the steps does not grow with the sequence."""

from __future__ import annotations

import pytest
import torch

from explorer.models.scan import by_scan, by_softmax, by_steps
from explorer.probes.bare_layers import layer, size
from tests.phenomena.seeds import SEEDS, held

LENGTHS = (1, 16, 257, 1024)


@pytest.mark.phenomena
def test_scan_steps_and_softmax_agree_to_a_millionth() -> None:
    results = []
    for seed in SEEDS:
        draw = torch.Generator().manual_seed(seed)
        s, v = torch.randn(1024, generator=draw), torch.randn(1024, 32, generator=draw)
        for T in LENGTHS:  # in single precision, as networks are trained
            one = by_softmax(s[:T], v[:T])
            off = [float((form(s[:T], v[:T]) - one).abs().max()) for form in (by_steps, by_scan)]
            results.append(max(off) < 1e-6)
    held(results)


@pytest.mark.phenomena
def test_the_memory_of_the_recurrence_does_not_grow_and_the_cache_does() -> None:
    d = 32
    for seed in SEEDS:
        torch.manual_seed(seed)
        aaren, attention = layer("aaren", d), layer("attention", d)
        text = torch.randn(LENGTHS[-1], d)
        with torch.no_grad():
            states = [size(aaren.read(text[:T].clone())[1]) for T in LENGTHS]
            caches = [size(attention.read(text[:T].clone())[1]) for T in LENGTHS]
        assert states == [4 * (d + 2)] * len(LENGTHS), "m and u, and w of d numbers"
        assert caches == [4 * 2 * d * T for T in LENGTHS]
