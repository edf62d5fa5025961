"""What happened to a record, in sentences: acts of the history with the rows they changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from verne.engine import links
from verne.engine.clock import Clock, ClockEvent
from verne.engine.comments import Comment
from verne.engine.escalation import Escalation
from verne.engine.files import Attachment
from verne.engine.history import Act, Entry
from verne.engine.links import Link
from verne.engine.people import Person
from verne.engine.prepared import Numbers, Prepared, listed
from verne.engine.records import Record, Sheet
from verne.engine.register import register_of
from verne.engine.rights import visible_among
from verne.engine.signing import Signature, meanings

from . import components, phrases, show
from .parts import Change, TimelineAct, TimelineDay

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE = 40
"""Acts shown at once."""

NOISE = frozenset(
    {
        "id",
        "sheet_id",
        "sheet_ptr_id",
        "kind",
        "ref",
        "state",
        "version",
        "changed_at",
        "filed_at",
        "filed_by_id",
        "withdrawn_at",
        "source_key",
    }
)
"""Columns that say nothing beyond the sentence of the act itself."""

CLOCK_WORDS: dict[str, StrOrPromise] = {
    "start": gettext_lazy("started"),
    "pause": gettext_lazy("paused"),
    "resume": gettext_lazy("running again"),
    "stop": gettext_lazy("stopped"),
    "reset": gettext_lazy("started over"),
    "cancel": gettext_lazy("cancelled"),
}

SENTENCES: dict[str, StrOrPromise] = {
    "file": pgettext_lazy("after a name, in a timeline", "filed it"),
    "revise": pgettext_lazy("after a name, in a timeline", "revised it"),
    "withdraw": pgettext_lazy("after a name, in a timeline", "withdrew it"),
    "settle": pgettext_lazy("after a name, in a timeline", "changed a setting that reaches it"),
    "remind": pgettext_lazy("in a timeline", "Those who are late were reminded."),
    "ring": pgettext_lazy("in a timeline", "A clock passed a mark."),
    "escalate": pgettext_lazy("after a name, in a timeline", "escalated it"),
    "judge": pgettext_lazy("after a name, in a timeline", "gave a verdict"),
    "view": pgettext_lazy("after a name, in a timeline", "looked at a page"),
    "print": pgettext_lazy("after a name, in a timeline", "printed a copy"),
    "call_back": pgettext_lazy("after a name, in a timeline", "noted a printed copy as back"),
}

ICONS = {
    "file": "add",
    "revise": "edit",
    "move": "arrow",
    "link": "link",
    "unlink": "link",
    "withdraw": "close",
    "comment": "comment",
    "attach": "file",
    "detach": "file",
    "ask": "seal",
    "approve": "tick",
    "sign": "seal",
    "refuse": "close",
    "escalate": "alert",
    "ring": "clock",
    "remind": "clock",
    "judge": "tick",
    "view": "search",
    "print": "print",
    "call_back": "print",
}


@dataclass
class Names:
    """What the keys in the entries stand for, fetched with one query for each kind of thing."""

    person: Person
    wanted: dict[type[models.Model], set[int]] = field(default_factory=lambda: defaultdict(set))
    known: dict[type[models.Model], dict[int, str]] = field(default_factory=dict)

    def want(self, model: type[models.Model], key: Any) -> None:
        if key is not None:
            self.wanted[_base(model)].add(int(key))

    def know(self, record: Record, unseen: frozenset[int] | None) -> None:
        """What the record itself points at was fetched with it.

        Records only where somebody has looked which of them this person may not see.
        """
        shown = set() if unseen is None else set(register_of(record.kind_name()).fields())
        for found in record._meta.concrete_fields:
            if not found.many_to_one or not found.is_cached(record):
                continue
            thing = getattr(record, found.name)
            if thing is None:
                continue
            if isinstance(thing, Sheet) and (found.name not in shown or thing.pk in (unseen or ())):
                continue
            self.known.setdefault(_base(type(thing)), {})[thing.pk] = show.name(thing)

    def fetch(self) -> None:
        for model, keys in self.wanted.items():
            known = self.known.setdefault(model, {})
            if not (asked := keys - known.keys()):
                continue
            if model is Sheet:
                seen = visible_among(self.person, asked)
                known.update({number: show.name(sheet) for number, sheet in seen.items()})
            else:
                rows = model._default_manager.filter(pk__in=asked)
                known.update({row.pk: show.name(row) for row in rows})

    def say(self, model: type[models.Model], key: Any) -> str:
        if key is None:
            return ""
        unknown = _("a record not open to you") if _base(model) is Sheet else f"#{key}"
        return self.known.get(_base(model), {}).get(int(key), unknown)


def _base(model: type[models.Model]) -> type[models.Model]:
    """Records of all types are named by their cover sheets: one query, whatever they are."""
    return Sheet if issubclass(model, Sheet) else model


def acts_of(
    record: Record, person: Person, *, before: int | None = None, size: int = PAGE
) -> list[Act]:
    """The acts that are open to somebody, newest first, and one more than a page if there are."""
    since = register_of(record.kind_name()).open_since(record, person)
    if since is None and before is None and size == PAGE:
        return _newest_acts(record=record.pk)
    rows = _acts(record.pk)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if before is not None:
        edge = Act.objects.filter(pk=before).first()
        if edge is not None:
            rows = rows.filter(models.Q(at__lt=edge.at) | models.Q(at=edge.at, pk__lt=edge.pk))
    return list(rows[: size + 1])


def _acts(record: Any) -> models.QuerySet[Act]:
    return Act.objects.filter(record=record).select_related("by").order_by("-at", "-id")


_newest_acts = Prepared(lambda record: _acts(record)[: PAGE + 1], record=models.BigIntegerField())
_entries_of = Prepared(
    lambda acts: Entry.objects.filter(act__in=listed(acts)).order_by("id"), acts=Numbers()
)
_comments = Prepared(
    lambda numbers: Comment.objects.filter(pk__in=listed(numbers)), numbers=Numbers()
)


@dataclass(frozen=True)
class Timeline:
    """Days with their acts, and where older ones are."""

    days: Sequence[TimelineDay]
    more_url: str = ""
    moved: Sequence[tuple[str, datetime]] | None = None
    """Every move the record made, first to last; None where older acts are not shown."""


def timeline(
    record: Record,
    person: Person,
    *,
    before: int | None = None,
    unseen: frozenset[int] | None = None,
    clocks: Sequence[Clock] = (),
) -> Timeline:
    """The newest acts of a record, or those before one of them.

    `unseen` are those of the records it points at that this person may not see, where the caller
    has looked: then they are not looked for again, nor are `clocks` of it that are known.
    """
    acts = acts_of(record, person, before=before)
    more, acts = len(acts) > PAGE, acts[:PAGE]
    entries = _entries_of(acts=[act.pk for act in acts])
    by_act: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_act[entry.act_id].append(entry)
    reading = _Reading(record, person, acts, by_act, unseen, clocks)
    days: dict[date, list[TimelineAct]] = {}
    for act in acts:
        if (line := reading.line(act)) is not None:
            days.setdefault(timezone.localtime(act.at).date(), []).append(line)
    return Timeline(
        days=[TimelineDay(label=phrases.weekday(day), acts=lines) for day, lines in days.items()],
        more_url=f"/r/{record.ref}/timeline?before={acts[-1].pk}" if more else "",
        moved=None
        if more or before is not None
        else [(act.name, act.at) for act in reversed(acts) if act.verb == "move"],
    )


class _Reading:
    """Reads acts with their entries into lines of the timeline."""

    def __init__(
        self,
        record: Record,
        person: Person,
        acts: Sequence[Act],
        entries: dict[int, list[Entry]],
        unseen: frozenset[int] | None = None,
        clocks: Sequence[Clock] = (),
    ) -> None:
        self.record, self.person, self.entries = record, person, entries
        self.tables = _tables(type(record))
        self.names = Names(person)
        self.names.know(record, unseen)
        every = [entry for rows in entries.values() for entry in rows]
        for entry in every:
            self._want(entry)
        self.names.fetch()
        self.comments = self._comments(every)
        self.clocks = self._clocks(every, clocks)

    def _comments(self, entries: Iterable[Entry]) -> dict[int, Comment]:
        keys = [e.row for e in entries if e.table == Comment._meta.db_table and e.op == "I"]
        return {row.pk: row for row in _comments(numbers=keys)} if keys else {}

    def _clocks(self, entries: Iterable[Entry], there: Iterable[Clock]) -> dict[int, Clock]:
        known = {clock.pk: clock for clock in there}
        keys = {
            int((e.after or {}).get("clock_id", 0))
            for e in entries
            if e.table == ClockEvent._meta.db_table
        }
        unknown = keys - known.keys()
        return known | (Clock.objects.in_bulk(unknown) if unknown else {})

    def _want(self, entry: Entry) -> None:
        values = (entry.before or {}) | {}
        for side in (values, entry.after or {}):
            if entry.table == Link._meta.db_table:
                self.names.want(Sheet, side.get("source_id"))
                self.names.want(Sheet, side.get("target_id"))
                continue
            if entry.table == Escalation._meta.db_table:
                self.names.want(Person, side.get("to_person_id"))
                self.names.want(apps.get_model("engine", "Team"), side.get("to_team_id"))
                continue
            for column, value in side.items():
                found = self._field(entry.table, column)
                if found is not None and found.is_relation and column not in NOISE:
                    self.names.want(found.related_model, value)

    def _field(self, table: str, column: str) -> Any:
        return self.tables.get(table, {}).get(column)

    # -- One act ----------------------------------------------------------------------------------

    def line(self, act: Act) -> TimelineAct | None:
        """The act as a line; None for what this person may not read."""
        rows = self.entries.get(act.pk, [])
        said, internal = "", False
        if act.verb == "comment":
            comment = next(
                (self.comments[e.row] for e in rows if e.row in self.comments and _is(e, Comment)),
                None,
            )
            if comment is not None:
                if self.person.is_customer and not comment.public:
                    return None
                said, internal = comment.text, not comment.public
        sentence = self._sentence(act, rows)
        changes = [] if act.verb == "file" else self._changes(rows)
        if act.verb == "settle" and not changes:
            return None
        who = components.person(act.by) if act.by_id else ""
        return TimelineAct(
            at=act.at,
            sentence=sentence,
            who=who,
            icon=ICONS.get(act.verb, "edit"),
            note=act.note if act.verb not in ("attach",) else "",
            said=said,
            internal=internal,
            changes=changes,
            url=self._as_it_was(act) if act.verb == "file" or _changes_it(act, changes) else "",
        )

    def _as_it_was(self, act: Act) -> str:
        at = act.at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return f"{reverse('record-as-it-was', args=[self.record.ref])}?at={at}"

    def _sentence(self, act: Act, rows: list[Entry]) -> StrOrPromise:
        if act.verb == "move":
            return self._moved(act)
        if act.verb in ("link", "unlink"):
            return self._linked(act, rows)
        if act.verb == "comment":
            return _("said") if act.name == "public" else _("noted")
        if act.verb in ("attach", "detach"):
            name = (
                next(((e.after or {}).get("name", "") for e in rows if _is(e, Attachment)), "")
                or act.note
            )
            if act.verb == "attach":
                return _("attached %(name)s") % {"name": name}
            return _("took a file away")
        if act.verb in ("ask", "approve", "refuse"):
            words = {
                "ask": _("asked for approval of “%(move)s”"),
                "approve": _("approved “%(move)s”"),
                "refuse": _("refused “%(move)s”"),
            }
            return words[act.verb] % {"move": self._move_label(act.name)}
        if act.verb == "sign":
            what = next(((e.after or {}).get("what", "") for e in rows if _is(e, Signature)), "")
            meaning = meanings.get(act.name, act.name)
            return _("signed %(what)s: %(meaning)s") % {"what": what, "meaning": meaning}
        if act.verb == "escalate":
            to = next((self._escalated_to(e) for e in rows if _is(e, Escalation)), "")
            if to and not act.by_id:
                return _("A clock escalated it to %(whom)s.") % {"whom": to}
            if to:
                return _("escalated it to %(whom)s") % {"whom": to}
        if not act.by_id and act.verb in ("file", "revise"):
            return (
                _("Filed by the program.") if act.verb == "file" else _("Revised by the program.")
            )
        return SENTENCES.get(act.verb, act.verb)

    def _move_label(self, name: str) -> str:
        step = self.record.lifecycle.moves.get(name)
        return str(step.label) if step else name

    def _moved(self, act: Act) -> str:
        step = self.record.lifecycle.moves.get(act.name)
        if step is None:
            return _("made the step “%(move)s”") % {"move": act.name}
        return _("made the step “%(move)s”: now %(state)s") % {
            "move": step.label,
            "state": step.target.label,
        }

    def _linked(self, act: Act, rows: list[Entry]) -> StrOrPromise:
        kind = links.link_types.get(act.name)
        entry = next((e for e in rows if _is(e, Link)), None)
        if kind is None or entry is None:
            return _("changed a link")
        facts = (entry.before or {}) | (entry.after or {})
        source, target = facts.get("source_id"), facts.get("target_id")
        if source is None or target is None:
            return _("ended a link: %(label)s") % {"label": kind.label}
        outward = int(source) == self.record.pk
        other = self.names.say(Sheet, target if outward else source)
        label = kind.label if outward else kind.inverse_label
        if act.verb == "link":
            return _("linked it: %(label)s %(other)s") % {"label": label, "other": other}
        return _("ended the link: %(label)s %(other)s") % {"label": label, "other": other}

    def _escalated_to(self, entry: Entry) -> str:
        facts = entry.after or {}
        team = apps.get_model("engine", "Team")
        return self.names.say(Person, facts.get("to_person_id")) or self.names.say(
            team, facts.get("to_team_id")
        )

    # -- Changes ----------------------------------------------------------------------------------

    def _changes(self, rows: list[Entry]) -> list[Change]:
        found: list[Change] = []
        begun = {_of_clock(entry) for entry in rows if _happened(entry) == "start"}
        for entry in rows:
            if entry.table == ClockEvent._meta.db_table:
                # A clock that begins need not be said to begin over.
                if _happened(entry) != "reset" or _of_clock(entry) not in begun:
                    found += self._clock_change(entry)
            elif entry.table in self.tables:
                found += self._row_changes(entry)
        return found

    def _row_changes(self, entry: Entry) -> list[Change]:
        through = _many(type(self.record)).get(entry.table)
        if through is not None:
            return self._many_change(entry, through)
        part = _parts(type(self.record)).get(entry.table)
        changes = []
        for column, after in (entry.after or {}).items():
            found = self._field(entry.table, column)
            if found is None or column in NOISE or column == "of_id" or _kept_inside(found):
                continue
            before = (entry.before or {}).get(column)
            if entry.op != "U" and after in (None, "", [], {}):
                continue
            label = _label(found)
            if part:
                label = _("%(part)s: %(field)s") % {"part": part, "field": label}
            changes.append(
                Change(label=label, before=self._say(found, before), after=self._say(found, after))
            )
        if entry.op == "D" and part:
            facts = [
                self._say(f, value)
                for column, value in (entry.before or {}).items()
                if (f := self._field(entry.table, column)) is not None
                and column not in NOISE
                and column != "of_id"
            ]
            changes.append(
                Change(label=part, before=", ".join(filter(None, facts)), after=_("removed"))
            )
        return changes

    def _many_change(self, entry: Entry, found: Any) -> list[Change]:
        facts = entry.after or entry.before or {}
        key = facts.get(found.m2m_reverse_name())
        name = self.names.say(found.related_model, key)
        label = _label(found)
        if entry.op == "I":
            return [Change(label=label, before="", after=_("+ %(name)s") % {"name": name})]
        return [Change(label=label, before=name, after=_("removed"))]

    def _clock_change(self, entry: Entry) -> list[Change]:
        facts = entry.after or {}
        clock = self.clocks.get(int(facts.get("clock_id", 0)))
        if clock is None:
            return []
        label = next(
            (rule.label for rule in self.record.clocks if rule.measure == clock.measure),
            clock.measure,
        )
        word = str(CLOCK_WORDS.get(str(facts.get("kind")), facts.get("kind")))
        why = str(facts.get("why") or "")
        return [
            Change(
                label=_("Clock “%(name)s”") % {"name": label},
                before="",
                after=_("%(what)s: %(why)s") % {"what": word, "why": why} if why else word,
            )
        ]

    def _say(self, found: Any, raw: Any) -> str:
        """A stored value in the reader's words."""
        if raw is None or raw == "":
            return ""
        if found.is_relation:
            return self.names.say(found.related_model, raw)
        if found.choices:
            return show.label(found, raw)
        if isinstance(found, models.BooleanField):
            return show.plain(bool(raw))
        try:
            value = found.to_python(raw)
        except Exception:
            return str(raw)
        if isinstance(value, datetime) and timezone.is_naive(value):
            value = timezone.make_aware(value, timezone.get_fixed_timezone(0))
        return show.plain(value)


def _kept_inside(found: Any) -> bool:
    """What the program keeps as JSON is shown where it belongs, not as text."""
    return isinstance(found, models.JSONField) and not found.editable


def _changes_it(act: Act, changes: Sequence[Change]) -> bool:
    """Whether the record says something else after the act, so that it is worth looking back at."""
    return act.verb in ("revise", "move", "withdraw") and bool(changes)


def _happened(entry: Entry) -> str:
    """What happened to a clock, if the row is an event of one."""
    if entry.table != ClockEvent._meta.db_table:
        return ""
    return str((entry.after or {}).get("kind", ""))


def _of_clock(entry: Entry) -> Any:
    return (entry.after or {}).get("clock_id")


def _is(entry: Entry, model: type[models.Model]) -> bool:
    return entry.table == model._meta.db_table


def _label(found: Any) -> str:
    text = str(found.verbose_name)
    return text[:1].upper() + text[1:]


def _many(model: type[Record]) -> dict[str, Any]:
    """Many-to-many fields by the table that holds them."""
    return {f.m2m_db_table(): f for f in model._meta.many_to_many}


def _parts(model: type[Record]) -> dict[str, str]:
    """What the parts of a type are called, by their table."""
    from verne.engine.register import part_model, register_of

    register = register_of(model.kind_name())
    return {
        part_model(model, name)._meta.db_table: str(part_model(model, name)._meta.verbose_name)
        for name in register.parts
    }


def _tables(model: type[Record]) -> dict[str, dict[str, Any]]:
    """The tables that hold a record, and the fields of each by their column."""
    from verne.engine.register import part_model, register_of

    register = register_of(model.kind_name())
    holding = [*model._meta.get_parent_list(), model]
    holding += [part_model(model, name) for name in register.parts]
    tables: dict[str, dict[str, Any]] = {
        each._meta.db_table: {str(f.column): f for f in each._meta.local_concrete_fields}
        for each in holding
    }
    for table, found in _many(model).items():
        tables[table] = {
            str(f.column): f for f in found.remote_field.through._meta.local_concrete_fields
        }
    return tables
