"""The addresses that all registers share: links, comments, files, history, approvals …"""

# Annotations are read when the functions are made: here they are types that belong to a register.

from typing import Annotated, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import File, Form, Router, UploadedFile
from ninja.responses import Response
from pydantic import WithJsonSchema

from verne.engine import acts, approvals, clock, comments, files, links, listing, signing
from verne.engine.approvals import Approval
from verne.engine.history import Act, Entry
from verne.engine.names import name_of
from verne.engine.people import Organization, Person
from verne.engine.records import Record, Sheet
from verne.engine.register import registers
from verne.engine.rights import may, scope
from verne.engine.signing import Signature

from . import schemas as said
from .common import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    WRITING,
    Ref,
    Slug,
    answer_with,
    asking,
    caller,
    extra,
    open_record,
    plainly,
    require_fresh,
)
from .kinds import Text, out
from .once import once
from .problem import Problem

router = Router()

PAGE = 50
LARGEST_PAGE = 200


@router.get("/me", response={200: said.Me}, tags=["About"], summary="Who you are here")
def read_me(request: HttpRequest) -> HttpResponse:
    who = caller(request)
    person, token = who.person, who.token
    return Response(
        {
            "username": person.username,
            "name": person.name,
            "organization": person.organization.name if person.organization else None,
            "rights": sorted(person.rights),
            "token": token.start if token else None,
            "expires_at": out(token.expires_at) if token else None,
        }
    )


@router.get(
    "/registers",
    response={200: list[said.RegisterWords]},
    tags=["About"],
    summary="The registers you may see, with their states and moves",
)
def list_registers(request: HttpRequest) -> HttpResponse:
    person = asking(request)
    return Response(
        [
            {
                "slug": register.slug,
                "kind": register.model.kind_name(),
                "prefix": register.prefix,
                "label": str(register.model._meta.verbose_name_plural),
                "purpose": str(register.purpose),
                "clauses": list(register.clauses),
                "states": {
                    name: str(state.label)
                    for name, state in register.model.lifecycle.states.items()
                },
                "moves": [_move_words(move) for move in register.model.lifecycle.moves.values()],
                "links": [name for name, *_rest in links.types_for(register.model.kind_name())],
            }
            for register in registers.values()
            if may(person, "view", register.model)
        ]
    )


def _move_words(move: Any) -> dict[str, Any]:
    return {
        "name": move.name,
        "label": str(move.label),
        "sources": [source.name for source in move.sources],
        "target": move.target.name,
        "needs": list(move.needs),
        "note": move.note,
        "approval": move.approval is not None,
    }


OF_ALL = ["Any record"]


@router.get(
    "/{slug}/{ref}/moves",
    response={200: list[said.OpenMove]},
    tags=OF_ALL,
    summary="The moves that lead on, and what stands in the way of each",
)
def list_moves(request: HttpRequest, slug: Slug, ref: Ref) -> HttpResponse:
    record = open_record(request, slug, ref)
    person = asking(request)
    found = []
    for move in record.moves():
        reasons = acts.blockers(record, move, by=person)
        found.append(_move_words(move) | {"open": not reasons, "reasons": reasons})
    return Response(found)


@router.post(
    "/{slug}/{ref}/withdraw",
    response={200: said.ShownRecord},
    tags=OF_ALL,
    summary="Take back a record that should not have been filed",
    openapi_extra=extra(*WRITING, 412, parameters=[IF_MATCH, IDEMPOTENCY_KEY]),
)
def withdraw_record(
    request: HttpRequest, slug: Slug, ref: Ref, body: said.Withdrawing
) -> HttpResponse:
    person = asking(request)
    record = open_record(request, slug, ref)

    def work() -> HttpResponse:
        with transaction.atomic():
            require_fresh(request, record, plainly(body))
            acts.withdraw(record, by=person, note=body.note)
            return answer_with(registers[record.kind], record.pk, person)

    return once(request, person, work)


@router.get(
    "/{slug}/{ref}/links",
    response={200: list[said.Tie]},
    tags=OF_ALL,
    summary="What it is linked to, as far as you may see it",
)
def list_links(request: HttpRequest, slug: Slug, ref: Ref) -> HttpResponse:
    return Response(_ties(open_record(request, slug, ref), asking(request)))


def _ties(record: Record, person: Person, only: int | None = None) -> list[dict[str, Any]]:
    rows = links.Link.objects.filter(ended_at=None).select_related("source", "target")
    rows = rows.filter(Q(source=record.pk) | Q(target=record.pk)).order_by("id")
    if only is not None:
        rows = rows.filter(pk=only)
    ties = list(rows)
    ends = {row.target_id if row.source_id == record.pk else row.source_id for row in ties}
    visible = Sheet.objects.filter(scope(person, Sheet), pk__in=ends)
    seen = set(visible.values_list("pk", flat=True))
    found = []
    for row in ties:
        outward = row.source_id == record.pk
        other = row.target if outward else row.source
        kind = links.link_types.get(row.kind)
        if kind is None or other.pk not in seen:
            continue
        found.append(
            {
                "link": kind.name if outward else kind.inverse,
                "label": str(kind.label if outward else kind.inverse_label),
                "ref": other.ref,
                "kind": other.kind,
                "title": other.title,
                "state": other.state,
                "since": out(row.since),
            }
        )
    return found


@router.post(
    "/{slug}/{ref}/links",
    response={201: said.Tie},
    tags=OF_ALL,
    summary="Link it to another record; linking twice changes nothing",
    openapi_extra=extra(*WRITING, parameters=[IDEMPOTENCY_KEY]),
)
def add_link(request: HttpRequest, slug: Slug, ref: Ref, body: said.Tying) -> HttpResponse:
    person = asking(request)
    record = open_record(request, slug, ref)

    def work() -> HttpResponse:
        other = _other(body.ref, person)
        row = acts.link(record, body.link, other, by=person, note=body.note)
        return Response(_ties(record, person, only=row.pk)[0], status=201)

    return once(request, person, work)


def _other(ref: str, person: Person) -> Record:
    """The record at the other end; one that is not there for this person is a wrong value."""
    sheet = Sheet.objects.filter(scope(person, Sheet), ref=ref.upper()).first()
    if sheet is None:
        errors = [{"pointer": "/ref", "detail": _("There is no such record for you.")}]
        raise Problem(422, "does-not-fit", errors=errors)
    record: Record = sheet.opened()
    return record


@router.delete(
    "/{slug}/{ref}/links/{link}/{other}",
    response={204: None},
    tags=OF_ALL,
    summary="End a link; what it was stays in the history",
)
def end_link(
    request: HttpRequest, slug: Slug, ref: Ref, link: Text, other: Ref, note: Text = ""
) -> HttpResponse:
    person = asking(request)
    record = open_record(request, slug, ref)
    sheet = Sheet.objects.filter(scope(person, Sheet), ref=other.upper()).first()
    if sheet is None or links.find(link) is None:
        raise Http404
    acts.unlink(record, link, sheet.opened(), by=person, note=note)
    return HttpResponse(status=204)


@router.get(
    "/{slug}/{ref}/comments",
    response={200: list[said.Said]},
    tags=OF_ALL,
    summary="What was said on it, oldest first",
)
def list_comments(request: HttpRequest, slug: Slug, ref: Ref) -> HttpResponse:
    record = open_record(request, slug, ref)
    rows = comments.readable(record, asking(request)).order_by("at", "id")
    return Response([_comment(row) for row in rows])


def _comment(row: comments.Comment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "by": name_of(row.by) if row.by else None,
        "at": out(row.at),
        "public": row.public,
        "text": row.text,
    }


@router.post(
    "/{slug}/{ref}/comments",
    response={201: said.Said},
    tags=OF_ALL,
    summary="Say something on it",
    openapi_extra=extra(*WRITING, parameters=[IDEMPOTENCY_KEY]),
)
def add_comment(request: HttpRequest, slug: Slug, ref: Ref, body: said.Saying) -> HttpResponse:
    person = asking(request)
    record = open_record(request, slug, ref)

    def work() -> HttpResponse:
        row = comments.comment(record, body.text, by=person, public=body.public)
        return Response(_comment(row), status=201)

    return once(request, person, work)


@router.get(
    "/{slug}/{ref}/files",
    response={200: list[said.FileWords]},
    tags=OF_ALL,
    summary="The files attached to it",
)
def list_files(request: HttpRequest, slug: Slug, ref: Ref) -> HttpResponse:
    record = open_record(request, slug, ref)
    return Response([_file(row) for row in files.readable(record, asking(request))])


def _file(row: files.Attachment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "size": row.file.size,
        "type": row.file.type,
        "sha256": row.file.sha256,
        "public": row.public,
        "by": name_of(row.by) if row.by else None,
        "at": out(row.at),
    }


@router.post(
    "/{slug}/{ref}/files",
    response={201: said.FileWords},
    tags=OF_ALL,
    summary="Attach a file, sent as multipart/form-data",
    openapi_extra=extra(*WRITING, parameters=[IDEMPOTENCY_KEY]),
)
def add_file(
    request: HttpRequest,
    slug: Slug,
    ref: Ref,
    file: File[UploadedFile],
    public: Form[bool] = False,
) -> HttpResponse:
    person = asking(request)
    record = open_record(request, slug, ref)
    if (file.size or 0) > settings.MAX_FILE_BYTES:
        raise Problem(413, "too-large")
    stream: Any = file.file

    def work() -> HttpResponse:
        row = files.attach(record, stream, name=file.name or "file", by=person, public=public)
        return Response(_file(row), status=201)

    return once(request, person, work)


Number = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 2**31})]


@router.get(
    "/{slug}/{ref}/files/{number}",
    response={200: bytes},
    tags=OF_ALL,
    summary="The content of a file",
    openapi_extra={
        "responses": {
            200: {
                "description": "The file",
                "content": {"application/octet-stream": {"schema": {"type": "string"}}},
            }
        }
    },
)
def read_file(request: HttpRequest, slug: Slug, ref: Ref, number: Number) -> FileResponse:
    row = _attachment(open_record(request, slug, ref), number, asking(request))
    response = files.respond(row)
    response["Content-Type"] = "application/octet-stream"
    return response


def _attachment(record: Record, number: int, person: Person) -> files.Attachment:
    row = files.readable(record, person).filter(pk=min(number, 2**62)).first()
    if row is None:
        raise Http404
    found: files.Attachment = row
    return found


@router.delete(
    "/{slug}/{ref}/files/{number}",
    response={204: None},
    tags=OF_ALL,
    summary="Take a file off the record; say why",
)
def take_file_off(
    request: HttpRequest, slug: Slug, ref: Ref, number: Number, note: Text
) -> HttpResponse:
    person = asking(request)
    row = _attachment(open_record(request, slug, ref), number, person)
    files.detach(row, by=person, note=note)
    return HttpResponse(status=204)


@router.get(
    "/{slug}/{ref}/history",
    response={200: said.History},
    tags=OF_ALL,
    summary="What was done to it, newest first, with the rows that changed",
    description="Whoever is not of our own organization reads what was done and when, without the "
    "notes and the rows.",
)
def read_history(
    request: HttpRequest,
    slug: Slug,
    ref: Ref,
    before: Number | None = None,
    size: Annotated[
        int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE})
    ] = PAGE,
) -> HttpResponse:
    if not 1 <= size <= LARGEST_PAGE or (before is not None and not 1 <= before < 2**62):
        raise listing.NotUnderstood(
            "size", _("A page has between 1 and %(most)d acts.") % {"most": LARGEST_PAGE}
        )
    record = open_record(request, slug, ref)
    ours = asking(request).kind_of_party == Organization.Kind.OWN
    touching = Entry.objects.filter(record=record.pk).values("act")
    rows = Act.objects.filter(Q(record=record.pk) | Q(pk__in=touching)).select_related("by")
    since = registers[record.kind_name()].open_since(record, asking(request))
    if since is not None:
        rows = rows.filter(at__gte=since)
    if not ours:
        rows = rows.filter(Q(verb__in=("file", "move", "withdraw")) | Q(name="public"))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[: size + 1])
    more, found = len(found) > size, found[:size]
    entries: dict[int, list[Entry]] = {}
    if ours:
        changed = Entry.objects.filter(act__in=[a.pk for a in found], record=record.pk)
        for entry in changed.order_by("id"):
            entries.setdefault(entry.act_id, []).append(entry)
    query = request.GET.copy()
    query["before"] = str(found[-1].pk) if found else ""
    return Response(
        {
            "items": [_act(act, entries.get(act.pk, []), ours=ours) for act in found],
            "next": f"{request.path}?{query.urlencode()}" if more else None,
        }
    )


def _act(act: Act, entries: list[Entry], *, ours: bool) -> dict[str, Any]:
    return {
        "id": act.pk,
        "at": out(act.at),
        "recorded_at": out(act.recorded_at),
        "by": name_of(act.by) if act.by else None,
        "verb": act.verb,
        "name": act.name,
        "note": act.note if ours else "",
        "via": act.via,
        "entries": [
            {
                "table": entry.table,
                "row": entry.row,
                "op": entry.op,
                "before": entry.before,
                "after": entry.after,
            }
            for entry in entries
        ],
    }


@router.get(
    "/{slug}/{ref}/clocks",
    response={200: list[said.ClockWords]},
    tags=OF_ALL,
    summary="Its clocks: what was promised, how much is used, when it is due",
)
def list_clocks(request: HttpRequest, slug: Slug, ref: Ref) -> HttpResponse:
    record = open_record(request, slug, ref)
    now = timezone.now()
    found = []
    for rule, row in clock.clocks_of(record):
        reading = row.reading(now)
        found.append(
            {
                "measure": row.measure,
                "label": str(rule.label),
                "target": row.name,
                "state": reading.state,
                "seconds": row.seconds,
                "days": row.days,
                "elapsed": reading.elapsed,
                "remaining": reading.remaining,
                "due_at": out(reading.due),
                "breached_at": out(reading.breached_at),
                "started_at": out(reading.started_at),
                "stopped_at": out(reading.stopped_at),
                "events": [
                    {"at": out(event.at), "kind": event.kind, "why": event.why}
                    for event in row.story()
                ],
            }
        )
    return Response(found)


@router.get(
    "/{slug}/{ref}/approvals",
    response={200: list[said.ApprovalWords]},
    tags=OF_ALL,
    summary="What approval was asked for, and what was said to it",
)
def list_approvals(request: HttpRequest, slug: Slug, ref: Ref) -> HttpResponse:
    record = open_record(request, slug, ref)
    rows = Approval.objects.filter(record=record.pk).select_related("asked_by")
    return Response(
        [_approval(row) for row in rows.prefetch_related("votes__by", "votes__signature")]
    )


def _signature(row: Signature) -> dict[str, Any]:
    facts = ("name", "meaning", "what", "content_hash", "way")
    return {name: getattr(row, name) for name in facts} | {"at": out(row.at)}


def _approval(row: Approval) -> dict[str, Any]:
    return {
        "id": row.pk,
        "move": row.move,
        "standing": row.standing,
        "needed": row.needed,
        "asked_by": name_of(row.asked_by),
        "asked_at": out(row.asked_at),
        "votes": [
            {
                "by": name_of(vote.by),
                "at": out(vote.at),
                "agrees": vote.agrees,
                "note": vote.note,
                "signature": _signature(vote.signature) if vote.signature else None,
            }
            for vote in row.votes.all()
        ],
    }


@router.post(
    "/{slug}/{ref}/approvals",
    response={201: said.ApprovalWords},
    tags=OF_ALL,
    summary="Ask for the approval that a move needs",
    openapi_extra=extra(*WRITING, parameters=[IDEMPOTENCY_KEY]),
)
def ask_for_approval(request: HttpRequest, slug: Slug, ref: Ref, body: said.Asking) -> HttpResponse:
    person = asking(request)
    record = open_record(request, slug, ref)
    if body.move not in record.lifecycle.moves:
        raise ValidationError(
            {"move": _("There is no move called %(name)s.") % {"name": body.move}}
        )

    def work() -> HttpResponse:
        row = approvals.ask(record, body.move, by=person)
        return Response(_approval(row), status=201)

    return once(request, person, work)


@router.post(
    "/{slug}/{ref}/approvals/{number}/votes",
    response={200: said.ApprovalWords},
    tags=OF_ALL,
    summary="Agree to it, or refuse it with a reason",
    openapi_extra=extra(*WRITING, parameters=[IDEMPOTENCY_KEY]),
)
def vote_on_approval(
    request: HttpRequest, slug: Slug, ref: Ref, number: Number, body: said.Voting
) -> HttpResponse:
    person = asking(request)
    record = open_record(request, slug, ref)
    row = Approval.objects.filter(record=record.pk, pk=min(number, 2**62)).first()
    if row is None:
        raise Http404

    # Before the work, whose transaction takes back what it notes when it fails.
    proof = signing.prove(person, body.password) if body.password else None

    def work() -> HttpResponse:
        approvals.vote(row, by=person, agrees=body.agrees, note=body.note, proof=proof)
        fresh = Approval.objects.prefetch_related("votes__by", "votes__signature").get(pk=row.pk)
        return Response(_approval(fresh))

    # What would be repeated is kept under a hash of the request, and no hash of a password is kept.
    return work() if body.password else once(request, person, work)
