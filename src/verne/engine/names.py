"""What things are called in files and by programs: INC-42, a.kim, Harbour Retail."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from .people import Person
from .prepared import Prepared
from .records import Record, Sheet
from .rights import scope

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = type[models.Model]


class Nobody(LookupError):
    """A name that stands for nothing, or for several things; the message says so."""


def name_field(model: Kind) -> str:
    """The field whose value names a thing of this kind: unique, and the same everywhere."""
    if issubclass(model, Sheet):
        return "ref"
    if issubclass(model, Person):
        return "username"
    for name in ("key", "name"):
        try:
            if getattr(model._meta.get_field(name), "unique", False):
                return name
        except FieldDoesNotExist:
            continue
    return "pk"


def name_of(thing: models.Model) -> str:
    """The name of a thing, as `Finder` finds it again."""
    # Of its class, not its type: who is signed in comes in a wrapper.
    return str(getattr(thing, name_field(thing.__class__)))


def other_names(model: Kind) -> tuple[str, ...]:
    """Fields that people write when they do not know the name, used where only one thing fits."""
    if issubclass(model, Sheet):
        return ("source_key", "title")
    if issubclass(model, Person):
        return ("name", "email")
    return ()


class Finder:
    """Finds things by their names, for one person, and remembers them.

    `learn` takes many names at once, so that a file of a thousand rows costs a few queries.
    A `strict` finder takes the name itself only, not a title or an e-mail address.
    """

    def __init__(self, person: Person, *, strict: bool = False) -> None:
        self.person, self.strict = person, strict
        self.known: dict[tuple[Kind, str], Sequence[Any]] = {}

    def learn(self, model: Kind, names: Iterable[str]) -> None:
        asked = {name for name in names if (model, name) not in self.known}
        ways = (name_field(model), *(() if self.strict else other_names(model)))
        for way in ways:
            if not asked:
                return
            for name, things in self._by(model, way, asked).items():
                self.known[model, name] = things
            asked -= {name for name in asked if (model, name) in self.known}
        for name in asked:
            self.known[model, name] = ()

    def find(self, model: Kind, name: str) -> Any:
        """The thing that goes by this name."""
        if (model, name) not in self.known:
            self.learn(model, [name])
        things = self.known[model, name]
        if not things:
            raise Nobody(
                _("There is no %(kind)s called “%(name)s” for you.")
                % {"kind": model._meta.verbose_name, "name": name}
            )
        if len(things) > 1:
            raise Nobody(
                _("“%(name)s” may be %(first)s or %(second)s: write which.")
                % {"name": name, "first": name_of(things[0]), "second": name_of(things[1])}
            )
        return things[0]

    def _by(self, model: Kind, way: str, names: set[str]) -> dict[str, list[Any]]:
        wanted: dict[Any, list[str]] = {}
        for name in names:
            if way == "pk" and not (name.isascii() and name.isdecimal() and len(name) < 19):
                continue
            key = int(name) if way == "pk" else name.upper() if way == "ref" else name
            wanted.setdefault(key, []).append(name)
        found: dict[str, list[Any]] = {}
        keys = list(wanted)
        for start in range(0, len(keys), 500):
            for thing in self._rows(model, way, keys[start : start + 500]):
                if isinstance(thing, Record):
                    thing.seen_by = self.person.pk
                for name in wanted.get(getattr(thing, way), ()):
                    found.setdefault(name, []).append(thing)
        return found

    def _rows(self, model: Kind, way: str, keys: list[Any]) -> Iterable[Any]:
        seen = scope(self.person, model) if issubclass(model, Sheet) else Q()
        if not seen and len(keys) == 1:
            return _one_of(model, way)(key=keys[0])
        rows: Any = model._default_manager.filter(seen, **{f"{way}__in": keys})
        return (rows.distinct() if seen else rows).order_by("pk")  # type: ignore[no-any-return]


@cache
def _one_of(model: Kind, way: str) -> Prepared:
    """What goes by a name, for those who see all: what programs ask, one by one."""
    field: Any = model._meta.pk if way == "pk" else model._meta.get_field(way)
    return Prepared(
        lambda key: model._default_manager.filter(**{way: key}).order_by("pk"), key=field
    )
