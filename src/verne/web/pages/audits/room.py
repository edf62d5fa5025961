"""The audit room as its guests see it: obligations in scope, and what guests may do there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.engine import guests
from verne.engine.acts import file
from verne.engine.people import Person
from verne.engine.records import Record
from verne.engine.register import Register, registers
from verne.engine.requirements import Obligation, library, lies_within, obligations_within
from verne.engine.rights import may
from verne.sms.evaluation.audit.finding import AuditFinding
from verne.sms.evaluation.audit.register import AuditFindingRegister, EvidenceRequestRegister
from verne.sms.evaluation.audit.request import EvidenceRequest
from verne.sms.evaluation.room.admission import rooms_of
from verne.sms.evaluation.room.models import AuditRoom
from verne.sms.evaluation.sampling.models import AuditSample
from verne.web import components, forms, show
from verne.web.context import plural
from verne.web.parts import Action, Column, Hit, Link, PageHeader, Row, Table
from verne.web.views.common import person_of, signed_in

from . import drawing, figures

View = Callable[..., HttpResponse]

MOST = 200
"""Records of a check listed at once; the rest is said."""


def guest_only(view: View) -> View:
    """A page for a guest with an open room; for everybody else it does not exist."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not guests.is_guest(person_of(request)):
            raise Http404
        return view(request, *args, **kwargs)

    return signed_in(guarded)


@guest_only
def index(request: HttpRequest) -> HttpResponse:
    """The rooms a guest may enter, what there is to see, and what they asked for."""
    person = person_of(request)
    rooms = rooms_of(person)
    context: dict[str, Any] = {
        "header": PageHeader(
            title=rooms[0].title if rooms else _("No room is open for you"),
            lead=_("Every page you open here is noted.") if rooms else "",
            quarter="check",
            actions=_actions(person) if rooms else [],
        ),
        "rooms": rooms,
        "clauses": _clauses(rooms),
        "registers": [_register(kind, person) for kind in _listed(person)],
        "own": _own(person),
    }
    return render(request, "audits/room.html", context)


def _actions(person: Person) -> list[Action]:
    offers = (
        (AuditSample, _("Draw a sample"), "/room/draw/"),
        (EvidenceRequest, _("Ask for evidence"), "/room/ask/"),
        (AuditFinding, _("Note a finding"), "/room/note/"),
    )
    return [
        Action(label=label, url=url, icon="add")
        for model, label, url in offers
        if may(person, "file", model)
    ]


def _numbers(rooms: list[AuditRoom]) -> list[str]:
    return [number for room in rooms for number in room.numbers]


def _clauses(rooms: list[AuditRoom]) -> list[dict[str, Any]]:
    """Clauses in scope, each with its obligations and how they stand."""
    standings = library().standings()
    known = library().clauses()
    by_clause: dict[str, list[Obligation]] = {}
    for obligation in obligations_within(_numbers(rooms)):
        by_clause.setdefault(obligation.clause, []).append(obligation)
    return [
        {
            "clause": components.clause(number, quarter=known[number].pdca),
            "name": known[number].name,
            "obligations": [
                {
                    "it": obligation,
                    "url": f"/room/obligation/{obligation.id}/",
                    "badge": components.verdict(
                        standings[obligation.id].result, standings[obligation.id].label
                    ),
                }
                for obligation in obligations
            ],
        }
        for number, obligations in by_clause.items()
    ]


OWN = (AuditSample, EvidenceRequest, AuditFinding)


def _listed(person: Person) -> list[str]:
    own = {model.kind_name() for model in OWN}
    return [kind for kind in guests.admission(person).records if kind not in own]


def _register(kind: str, person: Person) -> Link:
    register: type[Register] = registers[kind]
    return Link(
        label=plural(register),
        url=f"/{register.slug}/",
        count=register.model.objects.visible_to(person).count(),
    )


def _own(person: Person) -> list[Hit]:
    """What this guest drew, asked for and noted, the newest first."""
    rows: list[Record] = []
    for model in OWN:
        rows += model.objects.visible_to(person).order_by("-pk")[:30]
    rows.sort(key=lambda record: record.filed_at, reverse=True)
    return [
        Hit(
            ref=record.ref,
            title=record.title,
            url=f"/r/{record.ref}/bench" if isinstance(record, AuditSample) else f"/r/{record.ref}",
            state=show.state(record),
        )
        for record in rows
    ]


@guest_only
def obligation(request: HttpRequest, id: str) -> HttpResponse:
    """One obligation with what its checks found."""
    person = person_of(request)
    asked = _obligation_in_scope(id, person)
    found = library().found(asked.checks)
    draw = "/room/draw/" if may(person, "file", AuditSample) else ""
    query = urlencode({"obligation": asked.id})
    actions = []
    if may(person, "file", EvidenceRequest):
        actions.append(Action(label=_("Ask for evidence"), url=f"/room/ask/?{query}", icon="add"))
    if may(person, "file", AuditFinding):
        actions.append(Action(label=_("Note a finding"), url=f"/room/note/?{query}", icon="add"))
    context = {
        "header": PageHeader(
            title=asked.cite,
            quarter="check",
            crumbs=[Link(label=_("Audit room"), url="/room/")],
            actions=actions,
        ),
        "asked": asked,
        "figures": [
            figures.figure(f, url=f"/room/check/{f.key}/", draw=draw, obligation=asked.id)
            for f in found.values()
        ],
    }
    return render(request, "audits/room_obligation.html", context)


def _obligation_in_scope(id: str, person: Person) -> Obligation:
    asked = library().obligations().get(id)
    numbers = _numbers(rooms_of(person))
    if asked is None or not any(lies_within(asked.clause, number) for number in numbers):
        raise Http404
    return asked


@guest_only
def check(request: HttpRequest, key: str) -> HttpResponse:
    """The records behind a figure, as far as the room shows them."""
    person = person_of(request)
    asked = obligations_within(_numbers(rooms_of(person)))
    if not any(key in obligation.checks for obligation in asked):
        raise Http404
    found = library().found([key])[key]
    evidence = library().evidence(key, at=timezone.now())
    table, more = None, 0
    broken = request.GET.get("show") == "exceptions"
    if evidence is not None and issubclass(evidence.population.model, Record):
        rows = evidence.exceptions if broken else evidence.population
        model = rows.model
        seen = model.objects.visible_to(person).filter(pk__in=rows.values("pk"))
        records = list(seen.order_by("-pk")[: MOST + 1])
        more = max(len(records) - MOST, 0)
        table = _table(records[:MOST])
    context = {
        "header": PageHeader(
            title=key, quarter="check", crumbs=[Link(label=_("Audit room"), url="/room/")]
        ),
        "found": found,
        "figure": figures.figure(found, url=""),
        "tabs": [
            Link(
                label=_("All of them"),
                url=request.path,
                current=not broken,
                count=found.population,
            ),
            Link(
                label=_("Exceptions"),
                url=f"{request.path}?show=exceptions",
                current=broken,
                count=found.exceptions,
            ),
        ],
        "table": table,
        "more": more,
    }
    return render(request, "audits/room_check.html", context)


def _table(records: list[Any]) -> Table:
    return Table(
        caption=_("Records behind the figure"),
        columns=[
            Column(label=_("Reference")),
            Column(label=_("Title"), wide=True),
            Column(label=_("State")),
            Column(label=_("Filed"), minor=True),
        ],
        rows=[
            Row(
                cells=[
                    components.ref(record.ref),
                    record.title,
                    show.state(record),
                    components.moment(record.filed_at, "day"),
                ]
            )
            for record in records
        ],
    )


# --- What guests may do --------------------------------------------------------------------------


@guest_only
def draw(request: HttpRequest) -> HttpResponse:
    """Draw a sample from what the room shows."""
    person = person_of(request)
    _require(person, AuditSample)
    return drawing.draw(request, person, names=drawing.FIELDS, cancel_url="/room/")


@guest_only
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for evidence."""
    names = ("title", "wanted", "obligation", "due_at")
    return _file(request, EvidenceRequest, EvidenceRequestRegister, names, _("Ask for evidence"))


@guest_only
def note(request: HttpRequest) -> HttpResponse:
    """Note a finding."""
    names = (
        "title",
        "obligation",
        "statement",
        "evidence",
        "absent",
        "systematic",
        "doubts_results",
        "grade",
        "body_reference",
        "target_date",
    )
    return _file(request, AuditFinding, AuditFindingRegister, names, _("Note a finding"))


def _require(person: Person, model: type[Record]) -> None:
    """What the room does not allow does not exist for its guests."""
    if not may(person, "file", model):
        raise Http404


def _file(
    request: HttpRequest,
    model: type[Record],
    register: type[Register],
    names: tuple[str, ...],
    title: str,
) -> HttpResponse:
    person = person_of(request)
    _require(person, model)
    data = request.POST if request.method == "POST" else None
    given = {name: request.GET[name] for name in names if name in request.GET}
    form = forms.RecordForm(register, person, names, data=data, initial=given)
    status = 200
    if data is not None:
        status = 422
        if form.is_valid():
            try:
                record = file(model, form.values(), by=person)
            except ValidationError as error:
                form.refuse(error)
            else:
                messages.success(request, _("%(ref)s is on file.") % {"ref": record.ref})
                return redirect("room")
    context = {
        "header": PageHeader(
            title=title, quarter="check", crumbs=[Link(label=_("Audit room"), url="/room/")]
        ),
        "form": form,
        "groups": [("", [form[name] for name in form.fields if name != "seen"])],
        "url": request.get_full_path(),
        "submit": _("File it"),
        "cancel_url": "/room/",
        "draft": f"new:{model.kind_name()}",
    }
    return render(request, "audits/room_form.html", context, status=status)
