"""Where tensors live: a GPU when there is one, else the CPU."""

from __future__ import annotations

import os

import torch


def device() -> torch.device:
    """EXPLORER_DEVICE if set, else cuda, mps or cpu, whichever is there first."""
    wanted = os.environ.get("EXPLORER_DEVICE")
    if wanted:
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
