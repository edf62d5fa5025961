"""Examining the database itself: does what is there agree with its history, and that with the seal?

Everything is computed anew from what the tables say. The only things trusted are the signatures,
and the checkpoints that were kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import QuerySet

from verne.verifier import Checkpoint, Frontier, Key, NotGenuine, endorsed, notes_in, open_note
from verne.verifier import sealed_hash as hash_of

from .. import triggers
from ..files import File
from ..history import Act, Entry
from ..records import Sheet
from . import canonical, tree
from .models import Erased, Leaf, Node, Salt, SealedAt, SealKey

CHUNK = 2_000


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was left, and where."""

    says: str
    table: str = ""
    row: int | None = None
    column: str = ""
    warning: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "says": self.says,
            "table": self.table,
            "row": self.row,
            "column": self.column,
            "level": "warning" if self.warning else "fault",
        }


@dataclass
class Counts:
    """How much was looked at, so that nobody takes an empty examination for a good one."""

    leaves: int = 0
    checkpoints: int = 0
    rows: int = 0
    files: int = 0
    erased: int = 0
    waiting: int = 0


def examine(*, against: str = "", counts: Counts | None = None) -> Iterator[Finding]:
    """Everything that does not agree. `against` holds checkpoints that were kept elsewhere."""
    counts = counts or Counts()
    keys = list(_keys())
    yield from (found for found in keys if isinstance(found, Finding))
    known = [found for found in keys if isinstance(found, Key)]
    checkpoints = list(_checkpoints(known, counts))
    yield from (found for found in checkpoints if isinstance(found, Finding))
    signed = [found for found in checkpoints if isinstance(found, Checkpoint)]
    yield from _tree(signed, list(_kept_elsewhere(against, known)), counts)
    for source in canonical.sources.values():
        yield from _rows_of_history(source, counts)
    yield from rows_against_history(counts)
    yield from _files(counts)
    # Last: whoever dropped them all would otherwise hide among them what was done then.
    yield from _triggers()


# --- Triggers, keys, checkpoints -----------------------------------------------------------------


def _triggers() -> Iterator[Finding]:
    for sentence in triggers.missing(connection):
        yield Finding(f"A trigger that keeps the history: {sentence}")


def _keys() -> Iterator[Key | Finding]:
    known: list[Key] = []
    for row in SealKey.objects.order_by("pk"):
        where: dict[str, Any] = {"table": SealKey._meta.db_table, "row": row.pk}
        try:
            key = Key.read(row.key)
        except NotGenuine as wrong:
            yield Finding(f"Key {row.pk} of the seal: {wrong}", **where, column="key")
            continue
        if known and not endorsed(row.key, row.endorsement, known):
            says = f"Key {key.id.hex()} of the seal is vouched for by no key before it."
            yield Finding(says, **where, column="endorsement", warning=not row.endorsement)
        known.append(key)
        yield key


def _checkpoints(keys: list[Key], counts: Counts) -> Iterator[Checkpoint | Finding]:
    """The checkpoints that are signed and say what their columns say."""
    before: SealedAt | None = None
    for row in SealedAt.objects.order_by("pk"):
        counts.checkpoints += 1
        where: dict[str, Any] = {"table": SealedAt._meta.db_table, "row": row.pk}
        try:
            said = Checkpoint.read(open_note(row.note, keys)[0])
        except NotGenuine as wrong:
            yield Finding(f"Checkpoint {row.pk} is not genuine. {wrong}", **where, column="note")
            continue
        columns = {
            "size": row.size == said.size,
            "root": bytes(row.root) == said.root,
            "at": canonical.instant(row.at) == said.at,
        }
        for column, same in columns.items():
            if not same:
                says = f"Checkpoint {row.pk}: its {column} is not what was signed."
                yield Finding(says, **where, column=column)
        if before is not None and (row.size < before.size or row.at < before.at):
            yield Finding(f"Checkpoint {row.pk} lies before the one it follows.", **where)
        before = row
        yield said


def _kept_elsewhere(text: str, keys: list[Key]) -> Iterator[Checkpoint | Finding]:
    for note in dict.fromkeys(notes_in(text)):
        try:
            yield Checkpoint.read(open_note(note, keys)[0])
        except NotGenuine as wrong:
            first = note.split("\n", 2)[1:2]
            size = first[0] if first else "?"
            yield Finding(
                f"The checkpoint of {size} entries that was kept elsewhere does not belong to the "
                f"keys of this database. {wrong} The keys were replaced, or the note was."
            )


# --- The tree ------------------------------------------------------------------------------------


def _tree(
    signed: list[Checkpoint], elsewhere: list[Checkpoint | Finding], counts: Counts
) -> Iterator[Finding]:
    """The leaves in their order, the nodes over them, and the roots that were signed of them."""
    yield from (found for found in elsewhere if isinstance(found, Finding))
    kept = [found for found in elsewhere if isinstance(found, Checkpoint)]
    roots: dict[int, bytes] = {}
    wanted = {point.size for point in (*signed, *kept)}
    nodes = {
        (level, place): bytes(digest)
        for level, place, digest in Node.objects.values_list("level", "place", "hash")
    }
    frontier, rows = Frontier(), _Whole()
    table = Leaf._meta.db_table
    if 0 in wanted:
        roots[0] = frontier.root()
    leaves = Leaf.objects.order_by("pk").values_list("pk", "hash")
    for place, digest in leaves.iterator(chunk_size=CHUNK):
        if place != frontier.size:
            yield Finding(f"Leaf {frontier.size} of the seal is missing.", table, frontier.size)
            break
        frontier.add(bytes(digest))
        for level, number, root in rows.add(bytes(digest)):
            if nodes.pop((level, number), None) != root:
                says = f"Node {number} of level {level} is not the root of the leaves under it."
                yield Finding(says, Node._meta.db_table)
        if frontier.size in wanted:
            roots[frontier.size] = frontier.root()
    counts.leaves = frontier.size
    for level, number in nodes:
        says = f"Node {number} of level {level} stands over leaves that do not exist."
        yield Finding(says, Node._meta.db_table)
    for where, points in (("in the database", signed), ("kept elsewhere", kept)):
        for point in points:
            yield from _compare(point, roots.get(point.size), frontier.size, where)
    if signed and signed[-1].size != frontier.size:
        yield Finding(
            f"The last checkpoint in the database covers {signed[-1].size} entries, the tree has "
            f"{frontier.size}: leaves were added or removed without signing."
        )
    if frontier.size and not signed:
        yield Finding("There are sealed entries and no genuine checkpoint.")


def _compare(point: Checkpoint, root: bytes | None, size: int, where: str) -> Iterator[Finding]:
    said = f"The checkpoint of {point.at[:16].replace('T', ' ')} UTC {where}"
    if root is None:
        yield Finding(
            f"{said} covers {point.size} entries, the tree has {size}: history was cut off."
        )
    elif root != point.root:
        yield Finding(
            f"{said} has another root for the first {point.size} entries than the tree: history "
            "was rewritten."
        )


class _Whole:
    """Says which kept nodes become whole as leaves are added, and their roots."""

    def __init__(self) -> None:
        self.waiting: list[list[bytes]] = [[]]
        self.made: list[int] = [0]

    def add(self, digest: bytes) -> Iterator[tuple[int, int, bytes]]:
        level = 0
        while True:
            self.waiting[level].append(digest)
            if len(self.waiting[level]) < tree.WIDTH:
                return
            digest = tree.folded(self.waiting[level])
            self.waiting[level] = []
            yield (level + 1) * tree.STEP, self.made[level], digest
            self.made[level] += 1
            level += 1
            if level == len(self.waiting):
                self.waiting.append([])
                self.made.append(0)


# --- The history against its leaves --------------------------------------------------------------


def _rows_of_history(source: canonical.Source, counts: Counts) -> Iterator[Finding]:
    """Acts, entries and what else is sealed: each is what its leaf commits to."""
    table = source.model._meta.db_table
    after = 0
    for leaves in _in_chunks(Leaf.objects.filter(source=source.name), "row"):
        last = leaves[-1].row
        rows = _rows_between(source, after, last)
        salts = dict(
            Salt.objects.filter(pk__in=[leaf.pk for leaf in leaves]).values_list("pk", "salt")
        )
        for leaf in leaves:
            row = rows.pop(leaf.row, None)
            if row is None:
                yield Finding(
                    f"{source.name.capitalize()} {leaf.row} was removed.", table, leaf.row
                )
                continue
            text = canonical.payload(source, row)
            salt = salts.get(leaf.pk)
            if salt is None:
                counts.erased += 1
                if not _was_erased(source.name, leaf.row, text):
                    says = f"{_named(source, row)} lost its content, and no erasure says so."
                    yield Finding(says, table, leaf.row)
            elif hash_of(bytes(salt), text) != bytes(leaf.hash):
                yield Finding(f"{_named(source, row)} was changed.", table, leaf.row)
        yield from _not_sealed(source, rows.values(), counts, among_sealed=True)
        after = last
    while rows := _rows_between(source, after, None):
        yield from _not_sealed(source, rows.values(), counts, among_sealed=False)
        after = max(rows)


def _rows_between(source: canonical.Source, after: int, last: int | None) -> dict[int, Any]:
    rows: QuerySet[Any] = source.model._default_manager.filter(pk__gt=after).order_by("pk")
    rows = rows.filter(pk__lte=last) if last is not None else rows[:CHUNK]
    return {row.pk: row for row in rows.iterator(chunk_size=CHUNK)}


def _not_sealed(
    source: canonical.Source, rows: Iterable[Any], counts: Counts, *, among_sealed: bool
) -> Iterator[Finding]:
    """Rows without a leaf wait for the next sealing, unless they came where none can come."""
    table = source.model._meta.db_table
    if source is not canonical.ENTRY:
        for row in rows:
            counts.waiting += 1
            if among_sealed and connection.vendor == "sqlite":
                # SQLite gives out numbers in the order of the commits: none comes late.
                yield Finding(f"{_named(source, row)} was put between sealed ones.", table, row.pk)
        return
    rows = list(rows)
    sealed = set(
        Leaf.objects.filter(source="act", row__in={row.act_id for row in rows}).values_list(
            "row", flat=True
        )
    )
    for row in rows:
        if row.act_id in sealed:
            says = f"{_named(source, row)} was added to act {row.act_id} after that was sealed."
            yield Finding(says, table, row.pk)


def _was_erased(source: str, row: int, text: bytes) -> bool:
    told = Erased.objects.filter(source=source, row=row).order_by("-pk").first()
    return told is not None and told.digest == hashlib.sha256(text).hexdigest()


def _named(source: canonical.Source, row: Any) -> str:
    """A row of the history in words by which somebody can look it up."""
    if isinstance(row, Act):
        return f"Act {row.pk} ({row.verb}{_of_record(row.record_id)}, {row.at:%Y-%m-%d %H:%M} UTC)"
    if isinstance(row, Entry):
        what = f"{row.table} row {row.row}{_of_record(row.record_id)}"
        return f"Entry {row.pk} ({what}, act {row.act_id})"
    return f"{source.name.capitalize()} {row.pk}"


def _of_record(number: int | None) -> str:
    ref = Sheet.objects.filter(pk=number).values_list("ref", flat=True).first() if number else None
    return f" of {ref}" if ref else ""


# --- The rows against their history --------------------------------------------------------------


def rows_against_history(counts: Counts) -> Iterator[Finding]:
    """Every table that is in the history, row by row; none of it is held in memory."""
    # Asked once: SQLite reads the description of every table for it.
    columns = triggers.capture_of(connection).columns(connection)
    for table in triggers.tracked_tables():
        yield from _rows(table, columns.get(table.name, {}), counts)


def _rows(table: triggers.Table, columns: dict[str, str], counts: Counts) -> Iterator[Finding]:
    """Each row says what the last entries of it say, and nothing else is there."""
    there, told = _present(table, columns), _replayed(table.name)
    key, row = next(there, (None, None))
    number, history = next(told, (None, None))
    while key is not None or number is not None:
        if number is None or (key is not None and key < number):
            assert key is not None
            counts.rows += 1
            says = f"{table.name} row {key} was added: its history knows nothing of it."
            yield Finding(says, table.name, key)
            key, row = next(there, (None, None))
        elif key is None or number < key:
            if history is not None:
                says = f"{table.name} row {number} was removed: its history still has it."
                yield Finding(says, table.name, number)
            number, history = next(told, (None, None))
        else:
            counts.rows += 1
            yield from _same(table, key, row or {}, history)
            key, row = next(there, (None, None))
            number, history = next(told, (None, None))


def _same(
    table: triggers.Table, key: int, row: dict[str, Any], history: dict[str, Any] | None
) -> Iterator[Finding]:
    if history is None:
        says = f"{table.name} row {key} is there, and its history says it was removed."
        yield Finding(says, table.name, key)
        return
    for column in sorted(row.keys() & history.keys()):
        if row[column] == history[column]:
            continue
        timed = isinstance(table.fields.get(column), models.DateTimeField)
        if not (timed and _same_instant(row[column], history[column])):
            says = (
                f"{table.name} row {key}, {column}: it says {_short(row[column])}, its history "
                f"says {_short(history[column])}."
            )
            yield Finding(says, table.name, key, column)


def _same_instant(one: Any, other: Any) -> bool:
    """PostgreSQL leaves out zeros at the end of a second; SQLite, and whoever imports, does not."""
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (TypeError, ValueError):
        return False


def _present(
    table: triggers.Table, columns: dict[str, str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table as the triggers would note them now."""
    if table.key not in columns:
        return
    query = triggers.capture_of(connection).noted(table, columns)
    after: int | None = None
    while True:
        with connection.cursor() as cursor:
            cursor.execute(query, [-(2**63) if after is None else after, CHUNK])
            found = cursor.fetchall()
        for key, text in found:
            yield key, json.loads(text)
        if len(found) < CHUNK:
            return
        after = found[-1][0]


def _replayed(table: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Each row of a table as its entries leave it; None when they say it was removed."""
    number: int | None = None
    state: dict[str, Any] | None = None
    entries = Entry.objects.filter(table=table).order_by("row", "pk")
    for row, op, after in entries.values_list("row", "op", "after").iterator(chunk_size=CHUNK):
        if row != number:
            if number is not None:
                yield number, state
            number, state = row, None
        state = None if op == Entry.Op.DELETE else (state or {}) | (after or {})
    if number is not None:
        yield number, state


# --- Files ---------------------------------------------------------------------------------------


def _files(counts: Counts) -> Iterator[Finding]:
    erased = set(Erased.objects.filter(source="file").values_list("row", flat=True))
    for file in File.objects.order_by("pk").iterator(chunk_size=CHUNK):
        counts.files += 1
        if file.pk in erased or file.is_intact():
            continue
        names = ", ".join(
            f"{name} of {ref}"
            for name, ref in file.attachments.values_list("name", "record__ref")[:3]
        )
        gone = "is missing" if not file.is_there() else "was changed"
        says = f"The file {file.sha256[:12]}… ({names or 'on no record'}) {gone}."
        yield Finding(says, File._meta.db_table, file.pk)


# --- Help ----------------------------------------------------------------------------------------


def _in_chunks(rows: QuerySet[Any], column: str) -> Iterator[list[Any]]:
    """Rows in the order of a column that never repeats, some at a time."""
    after: int | None = None
    while True:
        part = rows if after is None else rows.filter(**{f"{column}__gt": after})
        found = list(part.order_by(column)[:CHUNK])
        if not found:
            return
        yield found
        after = getattr(found[-1], column)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
