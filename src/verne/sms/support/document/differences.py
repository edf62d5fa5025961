"""What changed between two texts, line by line and, within a changed line, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "gone", "new", "changed"]

WORD = re.compile(r"[\u3000-\u9fff\uac00-\ud7af]|\w+|\s+|.", re.DOTALL)
"""A word, a space, a sign; Han and Hangul are compared sign by sign, having no spaces between."""

AROUND = 3
"""Lines shown before and after a change; what lies further away is folded."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a line; `marked` when the other side does not have it."""

    text: str
    marked: bool = False


@dataclass(frozen=True)
class Row:
    """A line before and after; None where there was none. `number` counts lines on either side."""

    kind: Kind
    before: Sequence[Piece] | None
    after: Sequence[Piece] | None
    number_before: int | None = None
    number_after: int | None = None


@dataclass(frozen=True)
class Fold:
    """Lines that both texts share, too far from a change to be shown."""

    count: int


def differences(before: str, after: str) -> list[Row]:
    """Every line of both texts, those that correspond beside each other."""
    old, new = before.splitlines(), after.splitlines()
    rows: list[Row] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            rows += [
                Row("same", [Piece(old[i])], [Piece(new[j])], i + 1, j + 1)
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
            ]
        else:
            rows += _replaced(old, new, range(i1, i2), range(j1, j2))
    return rows


def folded(rows: Sequence[Row], around: int = AROUND) -> list[Row | Fold]:
    """The changes with some lines around each; the long stretches between them folded."""
    near = {
        n
        for at, row in enumerate(rows)
        if row.kind != "same"
        for n in range(at - around, at + around + 1)
    }
    found: list[Row | Fold] = []
    for at, row in enumerate(rows):
        if at in near:
            found.append(row)
        elif found and isinstance(found[-1], Fold):
            found[-1] = Fold(found[-1].count + 1)
        else:
            found.append(Fold(1))
    return found


def in_one_column(rows: Sequence[Row | Fold]) -> Iterator[Row | Fold]:
    """The same, with what a changed line was before what it is."""
    for row in rows:
        if isinstance(row, Row) and row.kind == "changed":
            yield Row("gone", row.before, None, row.number_before)
            yield Row("new", None, row.after, None, row.number_after)
        else:
            yield row


def counts(rows: Sequence[Row]) -> tuple[int, int]:
    """How many lines came and how many went."""
    came = sum(row.kind in ("new", "changed") for row in rows)
    went = sum(row.kind in ("gone", "changed") for row in rows)
    return came, went


def _replaced(old: list[str], new: list[str], here: range, there: range) -> list[Row]:
    """Lines that were replaced: those that are alike side by side, the others alone."""
    rows: list[Row] = []
    rest = list(there)
    # A text written anew has no lines that correspond, and looking for them would take long.
    looks = len(here) * len(there) <= MOST_PAIRS
    for i in here:
        j = next((j for j in rest if looks and _alike(old[i], new[j])), None)
        if j is None:
            rows.append(Row("gone", [Piece(old[i])], None, i + 1))
            continue
        while rest and rest[0] < j:
            came = rest.pop(0)
            rows.append(Row("new", None, [Piece(new[came])], None, came + 1))
        rest.pop(0)
        before, after = _by_word(old[i], new[j])
        rows.append(Row("changed", before, after, i + 1, j + 1))
    rows += [Row("new", None, [Piece(new[j])], None, j + 1) for j in rest]
    return rows


MOST_PAIRS = 2500
ALIKE = 0.5
"""From this share of common signs on, two lines are the same one, changed."""


def _alike(before: str, after: str) -> bool:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    # The two cheap bounds rule most pairs out before anything is compared.
    return (
        matcher.real_quick_ratio() >= ALIKE
        and matcher.quick_ratio() >= ALIKE
        and matcher.ratio() >= ALIKE
    )


def _by_word(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    old, new = WORD.findall(before), WORD.findall(after)
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if i2 > i1:
            left.append(Piece("".join(old[i1:i2]), marked=tag != "equal"))
        if j2 > j1:
            right.append(Piece("".join(new[j1:j2]), marked=tag != "equal"))
    return left, right
