"""A clause of the English–French pairs, drawn once, said in both languages."""

from __future__ import annotations

from typing import NamedTuple

from explorer.text.pair_corpora import english, french

# French says these with another verb and the infinitive
MODALS = {"going": "aller", "can": "pouvoir", "must": "devoir", "want": "vouloir"}


class Phrase(NamedTuple):
    """Someone or something in both languages. person: of the verb, I, you, he, we, you, they."""

    english: str
    french: str
    person: int
    gender: str
    many: bool


class Predicate(NamedTuple):
    """What is said of a subject. verb, infinitive: in either language. after, follows: what comes
    after the verb, in English and in French. pronoun: an object that French puts before the verb,
    with its gender and number. state: see Action."""

    verb: str
    infinitive: str
    after: str
    follows: str
    state: bool = False
    pronoun: tuple[str, str, bool] | None = None


class Clause(NamedTuple):
    """A subject, a verb in a tense, and what comes after it."""

    subject: Phrase
    predicate: Predicate
    tense: str
    negative: bool = False
    place: tuple[str, str] = ("", "")


def said(clause: Clause) -> tuple[str, str]:
    """A clause as a statement."""
    subject, predicate = clause.subject, clause.predicate
    verb = english.conjugated(predicate.verb, clause.tense, subject.person, not clause.negative)
    no = "not" if clause.negative else ""
    here = [subject.english, verb.auxiliary, no, verb.main, predicate.after, clause.place[0]]
    return " ".join(here), f"{subject.french} {_french_verb(clause)}"


def asked(clause: Clause) -> tuple[str, str]:
    """A clause as a question."""
    subject, predicate = clause.subject, clause.predicate
    verb = english.conjugated(predicate.verb, clause.tense, subject.person, plain=False)
    here = [verb.auxiliary, subject.english, verb.main, predicate.after, clause.place[0]]
    return " ".join(here), f"est-ce que {subject.french} {_french_verb(clause)}"


def _french_verb(clause: Clause) -> str:
    """[ne] [object] verb [pas] [participle or infinitive] and what follows."""
    subject, predicate, tense = clause.subject, clause.predicate, clause.tense
    person, infinitive = subject.person, predicate.infinitive
    pronoun = predicate.pronoun[0] if predicate.pronoun else ""
    last = ""
    if tense in MODALS:
        finite, last = french.present(MODALS[tense], person), f"{pronoun} {infinitive}"
        pronoun = ""
    elif tense == "past" and not predicate.state:
        helper = "être" if infinitive in french.WITH_BE else "avoir"
        finite, last = french.present(helper, person), _participle(subject, predicate)
    elif tense in ("past", "was", "used"):
        finite = french.imperfect(infinitive, person)
    elif tense == "future":
        finite = french.future(infinitive, person)
    else:
        finite = french.present(infinitive, person)
    words = [pronoun, finite, last]
    if clause.negative:
        words = ["ne", pronoun, finite, "pas", last]
    return " ".join([*words, predicate.follows, clause.place[1]])


def _participle(subject: Phrase, predicate: Predicate) -> str:
    """It agrees with who went, or with the object that stands before it."""
    done = french.participle(predicate.infinitive)
    if predicate.infinitive in french.WITH_BE:
        return french.agreed(done, subject.gender, subject.many)
    return french.agreed(done, *predicate.pronoun[1:]) if predicate.pronoun else done
