"""The state of the seal, its checkpoints, and making an audit pack."""

from __future__ import annotations

import base64
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from verne.conformity.pack import making
from verne.engine.people import Person
from verne.engine.seal import keys, outside, sealing
from verne.engine.seal.models import Pack, SealedAt

from ... import components, phrases
from ...forms import add_errors
from ...parts import Action, Column, Empty, Fact, Link, PageHeader, RecordForm, Row, Table
from ...views.common import person_of, staff

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

VIEW = "conformity.view_statement"
SHOWN = 12
"""Checkpoints and packs shown; the files outside hold all checkpoints."""


def reader_of(request: HttpRequest) -> Person:
    person = person_of(request)
    if not person.may(VIEW):
        raise PermissionDenied(_("Your roles do not include the proofs of the system."))
    return person


def crumbs() -> list[Link]:
    return [Link(label=_("Proof"), url=reverse("proof"))]


@staff
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """How much is sealed, since when, with which key; and the packs that were made."""
    person = reader_of(request)
    newest = sealing.newest()
    actions = [Action(label=_("Check a record"), url=reverse("proof-record"), icon="search")]
    if person.may(making.RIGHT):
        seal = Action(label=_("Seal now"), url=reverse("proof-seal"), method="post", icon="lock")
        pack = Action(
            label=_("Make an audit pack"), url=reverse("proof-pack"), kind="primary", icon="seal"
        )
        actions = [pack, seal, *actions]
    context = {
        "header": PageHeader(
            title=_("Proof"),
            lead=_(
                "Every act is hashed into a signed tree once an hour, so that no change behind the "
                "back of the program stays unnoticed."
            ),
            quarter="check",
            actions=actions,
            clauses=[components.clause("7.5.3", clause_address("7.5.3"))],
        ),
        "facts": _facts(newest) if newest else [],
        "checkpoints": _checkpoints() if newest else None,
        "packs": _packs(),
        "empty": None if newest else _nothing(person),
    }
    return render(request, "proof/index.html", context)


def clause_address(number: str) -> str:
    from ...context import clause_url

    return clause_url(number)


def _facts(newest: SealedAt) -> list[Fact]:
    waiting = sealing.waiting()
    known = keys.known()
    return [
        Fact(label=_("Sealed entries"), value=phrases.number(newest.size)),
        Fact(label=_("Last sealed"), value=components.moment(newest.at, "exact")),
        Fact(
            label=_("Not sealed yet"),
            value=ngettext("%(number)s act", "%(number)s acts", waiting)
            % {"number": phrases.number(waiting)},
        ),
        Fact(label=_("Root"), value=_code(base64.b64encode(bytes(newest.root)).decode())),
        Fact(label=_("Public key"), value=_code(str(known[-1]) if known else "")),
        Fact(
            label=_("Checkpoints are also kept in"),
            value=_code(", ".join(str(place) for place in outside.places())),
        ),
    ]


def _code(text: str) -> SafeString:
    from django.utils.html import format_html

    return format_html("<code>{}</code>", text)


def _nothing(person: Person) -> Empty:
    actions = []
    if person.may(making.RIGHT):
        actions = [
            Action(label=_("Seal now"), url=reverse("proof-seal"), method="post", kind="primary")
        ]
    return Empty(
        title=_("Nothing is sealed yet"),
        text=_("The first sealing makes a key and follows by itself within the hour."),
        quarter="check",
        actions=actions,
    )


def _checkpoints() -> Table:
    rows = list(SealedAt.objects.order_by("-pk")[:SHOWN])
    return Table(
        caption=_("Checkpoints, the newest first"),
        columns=[
            Column(label=_("Sealed")),
            Column(label=_("Entries"), numeric=True),
            Column(label=_("Root"), wide=True, minor=True),
            Column(label=_("Signed note")),
        ],
        rows=[
            Row(
                cells=[
                    components.moment(row.at, "exact"),
                    phrases.number(row.size),
                    _code(base64.b64encode(bytes(row.root)).decode()[:20] + "…"),
                    components.ref(f"{row.size}.txt", reverse("proof-checkpoint", args=[row.pk])),
                ]
            )
            for row in rows
        ],
    )


def _day(at: datetime) -> str:
    return phrases.day(timezone.localtime(at).date())


def _packs() -> Table | None:
    rows = list(Pack.objects.select_related("by")[:SHOWN])
    if not rows:
        return None
    return Table(
        caption=_("Audit packs that were made"),
        columns=[
            Column(label=_("Period"), wide=True),
            Column(label=_("Files"), numeric=True, minor=True),
            Column(label=_("SHA-256 of the manifest"), minor=True),
            Column(label=_("Made by")),
            Column(label=_("Made")),
        ],
        rows=[
            Row(
                cells=[
                    _("%(first)s to %(last)s")
                    % {"first": _day(row.since), "last": _day(row.until)},
                    phrases.number(row.files),
                    _code(row.sha256[:16] + "…"),
                    components.person(row.by),
                    components.moment(row.at),
                ]
            )
            for row in rows
        ],
    )


@require_POST
@staff
def seal_now(request: HttpRequest) -> HttpResponse:
    if not person_of(request).may(making.RIGHT):
        raise PermissionDenied
    try:
        done = sealing.seal()
    except keys.KeyLost as lost:
        messages.error(request, str(lost))
    else:
        size = phrases.number(done.size if done else 0)
        messages.success(request, _("%(size)s entries are sealed.") % {"size": size})
    return redirect("proof")


@staff
@require_GET
def checkpoint(request: HttpRequest, number: int) -> HttpResponse:
    """The signed note itself, to be kept where nobody who runs this machine can change it."""
    reader_of(request)
    row = get_object_or_404(SealedAt, pk=number)
    response = HttpResponse(row.note, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="checkpoint-{row.size}.txt"'
    return response


class PackForm(forms.Form):
    since = forms.DateField(
        label=gettext_lazy("From"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("The statement is that of the end of this day, or of now."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=settings.LANGUAGES,
        help_text=gettext_lazy("Of the statement and of what people read in it."),
    )
    with_files = forms.BooleanField(
        label=gettext_lazy("With attached files"),
        required=False,
        help_text=gettext_lazy("Without, the pack names them with their hashes."),
    )


@staff
def pack(request: HttpRequest) -> HttpResponse:
    """Choose a period; the answer is the ZIP."""
    person = reader_of(request)
    if not person.may(making.RIGHT):
        raise PermissionDenied(_("Your roles do not include making audit packs."))
    today = timezone.localdate()
    form = PackForm(
        request.POST or None,
        initial={
            "since": today - timedelta(days=365),
            "until": today,
            "language": get_language() or "en",
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            return _download(form.cleaned_data, person)
        except ValidationError as refused:
            add_errors(form, refused)
        except keys.KeyLost as lost:
            form.add_error(None, str(lost))
    context: dict[str, Any] = {
        "header": PageHeader(
            title=_("Make an audit pack"),
            lead=_(
                "A ZIP with the statement, every check with what it looked at, records with their "
                "sealed history, and a small program that proves nothing in it was changed."
            ),
            crumbs=crumbs(),
            quarter="check",
        ),
        "entry": RecordForm(
            form=form,
            url=request.path,
            submit=_("Make the pack"),
            cancel_url=reverse("proof"),
        ),
    }
    return render(request, "proof/pack.html", context, status=422 if form.errors else 200)


def _download(chosen: dict[str, Any], person: Person) -> HttpResponse:
    since = timezone.make_aware(datetime.combine(chosen["since"], time.min))
    until = timezone.make_aware(datetime.combine(chosen["until"], time.max))
    if chosen["until"] == timezone.localdate():
        until = timezone.now()
    made = making.make(
        since=since,
        until=until,
        by=person,
        language=chosen["language"] or get_language() or "en",
        with_files=chosen["with_files"],
    )
    response = HttpResponse(made.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return response
