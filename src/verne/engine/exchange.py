"""Records of any register into a file, and back out of one: every row through the verbs.

A row finds its record by reference or by external reference; one that has neither files a new
record. A row of which anything cannot be taken is refused as a whole, with the column, the reason
and what to do. What a file says already is left alone: the same file again changes nothing.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import models, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from . import acts, sight, tables
from .cells import Cells, Unreadable, all_words, comparable
from .names import Finder
from .postgresql.numbers import borrowed
from .records import Record
from .register import Column, Register
from .rights import right
from .tables import as_text

if TYPE_CHECKING:
    from .lifecycle import Move
    from .people import Person

BATCH = 100
"""Rows to a transaction: short enough that nobody waits for an import."""

LOOK = 1000
"""Rows that a preview tries out."""

STAMPS = (
    "state",
    "priority",
    "due_at",
    "filed_at",
    "filed_by",
    "changed_at",
    "withdrawn_at",
    "version",
)
"""Fields of the cover sheet that the program keeps; a file may carry them and is told so."""

Told = Callable[[int], None]


# --- Out -----------------------------------------------------------------------------------------


CHUNK = 500
"""Records fetched at once for an export."""


def export(
    register: type[Register],
    rows: models.QuerySet[Any],
    fields: Sequence[str | Column] | None,
    format: str,
    stream: BinaryIO,
    *,
    by: Person | None = None,
    words: bool = False,
) -> int:
    """Write records to a file, row by row; gives back how many. Who may see them, `rows` says.

    With `words`, heads and choices are in the reader's language; otherwise as the program names
    them. Either way the file can be imported again. Without `fields`, everything that can be.
    """
    count = 0

    def counted(cells: Iterator[list[Any]]) -> Iterator[list[Any]]:
        nonlocal count
        for row in cells:
            count += 1
            yield row

    heads, cells = rows_out(register, rows, fields, by=by, words=words)
    if format == "csv":
        for piece in tables.csv_pieces(heads, counted(cells)):
            stream.write(piece)
    elif format == "xlsx":
        zone = timezone.get_current_timezone()
        title = str(register.model._meta.verbose_name_plural)
        about = {
            "title": title,
            "kind": register.model.kind_name(),
            "written": timezone.now().isoformat(timespec="seconds"),
            "by": by.username if by else "",
        }
        tables.write_xlsx(heads, counted(cells), stream, about=about, zone=zone)
    else:
        raise ValidationError(
            _("“%(name)s” is not a format: choose csv or xlsx.") % {"name": format}
        )
    return count


def rows_out(
    register: type[Register],
    rows: models.QuerySet[Any],
    fields: Sequence[str | Column] | None = None,
    *,
    by: Person | None = None,
    words: bool = False,
) -> tuple[list[str], Iterator[list[Any]]]:
    """The heads of an export, and its rows as they come out of the database.

    What the rows point at is named as far as `by` may see it; without anybody, all of it.
    """
    chosen = list(fields or everything(register))
    cells = Cells(register.model, words=words)
    paths = [p for c in chosen for p in ((c,) if isinstance(c, str) else c.needs)]

    # Rows are written while the file is sent, when the request and its language are over.
    language = translation.get_language()

    def lines() -> Iterator[list[Any]]:
        records = _furnished(register.model, rows, chosen).iterator(CHUNK)
        while some := list(islice(records, CHUNK)):
            spared = sight.unseen(some, paths, by) if by is not None else frozenset()
            for record in some:
                # Not around the yield: the file is sent meanwhile, and others are served.
                with translation.override(language), sight.sparing(spared):
                    row = [_cell(cells, record, c) for c in chosen]
                yield row

    return heads_of(register, chosen, words=words), lines()


def _cell(cells: Cells, record: Record, column: str | Column) -> Any:
    if isinstance(column, str):
        return cells.write(record, column)
    if sight.points_at_spared(record, column.needs):
        return ""
    return as_text(_shown(column.value(record)))


def everything(register: type[Register]) -> list[str]:
    """Every column that an import can take up again, and the reference to find the record by."""
    return list(dict.fromkeys(("ref", "source_key", "title", "state", *importable(register))))


def importable(register: type[Register]) -> list[str]:
    """The fields that people fill in: on the form, or together with a move."""
    model = register.model
    names = [*register.fields(), *register.parts]
    names += [name for move in model.lifecycle.moves.values() for name in move.fields]
    fields: dict[str, Any] = {name: model._meta.get_field(name) for name in names}
    return [name for name, f in fields.items() if f.one_to_many or f.editable]


def heads_of(register: type[Register], fields: Sequence[str | Column], *, words: bool) -> list[str]:
    """The heads of the columns; where two would read alike, the field's name is added."""
    if not words:
        return [c if isinstance(c, str) else c.name for c in fields]
    labels = [register.model.field_label(c) if isinstance(c, str) else str(c.label) for c in fields]
    twice = Tally(comparable(label) for label in labels)
    return [
        label if twice[comparable(label)] == 1 else f"{label} ({getattr(c, 'name', c)})"
        for label, c in zip(labels, fields, strict=True)
    ]


def _shown(value: Any) -> Any:
    """What a computed column gives, without objects."""
    if isinstance(value, list | tuple | set):
        return "; ".join(as_text(_shown(each)) for each in value)
    return str(value) if isinstance(value, models.Model) else value


def _furnished(
    model: type[Record], rows: models.QuerySet[Any], fields: Iterable[str | Column]
) -> models.QuerySet[Any]:
    """The records with all that their cells show, in a fixed number of queries."""
    joins: set[str] = set()
    fetched: set[str] = set()
    for column in fields:
        for path in (column,) if isinstance(column, str) else column.needs:
            f: Any = model._meta.get_field(path.partition("__")[0])
            if f.one_to_many or f.many_to_many:
                fetched.add(path)
                if f.one_to_many and isinstance(column, str):
                    part: Any = f.related_model
                    fetched |= {
                        f"{path}__{name}"
                        for name in getattr(part, "part_fields", ())
                        if part._meta.get_field(name).is_relation
                    }
            elif f.is_relation:
                joins.add(path)
    if joins:
        rows = rows.select_related(*sorted(joins))
    return rows.prefetch_related(*sorted(fetched))


# --- In ------------------------------------------------------------------------------------------


@dataclass
class Finding:
    """Something about a file that a person should know: where, what, why, and what to do."""

    row: int
    """The row as spreadsheets number them; 0 speaks of the whole column or file."""
    column: str
    value: str
    reason: str
    remedy: str = ""


@dataclass
class Line:
    """What became of a row: filed, revised, unchanged or refused."""

    row: int
    outcome: str
    ref: str = ""
    title: str = ""
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Heads of the columns that changed the record, with what was there and what came."""
    findings: list[Finding] = field(default_factory=list)


@dataclass
class Report:
    """What came of a file, row by row."""

    kind: str
    name: str
    tried: bool
    """A preview: nothing was kept."""
    columns: list[tuple[str, str]] = field(default_factory=list)
    """Heads as they came, and the field each is taken for (empty: none)."""
    notes: list[Finding] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """The rows a person should look at: the first ones, and all that were refused."""
    counts: dict[str, int] = field(
        default_factory=lambda: {"filed": 0, "revised": 0, "unchanged": 0, "refused": 0}
    )
    more: int = 0
    """Rows that the preview did not try."""

    SHOWN = 500

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    @property
    def changed(self) -> int:
        return self.counts["filed"] + self.counts["revised"]

    @property
    def refused(self) -> list[Line]:
        return [line for line in self.lines if line.outcome == "refused"]

    @property
    def findings(self) -> list[Finding]:
        """Every finding there is, the file's own first."""
        return self.notes + [f for line in self.lines for f in line.findings]

    def add(self, line: Line) -> None:
        self.counts[line.outcome] += 1
        if line.findings or len(self.lines) < self.SHOWN:
            self.lines.append(line)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"rows": self.rows, "changed": self.changed}

    @classmethod
    def from_dict(cls, said: dict[str, Any]) -> Report:
        """A report as `as_dict` kept it."""
        said = {k: v for k, v in said.items() if k not in ("rows", "changed")}
        said["notes"] = [Finding(**f) for f in said["notes"]]
        said["lines"] = [
            Line(**line | {"findings": [Finding(**f) for f in line["findings"]]})
            for line in said["lines"]
        ]
        return cls(**said)


def preview(
    register: type[Register],
    stream: BinaryIO,
    name: str,
    by: Person,
    *,
    encoding: str = "",
    key: str = "",
    limit: int = LOOK,
) -> Report:
    """Try the first rows of a file through the verbs, and take everything back."""
    table = tables.read(stream, name, encoding=encoding)
    report = Report(register.model.kind_name(), name, tried=True)
    loader = _Loader(register, table, report, by=by, key=key)
    with transaction.atomic(), borrowed():
        rows = list(islice(table.rows, limit))
        for start in range(0, len(rows), BATCH):
            loader.take(rows[start : start + BATCH])
        transaction.set_rollback(True)
    report.more = sum(1 for _row in table.rows)
    return report


def load(
    register: type[Register],
    stream: BinaryIO,
    name: str,
    by: Person,
    *,
    encoding: str = "",
    key: str = "",
    told: Told | None = None,
) -> Report:
    """Take the rows of a file, a transaction for every hundred; gives back what became of each.

    `key` names the column that holds the external reference, if it is not called so.
    """
    table = tables.read(stream, name, encoding=encoding)
    report = Report(register.model.kind_name(), name, tried=False)
    loader = _Loader(register, table, report, by=by, key=key)
    while rows := list(islice(table.rows, BATCH)):
        with transaction.atomic():
            loader.take(rows)
        if told is not None:
            told(report.rows)
    return report


@dataclass
class _Column:
    """A column of the file and the field it is taken for."""

    place: int
    head: str
    name: str


class _Loader:
    """Takes rows of one table into one register, for one person."""

    def __init__(
        self, register: type[Register], table: tables.Table, report: Report, *, by: Person, key: str
    ) -> None:
        model = register.model
        if not by.may("engine.import_records"):
            raise PermissionDenied(_("Your roles do not let you import records."))
        if not (by.may(right("file", model)) or by.may(right("revise", model))):
            raise PermissionDenied(
                _("Your roles do not let you import this: %(kind)s.")
                % {"kind": model._meta.verbose_name_plural}
            )
        kind = table.about.get("kind")
        if kind not in (None, model.kind_name()):
            raise ValidationError(
                _("%(name)s holds records of another kind: %(kind)s.")
                % {"name": report.name, "kind": kind}
            )
        self.register, self.model, self.by, self.report = register, model, by, report
        self.heads = table.heads
        self.cells = Cells(model, zone=table.zone)
        self.finder = Finder(by)
        self.places: dict[str, _Column] = {}
        self.rest: list[_Column] = []
        self.seen: dict[tuple[str, str], int] = {}
        self.found: dict[tuple[str, str], Record] = {}
        self._match(key)

    # --- Columns ---------------------------------------------------------------------------------

    def _match(self, key: str) -> None:
        """Decide which field each column is taken for; say so of every one."""
        words = _words(self.register)
        key_head = comparable(key)
        if key and key_head not in map(comparable, self.heads):
            raise ValidationError(
                _("The file has no column “%(name)s”. It has %(names)s.")
                % {"name": key, "names": ", ".join(self.heads)}
            )
        for place, head in enumerate(self.heads):
            column = _Column(place, head, "")
            if key and comparable(head) == key_head:
                column.name = "source_key"
            else:
                column.name = self._name(head, words)
                if key and column.name == "source_key":
                    self._note(head, _("“%(first)s” is taken for it instead.") % {"first": key})
                    column.name = ""
            if column.name in self.places:
                first = self.places[column.name].head
                self._note(head, _("“%(first)s” is taken for the same field.") % {"first": first})
                column.name = ""
            elif column.name:
                self.places[column.name] = column
            self.report.columns.append((head, column.name))
        if not self.places:
            raise ValidationError(
                _("No column of the file fits a field. The fields are %(names)s.")
                % {"names": ", ".join(importable(self.register))}
            )
        fields = set(importable(self.register))
        self.rest = [c for c in self.places.values() if c.name in fields]
        if "ref" not in self.places and "source_key" not in self.places:
            self._note(
                "",
                _("No column holds a reference, so every row files a new record, each time."),
                _("Add a column “source_key” with the number that the rows have elsewhere."),
            )

    def _name(self, head: str, words: dict[str, list[str]]) -> str:
        said = comparable(head)
        if not said:
            self._note(head, _("A column without a head is not taken."))
            return ""
        names = words.get(said, [])
        if len(names) == 1:
            name = names[0]
            if name in STAMPS and name not in importable(self.register):
                self._tell_stamp(head, name)
            return name
        if names:
            self._note(
                head,
                _("“%(head)s” may be several fields, so it is not taken.") % {"head": head},
                _("Write one of %(names)s.") % {"names": ", ".join(names)},
            )
            return ""
        computed = {comparable(c.name) for c in self.register.columns if isinstance(c, Column)}
        if said in computed:
            self._note(head, _("This is computed, so it is not taken."))
            return ""
        close = get_close_matches(said, words, 1)
        self._note(
            head,
            _("No field is called “%(head)s”, so the column is not taken.") % {"head": head},
            _("Did you mean %(name)s?") % {"name": words[close[0]][0]}
            if close
            else _("The fields are %(names)s.") % {"names": ", ".join(importable(self.register))},
        )
        return ""

    def _tell_stamp(self, head: str, name: str) -> None:
        if name == "state":
            return
        if name == "filed_at":
            self._note(head, _("It is taken for new records only."))
        else:
            self._note(head, _("The program keeps this itself, so it is not taken."))

    def _note(self, head: str, reason: str, remedy: str = "") -> None:
        self.report.notes.append(Finding(0, head, "", reason, remedy))

    # --- Rows ------------------------------------------------------------------------------------

    def take(self, rows: Sequence[tuple[int, list[Any]]]) -> None:
        """Take a batch of rows, each in a savepoint of its own."""
        self._look_up(rows)
        face = acts.via.set("import")
        try:
            for number, cells in rows:
                self.report.add(self._take(number, cells))
        finally:
            acts.via.reset(face)

    def _look_up(self, rows: Sequence[tuple[int, list[Any]]]) -> None:
        """Learn what the rows name in a few queries: their records, and what those point at."""
        wanted: dict[type[models.Model], set[str]] = {}
        for column in self.rest:
            for _number, cells in rows:
                if named := self.cells.names_in(column.name, _at(cells, column)):
                    wanted.setdefault(named[0], set()).update(named[1])
        for model, names in wanted.items():
            self.finder.learn(model, names)
        self.found = {}
        seen = _furnished(
            self.model, self.model.objects.visible_to(self.by), [c.name for c in self.rest]
        )
        for name in ("ref", "source_key"):
            if (place := self.places.get(name)) is not None:
                keys = {_key(name, _at(cells, place)) for _number, cells in rows} - {""}
                for record in seen.filter(**{f"{name}__in": keys}):
                    self.found[name, getattr(record, name)] = record

    def _take(self, number: int, cells: list[Any]) -> Line:
        line = Line(number, "refused")
        keys = {name: _key(name, self._cell(cells, name)) for name in ("ref", "source_key")}
        if any(c not in (None, "") for c in cells[len(self.heads) :]):
            self._refuse(line, "", "", _("The row has more cells than there are columns."))
        record = self._record(line, keys)
        values = self._values(line, cells, record) if not line.findings else {}
        if line.findings:
            line.changes = {}
            return line
        try:
            with transaction.atomic():
                self._write(line, cells, record, values, keys)
        except ValidationError as wrong:
            self._blame(line, cells, wrong)
        except PermissionDenied as wrong:
            self._refuse(line, "", "", str(wrong))
        if line.findings:
            line.outcome, line.changes = "refused", {}
        return line

    def _record(self, line: Line, keys: dict[str, str]) -> Record | None:
        """The record that a row speaks of; None when it is to be filed."""
        for name, key in keys.items():
            if not key:
                continue
            if first := self.seen.get((name, key)):
                self._refuse(
                    line, name, key, _("Row %(row)d speaks of the same record.") % {"row": first}
                )
            self.seen.setdefault((name, key), line.row)
        by_ref = self.found.get(("ref", keys["ref"]))
        by_key = self.found.get(("source_key", keys["source_key"]))
        if keys["ref"] and by_ref is None:
            self._refuse(
                line,
                "ref",
                keys["ref"],
                _("There is no such record for you."),
                _("Leave it empty to file a new one, or name it the external reference."),
            )
        if by_ref and keys["source_key"] and by_ref.source_key != keys["source_key"]:
            self._refuse(
                line,
                "source_key",
                keys["source_key"],
                _("%(ref)s has another external reference, which is never changed.")
                % {"ref": by_ref.ref},
                _("Leave the cell or the reference empty."),
            )
        record = by_ref or by_key
        if record is not None:
            line.ref, line.title = record.ref, record.title
            if record.withdrawn_at is not None:
                self._refuse(line, "", "", _("%(ref)s was withdrawn.") % {"ref": record.ref})
        return record

    def _values(self, line: Line, cells: list[Any], record: Record | None) -> dict[str, Any]:
        """What the row says that the record does not say already."""
        values: dict[str, Any] = {}
        for column in self.rest:
            cell = _at(cells, column)
            if record is None and cell in (None, ""):
                continue
            if record is not None and self.cells.says(record, column.name, cell):
                continue
            try:
                values[column.name] = self.cells.read(column.name, cell, self.finder)
            except Unreadable as wrong:
                self._refuse(line, column.name, as_text(cell), wrong.why, wrong.remedy)
                continue
            before = "" if record is None else as_text(self.cells.write(record, column.name))
            line.changes[column.head] = (before, as_text(cell))
        if record is None:
            for part in self.register.parts:
                # Numbers of rows are another record's, from wherever this one was exported.
                values[part] = [
                    {k: v for k, v in row.items() if k != "pk"} for row in values.get(part, [])
                ]
        return values

    def _write(
        self,
        line: Line,
        cells: list[Any],
        record: Record | None,
        values: dict[str, Any],
        keys: dict[str, str],
    ) -> None:
        target = self._state(cells)
        note = _("Imported from %(name)s, row %(row)d.") % {
            "name": self.report.name,
            "row": line.row,
        }
        if record is None:
            record = acts.file(
                self.model,
                values,
                by=self.by,
                note=note,
                at=self._filed_at(cells),
                source_key=keys["source_key"] or None,
            )
            line.outcome, line.title = "filed", record.title
            line.ref = "" if self.report.tried else record.ref
        else:
            before = record.version
            if values:
                record = acts.revise(record, values, by=self.by, note=note)
            line.outcome = "revised" if record.version != before else "unchanged"
        if target and record.state != target:
            was = str(record.state_label)
            record = self._walk(record, target, note)
            if line.outcome != "filed":
                line.outcome = "revised"
                line.changes[self.places["state"].head] = (was, str(record.state_label))
        if line.outcome == "unchanged":
            line.changes = {}

    def _state(self, cells: list[Any]) -> str:
        cell = self._cell(cells, "state")
        if cell in (None, ""):
            return ""
        try:
            return str(self.cells.read("state", cell, self.finder))
        except Unreadable as wrong:
            raise ValidationError({"state": f"{wrong.why} {wrong.remedy}"}) from wrong

    def _filed_at(self, cells: list[Any]) -> Any:
        cell = self._cell(cells, "filed_at")
        if cell in (None, ""):
            return None
        try:
            at = self.cells.read("filed_at", cell, self.finder)
        except Unreadable as wrong:
            raise ValidationError({"filed_at": f"{wrong.why} {wrong.remedy}"}) from wrong
        if at > timezone.now():
            raise ValidationError({"filed_at": _("It lies in the future.")})
        return at

    def _walk(self, record: Record, target: str, note: str) -> Record:
        """Make the moves that lead to a state, the fewest there are; say where it ends if not."""
        steps = _path(record, target)
        if steps is None:
            raise ValidationError(
                {
                    "state": _("No moves lead from “%(here)s” to “%(there)s”.")
                    % {
                        "here": record.state_label,
                        "there": record.lifecycle.states[target].label,
                    }
                }
            )
        for step in steps:
            if record.state == target:
                break
            try:
                record = acts.move(record, step.name, by=self.by, note=note)
            except (ValidationError, PermissionDenied) as wrong:
                reasons = wrong.messages if isinstance(wrong, ValidationError) else [str(wrong)]
                raise ValidationError(
                    {
                        "state": [
                            _("“%(move)s” is not open: %(why)s")
                            % {"move": step.label, "why": " ".join(reasons)}
                        ]
                    }
                ) from wrong
        return record

    # --- Words -----------------------------------------------------------------------------------

    def _cell(self, cells: list[Any], name: str) -> Any:
        column = self.places.get(name)
        return _at(cells, column) if column else None

    def _refuse(self, line: Line, name: str, value: str, reason: str, remedy: str = "") -> None:
        head = self.places[name].head if name in self.places else name
        line.findings.append(Finding(line.row, head, value[:200], reason, remedy))

    def _blame(self, line: Line, cells: list[Any], wrong: ValidationError) -> None:
        named = wrong.message_dict if hasattr(wrong, "error_dict") else {"": wrong.messages}
        for path, reasons in named.items():
            # Of a row of a part it says `targets.0.seconds`; the cell holds all rows of the part.
            name, _dot, inner = path.removesuffix(".__all__").partition(".")
            value = as_text(self._cell(cells, name))
            head = "" if name == "__all__" else name
            remedy = ""
            if head and head not in self.places:
                remedy = _("Add a column “%(name)s” to the file.") % {"name": head}
            for reason in reasons:
                said = f"{inner}: {reason}" if inner else reason
                self._refuse(line, head, value, said, remedy)


def _at(cells: list[Any], column: _Column) -> Any:
    return cells[column.place] if column.place < len(cells) else None


def _key(name: str, cell: Any) -> str:
    """A reference as it is kept; a spreadsheet may have made a number of it."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = as_text(cell).strip()
    return text.upper() if name == "ref" else text


def _words(register: type[Register]) -> dict[str, list[str]]:
    """Every head that is understood: names of fields, and their labels in all languages."""
    model = register.model
    fields = importable(register)
    known = list(dict.fromkeys((*fields, "ref", "source_key", *STAMPS)))
    words: dict[str, list[str]] = {}
    for name in known:
        try:
            f: Any = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        label = getattr(f, "verbose_name", None) or f.related_model._meta.verbose_name_plural
        labels = all_words(label)
        for said in (*labels, *(f"{each} ({name})" for each in labels)):
            words.setdefault(said, []).append(name)
    # A field a person fills in comes before a stamp of the same label; a name before any label.
    words = {said: [n for n in names if n in fields] or names for said, names in words.items()}
    return words | {comparable(name): [name] for name in known}


def _path(record: Record, target: str) -> list[Move] | None:
    """The fewest moves from where a record stands to a state."""
    trails: deque[tuple[str, list[Move]]] = deque([(record.state, [])])
    seen = {record.state}
    while trails:
        here, steps = trails.popleft()
        if here == target:
            return steps
        for step in record.lifecycle.moves_from(here):
            there = step.target.name
            if there not in seen:
                seen.add(there)
                trails.append((there, [*steps, step]))
    return None
