"""Declarations that cannot be right are refused before the program starts, with a hint."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist

from .chapters import ORDER
from .links import find, link_types
from .records import Part, Record
from .register import Column, Register, registers
from .rights import ALL, VERBS


@register()
def registers_name_real_fields(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{r.__name__} names {name!r}, which {r.model.__name__} does not have.",
            hint=_suggestion(r.model, name),
            obj=r,
            id="verne.E001",
        )
        for r in registers.values()
        for name in _unknown_fields(r)
    ]


@register()
def every_record_type_has_a_register(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{m.__name__} has no register.",
            hint=f"Add a register.py beside {m.__module__}, and name the process in apps.py.",
            obj=m,
            id="verne.E002",
        )
        for m in record_types()
        if m._meta.label_lower not in registers
    ]


@register()
def chapters_cite_backwards(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{f} points forward in the standard, to {f.related_model._meta.label}.",
            hint="Put the relation on the later side, or use a typed link.",
            obj=f.model,
            id="verne.E003",
        )
        for m in apps.get_models()
        if issubclass(m, Record | Part)
        for f in (*m._meta.fields, *m._meta.many_to_many)
        if f.related_model and _points_forward(f)
    ]


@register()
def lifecycles_can_be_walked(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(f"{m.lifecycle.__name__}: {flaw}", obj=m, id="verne.E004")
        for m in record_types()
        for flaw in _lifecycle_flaws(m)
    ]


@register()
def registers_do_not_share_names(**kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for what in ("slug", "prefix"):
        seen: dict[str, type[Register]] = {}
        for r in registers.values():
            name = getattr(r, what)
            if name in seen:
                found.append(
                    Error(
                        f"{r.__name__} and {seen[name].__name__} both have the {what} {name!r}.",
                        hint=f"Give one of them another {what}.",
                        obj=r,
                        id="verne.E005",
                    )
                )
            seen[name] = r
    return found


@register()
def roles_are_granted_real_verbs(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{r.__name__} grants {role} {verb!r}, which nobody can do with {r.model.__name__}.",
            hint="Verbs are " + ", ".join((*VERBS, *r.model.lifecycle.moves)) + ".",
            obj=r,
            id="verne.E006",
        )
        for r in registers.values()
        for role, verbs in r.roles.items()
        if verbs != ALL
        for verb in verbs
        if verb not in (*VERBS, *r.model.lifecycle.moves)
    ]


@register()
def links_tie_real_kinds(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The link type {t.name} ties {kind!r}, which is no record type.",
            hint="Kinds are " + ", ".join(registers) + ".",
            id="verne.E007",
        )
        for t in link_types.values()
        for kind in (*t.sources, *t.targets)
        if kind not in registers
    ]


@register()
def cascades_carry_real_moves(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The link type {t.name} carries {move!r}, which is no move of {kind}.",
            hint="Its moves are " + ", ".join(registers[kind].model.lifecycle.moves) + ".",
            id="verne.E008",
        )
        for t in link_types.values()
        for rule in t.cascades
        for kinds, move in ((t.sources, rule.on), (t.targets, rule.move))
        for kind in kinds
        if kind in registers and move not in registers[kind].model.lifecycle.moves
    ]


@register()
def documented_information_counts_real_states(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{r.__name__} counts {state!r} as {key}, which is no state of {r.model.__name__}.",
            hint="Its states are " + ", ".join(r.model.lifecycle.states) + ".",
            obj=r,
            id="verne.E010",
        )
        for r in registers.values()
        for key, states in r.documented.items()
        for state in states
        if state not in r.model.lifecycle.states
    ]


@register()
def what_is_raised_anywhere_is_tied_by_a_real_link(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{r.__name__} is raised with the link {r.anywhere.link!r}, which no type declares.",
            hint="Links are " + ", ".join(link_types) + ".",
            obj=r,
            id="verne.E009",
        )
        for r in registers.values()
        if r.anywhere is not None and find(r.anywhere.link) is None
    ]


def record_types() -> list[type[Record]]:
    return [m for m in apps.get_models() if issubclass(m, Record)]


def _points_forward(field: Any) -> bool:
    here, there = field.model._meta.app_label, field.related_model._meta.app_label
    return there in ORDER and here in ORDER and ORDER.index(there) > ORDER.index(here)


def _unknown_fields(r: type[Register]) -> Iterator[str]:
    columns = [c for c in r.columns if not isinstance(c, Column)]
    named = [
        *columns,
        *r.filters,
        *r.search,
        *r.fields(),
        *r.filing,
        *r.parts,
        *r.portal,
        *r.also_for.values(),
    ]
    named += [name for move in r.model.lifecycle.moves.values() for name in move.fields]
    approvals = [move.approval for move in r.model.lifecycle.moves.values() if move.approval]
    named += [name for approval in approvals for name in approval.but_not]
    named.append(r.order.lstrip("-"))
    for name in dict.fromkeys(named):
        try:
            r.model._meta.get_field(name)
        except FieldDoesNotExist:
            yield name


def _suggestion(model: type[Record], name: str) -> str:
    names = [f.name for f in model._meta.get_fields()]
    close = get_close_matches(name, names, 1)
    return f"Did you mean {close[0]!r}?" if close else "Its fields are " + ", ".join(names) + "."


def _lifecycle_flaws(model: type[Record]) -> Iterator[str]:
    life = model.lifecycle
    reached, todo = {life.initial.name}, [life.initial.name]
    while todo:
        for move in life.moves_from(todo.pop()):
            if move.target.name not in reached:
                reached.add(move.target.name)
                todo.append(move.target.name)
    for name in life.states.keys() - reached:
        yield f"no move leads to the state {name!r}."
    for name, state in life.states.items():
        if not state.final and not any(life.moves_from(name)):
            yield f"no move leads out of {name!r}; make it final or add one."
    for name in life.moves.keys() & set(VERBS):
        yield f"a move may not be called {name!r}: that is a verb of every record."
    for move in life.moves.values():
        submitted = life.moves.get(move.submits)
        if move.submits and (submitted is None or submitted.approval is None):
            yield f"{move.name!r} submits {move.submits!r}, which is no move with an approval."
