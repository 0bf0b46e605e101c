"""`python -m benchmarks [name…]`: run all, or those that are named, and print their ratios."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    "training",
    "transformer",
    "time_to_quality",
    "trace",
    "gradients",
    "select",
    "search",
    "side_by_side",
    "translation",
    "web",
    "heads",
    "sessions",
)


def main(names: list[str]) -> int:
    """The exit code: 0 when every ratio is as asked, 1 if one is not, 2 for an unknown name."""
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"There is no benchmark {sorted(unknown)[0]!r}; there are: {', '.join(NAMES)}.",
              file=sys.stderr)
        return 2
    kept = True
    for name in names or NAMES:
        for row in import_module(f"benchmarks.{name}").measure():
            print(row, flush=True)
            kept = kept and row.kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
