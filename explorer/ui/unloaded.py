"""The source of functions that this process must not import, since they need torch."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def source(file: str, name: str) -> str:
    """The text of the function `name` in a file of the package, "probes/cloud.py" say."""
    text = (PACKAGE / file).read_text(encoding="utf-8")
    found = next(node for node in ast.parse(text).body
                 if isinstance(node, ast.FunctionDef) and node.name == name)
    return ast.get_source_segment(text, found) or ""
