"""Probes that misbehave: imported in an engine's processes through its `modules`."""

import os
import time

import numpy as np
import xarray as xr

from explorer.probes import BARE, PROBES, Opened


def nap(opened: Opened, seconds: float = 0.0) -> xr.Dataset:
    time.sleep(seconds)
    return xr.Dataset({"process": np.int64(os.getpid())}, attrs={"step": opened.step})


def crash(opened: Opened) -> xr.Dataset:
    os._exit(3)


def stumble(opened: Opened) -> xr.Dataset:
    raise ZeroDivisionError("one over none")


def double(numbers: list[float]) -> xr.Dataset:
    """Needs no run."""
    return xr.Dataset({"doubled": ("place", 2 * np.array(numbers))})


def slip() -> xr.Dataset:
    raise ZeroDivisionError("none over none")


BARE |= {"double": double, "slip": slip}
PROBES |= {"nap": nap, "crash": crash, "stumble": stumble}
