"""Tables in files: CSV and XLSX, written as a stream and read row by row."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Endings of files, and what a browser is told they are."""

ABOUT = "Verne"
"""The second sheet of a workbook, which says in which zone its times are."""

CELL_LIMIT = 32_767
ROW_LIMIT = 1_048_576
LARGEST_UNPACKED = 512 * 1024 * 1024
"""A workbook of a few kilobytes can claim to be as large as a disk."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_HIDDEN = re.compile(r"_x([0-9A-Fa-f]{4})_")

Row = Sequence[Any]


@dataclass
class Table:
    """A table read from a file: its heads, and its rows with their numbers in the file."""

    heads: list[str]
    rows: Iterator[tuple[int, list[Any]]]
    zone: tzinfo | None = None
    about: dict[str, str] = field(default_factory=dict)


def csv_pieces(heads: Row, rows: Iterable[Row]) -> Iterator[bytes]:
    """A CSV file in UTF-8, piece by piece. The mark at its beginning tells Excel the encoding."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    out.write("\ufeff")
    writer.writerow([harmless(str(head)) for head in heads])
    for number, row in enumerate(rows):
        writer.writerow([harmless(c) if isinstance(c, str) else as_text(c) for c in row])
        if number % 200 == 199:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def write_xlsx(
    heads: Row, rows: Iterable[Row], stream: BinaryIO, *, about: dict[str, str], zone: tzinfo
) -> None:
    """A workbook, written row by row, so that its size does not matter."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", about.get("title", ""))[:31] or "1")
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    sheet.append([_text_cell(sheet, str(head), font=bold) for head in heads])
    for number, row in enumerate(rows, start=2):
        if number > ROW_LIMIT:
            raise ValidationError(
                _("A workbook holds %(limit)d rows: export fewer, or choose CSV.")
                % {"limit": ROW_LIMIT}
            )
        sheet.append([_cell(sheet, value, zone) for value in row])
    facts = book.create_sheet(ABOUT)
    for key, value in (about | {"time zone": str(zone)}).items():
        facts.append([_text_cell(facts, key), _text_cell(facts, value)])
    book.save(stream)


def read(stream: BinaryIO, name: str, *, encoding: str = "") -> Table:
    """The table in a file. What it is, its beginning says; `name` is only for the message."""
    start = stream.read(4)
    stream.seek(0)
    if start == b"PK\x03\x04":
        return _read_xlsx(stream, name)
    if start == b"\xd0\xcf\x11\xe0":
        raise ValidationError(
            _("%(name)s is an old Excel file: save it as XLSX or CSV.") % {"name": name}
        )
    return _read_csv(stream, name, encoding)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: such a one gets an apostrophe in front."""
    return "'" + text if _FORMULA.match(text) else text


def as_meant(text: str) -> str:
    """The text behind the apostrophe that `harmless` put there."""
    return text[1:] if _ESCAPED.match(text) else text


def as_text(value: Any) -> str:
    """A cell's value as CSV says it."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _cell(sheet: Any, value: Any, zone: tzinfo) -> Any:
    if value is None or isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, datetime):
        # Excel knows no zones: the workbook says once which one its times are in.
        cell = WriteOnlyCell(sheet, naive(value, zone))
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
        return cell
    if isinstance(value, date):
        cell = WriteOnlyCell(sheet, datetime(value.year, value.month, value.day))
        cell.number_format = "yyyy-mm-dd"
        return cell
    return _text_cell(sheet, str(value))


def naive(value: datetime, zone: tzinfo) -> datetime:
    """An instant as a clock on the wall of a zone shows it, to the second."""
    return value.astimezone(zone).replace(microsecond=0, tzinfo=None)


def _text_cell(sheet: Any, text: str, *, font: Font | None = None) -> Any:
    """A cell that stays text, whatever it begins with; control characters as Office writes them."""
    text = _HIDDEN.sub(lambda m: f"_x005F_{m[0][1:]}", text)
    text = ILLEGAL_CHARACTERS_RE.sub(lambda m: f"_x{ord(m[0]):04X}_", text)
    if len(text) > CELL_LIMIT:
        more = " " + _("[… too long for a cell; choose CSV for the whole text]")
        text = text[: CELL_LIMIT - len(more)] + more
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    if font is not None:
        cell.font = font
    return cell


def _unhidden(text: str) -> str:
    return _HIDDEN.sub(lambda m: chr(int(m[1], 16)), text)


def _read_xlsx(stream: BinaryIO, name: str) -> Table:
    try:
        with zipfile.ZipFile(stream) as packed:
            unpacked = sum(piece.file_size for piece in packed.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise ValidationError(
                _("%(name)s is larger than %(limit)d MB once it is unpacked. Send it in parts.")
                % {"name": name, "limit": LARGEST_UNPACKED // 1024 // 1024}
            )
        stream.seek(0)
        book = load_workbook(stream, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as wrong:
        raise ValidationError(
            _("%(name)s cannot be read as a workbook: %(why)s") % {"name": name, "why": wrong}
        ) from wrong
    about: dict[str, str] = {}
    sheets = [sheet for sheet in book.worksheets if sheet.title != ABOUT]
    if ABOUT in book.sheetnames:
        for row in book[ABOUT].iter_rows(max_col=2, values_only=True):
            about[str(row[0])] = str(row[1] if len(row) > 1 else "")
    if not sheets:
        raise ValidationError(_("%(name)s has no sheet with rows.") % {"name": name})
    # What programs write about the size of a sheet is not always true.
    sheets[0].reset_dimensions()
    rows = (
        (number, [_unhidden(c) if isinstance(c, str) else c for c in row])
        for number, row in enumerate(sheets[0].iter_rows(values_only=True), start=1)
    )
    return _table(rows, name, zone=_zone(about.get("time zone", "")), about=about)


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def _read_csv(stream: BinaryIO, name: str, encoding: str) -> Table:
    start = stream.read(1 << 16)
    stream.seek(0)
    if not encoding:
        utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff"))
        encoding = "utf-16" if utf16 else "utf-8-sig"
    try:
        text = io.TextIOWrapper(stream, encoding=encoding, newline="")
        sample = text.readline()
        text.seek(0)
    except (LookupError, UnicodeError) as wrong:
        raise _not_text(name, encoding) from wrong
    reader = csv.reader(text, delimiter=_delimiter(sample), strict=False)

    def rows() -> Iterator[tuple[int, list[Any]]]:
        last = 0
        try:
            for row in reader:
                # A cell may hold several lines: number the row by the line it begins in.
                number, last = last + 1, reader.line_num
                yield number, [as_meant(cell) for cell in row]
        except UnicodeError as wrong:
            raise _not_text(name, encoding) from wrong
        except csv.Error as wrong:
            raise ValidationError(
                _("%(name)s cannot be read as CSV from line %(line)d on: %(why)s")
                % {"name": name, "line": reader.line_num, "why": wrong}
            ) from wrong
        finally:
            # The wrapper must not close the caller's stream; the caller may have done so already.
            with suppress(ValueError):
                text.detach()

    return _table(rows(), name)


def _not_text(name: str, encoding: str) -> ValidationError:
    return ValidationError(
        _("%(name)s is not text in %(encoding)s: save it as CSV in UTF-8, or say its encoding.")
        % {"name": name, "encoding": encoding.removesuffix("-sig")}
    )


def _delimiter(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(",;\t|", key=bare.count)


def _table(
    rows: Iterator[tuple[int, list[Any]]],
    name: str,
    *,
    zone: tzinfo | None = None,
    about: dict[str, str] | None = None,
) -> Table:
    """The first row that says something holds the heads; rows that say nothing are passed over."""
    told = ((number, row) for number, row in rows if any(c not in (None, "") for c in row))
    try:
        _number, heads = next(told)
    except StopIteration:
        raise ValidationError(
            _("%(name)s is empty: its first row must name the columns.") % {"name": name}
        ) from None
    names = [as_text(head).strip() for head in heads]
    while names and not names[-1]:
        names.pop()
    return Table(names, told, zone or timezone.get_current_timezone(), about or {})
