"""What `verne doctor` looks at: each examination yields findings with what to do about them."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import click
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Model
from django.utils import timezone

from verne import __version__
from verne.cli import start

PRIVATE = ("secret.key", "sign-in.txt", "*.pem", "*.sqlite3")
REACH = "See that the server runs, and that DATABASE_URL names it as it should."
MEND = "verne doctor --mend"
RESTORE = "Stop Verne and restore the last backup; keep what is there for the inquiry."


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `do` says how to mend it, and is empty when all is well.

    `mend` does it, where it can be done without losing anything.
    """

    subject: str
    level: str
    says: str
    do: str = ""
    mend: Callable[[], object] | None = None

    def as_dict(self) -> dict[str, str | bool]:
        return {
            "subject": self.subject,
            "level": self.level,
            "says": self.says,
            "do": self.do,
            "mendable": self.mend is not None,
        }


Findings = Iterator[Finding]


def well(subject: str, says: str) -> Finding:
    return Finding(subject, "ok", says)


def warning(subject: str, says: str, do: str, mend: Callable[[], object] | None = None) -> Finding:
    return Finding(subject, "warning", says, do, mend)


def fault(subject: str, says: str, do: str, mend: Callable[[], object] | None = None) -> Finding:
    return Finding(subject, "fault", says, do, mend)


def examine() -> Findings:
    """Everything, in the order in which one thing rests on another."""
    yield well("program", f"Verne {__version__} on Python {sys.version.split()[0]}")
    for subject, look in (("database", database), ("migrations", migrations)):
        found = list(_guarded(subject, look))
        yield from found
        if any(finding.level == "fault" for finding in found):
            # Without its tables nothing else can be looked at.
            return
    for subject, look in EXAMINATIONS.items():
        yield from _guarded(subject, look)


def _guarded(subject: str, look: Callable[[], Findings]) -> Findings:
    """A doctor that faints at the sight of a wound is of no use."""
    try:
        yield from look()
    except click.UsageError as refusal:
        # It says itself what to do.
        yield fault(subject, refusal.message, "")
    except (DatabaseError, OSError) as wrong:
        do = REACH if subject == "database" else RESTORE
        yield fault(subject, f"This could not be examined: {wrong}".strip(), do)


def database() -> Findings:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
        yield well("database", f"PostgreSQL {version}, {connection.settings_dict['NAME']}")
        return
    path = Path(str(connection.settings_dict["NAME"]))
    if not path.exists():
        yield fault("database", f"There is none at {path} yet.", "Start Verne once: verne up")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        (version,) = cursor.fetchone()
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        (size,) = cursor.fetchone()
        cursor.execute("PRAGMA quick_check(5)")
        damage = [row[0] for row in cursor.fetchall() if row[0] != "ok"]
        cursor.execute("PRAGMA foreign_key_check")
        dangling = cursor.fetchmany(5)
    yield well("database", f"SQLite {version}, {path}, {_megabytes(size)}")
    if damage:
        yield fault("database", f"The file is damaged: {'; '.join(damage)}", RESTORE)
    if dangling:
        tables = ", ".join(sorted({row[0] for row in dangling}))
        yield fault("database", f"Rows point at rows that are not there, in {tables}.", RESTORE)


def migrations() -> Findings:
    waiting = start.missing_migrations()
    if waiting:
        yield fault(
            "migrations",
            f"{len(waiting)} are to be applied, the first is {waiting[0]}.",
            "Start Verne: verne up applies them.",
        )
    else:
        yield well("migrations", "All are applied.")


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
    given = dict(Counter.objects.values_list("prefix", "last"))
    behind = {p: n for p, n in highest.items() if given.get(p, 0) < n}
    for prefix, number in sorted(behind.items()):
        yield fault(
            "references",
            f"{prefix}-{number} is on file, but the counter stands at {given.get(prefix, 0)}.",
            f"New records of this type are refused until it is raised: {MEND}",
            partial(Counter.objects.update_or_create, {"last": number}, prefix=prefix),
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


def search_index() -> Findings:
    with connection.cursor() as cursor:
        key = "sheet_id" if connection.vendor == "postgresql" else "rowid"
        cursor.execute(
            f"SELECT count(*) FROM engine_sheet WHERE id NOT IN (SELECT {key} FROM engine_search)"
        )
        (absent,) = cursor.fetchone()
        cursor.execute(
            f"SELECT count(*) FROM engine_search WHERE {key} NOT IN (SELECT id FROM engine_sheet)"
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


def rebuild_search() -> None:
    from verne.engine import search
    from verne.engine.register import registers

    with transaction.atomic():
        search.clear()
        for kind, register in registers.items():
            records = register.model._default_manager.order_by("pk").iterator(chunk_size=1000)
            search.index_many((r.pk, kind, register.search_text(r)) for r in records)


def files() -> Findings:
    from verne.engine.files import File, strays, sweep
    from verne.engine.seal.models import Erased
    from verne.engine.stores import store

    total = wrong = size = 0
    erased = Erased.objects.filter(source="file").values("row")
    for file in File.objects.exclude(pk__in=erased).order_by("pk").iterator():
        total += 1
        size += file.size
        if file.is_intact():
            continue
        wrong += 1
        state = "has other content than was attached" if file.is_there() else "is missing"
        names = ", ".join(file.attachments.values_list("name", flat=True)[:3])
        yield fault("files", f"{names or file.sha256} {state} ({file.place}).", RESTORE)
    if not wrong:
        yield well(
            "files", f"{total:,} files ({_megabytes(size)}) have the content they came with."
        )
    if left := strays():
        yield warning(
            "files",
            f"{len(left)} files in {store().place()} belong to no record, such as {left[0]}.",
            f"They are left from uploads that did not finish; {MEND} takes them away.",
            sweep,
        )


def secrets() -> Findings:
    home = Path(settings.VERNE_HOME)
    private = [path for name in PRIVATE for path in home.glob(name) if path.is_file()]
    open_ones = [path for path in private if stat.S_IMODE(path.stat().st_mode) & 0o007]
    keys = [path for path in open_ones if path.suffix in (".key", ".pem", ".txt")]
    for path in keys:
        yield fault(
            "secrets",
            f"Everybody on this machine may read {path}.",
            f"chmod 600 {path}, or {MEND}",
            partial(path.chmod, 0o600),
        )
    if set(open_ones) - set(keys) and stat.S_IMODE(home.stat().st_mode) & 0o005:
        yield warning(
            "secrets",
            f"Everybody on this machine may read the database in {home}.",
            f"chmod 700 {home}",
        )
    if (home / "sign-in.txt").exists():
        yield warning(
            "secrets",
            f"The first passwords still lie in {home / 'sign-in.txt'}.",
            "Once people have passwords of their own, change those of the first people and "
            "delete it.",
        )
    if settings.DEBUG:
        yield warning(
            "secrets",
            "VERNE_DEBUG is on: a page that fails shows its inside.",
            "Take VERNE_DEBUG out of the environment where others reach this.",
        )
    if not keys:
        yield well("secrets", "The keys are for the user who runs Verne alone.")


def jobs() -> Findings:
    from django_tasks_db.models import DBTaskResult

    from verne.engine.jobs_schedules import JobSchedule

    now = timezone.now()
    failed = DBTaskResult.objects.failed().filter(finished_at__gt=now - timedelta(days=7))
    long = DBTaskResult.objects.running().filter(started_at__lt=now - timedelta(hours=1))
    late = JobSchedule.objects.filter(due_at__lt=now - timedelta(minutes=15))
    names = failed.values("task_path").annotate(number=Count("pk")).order_by("-number")
    for row in names:
        last = failed.filter(task_path=row["task_path"]).latest("finished_at")
        reason = last.traceback.strip().splitlines()[-1:] or [last.exception_class_path]
        yield warning(
            "jobs",
            f"{row['task_path']} failed {row['number']} times in the last week: {reason[0]}",
            "Its last error is in the log of verne up.",
        )
    for hung in long:
        yield warning(
            "jobs",
            f"{hung.task_path} has been running since {hung.started_at:%Y-%m-%d %H:%M} UTC.",
            "If it hangs, end Verne and start it again: the job is taken up anew.",
        )
    if late:
        yield warning(
            "jobs",
            f"{len(late)} recurring jobs are late, such as {late[0].job}.",
            "They run while verne up runs; the next start makes up for it.",
        )
    waiting = DBTaskResult.objects.ready().count()
    if not (names or long or late):
        yield well("jobs", f"{waiting} are waiting, none has failed in the last week.")


def seal() -> Findings:
    """Whether the history goes on being sealed, and whether its key is there."""
    from verne.engine.seal import keys, sealing

    newest = sealing.newest()
    if newest is None:
        yield well("seal", "Nothing is sealed yet: that follows within an hour.")
        return
    try:
        keys.current()
    except keys.KeyLost as lost:
        yield fault("seal", str(lost), "What was sealed can still be verified without it.")
        return
    waiting, age = sealing.waiting(), timezone.now() - newest.at
    if waiting and age > timedelta(days=1):
        says = f"{waiting} acts wait to be sealed; the last sealing was on {newest.at:%Y-%m-%d}."
        yield warning("seal", says, "Keep Verne running, or run `verne seal` once a day.")
        return
    yield well(
        "seal", f"{newest.size} entries are sealed, with the key {keys.known()[-1].id.hex()}."
    )


def space() -> Findings:
    home = Path(settings.VERNE_HOME)
    free = shutil.disk_usage(home).free
    needed = 2 * sum(path.stat().st_size for path in home.glob("*.sqlite3*")) + (256 << 20)
    if free < needed:
        yield warning(
            "disk",
            f"{_megabytes(free)} are free where {home} is.",
            f"Have at least {_megabytes(needed)} free, or updates and backups may fail.",
        )
    else:
        yield well("disk", f"{_megabytes(free)} are free where {home} is.")


EXAMINATIONS: dict[str, Callable[[], Findings]] = {
    "history": triggers,
    "references": counters,
    "records": records,
    "search": search_index,
    "files": files,
    "seal": seal,
    "secrets": secrets,
    "jobs": jobs,
    "disk": space,
}


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"
