"""What the pages share: who may enter, how an address is made, how something is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from verne.engine import replica
from verne.engine.people import Person
from verne.engine.register import Register, by_slug
from verne.engine.rights import may

from .. import refused

View = Callable[..., HttpResponse]


def person_of(request: HttpRequest) -> Person:
    """Who is signed in; pages behind `signed_in` and `staff` have somebody."""
    person: Person = request.person  # type: ignore[attr-defined]
    return person


def signed_in(view: View) -> View:
    """A page for anybody who has signed in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request, "person", None) is None:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return guarded


def staff(view: View) -> View:
    """A page for those who work here; a customer is led to the portal."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request, "person", None) is None:
            return redirect_to_login(request.get_full_path())
        if person_of(request).is_customer:
            return _to_portal(kwargs.get("ref", ""))
        return view(request, *args, **kwargs)

    return guarded


def from_replica(view: View) -> View:
    """A page that only tells: it may be read from the copy of the database, if there is one.

    It stands under `signed_in` or `staff`.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        return replica.answer(person_of(request), lambda: view(request, *args, **kwargs))

    return guarded


def _to_portal(ref: str) -> HttpResponse:
    """The portal's own page of a record, for customers who follow a link; else its first page."""
    from verne.sms.support.document.register import DocumentRegister

    from .portal import leads_to

    if ref.upper().startswith(f"{DocumentRegister.prefix}-"):
        return redirect("portal-document", ref)
    if leads_to(ref):
        return redirect("portal-record", ref)
    return redirect("portal")


def register_at(slug: str, person: Person, verb: str = "view") -> type[Register]:
    """The register at an address; for those who may not even look, there is none."""
    register = by_slug(slug)
    if register is None or not may(person, "view", register.model):
        raise Http404
    if not may(person, verb, register.model):
        raise PermissionDenied
    return register


def url(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """An address with its parameters."""
    query = urlencode(list(pairs))
    return f"{path}?{query}" if query else path


def params_of(request: HttpRequest) -> dict[str, list[str]]:
    """The parameters of a page, as the engine takes them."""
    return dict(request.GET.lists())


def back_to(request: HttpRequest, fallback: str) -> HttpResponseRedirect:
    """Back to where `next` says, if that is a page of ours."""
    there = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        there, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(there if safe else fallback)


def refusals(error: ValidationError | PermissionDenied) -> list[str]:
    """What a refusal says, sentence by sentence."""
    if isinstance(error, ValidationError):
        return [str(message) for message in error.messages]
    refused.softly()
    return [str(error)]


def tell_refusal(request: HttpRequest, error: ValidationError | PermissionDenied) -> None:
    for sentence in refusals(error):
        messages.error(request, sentence)


def one(request: HttpRequest, name: str) -> str:
    """A value sent with a form, without the spaces around it."""
    return str(request.POST.get(name, "")).strip()
