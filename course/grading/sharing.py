"""Who marks what, under which pseudonym, which answers are marked twice, and how far two markers agree.

What is drawn comes from the course's secret: it is the same on every day and on every machine with the course folder,
and nobody without the secret can tell who wrote what.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

SHARE, LEAST = 0.1, 5  # of the answers are marked by two people, and at least so many
_SYLLABLES = [a + b for a in "bdfghklmnprstvz" for b in "aeiou"]


class Draw:
    """What chance decides in a unit: always the same for the same secret."""

    def __init__(self, secret: bytes, unit: str):
        self._secret, self._unit = secret, unit

    def digest(self, *words: object) -> bytes:
        text = "\0".join(["marking", self._unit, *map(str, words)])
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def name(self, student: str) -> str:
        """A pseudonym that can be said aloud; nothing is looked up by it."""
        one, two, three, four = (_SYLLABLES[byte % len(_SYLLABLES)] for byte in self.digest("name", student)[:4])
        return f"{one}{two}-{three}{four}"

    def shares(self, exercise: str, students: Sequence[str], markers: Sequence[str],
               graded: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The markers of each student's answer; `students` in the order in which they first handed in.

        Of as many as there are markers, one after the other, each marker gets one: whoever hands in later changes
        nothing for those before. A sample of those who are `graded` is given to one marker more.
        """
        sample = set()
        if len(markers) > 1:
            size = max(LEAST, math.ceil(SHARE * len(graded)))
            sample = set(sorted(graded, key=lambda student: self.digest("sample", exercise, student))[:size])
        shared = {}
        for place, student in enumerate(students):
            block, turn = divmod(place, len(markers))
            order = sorted(markers, key=lambda marker: self.digest("share", exercise, block, marker))
            also = [order[(turn + 1) % len(order)]] if student in sample else []
            shared[student] = (order[turn], *also)
        return shared


def independent(rows: list[sqlite3.Row]) -> tuple[float, float] | None:
    """The points of the first two markers of one answer, as they stood when the second one had marked it.

    What is changed after that may have been talked about, and is no agreement.
    """
    stood: dict[str, float] = {}
    for row in rows:
        if row["points"] is None:
            stood.pop(row["marker"], None)
            continue
        stood[row["marker"]] = row["points"]
        if len(stood) == 2:
            one, two = stood.values()
            return one, two
    return None


def agreement(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    """Over answers with two marks: how many, the share with the same points, the mean distance, Cohen's kappa.

    Kappa with squared weights: 1 less the mean squared distance, in units of what two markers who give the same points
    as often but by lot would have. It is None where they would have none, as where both always give the same.
    """
    if not pairs:
        return {"count": 0, "same": None, "distance": None, "kappa": None}
    count = len(pairs)
    apart = sum((one - two) ** 2 for one, two in pairs) / count
    by_lot = sum((one - two) ** 2 for one, _ in pairs for _, two in pairs) / count**2
    return {"count": count, "same": sum(one == two for one, two in pairs) / count,
            "distance": sum(abs(one - two) for one, two in pairs) / count,
            "kappa": 1 - apart / by_lot if by_lot else None}
