"""Encoder–decoder (Sutskever et al. 2014; Cho et al. 2014), with attention in the decoder after
Bahdanau et al. 2015 or Luong et al. 2015, or without any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from explorer.models.base import Model
from explorer.models.recurrent import ENDS, Recurrent
from explorer.models.scorers import Scorer
from explorer.spec import LATER
from explorer.words import N_

if TYPE_CHECKING:
    from explorer.models.translator import Translator


class Seq2Seq(Model):
    """An encoder reads the source, a decoder writes the target, looking back by attention."""

    kind: Literal["seq2seq"] = "seq2seq"
    title: ClassVar[str] = N_("Encoder–decoder")
    observes: ClassVar[tuple[str, ...]] = ("scores", "attention")

    cell: Literal["rnn", "gru", "lstm"] = Field(
        "gru", title=N_("Cell"), description=N_("What reads and what writes, step by step."))
    hidden: int = Field(
        128, ge=1, le=1024, title=N_("Hidden units"),
        description=N_("How many numbers each layer remembers."))
    layers: int = Field(
        1, ge=1, le=4, title=N_("Layers"),
        description=N_("How many recurrent layers are stacked, in encoder and decoder alike."))
    bidirectional: bool = Field(
        False, title=N_("Encoder reads both ways"),
        description=N_("A second set of weights reads the source from its end to its beginning: "
                       "what is remembered of a word knows of both sides of it."))
    embedding: int = Field(
        64, ge=1, le=1024, title=N_("Embedding size"),
        description=N_("Length of each token's learnt vector."))
    dropout: float = Field(
        0.0, ge=0, le=0.9, title=N_("Dropout"),
        description=N_("Share of the numbers of each embedding, and between layers, that is zeroed "
                       "at random while training."))
    attention: Literal["none", "additive", "dot", "general", "concat", "scaled-dot"] = Field(
        "general", title=N_("Attention"),
        description=N_("How well the decoder's state, the query, fits each of the encoder's "
                       "states, the keys. Additive is Bahdanau's and looks before each step; the "
                       "others are Luong's and look after it. Without any, the last state of the "
                       "encoder is all that the decoder has."))
    reach: Literal["global", "local"] = Field(
        "global", title=N_("Where it looks"),
        description=N_("At the whole source; or, Luong's local-p, around a place that it predicts "
                       "at each step."))
    feeding: bool = Field(
        False, title=N_("Input feeding"),
        description=N_("What a step made of its attention is part of the next step's input, so "
                       "that it knows where it has looked (Luong)."))

    shared: Annotated[bool, LATER] = Field(
        False, title=N_("One matrix reads and writes"),
        description=N_("The target's embedding is its output matrix too, so that what is learnt of "
                       "a rare token by reading it serves to write it; all embeddings begin short, "
                       "and are lengthened when they are read."))

    @model_validator(mode="after")
    def _agree(self) -> Self:
        luong = self.attention not in ("none", "additive")
        if self.reach == "local" and not luong:
            raise ValueError(N_("looking around a predicted place is Luong's: choose dot, general, "
                                "concat or scaled dot, or let it look at the whole source"))
        if self.feeding and not luong:
            raise ValueError(N_("input feeding is Luong's: additive attention feeds its context "
                                "in any case, and without attention there is nothing to feed"))
        if self.attention in ("dot", "scaled-dot") and self.bidirectional:
            raise ValueError(N_("a dot product needs queries as long as keys, and an encoder of "
                                "both directions has keys twice as long: choose general, concat "
                                "or additive, or one direction"))
        return self

    @property
    def recurrent(self) -> Recurrent:
        """The cells of this kind and size."""
        found = Model.family[self.cell].model_validate(
            {"hidden": self.hidden, "layers": self.layers, "embedding": self.embedding})
        return cast("Recurrent", found)

    @property
    def scorer(self) -> Scorer | None:
        """What compares a query with the keys; None without attention."""
        return None if self.attention == "none" else cast("Scorer", Scorer.parse(self.attention))

    @property
    def looks_before(self) -> bool:
        """Whether the context is part of a step's input (Bahdanau; without attention, the last
        state of the encoder), or is joined to its output (Luong)."""
        return self.attention in ("none", "additive")

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """Length of a key: what the encoder shows at each token, all directions together."""
        return self.directions * self.hidden

    @property
    def decoder_inputs(self) -> int:
        """Length of what the decoder's first layer reads at each step."""
        if self.looks_before:
            return self.embedding + self.width
        return self.embedding + (self.hidden if self.feeding else 0)

    def build(self, vocabulary: int, source: int = 0) -> Translator:
        """The network that writes one of `vocabulary` tokens after having read some of `source`.
        """
        from explorer.models.translator import Translator

        return Translator(self, vocabulary, source)

    def shapes(self, vocabulary: int, source: int = 0) -> dict[str, tuple[int, ...]]:
        H, W, E = self.hidden, self.width, self.embedding
        rows = self.recurrent.gates * H
        found: dict[str, tuple[int, ...]] = {
            "source.weight": (source, E), "target.weight": (vocabulary, E)}
        for part, first, ends in (("encoder", E, ENDS[: self.directions]),
                                  ("decoder", self.decoder_inputs, ENDS[:1])):
            for layer in range(self.layers):
                for end in ends:
                    name = f"l{layer}{end}"
                    inputs = first if not layer else W if part == "encoder" else H
                    found |= {f"{part}.weight_ih_{name}": (rows, inputs),
                              f"{part}.weight_hh_{name}": (rows, H),
                              f"{part}.bias_ih_{name}": (rows,), f"{part}.bias_hh_{name}": (rows,)}
        if self.bidirectional:
            for place in range(2 if self.recurrent.has_cell else 1):
                found |= {f"bridges.{place}.weight": (H, W), f"bridges.{place}.bias": (H,)}
        if self.scorer is not None:
            found |= {f"scorer.{name}": shape
                      for name, shape in self.scorer.shapes(H, W, H).items()}
        if self.reach == "local":
            found |= {"place.W_p": (H, H), "place.v_p": (H,)}
        if not self.looks_before:
            found |= {"combine.weight": (H, W + H)}
        if self.shared:
            return found | {"output.bias": (vocabulary,), "output.narrow": (E, H)}
        return found | {"output.weight": (vocabulary, H), "output.bias": (vocabulary,)}
