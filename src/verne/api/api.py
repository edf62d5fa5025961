"""The API as a whole: its addresses, and its description in OpenAPI."""

from __future__ import annotations

from functools import cache
from http.client import responses
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RegexPattern
from django.utils import translation
from ninja import NinjaAPI
from ninja.operation import Operation

from verne import __version__
from verne.engine.register import registers

from . import problem
from .auth import SessionAuth, TokenAuth
from .routes import add_register
from .schemas import ProblemDetails
from .shared import router

BASE = "/api/v1/"
DETAILS = "#/components/schemas/ProblemDetails"
ALWAYS = (400, 401, 403, 404, 405, 422, 429, 500, 503, 507)
"""Problems that any address may have."""

ABOUT = """\
Everything the pages do, for programs. Records are named by their reference (INC-42), people by
their sign-in name, organizations and teams by their name. Every instant has its zone, and answers
are in UTC.

Send a token as `Authorization: Bearer vrn_…`; tokens are made under Settings, or with
`verne token issue`. Whatever cannot be done is told as problem details (RFC 9457)."""


class Api(NinjaAPI):
    """Operations go by the name of their function."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


@translation.override("en")
def make() -> NinjaAPI:
    """The API over every register there is, described in English whoever asks first."""
    api = Api(
        title="Verne",
        version=__version__,
        description=ABOUT,
        urls_namespace="api",
        docs_url=None,
        openapi_url=None,
        auth=[TokenAuth(), SessionAuth()],
    )
    problem.handle(api)
    for register in registers.values():
        add_register(router, register)
    api.add_router("", router)
    return api


@cache
@translation.override("en")
def description() -> dict[str, Any]:
    """OpenAPI as ninja writes it, with what it is not told: problems, and names of registers."""
    schema: dict[str, Any] = dict(the_api.get_openapi_schema(path_prefix=BASE.strip("/")))
    slugs = [register.slug for register in registers.values()]
    problems: dict[int, Any] = {}
    for methods in schema["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["schema"].pop("x-slug", False):
                    parameter["schema"]["enum"] = slugs
            answers = {str(status): said for status, said in operation["responses"].items()}
            for status in sorted({*ALWAYS, *operation.pop("x-problems", ())}):
                problems[status] = _problem(status)
                answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
            operation["responses"] = answers
    components = schema["components"]
    components["responses"] = {f"Problem{status}": said for status, said in problems.items()}
    details = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= details.pop("$defs") | {"ProblemDetails": details}
    return schema


def _problem(status: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": responses[status],
        "content": {problem.MEDIA_TYPE: {"schema": {"$ref": DETAILS}}},
    }
    if status == 401:
        said["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status in (429, 503, 507):
        said["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return said


def addresses() -> URLResolver:
    """The addresses below /api/v1/, each behind the door where every request passes."""
    return _addresses


def _behind_the_door(api: NinjaAPI) -> URLResolver:
    found: list[Any] = []
    for pattern in api.urls[0]:
        if isinstance(pattern, URLPattern) and pattern.name != "api-root":
            pattern.callback = problem.at_the_door(pattern.callback)
            found.append(pattern)
    return URLResolver(RegexPattern(r"^/"), found)


the_api = make()
# Made with the module, which two threads that ask first load only once.
_addresses = _behind_the_door(the_api)
