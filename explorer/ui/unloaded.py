"""The source of functions that this process must not import, since they need torch."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def source(file: str, name: str) -> str:
    """The code of a function or method in a file of the package, "probes/cloud.py" say."""
    text = (PACKAGE / file).read_text(encoding="utf-8")
    found = next(node for node in ast.walk(ast.parse(text))
                 if isinstance(node, ast.FunctionDef) and node.name == name)
    return textwrap.dedent("\n".join(text.splitlines()[found.lineno - 1 : found.end_lineno]))
