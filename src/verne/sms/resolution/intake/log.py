"""The rows of a log: opened whatever packed them, grouped by incident, their flaws noted."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from .mapping import Mapping, MappingError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

OPENERS: dict[str, Any] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}

DONE: dict[str, StrOrPromise] = {
    "no_number": _("The row names no incident: left out."),
    "no_time": _("No time can be read from the row: left out."),
    "short": _("The row has fewer cells than the head: the missing ones are taken as empty."),
    "long": _("The row has more cells than the head: those beyond it are left out."),
    "bad_time": _("Not a time: taken as unknown."),
    "numbers": _("Not above the update number before it: the order of the file counts."),
    "order": _("Earlier or later than its place in the file: taken as of the update beside it."),
    "gaps": _("Incidents whose update numbers skip some: the log does not hold every update."),
    "opened_late": _("After the first update: taken as of that update."),
    "state": _("The mapping has no such state: the one before it is kept."),
    "word": _("The mapping has no word for it: left empty."),
    "closing": _("The mapping has no such closing code: kept as the words of the resolution."),
    "not_resolved": _("No instant is told: taken as of the update that resolved it."),
    "resolved_again": _(
        "Resolved again without being reopened: the last instant stands, and the clock stops at "
        "the first."
    ),
    "reopened": _("Not a number: counted from the states."),
    "grown": _("On file from an earlier run with fewer rows: the later rows are not taken."),
    "refused": _("The incident could not be filed."),
}
"""What was done about something that could not be taken as it is."""


@dataclass(frozen=True)
class Flaw:
    """Something in the log that could not be taken as it is; `kind` says what was done instead."""

    row: int
    number: str
    column: str
    value: str
    kind: str

    @property
    def done(self) -> str:
        return str(DONE[self.kind])


@dataclass
class Row:
    """One update: where it stands in the file, when it happened, its cells (an empty one is "")."""

    line: int
    at: datetime
    cells: tuple[str, ...]


@dataclass
class Log:
    """A whole log: its incidents in the order of the file, and its flaws."""

    heads: tuple[str, ...] = ()
    places: dict[str, int] = field(default_factory=dict)
    incidents: dict[str, list[Row]] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)
    rows: int = 0

    def note(self, row: int, number: str, column: str, value: str, kind: str) -> None:
        self.flaws.append(Flaw(row, number, column, value, kind))

    def said(self, row: Row) -> dict[str, str]:
        """What a row says, by our words; what it leaves empty is left out."""
        cells = row.cells
        return {name: cells[place] for name, place in self.places.items() if cells[place]}

    def told(self, row: Row) -> dict[str, str]:
        """What a row says in all its columns, by their heads; what it leaves empty is left out."""
        return {head: cell for head, cell in zip(self.heads, row.cells, strict=True) if cell}


Told = Callable[[int, int, str], None]


def read(path: Path, mapping: Mapping, zone: tzinfo, told: Told | None = None) -> Log:
    """Read a log. Equal words are kept once, so that 141,712 rows fit into little memory."""
    log, kept = Log(), _Cells(mapping.empty)
    with _opened(path) as (stream, share):
        lines = csv.reader(stream)
        try:
            log.heads = tuple(head.strip() for head in next(lines, []))
            log.places = _places(log.heads, mapping, path)
            for line, cells in enumerate(lines, start=2):
                log.rows += 1
                _take(log, line, cells, kept, mapping, zone)
                if told is not None and not line % 5000:
                    told(*share(), str(_("Reading the log")))
        except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, csv.Error) as error:
            raise MappingError(
                f"{path.name} cannot be read beyond row {log.rows + 1}: {error}. "
                "It has to be CSV in UTF-8, packed with xz, gzip or bzip2, or not at all."
            ) from error
    for number, rows in log.incidents.items():
        _check_order(log, number, rows, mapping)
    _count_gaps(log, mapping)
    return log


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[str], Callable[[], tuple[int, int]]]]:
    """The text of a log, unpacked on the way, and how much of the file has been read."""
    size = path.stat().st_size
    with path.open("rb") as packed:
        opener = OPENERS.get(path.suffix.lower())
        plain = opener(packed) if opener else packed
        with TextIOWrapper(plain, encoding="utf-8-sig", newline="") as stream:
            yield stream, lambda: (packed.tell(), size)


def _places(heads: tuple[str, ...], mapping: Mapping, path: Path) -> dict[str, int]:
    where = {head: n for n, head in enumerate(heads)}
    if missing := [c for c in mapping.columns.values() if c not in where]:
        raise MappingError(
            f"{path.name} has no column {missing[0]!r}. It has: {', '.join(where) or 'none'}."
        )
    return {name: where[column] for name, column in mapping.columns.items()}


class _Cells(dict[str, str]):
    """Cells as they are kept: without spaces around them, an empty one as "", equal ones once."""

    def __init__(self, empty: frozenset[str]) -> None:
        self.empty = empty

    def __missing__(self, cell: str) -> str:
        plain = cell.strip()
        self[cell] = kept = "" if plain in self.empty else sys.intern(plain)
        return kept


def _take(
    log: Log, line: int, cells: list[str], kept: _Cells, mapping: Mapping, zone: tzinfo
) -> None:
    words = [kept[cell] for cell in cells]
    wide = len(log.heads)
    number = words[log.places["number"]] if log.places["number"] < len(words) else ""
    if len(words) != wide:
        kind = "short" if len(words) < wide else "long"
        log.note(line, number, "", " · ".join(words[wide:]), kind)
        words = (words + [""] * wide)[:wide]
    if not number:
        told = " · ".join(word for word in words if word)
        log.note(line, "", mapping.columns["number"], told, "no_number")
        return
    for name in ("opened_at", "resolved_at", "closed_at"):
        if name in log.places:
            _instant(log, line, words, name, mapping, zone)
    known = log.incidents.setdefault(number, [])
    at = _instant(log, line, words, "updated_at", mapping, zone)
    if at is None and known:
        at = known[-1].at
    if at is None:
        at = _instant(log, line, words, "opened_at", mapping, zone)
    if at is None:
        told = " · ".join(word for word in words if word)
        log.note(line, number, mapping.columns["updated_at"], told, "no_time")
        if not known:
            del log.incidents[number]
        return
    known.append(Row(line, at, tuple(words)))


def _instant(
    log: Log, line: int, words: list[str], name: str, mapping: Mapping, zone: tzinfo
) -> datetime | None:
    text = words[log.places[name]]
    if not text:
        return None
    try:
        return mapping.instant(text, zone)
    except ValueError:
        log.note(line, words[log.places["number"]], mapping.columns[name], text, "bad_time")
        return None


# --- The order of the updates --------------------------------------------------------------------


def _check_order(log: Log, number: str, rows: list[Row], mapping: Mapping) -> None:
    """The file tells the order. Where update numbers or times disagree, say so."""
    for before, row in pairwise(rows):
        then, now = _numbered(log, before), _numbered(log, row)
        if then is not None and now is not None and now <= then:
            log.note(row.line, number, mapping.columns["update_number"], str(now), "numbers")
    if any(later.at < sooner.at for sooner, later in pairwise(rows)):
        _straighten(log, number, rows, mapping)


def _numbered(log: Log, row: Row) -> int | None:
    place = log.places.get("update_number")
    text = row.cells[place] if place is not None else ""
    return int(text) if text.isdecimal() else None


def _straighten(log: Log, number: str, rows: list[Row], mapping: Mapping) -> None:
    """Let as few updates as possible move: those that stand in the way of all others."""
    kept = _longest_run([row.at for row in rows])
    column = mapping.columns["updated_at"]
    last = rows[min(kept)].at
    for n, row in enumerate(rows):
        if n not in kept:
            log.note(row.line, number, column, row.cells[log.places["updated_at"]], "order")
            row.at = last
        last = row.at


def _longest_run(times: list[datetime]) -> set[int]:
    """Places of the longest run of times that never goes back."""
    ends: list[datetime] = []
    places: list[int] = []
    before: list[int] = []
    for n, at in enumerate(times):
        length = bisect_right(ends, at)
        before.append(places[length - 1] if length else -1)
        ends[length : length + 1] = [at]
        places[length : length + 1] = [n]
    run, n = set(), places[-1]
    while n >= 0:
        run.add(n)
        n = before[n]
    return run


def _count_gaps(log: Log, mapping: Mapping) -> None:
    """One line for all incidents of which the log shows only some updates."""
    if "update_number" not in log.places:
        return
    skipping = 0
    for rows in log.incidents.values():
        numbers = [_numbered(log, row) for row in rows]
        skipping += any(
            now is not None and then is not None and now > then + 1
            for then, now in pairwise(numbers)
        )
    if skipping:
        log.note(0, "", mapping.columns["update_number"], str(skipping), "gaps")


def chunks(log: Log, size: int) -> Iterator[list[tuple[str, list[Row]]]]:
    """Incidents in groups, in the order of the file."""
    group: list[tuple[str, list[Row]]] = []
    for item in log.incidents.items():
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
