"""What the doctor finds in what is kept: records, history, clocks, index, files and seal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, Exists, Model, OuterRef, QuerySet
from django.utils import timezone

from verne.cli.finding import (
    MEND,
    RESTORE,
    Finding,
    Findings,
    fault,
    megabytes,
    the_first,
    warning,
    well,
)

if TYPE_CHECKING:
    from verne.engine.seal.models import SealedAt

INQUIRE = (
    "`verne verify --database` names each. Find out who did it, and restore a backup if need be."
)


def triggers() -> Findings:
    from verne.engine.triggers import install, missing

    wrong = missing(connection)
    if not wrong:
        yield well("history", "The triggers that write and guard the history are all there.")
        return
    yield fault(
        "history",
        f"{len(wrong)} triggers are not as they should be. {' '.join(wrong[:3])}",
        f"{MEND} puts them back. Find out who took them away: what was changed meanwhile is in "
        "no history.",
        partial(install, connection),
    )


def counters() -> Findings:
    from verne.engine.records import Counter, Sheet

    highest: dict[str, int] = {}
    odd = 0
    for ref in Sheet.objects.values_list("ref", flat=True).iterator(chunk_size=20_000):
        prefix, _dash, number = ref.rpartition("-")
        if not number.isdigit():
            odd += 1
            continue
        highest[prefix] = max(highest.get(prefix, 0), int(number))
    given = Counter.reached()
    behind = {p: n for p, n in highest.items() if given.get(p, 0) < n}
    for prefix, number in sorted(behind.items()):
        yield fault(
            "references",
            f"{prefix}-{number} is on file, but the counter stands at {given.get(prefix, 0)}.",
            f"New records of this type are refused until it is raised: {MEND}",
            partial(Counter.go_on_after, prefix, number),
        )
    if odd:
        yield fault("references", f"{odd} references have no number.", RESTORE)
    if not behind and not odd:
        yield well("references", f"{sum(1 for _p in highest)} counters agree with the records.")


def records() -> Findings:
    """Every cover sheet has its record and every record its cover sheet."""
    from verne.engine.records import Sheet
    from verne.engine.register import registers

    by_kind: dict[str, int] = dict(
        Sheet.objects.values("kind").annotate(number=Count("pk")).values_list("kind", "number")
    )
    total, wrong = sum(by_kind.values()), 0
    for kind, register in registers.items():
        model: type[Model] = register.model
        there, sheets = model._default_manager.count(), by_kind.pop(kind, 0)
        if there != sheets:
            wrong += 1
            yield fault("records", f"{kind}: {there} records, {sheets} cover sheets.", RESTORE)
    for kind, number in by_kind.items():
        wrong += 1
        yield fault(
            "records",
            f"{number} records are of type {kind}, which this program does not know.",
            "Install the version, or the extension, that wrote them.",
        )
    if not wrong:
        yield well("records", f"{total:,} cover sheets, each with its record.")


def unrecorded() -> Findings:
    """Records that the history knows nothing of."""
    from verne.engine.history import Entry
    from verne.engine.records import Sheet

    told = Entry.objects.filter(table=Sheet._meta.db_table, row=OuterRef("pk"))
    without = Sheet.objects.exclude(Exists(told)).order_by("pk").values_list("ref", flat=True)
    refs = list(without[:3])
    if refs:
        yield fault(
            "rows",
            f"Records have no history: {', '.join(refs)}{_and_more(without, refs)}.",
            INQUIRE,
        )
    else:
        yield well("rows", "Every record has a history.")


def rows_and_history() -> Findings:
    """Every row says what the last entries of it say. It reads everything once."""
    from verne.engine.seal.examining import Counts, rows_against_history

    counts = Counts()
    wrong = (fault("rows", found.says, INQUIRE) for found in rows_against_history(counts))
    found_any = False
    for finding in the_first(wrong, subject="rows"):
        found_any = True
        yield finding
    if not found_any:
        yield well("rows", f"{counts.rows:,} rows say what their history says.")


def clocks() -> Findings:
    """Every clock has the event that started it."""
    from verne.engine.clock import Clock, ClockEvent

    started = ClockEvent.objects.filter(clock=OuterRef("pk"), kind="start")
    without = Clock.objects.exclude(Exists(started)).order_by("pk")
    refs = [
        f"{measure} of {ref}" for ref, measure in without.values_list("record__ref", "measure")[:3]
    ]
    if refs:
        yield fault(
            "clocks",
            f"Clocks have nothing that started them: {', '.join(refs)}{_and_more(without, refs)}.",
            RESTORE,
        )
    else:
        yield well("clocks", f"{Clock.objects.count():,} clocks, each with what happened to it.")


def search_index() -> Findings:
    from verne.engine.keeping.indexing import rebuild_search

    # SQLite keeps the number of each text once more, in a table that is quick to read.
    table, key = (
        ("engine_search", "sheet_id")
        if connection.vendor == "postgresql"
        else ("engine_search_docsize", "id")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM engine_sheet s WHERE NOT EXISTS"
            f" (SELECT 1 FROM {table} i WHERE i.{key} = s.id)"
        )
        (absent,) = cursor.fetchone()
        cursor.execute(
            f"SELECT count(*) FROM {table} i WHERE NOT EXISTS"
            f" (SELECT 1 FROM engine_sheet s WHERE s.id = i.{key})"
        )
        (stray,) = cursor.fetchone()
    if not absent and not stray:
        yield well("search", "Every record is in the index.")
        return
    yield fault(
        "search",
        f"{absent:,} records are not in the index, {stray:,} entries of it belong to no record.",
        f"{MEND} makes the index anew.",
        rebuild_search,
    )


def files(*, quick: bool = False) -> Findings:
    """Every attached file has its content; quickly means only that it is there."""
    from verne.engine.files import strays, sweep
    from verne.engine.stores import store

    looked = _Looked()
    yield from the_first(_wrong_files(looked, quick=quick), subject="files")
    if not looked.wrong:
        says = "are there" if quick else "have the content they came with"
        yield well("files", f"{looked.files:,} files ({megabytes(looked.size)}) {says}.")
    if quick:
        return
    if left := strays():
        yield warning(
            "files",
            f"{len(left)} files in {store().place()} belong to no record, such as {left[0]}.",
            f"They are left from uploads that did not finish, or from records that an older backup "
            f"took the place of; {MEND} takes them away.",
            sweep,
        )


class _Looked:
    """How many files were looked at."""

    files = size = wrong = 0


def _wrong_files(looked: _Looked, *, quick: bool) -> Iterator[Finding]:
    from verne.engine.files import File
    from verne.engine.seal.models import Erased

    erased = Erased.objects.filter(source="file").values("row")
    for file in File.objects.exclude(pk__in=erased).order_by("pk").iterator(chunk_size=1000):
        looked.files += 1
        looked.size += file.size
        if file.is_there() if quick else file.is_intact():
            continue
        looked.wrong += 1
        state = "has other content than was attached" if file.is_there() else "is missing"
        names = ", ".join(file.attachments.values_list("name", flat=True)[:3])
        yield fault("files", f"{names or file.sha256} {state} ({file.place}).", RESTORE)


def seal() -> Findings:
    """Whether the history goes on being sealed, its key is there, and the newest seal holds."""
    from verne.engine.seal import keys, sealing

    newest = sealing.newest()
    if newest is None:
        yield well("seal", "Nothing is sealed yet: that follows within an hour.")
        return
    broken = list(_broken(newest))
    for says in broken:
        yield fault("seal", says, "`verne verify --database` looks at everything and names it.")
    try:
        keys.current()
    except keys.KeyLost as lost:
        yield fault("seal", str(lost), "What was sealed can still be verified without it.")
        return
    waiting, age = sealing.waiting(), timezone.now() - newest.at
    if waiting and age > timedelta(days=1):
        says = f"{waiting} acts wait to be sealed; the last sealing was on {newest.at:%Y-%m-%d}."
        yield warning("seal", says, "Keep Verne running, or run `verne seal` once a day.")
    elif not broken:
        yield well(
            "seal", f"{newest.size} entries are sealed, with the key {keys.known()[-1].id.hex()}."
        )


def _broken(newest: SealedAt) -> Iterator[str]:
    """What does not fit the newest checkpoint, and the newest that is kept outside."""
    from verne.engine.seal import keys, outside
    from verne.engine.seal.tree import Tree
    from verne.verifier import Checkpoint, NotGenuine, notes_in, open_note

    known = keys.known()
    tree = Tree(newest.size)
    try:
        said = Checkpoint.read(open_note(newest.note, known)[0])
    except NotGenuine as wrong:
        yield f"The newest checkpoint is not genuine. {wrong}"
        return
    if said.size != newest.size or said.root != tree.root():
        yield "The newest checkpoint was signed over another history than this one."
    kept = list(notes_in(outside.kept()))
    if not kept:
        return
    try:
        told = Checkpoint.read(open_note(kept[-1], known)[0])
    except NotGenuine as wrong:
        yield f"The newest checkpoint kept outside does not belong to this database. {wrong}"
        return
    if told.size > newest.size:
        yield (
            f"A checkpoint over {told.size:,} entries is kept outside, and here are "
            f"{newest.size:,}: the others are lost, or an older backup was restored."
        )
    elif told.root != tree.root(told.size):
        yield "The checkpoint kept outside was signed over another history than this one."


def _and_more(rows: QuerySet[Any, Any], told: list[str]) -> str:
    total = rows.count()
    return f" and {total - len(told):,} more" if total > len(told) else ""


EXAMINATIONS: dict[str, Callable[[], Findings]] = {
    "history": triggers,
    "references": counters,
    "records": records,
    "rows": unrecorded,
    "clocks": clocks,
    "search": search_index,
    "files": partial(files, quick=True),
    "seal": seal,
}
"""What takes seconds, with a million records too."""

THOROUGH: dict[str, Callable[[], Findings]] = {
    "rows": rows_and_history,
    "files": files,
}
"""What reads everything, in place of the quick look."""
