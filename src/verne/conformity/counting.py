"""Counting what a check found: all of it, or only the blocks of records that have changed.

Where there are many records, a check that judges them one by one (`evidence(each=…)`) is counted by
blocks of neighbouring numbers, and the sums are kept. After a change only the blocks of what has
changed are counted again, each as if there were no other records of that type, and the rest is
added up. What time alone changes, such as a target that passes, is noticed in the other blocks
when the whole is counted again: every day, and in between as often as its cost allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, Model, QuerySet, Sum

from verne.engine import only
from verne.engine.evidence import Answer, Asked, Evidence, answers
from verne.engine.records import Sheet
from verne.engine.rows import insert

from .models import BlockCount, CheckResult

BLOCK: Final = 512
"""Numbers of a block: counting one takes a few milliseconds, and a million records are 2,000."""

MANY: Final = 5_000
"""With fewer records than this, counting all is as quick."""

SHARE: Final = 400
"""Counting a whole anew may take one part in so many of the time since it was last done."""

A_CHECK: Final = 10
A_BLOCK: Final = 2
"""Milliseconds that counting some blocks takes, for the check and for each of them."""

Blocks: TypeAlias = Mapping[int, tuple[int, int]]
"""Population and exceptions by block; what is not there has none."""


class NotOneByOne(Exception):
    """What a check looks at is no longer what its sums are about; all of it has to be counted."""


@dataclass(frozen=True)
class Counted:
    """What a check found. `blocks` are to be kept: all there are, or those counted anew."""

    population: int
    exceptions: int
    note: str = ""
    arose: bool = True
    blocks: Blocks | None = None
    whole: bool = True


def count(answer: Answer, asked: Asked, *, by_block: bool = False) -> Counted:
    """Count everything. By blocks only if the check judges the records one by one."""
    evidence = answer(asked)
    note, arose = str(evidence.note), evidence.arose
    if not by_block or not _is_about(answer.each, evidence):
        return Counted(evidence.population.count(), evidence.exceptions.count(), note, arose)
    blocks = _counted(evidence)
    population, exceptions = _sum(blocks.values())
    return Counted(population, exceptions, note, arose, blocks)


@dataclass(frozen=True)
class Summed:
    """The blocks of a check that have changed, and what the others come to."""

    changed: tuple[int, ...]
    rest: tuple[int, int] = (0, 0)


def summed(keys: Iterable[str]) -> dict[str, Summed]:
    """The sums of these checks, as far as something of them has changed."""
    rows = BlockCount.objects.filter(key__in=list(keys)).order_by()
    changed: dict[str, list[int]] = {}
    for key, block in rows.filter(stale=True).values_list("key", "block"):
        changed.setdefault(key, []).append(block)
    sums = rows.filter(stale=False).values_list("key")
    rest = {
        key: (population, exceptions)
        for key, population, exceptions in sums.annotate(Sum("population"), Sum("exceptions"))
    }
    return {
        key: Summed(tuple(sorted(blocks)), rest.get(key, (0, 0))) for key, blocks in changed.items()
    }


class Readings:
    """Lets one check after the other see only what has changed.

    Those that are about the same blocks of the same type see them through one view: making one
    takes as long as two checks. They should come one after the other (`nearness`).
    """

    def __init__(self, sums: Mapping[str, Summed]) -> None:
        self.sums = sums
        self._open = ExitStack()
        self._through: tuple[type[Model], tuple[int, ...]] | None = None

    def __enter__(self) -> Readings:
        return self

    def __exit__(self, *wrong: object) -> None:
        self.end()

    def nearness(self, key: str) -> tuple[bool, str, tuple[int, ...]]:
        """Sorted by this, checks that see the same come together, before those that see all."""
        known, each = self.sums.get(key), answers[key].each
        if known is None or each is None:
            return True, "", ()
        return False, each._meta.label, known.changed

    def see(self, key: str) -> None:
        """From now on only what has changed for this check is to be seen."""
        each, changed = answers[key].each, self.sums[key].changed
        assert each is not None
        if self._through != (each, changed):
            self.end()
            self._open.enter_context(only.reading(each, map(_numbers, changed)))
            self._through = each, changed

    def end(self) -> None:
        """Everything is to be seen again."""
        self._through = None
        self._open.close()


def count_changed(answer: Answer, asked: Asked, *, known: Summed) -> Counted:
    """Count the blocks in which something has changed, and add the sums of the others.

    Nothing else of that type may be seen meanwhile (`Readings`).
    """
    evidence = answer(asked)
    note, arose = str(evidence.note), evidence.arose
    blocks = dict.fromkeys(known.changed, (0, 0))
    if _is_about(answer.each, evidence):
        blocks.update(_counted(evidence))
    elif evidence.exceptions.exists():
        raise NotOneByOne(answer.key)
    population, exceptions = _sum([*blocks.values(), known.rest])
    return Counted(population, exceptions, note, arose, blocks, whole=False)


def by_blocks_now(rows: Iterable[CheckResult], at: datetime, *, hurry: bool) -> dict[str, int]:
    """Which of these checks need not be counted whole, with about the milliseconds it will take.

    A check that was last counted whole long ago is not among them, unless somebody waits.
    """
    summed = [row for row in rows if row.counted_whole_at is not None]
    if not summed:
        return {}
    stale = BlockCount.objects.filter(stale=True, key__in=[row.key for row in summed])
    blocks = dict(stale.order_by().values_list("key").annotate(Count("pk")))
    found: dict[str, int] = {}
    for row in summed:
        took = A_CHECK + A_BLOCK * blocks.get(row.key, 0)
        if row.key not in blocks or row.counted_whole_at is None or took >= row.whole_milliseconds:
            continue
        if hurry or at - row.counted_whole_at <= SHARE * timedelta(
            milliseconds=row.whole_milliseconds
        ):
            found[row.key] = took
    return found


def keep(found: Mapping[str, Counted]) -> None:
    """Keep the sums of blocks of these checks, in the transaction that keeps their figures."""
    some: list[BlockCount] = []
    for key, counted in found.items():
        if counted.whole:
            BlockCount.objects.filter(key=key).delete()
            insert(BlockCount, _rows(key, counted.blocks or {}))
        else:
            some += _rows(key, counted.blocks or {})
    BlockCount.objects.bulk_create(
        some,
        update_conflicts=True,
        unique_fields=["key", "block"],
        update_fields=["population", "exceptions", "stale"],
    )


def mark_blocks(keys: Iterable[str], records: Iterable[int]) -> None:
    """Have the blocks of these records counted anew, for the checks that keep sums."""
    blocks = {number // BLOCK for number in records}
    summed = CheckResult.objects.filter(key__in=list(keys), counted_whole_at__isnull=False)
    BlockCount.objects.bulk_create(
        [
            BlockCount(key=key, block=block, stale=True)
            for key in summed.values_list("key", flat=True)
            for block in sorted(blocks)
        ],
        update_conflicts=True,
        unique_fields=["key", "block"],
        update_fields=["stale"],
        batch_size=1000,
    )


def many_records() -> bool:
    return how_many() > MANY


def how_many() -> int:
    """About how many records there are: counting them takes long when it matters."""
    return Sheet.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _rows(key: str, blocks: Blocks) -> list[BlockCount]:
    return [
        BlockCount(key=key, block=block, population=population, exceptions=exceptions)
        for block, (population, exceptions) in sorted(blocks.items())
    ]


def _numbers(block: int) -> tuple[int, int]:
    return block * BLOCK, block * BLOCK + BLOCK - 1


def _is_about(each: type[Model] | None, evidence: Evidence) -> bool:
    return each is not None and evidence.population.model is evidence.exceptions.model is each


def _counted(evidence: Evidence) -> Blocks:
    population, exceptions = _by_block(evidence.population), _by_block(evidence.exceptions)
    return {
        block: (population.get(block, 0), exceptions.get(block, 0))
        for block in population.keys() | exceptions.keys()
    }


def _by_block(rows: QuerySet[Any]) -> dict[int, int]:
    """How many rows there are in each block."""
    try:
        query, values = rows.order_by().values(number=F("pk")).query.sql_with_params()
    except EmptyResultSet:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number / {BLOCK}, COUNT(*) FROM ({query}) AS counted GROUP BY 1", values
        )
        return dict(cursor.fetchall())


def _sum(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    population = exceptions = 0
    for p, e in pairs:
        population, exceptions = population + p, exceptions + e
    return population, exceptions
