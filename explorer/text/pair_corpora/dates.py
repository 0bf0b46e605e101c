"""Dates as people write them, and as ISO 8601 does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

SIZE = 15_000
FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FORMATS = (  # never 3/7/2024, which is two dates
    "{day} {month} {year}", "{month} {day}, {year}", "{month} {nth}, {year}",
    "the {nth} of {month} {year}", "{nth} {month} {year}", "{weekday}, {day} {month} {year}",
    "{weekday}, {month} {day}, {year}", "{weekday} the {nth} of {month}, {year}",
    "{day} {short} {year}", "{short} {day}, {year}", "{short} {nth}, {year}",
    "{day}-{short}-{year}", "{abbreviated}, {day} {short} {year}",
    "{abbreviated} {short} {day} {year}", "{day}.{number}.{year}", "{day:02}.{number:02}.{year}",
    "{year}/{number}/{day}", "{year} {month} {day}",
)  # fmt: skip


def pairs() -> Iterator[tuple[str, str]]:
    """Pairs without end; the same ones each time."""
    draw = random.Random(23)
    days = (LAST - FIRST).days
    while True:
        day = FIRST + timedelta(draw.randrange(days + 1))
        yield written(day, draw.choice(FORMATS)), day.isoformat()


def written(day: date, how: str) -> str:
    """A date in one of the `FORMATS`."""
    month, weekday = MONTHS[day.month - 1], DAYS[day.weekday()]
    return how.format(day=day.day, nth=nth(day.day), number=day.month, month=month, year=day.year,
                      short=month[:3], weekday=weekday, abbreviated=weekday[:3])  # fmt: skip


def nth(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
