"""The book that the phenomena are measured on: The Time Machine, where it is at hand."""

from __future__ import annotations

import os
import re
from pathlib import Path


def time_machine() -> str | None:
    """The book as its chapter on language models reads it, letters only and in lower case; None
    where `EXPLORER_TEST_DATA` names no folder that holds `timemachine.txt`."""
    folder = os.environ.get("EXPLORER_TEST_DATA")
    if not folder:
        return None
    lines = (Path(folder) / "timemachine.txt").read_text(encoding="utf-8").splitlines()
    return " ".join(re.sub("[^A-Za-z]+", " ", line).strip().lower() for line in lines)
