"""What can go wrong at the door, in words for people: the thing, the place, the cure.

A message is kept as a template and its values, so that the page can say it in its own language
and a process can hand it to another as JSON.
"""

from typing import Any, Self

from explorer.words import N_, _


class ExplorerError(Exception):
    """An error meant for the person who asked; `str(error)` is one clear line."""

    def __init__(self, template: str, /, **values: Any) -> None:
        super().__init__(template, values)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        # A value may be a text of ours too, such as the reason for a refusal.
        said = {name: _(value) if isinstance(value, str) else value
                for name, value in self.values.items()}
        return _(self.template).format(**said)

    def to_json(self) -> dict[str, Any]:
        """The error as plain data: `from_json` makes it again."""
        return {"error": type(self).__name__, "template": self.template, "values": self.values}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "ExplorerError":
        kinds = {kind.__name__: kind for kind in _descendants(ExplorerError)}
        kind = kinds.get(str(data.get("error")), ExplorerError)
        return kind(str(data["template"]), **data.get("values", {}))


def _descendants(kind: type[ExplorerError]) -> list[type[ExplorerError]]:
    return [kind] + [d for child in kind.__subclasses__() for d in _descendants(child)]


class DataError(ExplorerError):
    """Text that cannot be used: empty, binary, too long, …"""


class ExperimentError(ExplorerError):
    """Settings that contradict each other or lie outside their range."""


class RunError(ExplorerError):
    """A run that is not there, is damaged, or was made by another version."""


class QueueFull(ExplorerError):
    """The queue takes no more work now."""


class EngineError(ExplorerError):
    """The engine cannot be reached, or a probe ran past its time limit."""


class Diverged(ExplorerError):
    """Training met NaN or Infinity. `values` holds step, tensor and the last good snapshot."""

    @classmethod
    def at(cls, step: int, tensor: str, last_good: int) -> Self:
        return cls(
            N_(
                "At step {step} the {tensor} was no longer a finite number: training stopped, and "
                "the snapshot of step {last_good} is kept. Lower the learning rate or switch "
                "clipping on."
            ),
            step=step,
            tensor=tensor,
            last_good=last_good,
        )
