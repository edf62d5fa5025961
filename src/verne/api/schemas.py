"""One typed schema for each register, built from its model; and those that all records share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from django.db import models
from pydantic import BaseModel, ConfigDict, Field, create_model

from verne.engine.comments import Comment as CommentRow
from verne.engine.records import Record
from verne.engine.register import Register, part_model

from .kinds import Instant, Json, Text, described, kind_of, nullable

COVER = (
    "ref",
    "kind",
    "title",
    "state",
    "owner",
    "team",
    "customer",
    "priority",
    "due_at",
    "restricted",
    "filed_at",
    "filed_by",
    "changed_at",
    "withdrawn_at",
    "version",
    "source_key",
)
"""What every record says of itself."""


class Strict(BaseModel):
    """A body is taken as it is meant or not at all: no text for a number, no unknown field."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Shown(BaseModel):
    """What we say; it is built right, so it is described and not checked again."""

    model_config = ConfigDict(extra="forbid")


@dataclass
class Schemas:
    """The schemas of one register: what files a record, revises it, moves it and shows it."""

    register: type[Register]

    @cached_property
    def model(self) -> type[Record]:
        return self.register.model

    @cached_property
    def name(self) -> str:
        return self.model.__name__

    @cached_property
    def fields(self) -> list[str]:
        """The fields a person may fill in: those of the form, and those asked for by a move."""
        named = [*self.register.fields()]
        named += [n for move in self.model.lifecycle.moves.values() for n in move.fields]
        return [
            n
            for n in dict.fromkeys(named)
            if getattr(f := self.model._meta.get_field(n), "editable", False) and not f.one_to_many
        ]

    @cached_property
    def shown(self) -> list[str]:
        """The fields of a record as it is read, those of its cover sheet first."""
        return list(dict.fromkeys((*COVER, *self.register.fields(), *self.fields)))

    @cached_property
    def filing(self) -> type[BaseModel]:
        fields: dict[str, Any] = {}
        for name in self.fields:
            f: Any = self.model._meta.get_field(name)
            obligatory = not (f.blank or f.null or f.many_to_many or f.has_default())
            fields[name] = (nullable(f), _field(f, required=obligatory))
        return create_model(f"{self.name}Filing", __base__=Strict, **fields, **self._parts())

    @cached_property
    def revision(self) -> type[BaseModel]:
        fields: dict[str, Any] = {
            name: (nullable(f), _field(f, required=False))
            for name in self.fields
            for f in [self.model._meta.get_field(name)]
        }
        return create_model(f"{self.name}Revision", __base__=Strict, **fields, **self._parts())

    @cached_property
    def moving(self) -> type[BaseModel]:
        return create_model(
            f"{self.name}Move",
            __base__=Strict,
            note=(Text, Field("", description="Why; some moves ask for it.")),
            values=(
                self.revision,
                Field(None, description="Fields to fill in together with the move."),
            ),
            password=(
                str,
                Field(
                    "",
                    max_length=1000,
                    description="Where the move is signed: your password, typed again.",
                ),
            ),
        )

    @cached_property
    def shape(self) -> type[BaseModel]:
        """The record as it is read."""
        fields: dict[str, Any] = {}
        for name in self.shown:
            f: Any = self.model._meta.get_field(name)
            fields[name] = (self._cover(name) or _shown_as(f), Field(description=described(f)))
        for name in self.register.parts:
            row = self._row(name, incoming=False)
            fields[name] = (list[row], Field(description=_part_words(self.model, name)))  # type: ignore[valid-type]
        return create_model(self.name, __base__=Shown, **fields)

    @cached_property
    def listing(self) -> type[BaseModel]:
        return create_model(
            f"{self.name}List",
            __base__=Shown,
            items=(list[self.shape], Field()),  # type: ignore[name-defined]
            next=(str | None, Field(description="Address of the next page.")),
            previous=(str | None, Field(description="Address of the page before.")),
        )

    def _cover(self, name: str) -> Any:
        """The words that the cover sheet of this type can hold, where they are few."""
        return {
            "state": Literal[tuple(self.model.lifecycle.states)],
            "kind": Literal[self.model.kind_name()],
        }.get(name)

    def _parts(self) -> dict[str, Any]:
        return {
            name: (
                list[self._row(name, incoming=True)],  # type: ignore[misc]
                Field(
                    None,
                    max_length=1000,
                    description=_part_words(self.model, name)
                    + " All rows: those with a `pk` are kept and revised, those left out removed.",
                ),
            )
            for name in self.register.parts
        }

    def _row(self, name: str, *, incoming: bool) -> Any:
        part = part_model(self.model, name)
        fields: dict[str, Any] = {}
        for each in part.part_fields:
            f: Any = part._meta.get_field(each)
            if incoming:
                obligatory = not (f.blank or f.null or f.has_default())
                fields[each] = (nullable(f), _field(f, required=obligatory))
            else:
                fields[each] = (_shown_as(f), Field(description=described(f)))
        key: Any = (int | None, Field(None, ge=1, le=2**53)) if incoming else (int, Field())
        base = Strict if incoming else Shown
        title = part.__name__ + ("Row" if incoming else "")
        return create_model(title, __base__=base, pk=key, **fields)


def _shown_as(f: Any) -> Any:
    if f.is_relation:
        # What a reader may not see is not named: a reference to it reads as empty.
        return list[str] if f.many_to_many else str | None
    kind = _loose(f)
    return kind | None if f.null else kind


def _loose(f: Any) -> Any:
    """What a column may hold, whatever is asked of new values: the past is shown as it is."""
    if isinstance(f, models.JSONField):
        return Any
    if f.choices:
        return int if isinstance(f, models.IntegerField) else str
    kind = kind_of(f)
    return str if isinstance(f, models.CharField | models.TextField) else kind


def _field(f: Any, *, required: bool) -> Any:
    # Fields that were not sent are left out of the dump, so the default is never used.
    return Field(... if required else None, description=described(f))


def _part_words(model: type[Record], name: str) -> str:
    label = str(part_model(model, name)._meta.verbose_name_plural)
    return label[:1].upper() + label[1:] + "."


# --- What all records share ----------------------------------------------------------------------


class ShownRecord(BaseModel):
    """A record of any type: its cover sheet, and its fields as its own schema says."""

    model_config = ConfigDict(extra="allow")

    ref: str
    kind: str
    title: str
    state: str
    version: int


class Me(Shown):
    username: str
    name: str
    organization: str | None
    rights: list[str]
    token: str | None = Field(description="The beginning of the token in use.")
    expires_at: Instant | None


class MoveWords(Shown):
    name: str
    label: str
    sources: list[str]
    target: str
    needs: list[str] = Field(description="Fields that must be filled in.")
    note: bool = Field(description="Whether it asks for a reason.")
    approval: bool = Field(description="Whether it may need approval.")


class RegisterWords(Shown):
    slug: str
    kind: str
    prefix: str
    label: str
    purpose: str
    clauses: list[str] = Field(description="Clauses of ISO/IEC 20000-1 it serves.")
    states: dict[str, str]
    moves: list[MoveWords]
    links: list[str] = Field(description="Names of the links its records can have.")


class OpenMove(MoveWords):
    open: bool
    reasons: list[str] = Field(description="Everything that stands in its way for you.")


class Tie(Shown):
    link: str
    label: str
    ref: str
    kind: str
    title: str
    state: str
    since: Instant


class Tying(Strict):
    link: Text = Field(min_length=1, max_length=40, description="The name of a link, either way.")
    ref: Text = Field(min_length=1, max_length=20, description="The other record.")
    note: Text = ""


class Said(Shown):
    id: int
    by: str | None
    at: Instant
    public: bool
    text: str


class Saying(Strict):
    text: Text = Field(min_length=1, max_length=100_000)
    public: bool = Field(False, description=str(CommentRow.__doc__).splitlines()[0])


class FileWords(Shown):
    id: int
    name: str
    size: int
    type: str
    sha256: str
    public: bool
    by: str | None
    at: Instant


class EntryWords(Shown):
    table: str
    row: int
    op: Literal["I", "U", "D"]
    before: Json = Field(description="Columns with what they held, or null for a new row.")
    after: Json


class ActWords(Shown):
    id: int
    at: Instant
    recorded_at: Instant
    by: str | None
    verb: str
    name: str
    note: str
    via: str
    entries: list[EntryWords]


class History(Shown):
    items: list[ActWords]
    next: str | None


class ClockEventWords(Shown):
    at: Instant
    kind: str
    why: str


class StepWords(Shown):
    """A step of the explanation why a clock is due when it is."""

    since: Instant
    until: Instant | None
    seconds: float
    reason: str


class ClockWords(Shown):
    measure: str
    label: str
    target: str = Field(description="The name of the target that applies; empty without one.")
    state: str
    seconds: int | None
    days: int | None
    elapsed: float = Field(description="Seconds used, of the hours that count.")
    remaining: float | None
    due_at: Instant | None
    breached_at: Instant | None
    started_at: Instant
    stopped_at: Instant | None
    events: list[ClockEventWords]


class SignatureWords(Shown):
    name: str
    at: Instant
    meaning: str
    what: str
    content_hash: str
    way: str


class VoteWords(Shown):
    by: str
    at: Instant
    agrees: bool
    note: str
    signature: SignatureWords | None


class ApprovalWords(Shown):
    id: int
    move: str
    standing: Literal["open", "given", "refused", "void", "used"]
    needed: int
    asked_by: str
    asked_at: Instant
    votes: list[VoteWords]


class Asking(Strict):
    move: Text = Field(min_length=1, max_length=40)


class Voting(Strict):
    agrees: bool
    note: Text = ""
    password: str = Field(
        "", max_length=1000, description="Where agreeing is signed: your password, typed again."
    )


class Withdrawing(Strict):
    note: Text = Field(min_length=1, max_length=10_000, description="Why.")


class Wrong(BaseModel):
    """One thing that cannot be taken: where it stands, and why."""

    model_config = ConfigDict(extra="allow")

    pointer: str | None = Field(None, description="Where in the body (RFC 6901).")
    parameter: str | None = Field(None, description="Or which parameter of the address.")
    header: str | None = None
    detail: str


class ProblemDetails(BaseModel):
    """Why a request was not done (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[Wrong] = []
    reasons: list[str] = Field([], description="What stands in the way of a move.")
