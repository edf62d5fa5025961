"""A program of its own: holds what is on file against what was acknowledged.

    python -m faults.judge JOURNAL      prints findings as JSON

Everything acknowledged is there exactly once, whole; whatever else is there is whole, too.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import django

from .journal import Wanted, read

WAIT_FOR_JOBS = 60
OURS = "Printer "
"""How every title that the clients write begins."""
EXPECTED_CLOCKS = {"respond", "resolve"}


def findings(wanted: Sequence[Wanted], *, may_be_lost: bool = False) -> Iterator[str]:
    """Everything that is not as it should be.

    With `may_be_lost`, acknowledged acts may be absent, as after a failover to a standby that was
    behind; what is there must be whole all the same, and nothing may be there twice.
    """
    for look in (_files_, _comments, _attachments, _moves, _revisions):
        yield from look(wanted, may_be_lost)
    yield from _half_done()
    yield from _clocks()
    yield from _order()


def absent(wanted: Sequence[Wanted]) -> list[str]:
    """Keys of acknowledged acts that are not on file."""
    there = {
        "file": _count(_titles()),
        "comment": _count(_texts()),
        "job": _count(_texts()),
        "attach": _count(_names()),
        "revise": _count(_descriptions()),
        "move": _count(_moved()),
    }
    return [act.key for act in wanted if act.acknowledged and not there[act.what][_mark(act)]]


def wait_for_jobs() -> list[str]:
    """Until no job of ours waits any more; those that never end are findings.

    What failed and was put off is run at once, as somebody would on the page of the jobs.
    """
    from django.utils import timezone
    from django_tasks_db.models import DBTaskResult

    ours = DBTaskResult.objects.filter(task_path="faults.jobs.remark", finished_at=None)
    until = time.monotonic() + WAIT_FOR_JOBS
    while ours.exists() and time.monotonic() < until:
        now = timezone.now()
        ours.filter(run_after__gt=now).update(run_after=now)
        time.sleep(0.5)
    return [
        f"A job is {row.status} still after {WAIT_FOR_JOBS} s: asked for at {row.enqueued_at}, "
        f"begun at {row.started_at} by {row.worker_ids}"
        for row in ours
    ]


# --- Exactly once --------------------------------------------------------------------------------


def _mark(act: Wanted) -> Any:
    """What is counted: the words of an act that no other has."""
    match act.what:
        case "move":
            return act.ref, act.name
        case "attach":
            return act.name
    return act.says


def _once(
    what: str, wanted: Sequence[Wanted], there: Iterable[Any], may_be_lost: bool
) -> Iterator[str]:
    counts = _count(there)
    for act in wanted:
        if act.what != what:
            continue
        times = counts[_mark(act)]
        told = f"{what} {act.name or act.says!r} on {act.ref or 'nothing'} ({act.key})"
        if times > 1:
            yield f"{told} is there {times} times"
        if act.acknowledged and not times and not may_be_lost:
            yield f"{told} was acknowledged and is not there"


def _files_(wanted: Sequence[Wanted], may_be_lost: bool) -> Iterator[str]:
    yield from _once("file", wanted, _titles(), may_be_lost)
    named = dict(_incidents().values_list("title", "ref"))
    for act in wanted:
        if act.what == "file" and act.acknowledged and act.says in named:
            ref = named[act.says]
            if ref != act.ref and not may_be_lost:
                yield f"{act.says!r} was acknowledged as {act.ref} and is {ref}"


def _comments(wanted: Sequence[Wanted], may_be_lost: bool) -> Iterator[str]:
    yield from _once("comment", wanted, _texts(), may_be_lost)
    yield from _once("job", wanted, _texts(), may_be_lost)


def _attachments(wanted: Sequence[Wanted], may_be_lost: bool) -> Iterator[str]:
    from verne.engine.files import Attachment

    yield from _once("attach", wanted, _names(), may_be_lost)
    sums = {act.name: act.says for act in wanted if act.what == "attach"}
    for row in Attachment.objects.filter(name__in=list(sums)).select_related("file"):
        if row.file.sha256 != sums[row.name]:
            yield f"{row.name} is kept under another sum than that of what was sent"
        elif not row.file.is_intact():
            yield f"{row.name} is on file and its content is not in the store as it was sent"


def _moves(wanted: Sequence[Wanted], may_be_lost: bool) -> Iterator[str]:
    yield from _once("move", wanted, _moved(), may_be_lost)
    reached = {"start": ("in_progress", "resolved"), "resolve": ("resolved",)}
    states = dict(_incidents().values_list("ref", "state"))
    for act in wanted:
        if act.what == "move" and act.acknowledged and not may_be_lost:
            state = states.get(act.ref, "nothing")
            if state not in reached[act.name]:
                yield f"{act.ref} was moved with {act.name} and is {state}"


def _revisions(wanted: Sequence[Wanted], may_be_lost: bool) -> Iterator[str]:
    yield from _once("revise", wanted, _descriptions(), may_be_lost)
    last = {act.ref: act.says for act in wanted if act.what == "revise" and act.acknowledged}
    says = dict(_incidents().values_list("ref", "description"))
    for ref, text in last.items():
        if says.get(ref) != text and not may_be_lost:
            yield f"{ref} was revised to {text!r} and says {says.get(ref)!r}"


# --- Nothing by halves ---------------------------------------------------------------------------


def _half_done() -> Iterator[str]:
    """Whatever is on file, acknowledged or not, has all that belongs to it."""
    from verne.api.models import Answer
    from verne.engine import search
    from verne.engine.clock import Clock, ClockEvent
    from verne.engine.comments import Comment
    from verne.engine.files import Attachment
    from verne.engine.history import Act, Entry
    from verne.sms.resolution.incident.models import Incident

    if claimed := Answer.objects.filter(status=None).count():
        yield f"{claimed} keys are claimed, and hold no answer"
    filed: dict[int, set[str]] = defaultdict(set)
    acts = Act.objects.filter(verb="file", record__kind="resolution.incident")
    numbers = Counter(acts.values_list("record", flat=True))
    for record, table in Entry.objects.filter(act__in=acts, op="I").values_list("record", "table"):
        filed[record].add(table)
    clocks: dict[int, set[str]] = defaultdict(set)
    for record, measure in Clock.objects.values_list("record", "measure"):
        clocks[record].add(measure)
    tables = {Incident._meta.db_table, "engine_sheet"}
    for incident in _incidents():
        if numbers[incident.pk] != 1:
            yield f"{incident.ref} was filed by {numbers[incident.pk]} acts"
        if lacking := tables - filed[incident.pk]:
            yield f"{incident.ref} has no entry of its filing in {', '.join(sorted(lacking))}"
        if lacking := EXPECTED_CLOCKS - clocks[incident.pk]:
            yield f"{incident.ref} has no clock for {', '.join(sorted(lacking))}"
        word = incident.title.split()[1]
        hits = list(search.narrow(Incident.objects.all(), word).values_list("pk", flat=True))
        if hits != [incident.pk]:
            yield f"{incident.ref} is not what a search for {word} finds: {hits}"
    told = ("file", "move", "revise", "comment", "attach")
    silent = Act.objects.filter(verb__in=told, entries=None).values_list("verb", "record__ref")
    yield from (f"An act wrote nothing: {verb} of {ref}" for verb, ref in silent)
    for model in (Comment, Attachment, ClockEvent):
        rows = set(model._default_manager.values_list("pk", flat=True))
        entered = Entry.objects.filter(table=model._meta.db_table, op="I")
        if lacking := rows - set(entered.values_list("row", flat=True)):
            yield f"{len(lacking)} rows of {model._meta.db_table} have no entry"


def _clocks() -> Iterator[str]:
    """Each clock shows what its events say, and has those that the state of its record asks for."""
    from verne.engine.clock import Clock, project

    for clock in _clock_rows():
        incident = clock.record
        kept = (clock.state, clock.due_at, clock.stopped_at, clock.breached_at, clock.elapsed)
        if clock.measure == "resolve" and (incident.state == "resolved") is clock.is_open:
            yield f"{incident.ref} is {incident.state}, and its clock is {clock.state}"
        if clock.stopped_at is None:
            continue
        project(clock, clock.stopped_at)
        now = (clock.state, clock.due_at, clock.stopped_at, clock.breached_at, clock.elapsed)
        if kept != now:
            yield f"The clock {clock.measure} of {incident.ref} shows {kept}, and it was {now}"
        if clock.state != Clock.State.MET:
            yield f"The clock {clock.measure} of {incident.ref} is {clock.state} after moments"


def _order() -> Iterator[str]:
    """What came later is told as later: acts of a record, events of a clock, and the past."""
    from verne.engine.history import Act, as_it_was

    last: dict[int, tuple[datetime, str]] = {}
    # Others lock nothing, so two at the same moment may be numbered the other way round.
    locking = ("file", "move", "revise", "comment")
    acts = Act.objects.filter(record__kind="resolution.incident", verb__in=locking).order_by("pk")
    for record, at, verb in acts.values_list("record", "at", "verb"):
        before = last.get(record)
        if before and at < before[0]:
            yield f"{verb} of record {record} came after {before[1]} and is dated before it"
        last[record] = (at, verb)
    for clock in _clock_rows():
        instants = [event.at for event in sorted(clock.events.all(), key=lambda e: e.pk)]
        if instants != sorted(instants):
            yield f"Events of the clock {clock.measure} of {clock.record.ref} are out of order"
    for incident in _incidents().order_by("-pk")[:200]:
        latest = last[incident.pk][0]
        past = as_it_was(incident, latest)
        if past is None or _told(past) != _told(incident):
            yield f"{incident.ref} as it was after its last act is not as it is"


def _told(incident: Any) -> tuple[str, ...]:
    return incident.title, incident.state, incident.description


# --- What is on file -----------------------------------------------------------------------------


def _count(marks: Iterable[Any]) -> Counter[Any]:
    return Counter(marks)


def _incidents() -> Any:
    from verne.sms.resolution.incident.models import Incident

    return Incident.objects.filter(title__startswith=OURS)


def _clock_rows() -> list[Any]:
    from verne.engine.clock import Clock

    rows = Clock.objects.filter(record__kind="resolution.incident").order_by("pk")
    return list(rows.select_related("record", "calendar").prefetch_related("events"))


def _titles() -> Iterable[str]:
    return [str(title) for title in _incidents().values_list("title", flat=True)]


def _texts() -> Iterable[str]:
    from verne.engine.comments import Comment

    return Comment.objects.values_list("text", flat=True)


def _names() -> Iterable[str]:
    from verne.engine.files import Attachment

    return Attachment.objects.values_list("name", flat=True)


def _moved() -> Iterable[tuple[str, str]]:
    from verne.engine.history import Act

    return Act.objects.filter(verb="move").values_list("record__ref", "name")


def _descriptions() -> Iterable[str]:
    """Those that were revised into, by the entries of the history."""
    from verne.engine.history import Entry
    from verne.sms.resolution.incident.models import Incident

    entries = Entry.objects.filter(table=Incident._meta.db_table, op="U")
    return [
        after["description"]
        for after in entries.values_list("after", flat=True)
        if "description" in (after or {})
    ]


def main() -> None:
    django.setup()
    wanted = read(Path(sys.argv[1]))
    may_be_lost = "--may-be-lost" in sys.argv
    found = wait_for_jobs() + list(findings(wanted, may_be_lost=may_be_lost))
    lost = absent(wanted)
    print(json.dumps({"findings": found, "absent": lost}, ensure_ascii=False))


if __name__ == "__main__":
    main()
