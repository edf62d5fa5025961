"""Signing in and out: the password, the second step, a passkey, a link for a new password."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from verne.engine.people import Person

from ..entrance import (
    attempts,
    backend,
    duties,
    events,
    factors,
    known,
    links,
    passkeys,
    recovery,
    sessions,
    whence,
)
from ..middleware import zone_of
from ..models import AccountEvent, Factor
from .account import NewPasswordFields
from .common import back_to

log = logging.getLogger("verne.entrance")

HALF = "half"
"""Where the session keeps who has given the password and not yet the second step."""
LINK = "link"
"""Where the session keeps which link for a new password was shown."""
BACKEND = f"{backend.PersonBackend.__module__}.{backend.PersonBackend.__qualname__}"


# --- Name and password ---------------------------------------------------------------------------


class SignInForm(forms.Form):
    username = forms.CharField(
        label=gettext_lazy("Sign-in name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@never_cache
@sensitive_post_parameters()
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password; whoever guesses waits longer each time."""
    if getattr(request, "person", None) is not None:
        return back_to(request, settings.LOGIN_REDIRECT_URL)
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            username, password = form.cleaned_data["username"], form.cleaned_data["password"]
            keys = attempts.keys_for(
                username,
                whence.address_of(request),
                known=known.is_known(request, username),
            )
            if left := attempts.begin(keys):
                status = 429
                form.add_error(None, _too_many(left))
            elif person := authenticate(request, username=username, password=password):
                attempts.succeeded(keys)
                return _after_password(request, person)
            else:
                log.warning("Wrong name or password from %s", whence.address_of(request))
                form.add_error(
                    None,
                    _("This name and this password do not belong together. Check both."),
                )
    return _sign_in_page(request, form, status)


def _sign_in_page(request: HttpRequest, form: forms.Form, status: int = 200) -> HttpResponse:
    page = {
        "form": form,
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "passkeys": bool(passkeys.host_of(request)),
    }
    return render(request, "account/sign_in.html", page, status=status)


def _too_many(left: timedelta) -> str:
    seconds = int(left.total_seconds()) + 1
    return ngettext(
        "Too many attempts failed. Wait %(seconds)d second, then try again.",
        "Too many attempts failed. Wait %(seconds)d seconds, then try again.",
        seconds,
    ) % {"seconds": seconds}


def _after_password(request: HttpRequest, person: Person) -> HttpResponse:
    """On to the second step, or in."""
    if not factors.has_any(person):
        return _let_in(request, person, "password")
    # A new session: what somebody had before does not become theirs.
    request.session.flush()
    request.session[HALF] = {"person": person.pk, "hash": person.get_session_auth_hash()}
    there = request.POST.get("next") or request.GET.get("next") or ""
    step = reverse("second-step")
    return redirect(f"{step}?{urlencode({'next': there})}" if there else step)


# --- The second step -----------------------------------------------------------------------------


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        help_text=gettext_lazy("Six digits from your app; or one of your recovery codes."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


@never_cache
@sensitive_post_parameters()
def second_step(request: HttpRequest) -> HttpResponse:
    """A code of the app, a recovery code, or a passkey."""
    person = _half_way(request)
    if person is None:
        messages.info(request, _("Begin with your name and your password."))
        return redirect("sign-in")
    answer = request.POST.get("passkey", "")
    form = CodeForm(request.POST if request.method == "POST" and not answer else None)
    status = 200
    if request.method == "POST":
        status = 422
        keys = [(attempts.key_of("second", person.pk), attempts.PAIR)]
        if not answer and not form.is_valid():
            pass
        elif left := attempts.begin(keys):
            status = 429
            form = CodeForm({"code": ""})
            form.errors.clear()
            form.add_error(None, _too_many(left))
        elif way := _shown(request, person, answer, form):
            attempts.succeeded(keys)
            return _let_in(request, person, way)
        else:
            log.warning("Wrong second step from %s", whence.address_of(request))
            if answer:
                messages.error(request, _("This passkey did not open. Try once more."))
            else:
                form.add_error(
                    "code",
                    _(
                        "This code does not fit, or was used before. An app shows a new one "
                        "every half minute."
                    ),
                )
    kinds = {factor.kind for factor in factors.of(person)}
    page = {
        "form": form,
        "name": str(person),
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "app": Factor.Kind.APP in kinds,
        "passkeys": Factor.Kind.PASSKEY in kinds and bool(passkeys.host_of(request)),
    }
    return render(request, "account/second_step.html", page, status=status)


def _shown(request: HttpRequest, person: Person, answer: str, form: forms.Form) -> str:
    """How they signed in, when what they showed is right."""
    if answer:
        try:
            passkeys.shown(answer, purpose=passkeys.SECOND, person=person)
        except passkeys.Refused:
            return ""
        return "password+passkey"
    code = form.cleaned_data["code"].replace(" ", "")
    if factors.shows_app_code(person, code):
        return "password+app"
    if recovery.use(person, code):
        events.note(person, "code_used", request=request)
        left = recovery.left(person)
        messages.warning(
            request,
            ngettext(
                "%(left)d recovery code is left. New ones are made in your profile.",
                "%(left)d recovery codes are left. New ones are made in your profile.",
                left,
            )
            % {"left": left},
        )
        return "password+recovery"
    return ""


def _half_way(request: HttpRequest) -> Person | None:
    """Who has given the password in this browser a moment ago."""
    half: dict[str, Any] | None = request.session.get(HALF)
    if half is None:
        return None
    found = Person.objects.filter(pk=half["person"], active=True)
    person = found.select_related("organization").first()
    if person is None or not constant_time_compare(half["hash"], person.get_session_auth_hash()):
        request.session.flush()
        return None
    return person


# --- Passkeys ------------------------------------------------------------------------------------


@require_GET
@never_cache
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What the browser needs to show or make a passkey, for the script of the page."""
    host = passkeys.host_of(request)
    if not host:
        raise Http404
    purpose = request.GET.get("for", "")
    person: Person | None = getattr(request, "person", None)
    if purpose == passkeys.SIGN_IN:
        return JsonResponse(passkeys.ask_for(purpose, host))
    if purpose == passkeys.SECOND and (half := _half_way(request)):
        return JsonResponse(passkeys.ask_for(purpose, host, half))
    if purpose == passkeys.SIGN and person:
        return JsonResponse(passkeys.ask_for(purpose, host, person))
    if purpose == passkeys.ADD and person:
        return JsonResponse(passkeys.ask_for_new(person, host))
    raise Http404


@require_POST
@never_cache
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """In without a name or a password: the device knows who it is, and its owner unlocked it."""
    keys = [(attempts.key_of("address", whence.address_of(request)), attempts.ADDRESS)]
    form = SignInForm()
    if left := attempts.begin(keys):
        messages.error(request, _too_many(left))
        return _sign_in_page(request, form, 429)
    try:
        factor = passkeys.shown(request.POST.get("passkey", ""), purpose=passkeys.SIGN_IN)
    except passkeys.TooLate:
        messages.error(request, _("That took too long. Press the button once more."))
        return _sign_in_page(request, form, 422)
    except passkeys.Refused as refused:
        log.warning("Wrong passkey from %s: %s", whence.address_of(request), refused)
        messages.error(
            request,
            _("This passkey does not belong to anybody here. Sign in with your password."),
        )
        return _sign_in_page(request, form, 422)
    if not factor.person.active:
        messages.error(request, _("This account is not active."))
        return _sign_in_page(request, form, 422)
    attempts.succeeded(keys)
    return _let_in(request, factor.person, "passkey")


# --- In, and out ---------------------------------------------------------------------------------


def _let_in(request: HttpRequest, person: Person, way: str) -> HttpResponse:
    """A new session for somebody who has shown who they are."""
    session: Any = request.session
    session.pop(HALF, None)
    session.agent, session.address = whence.agent_of(request), whence.address_of(request)
    login(request, person, backend=BACKEND)
    session["way"] = way
    found = factors.of(person)
    if any(factor.kind == Factor.Kind.PASSKEY for factor in found):
        session["passkeys"] = True
    if owed := duties.of(person):
        session[duties.OWES] = owed
    usual = known.is_known(request, person.username)
    told = events.untold(person)
    events.note(person, "signed_in" if usual else "new_browser", request=request)
    _tell(request, person, told)
    response = back_to(request, settings.LOGIN_REDIRECT_URL)
    known.remember(request, response, person.username)
    return response


def _tell(request: HttpRequest, person: Person, told: Sequence[AccountEvent]) -> None:
    """What happened to their account meanwhile, in their own language and time."""
    tongue, zone = person.language or get_language(), zone_of(person)
    with translation.override(tongue), timezone.override(zone):
        for event in told[:3]:
            messages.warning(
                request,
                _("%(what)s: %(when)s, by %(who)s. If that was not meant, tell an administrator.")
                % {
                    "what": events.words(event),
                    "when": date_format(timezone.localtime(event.at), "DATETIME_FORMAT"),
                    "who": event.by or "–",
                },
            )


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    person: Person | None = getattr(request, "person", None)
    if person is not None:
        events.note(person, "signed_out", request=request)
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect(settings.LOGOUT_REDIRECT_URL)


# --- A forgotten password ------------------------------------------------------------------------


class ChooseForm(NewPasswordFields):
    """A new password, twice."""

    field_order = ("new", "again")


class LinkForm(forms.Form):
    """The secret of a link; the script of the page fills it in and sends it."""

    secret = forms.CharField(
        label=gettext_lazy("Your link"),
        max_length=500,
        help_text=gettext_lazy("Paste the whole link that you were given."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "data-from-hash": "",
            }
        ),
    )

    def clean_secret(self) -> str:
        return str(self.cleaned_data["secret"]).rpartition("#")[2].strip()


@never_cache
@sensitive_post_parameters()
def new_password(request: HttpRequest) -> HttpResponse:
    """Choose a password with a link that an administrator handed over.

    The secret stands behind the # of the link and travels in the body of a form, never in an
    address; which link was shown is kept by the session from then on.
    """
    if "secret" in request.POST:
        return _show_link(request)
    link = links.numbered(request.session.get(LINK))
    if link is None:
        if LINK in request.session:
            del request.session[LINK]
            return _link_over(request)
        return render(request, "account/link.html", {"form": LinkForm()})
    form = ChooseForm(link.person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        del request.session[LINK]
        if not links.use(link, form.cleaned_data["new"]):
            return _link_over(request)
        sessions.end_all(link.person)
        events.note(link.person, "link_used", request=request)
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("sign-in")
    page = {"form": form, "name": str(link.person), "username": link.person.username}
    return render(request, "account/new_password.html", page, status=422 if form.errors else 200)


def _show_link(request: HttpRequest) -> HttpResponse:
    form = LinkForm(request.POST)
    link = links.of(form.cleaned_data["secret"]) if form.is_valid() else None
    if link is None:
        log.warning("Wrong or spent link from %s", whence.address_of(request))
        return _link_over(request)
    request.session[LINK] = link.pk
    return redirect("new-password")


def _link_over(request: HttpRequest) -> HttpResponse:
    return render(request, "account/link_over.html", status=404)
