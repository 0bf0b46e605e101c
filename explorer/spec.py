"""What every setting is made of: a frozen, validated pydantic model whose fields carry their
range, default and one line of help. The forms on the pages are generated from them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import ExperimentError
from explorer.words import N_


class Spec(BaseModel):
    """A frozen group of settings. Unknown fields, NaN and Infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Kind(Spec):
    """A spec that stands in a family (models, tasks, …) and is told apart by `kind`.

    Each direct subclass of `Kind` heads a family; each of its descendants that sets a default for
    `kind` joins it by being defined. `Family.parse({"kind": …})` finds the class.
    """

    kind: str
    family: ClassVar[dict[str, type[Kind]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if Kind in cls.__bases__:
            cls.family = {}
        kind = cls.model_fields["kind"].default
        if isinstance(kind, str):
            cls.family[kind] = cls

    @classmethod
    def parse(cls, value: Any) -> Any:
        """A member of this family from itself, its name, or a dict with its `kind`."""
        if isinstance(value, str):
            value = {"kind": value}
        if not isinstance(value, dict):
            return value
        kind = value.get("kind")
        if kind not in cls.family:
            raise ExperimentError(
                N_("There is no {family} called {kind!r}; there are: {known}."),
                family=cls.__name__.lower(), kind=kind, known=", ".join(sorted(cls.family)),
            )
        return cls.family[kind].model_validate(value)


def say(error: ValidationError) -> ExperimentError:
    """pydantic's complaint as one line for people: the field, what is wrong, what came."""
    first = error.errors()[0]
    return ExperimentError(
        N_("{field}: {complaint} (given: {given})."),
        field=".".join(str(part) for part in first["loc"]) or "settings",
        complaint=first["msg"][:1].lower() + first["msg"][1:],
        given=repr(first["input"])[:80],
    )
