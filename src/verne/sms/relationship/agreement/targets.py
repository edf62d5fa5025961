"""Which service level target applies to a record: the finder that the clocks ask.

The agreement is the one in force when the act happens: with the customer of the record, else the
usual one that names no customer. Within it the most particular target wins: the one for the
request model, then the one for the priority, then the one for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import (
    BigIntegerField,
    CharField,
    DateTimeField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from verne.engine.calendars import CalendarVersion
from verne.engine.clock import Target, target_finders
from verne.engine.history import current_act
from verne.engine.moment import now, told
from verne.engine.once import once
from verne.engine.prepared import Prepared

from .models import Agreement, ServiceLevelTarget

if TYPE_CHECKING:
    from datetime import datetime

    from verne.engine.records import Record

KINDS = {
    "incident": ServiceLevelTarget.Of.INCIDENT,
    "servicerequest": ServiceLevelTarget.Of.SERVICE_REQUEST,
}
"""Record types that targets speak of, by the name of their model."""


@dataclass(frozen=True)
class _Promises:
    """What one agreement promises for records of a kind, with the versions of its calendars."""

    rows: list[Any]
    calendars: dict[int, CalendarVersion]


_NOTHING = _Promises([], {})


def target_of(record: Record, measure: str) -> Target | None:
    """The target agreed for a record and a measure at the moment of the act."""
    kind = KINDS.get(str(record._meta.model_name))
    service = getattr(record, "service_id", None)
    if kind is None or service is None:
        return None
    return _best(_promises(record, kind, service), record, measure)


def target_under(agreement: Agreement, record: Record, measure: str) -> Target | None:
    """The target of this very agreement, whether it was in force for the record or not.

    For a look at records under terms that came later, or that somebody is thinking about.
    """
    kept: dict[str, _Promises] = agreement.__dict__.setdefault("_promises", {})
    kind = KINDS.get(str(record._meta.model_name))
    if kind is None:
        return None
    if kind not in kept:
        kept[kind] = _promised_by(agreement, kind)
    return _best(kept[kind], record, measure)


def _promised_by(agreement: Agreement, kind: str) -> _Promises:
    rows = list(
        _with_calendars(agreement.targets.filter(applies_to=kind), now())
        .exclude(measure=ServiceLevelTarget.Measure.AVAILABILITY)
        .select_related("of")
    )
    versions = {row.calendar_version for row in rows} - {None}
    return _Promises(rows, CalendarVersion.objects.select_related("of").in_bulk(versions))


def _best(promises: _Promises, record: Record, measure: str) -> Target | None:
    fitting = [row for row in promises.rows if row.measure == measure and _fits(row, record)]
    if not fitting:
        return None
    best = min(fitting, key=_breadth)
    agreement = best.of
    return Target(
        name=f"{agreement.ref} {agreement.title}"[:150],
        calendar=promises.calendars.get(best.calendar_version),
        seconds=best.seconds,
        days=best.days,
        end_of_day=best.end_of_day,
        thresholds=tuple(best.thresholds),
        agreement_id=agreement.pk,
        target_id=best.pk,
        pauses=None if agreement.pauses is None else frozenset(agreement.pauses),
    )


def _fits(row: Any, record: Record) -> bool:
    if row.priority is not None and row.priority != record.priority:
        return False
    return not row.request_model or row.request_model == str(_model_of(record))


def _model_of(record: Record) -> str:
    """The title of the request model behind a service request."""
    model = getattr(record, "request_model", None)
    return getattr(model, "title", "")


def _breadth(row: Any) -> tuple[bool, bool, int]:
    """The more particular, the smaller; of two alike, the one written first."""
    return (not row.request_model, row.priority is None, row.pk)


def _promises(record: Record, kind: str, service: int) -> _Promises:
    """The targets for this kind of record; asked once in an act, for all its clocks."""
    act = current_act.get()
    asked = (act, kind, service, record.customer_id)
    kept: tuple[Any, _Promises] | None = record.__dict__.get("_promises")
    if act is not None and kept is not None and kept[0] == asked:
        return kept[1]
    key = (service, record.customer_id, kind, told())
    found = once(Agreement.kind_name(), key, lambda: _look_up(kind, service, key[1], now()))
    record.__dict__["_promises"] = (asked, found)
    return found


def _look_up(kind: str, service: int, customer: int | None, at: datetime) -> _Promises:
    rows = _targets_in_force(kind=kind, service=service, customer=customer, at=at)
    if not rows:
        return _NOTHING
    # With this very customer before with all of them, and the latest first.
    chosen = max(
        (row.of for row in rows),
        key=lambda a: (a.customer_id is not None, a.in_force_since, a.pk),
    )
    mine = [row for row in rows if row.of_id == chosen.pk]
    versions = {row.calendar_version for row in mine} - {None}
    return _Promises(mine, CalendarVersion.objects.select_related("of").in_bulk(versions))


def _in_force(kind: Any, service: Any, customer: Any, at: Any) -> QuerySet[Any]:
    # Nobody's customer is equal to none, so without one the second half finds nothing.
    rows = ServiceLevelTarget.objects.filter(
        Q(of__customer=None) | Q(of__customer=customer),
        Q(of__in_force_until=None) | Q(of__in_force_until__gt=at),
        of__in_force_since__lte=at,
        of__services=service,
        of__withdrawn_at=None,
        applies_to=kind,
    ).exclude(measure=ServiceLevelTarget.Measure.AVAILABILITY)
    return _with_calendars(rows, at).select_related("of")


_targets_in_force = Prepared(
    _in_force,
    kind=CharField(),
    service=BigIntegerField(),
    customer=BigIntegerField(),
    at=DateTimeField(),
)


def _with_calendars(rows: QuerySet[ServiceLevelTarget], at: Any) -> QuerySet[Any]:
    """The version of each target's calendar at an instant; the earliest one before it."""
    versions = CalendarVersion.objects.filter(of=OuterRef("calendar"))
    valid = versions.filter(valid_from__lte=at).order_by("-valid_from", "-pk")
    earliest = versions.order_by("valid_from", "pk")
    return rows.annotate(
        calendar_version=Coalesce(
            Subquery(valid.values("pk")[:1]), Subquery(earliest.values("pk")[:1])
        )
    )


target_finders.append(target_of)
