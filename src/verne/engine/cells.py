"""What a field looks like in the cell of a table, and how such a cell is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone, translation
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .names import Finder, Nobody, name_of
from .records import Record
from .register import part_model
from .sight import is_spared
from .tables import as_text, naive

YES, NO = gettext_noop("yes"), gettext_noop("no")

_BARE = re.compile(r"[^\s\";=#\[{][^\";=\n]*")
_ROW = re.compile(r"\s*(?:#(\d+)\s*)?")
_FACT = re.compile(r"\s*(\w+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;\n\"]*)\s*(;|\n|$)")
_LINE_END = re.compile(r"[^\S\n]*(\n|$)")
_ITEM = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\"|[^;\"]*)\s*(;|$)")


class Unreadable(ValueError):
    """A cell that cannot be taken: why, and what to write instead."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(f"{why} {remedy}".strip())
        self.why, self.remedy = why, remedy


class Cells:
    """How the fields of one record type are written into cells and read back.

    With `words`, choices and states are written in the reader's language, otherwise as the program
    keeps them. Both are read, in every language there is.
    """

    def __init__(
        self, model: type[Record], *, words: bool = False, zone: tzinfo | None = None
    ) -> None:
        self.model, self.words = model, words
        self.zone = zone or timezone.get_current_timezone()

    # --- Writing ---------------------------------------------------------------------------------

    def write(self, record: Record, name: str) -> Any:
        """The cell for a field, a many-to-many field or a part of a record."""
        f: Any = self.model._meta.get_field(name)
        if f.one_to_many:
            rows = sorted(getattr(record, name).all(), key=lambda row: row.pk)
            return "\n".join(self._write_part(row) for row in rows)
        if f.many_to_many:
            there = (each for each in getattr(record, name).all() if not is_spared(each))
            return "; ".join(sorted(_quoted(name_of(each)) for each in there))
        if name == "state":
            return str(record.state_label) if self.words else record.state
        return self._write_value(f, record)

    def _write_value(self, f: Any, row: models.Model) -> Any:
        if f.is_relation:
            thing = getattr(row, f.name)
            return None if thing is None or is_spared(thing) else name_of(thing)
        value = getattr(row, f.attname)
        if value is None:
            return None
        if f.choices:
            return str(dict(f.flatchoices).get(value, value)) if self.words else value
        if isinstance(value, bool):
            return _(YES) if value and self.words else _(NO) if self.words else YES if value else NO
        if isinstance(value, datetime):
            return value.astimezone(self.zone)
        if isinstance(f, models.JSONField):
            return "" if value in f.empty_values else json.dumps(value, ensure_ascii=False)
        return value

    def _write_part(self, row: Any) -> str:
        plain = Cells(self.model, zone=self.zone)
        facts = []
        for name in row.part_fields:
            text = as_text(plain._write_value(row._meta.get_field(name), row))
            if text:
                facts.append(f"{name}={_quoted(text)}")
        return f"#{row.pk} " + "; ".join(facts)

    def says(self, record: Record, name: str, cell: Any) -> bool:
        """Whether a cell says what the record says: it reads as we would write it."""
        return any(
            _alike(
                cell, Cells(self.model, words=words, zone=self.zone).write(record, name), self.zone
            )
            for words in (self.words, not self.words)
        )

    # --- Reading ---------------------------------------------------------------------------------

    def read(self, name: str, cell: Any, finder: Finder) -> Any:
        """The value that a cell stands for, as the verbs take it."""
        f: Any = self.model._meta.get_field(name)
        if f.one_to_many:
            return self._read_part(name, as_text(cell), finder)
        if f.many_to_many:
            return [_find(finder, f.related_model, each) for each in split(as_text(cell))]
        if name == "state":
            return self._read_state(cell)
        return self._read_value(f, cell, finder)

    def names_in(self, name: str, cell: Any) -> tuple[type[models.Model], list[str]] | None:
        """The things a cell names, so that many cells are looked up at once."""
        f: Any = self.model._meta.get_field(name)
        if not f.is_relation or f.one_to_many or (text := as_text(cell).strip()) == "":
            return None
        try:
            return f.related_model, split(text) if f.many_to_many else [text]
        except Unreadable:
            return None

    def _read_state(self, cell: Any) -> str:
        text = as_text(cell).strip()
        states = {n: s.label for n, s in self.model.lifecycle.states.items()}
        return str(_chosen(text, states.items()))

    def _read_value(self, f: Any, cell: Any, finder: Finder) -> Any:
        text = as_text(cell).strip()
        if text == "":
            return "" if f.empty_strings_allowed and not f.null else None
        if f.is_relation:
            return _find(finder, f.related_model, text)
        if f.choices:
            return _chosen(text, f.flatchoices)
        for kind, read in READERS.items():
            if isinstance(f, kind):
                return read(cell, self.zone)
        return _read_text(cell, self.zone)

    def _read_part(self, name: str, text: str, finder: Finder) -> list[dict[str, Any]]:
        model = part_model(self.model, name)
        rows = []
        for pk, facts in _part_rows(text):
            if strange := [key for key in facts if key not in model.part_fields]:
                raise Unreadable(
                    _("“%(name)s” is no field of these rows.") % {"name": strange[0]},
                    _("They are %(names)s.") % {"names": ", ".join(model.part_fields)},
                )
            row: dict[str, Any] = {"pk": pk} if pk else {}
            for key in model.part_fields:
                f: Any = model._meta.get_field(key)
                if key in facts:
                    row[key] = self._read_value(f, facts[key], finder)
                else:
                    row[key] = f.get_default() if f.has_default() else _nothing(f)
            rows.append(row)
        return rows


def split(text: str) -> list[str]:
    """The items of a cell that holds several: `a; b; "c; d"`."""
    items, at = [], 0
    while at < len(text):
        match = _ITEM.match(text, at)
        if match is None:
            raise Unreadable(
                _("A quotation mark is missing."), _('Write items as a; b; "c; with semicolon".')
            )
        if item := _unquoted(match[1].strip()):
            items.append(item)
        at = match.end()
    return items


def all_words(label: Any) -> set[str]:
    """A word in every language there is, made comparable."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(comparable(str(label)))
    return found


def comparable(text: str) -> str:
    return " ".join(text.casefold().split())


def _part_rows(text: str) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    """`#12 measure=resolve; seconds=3600`, a line each; or the same as a JSON list of objects."""
    if text.lstrip().startswith("["):
        for row in _read_json(text, None):
            if not isinstance(row, dict):
                raise Unreadable(_("The list must hold objects."), '[{"…": "…"}]')
            yield row.get("pk"), {k: v for k, v in row.items() if k != "pk"}
        return
    at = 0
    while text[at:].strip():
        match = _ROW.match(text, at)
        assert match is not None  # it matches the empty text
        at, pk, facts, more = match.end(), match[1], {}, True
        while more:
            fact = _FACT.match(text, at)
            if fact is None:
                line = text[at:].partition("\n")[0]
                raise Unreadable(
                    _("“%(line)s” cannot be read.") % {"line": line[:60]},
                    _('Write a row a line, such as: name=value; other="value; with semicolon"'),
                )
            facts[fact[1]] = _unquoted(fact[2].strip())
            at = fact.end()
            more = fact[3] == ";" and not _LINE_END.match(text, at)
        yield int(pk) if pk else None, facts


def _quoted(text: str) -> str:
    """A text as an item of a cell: in quotation marks where it would be misread without."""
    if _BARE.fullmatch(text) and text == text.strip():
        return text
    return json.dumps(text, ensure_ascii=False)


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return str(_read_json(text, None))


def _find(finder: Finder, model: type[models.Model], name: str) -> Any:
    try:
        return finder.find(model, name)
    except Nobody as wrong:
        raise Unreadable(str(wrong)) from wrong


def _nothing(f: Any) -> Any:
    return "" if f.empty_strings_allowed and not f.null else None


def _chosen(text: str, choices: Iterable[tuple[Any, Any]]) -> Any:
    wanted = comparable(text)
    pairs = list(choices)
    for value, _label in pairs:
        if wanted == comparable(str(value)):
            return value
    for value, label in pairs:
        if wanted in _words_of(label):
            return value
    raise Unreadable(
        _("“%(text)s” is not one of the choices.") % {"text": text},
        _("They are %(names)s.") % {"names": ", ".join(str(label) for _value, label in pairs)},
    )


def _words_of(label: Any) -> frozenset[str]:
    with translation.override("en"):
        return _words_by_text(str(label), label)


_KEPT: dict[str, frozenset[str]] = {}


def _words_by_text(key: str, label: Any) -> frozenset[str]:
    """Translations are looked up once a label, not once a row."""
    if key not in _KEPT:
        _KEPT[key] = frozenset(all_words(label))
    return _KEPT[key]


@cache
def _yes_and_no() -> dict[str, bool]:
    said = {"true": True, "1": True, "false": False, "0": False}
    for word, value in ((YES, True), (NO, False)):
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                said[comparable(_(word))] = value
    return said


def _read_yes_or_no(cell: Any, zone: tzinfo | None) -> bool:
    if isinstance(cell, bool):
        return cell
    said = _yes_and_no().get(comparable(as_text(cell)))
    if said is None:
        raise Unreadable(
            _("“%(text)s” is not yes or no.") % {"text": as_text(cell)}, _("Write yes or no.")
        )
    return said


def _read_whole(cell: Any, zone: tzinfo | None) -> int:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    text = as_text(cell).strip()
    if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise Unreadable(
            _("“%(text)s” is not a whole number.") % {"text": text},
            _("Write digits only, such as 1200."),
        )
    return int(text)


def _read_decimal(cell: Any, zone: tzinfo | None) -> Decimal:
    text = as_text(cell).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Unreadable(
            _("“%(text)s” is not a number.") % {"text": text},
            _("Write it with a point, such as 99.5."),
        )
    return number


def _read_float(cell: Any, zone: tzinfo | None) -> float:
    return float(_read_decimal(cell, zone))


def _read_instant(cell: Any, zone: tzinfo | None) -> datetime:
    found: datetime | None
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, date):
        found = datetime(cell.year, cell.month, cell.day)
    else:
        text = as_text(cell).strip()
        try:
            day = parse_date(text)
            found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)
        except ValueError:
            found = None
        if found is None:
            raise Unreadable(
                _("“%(text)s” is not a date with a time.") % {"text": text},
                _("Write it as 2026-03-31 14:30, or 2026-03-31T14:30+02:00 to name the zone."),
            )
    return found if timezone.is_aware(found) else found.replace(tzinfo=zone)


def _read_day(cell: Any, zone: tzinfo | None) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = as_text(cell).strip()
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None:
        raise Unreadable(
            _("“%(text)s” is not a date.") % {"text": text}, _("Write it as 2026-03-31.")
        )
    return found


def _read_json(cell: Any, zone: tzinfo | None) -> Any:
    try:
        return json.loads(as_text(cell))
    except ValueError as wrong:
        raise Unreadable(
            _("This is not JSON: %(why)s") % {"why": wrong},
            _("Write texts in quotation marks, lists in [ ], and pairs in { }."),
        ) from wrong


def _read_text(cell: Any, zone: tzinfo | None) -> str:
    # A spreadsheet turns 0042 or 7 into a number before we see it.
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return as_text(cell).replace("\r\n", "\n")


READERS: dict[type[models.Field[Any, Any]], Callable[[Any, tzinfo | None], Any]] = {
    models.BooleanField: _read_yes_or_no,
    models.IntegerField: _read_whole,
    models.DecimalField: _read_decimal,
    models.FloatField: _read_float,
    models.DateTimeField: _read_instant,
    models.DateField: _read_day,
    models.JSONField: _read_json,
}
"""How a cell is read, by the kind of field; the first that fits."""


def _alike(cell: Any, written: Any, zone: tzinfo) -> bool:
    if isinstance(cell, datetime) and isinstance(written, datetime):
        return cell == naive(written, zone)
    if isinstance(cell, datetime) and isinstance(written, date):
        return cell.date() == written
    if isinstance(cell, int | float) and isinstance(written, int | float | Decimal):
        return Decimal(str(cell)) == Decimal(str(written))
    return as_text(cell).replace("\r\n", "\n") == as_text(written).replace("\r\n", "\n")
