"""Records out into a file, as a list shows them; and a file in, looked at before it counts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from verne.engine import exchange, listing, replica, tables
from verne.engine.exchange import Line, Report
from verne.engine.jobs import later
from verne.engine.listing import NotUnderstood
from verne.engine.register import Register

from ..context import plural, quarter_of
from ..parts import Link, PageHeader, RecordForm
from ..views.common import from_replica, params_of, person_of, register_at, staff
from .incoming import AT_ONCE, Incoming, take_in

SHOWN = 200
"""Rows of a report that the page shows; the file of it holds them all."""


# --- Out -----------------------------------------------------------------------------------------


@staff
@require_GET
@from_replica
def export(request: HttpRequest, slug: str) -> HttpResponse:
    """Exactly what the list shows, on all its pages, as a file."""
    person = person_of(request)
    register = register_at(slug, person)
    if not person.may("engine.export_records"):
        raise PermissionDenied
    params = params_of(request)
    form = (params.pop("format", None) or ["csv"])[-1]
    if form not in tables.FORMATS:
        raise Http404
    try:
        wanted = listing.understand(register, params)
        rows = replica.pinned(listing.ordered(wanted, listing.select(wanted, person)))
    except NotUnderstood as error:
        messages.error(request, error.sentence)
        return redirect("list", slug)
    name = f"{slug}-{timezone.localdate():%Y-%m-%d}.{form}"
    if form == "csv":
        heads, cells = exchange.rows_out(register, rows, wanted.columns, by=person, words=True)
        return _streamed(tables.csv_pieces(heads, cells), name)
    # The response closes the file, and with that it is gone.
    book = tempfile.TemporaryFile()  # noqa: SIM115
    exchange.export(register, rows, wanted.columns, form, book, by=person, words=True)
    book.seek(0)
    media = tables.FORMATS[form]
    response: Any = FileResponse(book, as_attachment=True, filename=name, content_type=media)
    return response  # type: ignore[no-any-return]


def _streamed(pieces: Iterable[bytes], name: str) -> HttpResponse:
    """A CSV file that begins to arrive before it is finished."""
    response: Any = StreamingHttpResponse(pieces, content_type=tables.FORMATS["csv"])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response  # type: ignore[no-any-return]


# --- In ------------------------------------------------------------------------------------------


class UploadForm(forms.Form):
    """The file, and what it does not say itself."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV or XLSX. The first row names the columns, by the name or the label of a field."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.txt,.tsv"}),
    )
    key = forms.CharField(
        label=gettext_lazy("Column with the external reference"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "The number that the rows have elsewhere. With it the same file can come again: rows "
            "are found by it and not filed twice."
        ),
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding of a CSV file"),
        required=False,
        choices=[
            ("", gettext_lazy("Unicode (UTF-8 or UTF-16)")),
            ("cp1252", gettext_lazy("Western European (Windows-1252)")),
            ("cp949", gettext_lazy("Korean (CP949, EUC-KR)")),
            ("gb18030", gettext_lazy("Chinese (GB 18030)")),
        ],
    )


@staff
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Send in a file; it is looked at, and nothing of it is taken yet."""
    register = _register(request, slug)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        try:
            incoming = Incoming.receive(
                sent.file,
                person=person_of(request),
                slug=slug,
                name=sent.name,
                encoding=form.cleaned_data["encoding"],
                key=form.cleaned_data["key"],
            )
        except ValidationError as wrong:
            form.add_error("file", wrong.messages)
        else:
            return redirect("import-report", slug, incoming.token)
    entry = RecordForm(
        form=form,
        url=request.path,
        submit=_("Look at it"),
        cancel_url=f"/{slug}/",
        files=True,
    )
    page = {
        "header": _header(register, _("Import")),
        "entry": entry,
        "names": exchange.importable(register),
        "template_url": f"{request.path}/template",
    }
    return render(request, "exchange/upload.html", page, status=422 if form.errors else 200)


@staff
@require_GET
def template(request: HttpRequest, slug: str) -> HttpResponse:
    """An empty file with the right columns, to be filled in."""
    register = _register(request, slug)
    nothing = register.model.objects.none()
    names = ["source_key", *exchange.importable(register)]
    heads, cells = exchange.rows_out(register, nothing, names)
    return _streamed(tables.csv_pieces(heads, cells), f"{slug}.csv")


@staff
def report(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """What would become of each row, and after confirmation what became of it."""
    register = _register(request, slug)
    person = person_of(request)
    incoming = _incoming(request, slug, token)
    if request.method == "POST":
        if incoming.claim():
            if incoming.total <= AT_ONCE:
                incoming.take(person)
            else:
                incoming.note(stage="waiting")
                later(take_in, incoming.token, person.pk)
        return redirect("import-report", slug, token)
    found = incoming.outcome
    assert found is not None, "A file is looked at before it is kept."
    page = {
        "header": _header(register, incoming.name, slug=slug),
        "incoming": incoming,
        "report": found,
        "sums": _sums(found),
        "columns": [(head, name, _label(register, name)) for head, name in found.columns],
        "lines": [_Shown(line) for line in found.lines[:SHOWN]],
        "rest": max(0, len(found.lines) - SHOWN),
        "again_url": f"/{slug}/import",
        "list_url": f"/{slug}/",
        "file_url": f"{request.path}/findings",
    }
    return render(request, "exchange/report.html", page)


@staff
@require_GET
def findings(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Everything that was found wrong, as a file to work through."""
    _register(request, slug)
    incoming = _incoming(request, slug, token)
    found = incoming.outcome
    assert found is not None, "A file is looked at before it is kept."
    heads = [_("Row"), _("Column"), _("Value"), _("Reason"), _("What to do")]
    rows: Iterator[list[Any]] = (
        [f.row or None, f.column, f.value, f.reason, f.remedy] for f in found.findings
    )
    return _streamed(tables.csv_pieces(heads, rows), "findings.csv")


@dataclass(frozen=True)
class _Shown:
    """A row of the report as the page shows it."""

    line: Line

    @property
    def tone(self) -> str:
        return {"refused": "stopped", "unchanged": ""}.get(self.line.outcome, "done")

    @property
    def icon(self) -> str:
        return {"refused": "close", "unchanged": "info"}.get(self.line.outcome, "tick")

    @property
    def word(self) -> str:
        return {
            "filed": _("filed"),
            "revised": _("revised"),
            "unchanged": _("unchanged"),
            "refused": _("refused"),
        }[self.line.outcome]


def _sums(found: Report) -> list[tuple[str, int]]:
    words = {
        "filed": _("new records"),
        "revised": _("records revised"),
        "unchanged": _("rows that say what is on file already"),
        "refused": _("rows refused"),
    }
    return [(words[name], count) for name, count in found.counts.items() if count]


def _label(register: type[Register], name: str) -> str:
    return register.model.field_label(name) if name else ""


def _register(request: HttpRequest, slug: str) -> type[Register]:
    person = person_of(request)
    register = register_at(slug, person)
    if not person.may("engine.import_records"):
        raise PermissionDenied
    return register


def _incoming(request: HttpRequest, slug: str, token: str) -> Incoming:
    incoming = Incoming.open(token, person_of(request))
    if incoming is None or incoming.slug != slug:
        raise Http404
    return incoming


def _header(register: type[Register], title: str, *, slug: str = "") -> PageHeader:
    crumbs = [Link(label=plural(register), url=f"/{register.slug}/")]
    if slug:
        crumbs.append(Link(label=_("Import"), url=f"/{slug}/import"))
    return PageHeader(title=title, crumbs=crumbs, quarter=quarter_of(register))
