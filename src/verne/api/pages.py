"""Pages about the API: its description for people, and the tokens of the person signed in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from .models import LONGEST_DAYS, READ, USUAL_DAYS, WRITE, Token
from .problem import TYPES


class TokenForm(forms.Form):
    """What a new token is for, what it may do, and how long."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=100,
        help_text=gettext_lazy("The program that will hold it, so that you know it again."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("What it may do"),
        choices=[
            (READ, gettext_lazy("Read what you may read")),
            (WRITE, gettext_lazy("Everything that you may do")),
            ("rights", gettext_lazy("Only these rights")),
        ],
        initial=READ,
        widget=forms.RadioSelect,
    )
    rights = forms.CharField(
        label=gettext_lazy("Rights"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy(
            "Several with spaces between them; a star stands for anything: "
            "resolution.view_* resolution.file_incident"
        ),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days until it expires"),
        min_value=1,
        max_value=LONGEST_DAYS,
        initial=USUAL_DAYS,
    )

    @property
    def scope(self) -> list[str]:
        kind = self.cleaned_data["kind"]
        return str(self.cleaned_data["rights"]).split() if kind == "rights" else [kind]


@login_required
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens, and a form for a new one; its secret is shown once."""
    person: Any = request.user
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = Token.issue(
                person,
                name=form.cleaned_data["name"],
                scope=form.scope,
                days=form.cleaned_data["days"],
                by=person,
            )
        except ValidationError as wrong:
            for name, reasons in wrong.message_dict.items():
                form.add_error({"scope": "rights"}.get(name, name), reasons)
        else:
            messages.success(request, _("The token “%(name)s” is made.") % {"name": made.name})
            form = TokenForm()
    page = {
        "header": {
            "title": _("API tokens"),
            "lead": _("A token lets a program do in your name what you allow it to do here."),
        },
        "entry": {
            "form": form,
            "url": reverse("api-tokens"),
            "submit": _("Make the token"),
        },
        "secret": secret,
        "tokens": Token.objects.filter(person=person).select_related("use"),
    }
    return render(request, "api/tokens.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke_token(request: HttpRequest, number: int) -> HttpResponse:
    """End one of one's own tokens now."""
    person: Any = request.user
    token = get_object_or_404(Token, pk=number, person=person)
    token.revoke(by=person)
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("api-tokens")


Parameter = tuple[str, str, bool, SafeString]
"""Its name, its type, whether it is needed, and what it means."""


@dataclass(frozen=True)
class Address:
    """One address of the API with a method, as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: str
    answers: list[tuple[str, str]]

    @property
    def anchor(self) -> str:
        return re.sub(r"[^a-z]+", "-", f"{self.method}{self.path}".lower()).strip("-")


@dataclass(frozen=True)
class Shape:
    """A schema, as the page shows it: its fields with their type and meaning."""

    name: str
    description: str
    fields: list[Parameter]


@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    """The description of the API for programs."""
    from .api import description

    return JsonResponse(description(), json_dumps_params={"ensure_ascii": False})


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """The description of the API for people: plain HTML, nothing from elsewhere."""
    from .api import description

    schema = description()
    groups: dict[str, list[Address]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or [""])[0]
            groups.setdefault(tag, []).append(_address(path, method, operation))
    shapes = [_shape(name, each) for name, each in sorted(schema["components"]["schemas"].items())]
    page = {
        "base": "base.html" if request.user.is_authenticated else "lone.html",
        "header": {"title": _("The API")},
        "about": [_code(part) for part in schema["info"]["description"].split("\n\n")],
        "groups": groups.items(),
        "shapes": shapes,
        "problems": [(name, _code(words)) for name, words in TYPES.items()],
    }
    return render(request, "api/docs.html", page)


def _address(path: str, method: str, operation: dict[str, Any]) -> Address:
    body = ""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        body = f"{media}: {_type(content['schema'])}"
    answers = []
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).values()
        said = next((_type(c["schema"]) for c in content), "")
        if int(status) < 400:
            answers.append((status, said or answer["description"]))
    return Address(
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=_code(operation.get("description", "")),
        parameters=[
            _parameter(p["name"], p["schema"], bool(p.get("required")), p.get("description", ""))
            for p in operation.get("parameters", ())
        ],
        body=body,
        answers=answers,
    )


def _shape(name: str, schema: dict[str, Any]) -> Shape:
    needed = set(schema.get("required", ()))
    fields = [
        _parameter(field, each, field in needed, each.get("description", ""))
        for field, each in schema.get("properties", {}).items()
    ]
    return Shape(name, schema.get("description", ""), fields)


def _parameter(name: str, schema: dict[str, Any], needed: bool, words: str) -> Parameter:
    return name, _type(schema), needed, _code(words)


def _code(text: str) -> SafeString:
    """A text in which what stands between backticks is code."""
    pieces = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", p) if n % 2 else p,) for n, p in pieces)
    )


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(_type(each) for each in schema[several])
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    return str(schema.get("format") or schema.get("type") or "any JSON")
