"""Everything there is: libraries, the standards beside our own, and what is assessed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from verne.conformity import statement as statements
from verne.conformity.catalogue import crosswalk, predecessor
from verne.conformity.library.covering import counted, former_places, places
from verne.conformity.library.models import Assessed, Assessment, Library, LibraryVersion
from verne.web import components, phrases
from verne.web.pages.standard.view import READING
from verne.web.parts import Action, Column, Empty, PageHeader, Row, Table
from verne.web.views.common import person_of

from .common import Sums, may_load, sums_of_coverage, viewer

FORMER = "former"
"""The address of the former edition among the standards beside ours."""


@dataclass(frozen=True)
class Beside:
    """Another standard, and how much of it our evidence covers."""

    designation: str
    system: str
    url: str
    sums: Sums


@viewer
def index(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    loads = may_load(person)
    ours = Library.objects.loaded().filter(origin=Library.Origin.OURS).exists()
    actions = []
    if loads:
        if not ours:
            actions.append(
                Action(label=_("Take in ours"), url=reverse("libraries-ours"), method="post")
            )
        actions.append(
            Action(label=_("Load a library"), url=reverse("library-load"), kind="primary")
        )
    versions = _in_use()
    return render(
        request,
        "libraries/index.html",
        {
            "header": PageHeader(
                title=_("Frameworks and libraries"),
                lead=_(
                    "Other standards beside our own: what your evidence covers of them, and what "
                    "you assess by hand."
                ),
                quarter="check",
                actions=actions,
            ),
            "beside": _beside(),
            "assessments": _assessments(),
            "table": _table(versions) if versions else None,
            "empty": Empty(
                title=_("No library is loaded"),
                text=_(
                    "A library is a file in the YAML that the community exchanges: a framework "
                    "with its requirements, or a mapping between two of them."
                ),
                quarter="check",
                actions=[Action(label=_("Load a library"), url=reverse("library-load"))]
                if loads
                else [],
            ),
        },
    )


def _beside() -> list[Beside]:
    clauses = statements.current(budget=READING).judgement.clauses()
    found = [
        Beside(
            designation=target.designation,
            system=target.system,
            url=reverse("library-beside", args=[target.id]),
            sums=sums_of_coverage(counted(places(target.id, clauses))),
        )
        for target in crosswalk().targets.values()
    ]
    former = Beside(
        designation=predecessor().standard.designation,
        system=_("the former edition"),
        url=reverse("library-beside", args=[FORMER]),
        sums=sums_of_coverage(counted(former_places(clauses))),
    )
    return [*found, former]


def _assessments() -> Table | None:
    judged = Count("assessed", filter=~Q(assessed__result=Assessed.Result.NOT_ASSESSED))
    found = list(
        Assessment.objects.select_related("framework", "owner").annotate(judged=judged)[:50]
    )
    if not found:
        return None
    return Table(
        caption=_("Assessed by hand"),
        columns=[
            Column(label=_("Assessment"), wide=True),
            Column(label=_("Framework")),
            Column(label=_("Judged"), numeric=True, minor=True),
            Column(label=_("State")),
            Column(label=_("Owner"), minor=True),
            Column(label=_("Begun"), minor=True),
        ],
        rows=[
            Row(
                cells=[
                    components.ref(a.title, reverse("assessment", args=[a.pk])),
                    str(a.framework),
                    phrases.number(a.judged),
                    components.state(_("Finished"), "done")
                    if a.finished_at
                    else components.state(_("Under way"), "active"),
                    components.person(a.owner),
                    components.moment(a.started_at, "day"),
                ]
            )
            for a in found
        ],
    )


def _in_use() -> list[Any]:
    versions = LibraryVersion.objects.filter(pk=F("library__current"))
    return list(versions.select_related("library", "by").order_by("name", "id"))


def _table(versions: list[Any]) -> Table:
    return Table(
        caption=_("Libraries"),
        columns=[
            Column(label=_("Library"), wide=True),
            Column(label=_("Version"), numeric=True, minor=True),
            Column(label=_("Language"), minor=True),
            Column(label=_("To assess"), numeric=True, minor=True),
            Column(label=_("Mapped pairs"), numeric=True, minor=True),
            Column(label=_("From"), minor=True),
            Column(label=_("Loaded")),
        ],
        rows=[
            Row(
                cells=[
                    components.ref(v.name, reverse("library", args=[v.library_id])),
                    phrases.number(v.number),
                    v.library.locale,
                    _count(v, "assessable"),
                    _count(v, "mappings"),
                    v.provider or v.packager or components.NOTHING,
                    components.moment(v.at, "day"),
                ]
            )
            for v in versions
        ],
    )


def _count(version: LibraryVersion, name: str) -> Any:
    count = version.report.get("counts", {}).get(name)
    return phrases.number(count) if count else components.NOTHING
