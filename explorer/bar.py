"""The progress bar of the command line and of the library, on stderr."""

from __future__ import annotations

from typing import Self

from tqdm import tqdm

from explorer.training.events import Progress, Snapshot


class Bar:
    """Shows the events of a training run; a context manager."""

    def __init__(self, steps: int, shown: bool = True) -> None:
        self._bar = tqdm(total=steps, unit="step", disable=not shown, dynamic_ncols=True)
        self._validation = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.leave = self._bar.n > 0  # nothing was done: nothing is left to see
        self._bar.close()

    def __call__(self, event: Progress | Snapshot) -> None:
        if isinstance(event, Snapshot):
            return
        if "validation_perplexity" in event.metrics:
            self._validation = f", held out {_short(event.metrics['validation_perplexity'])}"
        self._bar.set_postfix_str(
            f"perplexity {_short(event.metrics['perplexity'])}{self._validation}, "
            f"{event.tokens_per_second:,.0f} tokens/s", refresh=False)
        self._bar.update(event.step - self._bar.n)


def _short(perplexity: float) -> str:
    """As a power when it has more digits than anybody reads."""
    return f"{perplexity:.2f}" if perplexity < 1e6 else f"{perplexity:.1e}"
