"""Proofs for a pack: the sealed entries of its records, each with its way to the signed root."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from verne.engine.files import Attachment, File
from verne.engine.history import Act, Entry
from verne.engine.seal import canonical
from verne.engine.seal.models import Erased, Leaf, Salt, SealKey
from verne.engine.seal.tree import Tree

AT_ONCE = 500

ATTACHMENTS, FILES = Attachment._meta.db_table, File._meta.db_table


@dataclass
class Proofs:
    """What is proven of some records: their rows as the sealed entries show them, and the lines."""

    rows: dict[int, dict[str, dict[str, dict[str, Any]]]] = field(default_factory=dict)
    """By record, table and key, the columns as they stood."""
    lines: bytes = b""


def proofs_of(records: Sequence[int], *, at: datetime, size: int) -> Proofs:
    """Everything the first `size` leaves say of some records up to an instant, with proofs."""
    told = Proofs()
    entries: list[Entry] = []
    for chunk in _chunks(sorted(records)):
        found = Entry.objects.filter(record__in=chunk, act__at__lte=at).select_related("act")
        entries += found.order_by("act__at", "id")
    leaves = _leaves("entry", [entry.pk for entry in entries], size)
    entries = [entry for entry in entries if entry.pk in leaves]
    contents = _contents_of(entries)
    leaves |= _leaves("entry", [entry.pk for entry in contents], size)
    contents = [entry for entry in contents if entry.pk in leaves]
    for entry in entries:
        assert entry.record_id is not None  # by it they were found
        _replay(told.rows.setdefault(entry.record_id, {}), entry)
    for tables in told.rows.values():
        for name in [name for name, rows in tables.items() if not rows]:
            del tables[name]
    acts = {entry.act_id: entry.act for entry in (*entries, *contents)}
    of_acts = _leaves("act", list(acts), size)
    erasures = [*_erasures("entry", leaves, size), *_erasures("act", of_acts, size)]
    acts |= {told_of.act_id: told_of.act for told_of in erasures}
    places = {("act", n): leaf for n, leaf in _leaves("act", list(acts), size).items()}
    places |= {("entry", n): leaf for n, leaf in leaves.items()}
    extra = _leaves("entry", [entry.pk for entry in erasures], size)
    places |= {("entry", n): leaf for n, leaf in extra.items()}
    rows: dict[tuple[str, int], Act | Entry] = {("act", act.pk): act for act in acts.values()}
    rows |= {("entry", entry.pk): entry for entry in (*entries, *contents, *erasures)}
    lines = _lines([(leaf, rows[key]) for key, leaf in places.items()], Tree(size))
    told.lines = b"".join(lines)
    return told


def _contents_of(entries: Iterable[Entry]) -> list[Entry]:
    """The entries that say which content the attached files have."""
    wanted = {
        int(entry.after["file_id"])
        for entry in entries
        if entry.table == ATTACHMENTS and entry.after and entry.after.get("file_id")
    }
    found: list[Entry] = []
    for chunk in _chunks(sorted(wanted)):
        rows = Entry.objects.filter(table=FILES, row__in=chunk, op=Entry.Op.INSERT)
        found += rows.select_related("act").order_by("id")
    return found


def keys_and_endorsements() -> list[dict[str, str]]:
    """Every public key of the seal, oldest first, with the word of the one before it."""
    return [
        {"key": row.key, "endorsement": row.endorsement} for row in SealKey.objects.order_by("pk")
    ]


def _replay(tables: dict[str, dict[str, dict[str, Any]]], entry: Entry) -> None:
    rows, key = tables.setdefault(entry.table, {}), str(entry.row)
    if entry.op == Entry.Op.DELETE:
        rows.pop(key, None)
    else:
        rows[key] = rows.get(key, {}) | (entry.after or {})


def _leaves(source: str, numbers: list[int], size: int) -> dict[int, Leaf]:
    found: dict[int, Leaf] = {}
    for chunk in _chunks(numbers):
        rows = Leaf.objects.filter(source=source, row__in=chunk, pk__lt=size)
        found |= {leaf.row: leaf for leaf in rows}
    return found


def _erasures(source: str, leaves: dict[int, Leaf], size: int) -> list[Entry]:
    """The sealed rows that explain why some acts or entries lost their content."""
    salted: set[int] = set()
    for chunk in _chunks([leaf.pk for leaf in leaves.values()]):
        salted |= set(Salt.objects.filter(pk__in=chunk).values_list("pk", flat=True))
    bare = [number for number, leaf in leaves.items() if leaf.pk not in salted]
    told: list[Entry] = []
    for chunk in _chunks(bare):
        rows = Erased.objects.filter(source=source, row__in=chunk).values("pk")
        told += Entry.objects.filter(
            Q(row__in=rows), table=Erased._meta.db_table, op=Entry.Op.INSERT
        ).select_related("act")
    sealed = _leaves("entry", [entry.pk for entry in told], size)
    return [entry for entry in told if entry.pk in sealed]


def _lines(rows: list[tuple[Leaf, Act | Entry]], tree: Tree) -> Iterator[bytes]:
    rows.sort(key=lambda each: each[0].pk)
    for chunk in _chunks(rows):
        salts = dict(
            Salt.objects.filter(pk__in=[leaf.pk for leaf, _row in chunk]).values_list("pk", "salt")
        )
        for leaf, row in chunk:
            line: dict[str, Any] = {
                "leaf": leaf.pk,
                "payload": canonical.payload(canonical.sources[leaf.source], row).decode(),
                "proof": [step.hex() for step in tree.inclusion(leaf.pk)],
            }
            if (salt := salts.get(leaf.pk)) is None:
                line["hash"] = bytes(leaf.hash).hex()
            else:
                line["salt"] = bytes(salt).hex()
            text = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            yield f"{text}\n".encode()


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    everything = list(values)
    for start in range(0, len(everything), AT_ONCE):
        yield everything[start : start + AT_ONCE]
