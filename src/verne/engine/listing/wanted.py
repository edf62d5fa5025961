"""What is asked of a list: its parameters, read and understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from ..register import Column, Register
from .names import column_name, columns_of, filter_names, sortable

if TYPE_CHECKING:
    Params = Mapping[str, "str | Sequence[str]"]

SIZE = 50
LARGEST = 200
"""Rows on a page, unless asked otherwise, and at most."""

WORDS = ("q", "sort", "after", "before", "size", "columns", "standing", "at")
"""Parameters of every list; all others are filters."""

STANDINGS = ("open", "closed", "withdrawn", "all")
"""Values of `standing`; without it, all that is not withdrawn."""


class NotUnderstood(ValidationError):
    """A parameter of a list that cannot be followed; the message says what can be asked instead."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__({parameter: message})
        self.parameter = parameter
        self.sentence = message


@dataclass(frozen=True)
class Wanted:
    """What is asked of a list, understood: independent of who asks."""

    register: type[Register]
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""
    standing: str = ""
    sort: str = ""
    columns: tuple[str | Column, ...] = ()
    after: str = ""
    before: str = ""
    size: int = SIZE
    at: datetime | None = None
    """The instant whose records are wanted; None for those of now."""

    @property
    def order(self) -> str:
        """The order that applies: the one asked for, else the register's own."""
        return self.sort or self.register.order

    def params(self, **changes: str | Sequence[str] | None) -> list[tuple[str, str]]:
        """The parameters that ask for this list, with some changed (None takes one away).

        A change of anything but the page begins at the first page again.
        """
        said: dict[str, str | Sequence[str] | None] = dict(self.filters)
        said |= {"q": self.text, "standing": self.standing, "sort": self.sort}
        if self.columns != self.register.columns:
            said["columns"] = ",".join(column_name(column) for column in self.columns)
        if self.size != SIZE:
            said["size"] = str(self.size)
        if self.at is not None:
            said["at"] = self.at.isoformat()
        said |= changes
        pairs: list[tuple[str, str]] = []
        for name, value in said.items():
            values = [value] if isinstance(value, str) else value or ()
            pairs += [(name, each) for each in values if each]
        return pairs


def understand(register: type[Register], params: Params) -> Wanted:
    """Read the parameters of a list; one that cannot be followed is refused."""
    said = {name: _texts(value) for name, value in params.items()}
    said = {name: values for name, values in said.items() if values}
    known = filter_names(register)
    filters: dict[str, tuple[str, ...]] = {}
    for name, values in said.items():
        if name in WORDS:
            continue
        if name not in known:
            raise NotUnderstood(
                name,
                _("This list has no filter “%(name)s”. It has %(names)s.")
                % {"name": name, "names": ", ".join(known)},
            )
        filters[name] = values
    wanted = Wanted(
        register=register,
        filters=filters,
        text=_one(said, "q"),
        standing=_one(said, "standing"),
        sort=_one(said, "sort"),
        columns=_read_columns(register, _one(said, "columns")),
        after=_one(said, "after"),
        before=_one(said, "before"),
        size=_read_size(_one(said, "size")),
        at=read_instant(_one(said, "at")),
    )
    if wanted.standing and wanted.standing not in STANDINGS:
        raise NotUnderstood(
            "standing",
            _("“%(value)s” is not one of %(values)s.")
            % {"value": wanted.standing, "values": ", ".join(STANDINGS)},
        )
    if wanted.order.lstrip("-") not in sortable(register):
        raise NotUnderstood(
            "sort",
            _("This list cannot be sorted by “%(name)s”. It can by %(names)s.")
            % {"name": wanted.sort, "names": ", ".join(sortable(register))},
        )
    return wanted


def _texts(value: str | Sequence[str]) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else tuple(value)
    return tuple(dict.fromkeys(text.strip() for text in values if text.strip()))


def _one(said: Mapping[str, tuple[str, ...]], name: str) -> str:
    return said[name][-1] if name in said else ""


def _read_columns(register: type[Register], text: str) -> tuple[str | Column, ...]:
    if not text:
        return register.columns
    known = columns_of(register)
    names = [name for name in text.split(",") if name]
    if strange := [name for name in names if name not in known]:
        raise NotUnderstood(
            "columns",
            _("This list has no column “%(name)s”. It has %(names)s.")
            % {"name": strange[0], "names": ", ".join(known)},
        )
    return tuple(known[name] for name in dict.fromkeys(names))


def read_instant(text: str) -> datetime | None:
    """A day, which means its end, or an instant; neither may lie ahead."""
    if not text:
        return None
    try:
        if len(text) == 10:
            day = datetime.combine(date.fromisoformat(text), time.max)
            found = min(timezone.make_aware(day), timezone.now())
        else:
            found = datetime.fromisoformat(text)
            found = found if timezone.is_aware(found) else timezone.make_aware(found)
    except ValueError as error:
        raise NotUnderstood(
            "at", _("“%(value)s” is no day: write one such as 2026-01-31.") % {"value": text}
        ) from error
    ahead = len(text) == 10 and date.fromisoformat(text) > timezone.localdate()
    if ahead or found > timezone.now():
        raise NotUnderstood("at", _("What will be, no record tells: choose a day that is past."))
    return found


def _read_size(text: str) -> int:
    if not text:
        return SIZE
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
        raise NotUnderstood(
            "size", _("A page has between 1 and %(largest)d rows.") % {"largest": LARGEST}
        )
    return int(text)
