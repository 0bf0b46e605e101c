"""English and French sentences from one grammar: a clause is drawn once and said twice.

French agrees: articles, adjectives and participles with gender and number, verbs with their
subject; its small words give way to vowels.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from explorer.text.pair_corpora import english, french
from explorer.text.pair_corpora.english_french_clauses import (
    MODALS,
    Clause,
    Phrase,
    Predicate,
    asked,
    said,
)  # fmt: skip
from explorer.text.pair_corpora.english_french_words import (
    ACTIONS,
    ADJECTIVES,
    AGES,
    BY_KIND,
    FEELINGS,
    GIFTS,
    NAMES,
    NUMBERS,
    TIMES,
    Action,
    Noun,
)  # fmt: skip

SIZE = 15_000
_DETERMINERS = {  # English one and many: French of him, of her, of several
    ("the", "the"): ("le", "la", "les"), ("this", "these"): ("ce", "cette", "ces"),
    ("my", "my"): ("mon", "ma", "mes"), ("your", "your"): ("ton", "ta", "tes"),
    ("his", "his"): ("son", "sa", "ses"), ("her", "her"): ("son", "sa", "ses"),
    ("our", "our"): ("notre", "notre", "nos"), ("their", "their"): ("leur", "leur", "leurs"),
}  # fmt: skip
_SHARES = (12, 4, 4, 2, 3, 3, 2, 1)
_PRONOUNS = (("I", "je", 0, "m", False), ("you", "tu", 1, "m", False), ("he", "il", 2, "m", False),
             ("she", "elle", 2, "f", False), ("we", "nous", 3, "m", True),
             ("they", "ils", 5, "m", True))  # fmt: skip
_OBJECTS = (("him", "le", "m", False), ("her", "la", "f", False), ("them", "les", "m", True))
_TENSES = ("present", "present", "progressive", "progressive", "past", "past", "past", "future",
           "future", "going", "was", "used", "can", "must", "want")  # fmt: skip
_ACCIDENTS = {"tomber", "perdre"}  # nobody wants to, or must
_NO_ORDERS = _ACCIDENTS | {"voir", "entendre", "arriver"}
_WHEN = {"going": "future", "used": "", "was": "past", "can": "future", "must": "future",
         "want": "future"}  # fmt: skip


def pairs() -> Iterator[tuple[str, str]]:
    """Sentence pairs without end; the same ones each time."""
    writer = _Writer(random.Random(21))
    while True:
        yield writer.sentence()


class _Writer:
    """Draws sentences by chance."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.chance = draw.random

    def sentence(self) -> tuple[str, str]:
        kinds = {
            self._statement: 40, self._short: 14, self._question: 14, self._order: 7,
            self._there_is: 7, self._thought: 7, self._because: 6, self._likeness: 5,
        }  # fmt: skip
        return self.draw.choices(list(kinds), list(kinds.values()))[0]()

    # Sentences

    def _statement(self) -> tuple[str, str]:
        clause = self._clause()
        here, there = said(clause)
        when = self._time(clause)
        if when[0] and self.chance() < 0.3:
            return _ended(f"{when[0]} , {here}", f"{when[1]} , {there}")
        return _ended(f"{here} {when[0]}", f"{there} {when[1]}")

    def _short(self) -> tuple[str, str]:
        subject = self._pronoun() if self.chance() < 0.8 else self._name()
        predicate = self._quality(subject) if self.chance() < 0.4 else self._bare()
        return _ended(*said(Clause(subject, predicate, self._tense(predicate),
                                   self.chance() < 0.25)))

    def _question(self) -> tuple[str, str]:
        word = self.draw.choice([("", ""), ("", ""), ("why", "pourquoi"), ("where", "où"),
                                 ("when", "quand")])
        clause = self._clause(negative=False)
        while word[0] and clause.predicate.verb == "be":
            clause = self._clause(negative=False)
        if word[0] == "where":
            clause = clause._replace(place=("", ""))
        here, there = asked(clause)
        when = self._time(clause) if word[0] != "when" else ("", "")
        return (english.sentence(f"{word[0]} {here} {when[0]}", "?"),
                french.sentence(f"{word[1]} {there} {when[1]}", "?"))

    def _order(self) -> tuple[str, str]:
        predicate = self._deed(denied := self.chance() < 0.3, pronouns=False)
        while predicate.state or predicate.infinitive in _NO_ORDERS:
            predicate = self._deed(denied, pronouns=False)
        verb = french.imperative(predicate.infinitive)
        where = self._where(predicate)
        here = f"{'do not ' if denied else ''}{predicate.verb} {predicate.after} {where[0]}"
        there = f"ne {verb} pas" if denied else verb
        return (english.sentence(here, "!"),
                french.sentence(f"{there} {predicate.follows} {where[1]}", "!"))

    def _there_is(self) -> tuple[str, str]:
        kind = self.draw.choice(["animal", "person", "thing", "food", "drink"])
        denied, where = self.chance() < 0.25, self._place()
        what = self._noun(self.draw.choice(BY_KIND[kind]), denied, definite=False)
        verb = "are" if what.many else "is"
        if self.chance() < 0.25 and not denied:
            return (english.sentence(f"{verb} there {what.english} {where[0]}", "?"),
                    french.sentence(f"est-ce que il y a {what.french} {where[1]}", "?"))
        there = "il ne y a pas" if denied else "il y a"
        return _ended(f"there {verb} {'not ' if denied else ''}{what.english} {where[0]}",
                      f"{there} {what.french} {where[1]}")

    def _thought(self) -> tuple[str, str]:
        who = self._pronoun() if self.chance() < 0.6 else self._name()
        verb = self.draw.choice([("think", "penser"), ("say", "dire"), ("know", "savoir")])
        here, there = said(Clause(who, Predicate(*verb, "", ""), "present"))
        inner = said(self._clause())
        return _ended(f"{here} that {inner[0]}", f"{there} que {inner[1]}")

    def _because(self) -> tuple[str, str]:
        first = self._clause()._replace(place=("", ""))
        again = first.subject if first.subject.person in (0, 1, 3) else _they(first.subject)
        tense = "past" if first.tense in ("past", "was", "used") else "present"
        why = Clause(again, self._quality(again), tense, self.chance() < 0.2)
        (here, there), (cause, reason) = said(first), said(why)
        return _ended(f"{here} because {cause}", f"{there} parce que {reason}")

    def _likeness(self) -> tuple[str, str]:
        kind = self.draw.choice(["person", "animal", "thing", "clothes"])
        one, other = (self._noun(self.draw.choice(BY_KIND[kind])) for _ in range(2))
        adjective = self.draw.choice(ADJECTIVES[kind])
        like = french.agreed(adjective.french, one.gender, one.many)
        predicate = Predicate("be", "être", f"as {adjective.english} as {other.english}",
                              f"aussi {like} que {other.french}", True)
        return _ended(*said(Clause(one, predicate, self._tense(predicate), self.chance() < 0.2)))

    # Clauses

    def _clause(self, negative: bool | None = None) -> Clause:
        denied = self.chance() < 0.2 if negative is None else negative
        subject = self._subject()
        predicate = self._quality(subject) if self.chance() < 0.25 else self._deed(denied)
        return Clause(subject, predicate, self._tense(predicate), denied, self._where(predicate))

    def _tense(self, predicate: Predicate) -> str:
        if predicate.state:
            return self.draw.choice(["present", "present", "past", "future"])
        tense = self.draw.choice(_TENSES)
        accident = predicate.infinitive in _ACCIDENTS and tense in MODALS
        return "past" if accident else tense

    def _where(self, predicate: Predicate) -> tuple[str, str]:
        """The place of what is done, now and then."""
        placed = predicate.state or predicate.infinitive in ("aller", "revenir")
        return ("", "") if placed or self.chance() < 0.7 else self._place()

    def _time(self, clause: Clause) -> tuple[str, str]:
        tense = _WHEN.get(clause.tense, clause.tense)
        if clause.predicate.state and tense == "present":
            tense = "progressive"
        if not tense or self.chance() < 0.55:
            return ("", "")
        return self.draw.choice(TIMES[tense])

    def _bare(self) -> Predicate:
        """Something done to nothing, or to someone who is named by a pronoun."""
        if self.chance() < 0.5:
            return self._with_pronoun(self.draw.choice(
                [action for action in ACTIONS if "person" in action.kinds]))
        action = self.draw.choice([action for action in ACTIONS if not action.kinds])
        return Predicate(action.english, action.french, "", "")

    def _deed(self, denied: bool, pronouns: bool = True) -> Predicate:
        chance = self.chance()
        if chance < 0.1:
            go, aller, to = self.draw.choice([("go to", "aller", "à"),
                                              ("come back from", "revenir", "de")])
            noun = self.draw.choice(BY_KIND["outside"])
            return Predicate(go, aller, f"the {noun.english}", f"{to} {_the(noun)}")
        if chance < 0.18:
            gift, whom = self.draw.choice(GIFTS), self._noun(self.draw.choice(BY_KIND["person"]))
            what = self._noun(self.draw.choice(BY_KIND["thing"]), denied)
            return Predicate(gift.english, gift.french, f"{what.english} to {whom.english}",
                             f"{what.french} à {whom.french}")
        action = self.draw.choice(ACTIONS)
        if not action.kinds:
            return Predicate(action.english, action.french, "", "")
        if pronouns and "person" in action.kinds and chance < 0.35:
            return self._with_pronoun(action)
        noun = self.draw.choice(BY_KIND[self.draw.choice(action.kinds)])
        what = self._noun(noun, denied, definite=True if action.state else None)
        return Predicate(action.english, action.french, what.english, what.french, action.state)

    def _with_pronoun(self, action: Action) -> Predicate:
        whom, word, gender, many = self.draw.choice(_OBJECTS)
        return Predicate(action.english, action.french, whom, "", action.state,
                         (word, gender, many))

    def _quality(self, subject: Phrase) -> Predicate:
        """How someone is: an adjective, a feeling, an age."""
        chance = self.chance()
        if chance < 0.25:
            here, there = self.draw.choice(FEELINGS)
            return Predicate("be", "avoir", here, there, True)
        if chance < 0.32:
            here, there = self.draw.choice(AGES)
            return Predicate("be", "avoir", f"{here} years old", f"{there} ans", True)
        adjective = self.draw.choice(ADJECTIVES["person"])
        how = self.draw.choice([("", ""), ("", ""), ("very", "très"), ("too", "trop")])
        said = french.agreed(adjective.french, subject.gender, subject.many)
        return Predicate("be", "être", f"{how[0]} {adjective.english}", f"{how[1]} {said}", True)

    # Phrases

    def _subject(self) -> Phrase:
        chance = self.chance()
        if chance < 0.35:
            return self._pronoun()
        if chance < 0.47:
            return self._name()
        if chance < 0.57:
            one, other = self._name(), self._noun(self.draw.choice(BY_KIND["person"]), many=False)
            gender = "f" if one.gender == other.gender == "f" else "m"
            return Phrase(f"{one.english} and {other.english}", f"{one.french} et {other.french}",
                          5, gender, True)
        return self._noun(self.draw.choice(BY_KIND["person"]))

    def _pronoun(self) -> Phrase:
        return Phrase(*self.draw.choice(_PRONOUNS))

    def _name(self) -> Phrase:
        name = self.draw.choice(list(NAMES))
        return Phrase(name, name, 2, NAMES[name], False)

    def _noun(self, noun: Noun, denied: bool = False, definite: bool | None = True,
              many: bool | None = None) -> Phrase:  # fmt: skip
        """A noun with what stands before it and an adjective. definite: the, this, my …; not: a,
        some, two …, which French says differently after a denial; None: by chance."""
        several = not noun.mass and (self.chance() < 0.35 if many is None else many)
        adjective = self.draw.choice(ADJECTIVES[noun.kind]) if self.chance() < 0.3 else None
        name = english.plural(noun.english) if several else noun.english
        here = f"{adjective.english} {name}" if adjective else name
        there = french.plural(noun.french) if several else noun.french
        leads = bool(adjective and adjective.leads)
        if adjective:
            agreed = french.agreed(adjective.french, noun.gender, several)
            if leads and noun.gender == "m" and not several:
                agreed = french.before(agreed, there)
            there = f"{agreed} {there}" if leads else f"{there} {agreed}"
        if definite is None:
            definite = self.chance() < 0.55
        if definite:
            one = self.draw.choices(list(_DETERMINERS), _SHARES)[0]
            determiners = (one[several], _DETERMINERS[one][2 if several else noun.gender == "f"])
        else:
            determiners = self._some(noun, several, denied, leads)
        return Phrase(f"{determiners[0]} {here}", f"{determiners[1]} {there}",
                      5 if several else 2, noun.gender, several)

    def _some(self, noun: Noun, several: bool, denied: bool, leads: bool) -> tuple[str, str]:
        """a, some, two: un, une, du, de la, des; de after a denial, or before petits."""
        if several and self.chance() < 0.3:
            return self.draw.choice(NUMBERS)
        if (several or noun.mass) and self.chance() < 0.2:
            return "a lot of", "beaucoup de"
        if denied:
            return "any" if several or noun.mass else "a", "de"
        if several:
            return "some", "de" if leads else "des"
        if noun.mass:
            return "some", "de la" if noun.gender == "f" else "de le"
        return "a", "une" if noun.gender == "f" else "un"

    def _place(self) -> tuple[str, str]:
        kind = self.draw.choice(["inside", "outside"])
        noun = self.draw.choice(BY_KIND[kind])
        here, there = self.draw.choice([
            ("in", "dans") if kind == "inside" else ("at", "à"),
            ("near", "près de"), ("in front of", "devant"), ("behind", "derrière")])
        return f"{here} the {noun.english}", f"{there} {_the(noun)}"


def _they(subject: Phrase) -> Phrase:
    """Someone once more, as he, she or they."""
    if subject.many:
        return Phrase("they", "elles" if subject.gender == "f" else "ils", 5, subject.gender, True)
    she = subject.gender == "f"
    return Phrase("she" if she else "he", "elle" if she else "il", 2, subject.gender, False)


def _the(noun: Noun) -> str:
    return f"{'la' if noun.gender == 'f' else 'le'} {noun.french}"


def _ended(here: str, there: str) -> tuple[str, str]:
    return english.sentence(here, "."), french.sentence(there, ".")
