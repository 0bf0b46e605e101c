"""What a run is made of: frozen, validated, hashed. No torch.

The same experiment is the same run: its key, a hash of its canonical JSON (which holds the hash of
its text), names the run in the store, in the URL and in every cache.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from explorer.defaults import (
    Quality,
    defaults,
    pair_defaults,
    usual_cut,
    usual_translator,
    vocabulary,
)
from explorer.errors import DataError, ExperimentError, RunError
from explorer.models import Model
from explorer.models.recurrent import Recurrent
from explorer.models.truncation import Truncation
from explorer.spec import LATER, Spec, say
from explorer.tasks import Task
from explorer.text.fit import SHORTEST
from explorer.text.pairs import Pairs
from explorer.text.types import Text, Tokenisation
from explorer.words import N_

FORMAT = 1  # raised when the meaning of a stored experiment changes


class Data(Spec):
    """Which text, and how much of its end is held out."""

    name: str = Field(max_length=200)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    characters: int = Field(ge=2)
    held_out: float = Field(
        0.1, ge=0, le=0.5, title=N_("Held out"),
        description=N_("The end of the text is kept back, so that one sees whether the network "
                       "learnt the language or the text by heart."))


class Change(Spec):
    """A hand on a run: from `step` on its learning rate is multiplied by `factor`, and gradients
    are clipped at `clip` (None: as before)."""

    step: int = Field(ge=0)
    factor: float = Field(gt=0, le=1000)
    clip: Annotated[float | None, LATER] = Field(None, ge=0, le=1000)


class Training(Spec):
    """How the network is trained."""

    steps: int = Field(500, ge=1, le=200_000, title=N_("Steps"),
                       description=N_("How often the weights are changed."))
    batch: int = Field(32, ge=1, le=512, title=N_("Batch"),
                       description=N_("How many windows are read side by side in one step."))
    window: int = Field(64, ge=SHORTEST, le=1024, title=N_("Window"),
                        description=N_("How many tokens back the gradient is followed."))
    sampling: Literal["random", "sequential"] = Field(
        "random", title=N_("Sampling"),
        description=N_("Windows from random places, each from a blank state; or in the order of "
                       "the text, the state carried on."))
    optimizer: Literal["adamw", "sgd"] = Field(
        "adamw", title=N_("Optimiser"),
        description=N_("AdamW keeps a step size for each weight; SGD has one for all."))
    learning_rate: float = Field(0.005, gt=0, le=1000, title=N_("Learning rate"),
                                 description=N_("How far one step goes."))
    schedule: Literal["one-cycle", "constant", "warm-up"] = Field(
        "one-cycle", title=N_("Schedule"),
        description=N_("One cycle: the rate rises, then falls to almost nothing. Warm-up: it rises "
                       "in a line, then falls as 1/√step, as the Transformer's paper has it."))
    warmup: Annotated[int, LATER] = Field(
        100, ge=1, le=100_000, title=N_("Steps of warm-up"),
        description=N_("How many steps the rate rises, if its schedule is a warm-up."))
    smoothing: Annotated[float, LATER] = Field(
        0.0, ge=0, le=0.9, title=N_("Label smoothing"),
        description=N_("This share of the truth is spread over all tokens while training, so that "
                       "the network does not grow too sure. The shown loss is without it."))
    clip: float = Field(1.0, ge=0, le=1000, title=N_("Clip gradients at"),
                        description=N_("A longer gradient is shortened to this length; 0 = never."))
    weight_decay: float = Field(0.0, ge=0, le=10, title=N_("Weight decay"),
                                description=N_("How strongly weights are pulled towards zero."))
    snapshots: int = Field(10, ge=1, le=200, title=N_("Snapshots"),
                           description=N_("How often the weights are kept along the way."))
    truncation: Annotated[Truncation, LATER] = Field(
        "full", title=N_("Truncation"),
        description=N_("How far back inside a window the gradient is followed: to its beginning; "
                       "to the last cut, one every so many tokens; or to cuts at random places, "
                       "which are made up for on average."))
    truncate: Annotated[int, LATER] = Field(
        16, ge=2, le=1024, title=N_("Cut every"),
        description=N_("Tokens from cut to cut, on average if they are random. Without truncation "
                       "it means nothing."))
    changes: tuple[Change, ...] = ()

    def rate(self, step: int) -> float:
        """The learning rate of a step: one cycle (Smith 2018), constant, or warm-up (Vaswani et
        al. 2017), times the changes."""
        from math import cos, pi, sqrt

        rate = self.learning_rate
        if self.schedule == "one-cycle":
            rise = 0.3 * self.steps
            if step < rise:
                rate *= 0.04 + 0.96 * 0.5 * (1 - cos(pi * step / rise))
            else:
                rate *= 1e-4 + 0.5 * (1 + cos(pi * (step - rise) / (self.steps - rise)))
        elif self.schedule == "warm-up":
            rate *= min((step + 1) / self.warmup, sqrt(self.warmup / (step + 1)))
        for change in self.changes:
            if step >= change.step:
                rate *= change.factor
        return rate

    def clipping(self, step: int) -> float:
        """The norm at which a step's gradient is clipped; 0 = never."""
        by_hand = [change.clip for change in self.changes
                   if change.clip is not None and step >= change.step]
        return by_hand[-1] if by_hand else self.clip

    def snapshot_steps(self) -> list[int]:
        """After how many steps weights are kept: 0, then closer together at first, to the end."""
        share = [(i / self.snapshots) ** 2 for i in range(self.snapshots + 1)]
        return sorted({round(self.steps * part) for part in share})


class Experiment(Spec):
    """Task, data, tokens, model, training, seed. `experiment.key` names its run."""

    task: SerializeAsAny[Annotated[Task, BeforeValidator(Task.parse)]]
    data: Data
    tokens: Tokenisation
    model: SerializeAsAny[Annotated[Model, BeforeValidator(Model.parse)]]
    training: Training
    seed: int = Field(0, ge=0, le=2**31 - 1, title=N_("Seed"),
                      description=N_("Where chance begins: the same seed gives the same run."))
    format: int = FORMAT
    _text: Text | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.model.kind not in self.task.models:
            raise ValueError(N_("this architecture cannot learn that task: a text's next token is "
                                "learnt by any but an encoder–decoder, translation by that or by a "
                                "Transformer, and gaps are filled by a Transformer alone"))
        if self.task.kind != "translation" and not self.model.carries:
            if self.training.sampling != "random":
                raise ValueError(N_("this architecture carries no state from window to window: "
                                    "choose random windows"))
            if getattr(self.model, "positions", "") == "learned" and (
                    self.training.window > getattr(self.model, "context", 0)):
                raise ValueError(N_("the windows are longer than the places that are learnt: "
                                    "choose shorter windows, more learnt places, or other "
                                    "positions"))
        if self.training.truncation != "full" and not isinstance(self.model, Recurrent):
            raise ValueError(N_("truncation follows a recurrent network back through time: this "
                                "architecture has nothing to cut"))
        if self.training.truncation != "full" and self.task.kind == "translation":
            raise ValueError(N_("truncation cuts a long text; a sentence is read whole"))
        if self.training.truncation != "full" and getattr(self.model, "bidirectional", False):
            raise ValueError(N_("truncation follows the time in one direction: choose a network "
                                "that reads in one, or no truncation"))
        return self

    @classmethod
    def language_model(
        cls,
        text: Text,
        tokens: Tokenisation | str | dict[str, Any] = "character",
        model: Model | str | dict[str, Any] = "lstm",
        steps: int | None = None,
        seed: int = 0,
        *,
        quality: Quality = "good",
        held_out: float = 0.1,
        **training: Any,
    ) -> Experiment:
        """Learn to guess the next token of `text`.

        steps: None takes a budget from the size of text and model, and from `quality` (about 4,
        15 and 60 seconds on two cores). training: any field of Training. Raises ExperimentError.
        """
        return cls._of_text("language_model", text, tokens, model, steps, seed, quality, held_out,
                            training)

    @classmethod
    def masked(
        cls,
        text: Text,
        tokens: Tokenisation | str | dict[str, Any] = "character",
        model: Model | str | dict[str, Any] = "transformer",
        steps: int | None = None,
        seed: int = 0,
        *,
        task: Task | dict[str, Any] | None = None,
        quality: Quality = "good",
        held_out: float = 0.1,
        **training: Any,
    ) -> Experiment:
        """Learn to fill the gaps of `text` from both sides.

        task: fields of Masked. All else: as for a language model. Raises ExperimentError.
        """
        what = task if isinstance(task, Task) else {"kind": "masked"} | (task or {})
        return cls._of_text(what, text, tokens, model, steps, seed, quality, held_out, training)

    @classmethod
    def translation(
        cls,
        pairs: Pairs,
        tokens: Tokenisation | str | dict[str, Any] | None = None,
        model: Model | str | dict[str, Any] = "seq2seq",
        steps: int | None = None,
        seed: int = 0,
        *,
        task: Task | dict[str, Any] | None = None,
        quality: Quality = "good",
        held_out: float = 0.1,
        **training: Any,
    ) -> Experiment:
        """Learn to write the target sentence of each source sentence of some `pairs`.

        tokens: None cuts by word or piece of a word, in lower case, where sentences have several
        words, else by character. model: named by its kind alone it has the sizes that are usual for
        such pairs. task: fields of Translation. steps and training: as for a language model.
        Raises ExperimentError.
        """
        try:
            if isinstance(model, str):
                model = {"kind": model} | usual_translator(pairs, kind=model)
            chosen = Model.parse(model)
            cut = usual_cut(pairs) if tokens is None else Tokenisation.model_validate(
                {"kind": tokens} if isinstance(tokens, str) else tokens)
            what = task if isinstance(task, Task) else {"kind": "translation"} | (task or {})
            settings = pair_defaults(len(pairs.rows), quality) | training
            return cls._of(what, pairs, cut, chosen, settings, steps, seed, held_out)
        except ValidationError as error:
            raise say(error) from error

    @classmethod
    def _of_text(
        cls, task: Any, text: Text, tokens: Any, model: Any, steps: int | None, seed: int,
        quality: Quality, held_out: float, training: dict[str, Any],
    ) -> Experiment:
        """Of one text, with the settings that are usual for it. Raises ExperimentError."""
        try:
            chosen = Model.parse(model)
            cut = Tokenisation.model_validate(
                {"kind": tokens} if isinstance(tokens, str) else tokens)
            settings = defaults(len(text.content), chosen, quality,
                                vocabulary(text, cut)) | training
            return cls._of(task, text, cut, chosen, settings, steps, seed, held_out)
        except ValidationError as error:
            raise say(error) from error

    @classmethod
    def _of(
        cls, task: Any, text: Text, tokens: Tokenisation, model: Model, settings: dict[str, Any],
        steps: int | None, seed: int, held_out: float,
    ) -> Experiment:
        """Raises ValidationError."""
        if steps is not None:
            settings = settings | {"steps": steps}
        experiment = cls(
            task=Task.parse(task),
            data=Data(name=text.name[:200], sha256=text.sha256, characters=len(text.content),
                      held_out=held_out),
            tokens=tokens, model=model, training=Training.model_validate(settings), seed=seed)
        return experiment.with_text(text)

    @classmethod
    def parse(cls, data: Any) -> Experiment:
        """An experiment from its JSON (text or dict). Raises RunError if another version wrote it,
        ExperimentError if it is not one."""
        try:
            if isinstance(data, str | bytes):
                data = json.loads(data)
            written = data.get("format")
        except (ValueError, AttributeError, RecursionError) as error:
            raise ExperimentError(N_("This is not an experiment's JSON.")) from error
        if written != FORMAT:
            raise RunError(
                N_("This run was trained by another version of the explorer (format {written}; "
                   "this one reads {known}): train it again."), written=str(written), known=FORMAT)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise say(error) from error

    @cached_property
    def key(self) -> str:
        """128 bits, as 32 hex digits, over the canonical JSON, which holds the text's hash."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False,
                               separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]

    @property
    def text(self) -> Text:
        """The text it learns from. Raises DataError when none was attached."""
        if self._text is None:
            raise DataError(N_("The text of experiment {key} is not here: open it from its store."),
                            key=self.key)
        return self._text

    def with_text(self, text: Text) -> Self:
        """This experiment with its text attached (the text itself is no field of it)."""
        if text.sha256 != self.data.sha256:
            raise DataError(
                N_("“{name}” is not the text of experiment {key}: its content differs."),
                name=text.name, key=self.key)
        attached = self.model_copy()
        attached._text = self.task.material(text)
        return attached

    def changed(self, step: int, factor: float = 1.0, clip: float | None = None) -> Experiment:
        """This experiment with a hand on it from `step` on: its learning rate multiplied, its
        gradients clipped (0 = never; None: as before)."""
        changes = (*self.training.changes, Change(step=step, factor=factor, clip=clip))
        training = self.training.model_copy(update={"changes": changes})
        other = self.model_copy(update={"training": training})
        other.__dict__.pop("key", None)
        return other

    @property
    def pure(self) -> bool:
        """Whether it ran as it was set, without a hand on rate or clipping."""
        return not self.training.changes
