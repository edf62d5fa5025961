"""A record: its page, and everything that can be done on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from verne.engine import acts, approvals, clock, comments, files, sight
from verne.engine.approvals import Approval
from verne.engine.escalation import Escalation, escalate
from verne.engine.lifecycle import Move
from verne.engine.people import Person, Team
from verne.engine.prepared import Prepared, known_rows
from verne.engine.records import Record
from verne.engine.register import by_prefix, register_of
from verne.engine.rights import may
from verne.engine.standpoint import PreparedFor

from .. import anatomy, forms, own, show
from ..anatomy import Rights
from ..context import plural
from ..entrance import proof
from ..parts import Conflict, ConflictField, Link, PageHeader
from ..timeline import timeline
from .common import one, person_of, refusals, staff, tell_refusal

MAPPED = ("portfolio.service", "portfolio.configurationitem")
"""Kinds of record that stand on one another, and have a map."""

FEW_ROWS = 10
"""Rows of a panel on the page of the record; all of them stand on a page of their own."""


def record_at(ref: str, person: Person) -> Record:
    """The record of this reference; for those who may not see it there is none."""
    record = _seen_at(ref, person)
    for several in record._meta.many_to_many:
        known_rows(record, several.name, _led_to(several)(record=record.pk))
    return record


def _seen_at(ref: str, person: Person) -> Record:
    """The same without the many that it points at, for acts that do not look at them."""
    register = by_prefix(ref.upper().partition("-")[0])
    if register is None:
        raise Http404
    found: list[Record] = _by_ref(register.model)(person, ref=ref.upper())
    if not found:
        raise Http404
    found[0].seen_by = person.pk
    return found[0]


@cache
def _led_to(several: Any) -> Prepared:
    """All that a relation to many of a record leads to, in the order of its own manager."""
    back = several.related_query_name()

    def build(record: Any) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = several.related_model._default_manager.all()
        return rows.filter(**{back: record})

    return Prepared(build, record=models.BigIntegerField())


@cache
def _by_ref(model: type[Record]) -> PreparedFor:
    """A dozen joins and who may see it, put into SQL once for all who stand alike."""
    relations = _relations(model)

    def build(person: Person, ref: Any) -> models.QuerySet[Any]:
        return model.objects.visible_to(person).filter(ref=ref).select_related(*relations)

    return PreparedFor(build, ref=models.CharField())


def _is_seen(record: Record, person: Person) -> bool:
    return bool(type(record).objects.visible_to(person).filter(pk=record.pk).exists())


def _relations(model: type[Record]) -> list[str]:
    """Relations to one, fetched in the same query: a page shows nearly all of them."""
    return [
        found.name
        for found in model._meta.concrete_fields
        if found.many_to_one and not found.primary_key
    ]


@staff
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """The page of a record."""
    person = person_of(request)
    record = record_at(ref, person)
    if ref != record.ref:
        return redirect("record", record.ref)
    own_page = own.own_pages.get(record.kind)
    if own_page is not None and request.GET.get("as") != "record":
        shown = own_page(request, record, person)
        if shown is not None:
            return shown
    return render(request, "records/record.html", _page(record, person))


def _page(
    record: Record,
    person: Person,
    *,
    refused: tuple[str, forms.RecordForm] | None = None,
    **more: Any,
) -> dict[str, Any]:
    rights = Rights.of(record, person)
    kept = clock.clocks_of(record)
    clocks = anatomy.clocks(kept)
    register = register_of(record.kind_name())
    named = [*register.fields(), *register.parts, *sorted(anatomy.may_ask(record))]
    unseen = sight.unseen([record], named, person)
    with sight.sparing(unseen):
        told = timeline(record, person, unseen=unseen, clocks=[row for _rule, row in kept])
        without = own.replaced(record)
        header = anatomy.header(record, rights, clocks)
        sections = anatomy.sections(record, without=without)
        part_tables = anatomy.part_tables(record, without=without)
    approvals = anatomy.approval_views(record, person)
    askable = anatomy.askable(record, person, rights)
    rail = anatomy.rail(record, person, moved=told.moved, refused=refused, unseen=unseen)
    return {
        "it": record,
        "rights": rights,
        "record": header,
        "rail": replace(rail, asked=anatomy.asked_further_down(approvals, askable)),
        "own": own.parts_of(record, person),
        "sections": sections,
        "part_tables": part_tables,
        "has_panels": anatomy.has_panels(record, wide=False),
        "has_wide_panels": anatomy.has_panels(record, wide=True),
        "clocks": clocks,
        "approvals": approvals,
        "askable": askable,
        "links": anatomy.link_rows(record, person, rights),
        "files": anatomy.file_rows(record, person, rights),
        "raises": anatomy.raisable(record, person),
        "mapped": record.kind in MAPPED,
        "clauses": anatomy.proves(record, person),
        "days": told.days,
        "more_url": told.more_url,
        **more,
    }


@staff
def older(request: HttpRequest, ref: str) -> HttpResponse:
    """Older acts: a fragment for the page, or a page of its own without a script."""
    person = person_of(request)
    record = record_at(ref, person)
    before = request.GET.get("before", "")
    told = timeline(record, person, before=int(before) if before.isdecimal() else None)
    context = {
        "it": record,
        "days": told.days,
        "more_url": told.more_url,
        "header": header(record, _("Timeline")),
    }
    htmx = getattr(request, "htmx", False)
    template = "records/timeline.html" + ("#days" if htmx else "")
    return render(request, template, context)


@staff
def panels(request: HttpRequest, ref: str) -> HttpResponse:
    """What the register shows beside the fields; fetched after the page, for it may take long."""
    person = person_of(request)
    record = record_at(ref, person)
    htmx = bool(getattr(request, "htmx", False))
    wide = request.GET.get("wide")
    context = {
        "it": record,
        "panels": anatomy.panels(
            record,
            person,
            wide=None if wide is None else wide == "yes",
            limit=FEW_ROWS if htmx else 1000,
        ),
        "header": header(record, record.title),
    }
    return render(request, "records/panels.html" + ("#panels" if htmx else ""), context)


def header(record: Record, title: str, lead: str = "") -> PageHeader:
    """The head of a page that belongs to a record."""
    register = register_of(record.kind_name())
    return PageHeader(
        title=title,
        lead=lead,
        crumbs=[
            Link(label=plural(register), url=f"/{register.slug}/"),
            Link(label=f"{record.ref} {record.title}", url=record.get_absolute_url()),
        ],
    )


# --- Moves ---------------------------------------------------------------------------------------


@require_POST
@staff
@sensitive_post_parameters("password")
def move(request: HttpRequest, ref: str, name: str) -> HttpResponse:
    """Make a move, with the fields and the reason that came with it."""
    person = person_of(request)
    record = record_at(ref, person)
    step = record.lifecycle.moves.get(name)
    if step is None:
        raise Http404
    version = one(request, "version")
    form = _move_form(record, step, person, request)
    if form is not None and not form.is_valid():
        return _refused(request, record, person, step, form)
    try:
        acts.move(
            record,
            name,
            by=person,
            note=form.note if form else "",
            values=form.changed() if form else None,
            version=int(version) if version.isdecimal() else None,
            proof=proof.prove(person, form.password) if form and step.signed else None,
        )
    except acts.Conflict as error:
        tell_refusal(request, error)
        return _refused(request, record_at(ref, person), person, step, form, status=409)
    except (ValidationError, PermissionDenied) as error:
        if form is None or isinstance(error, PermissionDenied):
            tell_refusal(request, error)
            return redirect("record", record.ref)
        form.refuse(error)
        return _refused(request, record, person, step, form)
    fresh = record_at(ref, person) if _is_seen(record, person) else None
    if fresh is None:
        messages.success(request, _("Done. You do not see %(ref)s any more.") % {"ref": record.ref})
        return redirect(f"/{register_of(record.kind_name()).slug}/")
    messages.success(request, _what_it_did(step, fresh))
    return redirect("record", record.ref)


def _what_it_did(step: Move, record: Record) -> str:
    """The new state; of a step that leads nowhere else, that it is done."""
    if step.target in step.sources and len(step.sources) == 1:
        return _("%(ref)s: “%(step)s” is done.") % {"ref": record.ref, "step": step.label}
    return _("%(ref)s is now %(state)s.") % {"ref": record.ref, "state": record.standing.label}


def _move_form(
    record: Record, step: Move, person: Person, request: HttpRequest
) -> forms.RecordForm | None:
    if not step.asks_something:
        return None
    return forms.move_form(record, step, person, request.POST)


def _refused(
    request: HttpRequest,
    record: Record,
    person: Person,
    step: Move,
    form: forms.RecordForm | None,
    status: int = 422,
) -> HttpResponse:
    """The step on a page of its own, with what stands in the way."""
    if form is None:
        return redirect("record", record.ref)
    context = {
        "it": record,
        "header": header(record, str(step.label)),
        "form": form,
        "step": step,
        "version": record.version,
        "url": f"/r/{record.ref}/move/{step.name}",
    }
    return render(request, "records/move.html", context, status=status)


# --- Editing -------------------------------------------------------------------------------------


@staff
def edit(request: HttpRequest, ref: str) -> HttpResponse:
    """Revise the fields; when somebody else was faster, both versions are laid side by side."""
    person = person_of(request)
    record = record_at(ref, person)
    register = register_of(record.kind_name())
    if not may(person, "revise", register.model):
        raise PermissionDenied
    names = register.fields()
    chosen = request.POST.get("only", "").split() if request.method == "POST" else []
    if chosen:
        names = [name for name in names if name in chosen]
    data = request.POST if request.method == "POST" else None
    form = forms.RecordForm(register, person, names, record=record, data=data)
    rows = [
        forms.Rows(register, person, name, record=record, data=data)
        for name in register.parts
        if not chosen or name in chosen
    ]
    status = 200
    if data is not None and not any(part.asks_for_more for part in rows):
        status = 422
        if all([form.is_valid(), *(part.is_valid() for part in rows)]):
            values: dict[str, Any] = form.changed()
            for part in rows:
                sent = request.POST.get(f"{part.name}-seen", "")
                if part.sent and part.was_changed(sent):
                    values[part.name] = part.values()
            version = one(request, "version")
            try:
                acts.revise(
                    record,
                    values,
                    by=person,
                    version=int(version) if version.isdecimal() else None,
                )
            except acts.Conflict as error:
                return _conflict(request, record, person, values, error, form)
            except ValidationError as error:
                form.refuse(error)
            else:
                if values:
                    messages.success(request, _("%(ref)s is saved.") % {"ref": record.ref})
                return redirect("record", record.ref)
    context = {
        "it": record,
        "header": header(record, _("Edit %(ref)s") % {"ref": record.ref}, record.title),
        "form": form,
        "groups": groups(register, form),
        "rows": rows,
        "url": request.path,
        "version": request.POST.get("version", record.version) if data else record.version,
        "submit": _("Save"),
        "cancel_url": record.get_absolute_url(),
        "draft": f"edit:{record.ref}:{record.version}",
    }
    return render(request, "records/edit.html", context, status=status)


def groups(register: Any, form: forms.RecordForm) -> list[tuple[Any, list[Any]]]:
    """The fields of a form under the headings of the register; fields of none come first."""
    left = [name for name in form.fields if name != "seen"]
    shown: list[tuple[Any, list[Any]]] = []
    for section in register.sections:
        fields = [form[name] for name in section.fields if name in left]
        left = [name for name in left if name not in section.fields]
        if fields:
            shown.append((section.title, fields))
    if left:
        shown.insert(0, ("", [form[name] for name in left]))
    return shown


def _conflict(
    request: HttpRequest,
    record: Record,
    person: Person,
    values: dict[str, Any],
    error: acts.Conflict,
    form: forms.RecordForm,
) -> HttpResponse:
    """Both versions side by side. What only this person changed is sent along."""
    latest = record.acts.exclude(by=person).order_by("-id").select_related("by").first()
    clashing = [name for name in values if name in error.theirs]
    parts = set(register_of(record.kind_name()).parts)
    fields = [
        ConflictField(
            name=name,
            label=record.field_label(name),
            mine=_said(record, name, values[name]),
            theirs=_said(record, name, error.theirs[name]),
            mine_value=_sent(values[name]),
            theirs_value=_sent(error.theirs[name]),
        )
        for name in clashing
        if name not in parts
    ]
    if parts & set(clashing):
        # Rows cannot be chosen one by one: the second person sees theirs and adds to them.
        for name in sorted(parts & set(clashing)):
            messages.warning(
                request,
                _("The rows of “%(part)s” were changed by somebody else: enter yours anew.")
                % {"part": record.field_label(name)},
            )
        if not fields:
            return redirect("record-edit", record.ref)
    keep: list[tuple[str, str]] = []
    kept = [name for name in values if name not in clashing and name not in parts]
    for name in kept:
        keep.append((name, _sent(values[name])))
    keep.append(("only", " ".join([*kept, *(field.name for field in fields)])))
    context = {
        "it": record,
        "header": header(record, _("Edit %(ref)s") % {"ref": record.ref}, record.title),
        "conflict": Conflict(
            ref=record.ref,
            who=show.name(latest.by) if latest and latest.by else _("The program"),
            at=latest.at if latest else timezone.now(),
            fields=fields,
            url=f"/r/{record.ref}/edit",
            cancel_url=record.get_absolute_url(),
            version=error.record.version,
            keep=keep,
        ),
    }
    return render(request, "records/conflict.html", context, status=409)


def _said(record: Record, name: str, value: Any) -> str:
    found: Any = record._meta.get_field(name)
    if getattr(found, "choices", None) and value not in (None, ""):
        return show.label(found, value)
    return show.plain(value)


def _sent(value: Any) -> str:
    """A value as the form would send it."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ",".join(_sent(item) for item in value)
    if hasattr(value, "pk"):
        return str(value.pk)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M")
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


# --- Saying, attaching ---------------------------------------------------------------------------


@require_POST
@staff
def comment(request: HttpRequest, ref: str) -> HttpResponse:
    person = person_of(request)
    record = _seen_at(ref, person)
    try:
        comments.comment(
            record, one(request, "text"), by=person, public="internal" not in request.POST
        )
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect(f"/r/{record.ref}#timeline")


@require_POST
@staff
def attach(request: HttpRequest, ref: str) -> HttpResponse:
    person = person_of(request)
    record = record_at(ref, person)
    sent = request.FILES.get("file")
    if sent is None:
        messages.error(request, _("Choose a file first."))
        return redirect("record", record.ref)
    try:
        files.attach(record, sent.file, name=sent.name or "", by=person)  # type: ignore[arg-type]
        messages.success(request, _("%(name)s is attached.") % {"name": sent.name})
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect(f"/r/{record.ref}#files")


def download(request: HttpRequest, ref: str, number: int) -> FileResponse:
    """A file, for those who may read it on its record; sent so that no browser runs it."""
    person: Person | None = getattr(request, "person", None)
    if person is None:
        raise Http404
    record = record_at(ref, person)
    row = files.readable(record, person).filter(pk=number).first()
    if row is None:
        raise Http404
    return files.respond(row)


@staff
def detach(request: HttpRequest, ref: str, number: int) -> HttpResponse:
    """Take a file off the record; asks why first."""
    person = person_of(request)
    record = record_at(ref, person)
    row = files.readable(record, person).filter(pk=number).first()
    if row is None:
        raise Http404

    def do(note: str) -> None:
        files.detach(row, by=person, note=note)

    return _with_reason(
        request,
        record,
        title=_("Take the file away: %(name)s") % {"name": row.name},
        warning=_("It is no longer offered. What it was and who had attached it stays known."),
        done=_("%(name)s is taken away.") % {"name": row.name},
        do=do,
    )


# --- Approval, escalation, withdrawal ------------------------------------------------------------


@require_POST
@staff
def ask(request: HttpRequest, ref: str, name: str) -> HttpResponse:
    person = person_of(request)
    record = record_at(ref, person)
    if name not in record.lifecycle.moves:
        raise Http404
    try:
        approvals.ask(record, name, by=person)
        messages.success(request, _("Approval is asked for."))
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect(f"/r/{record.ref}#approvals")


@require_POST
@staff
@sensitive_post_parameters("password")
def vote(request: HttpRequest, ref: str, number: int) -> HttpResponse:
    person = person_of(request)
    record = record_at(ref, person)
    approval = Approval.objects.filter(pk=number, record=record.pk).first()
    if approval is None:
        raise Http404
    agrees = one(request, "agrees") == "yes"
    try:
        shown = None
        if agrees and approvals.is_signed(approval, record):
            shown = proof.prove(person, proof.said(request.POST))
        approvals.vote(approval, by=person, agrees=agrees, note=one(request, "note"), proof=shown)
        messages.success(request, _("You approved it.") if agrees else _("You refused it."))
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect(f"/r/{record.ref}#approvals")


@staff
def escalation(request: HttpRequest, ref: str) -> HttpResponse:
    """Pass the record on to more skill or more authority."""
    person = person_of(request)
    record = record_at(ref, person)
    if not person.may("engine.escalate"):
        raise PermissionDenied
    errors: list[str] = []
    if request.method == "POST":
        team, somebody = one(request, "to_team"), one(request, "to_person")
        kind = one(request, "kind")
        try:
            if kind not in Escalation.Kind.values:
                raise ValidationError(_("Say whether it needs more skill or more authority."))
            escalate(
                record,
                by=person,
                reason=one(request, "reason"),
                kind=kind,
                to_team=Team.objects.filter(pk=team).first() if team.isdecimal() else None,
                to_person=(
                    Person.objects.filter(pk=somebody).first() if somebody.isdecimal() else None
                ),
            )
            messages.success(request, _("%(ref)s is escalated.") % {"ref": record.ref})
            return redirect("record", record.ref)
        except (ValidationError, PermissionDenied) as error:
            errors = refusals(error)
    context = {
        "it": record,
        "header": header(record, _("Escalate %(ref)s") % {"ref": record.ref}, record.title),
        "kinds": Escalation.Kind.choices,
        "teams": Team.objects.filter(active=True),
        "people": Person.objects.filter(active=True).exclude(organization__kind="customer")[:500],
        "errors": errors,
        "said": request.POST,
        "url": request.path,
    }
    return render(request, "records/escalate.html", context, status=422 if errors else 200)


@staff
def withdraw(request: HttpRequest, ref: str) -> HttpResponse:
    """Take back a record that should not have been filed; asks why first."""
    person = person_of(request)
    record = record_at(ref, person)
    if not may(person, "withdraw", type(record)):
        raise PermissionDenied

    def do(note: str) -> None:
        acts.withdraw(record, by=person, note=note)

    return _with_reason(
        request,
        record,
        title=_("Withdraw %(ref)s") % {"ref": record.ref},
        warning=_(
            "It stays readable with your reason, and leaves every list and every figure. "
            "Its number is never given to another record. This cannot be taken back."
        ),
        done=_("%(ref)s is withdrawn.") % {"ref": record.ref},
        do=do,
    )


def _with_reason(
    request: HttpRequest, record: Record, *, title: str, warning: str, done: str, do: Any
) -> HttpResponse:
    """A page that says what is going to happen and asks why, before it does it."""
    errors: list[str] = []
    if request.method == "POST" and "note" in request.POST:
        try:
            do(one(request, "note"))
        except (ValidationError, PermissionDenied) as error:
            errors = refusals(error)
        else:
            messages.success(request, done)
            return redirect("record", record.ref)
    context = {
        "it": record,
        "header": header(record, title, record.title),
        "warning": warning,
        "errors": errors,
        "note": request.POST.get("note", ""),
        "url": request.path,
        "submit": title,
    }
    return render(request, "records/reason.html", context, status=422 if errors else 200)
