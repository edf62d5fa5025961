"""What needs somebody now: their work, clocks about to run out, approvals, days to keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from verne.engine.approvals import Approval
from verne.engine.clock import Clock
from verne.engine.history import Act
from verne.engine.people import Person
from verne.engine.prepared import OneByOne
from verne.engine.records import Sheet
from verne.engine.register import Register, registers, unfinished
from verne.engine.rights import may, right, scope
from verne.engine.standpoint import PreparedFor
from verne.sms.support.awareness.models import Campaign
from verne.sms.support.awareness.signing import still_to_sign
from verne.sms.support.document import reading

from . import components, show
from .parts import Hit

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DEADLINES = (
    "review_due",
    "review_by",
    "valid_until",
    "target_date",
    "review_date",
    "removal_date",
)
"""Fields that name a day by which something has to be done, in whatever type they are."""

MINE = 12
BREACHING = 8
"""How many of them are shown."""

NEAR = timedelta(hours=8)
AHEAD = timedelta(days=60)


def open_sheets(person: Person) -> models.QuerySet[Any]:
    """Cover sheets this person may see that are not finished, of every type."""
    seen = [kind for kind, register in registers.items() if may(person, "view", register.model)]
    rows: models.QuerySet[Any] = Sheet.objects.filter(unfinished(seen), scope(person, Sheet))
    return rows.filter(withdrawn_at=None)


def mine(person: Person) -> tuple[list[Hit], bool]:
    """The work of this person, least time left first; and whether there is more."""
    sheets = _mine(person)
    return [_hit(sheet) for sheet in sheets[:MINE]], len(sheets) > MINE


@PreparedFor
def _mine(person: Person) -> models.QuerySet[Any]:
    # A clock that is paused and due when its record is due is the one that leads.
    halted = Clock.objects.filter(
        record=OuterRef("pk"), due_at=OuterRef("due_at"), state=Clock.State.PAUSED
    )
    rows = owned(person).annotate(paused=Exists(halted))
    return rows.order_by(
        F("due_at").asc(nulls_last=True), F("priority").asc(nulls_last=True), "id"
    )[: MINE + 1]


def owned(person: Person) -> models.QuerySet[Any]:
    """Unfinished records that are this person's work: their own, their teams', waiting for them."""
    parts = [*_in_hand(Q(owner=person)), *_waiting_for(person)]
    if person.team_ids:
        parts += _in_hand(Q(owner=None, team__in=person.team_ids))
    # Each part has an index; tied by OR, PostgreSQL would look at every record instead.
    whose = parts[0].union(*parts[1:], all=True)
    still_open = OneByOne(open_sheets(person).filter(pk=OuterRef("pk")))
    return Sheet.objects.filter(still_open, pk__in=whose).exclude(_steady())


def _in_hand(whose: Q) -> list[models.QuerySet[Any]]:
    """Those in states that are work in any type: the index then leaves out all they ever closed."""
    work: set[str] = set()
    rest: set[str] = set()
    for register in registers.values():
        met = set(_met(register))
        work |= set(register.model.lifecycle.open_states()) - met
        rest |= met
    mine = Sheet.objects.filter(whose).order_by().values("pk")
    return [
        mine.filter(state__in=sorted(work)),
        mine.filter(state__in=sorted(rest - work), due_at__isnull=False),
    ]


def _waiting_for(person: Person) -> list[models.QuerySet[Any]]:
    """Records of others that wait for this person where they stand: to be verified by them."""
    return [
        register.model._default_manager.filter(**{"state": state, field: person})
        .order_by()
        .values("pk")
        for register in registers.values()
        for state, field in register.also_for.items()
    ]


def _steady() -> Q:
    """Records that stand as they should and are nobody's work: a matrix in force, a live service.

    Where clocks run, everything that is not finished is work.
    """
    steady = Q(pk__in=[])
    for kind, register in registers.items():
        if met := _met(register):
            steady |= Q(kind=kind, state__in=met, due_at=None)
    return steady


def _met(register: type[Register]) -> list[str]:
    """States in which a record of this type stands as it should."""
    if register.model.clocks:
        return []
    states = register.model.lifecycle.states.items()
    return [name for name, state in states if state.tone == "met"]


def _hit(sheet: Any) -> Hit:
    return Hit(
        ref=sheet.ref,
        title=sheet.title,
        url=sheet.get_absolute_url(),
        note=str(sheet.model._meta.verbose_name),
        state=time_left(sheet.filed_at, sheet.due_at, paused=sheet.paused)
        if sheet.due_at
        else show.sheet_state(sheet),
    )


def time_left(begun: datetime, due: datetime, *, paused: bool = False) -> SafeString:
    """A due time by the clock on the wall, as a chip."""
    now = timezone.now()
    left = (due - now).total_seconds()
    whole = max((due - begun).total_seconds(), 1)
    share = 1 - left / whole
    standing: Any = "running"
    if left < 0:
        standing = "late"
    elif paused:
        standing = "paused"
    elif share >= 0.75:
        standing = "soon"
    return components.clock(
        components.Clock(
            label="",
            standing=standing,
            seconds=abs(left),
            target=whole,
            due=due,
            share=min(max(share, 0), 1),
        )
    )


def _seen(person: Person) -> Exists:
    """The record a row speaks of is one this person may see: asked row by row, in the query."""
    return OneByOne(Sheet.objects.filter(scope(person, Sheet), pk=OuterRef("record")))


def about_to_breach(person: Person) -> list[Hit]:
    """Running clocks that are nearly over, the next first; then those that are, the last first.

    What can still be kept comes before what can only be mended.
    """
    now = timezone.now()
    rows = _near(person, now=now, until=now + NEAR)
    if len(rows) < BREACHING:
        rows += _over(person, now=now)[: BREACHING - len(rows)]
    hits = []
    for clock in rows:
        sheet, due = clock.record, clock.due_at
        rule = next((r for r in sheet.model.clocks if r.measure == clock.measure), None)
        hits.append(
            Hit(
                ref=sheet.ref,
                title=sheet.title,
                url=f"{sheet.get_absolute_url()}#clocks",
                note=rule.label if rule else clock.measure,
                state=time_left(clock.started_at, due) if due else "",
            )
        )
    return hits


# Two questions, each of which an index answers in its order: thousands may be overdue.
def _near_their_end(person: Person, now: Any, until: Any) -> models.QuerySet[Any]:
    near = _unstopped(person).filter(state=Clock.State.RUNNING, due_at__gte=now, due_at__lte=until)
    return near.order_by("due_at")[:BREACHING]


def _past_their_end(person: Person, now: Any) -> models.QuerySet[Any]:
    running = (Clock.State.RUNNING, Clock.State.BREACHED)
    over = _unstopped(person).filter(state__in=running, due_at__lt=now)
    return over.order_by("-due_at")[:BREACHING]


def _unstopped(person: Person) -> models.QuerySet[Any]:
    return Clock.objects.filter(_seen(person), stopped_at=None).select_related("record")


_instant = models.DateTimeField()
_near = PreparedFor(_near_their_end, now=_instant, until=_instant)
_over = PreparedFor(_past_their_end, now=_instant)


def awaiting(person: Person, limit: int = 10) -> list[Hit]:
    """Askings this person may answer, the oldest first; found without opening each record."""
    hits = []
    for approval in _asked(person):
        register = registers.get(approval.record.kind)
        step = register.model.lifecycle.moves.get(approval.move) if register else None
        if register is None or step is None:
            continue
        wanted = step.approval.right if step.approval and step.approval.right else ""
        if not person.may(wanted or right(approval.move, register.model)):
            continue
        hits.append(
            Hit(
                ref=approval.record.ref,
                title=approval.record.title,
                url=f"{approval.record.get_absolute_url()}#approvals",
                note=_("%(step)s, asked by %(who)s")
                % {"step": step.label, "who": approval.asked_by},
                state=components.moment(approval.asked_at),
            )
        )
    return hits[:limit]


@PreparedFor
def _asked(person: Person) -> models.QuerySet[Any]:
    return (
        Approval.objects.filter(_seen(person), standing=Approval.Standing.OPEN)
        .exclude(asked_by=person)
        .exclude(votes__by=person)
        .exclude(record__filed_by=person)
        .select_related("record", "asked_by")
        .order_by("asked_at")[:200]
    )


def to_read(person: Person, limit: int = 8) -> list[Hit]:
    """Campaigns and documents that wait for this person's word that they have read them."""
    now = timezone.now()
    hits = [_campaign_hit(campaign) for campaign in still_to_sign(person)]
    for revision in reading.still_to_read(person)[:limit]:
        until = reading.read_by(revision)
        late = components.state(_("Late"), "alert") if until < now else ""
        hits.append(
            Hit(
                ref=revision.document.ref,
                title=revision.title,
                url=revision.document.get_absolute_url(),
                note=_("Revision %(number)s") % {"number": revision.number},
                state=late or components.moment(until),
            )
        )
    return hits[:limit]


def _campaign_hit(campaign: Campaign) -> Hit:
    over = campaign.until is not None and campaign.until < timezone.localdate()
    return Hit(
        ref=campaign.ref,
        title=campaign.title,
        url=f"{campaign.get_absolute_url()}#reach",
        note=str(campaign._meta.verbose_name),
        state=components.state(_("Late"), "alert")
        if over
        else components.moment(campaign.until, "day"),
    )


def changed_lately(person: Person, limit: int = 8) -> list[Hit]:
    """The records that were touched last, each once."""
    latest: dict[str, tuple[datetime, str, str]] = {}
    for at, ref, title, kind in _acts(person):
        latest.setdefault(ref, (at, title, kind))
    return [
        Hit(
            ref=ref,
            title=title,
            url=f"/r/{ref}",
            note=str(registers[kind].model._meta.verbose_name),
            state=components.moment(at),
        )
        for ref, (at, title, kind) in islice(latest.items(), limit)
    ]


@PreparedFor
def _acts(person: Person) -> models.QuerySet[Any]:
    acts = Act.objects.filter(_seen(person), record__isnull=False).order_by("-id")
    return acts.values_list("at", "record__ref", "record__title", "record__kind")[:120]


@dataclass(frozen=True)
class Deadline:
    """A day by which something has to be done."""

    ref: str
    title: str
    what: StrOrPromise
    day: date
    over: bool


def due_soon(person: Person, limit: int = 10) -> list[Deadline]:
    """Reviews, ends and targets of the next weeks, and those that are over; in one query."""
    today = timezone.localdate()
    # The columns of a union have no names of their own on every database: the fifth is the day.
    found = sorted(_due(person, until=today + AHEAD), key=lambda row: (row[4], row[0]))[:limit]
    return [
        Deadline(
            ref=ref,
            title=title,
            what=registers[kind].model.field_label(name),
            day=day,
            over=day < today,
        )
        for ref, title, kind, name, day in found
    ]


def _due_until(person: Person, until: Any) -> models.QuerySet[Any]:
    parts: list[models.QuerySet[Any]] = []
    for register in registers.values():
        if not may(person, "view", register.model):
            continue
        open_ones = register.model.objects.visible_to(person).standing().open()
        parts += [
            open_ones.filter(**{f"{name}__lte": until})
            .order_by()
            .values_list("ref", "title", "kind", Value(name), name)
            for name in _deadlines(register)
        ]
    if not parts:
        return Sheet.objects.none()
    return parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]


_due = PreparedFor(_due_until, until=models.DateField())


def _deadlines(register: type[Register]) -> list[str]:
    fields = {f.name: f for f in register.model._meta.local_fields}
    return [n for n in DEADLINES if type(fields.get(n)) is models.DateField]
