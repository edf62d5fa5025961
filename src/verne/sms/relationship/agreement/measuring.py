"""What came of an agreement: each target and the workload by window, computed from the clocks.

A window (month, quarter, year) begins at midnight where the service hours of the agreement are
kept. Counted are the clocks that stopped in it. Measures that no clock takes, such as
availability, come from `measurers`, where later chapters enrol theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from verne.engine.acts import act
from verne.engine.calendars import ServiceCalendar
from verne.engine.clock import Clock
from verne.engine.jobs import job

from .models import Agreement, ServiceLevelMeasurement, ServiceLevelTarget

if TYPE_CHECKING:
    from verne.engine.people import Person

Subject = ServiceLevelMeasurement.Subject

MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Window:
    """A stretch of days, with the instants at which it begins and ends."""

    first: date
    after: date
    zone: tzinfo

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time(), tzinfo=self.zone)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.after, time(), tzinfo=self.zone)

    @property
    def before(self) -> Window:
        """The window of the same kind that ends where this one begins."""
        months = (self.after.year - self.first.year) * 12 + self.after.month - self.first.month
        return Window(_plus_months(self.first, -months), self.first, self.zone)


def window_at(at: datetime, length: str, zone: tzinfo = UTC) -> Window:
    """The month, quarter or year in which an instant lies."""
    months = MONTHS[length]
    local = at.astimezone(zone).date()
    first = date(local.year, (local.month - 1) // months * months + 1, 1)
    return Window(first, _plus_months(first, months), zone)


def _plus_months(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, day.day)


Figures = tuple[int, int, Decimal]
"""How many were counted, how many of them were within the target, and the value in percent."""

measurers: dict[str, Callable[[ServiceLevelTarget, Window], Figures | None]] = {}
"""For measures that no clock takes: what was measured in a window, None where nothing was."""


def measure(
    agreement: Agreement, at: datetime, *, by: Person | None
) -> list[ServiceLevelMeasurement]:
    """Compute the windows around an instant and those before; give back what changed."""
    zone = zone_of(agreement)
    targets = list(agreement.targets.order_by("pk"))
    rows: list[ServiceLevelMeasurement] = []
    for length in ("month", *sorted({t.window for t in targets} - {"month"})):
        current = window_at(at, length, zone)
        for window in (current.before, current):
            if _lies_outside(agreement, window):
                continue
            rows += _of_targets(agreement, [t for t in targets if t.window == length], window)
            if length == "month":
                rows += _of_workload(agreement, window)
    return _keep(agreement, rows, by=by, at=at)


def zone_of(agreement: Agreement) -> tzinfo:
    """Where its months begin: in the zone of its service hours, UTC without any."""
    kept = agreement.targets.exclude(calendar=None).order_by("pk").values("calendar")[:1]
    calendar = ServiceCalendar.objects.filter(pk__in=kept).first()
    version = calendar.version_at(timezone.now()) if calendar else None
    return ZoneInfo(version.hours.spec["tz"]) if version else UTC


def _lies_outside(agreement: Agreement, window: Window) -> bool:
    since, until = agreement.in_force_since, agreement.in_force_until
    return since is None or window.end <= since or (until is not None and until <= window.start)


def _of_targets(
    agreement: Agreement, targets: list[ServiceLevelTarget], window: Window
) -> Iterator[ServiceLevelMeasurement]:
    closed = _clocks(agreement, window).values("target_id")
    counts = closed.annotate(n=Count("pk"), met=Count("pk", filter=Q(state=Clock.State.MET)))
    found = {row["target_id"]: (row["n"], row["met"]) for row in counts}
    for target in targets:
        if target.measure in measurers:
            figures = measurers[target.measure](target, window)
        elif target.measure == ServiceLevelTarget.Measure.AVAILABILITY:
            figures = None
        else:
            figures = _share(*found.get(target.pk, (0, 0)))
        if figures is None:
            continue
        counted, within, value = figures
        yield ServiceLevelMeasurement(
            subject=Subject.TARGET,
            target=target,
            window_start=window.first,
            window_end=window.after,
            counted=counted,
            within=within,
            value=value,
            limit=target.goal,
            reached=value >= target.goal,
        )


def _clocks(agreement: Agreement, window: Window) -> Any:
    """The clocks under an agreement that came to their end in a window."""
    return Clock.objects.filter(
        agreement=agreement.pk,
        stopped_at__gte=window.start,
        stopped_at__lt=window.end,
        record__withdrawn_at=None,
    ).exclude(state=Clock.State.CANCELLED)


def _share(counted: int, within: int) -> Figures | None:
    """Percent within the target; nothing where no clock ended, for nothing was put to the test."""
    if not counted:
        return None
    return counted, within, (Decimal(100) * within / counted).quantize(Decimal("0.001"))


def _of_workload(agreement: Agreement, window: Window) -> Iterator[ServiceLevelMeasurement]:
    begun = Clock.objects.filter(
        # Nothing that began in it stopped before: by its index, not by all clocks there ever were.
        Q(stopped_at=None) | Q(stopped_at__gte=window.start),
        agreement=agreement.pk,
        started_at__gte=window.start,
        started_at__lt=window.end,
        record__withdrawn_at=None,
    )
    for subject, kind, limit in (
        (Subject.INCIDENTS, "resolution.incident", agreement.monthly_incidents),
        (Subject.REQUESTS, "resolution.servicerequest", agreement.monthly_requests),
    ):
        number = begun.filter(record__kind=kind).values("record").distinct().count()
        yield ServiceLevelMeasurement(
            subject=subject,
            window_start=window.first,
            window_end=window.after,
            counted=number,
            value=Decimal(number),
            limit=None if limit is None else Decimal(limit),
            reached=None if limit is None else number <= limit,
        )


FIGURES = ("counted", "within", "value", "limit", "reached")


def _keep(
    agreement: Agreement, rows: list[ServiceLevelMeasurement], *, by: Person | None, at: datetime
) -> list[ServiceLevelMeasurement]:
    """Write the rows that say something new, in one act."""
    there = {
        (m.subject, m.target_id, m.window_start): m
        for m in agreement.measurements.filter(window_start__in={r.window_start for r in rows})
    }
    changed = []
    for row in rows:
        old = there.get((row.subject, row.target_id, row.window_start))
        if old is None or any(getattr(old, name) != getattr(row, name) for name in FIGURES):
            row.pk = old.pk if old else None
            changed.append(row)
    if not changed:
        return []
    kind = agreement.kind_name()
    with act("settle", name="measure", by=by, record=agreement.pk, at=at, kind=kind) as work:
        work.kinds.add(ServiceLevelMeasurement._meta.label_lower)
        for row in changed:
            row.agreement = agreement
            row.computed_at = work.act.at
            row.save()
    return changed


@job(title=gettext_lazy("Measure the agreements in force"), schedule="20 1 * * *")
def measure_agreements() -> None:
    """Every night: this month and the last one, of each agreement in force in them."""
    now = timezone.now()
    recent = Agreement.objects.standing().filter(
        Q(in_force_until=None) | Q(in_force_until__gt=now - timedelta(days=62)),
        in_force_since__lte=now,
    )
    for agreement in recent:
        measure(agreement, now, by=None)
