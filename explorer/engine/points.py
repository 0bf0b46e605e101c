"""The progress of one job, thinned evenly so that a long run costs no more than a short one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Point = dict[str, Any]  # a Progress as JSON

MOST = 2_000


class Points:
    """Every `stride`-th step, every step that was validated, and the last one."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._stride = 1
        self._kept: list[Point] = []
        self.last: Point | None = None

    def add(self, points: Iterable[Point]) -> None:
        """Points in the order of their steps. A run that went on from an earlier step writes over
        what came after it."""
        for point in points:
            if self.last is not None and point["step"] <= self.last["step"]:
                self._kept = [kept for kept in self._kept if kept["step"] < point["step"]]
            self.last = point
            if self._wanted(point):
                self._kept.append(point)
        self.thin(self._most)

    def thin(self, most: int) -> None:
        """Keep at most so many, as evenly as before; validated steps go last."""
        self._most = most
        while len(self._kept) >= most and self._stride < 2**31:
            self._stride *= 2
            self._kept = [point for point in self._kept if self._wanted(point)]
        self._kept = self._kept[-(most - 1):]

    def since(self, step: int) -> list[Point]:
        """What was reported after `step`, the last point included."""
        points = [point for point in self._kept if point["step"] > step]
        last = self.last
        if last is not None and last["step"] > step and (not points or points[-1] is not last):
            points.append(last)
        return points

    def _wanted(self, point: Point) -> bool:
        return point["step"] % self._stride == 0 or "validation_perplexity" in point["metrics"]
