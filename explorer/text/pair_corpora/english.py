"""English of the built-in pairs: how its nouns and verbs change. Regular forms follow rules; the
tables hold the others, of the words that the grammars use."""

from __future__ import annotations

import re
from typing import NamedTuple

_PLURALS = {"man": "men", "woman": "women", "child": "children", "fish": "fish", "sheep": "sheep",
            "knife": "knives", "scarf": "scarves", "policeman": "policemen", "mouse": "mice",
            "potato": "potatoes", "tomato": "tomatoes", "hero": "heroes"}
_PASTS = dict(pair.split("=") for pair in (
    "be=was break=broke bring=brought buy=bought choose=chose come=came cut=cut do=did draw=drew "
    "drink=drank eat=ate fall=fell find=found give=gave go=went have=had hear=heard hide=hid "
    "know=knew leave=left lose=lost make=made read=read ride=rode run=ran say=said see=saw "
    "sell=sold send=sent sing=sang sleep=slept speak=spoke swim=swam take=took teach=taught "
    "think=thought wear=wore write=wrote").split())
_DOUBLED = {"cut", "run", "swim", "stop", "travel"}
_BE = ("am", "are", "is", "are", "are", "are")
_WAS = ("was", "were", "was", "were", "were", "were")
_AUXILIARY = {"future": "will", "can": "can", "must": "must"}


class Verb(NamedTuple):
    """A finite verb: a question puts the auxiliary before the subject, "not" stands after it."""

    auxiliary: str
    main: str


def plural(noun: str) -> str:
    """More than one of them: box → boxes, cherry → cherries, child → children."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    return _with_s(noun)


def third(verb: str) -> str:
    """What he does: go → goes, carry → carries, have → has."""
    if verb == "have":
        return "has"
    return verb + "es" if verb in ("go", "do") else _with_s(verb)


def past(verb: str) -> str:
    """What one did: carry → carried, stop → stopped, eat → ate."""
    if verb in _PASTS:
        return _PASTS[verb]
    if re.search("[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    return _doubled(verb).removesuffix("e") + "ed"


def ing(verb: str) -> str:
    """What one is doing: write → writing, run → running, see → seeing."""
    stem = verb if verb.endswith(("ee", "be")) else _doubled(verb).removesuffix("e")
    return stem + "ing"


def conjugated(verb: str, tense: str, person: int, plain: bool = True) -> Verb:
    """A verb, its first word changed, by person: I, you, he, we, you, they = 0…5.

    tense: present, progressive, past, future, going, was (… doing), used (to), can, must, want,
    like.
    plain: neither a question nor a denial, so that the present and the past need no "do".
    """
    first, _, rest = verb.partition(" ")
    rest = f" {rest}" if rest else ""
    if tense in ("want", "like"):
        return conjugated(f"{tense} to {verb}", "present", person, plain)
    if tense == "used":
        return Verb("", f"used to {verb}") if plain else Verb("did", f"use to {verb}")
    if verb == "be" and tense in ("present", "past"):
        return Verb((_BE if tense == "present" else _WAS)[person], "")
    if tense in ("progressive", "was"):
        return Verb((_BE if tense == "progressive" else _WAS)[person], ing(first) + rest)
    if tense == "going":
        return Verb(_BE[person], f"going to {verb}")
    if tense in _AUXILIARY:
        return Verb(_AUXILIARY[tense], verb)
    he = person == 2
    if plain:
        return Verb("", (past(first) if tense == "past" else third(first) if he else first) + rest)
    return Verb("did" if tense == "past" else "does" if he else "do", verb)


def sentence(words: str, stop: str) -> str:
    """Words as a sentence: its first letter large, a before a vowel an, can not in one."""
    words = re.sub(r"\b([Aa]) (?=(?!uni|use)[aeiou])", r"\1n ", " ".join(words.split()))
    words = words.replace("can not", "cannot").replace(" ,", ",")
    return words[0].upper() + words[1:] + stop


def _with_s(word: str) -> str:
    if re.search("[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search("(s|x|z|ch|sh)$", word) else "s")


def _doubled(verb: str) -> str:
    return verb + verb[-1] if verb in _DOUBLED else verb
