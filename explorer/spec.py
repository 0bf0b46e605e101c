"""What every setting is made of: a frozen, validated pydantic model whose fields carry their
range, default and one line of help. The forms on the pages are generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from explorer.errors import ExperimentError
from explorer.words import N_

LATER = object()
"""Marks a field that came after runs had been stored: `Annotated[bool, LATER] = Field(False, …)`.
At its default, which must mean what was done before there was the field, it is not written: an
older run keeps its key, and can still be opened."""


class Spec(BaseModel):
    """A frozen group of settings. Unknown fields, NaN and Infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def choices(cls, values: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The values that some fields can have, where others have these: what a form offers."""
        return {}

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = write(self)
        for name, field in type(self).model_fields.items():
            if LATER in field.metadata and getattr(self, name) == field.default:
                data.pop(name, None)
        return data


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
                family=cls.__name__.lower(),
                kind=kind,
                known=", ".join(sorted(cls.family)),
            )
        return cls.family[kind].model_validate(value)


COMPLAINTS = (
    {  # pydantic's kinds of error
        "greater_than": N_("{field} must be more than {gt} (given: {given})."),
        "greater_than_equal": N_("{field} must be at least {ge} (given: {given})."),
        "less_than": N_("{field} must be less than {lt} (given: {given})."),
        "less_than_equal": N_("{field} must be at most {le} (given: {given})."),
        "literal_error": N_("{field} must be one of {expected} (given: {given})."),
        "finite_number": N_("{field} must be a finite number (given: {given})."),
        "extra_forbidden": N_("There is no setting called {field}."),
        "missing": N_("{field} is missing: give it a value."),
    }
    | dict.fromkeys(
        ("int_parsing", "int_type", "int_from_float", "int_parsing_size"),
        N_("{field} must be a whole number (given: {given})."),
    )
    | dict.fromkeys(
        ("float_parsing", "float_type"), N_("{field} must be a number (given: {given}).")
    )
    | dict.fromkeys(
        ("bool_parsing", "bool_type"), N_("{field} must be true or false (given: {given}).")
    )
)


def say(error: ValidationError) -> ExperimentError:
    """pydantic's complaint as one line for people: the field, what is wrong, what came."""
    first = error.errors()[0]
    context = first.get("ctx", {})
    if first["type"] == "value_error":  # one of our own validators speaks: it says all
        return ExperimentError(str(context["error"]))
    template = COMPLAINTS.get(first["type"], N_("{field}: {complaint} (given: {given})."))
    values = {
        name: value for name, value in context.items() if isinstance(value, int | float | str)
    }
    return ExperimentError(
        template,
        **values
        | {
            "field": ".".join(str(part) for part in first["loc"]) or "settings",
            "complaint": first["msg"][:1].lower() + first["msg"][1:],
            "given": repr(first["input"])[:80],
        },
    )
