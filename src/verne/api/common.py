"""What every address of the API needs: who asks, for which record, and the answer."""

# Annotations are read when the functions are made: here they are types that belong to a register.

import re
from collections.abc import Sequence
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.responses import Response
from pydantic import WithJsonSchema

from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import Register, by_slug, registers

from .auth import Caller
from .kinds import REF
from .once import KEY
from .problem import Problem
from .schemas import Schemas
from .words import furnish, furnished, shown

Ref = Annotated[str, WithJsonSchema({"type": "string", "pattern": REF})]
Slug = Annotated[str, WithJsonSchema({"type": "string", "x-slug": True})]
"""The schema is completed with the slugs there are, once every register is known."""


def extra(*problems: int, parameters: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What ninja is not told of an address: the problems it can have, and its headers."""
    return {"x-problems": list(problems), "parameters": list(parameters)}


WRITING = (409, 413, 415)

IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A word of your own for this request: sent again within a day, it is not done "
    "again but answered as before.",
    "schema": {"type": "string", "pattern": KEY},
}
TAGS = r'^(\*|(W/)?"[0-9]{1,9}"(, *(W/)?"[0-9]{1,9}")*)$'
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag of the version you read; if it is not the current one, 412.",
    "schema": {"type": "string", "pattern": TAGS},
}


def caller(request: HttpRequest) -> Caller:
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


def asking(request: HttpRequest) -> Person:
    return caller(request).person


_schemas: dict[str, Schemas] = {}


def schemas_of(register: type[Register]) -> Schemas:
    """The schemas of a register, made once."""
    kind = register.model.kind_name()
    if kind not in _schemas or _schemas[kind].register is not register:
        _schemas[kind] = Schemas(register)
    return _schemas[kind]


def register_of_slug(slug: str) -> type[Register]:
    """The register at an address."""
    register = by_slug(slug)
    if register is None:
        raise Http404
    return register


def record_of(register: type[Register], ref: str, person: Person) -> Record:
    """A record this person may see; anybody else's is not there."""
    found = register.model.objects.visible_to(person).filter(ref=ref).first()
    if found is None:
        raise Http404
    record: Record = found
    return record


def open_record(request: HttpRequest, slug: str, ref: str) -> Record:
    """The record that is asked for, for whoever asks."""
    return record_of(register_of_slug(slug), ref, asking(request))


def answer_with(
    register: type[Register],
    number: int,
    person: Person,
    status: int = 200,
    *,
    written: Record | None = None,
) -> HttpResponse:
    """A record as it is now; `written` is it, if nothing that followed changed it again."""
    record = written
    if record is None or not Sheet.objects.filter(pk=number, version=record.version).exists():
        record = whole(register, number)
    else:
        furnish(schemas_of(register), record)
    response = Response(shown(schemas_of(register), [record], person)[0], status=status)
    response["ETag"] = etag(record)
    if status == 201:
        response["Location"] = f"/api/v1/{register.slug}/{record.ref}"
    return response


def whole(register: type[Register], number: int) -> Record:
    """A record with all it is read with."""
    rows = register.model._default_manager.filter(pk=number)
    record: Record = furnished(schemas_of(register), rows).get()
    return record


def etag(record: Sheet) -> str:
    """The version of a record, as HTTP tells it."""
    return f'"{record.version}"'


def require_fresh(request: HttpRequest, record: Record, mine: Any) -> None:
    """`If-Match`: refuse when the record is not the version that was read.

    Call it in the writing transaction: the record stays locked until its end.
    """
    wanted = request.headers.get("If-Match")
    now = Sheet.objects.select_for_update(no_key=True).get(pk=record.pk)
    if wanted is None or wanted == "*":
        return
    if not re.fullmatch(TAGS, wanted):
        detail = _("Send the ETag of the record, such as %(tag)s.") % {"tag": '"3"'}
        errors = [{"header": "If-Match", "detail": detail}]
        raise Problem(422, "does-not-fit", errors=errors)
    tags = [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
    if etag(now) in tags:
        return
    register = registers[record.kind]
    current = shown(schemas_of(register), [whole(register, record.pk)], asking(request))[0]
    raise Problem(412, "stale", current=current, current_etag=etag(now), yours=mine)


def sent_in(body: Any) -> dict[str, Any]:
    """Those values of a body that were sent."""
    values: dict[str, Any] = body.model_dump(exclude_unset=True) if body is not None else {}
    return values


def plainly(body: Any) -> Any:
    """What was sent, as JSON has it."""
    return body.model_dump(mode="json", exclude_unset=True)
