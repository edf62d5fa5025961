"""Search across all types, and jumping anywhere by a few letters."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from verne.conformity.catalogue import catalogue, original
from verne.engine import search as engine_search
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.register import registers
from verne.engine.rights import may, scope

from .. import show
from ..context import SETTINGS_RIGHTS, clause_url, plural, singular
from ..parts import Hit, HitGroup, Link, PageHeader
from .common import from_replica, person_of, staff, url

FEW = 8
PAGE = 50


@staff
@from_replica
def jump(request: HttpRequest) -> HttpResponse:
    """Places, records and clauses that a few letters may mean; a fragment, or a whole page."""
    person = person_of(request)
    text = request.GET.get("q", "").strip()
    groups = [group for group in _groups(person, text) if group.hits]
    context: dict[str, Any] = {"groups": groups, "query": text}
    if getattr(request, "htmx", False):
        return render(request, "parts/jump_results.html", context)
    context["header"] = PageHeader(title=_("Search and jump"))
    return render(request, "records/jump.html", context)


def _groups(person: Person, text: str) -> list[HitGroup]:
    groups = [HitGroup(label=_("Places"), hits=places(person, text))]
    if text:
        groups.append(HitGroup(label=_("Records"), hits=_records(person, text, FEW)))
        groups.append(HitGroup(label=_("Clauses"), hits=_clauses(person, text)))
        everything = Hit(
            title=_("Search everywhere: %(text)s") % {"text": text},
            url=url("/search/", [("q", text)]),
        )
        groups.append(HitGroup(label=_("More"), hits=[everything]))
    return groups


def places(person: Person, text: str) -> list[Hit]:
    """Pages of the program whose name holds what was typed; the menu in short."""
    pages: list[tuple[str, str, str]] = [(_("Today"), "/", "")]
    if person.may("conformity.view_statement"):
        pages.append((_("The standard"), "/standard/", ""))
    for register in registers.values():
        if not may(person, "view", register.model):
            continue
        pages.append((plural(register), f"/{register.slug}/", ", ".join(register.clauses)))
        if text and may(person, "file", register.model):
            label = _("File: %(kind)s") % {"kind": singular(register)}
            pages.append((label, f"/{register.slug}/new", ""))
    pages.append((_("Profile"), "/profile/", ""))
    if any(person.may(right) for right in SETTINGS_RIGHTS):
        pages.append((_("Settings"), "/settings/", ""))
    wanted = text.casefold().split()
    hits = [
        Hit(title=title, url=address, note=note)
        for title, address, note in pages
        if all(word in title.casefold() for word in wanted)
    ]
    return hits[:FEW]


def _records(person: Person, text: str, limit: int) -> list[Hit]:
    rows = Sheet.objects.filter(scope(person, Sheet))
    keys = engine_search.ranked(rows, text, limit)
    known = Sheet.objects.in_bulk(keys)
    return [_hit(known[key]) for key in keys if key in known]


def _hit(sheet: Sheet) -> Hit:
    return Hit(
        ref=sheet.ref,
        title=sheet.title,
        url=sheet.get_absolute_url(),
        note=str(sheet.model._meta.verbose_name),
        state=show.sheet_state(sheet),
    )


def _clauses(person: Person, text: str) -> list[Hit]:
    if not person.may("conformity.view_statement"):
        return []
    wanted = text.casefold()
    found = [
        clause
        for clause in catalogue().clauses.values()
        if clause.number.startswith(wanted)
        or wanted in clause.title.casefold()
        or wanted in original().clauses[clause.number].title.casefold()
    ]
    found.sort(key=lambda clause: clause.order)
    return [
        Hit(ref=clause.number, title=clause.title, url=clause_url(clause.number))
        for clause in found[:FEW]
    ]


@staff
@from_replica
def search(request: HttpRequest) -> HttpResponse:
    """Records of all types that hold every word, best first; the types are links to narrow it."""
    person = person_of(request)
    text = request.GET.get("q", "").strip()
    kind = request.GET.get("kind", "")
    hits: list[Hit] = []
    kinds: list[Link] = []
    whole = True
    if text:
        rows = Sheet.objects.filter(scope(person, Sheet))
        found = engine_search.best(rows, text, PAGE, kind=kind if kind in registers else "")
        whole = found.whole
        known = Sheet.objects.in_bulk(found.keys)
        sheets = [known[key] for key in found.keys if key in known]
        hits = [_hit(sheet) for sheet in sheets]
        kinds = _kinds(person, text, kind, {sheet.kind for sheet in sheets})
    context = {
        "header": PageHeader(title=_("Search")),
        "query": text,
        "kind": kind,
        "hits": hits,
        "kinds": kinds,
        "full": len(hits) == PAGE,
        "whole": whole,
        "more_url": url(f"/{registers[kind].slug}/", [("q", text), ("standing", "all")])
        if kind in registers
        else "",
    }
    return render(request, "records/search.html", context)


def _kinds(person: Person, text: str, chosen: str, found: set[str]) -> list[Link]:
    links = [Link(label=_("All"), url=url("/search/", [("q", text)]), current=not chosen)]
    for kind, register in registers.items():
        if (kind in found or kind == chosen) and may(person, "view", register.model):
            address = url("/search/", [("q", text), ("kind", kind)])
            links.append(Link(label=plural(register), url=address, current=kind == chosen))
    return links
