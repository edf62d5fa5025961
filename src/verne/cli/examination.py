"""What `verne doctor` looks at: the installation first, then what is kept in it."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import click
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from verne import __version__
from verne.cli import examination_of_records, start
from verne.cli.examination_of_records import (  # noqa: F401
    clocks,
    counters,
    files,
    records,
    rows_and_history,
    seal,
    search_index,
    triggers,
    unrecorded,
)
from verne.cli.finding import MEND, RESTORE, Findings, fault, megabytes, warning, well

PRIVATE = ("secret.key", "sign-in.txt", "*.pem", "*.sqlite3")
REACH = "See that the server runs, and that DATABASE_URL names it as it should."
OLD = timedelta(days=7)
"""A backup that is older is no comfort."""
SLACK = timedelta(minutes=2)
"""By how much two clocks may differ."""


def examine(*, quick: bool = False) -> Findings:
    """Everything, in the order in which one thing rests on another; quickly, what takes seconds."""
    yield well("program", f"Verne {__version__} on Python {sys.version.split()[0]}")
    for subject, look in (
        ("database", partial(database, quick=quick)),
        ("migrations", migrations),
    ):
        found = list(_guarded(subject, look))
        yield from found
        if any(finding.level == "fault" for finding in found):
            # Without its tables nothing else can be looked at.
            return
    for subject, quick_look in (examination_of_records.EXAMINATIONS | SURROUNDINGS).items():
        thorough = None if quick else examination_of_records.THOROUGH.get(subject)
        if subject == "rows" or thorough is None:
            yield from _guarded(subject, quick_look)
        if thorough is not None:
            yield from _guarded(subject, thorough)


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


def database(*, quick: bool = False) -> Findings:
    if connection.vendor == "postgresql":
        yield from _postgresql()
        return
    path = Path(str(connection.settings_dict["NAME"]))
    if not path.exists():
        yield fault("database", f"There is none at {path} yet.", "Start Verne once: verne up")
        return
    damage, dangling = [], []
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        (version,) = cursor.fetchone()
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        (size,) = cursor.fetchone()
        if not quick:
            cursor.execute("PRAGMA quick_check(5)")
            damage = [row[0] for row in cursor.fetchall() if row[0] != "ok"]
            cursor.execute("PRAGMA foreign_key_check")
            dangling = cursor.fetchmany(5)
    yield well("database", f"SQLite {version}, {path}, {megabytes(size)}")
    if damage:
        yield fault("database", f"The file is damaged: {'; '.join(damage)}", RESTORE)
    if dangling:
        tables = ", ".join(sorted({row[0] for row in dangling}))
        yield fault("database", f"Rows point at rows that are not there, in {tables}.", RESTORE)


def _postgresql() -> Findings:
    from verne.engine.keeping.postgresql import owned_sequences, set_sequences

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
        yield well("database", f"PostgreSQL {version}, {connection.settings_dict['NAME']}")
        cursor.execute("SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database")
        (failures,) = cursor.fetchone()
        if failures:
            yield fault("database", f"{failures} pages had a wrong checksum.", RESTORE)
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON oid = indexrelid"
            " WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"
        )
        for (index,) in cursor.fetchall():
            yield fault("database", f"The index {index} is not valid.", f"REINDEX INDEX {index}")
        behind = []
        for table, column, sequence in owned_sequences(cursor):
            cursor.execute(
                f'SELECT max("{column}") > (SELECT last_value FROM {sequence}) FROM "{table}"'
            )
            if cursor.fetchone()[0]:
                behind.append(table)
    if behind:
        yield fault(
            "database",
            f"The numbers of {', '.join(behind)} are behind their rows, so nothing can be added.",
            f"{MEND} lets them go on after the highest one.",
            lambda: _with_cursor(lambda cursor: set_sequences(cursor, {})),
        )


def _with_cursor(do: Callable[[object], None]) -> None:
    with connection.cursor() as cursor:
        do(cursor)


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
    """What failed for good, hangs or is late."""
    from verne.engine import jobs_desk
    from verne.engine.jobs_schedules import JobSchedule

    now = timezone.now()
    given_up: dict[str, list[jobs_desk.Seen]] = {}
    for job in jobs_desk.seen(jobs_desk.failed()[:200]):
        if not job.mended:
            given_up.setdefault(job.row.task_path, []).append(job)
    for path, failures in given_up.items():
        times = "" if len(failures) == 1 else f" {len(failures)} times, last"
        last = failures[0]
        yield warning(
            "jobs",
            f"{path} failed for good{times} on {last.row.finished_at:%Y-%m-%d %H:%M} UTC: "
            f"{last.error}",
            "Settings, Background jobs shows where, and runs it again or clears it away.",
        )
    hung = list(jobs_desk.running().filter(job__started_at__lt=now - timedelta(hours=1)))
    for claim in hung:
        yield warning(
            "jobs",
            f"{claim.job.task_path} has been running in {claim.worker} since "
            f"{claim.job.started_at:%Y-%m-%d %H:%M} UTC.",
            "If it hangs, end that process and start it again: the job is taken up anew.",
        )
    late = JobSchedule.objects.filter(due_at__lt=now - timedelta(minutes=15))
    if late:
        yield warning(
            "jobs",
            f"{len(late)} recurring jobs are late, such as {late[0].job}.",
            "They run while verne up or verne work runs; the next start makes up for it.",
        )
    if not (given_up or hung or late):
        waiting = jobs_desk.waiting()[:1000].count()
        yield well("jobs", f"{waiting} are waiting, none has failed for good.")


def backup() -> Findings:
    """When the last one was made; PostgreSQL may be backed up by other means."""
    from verne.engine.keeping import making
    from verne.engine.records import Sheet

    how = "verne backup FOLDER, on another disk; VERNE_BACKUPS=FOLDER does it every night."
    last = making.last()
    if last is None:
        if connection.vendor == "postgresql" or not Sheet.objects.exists():
            yield well("backup", "None was made with `verne backup` here.")
        else:
            yield warning("backup", "None was ever made.", how)
        return
    age = timezone.now() - datetime.fromisoformat(last["at"])
    what = f"The last one is of {last['at'][:16].replace('T', ' ')} UTC: {last['path']}"
    if age > OLD:
        yield warning("backup", f"{what}, {age.days} days ago.", how)
    elif not Path(last["path"]).exists():
        yield well("backup", f"{what}, which is not reached from here any more.")
    elif last.get("missing"):
        yield warning(
            "backup", f"{what}, and {last['missing']} attached files are not in it.", RESTORE
        )
    else:
        yield well("backup", f"{what}.")


def leftovers() -> Findings:
    """What a restoration or a backup that was killed has left, or has put aside."""
    home = Path(settings.VERNE_HOME)
    drafts = [p for name in (".restoring-*", ".verne-backup-*") for p in home.rglob(name)]
    for path in drafts[:5]:
        yield warning(
            "leftovers",
            f"{path} was left by a backup or restoration that was ended.",
            "Unless one is running now, delete it.",
        )
    for path in sorted(home.glob("before-restore-*")):
        yield warning(
            "leftovers",
            f"{path} holds what was here before a restoration.",
            "Delete it when nobody misses anything.",
        )


def clock() -> Findings:
    """Whether this machine, the database and the history agree on what time it is."""
    from verne.engine.history import Act
    from verne.engine.seal import sealing

    now = timezone.now()
    instants = list(Act.objects.order_by("-pk").values_list("recorded_at", flat=True)[:500])
    if point := sealing.newest():
        instants.append(point.at)
    latest = max(instants, default=now)
    if latest > now + SLACK:
        yield fault(
            "clock",
            f"The history reaches to {latest:%Y-%m-%d %H:%M} UTC, and here it is "
            f"{now:%Y-%m-%d %H:%M}: the clock was set back, or was ahead.",
            "Set the clock of this machine from a time server, and wait until that instant before "
            "people work on; note it where you note disturbances.",
        )
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (theirs,) = cursor.fetchone()
        if abs(theirs - timezone.now()) > SLACK:
            yield warning(
                "clock",
                f"The database says it is {theirs:%H:%M:%S} UTC, this machine {now:%H:%M:%S}.",
                "Set both from a time server.",
            )
            return
    yield well("clock", f"{now:%Y-%m-%d %H:%M} UTC, and nothing in the history is later.")


def copy_of_database() -> Findings:
    """The standby for lists, if one is named; the pooler, if one stands in between."""
    from verne.engine import replica
    from verne.engine.postgresql import pooler

    if connection.vendor == "postgresql" and pooler.is_between(connection):
        yield well("pooler", "A pooler lends connections; nothing is left on one.")
    if replica.ALIAS not in settings.DATABASES:
        return
    try:
        sight = replica.look()
    except DatabaseError as wrong:
        yield warning(
            "replica",
            f"It is not read from: {wrong}".strip(),
            "Lists are read from the primary meanwhile. See that VERNE_REPLICA_URL names a "
            "standby of this database, and that it runs.",
        )
        return
    behind = max(0, sight.primary - sight.copy)
    yield well("replica", f"It follows, {megabytes(behind)} of the log behind.")


def space() -> Findings:
    home = Path(settings.VERNE_HOME)
    free = shutil.disk_usage(home).free
    needed = 2 * sum(path.stat().st_size for path in home.glob("*.sqlite3*")) + (256 << 20)
    if free < needed:
        yield warning(
            "disk",
            f"{megabytes(free)} are free where {home} is.",
            f"Have at least {megabytes(needed)} free, or updates and backups may fail.",
        )
    else:
        yield well("disk", f"{megabytes(free)} are free where {home} is.")


SURROUNDINGS: dict[str, Callable[[], Findings]] = {
    "secrets": secrets,
    "jobs": jobs,
    "backup": backup,
    "leftovers": leftovers,
    "clock": clock,
    "disk": space,
    "replica": copy_of_database,
}
"""What lies around what is kept."""
