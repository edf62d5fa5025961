"""Everything that can go wrong, told as RFC 9457 problem details."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from http.client import responses
from typing import Any

import ninja.errors
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from ninja import NinjaAPI

from verne.engine import acts
from verne.engine.acts import NotOpen
from verne.engine.listing import NotUnderstood
from verne.engine.trouble import RETRY_AFTER, Trouble, behind

log = logging.getLogger("django.request")

MEDIA_TYPE = "application/problem+json"
ABOUT = "/api/v1/docs#problem-"
"""Where each type of problem is explained."""

TYPES = {
    "malformed": "The request could not be read: its JSON or its form is broken.",
    "no-token": "Send a token as `Authorization: Bearer vrn_…`; this one is missing, wrong, "
    "expired or revoked.",
    "by-http": "This came by http, where others can read it, and was not looked at. Revoke the "
    "token, make another, and call by https.",
    "not-allowed": "Your roles, or the scope of your token, do not include this.",
    "not-found": "There is no such thing, or you may not see it.",
    "no-such-method": "This address does not take this method; `Allow` says which it takes.",
    "not-open": "The move cannot be made now; `reasons` says everything that stands in the way.",
    "stale": "Somebody changed the record since you read it: `If-Match` names another version "
    "than the current one. `current` is the record as it is, `yours` what you sent.",
    "too-large": "The request or the file is too large.",
    "wrong-media-type": "Send `application/json`, or `multipart/form-data` for a file.",
    "does-not-fit": "Something in the request cannot be taken; `errors` says what and why.",
    "key-reused": "This `Idempotency-Key` was used for another request within the last day.",
    "too-many": "Too many requests at once: wait as many seconds as `Retry-After` says.",
    "away": "The database does not answer, or was too busy. Nothing was done: send the same again, "
    "with the same `Idempotency-Key`, after as many seconds as `Retry-After` says.",
    "no-room": "There is no room left on the disk of the server. Nothing of this was done. Whoever "
    "runs it must make room; then send it again as it is, with the same `Idempotency-Key`.",
    "broken": "Something went wrong on our side. It was logged.",
}
"""The kinds of problem there are, each explained in a sentence."""


class Problem(Exception):
    """A problem with its status; raise it wherever the normal course ends."""

    def __init__(
        self, status: int, kind: str, detail: str = "", *, errors: Sequence[Any] = (), **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.errors, self.more = list(errors), more


def respond(problem: Problem) -> HttpResponse:
    body: dict[str, Any] = {
        "type": ABOUT + problem.kind,
        "title": responses.get(problem.status, ""),
        "status": problem.status,
        "detail": problem.detail or TYPES[problem.kind],
    }
    if problem.errors:
        body["errors"] = problem.errors
    body |= problem.more
    response = HttpResponse(
        json.dumps(body, cls=DjangoJSONEncoder),
        status=problem.status,
        content_type=MEDIA_TYPE,
    )
    if "retry_after" in problem.more:
        response["Retry-After"] = str(problem.more["retry_after"])
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="Verne"'
    return response


def wrong(pointer: str, detail: str) -> dict[str, str]:
    """One thing that cannot be taken, and where it stands in the body (RFC 6901)."""
    return {"pointer": pointer, "detail": detail}


def pointer(path: Iterable[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def told(problem: Exception, *, within: Sequence[Any] = ()) -> Problem:
    """Any exception as a problem. `within` is the path of the fields in the body."""
    match problem:
        case Problem():
            return problem
        case ninja.errors.ValidationError():
            errors = [_misfit(error) for error in problem.errors]
            return Problem(422, "does-not-fit", errors=errors)
        case ninja.errors.HttpError():
            return _http_error(problem)
        case NotUnderstood():
            errors = [{"parameter": problem.parameter, "detail": problem.sentence}]
            return Problem(422, "does-not-fit", errors=errors)
        case NotOpen():
            return Problem(409, "not-open", reasons=problem.messages)
        case ValidationError():
            return Problem(422, "does-not-fit", errors=_fields(problem, within))
        case PermissionDenied():
            return Problem(403, "not-allowed", str(problem))
        case Http404():
            return Problem(404, "not-found")
        case RequestDataTooBig():
            return Problem(413, "too-large")
        case MultiPartParserError() | SuspiciousOperation():
            return Problem(400, "malformed", str(problem))
    raise problem


def of(trouble: Trouble) -> Problem:
    """What is wrong with the machine, as a problem."""
    status, kind = {Trouble.NO_ROOM: (507, "no-room"), Trouble.AWAY: (503, "away")}[trouble]
    return Problem(status, kind, retry_after=RETRY_AFTER[trouble])


def _http_error(error: ninja.errors.HttpError) -> Problem:
    kinds = {400: "malformed", 401: "no-token", 403: "not-allowed", 404: "not-found"}
    if error.status_code == 401:
        return Problem(401, "no-token")
    return Problem(error.status_code, kinds.get(error.status_code, "malformed"), error.message)


def _misfit(error: dict[str, Any]) -> dict[str, str]:
    """An error of pydantic: where in the request, and what it says about it."""
    place, *path = error["loc"]
    if place in ("body", "form", "file"):
        # The first part is the name of our own argument.
        return wrong(pointer(path[1:] if place == "body" else path), error["msg"])
    return {"header" if place == "header" else "parameter": str(path[0]), "detail": error["msg"]}


def _fields(error: ValidationError, within: Sequence[Any]) -> list[dict[str, str]]:
    if not hasattr(error, "error_dict"):
        return [wrong(pointer(within), message) for message in error.messages]
    found = []
    for name, messages in error.message_dict.items():
        path = (*within, *(part for part in name.split(".") if part != "__all__"))
        found += [wrong(pointer(path), message) for message in messages]
    return found


def handle(api: NinjaAPI) -> None:
    """Have the API answer with problems, whatever happens."""

    def known(request: HttpRequest, error: Any) -> HttpResponse:
        problem = told(error)
        request.refused_for = _in_short(problem)  # type: ignore[attr-defined]
        return respond(problem)

    def unknown(request: HttpRequest, error: Any) -> HttpResponse:
        if trouble := behind(error):
            log.error("%s %s: %s", request.method, request.path, str(error).strip())
            return respond(of(trouble))
        log.error("%s %s", request.method, request.path, exc_info=error)
        return respond(Problem(500, "broken"))

    for kind in (
        Problem,
        ninja.errors.ValidationError,
        ninja.errors.HttpError,
        ValidationError,
        PermissionDenied,
        Http404,
        SuspiciousOperation,
        MultiPartParserError,
    ):
        api.add_exception_handler(kind, known)
    api.add_exception_handler(Exception, unknown)


def _in_short(problem: Problem) -> str:
    """For the log: the kind of problem, and the places in the request without what stood there."""
    places = [str(each.get("pointer") or each.get("parameter") or "") for each in problem.errors]
    return " ".join([problem.kind, *(place[:60] for place in places[:5] if place)])


View = Callable[..., HttpResponseBase]


def at_the_door(view: View) -> View:
    """What is checked before a view is asked, and how an answer that is no problem becomes one."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if refusal := _unfit_media_type(request):
            return respond(refusal)
        face = acts.via.set("api")
        try:
            response = view(request, *args, **kwargs)
        finally:
            acts.via.reset(face)
        if response.status_code == 405:
            problem = respond(Problem(405, "no-such-method"))
            problem["Allow"] = response["Allow"]
            response = problem
        # What is read depends on who reads it.
        patch_vary_headers(response, ("Authorization", "Cookie"))
        return response

    return answer


def _unfit_media_type(request: HttpRequest) -> Problem | None:
    sends = request.method in ("POST", "PATCH", "PUT") and request.META.get("CONTENT_LENGTH")
    if not sends or request.META["CONTENT_LENGTH"] == "0":
        return None
    if request.content_type == "application/json":
        return None
    if request.content_type == "multipart/form-data" and request.path.endswith("/files"):
        return None
    return Problem(415, "wrong-media-type")


def not_found(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """For every address below the API that leads nowhere."""
    detail = _("Nothing lives at %(path)s. The description of the API is at /api/v1/openapi.json.")
    return respond(Problem(404, "not-found", detail % {"path": request.path}))
