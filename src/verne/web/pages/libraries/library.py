"""A library: what it holds, its versions with their reports, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from verne.conformity.library import comparing, loading
from verne.conformity.library.models import Framework, Library, LibraryVersion, MappingSet
from verne.conformity.library.remarks import from_json
from verne.conformity.library.resolving import unresolved
from verne.web import components, phrases
from verne.web.forms import add_errors
from verne.web.parts import Action, Column, Fact, Link, PageHeader, RecordForm, Row, Table
from verne.web.views.common import person_of

from .common import home, may_load, require, viewer
from .differences import shown


@dataclass(frozen=True)
class Told:
    """A version with what was told when it was loaded."""

    version: LibraryVersion
    remarks: Sequence[str]
    compare_url: str


@viewer
def page(request: HttpRequest, number: int) -> HttpResponse:
    library = _library(number)
    person = person_of(request)
    versions = list(library.versions.select_related("by"))
    if not versions:
        raise Http404
    newest = library.current or versions[0]
    actions = [Action(label=_("Export"), url=reverse("library-export", args=[number]))]
    if may_load(person) and library.current and not library.ours:
        actions += [
            Action(label=_("Undo this version"), url=reverse("library-undo", args=[number])),
            Action(label=_("Update"), url=reverse("library-load"), kind="primary"),
        ]
    return render(
        request,
        "libraries/library.html",
        {
            "header": PageHeader(
                title=newest.name,
                lead=newest.description,
                crumbs=[home()],
                quarter="check",
                actions=actions,
            ),
            "library": library,
            "facts": _facts(library, newest),
            "copyright": newest.copyright,
            "frameworks": _frameworks(library),
            "mappings": _mappings(library),
            "versions": [_told(version) for version in versions],
        },
    )


def _library(number: int) -> Library:
    return get_object_or_404(Library.objects.select_related("current"), pk=number)


def _facts(library: Library, version: LibraryVersion) -> list[Fact]:
    facts = [
        Fact(label=_("Version"), value=phrases.number(version.number)),
        Fact(label=_("Reference"), value=version.ref),
        Fact(label=_("URN"), value=version.urn),
        Fact(label=_("Language"), value=library.locale),
        Fact(label=_("Origin"), value=library.get_origin_display()),
        Fact(label=_("Provider"), value=version.provider),
        Fact(label=_("Packager"), value=version.packager),
        Fact(label=_("Published"), value=version.published),
        Fact(label=_("File"), value=version.file_name),
        Fact(label=_("SHA-256 of the content"), value=version.digest),
    ]
    return [fact for fact in facts if fact.value]


def _frameworks(library: Library) -> list[Link]:
    return [
        Link(label=str(framework), url=reverse("framework", args=[framework.pk]))
        for framework in Framework.objects.filter(library__key=library.key, retired_at=None)
    ]


def _mappings(library: Library) -> Table | None:
    sets = list(MappingSet.objects.filter(library__key=library.key))
    if not sets:
        return None
    there = {f.key: f for f in Framework.objects.filter(retired_at=None)}
    found = unresolved(sets)
    return Table(
        caption=_("Mappings"),
        columns=[
            Column(label=_("From")),
            Column(label=_("To"), wide=True),
            Column(label=_("Pairs"), numeric=True, minor=True),
            Column(label=_("Leading nowhere yet"), numeric=True, minor=True),
            Column(label=_("Coverage")),
        ],
        rows=[
            Row(
                cells=[
                    _end(there.get(s.source), s.source),
                    _end(there.get(s.target), s.target),
                    phrases.number(found[s.pk].total),
                    phrases.number(found[s.pk].lost),
                    components.ref(
                        _("See it"),
                        reverse("framework-covers", args=[there[s.source].pk, there[s.target].pk]),
                    )
                    if s.source in there and s.target in there
                    else components.NOTHING,
                ]
            )
            for s in sets
        ],
    )


def _end(framework: Framework | None, urn: str) -> Any:
    if framework is None:
        return _("%(urn)s (not loaded)") % {"urn": urn}
    return components.ref(str(framework), reverse("framework", args=[framework.pk]))


def _told(version: LibraryVersion) -> Told:
    url = ""
    if version.former_id:
        path = reverse("library-compare", args=[version.library_id])
        url = f"{path}?from={version.former_id}&to={version.pk}"
    return Told(version, [str(r) for r in from_json(version.report.get("remarks", ()))], url)


@viewer
@require_GET
def compare(request: HttpRequest, number: int) -> HttpResponse:
    """How two versions differ, node by node."""
    library = _library(number)
    versions = {str(v.pk): v for v in library.versions.select_related("text")}
    before = versions.get(request.GET.get("from", ""))
    after = versions.get(request.GET.get("to", ""))
    if before is None or after is None:
        raise Http404(_("Choose two versions of this library."))
    difference = comparing.compare(loading.opened(before), loading.opened(after))
    return render(
        request,
        "libraries/compare.html",
        {
            "header": PageHeader(
                title=_("Version %(before)d against version %(after)d")
                % {"before": before.number, "after": after.number},
                crumbs=[home(), Link(label=str(library), url=reverse("library", args=[number]))],
                quarter="check",
            ),
            "versions": list(versions.values()),
            "before": before,
            "after": after,
            "differences": shown(difference),
        },
    )


class UndoForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the history."),
    )


@viewer
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Go back to the version before; the page says what that does first."""
    person = require(request, may_load)
    library = _library(number)
    version = library.current
    if version is None or library.ours:
        raise Http404
    form = UndoForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            former = loading.undo(library, by=person, note=form.cleaned_data["note"])
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(
                request,
                _("Version %(number)d is in use again.") % {"number": former.number}
                if former
                else _("The library is no longer in use."),
            )
            return redirect("library", number)
    former = version.former
    there = loading.opened(former) if former else None
    return render(
        request,
        "libraries/undo.html",
        {
            "header": PageHeader(
                title=_("Undo version %(number)d") % {"number": version.number},
                lead=_("Version %(number)d comes back into use.") % {"number": former.number}
                if former
                else _("There was none before it: the library goes out of use."),
                crumbs=[home(), Link(label=str(library), url=reverse("library", args=[number]))],
                quarter="check",
            ),
            "differences": shown(comparing.compare(loading.opened(version), there)),
            "entry": RecordForm(
                form=form,
                url=request.path,
                submit=_("Undo it"),
                cancel_url=reverse("library", args=[number]),
                danger=True,
            ),
        },
        status=422 if form.errors else 200,
    )


@viewer
@require_GET
def export(request: HttpRequest, number: int) -> HttpResponse:
    """The file as it came, with every key that nobody here knows."""
    library = _library(number)
    version = library.current or library.versions.first()
    if version is None:
        raise Http404
    name = "".join(c if c.isalnum() or c in "-._" else "-" for c in version.ref)
    response = HttpResponse(version.text.text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{version.number}.yaml"'
    return response
