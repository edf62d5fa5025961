"""Clocks on records: what was promised, how much of it is used, and why it is due when it is.

A clock keeps only events (started, paused, resumed, stopped, with the reason). Elapsed and due are
computed from events × calendar × target, so a changed priority or agreement re-projects over the
same events and loses nothing. `due_at`, `state` and `breached_at` are kept beside them so that
lists can sort and filter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import moment, timing
from .calendars import CalendarVersion
from .once import asked_once
from .prepared import Numbers, Prepared, forget_rows, known_rows, listed
from .records import opened
from .rows import Promptly, insert_one

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from .history import Act
    from .records import Record

log = logging.getLogger("verne.clock")

THRESHOLDS = (50, 75, 90, 100)
"""Percent of a target at which an open clock speaks up, unless the target says otherwise."""


LOCKED_AT_ONCE = 50
"""Clocks projected anew in one transaction: whoever works on one of them waits so long."""


@dataclass(frozen=True)
class Status:
    """What a clock should be doing now, and why."""

    doing: str
    why: str = ""
    reason: str = ""
    usual: bool = True


ABSENT = Status("absent")
RUNNING = Status("run")
STOPPED = Status("stop")
CANCELLED = Status("cancel")


def paused(why: str, *, reason: str = "", usual: bool = True) -> Status:
    """A clock that waits. `reason` is what an agreement may name; `usual` says whether it stops
    the clock where the agreement names none.
    """
    return Status("pause", why, reason, usual)


@dataclass(frozen=True)
class ClockRule:
    """A clock that records of a type have: its measure, its name, and what it does when.

    `status` looks at the record and says what the clock should be doing; `resets` names acts
    (`comment:public`) after which it starts over. `leads` marks the clock whose due time is the
    record's own.
    """

    measure: str
    label: StrOrPromise
    status: Callable[[Any], Status]
    resets: tuple[str, ...] = ()
    leads: bool = False


@dataclass(frozen=True)
class Target:
    """What was agreed for a measure: business seconds, or working days.

    `pauses` names the reasons for waiting that stop the clock; None leaves it to the record type.
    """

    name: str
    calendar: CalendarVersion | None
    seconds: int | None = None
    days: int | None = None
    end_of_day: bool = False
    thresholds: tuple[int, ...] = THRESHOLDS
    agreement_id: int | None = None
    target_id: int | None = None
    pauses: frozenset[str] | None = None


target_finders: list[Callable[[Any, str], Target | None]] = []
"""Chapters that hold agreements enrol here: (record, measure) to the target that applies."""


class Clock(Promptly):
    """One promise on one record."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        MET = "met", _("Met")
        BREACHED = "breached", _("Missed")
        CANCELLED = "cancelled", _("Cancelled")

    history_record: ClassVar[str] = "record"

    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="clock_rows")
    measure = models.CharField(max_length=30)
    name = models.CharField(max_length=150, blank=True)
    calendar = models.ForeignKey(CalendarVersion, models.PROTECT, null=True, related_name="+")
    seconds = models.PositiveIntegerField(null=True)
    days = models.PositiveSmallIntegerField(null=True)
    end_of_day = models.BooleanField(default=False)
    thresholds = models.JSONField(default=list)
    pauses = models.JSONField(null=True)
    waits_for = models.CharField(max_length=30, blank=True)
    agreement = models.ForeignKey(
        "engine.Sheet", models.PROTECT, null=True, related_name="+", db_index=False
    )
    target_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    elapsed = models.FloatField(null=True)
    next_threshold_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "engine"
        ordering = ("record", "id")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["record", "measure"], name="clock_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_threshold_at"], name="clock_threshold"),
            models.Index(fields=["state", "due_at"], name="clock_due"),
            models.Index(
                fields=["due_at"], condition=models.Q(stopped_at__isnull=True), name="clock_open"
            ),
            # What ended in a month, and what is open, of the thousands under one agreement.
            models.Index(fields=["agreement", "stopped_at"], name="clock_agreement"),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.state}"

    @property
    def has_target(self) -> bool:
        return self.seconds is not None or self.days is not None

    @property
    def is_open(self) -> bool:
        return self.stopped_at is None

    def story(self, *also: ClockEvent) -> list[timing.Event]:
        """Its events in the order they happened, as the pure part takes them.

        Every wait is kept; those that do not stop this clock, by its agreement, are passed over.
        """
        kept = sorted(self.events.all(), key=lambda e: (e.at, e.pk)) if self.pk else []
        return [timing.Event(e.at, e.kind, e.why) for e in (*kept, *also) if self.counts(e)]

    def counts(self, event: ClockEvent) -> bool:
        """Whether an event is one of this clock: a wait may be one that does not stop it."""
        if event.kind != "pause":
            return True
        return event.usual if self.pauses is None else event.reason in self.pauses

    def promise(self) -> timing.Target | None:
        """Its target as the pure part takes it; None while nothing is agreed."""
        if self.seconds is not None:
            return timing.Target(seconds=self.seconds)
        if self.days is not None:
            return timing.Target(days=self.days, end_of_day=self.end_of_day)
        return None

    def hours(self) -> Any:
        """The calendar it counts in; without one, every hour of every day."""
        return self.calendar.hours if self.calendar else timing.ALWAYS

    def reading(self, at: datetime | None = None) -> timing.Reading:
        """Elapsed, remaining, due and state at an instant."""
        return timing.read(self.story(), self.hours(), self.promise(), at or timezone.now())

    def explain(self, at: datetime | None = None) -> list[timing.Step]:
        """Why it is due then, step by step."""
        return timing.explain(self.story(), self.hours(), self.promise(), at or timezone.now())


class ClockEvent(models.Model):
    """One thing that happened to a clock; added, never changed."""

    clock = models.ForeignKey(Clock, models.PROTECT, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=10)
    why = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=30, blank=True)
    usual = models.BooleanField(default=True)
    act = models.ForeignKey("engine.Act", models.PROTECT, related_name="+", null=True)

    class Meta:
        app_label = "engine"
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"


def find_target(record: Record, measure: str) -> Target | None:
    """The target that applies to a record for a measure; the first finder that knows one."""
    return next((t for find in target_finders if (t := find(record, measure))), None)


def follow(record: Record, act: Act, *, retarget: bool = True) -> None:
    """Bring a record's clocks in line with what it says after an act.

    Without `retarget` only its state changed, so the targets of its clocks still apply.
    """
    if not record.clocks:
        return
    clocks = _clocks_of(record, act)
    due: datetime | None = None
    for rule in record.clocks:
        clock = clocks.get(rule.measure)
        status = rule.status(record) if record.withdrawn_at is None else CANCELLED
        if clock is None and status.doing not in ("run", "pause"):
            continue
        asked = clock is None or (clock.is_open and retarget)
        target = find_target(record, rule.measure) if asked else None
        if clock is None:
            clock = _start(record, rule, act, target)
        events = _events_for(clock, status, rule, act)
        told: list[ClockEvent] = []
        if events and clock.pk:
            told = _events_of(clocks=[clock.pk])
            known_rows(clock, "events", told)
        if clock.pk and any(event.kind == "reset" for event in events):
            # What was missed before it starts over stays missed.
            clock.breached_at = clock.breached_at or clock.reading(act.at).breached_at
        for event in events:
            insert_one(event)
            told.append(event)
        if (asked and take_target(clock, target)) or events:
            project(clock, act.at)
            clock.save()
        forget_rows(clock, "events")
        clocks[rule.measure] = clock
        if rule.leads and clock.is_open:
            due = clock.due_at
    record.__dict__["_followed"] = (record.version, clocks)
    if due != record.due_at and any(rule.leads for rule in record.clocks):
        record.due_at = due
        type(record).objects.filter(pk=record.pk).update(due_at=due)


def _clocks_of(record: Record, act: Act) -> dict[str, Clock]:
    """The clocks a record has, by measure; those of the act before this one, if it was the last."""
    if act.verb == "file" and act.record_id == record.pk:
        return {}
    version, clocks = record.__dict__.pop("_followed", (None, {}))
    if version is not None and version == record.version - 1:
        found: dict[str, Clock] = clocks
        return found
    return {clock.measure: clock for clock in _rows_of(record=record.pk)}


def _start(record: Record, rule: ClockRule, act: Act, target: Target | None) -> Clock:
    clock = Clock(record_id=record.pk, measure=rule.measure, started_at=act.at)
    event = ClockEvent(clock=clock, at=act.at, kind="start", act=act)
    take_target(clock, target)
    project(clock, act.at, events=[event])
    insert_one(clock)
    event.clock = clock
    insert_one(event)
    return clock


def _events_for(clock: Clock, status: Status, rule: ClockRule, act: Act) -> list[ClockEvent]:
    """The events that take a clock from what it does to what it should be doing."""
    if clock.state == Clock.State.CANCELLED:
        return []
    doing = "stop" if clock.stopped_at else "pause" if clock.waits_for else "run"
    wanted = "cancel" if status.doing == "absent" else status.doing
    reason = (status.reason or "waiting") if wanted == "pause" else ""
    kinds: list[str] = []
    if wanted == "pause" and (doing == "stop" or clock.waits_for not in ("", reason)):
        kinds.append("resume")
    if doing != wanted or clock.waits_for != reason:
        kinds.append({"run": "resume"}.get(wanted, wanted))
    spoken = f"{act.verb}:{act.name}" if act.name else act.verb
    if wanted == "run" and (act.verb in rule.resets or spoken in rule.resets):
        kinds.append("reset")
    clock.waits_for = reason
    return [
        ClockEvent(
            clock=clock,
            at=act.at,
            kind=kind,
            why=status.why[:300] if kind == "pause" else "",
            reason=reason if kind == "pause" else "",
            usual=status.usual,
            act=act,
        )
        for kind in kinds
    ]


def take_target(clock: Clock, target: Target | None) -> bool:
    """Give an open clock the target that applies now; True when that changed it."""
    now: dict[str, Any] = {
        "name": target.name if target else "",
        "calendar_id": target.calendar.pk if target and target.calendar else None,
        "seconds": target.seconds if target else None,
        "days": target.days if target else None,
        "end_of_day": target.end_of_day if target else False,
        "thresholds": list(target.thresholds) if target else [],
        "pauses": sorted(target.pauses) if target and target.pauses is not None else None,
        "agreement_id": target.agreement_id if target else None,
        "target_id": target.target_id if target else None,
    }
    # A new version of the calendar reaches open clocks by `reproject`, not by the way.
    same_hours = clock.calendar_id and target and target.calendar
    if same_hours and clock.calendar and clock.calendar.of_id == target.calendar.of_id:  # type: ignore[union-attr]
        now["calendar_id"] = clock.calendar_id
    changed = {k: v for k, v in now.items() if getattr(clock, k) != v}
    for key, value in changed.items():
        setattr(clock, key, value)
    if "calendar_id" in changed:
        clock.calendar = target.calendar if target else None
    return bool(changed)


def project(clock: Clock, at: datetime, *, events: Sequence[ClockEvent] = ()) -> None:
    """Compute the kept figures of a clock anew from its events; nothing is saved.

    `events` are those of a clock that is not kept yet.
    """
    reading = timing.read(clock.story(*events), clock.hours(), clock.promise(), at)
    earlier = clock.breached_at
    clock.stopped_at = reading.stopped_at
    clock.elapsed = reading.elapsed
    clock.due_at = reading.due
    clock.breached_at = earlier if earlier and earlier < reading.started_at else reading.breached_at
    if reading.state == "cancelled":
        clock.state = Clock.State.CANCELLED
    elif not clock.has_target and reading.stopped_at:
        clock.state = Clock.State.MET
    elif reading.stopped_at:
        clock.state = Clock.State.BREACHED if clock.breached_at else Clock.State.MET
    elif reading.paused:
        clock.state = Clock.State.PAUSED
    else:
        clock.state = Clock.State.RUNNING
    clock.next_threshold_at = None
    if clock.is_open and not reading.paused and reading.state != "cancelled":
        marks = reading.thresholds(tuple(clock.thresholds or ()))
        clock.next_threshold_at = min((when for when in marks.values() if when > at), default=None)


def reproject(clocks: Any, *, by: Any, note: str, at: datetime | None = None) -> int:
    """Project open clocks anew under the targets and calendars that apply now; how many changed."""
    now = at or moment.now()
    numbers = list(clocks.filter(stopped_at=None).order_by("pk").values_list("pk", flat=True))
    changed = 0
    for first in range(0, len(numbers), LOCKED_AT_ONCE):
        with transaction.atomic(), asked_once():
            clocks = list(_locked(numbers[first : first + LOCKED_AT_ONCE]))
            records = opened(clock.record for clock in clocks)
            for clock in clocks:
                record = records[clock.record_id]
                changed += _reproject(clock, record, by=by, note=note, now=now)
    return changed


def _locked(numbers: list[int]) -> models.QuerySet[Clock]:
    """Those of these clocks that are open still, as they are now, until the transaction ends.

    Their records are locked before them, as every verb does: so nobody stops one of these clocks
    meanwhile, and nobody who has read it before writes it back as it was.
    """
    from .records import Sheet

    rows = Clock.objects.filter(pk__in=numbers)
    sheets = Sheet.objects.filter(pk__in=rows.values("record")).order_by("pk")
    list(sheets.select_for_update(no_key=True).values_list("pk", flat=True))
    open_ones = rows.filter(stopped_at=None).order_by("pk").select_related("record", "calendar__of")
    open_ones = open_ones.prefetch_related("events")
    return open_ones.select_for_update(of=("self",), no_key=True)


def _reproject(clock: Clock, record: Record, *, by: Any, note: str, now: datetime) -> bool:
    from .acts import act

    before = (clock.due_at, clock.seconds, clock.days, clock.calendar_id)
    target = find_target(record, clock.measure)
    take_target(clock, target)
    if target and target.calendar:
        clock.calendar = target.calendar
    project(clock, now)
    if (clock.due_at, clock.seconds, clock.days, clock.calendar_id) == before:
        return False
    with act("settle", by=by, record=record.pk, note=note, kind=record.kind_name()):
        clock.save()
        rule = next((r for r in record.clocks if r.measure == clock.measure), None)
        if rule and rule.leads:
            type(record).objects.filter(pk=record.pk).update(due_at=clock.due_at)
    return True


def clocks_of(record: Record) -> list[tuple[ClockRule, Clock]]:
    """A record's clocks beside their rules, in the order the type declares them."""
    if not record.clocks:
        return []
    kept = {clock.measure: clock for clock in _rows_of(record=record.pk)}
    if kept:
        told: dict[int, list[ClockEvent]] = {clock.pk: [] for clock in kept.values()}
        for event in _events_of(clocks=list(told)):
            told[event.clock_id].append(event)
        for clock in kept.values():
            known_rows(clock, "events", told[clock.pk])
    return [(rule, kept[rule.measure]) for rule in record.clocks if rule.measure in kept]


_rows_of = Prepared(
    lambda record: Clock.objects.filter(record=record).select_related("calendar", "agreement"),
    record=models.BigIntegerField(),
)
_events_of = Prepared(
    lambda clocks: ClockEvent.objects.filter(clock__in=listed(clocks)), clocks=Numbers()
)


def ring(now: datetime | None = None, *, limit: int = 500) -> int:
    """Escalate every open clock that has passed a threshold; gives back how often.

    Run every minute. Each threshold speaks once, however many workers ring, and a clock that
    cannot be read keeps no other from ringing.
    """
    now = now or moment.now()
    due = Clock.objects.filter(next_threshold_at__lte=now).order_by("next_threshold_at")
    rung = 0
    for key in list(due.values_list("pk", flat=True)[:limit]):
        try:
            with transaction.atomic():
                clock = Clock.objects.select_for_update(no_key=True).get(pk=key)
                if clock.next_threshold_at is not None and clock.next_threshold_at <= now:
                    rung += _ring(clock, now)
        except Exception:
            log.exception("Clock %d could not be rung.", key)
    return rung


def _ring(clock: Clock, now: datetime) -> int:
    """Escalate at each threshold that a locked clock has passed and not told of."""
    from .acts import act
    from .escalation import Escalation, escalate

    record = clock.record.opened()
    rule = next((r for r in record.clocks if r.measure == clock.measure), None)
    told = 0
    with act(
        "ring", by=None, record=record.pk, name=clock.measure, kind=record.kind_name(), at=now
    ):
        reading = clock.reading(now)
        marks = reading.thresholds(tuple(clock.thresholds or ()))
        since = reading.started_at
        silent = set(clock.escalations.filter(counted_from=since).values_list("share", flat=True))
        for share, when in sorted(marks.items()):
            if when > now or share in silent:
                continue
            late = share >= 100
            lead = record.team.lead if record.team else None
            escalate(
                record,
                by=None,
                kind=Escalation.Kind.HIERARCHICAL if late else Escalation.Kind.FUNCTIONAL,
                to_person=lead if late else record.owner,
                to_team=record.team,
                reason=str(_("%(share)d %% of the time for “%(clock)s” is used up."))
                % {"share": share, "clock": rule.label if rule else clock.measure},
                clock=clock,
                share=share,
                counted_from=since,
            )
            told += 1
        project(clock, now)
        clock.save()
    return told
