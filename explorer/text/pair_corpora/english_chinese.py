"""English and Chinese sentences from one grammar.

Chinese says when and where before the verb, counts with measure words, denies with 不, or with 没
what did not happen, marks what is over with 了 and what goes on with 在, and asks with 吗.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from explorer.text.pair_corpora import english
from explorer.text.pair_corpora.english_chinese_words import (
    ACTIONS,
    ADJECTIVES,
    BY_KIND,
    GOALS,
    MASS,
    ONLY_BEGUN,
    PLACES,
    SPOTS,
    TIMES,
    Noun,
)  # fmt: skip

SIZE = 12_000


class Phrase(NamedTuple):
    """person: of the English verb, I, you, he, we, you, they = 0…5."""

    english: str
    chinese: str
    person: int


_TENSES = ("present", "present", "progressive", "past", "past", "future", "can", "want", "must",
           "like")  # fmt: skip
_BEFORE = {"can": "可以", "want": "想", "must": "必须", "like": "喜欢", "future": "要"}
_NUMBERS = ("两", "三", "四", "五", "六", "七", "八", "九", "十")
_COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PRONOUNS = (("I", "我", 0), ("you", "你", 1), ("he", "他", 2), ("she", "她", 2), ("we", "我们", 3),
             ("they", "他们", 5))  # fmt: skip
_OWNERS = (("my", "我"), ("your", "你"), ("his", "他"), ("her", "她"), ("our", "我们"),
           ("their", "他们"))  # fmt: skip
_NAMES = (("Xiao Ming", "小明"), ("Mr Wang", "王先生"), ("Miss Li", "李小姐"), ("Anna", "安娜"))


def pairs() -> Iterator[tuple[str, str]]:
    """Sentence pairs without end; the same ones each time."""
    writer = _Writer(random.Random(22))
    while True:
        yield writer.sentence()


class _Writer:
    """Draws sentences by chance."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.chance = draw.random

    def sentence(self) -> tuple[str, str]:
        kinds = {self._deed: 50, self._quality: 16, self._having: 12, self._there_is: 9,
                 self._likeness: 7, self._who: 6}  # fmt: skip
        return self.draw.choices(list(kinds), list(kinds.values()))[0]()

    def _deed(self) -> tuple[str, str]:
        """Who, when, where, does what: stated, denied or asked."""
        who, tense = self._subject(), self.draw.choice(_TENSES)
        denied, asked = self.draw.choice([(False, False)] * 3 + [(True, False), (False, True)])
        verb, after, chinese, follows = self._action(denied or asked)
        if tense == "progressive" and chinese in ONLY_BEGUN:
            tense = "present"
        when, where = self._when(tense), self._where(chinese)
        denied = denied and tense != "progressive"
        made = english.conjugated(verb, tense, who.person, not (denied or asked))
        here = [who.english, made.auxiliary, "not" if denied else "", made.main]
        if asked:
            here = [made.auxiliary, who.english, made.main]
        there = [who.chinese, when[1], *_chinese_verb(tense, denied, where[1], chinese, follows)]
        return _ended([*here, after, where[0], when[0]], [*there, "吗" if asked else ""], asked)

    def _quality(self) -> tuple[str, str]:
        """How someone or something is: 很, 不 or 吗."""
        kind = self.draw.choice(list(BY_KIND))
        who = self._subject() if kind == "person" else self._definite(self._noun(kind), True)
        word, chinese, *_ = self.draw.choice(ADJECTIVES[kind])
        verb = english.conjugated("be", "present", who.person).auxiliary
        how = self.chance()
        if how < 0.2:
            return _ended([verb, who.english, word], [who.chinese, chinese, "吗"], True)
        if how < 0.4:
            return _ended([who.english, verb, "not", word], [who.chinese, "不", chinese])
        much = self.draw.choice([("very", "很"), ("too", "太"), ("really", "真")])
        last = "了" if much[0] == "too" else ""
        return _ended([who.english, verb, much[0], word], [who.chinese, much[1], chinese, last])

    def _having(self) -> tuple[str, str]:
        """有, whose denial is 没有."""
        who, noun = self._subject(), self._noun()
        how = self.chance()
        if how < 0.25:
            made = english.conjugated("have", "present", who.person, plain=False)
            name = noun.english if noun.english in MASS else english.plural(noun.english)
            return _ended([who.english, made.auxiliary, "not have any", name],
                          [who.chinese, "没有", noun.chinese])
        what = self._counted(noun)
        if how < 0.5:
            made = english.conjugated("have", "present", who.person, plain=False)
            return _ended([made.auxiliary, who.english, "have", what.english],
                          [who.chinese, "有", what.chinese, "吗"], True)
        made = english.conjugated("have", "present", who.person)
        return _ended([who.english, made.main, what.english], [who.chinese, "有", what.chinese])

    def _there_is(self) -> tuple[str, str]:
        kind = self.draw.choice(["animal", "food", "text", "thing", "clothes"])
        size = "large" if kind in ("animal", "thing") else "little"
        what, (here, there) = self._counted(self._noun(kind)), self.draw.choice(SPOTS[size])
        verb = "are" if what.person == 5 else "is"
        if self.chance() < 0.3:
            return _ended([verb, "there", what.english, here],
                          [there, "有", what.chinese, "吗"], True)
        return _ended(["there", verb, what.english, here], [there, "有", what.chinese])

    def _likeness(self) -> tuple[str, str]:
        """跟 … 一样, and 没有 for what is less so: as tall as."""
        kind = self.draw.choice(["person", "animal", "thing", "clothes", "text", "food"])
        one, other = map(self._definite, self.draw.sample(BY_KIND[kind], 2), (True, True))
        word, chinese, *_ = self.draw.choice(ADJECTIVES[kind])
        verb = english.conjugated("be", "present", one.person).auxiliary
        no = self.chance() < 0.25
        return _ended([one.english, verb, "not" if no else "", "as", word, "as", other.english],
                      [one.chinese, "跟" if not no else "没有", other.chinese,
                       "一样" if not no else "", chinese])  # fmt: skip

    def _who(self) -> tuple[str, str]:
        """谁, 什么, 哪里 stand where the answer will stand."""
        who = self._subject()
        action = self.draw.choice([action for action in ACTIONS if action.kinds[:1] != ("person",)])
        asked = bool(action.kinds) and self.chance() < 0.5
        tense = self.draw.choice(["present", "want", "future", "past" if asked else "can"])
        made = english.conjugated(action.english, tense, who.person, plain=False)
        when = self._when(tense)
        if asked:
            there = _chinese_verb(tense, False, "", action.chinese, "什么")
            return _ended(["what", made.auxiliary, who.english, made.main, when[0]],
                          [who.chinese, when[1], *there], True)
        thing = Phrase("", "", 2)
        if action.kinds:
            thing = self._definite(self._noun(self.draw.choice(action.kinds)))
        there = _chinese_verb(tense, False, "在哪里", action.chinese, thing.chinese)
        return _ended(["where", made.auxiliary, who.english, made.main, thing.english, when[0]],
                      [who.chinese, when[1], *there], True)

    def _action(self, open: bool) -> tuple[str, str, str, str]:
        """Verb and object in English and Chinese. open: denied or asked, so "any", not "some"."""
        if self.chance() < 0.12:
            here, there = self.draw.choice(GOALS)
            return "go", f"to {here}", "去", there
        action = self.draw.choice(ACTIONS)
        if not action.kinds:
            return action.english, "", action.chinese, ""
        noun = self._noun(self.draw.choice(action.kinds))
        definite = open or self.chance() < 0.5 or noun.kind == "person"
        what = self._definite(noun) if definite else self._counted(noun)
        return action.english, what.english, action.chinese, what.chinese

    def _when(self, tense: str) -> tuple[str, str]:
        known = {"want": "future", "can": "future", "must": "future", "like": "present"}
        if self.chance() < 0.5:
            return "", ""
        return self.draw.choice(TIMES[known.get(tense, tense)])

    def _where(self, verb: str) -> tuple[str, str]:
        return ("", "") if verb == "去" or self.chance() < 0.65 else self.draw.choice(PLACES)

    def _subject(self) -> Phrase:
        chance = self.chance()
        if chance < 0.45:
            return Phrase(*self.draw.choice(_PRONOUNS))
        if chance < 0.55:
            return Phrase(*self.draw.choice(_NAMES), 2)
        return self._definite(self._noun("person"))

    def _noun(self, kind: str = "") -> Noun:
        return self.draw.choice(BY_KIND[kind or self.draw.choice(list(BY_KIND))])

    def _definite(self, noun: Noun, plain: bool = False) -> Phrase:
        """this, that, my, with an adjective now and then, unless it is to be plain."""
        word, chinese = (noun.english, noun.chinese) if plain else self._described(noun)
        if noun.english not in MASS and self.chance() < 0.6:
            one = self.draw.choice([("this", "这"), ("that", "那")])
            return Phrase(f"{one[0]} {word}", f"{one[1]}{noun.measure}{chinese}", 2)
        one = self.draw.choice(_OWNERS)
        return Phrase(f"{one[0]} {word}", f"{one[1]}的{chinese}", 2)

    def _counted(self, noun: Noun) -> Phrase:
        """a, two, three, with the measure word."""
        word, chinese = self._described(noun)
        at = self.draw.randrange(-4, len(_COUNTS))
        unit = {"杯": "cup", "瓶": "bottle"}.get(noun.measure)
        number, many = (_NUMBERS[at], True) if at >= 0 else ("一", False)
        if unit:
            thing = f"{english.plural(unit) if many else unit} of {word}"
        else:
            *adjective, name = word.rsplit(" ", 1)
            thing = " ".join([*adjective, english.plural(name) if many else name])
        return Phrase(f"{_COUNTS[at] if many else 'a'} {thing}",
                      f"{number}{noun.measure}{chinese}", 5 if many else 2)

    def _described(self, noun: Noun) -> tuple[str, str]:
        if self.chance() < 0.7:
            return noun.english, noun.chinese
        word, chinese, links, _ = self.draw.choice([a for a in ADJECTIVES[noun.kind] if a.leads])
        return f"{word} {noun.english}", f"{chinese}{links}{noun.chinese}"


def _chinese_verb(tense: str, denied: bool, where: str, verb: str, follows: str) -> list[str]:
    """[不|没|在|想] [where] verb [了] [object]."""
    if tense == "past":
        return ["没" if denied else "", where, *_over(verb, follows, denied)]
    before = "不" if denied else ""
    if tense == "progressive":
        return ["在" if not where else "正", where, verb, follows]
    if tense == "future" and denied:
        return ["不会", where, verb, follows]
    if tense == "must" and denied:
        return ["不能", where, verb, follows]
    return [before + _BEFORE.get(tense, ""), where, verb, follows]


def _over(verb: str, follows: str, denied: bool) -> list[str]:
    """What is over: 了 after the verb, or at the end when nothing follows."""
    return [verb, follows] if denied else [verb, "了", follows]


def _ended(here: list[str], there: list[str], asked: bool = False) -> tuple[str, str]:
    return (english.sentence(" ".join(here), "?" if asked else "."),
            "".join(there) + ("？" if asked else "。"))
