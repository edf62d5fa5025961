"""Imported incidents under an agreement of one's choosing: the same events, other targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine import bulk, clock
from verne.engine.clock import Clock
from verne.engine.jobs import job, later
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.sms.relationship.agreement.models import Agreement
from verne.sms.relationship.agreement.targets import target_under

from ..incident.models import Incident
from .fact import ImportedIncident, Judging

if TYPE_CHECKING:
    from typing import Any

BATCH = 1000
AT_ONCE = 1000
"""Incidents that are judged while somebody waits."""
KEPT = (
    "name",
    "calendar_id",
    "seconds",
    "days",
    "end_of_day",
    "thresholds",
    "pauses",
    "agreement_id",
    "target_id",
    "state",
    "stopped_at",
    "due_at",
    "breached_at",
    "elapsed",
    "next_threshold_at",
)
"""Columns of a clock that follow from its target."""


def may_judge(person: Person) -> bool:
    """Whether this person may give the clocks of imported incidents other targets."""
    return person.may("engine.import_records")


def apply(
    agreement: Agreement, *, by: Person, told: Callable[[int, int], None] | None = None
) -> int:
    """Give the clocks of all imported incidents the targets of an agreement; how many changed.

    Nothing is lost: the events stay, and another agreement can be applied afterwards. Run twice it
    changes nothing, so a run that broke off is simply run again.
    """
    if not may_judge(by):
        raise PermissionDenied(_("Your roles do not let you judge imported incidents anew."))
    keys = list(ImportedIncident.objects.order_by("incident").values_list("incident", flat=True))
    changed = 0
    for done, group in enumerate(_groups(keys)):
        with transaction.atomic():
            changed += _apply(agreement, group, by=by)
        if told is not None:
            told(min((done + 1) * BATCH, len(keys)), len(keys))
    return changed


def _groups(keys: list[int]) -> Iterator[list[int]]:
    stream = iter(keys)
    while group := list(islice(stream, BATCH)):
        yield group


def _apply(agreement: Agreement, keys: list[int], *, by: Person) -> int:
    incidents = Incident.objects.in_bulk(keys)
    clocks = list(Clock.objects.filter(record__in=keys).select_related("calendar"))
    prefetch_related_objects(clocks, "events")
    changed = []
    for row in clocks:
        incident = incidents[row.record_id]
        before = [getattr(row, name) for name in KEPT]
        target = target_under(agreement, incident, row.measure)
        clock.take_target(row, target)
        if target is not None and target.calendar is not None:
            row.calendar = target.calendar
        clock.project(row, max(event.at for event in row.events.all()))
        if [getattr(row, name) for name in KEPT] != before:
            changed.append(row)
    if changed:
        with bulk.umbrella(by=by, note=agreement.ref) as work:
            work.kinds.add(Incident.kind_name())
            _write(changed)
            _write_due(changed, incidents)
    return len(changed)


def _write(clocks: list[Clock]) -> None:
    """One prepared statement run many times; Django's own bulk update is ten times slower."""
    fields = [f for f in Clock._meta.concrete_fields if f.attname in KEPT]
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(str(f.column))} = %s" for f in fields)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(Clock._meta.db_table)} SET {sets} WHERE id = %s",
            [
                [*(f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields), row.pk]
                for row in clocks
            ],
        )


def _write_due(clocks: list[Clock], incidents: dict[int, Any]) -> None:
    """An incident that is still open is due when its leading clock is."""
    leading = {rule.measure for rule in Incident.clocks if rule.leads}
    for row in clocks:
        due = row.due_at if row.measure in leading and row.is_open else None
        if due != incidents[row.record_id].due_at and row.measure in leading:
            Sheet.objects.filter(pk=row.record_id).update(due_at=due)


# --- In the background ---------------------------------------------------------------------------


def ask(agreement: Agreement, *, by: Person) -> Judging:
    """Have the imported incidents judged by an agreement: few of them at once, many in the
    background.
    """
    if not may_judge(by):
        raise PermissionDenied(_("Your roles do not let you judge imported incidents anew."))
    with transaction.atomic():
        asked: Judging = Judging.objects.create(
            agreement=agreement,
            by=by,
            asked_at=timezone.now(),
            total=ImportedIncident.objects.count(),
        )
        if asked.total > AT_ONCE:
            later(judge, asked.pk)
    if asked.total <= AT_ONCE:
        judge(asked.pk)
    return asked


def say_it_was_given_up(number: int) -> None:
    """Tell whoever looks at its progress; a run that failed has said why already."""
    why = _("It was cut off: have the incidents judged once more, which changes nothing twice.")
    Judging.objects.filter(pk=number, ended_at=None, why="").update(why=str(why))


@job(
    title=gettext_lazy("Judge imported incidents by an agreement"),
    retries=2,
    if_given_up=say_it_was_given_up,
)
def judge(number: int) -> None:
    """Judge the imported incidents as somebody asked, and note how far it is."""
    asked = Judging.objects.select_related("agreement", "by").get(pk=number)

    def note(done: int, total: int) -> None:
        Judging.objects.filter(pk=number).update(done=done, total=total)

    mine = Judging.objects.filter(pk=number)
    try:
        changed = apply(asked.agreement, by=asked.by, told=note)
    except Exception as wrong:
        mine.update(why=str(wrong))
        raise
    mine.update(changed=changed, ended_at=timezone.now(), why="")


def latest() -> Judging | None:
    """The latest judging that was asked for."""
    found: Judging | None = Judging.objects.select_related("agreement", "by").first()
    return found
