"""Erasing a person: who somebody was goes from every row and from the history; what was done stays.

Acts, records and proofs remain under a pseudonym. A leaf of the seal commits to a content and its
salt: both go, the leaf stays, and a sealed row says what stands there now and by which erasure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import search, triggers
from .acts import act
from .files import Attachment, File
from .history import Act, Entry
from .people import Assignment, Person
from .records import Sheet
from .register import register_of, registers
from .seal import canonical
from .seal.models import Erased, Erasure, Leaf, Salt
from .stores import store

RIGHT = "engine.erase_person"

IDENTITY = ("username", "name", "email", "unit")
"""Columns of a person that say who they are."""

ends_access: list[Callable[[Person], Any]] = []
"""Called with whoever is erased: what lets them in ends with it. Filled by the faces."""

SHORTEST = 3
"""Shorter spellings would be found inside other words."""


@dataclass
class Plan:
    """What an erasure would replace, before anybody decides."""

    person: Person
    pseudonym: str
    spellings: list[str]
    """Names and addresses that are looked for in texts, former ones included."""
    shared: list[str]
    """Names somebody else bears too: they are not replaced in texts."""
    places: Counter[str] = field(default_factory=Counter)
    """How many rows of which table."""
    files: list[Attachment] = field(default_factory=list)
    """What they attached; whether it tells of them, only a reader can say."""
    obstacles: list[str] = field(default_factory=list)


def plan(person: Person, *, by: Person, also: Iterable[str] = ()) -> Plan:
    """What would go, and what stands in the way."""
    found = _Words.of(person, also)
    made = Plan(person, found.pseudonym, found.texts, found.shared)
    made.obstacles = obstacles(person, by=by)
    for model, _row, _values in _everywhere(found):
        made.places[model._meta.db_table] += 1
    rows = Attachment.objects.filter(by=person, removed_at=None).select_related("record", "file")
    made.files = list(rows)
    return made


def obstacles(person: Person, *, by: Person) -> list[str]:
    """Everything that keeps this person's data from being erased now."""
    now = timezone.now()
    reasons = []
    if not by.may(RIGHT):
        reasons.append(_("Your roles do not include erasing the data of people."))
    if by.pk == person.pk:
        reasons.append(_("Nobody erases their own data: ask somebody else to do it."))
    if person.erasures.exists():
        reasons.append(_("Their data was erased before."))
    if person.active:
        reasons.append(_("They are still active: deactivate them first."))
    held = Assignment.objects.filter(Q(until=None) | Q(until__gt=now), person=person)
    for role in held.values_list("role__name", flat=True):
        reasons.append(_("They still hold the role “%(role)s”: end it first.") % {"role": role})
    left = Sheet.objects.filter(_is_open(), owner=person, withdrawn_at=None).count()
    if left:
        reasons.append(
            ngettext(
                "They still own %(count)d open record: give it to somebody else first.",
                "They still own %(count)d open records: give them to somebody else first.",
                left,
            )
            % {"count": left}
        )
    return reasons


def erase(
    person: Person,
    *,
    by: Person,
    why: str,
    also: Iterable[str] = (),
    files: Iterable[int] = (),
) -> Erasure:
    """Erase who somebody was, everywhere; `files` are attachments of theirs whose content goes too.

    It cannot be undone, in no backup made afterwards.
    """
    if not by.may(RIGHT):
        raise PermissionDenied(_("Your roles do not include erasing the data of people."))
    if reasons := obstacles(person, by=by):
        raise ValidationError(reasons)
    if not why.strip():
        raise ValidationError({"why": _("Say why: the request, and when it was made.")})
    words = _Words.of(person, also)
    why = words.replaced(why.strip())
    went: Counter[str] = Counter()
    gone: list[File] = []
    with transaction.atomic(), act("erase", by=by, note=f"{words.pseudonym}: {why}"):
        append_only = [model._meta.db_table for model in triggers.append_only_models()]
        with triggers.laid_open(connection, append_only):
            records = _replace_in_rows(person, words, went)
            gone = _remove_files(person, list(files), records)
            rewritten = _replace_in_history(words, went)
        _end_access(person)
        erasure = Erasure.objects.create(
            person=person, pseudonym=words.pseudonym, by=by, why=why, went=dict(went)
        )
        _explain(erasure, rewritten, gone)
        _index_anew(records)
        transaction.on_commit(lambda: _unlink(gone))
    return erasure


# --- What is looked for --------------------------------------------------------------------------


@dataclass
class _Words:
    """The spellings of somebody's identity, and what takes their place."""

    person: Person
    pseudonym: str
    texts: list[str]
    shared: list[str]

    @classmethod
    def of(cls, person: Person, also: Iterable[str]) -> _Words:
        said = {person.name, person.email}
        if re.search(r"[.\d_@-]", person.username):
            # One that is an ordinary word would be found where nobody meant them.
            said.add(person.username)
        entries = Entry.objects.filter(table=Person._meta.db_table, row=person.pk)
        for before, after in entries.values_list("before", "after"):
            for row in (before or {}, after or {}):
                said |= {row.get("name") or "", row.get("email") or ""}
        others = Person.objects.exclude(pk=person.pk).filter(name__in=said)
        shared = set(others.values_list("name", flat=True))
        extra = {text.strip() for text in also}
        if short := sorted(text for text in extra if text and len(text) < SHORTEST):
            raise ValidationError(
                {
                    "also": _("“%(text)s” is too short: it is part of other words.")
                    % {"text": short[0]}
                }
            )
        texts = {text for text in (said - shared) | extra if len(text) >= SHORTEST}
        # The longest first, so that no part of a name is left standing.
        found = sorted(texts, key=lambda text: (-len(text), text))
        return cls(person, f"Person {person.pk}", found, sorted(shared))

    @property
    def pattern(self) -> re.Pattern[str]:
        # A text that holds JSON may hold them escaped.
        escaped = [re.escape(json.dumps(text)[1:-1]) for text in self.texts if not text.isascii()]
        choices = [*map(_bounded, self.texts), *escaped]
        return re.compile("|".join(choices) or "(?!)", re.IGNORECASE)

    def replaced(self, value: Any) -> Any:
        """A text, or whatever holds texts, without the spellings."""
        if isinstance(value, str):
            return self.pattern.sub(self.pseudonym, value)
        if isinstance(value, list):
            return [self.replaced(inner) for inner in value]
        if isinstance(value, dict):
            return {key: self.replaced(inner) for key, inner in value.items()}
        return value

    def identity(self) -> dict[str, str]:
        """The columns of the person afterwards."""
        number = self.person.pk
        return {"username": f"erased-{number}", "name": self.pseudonym, "email": "", "unit": ""}

    def forms(self) -> Iterator[str]:
        """The spellings as a database may hold them: in other cases, and escaped in JSON."""
        for text in self.texts:
            cases = {text, text.lower(), text.upper(), text.title()}
            yield from cases | {json.dumps(form)[1:-1] for form in cases}


def _bounded(text: str) -> str:
    """Not inside another word; after Korean and Chinese names a particle may follow at once."""
    before = r"(?<!\w)" if text[0].isascii() else ""
    after = r"(?!\w)" if text[-1].isascii() else ""
    return f"{before}{re.escape(text)}{after}"


def _is_open() -> Q:
    wanted = Q(pk__in=[])
    for kind, register in registers.items():
        wanted |= Q(kind=kind, state__in=register.model.lifecycle.open_states())
    return wanted


# --- Where it is found ---------------------------------------------------------------------------


def _everywhere(words: _Words) -> Iterator[tuple[type[models.Model], Any, dict[str, Any]]]:
    """Every row that says who they are, with the columns as they should be."""
    yield Person, words.person, words.identity()
    for model in _models_with_texts():
        yield from ((model, row, values) for row, values in _in_model(model, words))
    yield from ((Act, row, values) for row, values in _in_model(Act, words))
    yield from ((Entry, row, values) for row, values in _in_entries(words))


def _models_with_texts() -> list[type[models.Model]]:
    """Tables of ours but the history and the seal; what is in no history has texts too."""
    left_out = (Act, Entry, Person, Leaf, Salt, Erasure, Erased)
    return [
        model
        for model in triggers.our_models()
        if model not in left_out and not model.__module__.endswith("seal.models")
    ]


def _in_model(
    model: type[models.Model], words: _Words
) -> Iterator[tuple[models.Model, dict[str, Any]]]:
    fields = [
        f
        for f in model._meta.local_concrete_fields
        if isinstance(f, models.CharField | models.TextField | models.JSONField)
        and not f.primary_key
        and not f.choices
    ]
    for row in _holding(model, [f.name for f in fields], words):
        values = {f.attname: getattr(row, f.attname) for f in fields}
        changed = {
            name: _fitting(model, name, new)
            for name, value in values.items()
            if (new := words.replaced(value)) != value
        }
        if changed:
            yield row, changed


def _fitting(model: type[models.Model], name: str, value: Any) -> Any:
    """A pseudonym may be longer than the name it replaces."""
    longest = getattr(model._meta.get_field(name), "max_length", None)
    return value[:longest] if isinstance(value, str) and longest else value


def _in_entries(words: _Words) -> Iterator[tuple[Entry, dict[str, Any]]]:
    table = Person._meta.db_table
    own = Entry.objects.filter(table=table, row=words.person.pk)
    told = _holding(Entry, ["before", "after"], words)
    seen: set[int] = set()
    for entry in (*own, *told):
        if entry.pk in seen:
            continue
        seen.add(entry.pk)
        values = {name: words.replaced(getattr(entry, name)) for name in ("before", "after")}
        if entry.table == table and entry.row == words.person.pk:
            values = {name: _without_identity(row, words) for name, row in values.items()}
        changed = {name: row for name, row in values.items() if row != getattr(entry, name)}
        if changed:
            yield entry, changed


def _without_identity(row: dict[str, Any] | None, words: _Words) -> dict[str, Any] | None:
    if row is None:
        return None
    return row | {name: value for name, value in words.identity().items() if name in row}


def _holding(model: type[models.Model], fields: Sequence[str], words: _Words) -> list[Any]:
    """Rows in which some spelling may stand; the database looks roughly, Python exactly."""
    forms = sorted(set(words.forms()))
    if not fields or not forms:
        return []
    rows = model._default_manager.all()
    wanted = Q(pk__in=[])
    for number, name in enumerate(fields):
        rows = rows.alias(**{f"text_{number}": Cast(name, models.TextField())})
        for form in forms:
            wanted |= Q(**{f"text_{number}__contains": form})
    return list(rows.filter(wanted).order_by("pk"))


# --- Replacing -----------------------------------------------------------------------------------


def _replace_in_rows(person: Person, words: _Words, went: Counter[str]) -> set[int]:
    """Rows as they are now; the triggers note it. Gives the records that say something else now."""
    records: set[int] = set()
    by_table = {table.name: table.record for table in triggers.tracked_tables()}
    Person.objects.filter(pk=person.pk).update(
        **words.identity(), time_zone="", language="", theme="", password="!"
    )
    went[Person._meta.db_table] += 1
    for model in _models_with_texts():
        rows: Any = model._base_manager
        for row, values in list(_in_model(model, words)):
            rows.filter(pk=row.pk).update(**values)
            went[model._meta.db_table] += 1
            if record := by_table.get(model._meta.db_table):
                records.add(_value(row, record))
    person.refresh_from_db()
    return records


def _value(row: models.Model, column: str) -> Any:
    return next(getattr(row, f.attname) for f in row._meta.concrete_fields if f.column == column)


def _replace_in_history(words: _Words, went: Counter[str]) -> list[tuple[str, int]]:
    """Acts and entries; gives the rows that were replaced, by their source in the seal."""
    replaced: list[tuple[str, int]] = []
    for source, found in (
        ("act", list(_in_model(Act, words))),
        ("entry", list(_in_entries(words))),
    ):
        rows = canonical.sources[source].model._base_manager
        for row, values in found:
            rows.filter(pk=row.pk).update(**values)
            replaced.append((source, row.pk))
        if found:
            went[canonical.sources[source].model._meta.db_table] += len(found)
    return replaced


def _remove_files(person: Person, numbers: list[int], records: set[int]) -> list[File]:
    """Take the content of chosen attachments away, unless somebody else attached the same."""
    gone = []
    for attachment in Attachment.objects.filter(pk__in=numbers, by=person).select_related("file"):
        Attachment.objects.filter(pk=attachment.pk).update(
            name=_("erased"), removed_at=timezone.now()
        )
        records.add(attachment.record_id)
        others = Attachment.objects.filter(file=attachment.file).exclude(pk__in=numbers)
        if not others.exists():
            gone.append(attachment.file)
    return gone


def _unlink(files: list[File]) -> None:
    for file in files:
        store().remove(file.sha256)


def _end_access(person: Person) -> None:
    """Whoever is still signed in somewhere is no longer."""
    for end in ends_access:
        end(person)


def _explain(erasure: Erasure, rows: list[tuple[str, int]], files: list[File]) -> None:
    """Sealed rows lose their salt, and a row that will be sealed says what stands there now."""
    told = []
    for source, number in rows:
        leaf = Leaf.objects.filter(source=source, row=number).first()
        if leaf is None:
            continue
        Salt.objects.filter(pk=leaf.pk).delete()
        kind = canonical.sources[source]
        text = canonical.payload(kind, kind.model._base_manager.get(pk=number))
        digest = hashlib.sha256(text).hexdigest()
        told.append(Erased(erasure=erasure, source=source, row=number, digest=digest))
    told += [Erased(erasure=erasure, source="file", row=f.pk, digest=f.sha256) for f in files]
    Erased.objects.bulk_create(told, batch_size=500)


def _index_anew(records: set[int]) -> None:
    for sheet in Sheet.objects.filter(pk__in=records):
        text = register_of(sheet.kind).search_text(sheet.opened())
        search.index(sheet.pk, sheet.kind, text)
