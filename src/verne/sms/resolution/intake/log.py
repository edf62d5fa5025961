"""The rows of a log: opened whatever packed them, grouped by incident, their flaws noted."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO, Any

from .mapping import Mapping, MappingError

OPENERS = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}


@dataclass(frozen=True)
class Flaw:
    """Something in the log that could not be taken as it is, and what was done instead."""

    row: int
    number: str
    column: str
    value: str
    done: str


@dataclass
class Row:
    """One update: where it stands in the file, when it happened, what it said (empty: left out)."""

    line: int
    at: datetime
    said: dict[str, str]


@dataclass
class Log:
    """A whole log: its incidents in the order of the file, and its flaws."""

    incidents: dict[str, list[Row]] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)
    rows: int = 0

    def note(self, row: int, number: str, column: str, value: str, done: str) -> None:
        self.flaws.append(Flaw(row, number, column, value, done))


def open_log(path: Path) -> IO[str]:
    """The text of a log, unpacked on the way."""
    opener: Any = OPENERS.get(path.suffix.lower(), open)
    stream: IO[str] = opener(path, "rt", encoding="utf-8-sig", newline="")
    return stream


def read(path: Path, mapping: Mapping, zone: tzinfo) -> Log:
    """Read a log. Equal words are kept once, so that 141,712 rows fit into little memory."""
    log = Log()
    with open_log(path) as stream:
        reader = csv.reader(stream)
        places = _places(next(reader, []), mapping, path)
        for line, cells in enumerate(reader, start=2):
            log.rows += 1
            _take(log, line, cells, places, mapping, zone)
    for number, rows in log.incidents.items():
        _check_order(log, number, rows)
    return log


def _places(heads: list[str], mapping: Mapping, path: Path) -> list[tuple[str, int]]:
    where = {head.strip(): n for n, head in enumerate(heads)}
    if missing := [c for c in mapping.columns.values() if c not in where]:
        raise MappingError(
            f"{path.name} has no column {missing[0]!r}. It has: {', '.join(where) or 'none'}."
        )
    return [(name, where[column]) for name, column in mapping.columns.items()]


def _take(
    log: Log,
    line: int,
    cells: list[str],
    places: list[tuple[str, int]],
    mapping: Mapping,
    zone: tzinfo,
) -> None:
    said = {}
    for name, place in places:
        text = cells[place].strip() if place < len(cells) else ""
        if text not in mapping.empty:
            said[name] = sys.intern(text)
    number = said.get("number", "")
    if not number:
        log.note(line, "", mapping.columns["number"], "", "The row names no incident: left out.")
        return
    known = log.incidents.setdefault(number, [])
    at = _instant(log, line, said, "updated_at", mapping, zone)
    if at is None:
        at = known[-1].at if known else _instant(log, line, said, "opened_at", mapping, zone)
    if at is None:
        log.note(line, number, "", "", "No time can be read from the row: left out.")
        return
    for name in ("opened_at", "resolved_at", "closed_at"):
        if name in said and _instant(log, line, said, name, mapping, zone) is None:
            del said[name]
    known.append(Row(line, at, said))


def _instant(
    log: Log, line: int, said: dict[str, str], name: str, mapping: Mapping, zone: tzinfo
) -> datetime | None:
    text = said.get(name)
    if text is None:
        return None
    try:
        return mapping.instant(text, zone)
    except ValueError:
        column = mapping.columns[name]
        log.note(line, said.get("number", ""), column, text, "Not a time: taken as unknown.")
        return None


def _check_order(log: Log, number: str, rows: list[Row]) -> None:
    """The file tells the order. Where update numbers or times disagree, say so."""
    before: Row | None = None
    for row in rows:
        if before is not None:
            now, then = row.said.get("update_number", ""), before.said.get("update_number", "")
            if now.isdigit() and then.isdigit() and int(now) < int(then):
                log.note(
                    row.line, number, "update_number", now, "After a higher one: order of the file."
                )
            if row.at < before.at:
                log.note(
                    row.line,
                    number,
                    "updated_at",
                    row.said.get("updated_at", ""),
                    "Earlier than the update before it: taken as of that one.",
                )
                row.at = before.at
        before = row


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
