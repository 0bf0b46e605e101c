"""Probes that misbehave: imported in an engine's processes through its `modules`."""

import os
import time

import numpy as np
import xarray as xr

from explorer.probes import PROBES, Opened


def nap(opened: Opened, seconds: float = 0.0) -> xr.Dataset:
    time.sleep(seconds)
    return xr.Dataset({"process": np.int64(os.getpid())}, attrs={"step": opened.step})


def crash(opened: Opened) -> xr.Dataset:
    os._exit(3)


def stumble(opened: Opened) -> xr.Dataset:
    raise ZeroDivisionError("one over none")


PROBES |= {"nap": nap, "crash": crash, "stumble": stumble}
