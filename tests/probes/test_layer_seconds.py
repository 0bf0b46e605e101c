"""Bytes against what can be added up by hand; that seconds are seconds."""

from __future__ import annotations

import sys
import time

import pytest
import torch
import xarray as xr

from explorer.errors import DataError
from explorer.probes.bare_layers import Layer, layer
from explorer.probes.layer_seconds import KINDS, Bytes, layer_seconds, peak, peaks

D = 16
module = sys.modules[layer_seconds.__module__]  # the package has the function by this name


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LENGTHS", (16, 32, 64, 128, 256, 512))
        patch.setattr(module, "MOST", 1)
        return layer_seconds(D)


def test_bytes_are_counted_while_they_live() -> None:
    x = torch.zeros(10)  # 40 bytes that were there before
    with Bytes([x]) as counted:
        y = x + 1
        z = y.view(5, 2) * 2
        assert counted.now == counted.most == 80
        del y
        assert counted.now == 40
        z.add_(1)
        x.mul_(2)
        assert counted.now == 40
    assert counted.most == 80
    del z
    assert counted.now == 0


def test_what_is_kept_is_what_the_tensors_hold(found: xr.Dataset) -> None:
    n = found["length"].values
    kept = {kind: found["kept"].sel(layer=kind).values.tolist() for kind in KINDS}
    assert kept["rnn"] == [4 * D] * len(n)
    assert kept["cnn"] == [4 * 2 * D] * len(n)
    assert kept["attention"] == kept["fused"] == [4 * 2 * length * D for length in n]
    assert kept["aaren"] == [4 * (D + 2)] * len(n)


def test_scores_take_the_square_and_the_fused_kernel_does_not(found: xr.Dataset) -> None:
    last = found.sel(length=512)["peak"]
    squares = 512 * 512
    assert int(last.sel(layer="attention")) > 3 * 4 * squares, "scores, masked, weights"
    assert int(last.sel(layer="fused")) < squares


@pytest.mark.parametrize("kind", ["rnn", "aaren"])
def test_what_is_extended_is_as_if_counted_whole(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LENGTHS", (16, 32, 64, 128, 256, 512))
    net, text = layer(kind, D), torch.randn(512, D)
    with torch.no_grad():
        assert peaks(net, True, text)[-1] == peak(net, text)


def test_seconds_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Layer):
        def read(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
            time.sleep(0.02)
            return x, (x,)

    measured = module._measure(Slow(), torch.zeros(3, 2))
    assert 0.02 <= measured["lowest"] <= measured["seconds"] <= measured["highest"]
    assert measured["repeats"] == module.MOST
    assert measured["kept"] == 24
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    assert module._measure(Slow(), torch.zeros(3, 2))["repeats"] == 1


def test_threads_and_chance_are_as_before(found: xr.Dataset) -> None:
    assert (found["seconds"] > 0).all()
    assert found.attrs == {"d": D, "k": 3, "again": 0}
    before = torch.get_num_threads(), torch.initial_seed()
    with module._one_thread():
        assert torch.get_num_threads() == 1
    assert (torch.get_num_threads(), torch.initial_seed()) == before


@pytest.mark.parametrize("asked", [{"d": 7}, {"d": 257}, {"k": 1}, {"k": 10}])
def test_out_of_range(asked: dict[str, int]) -> None:
    with pytest.raises(DataError, match="Layers of 8 to 256 numbers"):
        layer_seconds(**asked)
