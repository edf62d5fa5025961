"""What each part of a page is given: the typed contexts of templates/parts.

A view builds these and hands them to a template; the template shows them and computes nothing.
Texts may be lazy translations. Whatever is marked up comes from `verne.web.components`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from .components import NOTHING

if TYPE_CHECKING:
    from django.forms import BoundField, Form
    from django.utils.safestring import SafeString
    from django_stubs_ext import StrOrPromise

    Text = StrOrPromise | SafeString
    Quarter = Literal["", "plan", "do", "check", "act"]

# --- Everywhere ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link in a list of links: tabs, crumbs, options of a menu."""

    label: Text
    url: str
    current: bool = False
    count: int | None = None
    note: Text = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something to do: a link, or with method post a form of one button. `key` is its shortcut."""

    label: Text
    url: str
    method: Literal["get", "post"] = "get"
    kind: Literal["", "primary", "quiet", "danger"] = ""
    icon: str = ""
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class PageHeader:
    """parts/page_header.html: the head of every page but a record's."""

    title: Text
    lead: Text = ""
    count: int | None = None
    quarter: Quarter = ""
    crumbs: Sequence[Link] = ()
    actions: Sequence[Action] = ()
    clauses: Sequence[SafeString] = ()
    """From components.clause: which clauses this page answers to."""


@dataclass(frozen=True, kw_only=True)
class Empty:
    """parts/empty.html: what belongs here, which clause asks for it, and the first step."""

    title: Text
    text: Text
    quarter: Quarter = ""
    clauses: Sequence[SafeString] = ()
    actions: Sequence[Action] = ()


# --- The shell -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """One entry of the rail. `late` colours its count: something there has run out of time."""

    label: Text
    url: str
    current: bool = False
    count: int | None = None
    late: bool = False


@dataclass(frozen=True, kw_only=True)
class NavChapter:
    """A chapter of the standard in the rail; it opens and closes."""

    key: str
    label: Text
    clause: str
    items: Sequence[NavItem]
    open: bool = True


@dataclass(frozen=True, kw_only=True)
class NavQuarter:
    """Plan, do, check or act in the rail."""

    key: Quarter
    label: Text
    clauses: str
    chapters: Sequence[NavChapter]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A language or a theme that can be chosen."""

    value: str
    label: Text
    chosen: bool = False
    language: str = ""
    """Set for a language: its label is written in it."""


@dataclass(frozen=True, kw_only=True)
class Shell:
    """`shell` in every template: the rail, the person, and where the shell's own pages are."""

    name: Text = ""
    """The person's name; empty when nobody is signed in."""
    person_key: str = ""
    """Keeps the drafts of two people on one machine apart: the primary key will do."""
    drafts_key: str = ""
    """What these are sealed under (`entrance.vault`); without one they are kept as they are."""
    role: Text = ""
    organization: Text = ""
    top: Sequence[NavItem] = ()
    quarters: Sequence[NavQuarter] = ()
    foot: Sequence[NavItem] = ()
    """Settings and the like, below the quarters."""
    theme: Literal["", "light", "dark"] = ""
    themes: Sequence[Choice] = ()
    languages: Sequence[Choice] = ()
    home_url: str = "/"
    jump_url: str = "/jump/"
    preferences_url: str = "/preferences/"
    """Takes a post of `language` or `theme`, and `next`."""
    profile_url: str = "/profile/"
    sign_out_url: str = "/sign-out/"
    sign_in_url: str = "/sign-in/"
    portal_url: str = ""


# --- Lists ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Option:
    """One value of a filter, as a link to the list with it chosen or taken back."""

    label: Text
    url: str
    count: int | None = None
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Facet:
    """A filter, or another menu of links such as columns or export."""

    label: Text
    options: Sequence[Option]
    icon: str = ""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A filter in force, with the link that takes it away."""

    label: Text
    url: str


@dataclass(frozen=True, kw_only=True)
class FilterBar:
    """parts/filter_bar.html: search, filters and the tools of a list."""

    search_url: str
    search: str = ""
    keep: Sequence[tuple[str, str]] = ()
    """Names and values of the other parameters, kept when somebody searches."""
    facets: Sequence[Facet] = ()
    chosen: Sequence[Chosen] = ()
    clear_url: str = ""
    tools: Sequence[Facet] = ()
    views: Sequence[Link] = ()
    """Saved views, as tabs above the filters."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column. `wide` takes what room is left; `minor` goes away on a small screen."""

    label: Text
    sort_url: str = ""
    sorted: Literal["", "ascending", "descending"] = ""
    numeric: bool = False
    wide: bool = False
    minor: bool = False

    @property
    def marks(self) -> str:
        """The classes of its cells."""
        kinds = {"numeric": self.numeric, "wide": self.wide, "minor": self.minor}
        return " ".join(name for name, applies in kinds.items() if applies)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row: one cell for each column, made with `verne.web.components`."""

    cells: Sequence[Text]
    pick: str = ""
    """What the box of this row sends when the table lets rows be picked."""
    title: Text = ""
    """Names the row for its box."""


@dataclass(frozen=True, kw_only=True)
class Pager:
    """parts/pager.html: keyset pages have no numbers, only a way on and a way back."""

    summary: Text
    first_url: str = ""
    previous_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """What can be done to all picked rows at once."""

    url: str
    moves: Sequence[tuple[str, Text]]
    """Name and label of each move."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """parts/record_table.html: a list people can scan, sort, walk with j and k, and pick from."""

    caption: Text
    columns: Sequence[Column]
    rows: Sequence[Row]
    pager: Pager | None = None
    bulk: Bulk | None = None

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"A row of the table “{self.caption}” has {len(row.cells)} cells "
                    f"for {len(self.columns)} columns."
                )


# --- A record ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A name and what it is. `why` explains a computed value; `prose` is text of several lines."""

    label: Text
    value: Text
    why: Text = ""
    prose: bool = False

    @property
    def blank(self) -> bool:
        """Nothing to show: no text, or the dash that stands for none."""
        return not self.why and (not self.value or self.value == NOTHING)


@dataclass(frozen=True, kw_only=True)
class RecordHeader:
    """parts/record_header.html: reference, title, state, owner, clock."""

    ref: str
    title: Text
    state: SafeString
    priority: SafeString | str = ""
    facts: Sequence[Fact] = ()
    actions: Sequence[Action] = ()
    crumbs: Sequence[Link] = ()
    quarter: Quarter = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A state as seen from where the record stands; `aside` is off the main way."""

    label: Text
    standing: Literal["passed", "here", "ahead", "aside"]
    tone: str = ""
    note: Text = ""
    """When it was reached, said on hovering."""

    @property
    def icon(self) -> str:
        usual = {"passed": "done", "here": self.tone or "active", "aside": self.tone or "waiting"}
        return "state-" + usual.get(self.standing, "new")


@dataclass(frozen=True, kw_only=True)
class OpenMove:
    """A move that can be made now. With a form, its fields are asked for before it is made."""

    name: str
    label: Text
    url: str
    form: Form | None = None
    primary: bool = False
    danger: bool = False
    help: Text = ""
    """What it will do, said above the form."""


@dataclass(frozen=True, kw_only=True)
class ClosedMove:
    """A move that cannot be made yet, and everything that stands in its way."""

    label: Text
    reasons: Sequence[Text]


@dataclass(frozen=True, kw_only=True)
class Rail:
    """parts/lifecycle.html: the states in order, the moves open and closed."""

    steps: Sequence[Step]
    open: Sequence[OpenMove] = ()
    closed: Sequence[ClosedMove] = ()
    version: int | str = ""
    """Sent with every move, so that nobody moves what they have not seen."""
    asked: Text = ""
    """What is asked of the reader further down, under the approvals, if anything is."""


@dataclass(frozen=True, kw_only=True)
class FieldSection:
    """parts/fields.html: one section of a record's fields."""

    title: Text
    facts: Sequence[Fact]
    edit_url: str = ""
    key: str = ""

    @property
    def filled(self) -> list[Fact]:
        return [fact for fact in self.facts if not fact.blank]

    @property
    def blank(self) -> list[Fact]:
        """What is not filled in is named together, so that what is can be read at a glance."""
        return [fact for fact in self.facts if fact.blank]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A field before and after."""

    label: Text
    before: Text
    after: Text


@dataclass(frozen=True, kw_only=True)
class TimelineAct:
    """One act: who did what, and when. `said` is a comment, `note` the reason given for a move."""

    at: datetime
    sentence: Text
    who: Text = ""
    icon: str = "edit"
    note: Text = ""
    said: Text = ""
    internal: bool = False
    changes: Sequence[Change] = ()
    url: str = ""
    """The record as it was right after this act."""

    AT_ONCE: ClassVar[int] = 12
    """So many changes are read at once; one more is folded away with the others."""

    @property
    def shown(self) -> Sequence[Change]:
        return self.changes[: self.AT_ONCE]

    @property
    def folded(self) -> Sequence[Change]:
        return self.changes[self.AT_ONCE :]


@dataclass(frozen=True, kw_only=True)
class TimelineDay:
    """parts/timeline.html takes a list of these, newest first."""

    label: Text
    acts: Sequence[TimelineAct]


@dataclass(frozen=True, kw_only=True)
class LinkRow:
    """parts/links.html: another record, and how it is tied to this one."""

    how: Text
    ref: str
    title: Text
    state: SafeString | str = ""
    url: str = ""
    remove_url: str = ""


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """parts/files.html: an attached file."""

    name: str
    url: str
    size: int
    by: Text
    at: datetime
    sha256: str = ""
    remove_url: str = ""


# --- Forms ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FormGroup:
    """Fields under one heading."""

    title: Text
    fields: Sequence[BoundField]


@dataclass(frozen=True, kw_only=True)
class RecordForm:
    """parts/form.html: any form of the program."""

    form: Form
    url: str
    submit: Text
    cancel_url: str = ""
    draft: str = ""
    """Names the draft kept on this machine, such as `edit:INC-42:7`; empty keeps none."""
    groups: Sequence[FormGroup] = ()
    """Without groups all visible fields stand in one, without a heading."""
    danger: bool = False
    files: bool = False


@dataclass(frozen=True, kw_only=True)
class ConflictField:
    """A field that two people changed. The values are what the form would send."""

    name: str
    label: Text
    mine: Text
    theirs: Text
    mine_value: str = ""
    theirs_value: str = ""
    before: Text = ""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """parts/conflict.html: two versions side by side; the second person chooses, field by field."""

    ref: str
    who: Text
    at: datetime
    fields: Sequence[ConflictField]
    url: str
    cancel_url: str
    version: int | str
    """The version the choice is made against: theirs."""
    keep: Sequence[tuple[str, str]] = ()
    """Names and values that only this person changed; they are sent along."""


# --- Searching -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One thing found."""

    title: Text
    url: str
    ref: str = ""
    note: Text = ""
    state: SafeString | str = ""


@dataclass(frozen=True, kw_only=True)
class HitGroup:
    """parts/jump_results.html takes a list of these: places, records, people."""

    label: Text
    hits: Sequence[Hit] = field(default_factory=tuple)
