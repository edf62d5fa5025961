"""What every record has in common: the cover sheet, and what lies under it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .people import Organization, Person, Team
from .postgresql import numbers
from .rows import Promptly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from .clock import ClockRule
    from .lifecycle import Lifecycle, Move, State


class Priority(models.IntegerChoices):
    """The order of handling, the same for every type; 1 comes first."""

    CRITICAL = 1, _("Critical")
    HIGH = 2, _("High")
    MODERATE = 3, _("Moderate")
    LOW = 4, _("Low")
    PLANNING = 5, _("Planning")


class RecordQuerySet(models.QuerySet[Any]):
    """Records of one type, asked for in words."""

    def standing(self) -> Self:
        """Not withdrawn."""
        return self.filter(withdrawn_at=None)

    def open(self) -> Self:
        return self.filter(state__in=self.model.lifecycle.open_states())

    def in_state(self, *states: State | str) -> Self:
        return self.filter(state__in=[str(state) for state in states])

    def visible_to(self, person: Person) -> Self:
        """Those this person may see; the one place where this is decided."""
        from .past import narrow
        from .rights import scope

        return narrow(self.filter(scope(person, self.model)))

    def after(self, move: str, *, since: datetime, until: datetime | None = None) -> Self:
        """Records that made a move in a span of time: history is evidence too."""
        from .history import Act

        acts = Act.objects.filter(verb="move", name=move, at__gte=since)
        if until is not None:
            acts = acts.filter(at__lte=until)
        return self.filter(pk__in=acts.values("record"))

    def filed_between(self, since: datetime, until: datetime) -> Self:
        return self.filter(filed_at__gte=since, filed_at__lte=until)


class Counter(models.Model):
    """The last number given out for a prefix. Numbers are never given out twice.

    On PostgreSQL sequences give them out, and this is where those began (`postgresql/numbers.py`).
    """

    history: ClassVar[bool] = False

    prefix = models.CharField(max_length=12, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "engine"

    def __str__(self) -> str:
        return f"{self.prefix}-{self.last}"

    @classmethod
    def take(cls, prefix: str, count: int = 1) -> list[int]:
        """`count` numbers that nobody else gets; on SQLite the next writer waits for our commit."""
        if not transaction.get_connection().in_atomic_block:
            raise RuntimeError("Take a number inside a transaction, or two people may get it.")
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                return numbers.take(cursor, prefix, count)
            cursor.execute(_TAKE, [prefix, count, count])
            last = int(cursor.fetchone()[0])
        return list(range(last - count + 1, last + 1))

    @classmethod
    def reached(cls) -> dict[str, int]:
        """The last number of each prefix."""
        found = dict(cls.objects.values_list("prefix", "last"))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                found |= numbers.reached(cursor)
        return found

    @classmethod
    def go_on_after(cls, prefix: str, number: int) -> None:
        """Have the next number of a prefix be the one after this."""
        with transaction.atomic():
            cls.objects.update_or_create({"last": number}, prefix=prefix)
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    numbers.begin_anew(cursor, prefix)


_TAKE = """
    INSERT INTO engine_counter (prefix, last) VALUES (%s, %s)
    ON CONFLICT (prefix) DO UPDATE SET last = engine_counter.last + %s RETURNING last
"""


class Sheet(Promptly):
    """The cover sheet of every record: one table for the whole management system."""

    kind = models.CharField(max_length=80, editable=False)
    ref = models.CharField(_("reference"), max_length=20, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=200)
    state = models.CharField(_("state"), max_length=40, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="records",
        verbose_name=_("owner"),
    )
    team = models.ForeignKey(
        Team,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="records",
        verbose_name=_("team"),
    )
    customer = models.ForeignKey(
        Organization,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="records",
        verbose_name=_("customer"),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority, null=True, blank=True
    )
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    restricted = models.BooleanField(
        _("restricted"),
        default=False,
        help_text=_("Only its owner, its team and those cleared for restricted records see it."),
    )
    filed_at = models.DateTimeField(_("filed"), default=timezone.now, editable=False)
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("filed by"),
    )
    changed_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, editable=False)
    source_key = models.CharField(
        _("external reference"), max_length=200, null=True, unique=True, editable=False
    )

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "engine"
        verbose_name = _("record")
        # Index what is sorted: a composite (kind, state, filed_at) was seen to mislead SQLite.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["kind", "id"], name="sheet_kind"),
            models.Index(fields=["kind", "filed_at", "id"], name="sheet_filed"),
            models.Index(fields=["kind", "changed_at", "id"], name="sheet_changed"),
            models.Index(fields=["kind", "due_at", "id"], name="sheet_due"),
            models.Index(fields=["kind", "state", "id"], name="sheet_state"),
            models.Index(fields=["kind", "priority", "id"], name="sheet_priority"),
            # What is urgent among what is open, and among all that ever was urgent.
            models.Index(fields=["kind", "state", "priority", "id"], name="sheet_urgent"),
            # The open work of a person among all they ever closed.
            models.Index(fields=["owner", "state", "due_at"], name="sheet_owner_state"),
            models.Index(fields=["customer", "kind", "id"], name="sheet_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.title}"

    def get_absolute_url(self) -> str:
        return f"/r/{self.ref}"

    @property
    def model(self) -> type[Record]:
        """The record type under this sheet."""
        from .register import register_of

        return register_of(self.kind).model

    def opened(self) -> Record:
        """The record under this sheet."""
        record: Record = self.model._default_manager.get(pk=self.pk)
        return record

    @property
    def state_label(self) -> StrOrPromise:
        return self.model.lifecycle.states[self.state].label


def opened(sheets: Iterable[Sheet]) -> dict[int, Record]:
    """The records under several sheets by their number, in a query for each kind."""
    numbers: defaultdict[type[Record], list[int]] = defaultdict(list)
    for sheet in sheets:
        numbers[sheet.model].append(sheet.pk)
    return {
        record.pk: record
        for model, keys in numbers.items()
        for record in model._default_manager.filter(pk__in=keys)
    }


class Record(Sheet):
    """A cover sheet and what lies under it: the base of every record type."""

    lifecycle: ClassVar[type[Lifecycle]]
    seen_by: int | None = None
    """The person through whose sight it was found, so that a verb need not look again."""

    clocks: ClassVar[tuple[ClockRule, ...]] = ()
    derives_from: ClassVar[tuple[str, ...]] = ()
    """Related records that `set_derived` and `clean` read, as for `prefetch_related`: an import
    asks for those of each batch at once."""
    clock_fields: ClassVar[frozenset[str]] = frozenset(
        {"customer", "priority", "service", "request_model"}
    )
    """Columns on which it depends which target a clock has."""

    sheet = models.OneToOneField(
        Sheet, models.PROTECT, parent_link=True, primary_key=True, related_name="+"
    )
    objects: ClassVar[Any] = RecordQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def kind_name(cls) -> str:
        return cls._meta.label_lower

    @property
    def standing(self) -> State:
        """The state it is in, with its words."""
        return self.lifecycle.states[self.state]

    @property
    def is_open(self) -> bool:
        return not self.standing.final and self.withdrawn_at is None

    def moves(self) -> list[Move]:
        """The moves that lead on from here, open or closed."""
        if self.withdrawn_at is not None:
            return []
        return list(self.lifecycle.moves_from(self.state))

    def is_filled(self, name: str) -> bool:
        """Whether a field says something: 0 and False do, a blank text or empty list does not."""
        field = self._meta.get_field(name)
        if field.many_to_many or field.one_to_many:
            return bool(getattr(self, name).exists())
        if field.many_to_one:
            return getattr(self, getattr(field, "attname", name)) is not None
        value = getattr(self, name)
        if isinstance(value, str):
            return bool(value.strip())
        return value not in (None, [], {})

    @classmethod
    def field_label(cls, name: str) -> str:
        field = cls._meta.get_field(name)
        label = getattr(field, "verbose_name", None)
        if label is None:
            related: Any = field.related_model
            label = related._meta.verbose_name_plural if related else name
        text = str(label)
        return text[:1].upper() + text[1:]

    def content(self) -> dict[str, Any]:
        """What the record says, apart from where it stands: what an approval agrees to."""
        from .register import register_of

        return register_of(self.kind_name()).content(self)

    @property
    def is_fixed(self) -> bool:
        """Whether nobody changes any more what it says; moves may still be open."""
        return False

    def what_is_signed(self) -> str:
        """What a signature on this record names: its reference, unless it has a better name."""
        return self.ref

    def clean_fields(self, exclude: Any = None) -> None:
        """As Django does, but what it points at is not asked for again when it was just read."""
        there = {f.name for f in self._meta.concrete_fields if self._has_read(f)}
        super().clean_fields(exclude=there.union(exclude or ()))

    def _has_read(self, f: Any) -> bool:
        if not f.is_relation or not f.is_cached(self) or f.get_limit_choices_to():
            return False
        other = f.get_cached_value(self)
        return other is not None and not other._state.adding and other.pk is not None

    def set_derived(self) -> None:
        """Fill fields that follow from others, before each write; for record types to override."""


class Part(models.Model):
    """A row that belongs to one record and is revised with it: a target of an agreement.

    Subclasses point at their record with a foreign key named `of`.
    """

    history_record: ClassVar[str] = "of"
    part_fields: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True


def next_sheet_ids(count: int = 1) -> list[int]:
    """Reserve record numbers, so that an act can name a record that is filed under it.

    Call it inside the writing transaction.
    """
    return next_ids(Sheet, count)


def next_ids(model: type[models.Model], count: int) -> list[int]:
    """Reserve keys of a table, for rows that must name each other before they are written.

    Call it inside the writing transaction.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [table, count],
            )
            return [int(row[0]) for row in cursor.fetchall()]
        # The write lock is held from the start of the transaction, so nobody is between the lines.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        last = int(row[0]) if row else 0
        statement = (
            "UPDATE sqlite_sequence SET seq = %s WHERE name = %s"
            if row
            else "INSERT INTO sqlite_sequence (seq, name) VALUES (%s, %s)"
        )
        cursor.execute(statement, [last + count, table])
        return list(range(last + 1, last + count + 1))


def sheets_of(kinds: Sequence[str]) -> Any:
    """Cover sheets of some kinds of record, all types at once."""
    return Sheet.objects.filter(kind__in=kinds, withdrawn_at=None)
