"""States a record passes through, and the moves between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from .history import Act
    from .people import Person

Guard = Callable[[Any], "StrOrPromise | None"]
"""Looks at a record and says why it may not move, or None when it may."""

PersonGuard = Callable[[Any, "Person"], "StrOrPromise | None"]
"""Looks at a record and at who wants to move it, and says why it may not be them."""

Effect = Callable[[Any, "Act"], None]
"""What else a move brings about: fields to stamp on the record, records to file."""


def about(*fields: str) -> Callable[[Guard], Guard]:
    """Mark a guard that looks at these fields: a form that asks for them may satisfy it."""

    def mark(guard: Guard) -> Guard:
        guard.about = frozenset(fields)  # type: ignore[attr-defined]
        return guard

    return mark


@dataclass(eq=False)
class State:
    """Where a record can stand. `tone` picks its colour; the word is always shown with it."""

    label: StrOrPromise
    initial: bool = False
    final: bool = False
    tone: str = ""
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Approval:
    """Who must agree before a move: `count` people holding `right`, never the one who asks.

    `but_not` names fields with people who have no say either: the requester of what is asked for.
    `by` is what else must hold of whoever agrees: they decide on that much money. Where `alone`
    says so for a record, who asks may agree as well: a small organization has waived the rule.
    One that is `signed` is given with a signature: whoever agrees proves anew who they are.
    """

    right: str = ""
    count: int = 1
    when: Callable[[Any], bool] | None = None
    needed: Callable[[Any], int] | None = None
    but_not: tuple[str, ...] = ()
    by: tuple[PersonGuard, ...] = ()
    alone: Callable[[Any], bool] | None = None
    signed: bool = False

    def number(self, record: Any) -> int:
        """How many must agree for this record; 0 when nobody need."""
        if self.when is not None and not self.when(record):
            return 0
        return self.needed(record) if self.needed else self.count


@dataclass(eq=False)
class Move:
    """A step from one state to the next, and all that it asks for.

    `needs` are fields that must be filled, `asks` fields offered with it, `guards` what else must
    hold, `by` what must hold of the person who makes it: a verifier is somebody else. `note` asks
    for a reason. `signed` names the meaning of the signature that the move leaves: whoever makes it
    proves anew who they are. An `auto` move is made by itself as soon as nothing stands in
    its way. `then` runs inside the same act. `submits` names the move whose approval is asked for
    once this one is made.
    """

    source: State | tuple[State, ...]
    target: State
    label: StrOrPromise
    needs: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    by: tuple[PersonGuard, ...] = ()
    note: bool = False
    signed: str = ""
    approval: Approval | None = None
    auto: bool = False
    then: tuple[Effect, ...] = ()
    submits: str = ""
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def sources(self) -> tuple[State, ...]:
        return self.source if isinstance(self.source, tuple) else (self.source,)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields to show beside the move, needed ones first."""
        return tuple(dict.fromkeys((*self.needs, *self.asks)))

    @property
    def asks_something(self) -> bool:
        """Whether one fills in a form to make it."""
        return bool(self.fields or self.note or self.signed)

    def missing(self, record: Any) -> list[str]:
        return [name for name in self.needs if not record.is_filled(name)]

    def refusals(
        self,
        record: Any,
        *,
        but_of: frozenset[str] = frozenset(),
        said: dict[Guard, StrOrPromise | None] | None = None,
    ) -> list[str]:
        """What the guards say against it, in words the reader can act on.

        Those that are about some of the fields `but_of` are not asked, nor those whose answer is in
        `said`, which learns the others: one guard often stands before several moves.
        """
        said = {} if said is None else said
        asked = [g for g in self.guards if not getattr(g, "about", frozenset()) & but_of]
        for guard in asked:
            if guard not in said:
                said[guard] = guard(record)
        return [str(why) for guard in asked if (why := said[guard])]

    def objections(self, record: Any, person: Person) -> list[str]:
        """Why it may not be this person who makes the move; the rights are another matter."""
        return [str(why) for guard in self.by if (why := guard(record, person))]

    def obstacles(self, record: Any) -> list[str]:
        """Everything that stands in the way of this move, fields first."""
        return [
            _("%(field)s is not filled in.") % {"field": record.field_label(name)}
            for name in self.missing(record)
        ] + self.refusals(record)


class Lifecycle:
    """Subclass it with `State` and `Move` attributes; it reads like the diagram it draws."""

    states: ClassVar[dict[str, State]] = {}
    moves: ClassVar[dict[str, Move]] = {}
    initial: ClassVar[State]

    def __init_subclass__(cls) -> None:
        cls.states = {n: s for n, s in vars(cls).items() if isinstance(s, State)}
        cls.moves = {n: m for n, m in vars(cls).items() if isinstance(m, Move)}
        first = [state for state in cls.states.values() if state.initial]
        if len(first) != 1:
            raise TypeError(f"{cls.__name__} has {len(first)} initial states: mark exactly one.")
        cls.initial = first[0]

    @classmethod
    def moves_from(cls, state: str) -> Iterator[Move]:
        here = cls.states[state]
        return (move for move in cls.moves.values() if here in move.sources)

    @classmethod
    def open_states(cls) -> list[str]:
        return [name for name, state in cls.states.items() if not state.final]

    @classmethod
    def final_states(cls) -> list[str]:
        return [name for name, state in cls.states.items() if state.final]

    @classmethod
    def needs_approvals(cls) -> bool:
        """Whether any of its moves has to be agreed to."""
        return any(move.approval is not None for move in cls.moves.values())

    @classmethod
    def mermaid(cls) -> str:
        """The diagram as Mermaid text, for the documentation."""
        lines = ["stateDiagram-v2", f"    [*] --> {cls.initial}"]
        lines += [
            f"    {source} --> {move.target}: {move.name}"
            for move in cls.moves.values()
            for source in move.sources
        ]
        lines += [f"    {name} --> [*]" for name in cls.final_states()]
        return "\n".join(lines)
