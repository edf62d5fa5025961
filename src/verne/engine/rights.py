"""What people may do: a right is a verb and a record type, and roles hold bundles of rights."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from . import guests
from .people import Organization

if TYPE_CHECKING:
    from .people import Person
    from .records import Record, Sheet

VERBS = ("view", "file", "revise", "link", "comment", "withdraw")
"""What can be done with a record of any type, beside its moves."""

ALL = ("*",)
"""In a register's `roles`: every verb and every move of the type."""

READ = ("view",)
WORK = ("view", "file", "revise", "link", "comment")

SYSTEM_RIGHTS = (
    "engine.manage_people",
    "engine.manage_roles",
    "engine.manage_settings",
    "engine.view_restricted",
    "engine.import_records",
    "engine.export_records",
    "engine.escalate",
    "conformity.view_statement",
    "conformity.compute_statement",
    "conformity.adjust_parameters",
    "conformity.load_libraries",
    "conformity.assess_frameworks",
    "conformity.make_pack",
    "engine.erase_person",
)
"""Rights that belong to no record type."""

SYSTEM_ROLES: dict[str, tuple[str, ...]] = {
    "administrator": SYSTEM_RIGHTS,
    "sms_manager": (
        "engine.manage_roles",
        "engine.manage_settings",
        "engine.view_restricted",
        "engine.import_records",
        "engine.export_records",
        "engine.escalate",
        "conformity.make_pack",
        "conformity.view_statement",
        "conformity.compute_statement",
        "conformity.adjust_parameters",
        "conformity.load_libraries",
        "conformity.assess_frameworks",
    ),
    "top_management": (
        "engine.manage_roles",
        "conformity.make_pack",
        "conformity.view_statement",
        "engine.export_records",
    ),
    "audit_manager": (
        "conformity.make_pack",
        "conformity.view_statement",
        "conformity.compute_statement",
        "conformity.load_libraries",
        "conformity.assess_frameworks",
        "engine.export_records",
    ),
    "internal_auditor": (
        "conformity.view_statement",
        "conformity.assess_frameworks",
        "engine.export_records",
    ),
    "process_owner": (
        "conformity.view_statement",
        "conformity.assess_frameworks",
        "engine.export_records",
    ),
    "service_owner": ("conformity.view_statement", "engine.export_records"),
    "incident_manager": ("conformity.view_statement", "engine.export_records", "engine.escalate"),
    "problem_manager": ("conformity.view_statement", "engine.export_records", "engine.escalate"),
    "request_manager": ("conformity.view_statement", "engine.export_records", "engine.escalate"),
    "service_level_manager": (
        "conformity.view_statement",
        "engine.export_records",
        "engine.manage_settings",
    ),
    "configuration_manager": (
        "conformity.view_statement",
        "engine.export_records",
        "engine.import_records",
    ),
    "service_desk_agent": ("engine.escalate",),
    "reader": ("conformity.view_statement",),
    # What a guest sees follows from the rooms that are open to them: engine/guests.py.
    "external_auditor": (),
}
"""Rights of roles that no register grants. Registers add theirs in `roles`."""


class UnknownRight(LookupError):
    """Somebody asks for a right that nothing declares: a slip in the code, never a 'no'."""


def right(verb: str, model: type[Record]) -> str:
    """The name of a right: `resolution.close_problem`."""
    return f"{model._meta.app_label}.{verb}_{model._meta.model_name}"


def verbs_of(model: type[Record]) -> tuple[str, ...]:
    return (*VERBS, *model.lifecycle.moves)


@lru_cache(maxsize=1)
def all_rights() -> frozenset[str]:
    from .register import registers

    records = {right(v, r.model) for r in registers.values() for v in verbs_of(r.model)}
    return frozenset(records | set(SYSTEM_RIGHTS))


@lru_cache(maxsize=1)
def bundles() -> dict[str, frozenset[str]]:
    """The rights of each role, by its key, as the registers grant them."""
    from .register import registers

    granted: dict[str, set[str]] = {key: set(rights) for key, rights in SYSTEM_ROLES.items()}
    for register in registers.values():
        model = register.model
        for role, verbs in register.roles.items():
            wanted = verbs_of(model) if verbs == ALL else verbs
            granted.setdefault(role, set()).update(known(right(v, model)) for v in wanted)
    return {role: frozenset(rights) for role, rights in granted.items()}


def known(name: str) -> str:
    """The right itself, or an error when nothing declares it."""
    if name not in all_rights():
        raise UnknownRight(f"No right is called {name}.")
    return name


def rights_of(roles: Iterable[str]) -> frozenset[str]:
    granted = bundles()
    return frozenset().union(*(granted.get(role, frozenset()) for role in roles))


def may(person: Person, verb: str, model: type[Record]) -> bool:
    return person.may(right(verb, model))


def scope(person: Person, model: type[Any]) -> Q:
    """Which records of a type a person may see, as a filter.

    Without the right to view the type: none. Our own people: all but restricted ones that are not
    theirs. Customers: those of their own organization. Suppliers: those handed to them or their
    team. Guests: what a room admits them to, and no more. What a register adds with `widen` (a
    published catalogue entry) is added at the end.
    """
    from .records import Sheet
    from .register import registers

    nobody = Q(pk__in=[])
    if not person.active:
        return nobody
    if guests.is_guest(person):
        return guests.scope(person, model)
    if model is Sheet:
        return _scope_of_all(person)
    if not may(person, "view", model):
        return nobody
    register = registers[model._meta.label_lower]
    reach = _reach(person)
    if (narrower := register.narrow(person)) is not None:
        reach &= narrower
    wider = register.widen(person)
    # An empty Q is "all of them", but Q() | x is x: only widen what is narrow.
    return reach | wider if reach and wider else reach


def _reach(person: Person) -> Q:
    mine = Q(owner=person) | Q(filed_by=person)
    if person.team_ids:
        mine |= Q(team__in=person.team_ids)
    if person.kind_of_party == Organization.Kind.CUSTOMER:
        return Q(customer=person.organization_id, restricted=False) | Q(filed_by=person)
    if person.kind_of_party != Organization.Kind.OWN:
        return mine
    if person.may("engine.view_restricted"):
        return Q()
    return Q(restricted=False) | mine


def _scope_of_all(person: Person, kinds: Collection[str] | None = None) -> Q:
    """Cover sheets of every type a person may view; with `kinds`, of these only."""
    from .register import registers

    reach = _reach(person)
    asked = registers.values() if kinds is None else [registers[k] for k in kinds]
    viewable = [r for r in asked if may(person, "view", r.model)]
    narrowed = {r: only for r in viewable if (only := r.narrow(person)) is not None}
    whole = [r.model._meta.label_lower for r in viewable if r not in narrowed]
    seen = Q(kind__in=whole) & reach
    for register, only in narrowed.items():
        seen |= Q(pk__in=register.model._default_manager.filter(only).values("pk")) & reach
    for register in viewable:
        wider = register.widen(person)
        if reach and wider:
            seen |= Q(pk__in=register.model._default_manager.filter(wider).values("pk"))
    return seen


def scope_among(person: Person, kinds: Collection[str]) -> Q:
    """Which cover sheets of these types a person may see: as `scope` of all, for less."""
    from .records import Sheet

    if guests.is_guest(person) or not person.active:
        return scope(person, Sheet)
    return _scope_of_all(person, kinds)


def visible_among(person: Person, numbers: Collection[int]) -> dict[int, Sheet]:
    """Those cover sheets of a few, by number, that a person may see."""
    from .records import Sheet

    if not numbers:
        return {}
    there = Sheet.objects.in_bulk(list(numbers))
    reach = scope_among(person, {sheet.kind for sheet in there.values()})
    seen = set(Sheet.objects.filter(reach, pk__in=there).values_list("pk", flat=True))
    return {number: sheet for number, sheet in there.items() if number in seen}


def people_who_may(name: str) -> Any:
    """Active people who hold a right now, through any role."""
    from django.utils import timezone

    from .people import Assignment, Person

    roles = [role for role, rights in bundles().items() if known(name) in rights]
    valid = Assignment.objects.valid(timezone.now()).filter(role__key__in=roles)
    return Person.objects.filter(pk__in=valid.values("person"), active=True)


def who_may(record: Record, verb: str) -> Person | None:
    """Who makes a step whose time has come: the owner if they may, else the first who may."""
    model, owner = type(record), record.owner
    if owner is not None and owner.active and may(owner, verb, model):
        return owner
    holders: list[Person] = list(people_who_may(right(verb, model)).order_by("pk")[:50])
    seen = (p for p in holders if model.objects.visible_to(p).filter(pk=record.pk).exists())
    return next(seen, None)


def forget() -> None:
    """Registers have changed (only in tests): compute rights anew."""
    all_rights.cache_clear()
    bundles.cache_clear()
