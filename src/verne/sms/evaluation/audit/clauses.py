"""Lists of clauses as people write them: "8.6, 9.2", and what lies within them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from verne.engine.register import registers
from verne.engine.requirements import Clause, library, lies_within

_BETWEEN = re.compile(r"[\s,;]+")


def read(text: str) -> tuple[str, ...]:
    """The clauses a text names, each once, in the order of the standard."""
    named = {part.strip(".") for part in _BETWEEN.split(text.strip()) if part.strip(".")}
    return tuple(sorted(named, key=_order))


def tidy(text: str) -> str:
    """The same list without what is said twice: 8.6.3 beside 8.6."""
    named = read(text)
    return ", ".join(n for n in named if not any(n != o and lies_within(n, o) for o in named))


def a_list_of_clauses(text: str) -> None:
    """Refuse what is no list of clauses, naming what is not understood."""
    known = library().clauses()
    for number in read(text):
        if number not in known:
            raise ValidationError(
                _("%(number)s is no clause of the standard: write numbers such as 8.6.1, 9.2.")
                % {"number": number}
            )


def an_obligation(text: str) -> None:
    """Refuse what is no obligation of the catalogue."""
    if text not in library().obligations():
        raise ValidationError(
            _("%(id)s is no obligation of the catalogue: write an id such as 8.6.1.a.")
            % {"id": text}
        )


def covers(clauses: Iterable[str], clause: str) -> bool:
    """Whether a list of clauses reaches a clause: as a whole, from above, or in a part of it."""
    return any(lies_within(clause, c) or lies_within(c, clause) for c in clauses)


def auditable() -> list[Clause]:
    """The clauses a programme plans by: 4.1 or 9.2, and of chapter 8 one level deeper."""
    asked = {obligation.clause for obligation in library().obligations().values()}
    return [
        clause
        for clause in library().clauses().values()
        if any(lies_within(number, clause.number) for number in asked)
        and len(clause.order) == (3 if _goes_deeper(clause, asked) else 2)
    ]


def _goes_deeper(clause: Clause, asked: set[str]) -> bool:
    """Chapter 8 is planned process by process, where it has more than one under a heading."""
    heading = ".".join(clause.number.split(".")[:2])
    return clause.number.startswith("8.") and any(
        number != heading and lies_within(number, heading) for number in asked
    )


def kinds_within(clauses: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The kinds of record that prove something about these clauses, and which of them."""
    wanted = tuple(clauses)
    found = {
        kind: tuple(c for c in register.clauses if covers(wanted, c))
        for kind, register in registers.items()
    }
    return {kind: numbers for kind, numbers in found.items() if numbers}


def _order(number: str) -> tuple[tuple[int, str], ...]:
    """Numbers by value; what is no number comes last, for the refusal to name it."""
    return tuple((int(p), "") if p.isdecimal() else (10_000, p) for p in number.split("."))
