"""What can go wrong at the door, in words for people: the thing, the place, the cure.

A message is kept as a template and its values, so that the page can say it in its own language
and a process can hand it to another as JSON.
"""

from collections.abc import Mapping
from typing import Any, Self

from explorer.words import N_, _


class ExplorerError(Exception):
    """An error meant for the person who asked; `str(error)` is one clear line."""

    def __init__(self, template: str, /, **values: Any) -> None:
        super().__init__(template, values)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return _say(self.template, self.values)

    def to_json(self) -> dict[str, Any]:
        """The error as plain data: `from_json` makes it again."""
        return {"error": type(self).__name__, "template": self.template, "values": self.values}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "ExplorerError":
        kinds = {kind.__name__: kind for kind in _descendants(ExplorerError)}
        kind = kinds.get(str(data.get("error")), ExplorerError)
        return kind(str(data["template"]), **data.get("values", {}))


def _say(template: str, values: Mapping[str, Any]) -> str:
    """A text of ours, filled. A value may be a text of ours too, such as the reason for a refusal:
    a str, or {"template": …, "values": …} if it is to be filled itself."""
    said = {name: _(value) if isinstance(value, str)
            else _say(value["template"], value["values"]) if _is_text(value) else value
            for name, value in values.items()}
    return _(template).format(**said)


def _is_text(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"template", "values"}


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
    """Training met NaN or Infinity. `values` holds step, tensor and the last good snapshot, and
    what else was found (see `explorer.training.doctor`)."""

    @classmethod
    def at(
        cls, step: int, tensor: str | Mapping[str, Any], last_good: int, **found: Any
    ) -> Self:
        """step: the one that was not taken. tensor: which broke first, in words: a text of ours,
        or {"template": …, "values": …}. found: any more, as plain data."""
        return cls(
            N_(
                "At step {step} the {tensor} was no longer a finite number: training stopped, and "
                "the snapshot of step {last_good} is kept. Lower the learning rate or switch "
                "clipping on."
            ) if step else N_(
                "Before the first step the {tensor} was no finite number: there is nothing to go "
                "on from. Draw other weights: a smaller spectral radius, say."
            ),
            step=step,
            tensor=tensor,
            last_good=last_good,
            **found,
        )
