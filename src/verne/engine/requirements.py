"""What is asked of the management system, for chapters that may not know the catalogue itself.

The chapters read obligations and what the checks found through the one `library` here; whoever
holds the catalogue (conformity) offers itself as that library when the program starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from .evidence import Evidence


@dataclass(frozen=True)
class Clause:
    """A clause by its number; `name` is its title in the reader's language."""

    number: str
    name: str
    pdca: str
    parent: str | None
    informative: bool = False

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts 8.10 after 8.9."""
        return tuple(int(part) for part in self.number.split("."))


@dataclass(frozen=True)
class Obligation:
    """One thing that is asked, with the keys of the checks that speak of it."""

    id: str
    cite: str
    clause: str
    text: str
    owner_role: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Documented:
    """A kind of documented information that is asked for: a document, or records."""

    key: str
    name: str
    kind: str
    required_by: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What a check found: a word of the statement, and how many records it looked at.

    `holds` is None where the check says neither yes nor no: nothing to look at, or not computed.
    """

    key: str
    condition: str
    result: str
    label: StrOrPromise
    holds: bool | None
    population: int | None = None
    exceptions: int | None = None
    note: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """What is shown for an obligation as a whole: a result of the statement."""

    result: str
    label: StrOrPromise


class Library(Protocol):
    """What a catalogue answers."""

    def clauses(self) -> Mapping[str, Clause]:
        """Every clause by its number, in the order of the text."""

    def obligations(self) -> Mapping[str, Obligation]:
        """Every obligation by its id, in the order of the text."""

    def documented(self) -> Mapping[str, Documented]:
        """The kinds of documented information by their key, in the order of the text."""

    def condition(self, check: str) -> str:
        """What a check asks, in words; KeyError when there is no such check."""

    def found(self, checks: Iterable[str]) -> Mapping[str, Found]:
        """What these checks last found, computed anew where their records have changed."""

    def found_at(self, checks: Iterable[str], *, at: datetime) -> Mapping[str, Found]:
        """What these checks find at an instant, asked of the records as they stand now."""

    def standings(self) -> Mapping[str, Standing]:
        """The result of every obligation, as last computed."""

    def evidence(self, check: str, *, at: datetime) -> Evidence | None:
        """Population and exceptions of a check at an instant; None when nothing answers it."""


_libraries: list[Library] = []


def offer(library: Library) -> None:
    """Make this the library that is asked from now on."""
    _libraries[:] = [library]


def library() -> Library:
    """The catalogue of this installation."""
    if not _libraries:
        raise LookupError("No catalogue is offered: verne.conformity offers it when it is ready.")
    return _libraries[0]


def lies_within(number: str, clause: str) -> bool:
    """Whether a clause is another one or lies under it: 8.6.3 within 8.6, never 8.1 within 8.10."""
    return number == clause or number.startswith(f"{clause}.")


def obligations_within(clauses: Iterable[str]) -> list[Obligation]:
    """The obligations of some clauses and of all that lies under them, in the order of the text."""
    wanted = tuple(clauses)
    return [
        obligation
        for obligation in library().obligations().values()
        if any(lies_within(obligation.clause, clause) for clause in wanted)
    ]
