"""The portal: what a customer sees, in words nobody has to learn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import BigIntegerField, Case, ExpressionWrapper, F, Min, Q, Value, When
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from verne.engine import acts, approvals, comments, files
from verne.engine.approvals import Approval
from verne.engine.history import Act
from verne.engine.people import Person
from verne.engine.records import Priority, Record, Sheet
from verne.engine.register import registers
from verne.engine.rights import may, scope, scope_among
from verne.sms.portfolio.catalogue.models import CatalogueEntry
from verne.sms.portfolio.service.models import Service
from verne.sms.resolution.incident.models import Incident, note_confirmation
from verne.sms.resolution.request.models import Question, RequestModel, ServiceRequest

from .. import components, phrases
from ..entrance import proof
from ..forms import add_errors
from ..parts import TimelineAct, TimelineDay
from .common import from_replica, one, person_of, signed_in, tell_refusal

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

KINDS = ("resolution.incident", "resolution.servicerequest")
PAGE = 30

Words = tuple["StrOrPromise", str]

INCIDENT_WORDS: dict[str, Words] = {
    "recorded": (gettext_lazy("We have received it"), "new"),
    "classified": (gettext_lazy("We are looking at it"), "active"),
    "prioritized": (gettext_lazy("We are looking at it"), "active"),
    "in_progress": (gettext_lazy("We are working on it"), "active"),
    "pending": (gettext_lazy("We are waiting for something"), "waiting"),
    "resolved": (gettext_lazy("Solved"), "done"),
    "closed": (gettext_lazy("Done"), "closed"),
}
REQUEST_WORDS: dict[str, Words] = {
    "recorded": (gettext_lazy("We have received it"), "new"),
    "classified": (gettext_lazy("We are looking at it"), "active"),
    "prioritized": (gettext_lazy("We are looking at it"), "active"),
    "awaiting_approval": (gettext_lazy("Somebody has to agree first"), "waiting"),
    "in_fulfilment": (gettext_lazy("We are preparing it"), "active"),
    "fulfilled": (gettext_lazy("Ready for you"), "done"),
    "closed": (gettext_lazy("Done"), "closed"),
    "rejected": (gettext_lazy("Not possible"), "stopped"),
    "cancelled": (gettext_lazy("Cancelled"), "stopped"),
}
WORDS = {"resolution.incident": INCIDENT_WORDS, "resolution.servicerequest": REQUEST_WORDS}

ASKED_OF_USER: Words = (gettext_lazy("We need an answer from you"), "waiting")
TAKEN_BACK: Words = (gettext_lazy("Taken back"), "stopped")


def words_for(sheet: Any, *, waits_for_user: bool = False) -> Words:
    """Where something stands, as one would say it on the phone."""
    if sheet.withdrawn_at is not None:
        return TAKEN_BACK
    if waits_for_user and sheet.state == "pending":
        return ASKED_OF_USER
    known = WORDS.get(sheet.kind, {}).get(sheet.state)
    return known or (sheet.state_label, "active")


@dataclass(frozen=True)
class Mine:
    """One of my requests, as a line."""

    url: str
    ref: str
    title: str
    state: SafeString
    note: StrOrPromise


def lines(sheets: Sequence[Any]) -> list[Mine]:
    """Requests as lines, with what the reader can expect."""
    asked = set(
        Incident.objects.filter(
            pk__in=[s.pk for s in sheets if s.state == "pending"], pending_reason="user"
        ).values_list("pk", flat=True)
    )
    return [_line(sheet, waits_for_user=sheet.pk in asked) for sheet in sheets]


def _line(sheet: Any, *, waits_for_user: bool) -> Mine:
    label, tone = words_for(sheet, waits_for_user=waits_for_user)
    finished = sheet.withdrawn_at is not None or sheet.state in sheet.model.lifecycle.final_states()
    note: StrOrPromise = components.moment(sheet.changed_at)
    if not finished and tone not in ("done", "waiting") and sheet.due_at is not None:
        note = expected(sheet.due_at)
    return Mine(
        url=f"/portal/r/{sheet.ref}",
        ref=sheet.ref,
        title=sheet.title,
        state=components.state(label, tone),
        note=note,
    )


def expected(due: datetime) -> str:
    """What one can count on, in words."""
    if due < timezone.now():
        return _("This takes longer than promised")
    today = timezone.localtime(due).date() == timezone.localdate()
    when = phrases.hour(due) if today else phrases.exact(due)
    return _("should be done by %(when)s") % {"when": when}


def _mine(person: Person, *, everybody: bool = False) -> Any:
    """Incidents and requests of this person, or of all at the same customer."""
    rows = Sheet.objects.filter(scope_among(person, KINDS), kind__in=KINDS)
    if not everybody:
        reported = Incident.objects.filter(reporter=person).order_by().values("pk")
        asked = ServiceRequest.objects.filter(requester=person).order_by().values("pk")
        filed = Sheet.objects.filter(filed_by=person).order_by().values("pk")
        # Each has an index; tied by OR, PostgreSQL would look at every record, newest first.
        rows = rows.filter(pk__in=reported.union(asked, filed, all=True))
    return rows.order_by("-id")


# --- Start ---------------------------------------------------------------------------------------


@signed_in
def start(request: HttpRequest) -> HttpResponse:
    """Hello, what can we do; my open requests; how the services are; what there is to have."""
    person = person_of(request)
    unfinished = ~Q(state__in=("closed", "rejected", "cancelled"))
    mine = list(_mine(person).filter(unfinished, withdrawn_at=None)[:6])
    services = standings(person)
    disturbed = [service for service in services if service.disturbed]
    context = {
        "name": person.name.split()[0] if person.name.isascii() else person.name,
        "mine": lines(mine),
        "services": services,
        "disturbed": disturbed,
        "entries": _entries(person)[:12],
        "may_report": may(person, "file", Incident),
        "may_ask": may(person, "file", ServiceRequest) and may(person, "view", RequestModel),
        "awaiting": _awaiting(person),
    }
    return render(request, "portal/start.html", context)


def _entries(person: Person) -> Any:
    if not may(person, "view", CatalogueEntry):
        return CatalogueEntry.objects.none()
    seen = CatalogueEntry.objects.visible_to(person).published().values("pk")
    return CatalogueEntry.objects.filter(pk__in=seen).order_by("title")


def _awaiting(person: Person) -> list[Mine]:
    """Requests of colleagues this person has to agree to."""
    if "customer_manager" not in person.roles:
        return []
    rows = Sheet.objects.filter(
        scope_among(person, KINDS), kind__in=KINDS, approvals__standing=Approval.Standing.OPEN
    ).exclude(filed_by=person)
    return lines(list(rows.distinct()[:10]))


# --- How the services are ------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """A service and whether it works now."""

    title: str
    verdict: SafeString
    disturbed: bool
    note: str


def standings(person: Person) -> list[Standing]:
    """Each service this person is given. What is wrong is told; whose trouble it is, is not."""
    if not may(person, "view", Service):
        return []
    seen = Service.objects.visible_to(person).live().values("pk")
    rows = Service.objects.filter(pk__in=seen).order_by("title")
    services = dict(rows.values_list("pk", "title")[:100])
    own = scope(person, Incident)
    # In one walk over what is urgent: the first of each service, of theirs and of others.
    found = (
        _trouble()
        .annotate(own=Case(When(own, then=True), default=False) if own else Value(True))
        .values_list("service_id", "own")
        .annotate(first=Min(ExpressionWrapper(URGENT_FIRST, output_field=BigIntegerField())))
    )
    # Chosen here: by their services the database would go through all there ever were of them.
    ours = [row for row in found if row[0] in services]
    disturbed = {service for service, _own, _first in ours}
    firsts = {service: first % RANK for service, own, first in ours if own}
    titles = dict(Incident.objects.filter(pk__in=firsts.values()).values_list("pk", "title"))
    told = dict.fromkeys(disturbed, "") | {s: titles[number] for s, number in firsts.items()}
    return [_standing(title, told.get(number)) for number, title in services.items()]


RANK = 2**40
"""More than any record's number."""
URGENT_FIRST = Cast("priority", BigIntegerField()) * RANK + F("pk")
"""In the order of priorities, and of numbers within one."""


def _trouble() -> models.QuerySet[Incident]:
    """The incidents because of which services do not work."""
    states = [state for state in Incident.lifecycle.states if state not in ("resolved", "closed")]
    urgent = Q(kind=Incident.kind_name(), priority__in=(Priority.CRITICAL, Priority.HIGH))
    return Incident.objects.standing().in_state(*states).filter(urgent).order_by()


def _standing(title: str, told: str | None) -> Standing:
    disturbed = told is not None
    note = told or _("We know about it and are working on it.") if disturbed else ""
    word = _("Disturbed") if disturbed else _("Works")
    return Standing(
        title=title,
        verdict=components.verdict("partly" if disturbed else "met", word),
        disturbed=disturbed,
        note=note,
    )


@signed_in
def status(request: HttpRequest) -> HttpResponse:
    context = {"services": standings(person_of(request)), "now": phrases.hour(timezone.now())}
    return render(request, "portal/status.html", context)


# --- Something is broken -------------------------------------------------------------------------


class FaultForm(forms.Form):
    """What does not work, in the reporter's words."""

    title = forms.CharField(
        label=gettext_lazy("What does not work?"),
        max_length=200,
        help_text=gettext_lazy("One sentence, such as: I cannot open the order form."),
    )
    description = forms.CharField(
        label=gettext_lazy("Tell us more"),
        required=False,
        help_text=gettext_lazy("Since when, where, what you see, and whom else it concerns."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    service = forms.ModelChoiceField(
        Service.objects.none(),
        label=gettext_lazy("What is it about?"),
        required=False,
        empty_label=gettext_lazy("I do not know"),
    )
    file = forms.FileField(
        label=gettext_lazy("A picture or a file"),
        required=False,
        help_text=gettext_lazy("A picture of the screen often says most."),
    )

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = Service.objects.visible_to(person).live().values("pk")
        services = Service.objects.filter(pk__in=seen).order_by("title")
        self.fields["service"].queryset = services  # type: ignore[attr-defined]
        self.fields["service"].label_from_instance = lambda s: s.title  # type: ignore[attr-defined]


@signed_in
def fault(request: HttpRequest) -> HttpResponse:
    """Report that something is broken."""
    person = person_of(request)
    if not may(person, "file", Incident):
        raise PermissionDenied
    initial = {"service": request.GET.get("service", "")}
    form = FaultForm(person, request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        values = {
            "title": said["title"],
            "description": said["description"],
            "service": said["service"],
        }
        record = _file(form, Incident, values, person)
        if record is not None:
            _attach(request, record, said.get("file"), person)
            messages.success(
                request,
                _("Thank you. We have received it as %(ref)s and will answer here.")
                % {"ref": record.ref},
            )
            return redirect("portal-record", record.ref)
    context = {
        "form": form,
        "title": _("Something is broken"),
        "files": True,
        "draft": "portal:fault",
    }
    context["submit"] = _("Send it")
    return render(request, "portal/form.html", context, status=422 if form.errors else 200)


def _file(form: forms.Form, kind: type[Record], values: dict[str, Any], by: Person) -> Any:
    try:
        return acts.file(kind, values, by=by)
    except ValidationError as error:
        add_errors(form, error)
        return None


def _attach(request: HttpRequest, record: Record, sent: Any, person: Person) -> None:
    """A refused file does not lose the words: they are filed, and it is said what went wrong."""
    if not sent:
        return
    try:
        files.attach(record, sent.file, name=sent.name or "", by=person, public=True)
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)


# --- I need something ----------------------------------------------------------------------------


@signed_in
def offers(request: HttpRequest) -> HttpResponse:
    """What can be asked for."""
    person = person_of(request)
    if not may(person, "file", ServiceRequest):
        raise PermissionDenied
    context = {"offers": _offers(person), "find": request.GET.get("q", "")}
    return render(request, "portal/offers.html", context)


def _offers(person: Person) -> Iterable[RequestModel]:
    if not may(person, "view", RequestModel):
        return []
    seen = RequestModel.objects.visible_to(person).standing().in_state("in_force").values("pk")
    found: Iterable[RequestModel] = RequestModel.objects.filter(pk__in=seen).order_by("title")
    return found


class AskForm(forms.Form):
    """What somebody needs: the questions of what is on offer, or free words."""

    title = forms.CharField(label=gettext_lazy("What do you need?"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("Anything we should know"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, offer: RequestModel | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions: dict[str, Question] = {}
        if offer is None:
            self.fields["description"].required = True
            self.fields["description"].label = _("Tell us what it is for")
            return
        del self.fields["title"]
        rest = self.fields.pop("description")
        for question in offer.questions.all():
            name = f"question-{question.pk}"
            self.questions[name] = question
            self.fields[name] = _control(question)
        self.fields["description"] = rest

    def answers(self) -> list[dict[str, str]]:
        return [
            {"question": question.label, "answer": _answer(question, self.cleaned_data[name])}
            for name, question in self.questions.items()
        ]


def _control(question: Question) -> forms.Field:
    """The control for a question of a request model."""
    common: dict[str, Any] = {"label": question.label, "required": question.required}
    kind = Question.Kind
    if question.kind == kind.LONG:
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), **common)
    if question.kind == kind.NUMBER:
        return forms.DecimalField(**common)
    if question.kind == kind.DATE:
        return forms.DateField(
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **common
        )
    if question.kind == kind.YES_NO:
        answers = [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]
        return forms.ChoiceField(choices=answers, widget=forms.RadioSelect, **common)
    if question.kind == kind.CHOICE:
        offered = [(text, text) for text in question.options()]
        return forms.ChoiceField(choices=[("", "–"), *offered], **common)
    return forms.CharField(max_length=500, **common)


def _answer(question: Question, said: Any) -> str:
    if said in (None, ""):
        return ""
    if question.kind == Question.Kind.YES_NO:
        return _("Yes") if said == "yes" else _("No")
    return said.isoformat() if hasattr(said, "isoformat") else str(said)


@signed_in
def ask(request: HttpRequest, ref: str = "") -> HttpResponse:
    """Ask for something that is on offer, or for something that is not."""
    person = person_of(request)
    if not may(person, "file", ServiceRequest):
        raise PermissionDenied
    offer = None
    if ref:
        offer = next((found for found in _offers(person) if found.ref == ref.upper()), None)
        if offer is None:
            raise Http404
    form = AskForm(offer, request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        values = {
            "title": said["title"] if offer is None else offer.title,
            "description": said["description"],
            "request_model": offer,
        }
        if answers := form.answers():
            values["answers"] = answers
        record = _file(form, ServiceRequest, values, person)
        if record is not None:
            messages.success(
                request,
                _("Thank you. We have received it as %(ref)s and will answer here.")
                % {"ref": record.ref},
            )
            return redirect("portal-record", record.ref)
    context = {
        "form": form,
        "title": offer.title if offer else _("I need something else"),
        "lead": offer.offer if offer else "",
        "draft": f"portal:ask:{ref}",
        "submit": _("Ask for it"),
    }
    return render(request, "portal/form.html", context, status=422 if form.errors else 200)


@signed_in
def entry(request: HttpRequest, ref: str) -> HttpResponse:
    """A service of the catalogue, in the words of those who use it."""
    person = person_of(request)
    found = _entries(person).filter(ref=ref.upper()).select_related("service").first()
    if found is None:
        raise Http404
    context = {
        "entry": found,
        "offers": [offer for offer in _offers(person) if offer.service_id == found.service_id],
        "service": next((s for s in standings(person) if s.title == found.service.title), None),
        "may_report": may(person, "file", Incident),
    }
    return render(request, "portal/entry.html", context)


# --- My requests ---------------------------------------------------------------------------------


@signed_in
@from_replica
def mine(request: HttpRequest) -> HttpResponse:
    """What I asked for and reported, or what all at my organization did."""
    person = person_of(request)
    everybody = request.GET.get("whose") == "all"
    rows = _mine(person, everybody=everybody)
    before = request.GET.get("before", "")
    if before.isdecimal():
        rows = rows.filter(pk__lt=int(before))
    sheets = list(rows[: PAGE + 1])
    more = len(sheets) > PAGE
    context = {
        "mine": lines(sheets[:PAGE]),
        "everybody": everybody,
        "organization": person.organization,
        "older": sheets[PAGE - 1].pk if more else None,
    }
    return render(request, "portal/mine.html", context)


def _record(ref: str, person: Person) -> Any:
    """An incident or a request this person may see."""
    sheet = Sheet.objects.filter(
        scope_among(person, KINDS), ref=ref.upper(), kind__in=KINDS
    ).first()
    if sheet is None:
        raise Http404
    return sheet.opened()


@signed_in
def record(request: HttpRequest, ref: str) -> HttpResponse:
    """One of my requests: where it stands, what was said, and a place to answer."""
    person = person_of(request)
    it = _record(ref, person)
    waits = it.state == "pending" and getattr(it, "pending_reason", "") == "user"
    label, tone = words_for(it, waits_for_user=waits)
    asking = approvals.current(it, "approve") if "approve" in it.lifecycle.moves else None
    context = {
        "it": it,
        "state": components.state(label, tone),
        "expected": expected(it.due_at) if it.due_at and tone in ("new", "active") else "",
        "days": conversation(it, person),
        "answers": list(it.answers.all()) if hasattr(it, "answers") else [],
        "files": files.readable(it, person),
        "may_answer": may(person, "comment", type(it)) and it.withdrawn_at is None,
        "solved": it.state in ("resolved", "fulfilled"),
        "asking": asking
        if asking is not None
        and asking.standing == Approval.Standing.OPEN
        and approvals.may_vote(asking, it, person) is None
        else None,
        "signed": asking is not None and approvals.is_signed(asking, it),
    }
    return render(request, "portal/record.html", context)


def conversation(it: Record, person: Person) -> list[TimelineDay]:
    """What was said to each other, and each step in plain words, in the order it happened."""
    told = [
        TimelineAct(
            at=comment.at,
            sentence="",
            who=_("You") if comment.by_id == person.pk else str(comment.by or ""),
            icon="comment",
            said=comment.text,
        )
        for comment in comments.readable(it, person).filter(public=True)
    ]
    first = it.lifecycle.initial.name
    last = words_for_state(it, first)[0]
    told.append(TimelineAct(at=it.filed_at, sentence=last, icon="arrow"))
    moves = Act.objects.filter(record=it.pk, verb="move").order_by("at", "id")
    for name, at in moves.values_list("name", "at"):
        step = it.lifecycle.moves.get(name)
        if step is None:
            continue
        label = words_for_state(it, step.target.name)[0]
        if label != last:
            told.append(TimelineAct(at=at, sentence=label, icon="arrow"))
        last = label
    days: dict[date, list[TimelineAct]] = {}
    for line in sorted(told, key=lambda line: line.at):
        days.setdefault(timezone.localtime(line.at).date(), []).append(line)
    return [TimelineDay(label=phrases.weekday(day), acts=lines) for day, lines in days.items()]


def words_for_state(it: Record, state: str) -> Words:
    known = WORDS.get(it.kind, {}).get(state)
    return known or (it.lifecycle.states[state].label, "active")


@require_POST
@signed_in
def answer(request: HttpRequest, ref: str) -> HttpResponse:
    """Say something on a request of mine; a button says that it is solved, or is not."""
    person = person_of(request)
    it = _record(ref, person)
    text = one(request, "text")
    said = request.POST.get("solved")
    if said == "yes":
        text = "\n".join(filter(None, [_("Yes, it is solved."), text]))
    elif said == "no":
        text = "\n".join(filter(None, [_("No, it is not solved."), text]))
    try:
        comments.comment(it, text, by=person, public=True)
        if isinstance(it, Incident) and said in ("yes", "no"):
            note_confirmation(it, solved=said == "yes", by=person)
        _attach(request, it, request.FILES.get("file"), person)
        messages.success(request, _("Thank you. We have your answer."))
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect("portal-record", it.ref)


@require_POST
@signed_in
def agree(request: HttpRequest, ref: str) -> HttpResponse:
    """Agree to what a colleague asked for, or not."""
    person = person_of(request)
    it = _record(ref, person)
    asking = approvals.current(it, "approve") if "approve" in it.lifecycle.moves else None
    if asking is None:
        raise Http404
    agrees = one(request, "agrees") == "yes"
    try:
        shown = None
        if agrees and approvals.is_signed(asking, it):
            shown = proof.prove(person, proof.said(request.POST))
        approvals.vote(asking, by=person, agrees=agrees, note=one(request, "note"), proof=shown)
        messages.success(request, _("Thank you, that is noted."))
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect("portal-record", it.ref)


def leads_to(ref: str) -> bool:
    """Whether the portal has a page for a reference: a customer who follows a link comes there."""
    prefix = ref.partition("-")[0].upper()
    return any(registers[kind].prefix == prefix for kind in KINDS if kind in registers)
