"""The five addresses of each register, typed by its model."""

# Annotations are read when the functions are made: here they are types that belong to a register.

import re
from dataclasses import replace
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router
from ninja.responses import Response
from pydantic import WithJsonSchema

from verne.engine import acts, listing, replica, signing
from verne.engine.register import Register

from .common import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    WRITING,
    Ref,
    answer_with,
    asking,
    etag,
    extra,
    plainly,
    record_of,
    require_fresh,
    schemas_of,
    sent_in,
)
from .kinds import Text
from .once import once
from .problem import told
from .words import everything, meant, shown


def add_register(router: Router, register: type[Register]) -> None:
    """List, file, read, revise and move the records of one type."""
    schemas = schemas_of(register)
    model, slug, name = register.model, register.slug, str(register.model.__name__)
    one, many = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    Filing: Any = schemas.filing
    Revision: Any = schemas.revision
    Moving: Any = schemas.moving
    moves = list(model.lifecycle.moves)
    MoveName: Any = Annotated[str, WithJsonSchema({"type": "string", "enum": moves})]
    tags = [many[:1].upper() + many[1:]]
    parameters = _list_parameters(register)
    declared = {each["name"]: each["schema"] for each in parameters}

    @router.get(
        f"/{slug}",
        response={200: schemas.listing},
        operation_id=f"list_{name}",
        summary=f"List {many}",
        description=f"{register.purpose}\n\nFilters may be repeated: any of the values fits. "
        "`standing` is open, closed, withdrawn or all; without it, all that is not withdrawn.",
        tags=tags,
        openapi_extra=extra(parameters=parameters),
    )
    def list_records(request: HttpRequest) -> HttpResponse:
        person = asking(request)
        params = dict(request.GET.lists())
        for name, values in params.items():
            _refuse_unfit(name, values, declared)
        wanted = replace(listing.understand(register, params), columns=everything(schemas))

        def tell() -> HttpResponse:
            page = listing.fetch(wanted, person)
            return Response(
                {
                    "items": shown(schemas, page.rows, person),
                    "next": _page_url(request, "after", page.next),
                    "previous": _page_url(request, "before", page.previous),
                }
            )

        return replica.answer(person, tell)

    @router.post(
        f"/{slug}",
        response={201: schemas.shape},
        operation_id=f"file_{name}",
        summary=f"File a {one}",
        description="It begins in its first state; automatic moves that are open are made.",
        tags=tags,
        openapi_extra=extra(*WRITING, parameters=[IDEMPOTENCY_KEY]),
    )
    def file_record(request: HttpRequest, body: Filing, note: Text = "") -> HttpResponse:
        person = asking(request)

        def work() -> HttpResponse:
            values = meant(schemas, sent_in(body), person)
            record = acts.file(model, values, by=person, note=note)
            return answer_with(register, record.pk, person, status=201, written=record)

        return once(request, person, work)

    @router.get(
        f"/{slug}/{{ref}}",
        response={200: schemas.shape, 304: None},
        operation_id=f"read_{name}",
        summary=f"Read a {one}",
        tags=tags,
    )
    def read_record(request: HttpRequest, ref: Ref) -> HttpResponse:
        person = asking(request)
        record = record_of(register, ref, person)
        if etag(record) in request.headers.get("If-None-Match", ""):
            response = HttpResponse(status=304)
            response["ETag"] = etag(record)
            return response
        return answer_with(register, record.pk, person)

    @router.patch(
        f"/{slug}/{{ref}}",
        response={200: schemas.shape},
        operation_id=f"revise_{name}",
        summary=f"Revise a {one}",
        description="Only the fields that are sent are changed. Where it stands, moves change.",
        tags=tags,
        openapi_extra=extra(*WRITING, 412, parameters=[IF_MATCH]),
    )
    def revise_record(
        request: HttpRequest, ref: Ref, body: Revision, note: Text = ""
    ) -> HttpResponse:
        person = asking(request)
        record = record_of(register, ref, person)
        with transaction.atomic():
            require_fresh(request, record, plainly(body))
            values = meant(schemas, sent_in(body), person)
            acts.revise(record, values, by=person, note=note)
            return answer_with(register, record.pk, person)

    @router.post(
        f"/{slug}/{{ref}}/moves/{{move}}",
        response={200: schemas.shape},
        operation_id=f"move_{name}",
        summary=f"Move a {one}",
        description=_moves_told(register),
        tags=tags,
        openapi_extra=extra(*WRITING, 412, parameters=[IF_MATCH, IDEMPOTENCY_KEY]),
    )
    def move_record(request: HttpRequest, ref: Ref, move: MoveName, body: Moving) -> HttpResponse:
        person = asking(request)
        record = record_of(register, ref, person)
        if move not in model.lifecycle.moves:
            raise Http404
        # Before the work, whose transaction takes back what it notes when it fails.
        proof = signing.prove(person, body.password) if body.password else None

        def work() -> HttpResponse:
            with transaction.atomic():
                require_fresh(request, record, plainly(body))
                values = meant(schemas, sent_in(body.values), person, within=("values",))
                try:
                    acts.move(record, move, by=person, note=body.note, values=values, proof=proof)
                except ValidationError as refusal:
                    raise told(refusal, within=("values",)) from refusal
                return answer_with(register, record.pk, person)

        # As with a vote: no hash of a password is kept.
        return work() if body.password else once(request, person, work)


def _list_parameters(register: type[Register]) -> list[dict[str, Any]]:
    model = register.model

    def query(name: str, schema: dict[str, Any], words: str = "") -> dict[str, Any]:
        return {
            "in": "query",
            "name": name,
            "required": False,
            "schema": schema,
            "description": words,
        }

    word = {"type": "string", "minLength": 1}
    found = [
        query("q", {"type": "string", "minLength": 1, "maxLength": 200}, "Words that it holds."),
        query("sort", {"type": "string", "enum": _sorts(register)}, "`-` for downwards."),
        query("size", {"type": "integer", "minimum": 1, "maximum": listing.LARGEST}, "Rows."),
        query("standing", {"type": "string", "enum": list(listing.STANDINGS)}),
        query(
            "at",
            word,
            "The records as they stood at the end of a day that is past (2026-01-31), or at an "
            "instant, as far as you may see them today.",
        ),
        query("after", word, "The cursor in `next` of the page before."),
        query(
            "before",
            word,
            "The cursor in `previous` of the page after.",
        ),
    ]
    for name in listing.filter_names(register):
        each: dict[str, Any] = {"type": "string", "minLength": 1}
        if name == "state":
            each["enum"] = list(model.lifecycle.states)
        found.append(query(name, {"type": "array", "items": each}, model.field_label(name)))
    return found


def _refuse_unfit(name: str, values: list[str], declared: dict[str, Any]) -> None:
    """A page forgives an empty or unknown parameter; a program is told what it got wrong."""
    schema = declared.get(name)
    if schema is None:
        names = ", ".join(declared)
        raise listing.NotUnderstood(name, _("This list knows %(names)s.") % {"names": names})
    if schema["type"] != "array" and len(values) > 1:
        raise listing.NotUnderstood(name, _("Send it once."))
    each = schema.get("items", schema)
    for value in values:
        if not value:
            raise listing.NotUnderstood(name, _("Leave it out when it has no value."))
        if "enum" in each and value not in each["enum"]:
            words = ", ".join(each["enum"])
            raise listing.NotUnderstood(name, _("It is one of %(names)s.") % {"names": words})
        if each["type"] == "integer" and not re.fullmatch(r"[1-9][0-9]{0,5}", value):
            raise listing.NotUnderstood(name, _("It is a number."))
        if len(value) > (most := each.get("maxLength", len(value))):
            raise listing.NotUnderstood(
                name, _("It has at most %(most)d characters.") % {"most": most}
            )


def _sorts(register: type[Register]) -> list[str]:
    names = listing.sortable(register)
    return [*names, *(f"-{name}" for name in names)]


def _moves_told(register: type[Register]) -> str:
    lines = []
    for name, move in register.model.lifecycle.moves.items():
        asks = [f"needs {', '.join(move.needs)}"] if move.needs else []
        asks += ["asks for a note"] if move.note else []
        sources = ", ".join(source.name for source in move.sources)
        more = f"; {'; '.join(asks)}" if asks else ""
        lines.append(f"- `{name}`: {sources} → {move.target.name}{more}")
    return "\n".join(lines)


def _page_url(request: HttpRequest, name: str, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.GET.copy()
    query.pop("after", None)
    query.pop("before", None)
    query[name] = cursor
    return f"{request.path}?{query.urlencode()}"
