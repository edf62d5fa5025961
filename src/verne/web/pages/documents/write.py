"""Where a revision is written, with what it will look like beside it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from verne.engine import acts, files
from verne.engine.rights import may
from verne.sms.support.document.differences import differences, folded, in_one_column
from verne.sms.support.document.models import Edition
from verne.sms.support.document.prose import prose
from verne.sms.support.document.register import RevisionRegister
from verne.sms.support.document.revision import Revision

from ... import forms
from ...parts import Action
from ...views.common import one, person_of, staff, tell_refusal
from .shown import document_at, header_of, named_for, revision_at


@require_POST
@staff
def begin(request: HttpRequest, ref: str) -> HttpResponse:
    """Begin a revision of an edition; it goes on from the text in force."""
    person = person_of(request)
    document = document_at(ref, person)
    key = one(request, "edition")
    edition = Edition.objects.filter(of=document, pk=key).first() if key.isdecimal() else None
    size, form = one(request, "size"), one(request, "form") or Revision.Form.WRITTEN
    if edition is None or size not in Revision.Size.values or form not in Revision.Form.values:
        messages.error(request, _("Choose the edition, the size and the form of the revision."))
        return redirect("document-revisions", document.ref)
    values = {"edition": edition, "size": size, "form": form, "author": person}
    if form == Revision.Form.ELSEWHERE:
        values["location"] = one(request, "location")
    sent = request.FILES.get("file")
    if form == Revision.Form.FILE and sent is None:
        messages.error(request, _("Choose a file first."))
        return redirect("document-revisions", document.ref)
    try:
        with transaction.atomic():
            revision = acts.file(Revision, values, by=person)
            if form == Revision.Form.FILE and sent is not None:
                files.attach(revision, sent.file, name=sent.name or "", by=person)  # type: ignore[arg-type]
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
        return redirect("document-revisions", document.ref)
    if form == Revision.Form.WRITTEN:
        return redirect("document-write", revision.ref)
    messages.success(request, _("%(ref)s is begun.") % {"ref": revision.ref})
    return redirect("record-edit", revision.ref)


@staff
def write(request: HttpRequest, ref: str) -> HttpResponse:
    """Title, text and what changes; saved as a whole, and never over what somebody else saved."""
    person = person_of(request)
    revision = revision_at(ref, person)
    if not may(person, "revise", Revision):
        raise PermissionDenied
    if revision.is_fixed or revision.withdrawn_at is not None:
        messages.error(request, _("What is approved is not written on: begin a new revision."))
        return redirect("record", revision.ref)
    sent = request.POST if request.method == "POST" else None
    form = _form(revision, person, sent)
    status, theirs, version = 200, [], revision.version
    if sent is not None and "preview" not in sent:
        status = 422
        given = one(request, "version")
        if form.is_valid():
            try:
                acts.revise(
                    revision,
                    form.changed(),
                    by=person,
                    version=int(given) if given.isdecimal() else None,
                )
            except acts.Conflict as error:
                # Whoever saves again has seen what the other one wrote.
                status, version = 409, error.record.version
                mine = str(form.cleaned_data.get("text", ""))
                theirs = _in_between(mine, error.record)
                tell_refusal(request, error)
            except (ValidationError, PermissionDenied) as error:
                if isinstance(error, PermissionDenied):
                    raise
                form.refuse(error)
            else:
                messages.success(request, _("%(ref)s is saved.") % {"ref": revision.ref})
                return redirect("record", revision.ref)
    text = str(form["text"].value() or "")
    document = revision.document
    context = {
        "it": revision,
        "header": header_of(
            document,
            _("Write revision %(number)s") % {"number": revision.number},
            lead=revision.title,
            actions=[
                Action(label=_("All its fields"), url=f"/r/{revision.ref}/edit", kind="quiet")
            ],
        ),
        "form": form,
        "version": version,
        "prose": prose(text, named=named_for(person, text)),
        "theirs": theirs,
        "url": request.path,
    }
    return render(request, "documents/write.html", context, status=status)


def _form(revision: Revision, person: Any, sent: Any) -> forms.RecordForm:
    form = forms.RecordForm(
        RevisionRegister,
        person,
        ["title", "change_summary", "text"],
        record=revision,
        data=sent,
    )
    form.fields["text"].widget.attrs |= {
        "rows": 28,
        "spellcheck": "true",
        "lang": revision.language,
        "hx-post": f"/documents/{revision.ref}/preview",
        "hx-trigger": "input changed delay:400ms",
        "hx-target": "#preview",
        "hx-swap": "outerHTML",
    }
    form.fields["change_summary"].widget.attrs |= {"rows": 3}
    return form


def _in_between(mine: str, record: Any) -> list[Any]:
    """How the text that somebody else saved differs from the one that was sent."""
    return list(in_one_column(folded(differences(record.text, mine))))


@require_POST
@staff
def preview(request: HttpRequest, ref: str) -> HttpResponse:
    """The text as it will look, for the pane beside it; nothing is saved."""
    person = person_of(request)
    revision = revision_at(ref, person)
    text = request.POST.get("text", "")
    context = {"prose": prose(text, named=named_for(person, text)), "it": revision}
    return render(request, "documents/write.html#preview", context)
