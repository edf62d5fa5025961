"""The one anatomy of every record: header, lifecycle, fields, clocks, approvals, links, files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db import models
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from verne.engine import approvals, files, links, raising, sight
from verne.engine.approvals import Approval
from verne.engine.clock import Clock, ClockRule
from verne.engine.history import Act
from verne.engine.lifecycle import Guard, Move
from verne.engine.links import Link as RecordLink
from verne.engine.people import Person
from verne.engine.prepared import Prepared
from verne.engine.printing.printable import has_paper
from verne.engine.records import Record, Sheet
from verne.engine.register import Panel, Raise, Register, part_model, register_of, registers
from verne.engine.rights import may, visible_among

from . import components, forms, phrases, show
from .context import clause_url, plural, quarter_of
from .parts import (
    Action,
    ClosedMove,
    Fact,
    FieldSection,
    FileRow,
    Link,
    LinkRow,
    OpenMove,
    Rail,
    RecordHeader,
    Step,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NARROW = 3
"""Columns of a table that fit beside the timeline; wider ones stand below."""

FROM = "from"
"""The parameter of a form's address that names the records a new one is raised from."""

SOON = 0.75
"""From this part of its target on, a running clock asks for attention."""


@dataclass(frozen=True)
class Rights:
    """What this person may do with this record, looked up once."""

    revise: bool
    link: bool
    comment: bool
    withdraw: bool
    escalate: bool

    @classmethod
    def of(cls, record: Record, person: Person) -> Rights:
        model, standing = type(record), record.withdrawn_at is None
        return cls(
            revise=standing and not record.is_fixed and may(person, "revise", model),
            link=standing and may(person, "link", model),
            comment=may(person, "comment", model),
            withdraw=standing and may(person, "withdraw", model),
            escalate=standing and record.is_open and person.may("engine.escalate"),
        )


# --- Header --------------------------------------------------------------------------------------


def header(
    record: Record, rights: Rights, clocks: Sequence[ClockView], *, past: bool = False
) -> RecordHeader:
    register = register_of(record.kind_name())
    facts = [Fact(label=_("Owner"), value=show.value(record.owner) or components.person(None))]
    for name in ("team", "customer"):
        if getattr(record, f"{name}_id") is not None:
            facts.append(Fact(label=record.field_label(name), value=show.field(record, name)))
    leading = next((c for c in clocks if c.leads and c.open), None)
    if leading is not None:
        facts.append(Fact(label=_("Clock"), value=components.clock(leading.chip, with_due=True)))
    elif record.due_at is not None and record.is_open:
        facts.append(Fact(label=_("Due"), value=show.due(record.due_at, open=True)))
    if record.restricted:
        facts.append(Fact(label=_("Restricted"), value=_("Only those cleared for it see it.")))
    actions: list[Action] = []
    if not past:
        actions = _actions(record, rights)
    return RecordHeader(
        ref=record.ref,
        title=record.title,
        state=show.state(record),
        priority=show.priority(record),
        facts=facts,
        actions=actions,
        crumbs=[] if past else [Link(label=plural(register), url=f"/{register.slug}/")],
        quarter=quarter_of(register),
    )


def _actions(record: Record, rights: Rights) -> list[Action]:
    actions = []
    if rights.revise:
        actions.append(
            Action(label=_("Edit"), url=f"/r/{record.ref}/edit", icon="edit", key="e", kind="quiet")
        )
    if has_paper(record):
        actions.append(
            Action(label=_("Print"), url=f"/r/{record.ref}/print", icon="print", kind="quiet")
        )
    return actions


# --- Lifecycle -----------------------------------------------------------------------------------

Said = dict[Guard, "StrOrPromise | None"]
"""What the guards say of a record, each asked once for all its moves."""


def rail(
    record: Record,
    person: Person,
    *,
    moved: Sequence[tuple[str, datetime]] | None = None,
    refused: tuple[str, forms.RecordForm] | None = None,
    unseen: frozenset[int] | None = None,
) -> Rail:
    """The states, the moves open to this person with their forms, and why others are closed.

    `moved` says which moves were made and when, and `unseen` which of the records that the fields
    of `may_ask` point at this person may not see, where that is known already.
    """
    opened: list[OpenMove] = []
    closed: list[ClosedMove] = []
    said: Said = {}
    for step in record.moves():
        reasons = obstacles(record, step, person, said)
        if reasons:
            closed.append(ClosedMove(label=step.label, reasons=reasons))
            continue
        opened.append(_open_move(record, step, person, said, refused, unseen))
    opened = _most_likely_first(record, opened)
    return Rail(steps=steps(record, moved), open=opened, closed=closed, version=record.version)


def may_ask(record: Record) -> set[str]:
    """The fields that the forms of its moves may ask for."""
    return {name for step in record.moves() for name in forms.move_fields(type(record), step)}


def obstacles(record: Record, step: Move, person: Person, said: Said) -> list[str]:
    """What keeps this person from a move, apart from fields its own form asks for."""
    asked = set(forms.move_fields(type(record), step))
    if not may(person, step.name, type(record)):
        return [_("Your roles do not include this step.")]
    reasons = [
        _("%(field)s is not filled in.") % {"field": record.field_label(name)}
        for name in step.missing(record)
        if name not in asked
    ]
    if refusals := step.refusals(record, but_of=frozenset(asked), said=said):
        editable = set(register_of(record.kind_name()).fields())
        # What a guard complains of may be a field that only this form asks for: then let it try.
        if not asked - editable:
            reasons += refusals
    reasons += step.objections(record, person)
    if step.approval is not None and (why := approvals.missing_approval(record, step)):
        reasons.append(why)
    return reasons


def _open_move(
    record: Record,
    step: Move,
    person: Person,
    said: Said,
    refused: tuple[str, forms.RecordForm] | None,
    unseen: frozenset[int] | None,
) -> OpenMove:
    form: forms.RecordForm | None = None
    if refused is not None and refused[0] == step.name:
        form = refused[1]
    elif step.asks_something:
        form = forms.move_form(record, step, person, unseen=unseen)
    return OpenMove(
        name=step.name,
        label=step.label,
        url=f"/r/{record.ref}/move/{step.name}",
        form=form,
        danger=step.target.final and step.note,
        help=" ".join(step.refusals(record, said=said)),
    )


def _most_likely_first(record: Record, opened: list[OpenMove]) -> list[OpenMove]:
    """The step that leads on along the way comes first and is the button that stands out."""
    ahead = [m for m in opened if not m.danger and _leads_on(record, m.name)]
    ahead.sort(key=lambda m: _is_aside(record.lifecycle, _target(record, m.name)))
    rest = [m for m in opened if m not in ahead]
    if not ahead:
        return rest
    first = ahead[0]
    primary = OpenMove(**{**vars(first), "primary": True})
    return [primary, *ahead[1:], *rest]


def _leads_on(record: Record, name: str) -> bool:
    states = list(record.lifecycle.states)
    return states.index(_target(record, name)) > states.index(record.state)


def _target(record: Record, name: str) -> str:
    return record.lifecycle.moves[name].target.name


def steps(record: Record, moved: Sequence[tuple[str, datetime]] | None = None) -> list[Step]:
    """The states on the way from the first to the last, and where the record stands."""
    life = record.lifecycle
    names = list(life.states)
    here = names.index(record.state)
    reached = _reached(record, moves_made(record) if moved is None else moved)
    shown = []
    for index, (name, state) in enumerate(life.states.items()):
        if index == here:
            standing: Any = "here"
        elif name in reached:
            standing = "passed" if index < here else "ahead"
        elif index < here or _is_aside(life, name):
            standing = "aside"
        else:
            standing = "ahead"
        note = phrases.exact(reached[name]) if name in reached else ""
        shown.append(Step(label=state.label, standing=standing, tone=show.tone(state), note=note))
    return shown


def _is_aside(life: Any, name: str) -> bool:
    """A final state beside the main one, or one that only leads back to where it came from."""
    finals = life.final_states()
    if name in finals:
        return name != _main_end(life)
    order = list(life.states)
    ways = [m.target.name for m in life.moves_from(name)]
    return bool(ways) and all(order.index(to) <= order.index(name) for to in ways)


def _main_end(life: Any) -> str:
    """The last state that no move with a reason alone leads to: where things usually end."""
    for name in life.final_states():
        if any(m.target.name == name and not m.note for m in life.moves.values()):
            return str(name)
    return str(life.final_states()[0]) if life.final_states() else ""


def moves_made(record: Record) -> list[tuple[str, datetime]]:
    """The moves a record made, first to last."""
    return _moves_of(record=record.pk)


_moves_of = Prepared(
    lambda record: (
        Act.objects.filter(record=record, verb="move")
        .order_by("at", "id")
        .values_list("name", "at")
    ),
    record=models.BigIntegerField(),
)


def _reached(record: Record, moved: Sequence[tuple[str, datetime]]) -> dict[str, datetime]:
    """When each state was last reached, as the acts tell."""
    reached = {record.lifecycle.initial.name: record.filed_at}
    for name, at in moved:
        step = record.lifecycle.moves.get(name)
        if step is not None:
            reached[step.target.name] = at
    return reached


# --- Fields --------------------------------------------------------------------------------------


def sections(record: Record, *, without: Collection[str] = ()) -> list[FieldSection]:
    """The fields under the headings of the register; what the program fills in comes last."""
    register = register_of(record.kind_name())
    shown = []
    for section in register.sections:
        names = [n for n in section.fields if not _is_header(n) and n not in without]
        facts = [fact(record, name) for name in names]
        if facts:
            shown.append(FieldSection(title=section.title, facts=facts))
    noted = [name for name in _noted_by_the_program(register) if name not in without]
    known = [fact(record, name) for name in noted]
    known = [each for each in known if each.value]
    known += [
        Fact(label=_("Filed"), value=components.moment(record.filed_at, "both")),
        Fact(label=_("Filed by"), value=show.value(record.filed_by)),
    ]
    shown.append(FieldSection(title=_("Noted by the program"), facts=known))
    return shown


def _is_header(name: str) -> bool:
    """Fields that stand in the header already."""
    return name in ("title", "owner")


def fact(record: Record, name: str) -> Fact:
    """A field as the page tells it: instants to the minute, for whoever checks them."""
    raw = getattr(record, name, None)
    exact = isinstance(raw, datetime)
    return Fact(
        label=record.field_label(name),
        value=components.moment(raw, "both") if exact else show.field(record, name),
        prose=show.is_prose(type(record), name),
    )


def _noted_by_the_program(register: type[Register]) -> list[str]:
    """Fields of the type that no form asks for; what is kept as JSON has a look of its own."""
    asked = set(register.fields())
    return [
        found.name
        for found in register.model._meta.local_fields
        if not found.primary_key
        and not found.editable
        and not found.one_to_one  # a row that the program keeps beside the record
        and found.name not in asked
        and not isinstance(found, models.JSONField)
    ]


@dataclass(frozen=True)
class PartTable:
    """The rows of a part, as a table."""

    title: str
    heads: list[str]
    rows: list[list[Any]]

    @property
    def wide(self) -> bool:
        return len(self.heads) > NARROW


def part_tables(
    record: Record,
    rows: dict[str, list[Any]] | None = None,
    *,
    without: frozenset[str] = frozenset(),
) -> list[PartTable]:
    """Each part with its rows: those of now, or the ones given."""
    register = register_of(record.kind_name())
    tables = []
    for name in register.parts:
        if name in without:
            continue
        model = part_model(type(record), name)
        if rows is not None:
            there = rows.get(name, [])
        else:
            relations = [f for f in model.part_fields if model._meta.get_field(f).is_relation]
            there = list(getattr(record, name).select_related(*relations).order_by("pk"))
        tables.append(
            PartTable(
                title=record.field_label(name),
                heads=[_field_label(model, field) for field in model.part_fields],
                rows=[[show.field(row, field) for field in model.part_fields] for row in there],
            )
        )
    return tables


def _field_label(model: Any, name: str) -> str:
    return str(capfirst(str(model._meta.get_field(name).verbose_name)))


# --- Clocks --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Because:
    """One line of the answer to “why is it due then?”."""

    since: datetime
    until: datetime
    counted: str
    reason: StrOrPromise


@dataclass(frozen=True)
class ClockView:
    """A clock with its chip, what was promised, and why it is due when it is."""

    label: StrOrPromise
    chip: components.Clock
    leads: bool
    open: bool
    promise: str
    calendar: str
    due: datetime | None
    because: Sequence[Because]
    events: Sequence[tuple[datetime, StrOrPromise, str]]
    agreement: SafeString | str = ""


REASONS: dict[str, StrOrPromise] = {
    "open hours": gettext_lazy("open hours"),
    "closed": pgettext_lazy("hours", "closed"),
    "holiday": gettext_lazy("holiday"),
    "closed on a special day": gettext_lazy("closed on a special day"),
    "paused": gettext_lazy("paused"),
    "resolved": gettext_lazy("resolved"),
    "several stretches": gettext_lazy("several stretches"),
}


def clocks(kept: Sequence[tuple[ClockRule, Clock]]) -> list[ClockView]:
    """Those of a record's clocks that somebody was promised; what is not agreed is not due."""
    now = timezone.now()
    return [_clock(rule, row, now) for rule, row in kept if row.has_target]


def chip(rule: ClockRule, row: Clock, now: datetime) -> components.Clock:
    """A clock as a chip shows it."""
    reading = row.reading(now)
    share = reading.share or 0
    target = reading.elapsed + (reading.remaining or 0)
    if row.state == Clock.State.CANCELLED:
        standing, seconds = "met", reading.elapsed
    elif reading.stopped_at is not None:
        late = reading.breached_at is not None
        standing = "missed" if late else "met"
        seconds = -(reading.remaining or 0) if late else reading.elapsed
    elif reading.paused:
        standing, seconds = "paused", reading.remaining or 0
    elif reading.breached_at is not None:
        standing, seconds = "late", -(reading.remaining or 0)
    else:
        standing = "soon" if share >= SOON else "running"
        seconds = reading.remaining or 0
    return components.Clock(
        label=rule.label,
        standing=standing,  # type: ignore[arg-type]
        seconds=seconds,
        target=target,
        due=reading.due,
        share=min(share, 1),
    )


def _clock(rule: ClockRule, row: Clock, now: datetime) -> ClockView:
    from .timeline import CLOCK_WORDS

    steps = row.explain(now) if row.has_target else []
    return ClockView(
        label=rule.label,
        chip=chip(rule, row, now),
        leads=rule.leads,
        open=row.is_open and row.state != Clock.State.CANCELLED,
        promise=promise(row),
        calendar=str(row.calendar.of) if row.calendar else _("Every hour of every day"),
        due=row.due_at,
        because=[
            Because(
                since=step.since,
                until=step.until,
                counted=phrases.duration(step.counted) if step.counted else "",
                reason=REASONS.get(str(step.reason.value), str(step.reason.value)),
            )
            for step in steps
        ],
        events=[
            (event.at, CLOCK_WORDS.get(event.kind, event.kind), event.why)
            for event in sorted(row.events.all(), key=lambda e: (e.at, e.pk))
        ],
        agreement=show.record_link(row.agreement) if row.agreement else "",
    )


def promise(row: Clock) -> str:
    """What was agreed, in words."""
    if row.seconds is not None:
        return _("%(time)s of service hours") % {"time": phrases.duration(row.seconds)}
    if row.days is not None:
        number = row.days
        said = ngettext("%(number)d working day", "%(number)d working days", number)
        return said % {"number": number}
    return _("Nothing is agreed")


# --- Approvals -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ApprovalView:
    """An asking, its votes, and whether the reader may answer."""

    pk: int
    label: StrOrPromise
    standing: SafeString
    needed: int
    asked_by: SafeString
    asked_at: datetime
    votes: Sequence[Any]
    may_vote: bool
    why_not: str
    signed: bool


@dataclass(frozen=True)
class Askable:
    """A move whose approval can be asked for now."""

    name: str
    label: StrOrPromise
    number: int
    missing: Sequence[str] = ()
    """What has to be there before anybody is asked."""


STANDING_TONES = {
    "open": "waiting",
    "given": "done",
    "used": "done",
    "refused": "stopped",
    "void": "closed",
}


def approval_views(record: Record, person: Person) -> list[ApprovalView]:
    if not record.lifecycle.needs_approvals():
        return []
    rows = (
        Approval.objects.filter(record=record.pk)
        .select_related("asked_by")
        .prefetch_related("votes__by", "votes__signature")
        .order_by("-id")[:20]
    )
    views = []
    for row in rows:
        step = record.lifecycle.moves.get(row.move)
        if step is None:
            continue
        why = approvals.may_vote(row, record, person) if row.standing == "open" else ""
        views.append(
            ApprovalView(
                pk=row.pk,
                label=step.label,
                standing=components.state(
                    row.get_standing_display(), STANDING_TONES.get(row.standing, "closed")
                ),
                needed=row.needed,
                asked_by=components.person(row.asked_by),
                asked_at=row.asked_at,
                votes=[
                    (components.person(v.by), v.agrees, v.note, v.at, v.signature)
                    for v in row.votes.all()
                ],
                may_vote=row.standing == "open" and why is None,
                why_not=why or "",
                signed=approvals.is_signed(row, record),
            )
        )
    return views


def askable(record: Record, person: Person, rights: Rights) -> list[Askable]:
    """Moves that need an approval nobody has been asked for."""
    if not rights.revise:
        return []
    found = []
    for step in record.moves():
        if step.approval is None or not (number := step.approval.number(record)):
            continue
        there = approvals.current(record, step.name)
        if there is None or there.standing == Approval.Standing.REFUSED:
            found.append(Askable(step.name, step.label, number, step.obstacles(record)))
    return found


def asked_further_down(views: Sequence[ApprovalView], askable: Sequence[Askable]) -> str:
    """What the reader can do under the approvals, which a long text puts out of sight."""
    if any(view.may_vote for view in views):
        return _("Approve or refuse")
    if any(not step.missing for step in askable):
        return _("Ask for approval")
    return ""


# --- Links, files, panels ------------------------------------------------------------------------


_ties_of = Prepared(
    lambda record: RecordLink.objects.filter(
        models.Q(source=record) | models.Q(target=record), ended_at=None
    ).order_by("kind", "id")[:300],
    record=models.BigIntegerField(),
)


def link_rows(record: Record, person: Person, rights: Rights) -> list[LinkRow]:
    """Ties to records this person may see, read from this side."""
    ties = _ties_of(record=record.pk)
    others = {(t.target_id if t.source_id == record.pk else t.source_id) for t in ties}
    seen = visible_among(person, others)
    shown = []
    for tie in ties:
        kind = links.link_types.get(tie.kind)
        outward = tie.source_id == record.pk
        other = seen.get(tie.target_id if outward else tie.source_id)
        if kind is None or other is None:
            continue
        shown.append(
            LinkRow(
                how=kind.label if outward else kind.inverse_label,
                ref=other.ref,
                title=other.title,
                state=show.sheet_state(other),
                url=other.get_absolute_url(),
                remove_url=f"/r/{record.ref}/unlink/{tie.pk}" if rights.link else "",
            )
        )
    return shown


def link_choices(record: Record, person: Person) -> list[tuple[str, StrOrPromise, str]]:
    """Ways this record can be tied to others: name, label, and to what."""
    found = []
    for name, label, ends in links.types_for(record.kind_name()):
        usable = [k for k in (ends or registers) if k in registers]
        if ends and not any(may(person, "view", registers[k].model) for k in usable):
            continue
        kinds = show.sentence_list(
            registers[kind].model._meta.verbose_name or kind for kind in (usable if ends else ())
        )
        found.append((name, label, kinds))
    return found


def file_rows(record: Record, person: Person, rights: Rights) -> list[FileRow]:
    return [
        FileRow(
            name=row.name,
            url=f"/r/{record.ref}/file/{row.pk}",
            size=row.file.size,
            by=components.person(row.by),
            at=row.at,
            sha256=row.file.sha256,
            remove_url=f"/r/{record.ref}/file/{row.pk}/remove" if rights.comment else "",
        )
        for row in files.shown_to(record, person)
    ]


@dataclass(frozen=True)
class PanelView:
    """A panel of the register with its rows."""

    title: StrOrPromise
    heads: Sequence[StrOrPromise]
    rows: Sequence[Sequence[Any]]
    empty: StrOrPromise
    more: int = 0
    """How many more rows there are than are shown."""
    more_url: str = ""


def has_panels(record: Record, *, wide: bool) -> bool:
    """Whether the register may show something here; nothing is computed yet."""
    return any(_is_wide(panel) is wide for panel in register_of(record.kind_name()).panels)


def _is_wide(panel: Panel) -> bool:
    return len(panel.heads) > NARROW


def panels(
    record: Record, person: Person, *, wide: bool | None = None, limit: int = 1000
) -> list[PanelView]:
    """What the register shows beside the fields; a panel without rows and words is left out."""
    shown = []
    for panel in register_of(record.kind_name()).panels:
        if wide is not None and _is_wide(panel) is not wide:
            continue
        rows = panel.rows(record, person)
        if not rows and not panel.empty:
            continue
        told = rows[:limit]
        with sight.sparing(sight.unseen_among(chain.from_iterable(told), person)):
            cells = [[show.panel_cell(cell) for cell in row] for row in told]
        shown.append(
            PanelView(
                title=panel.title,
                heads=panel.heads,
                rows=cells,
                empty=panel.empty,
                more=max(len(rows) - limit, 0),
                more_url=f"{record.get_absolute_url()}/panels",
            )
        )
    return shown


def raisable(record: Record, person: Person) -> list[Action]:
    """Records of other types that this person may raise from this one."""
    offers = []
    for offer in register_of(record.kind_name()).raises:
        there = registers.get(offer.kind)
        if there is None or not may(person, "file", there.model):
            continue
        offers.append(Action(label=offer.label, url=raise_url(record, offer, there), icon="add"))
    return offers + raisable_anywhere(person, record)


def raisable_anywhere(person: Person, *sources: Record, **given: str) -> list[Action]:
    """What this person may raise from any record or figure, tied to `sources` once it is filed.

    The form is filled in from the first of them; `given` goes before that.
    """
    ties = [(FROM, source.ref) for source in sources]
    offers = []
    for register in raising.raisable_anywhere(person):
        if (anywhere := register.anywhere) is None:
            continue
        taken = anywhere.takes_over(sources[0]) if sources else {}
        query = urlencode([*ties, *(taken | given).items()])
        url = f"/{register.slug}/new?{query}"
        offers.append(Action(label=anywhere.label, url=url, icon="alert"))
    return offers


def raise_url(record: Record, offer: Raise, register: type[Register]) -> str:
    """The address of the form, filled in from this record."""
    pairs = []
    for field, source in offer.carries.items():
        value: Any = record.ref if source == "pk" else getattr(record, source, None)
        if value in (None, ""):
            continue
        if isinstance(value, Sheet):
            value = value.ref
        elif isinstance(value, models.Model):
            value = value.pk
        pairs.append((field, str(value)))
    return f"/{register.slug}/new?{urlencode(pairs)}"


def proves(record: Record, person: Person) -> list[SafeString]:
    """The clauses a record of this type is evidence for."""
    register = register_of(record.kind_name())
    linked = person.may("conformity.view_statement")
    return [
        components.clause(
            number, clause_url(number) if linked else "", quarter=quarter_of(register)
        )
        for number in register.clauses
    ]
