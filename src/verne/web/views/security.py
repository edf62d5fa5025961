"""One's own security: second steps, recovery codes, where one is signed in, and what happened."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from verne.engine.people import Organization, Person

from ..entrance import (
    app_codes,
    duties,
    events,
    factors,
    passkeys,
    policy,
    proof,
    recovery,
    sessions,
    vault,
    whence,
)
from ..forms import add_errors
from ..models import AccountEvent, Factor, Session
from ..parts import Action, Link, PageHeader, RecordForm
from .account import base_of
from .common import one, person_of, signed_in

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ADDRESS = "/profile/security/"
JUST_NOW = timedelta(minutes=10)
"""Whoever signed in so lately need not type the password again to add a step or end a session."""
CODES = "codes"
"""Where the session keeps new recovery codes, sealed, until they have been shown."""

WAYS: dict[str, StrOrPromise] = {
    "password": gettext_lazy("Password"),
    "password+app": gettext_lazy("Password and app"),
    "password+recovery": gettext_lazy("Password and recovery code"),
    "password+passkey": gettext_lazy("Password and passkey"),
    "passkey": gettext_lazy("Passkey"),
}


@dataclass(frozen=True)
class SessionRow:
    """A session as a page shows it."""

    number: int
    device: str
    address: str
    way: StrOrPromise
    began_at: datetime
    last_at: datetime
    here: bool


@dataclass(frozen=True)
class EventRow:
    """An event as a page shows it."""

    at: datetime
    what: StrOrPromise
    by: str
    device: str
    address: str


def session_rows(found: Sequence[Session], here: int | None = None) -> list[SessionRow]:
    return [
        SessionRow(
            number=row.pk,
            device=whence.device(row.agent),
            address=row.address,
            way=WAYS.get(row.way, "–"),
            began_at=row.began_at,
            last_at=row.last_at,
            here=row.pk == here,
        )
        for row in found
    ]


def event_rows(found: Sequence[AccountEvent]) -> list[EventRow]:
    return [
        EventRow(
            at=event.at,
            what=events.words(event),
            by=str(event.by or "–"),
            device=whence.device(event.agent) if event.by else _("Command line"),
            address=event.address,
        )
        for event in found
    ]


@signed_in
@never_cache
def security(request: HttpRequest) -> HttpResponse:
    """Everything about one's own way in, on a page."""
    person = person_of(request)
    row: Session | None = getattr(request.session, "row", None)
    rows = session_rows(sessions.open_ones(person), row.pk if row else None)
    found = factors.of(person)
    page = {
        "base": base_of(person),
        "header": PageHeader(
            title=_("Security"),
            lead=_("How you sign in, where you are signed in, and what happened to your account."),
            crumbs=[Link(label=_("Profile"), url="/profile/")],
            actions=[Action(label=_("Change the password"), url="/profile/password/", icon="lock")],
        ),
        "factors": found,
        "adding": [
            Action(label=_("Add an authenticator app"), url=f"{ADDRESS}app/", icon="add"),
            Action(label=_("Add a passkey"), url=f"{ADDRESS}passkey/", icon="add"),
        ],
        "codes_left": recovery.left(person) if found else None,
        "asked": policy.asks_second_step(person),
        "sessions": rows,
        "elsewhere": len(rows) > 1,
        "events": event_rows(events.latest(person)),
    }
    return render(request, "account/security.html", page)


# --- Adding a second step ------------------------------------------------------------------------


class AddForm(forms.Form):
    """A name for it, and the password unless somebody has just signed in."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("So that you know it again: the device it is on, say."),
    )

    def __init__(self, *args: Any, ask: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if ask:
            self.fields["password"] = _password()


class AppForm(AddForm):
    code = forms.CharField(
        label=gettext_lazy("Code that the app shows"),
        max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    sealed = forms.CharField(widget=forms.HiddenInput)

    field_order = ("code", "name", "password")


class PasskeyForm(AddForm):
    answer = forms.CharField(widget=forms.HiddenInput, required=False)


class ConfirmForm(forms.Form):
    """The password alone; and the session it is for, where it ends one."""

    session = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = _password()


def _password() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Your password"),
        help_text=gettext_lazy("It shows that it is you who changes this."),
        strip=False,
        widget=proof.ProofInput(),
    )


def _asks_again(request: HttpRequest) -> bool:
    row: Session | None = getattr(request.session, "row", None)
    return row is None or timezone.now() - row.began_at > JUST_NOW


@signed_in
@never_cache
@sensitive_post_parameters()
def add_app(request: HttpRequest) -> HttpResponse:
    """Read the picture with an app, and type the code it shows."""
    person = person_of(request)
    ask = _asks_again(request)
    sent = request.POST if request.method == "POST" else None
    secret = factors.proposed(person, sent.get("sealed", "")) if sent else ""
    if sent is not None and not secret:
        messages.error(request, _("That took too long. Here is a new picture."))
        return redirect("security-app")
    if secret:
        form = AppForm(sent, ask=ask)
    else:
        secret, sealed = factors.propose_app(person)
        form = AppForm(ask=ask, initial={"sealed": sealed, "name": _("Telephone")})
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            if ask:
                proof.prove(person, said["password"])
            factors.add_app(person, secret=secret, code=said["code"], name=said["name"])
        except ValidationError as refused:
            add_errors(form, refused)
        else:
            return _added(request, person, "app_added")
    page = {
        "base": base_of(person),
        "header": _head(_("Add an authenticator app")),
        "picture": app_codes.picture(
            app_codes.address(secret, name=person.username, issuer=_issuer())
        ),
        "secret": app_codes.grouped(secret),
        "entry": RecordForm(form=form, url=request.path, submit=_("Add it"), cancel_url=ADDRESS),
    }
    return render(request, "account/app.html", page, status=422 if form.errors else 200)


@signed_in
@never_cache
@sensitive_post_parameters()
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Have the browser make a passkey."""
    person = person_of(request)
    host = passkeys.host_of(request)
    ask = _asks_again(request)
    name = whence.device(whence.agent_of(request))
    form = PasskeyForm(request.POST or None, ask=ask, initial={"name": name})
    if request.method == "POST" and form.is_valid() and host:
        said = form.cleaned_data
        try:
            if ask:
                proof.prove(person, said["password"])
            factors.add_passkey(person, answer=said["answer"], host=host, name=said["name"])
        except ValidationError as refused:
            add_errors(form, refused)
        except passkeys.TooLate:
            form.add_error(None, _("That took too long. Press the button once more."))
        except passkeys.Refused:
            form.add_error(None, _("The browser made no passkey that can be used here."))
        else:
            request.session["passkeys"] = True
            return _added(request, person, "passkey_added")
    page = {
        "base": base_of(person),
        "header": _head(_("Add a passkey")),
        "host": host,
        "by_name": request.build_absolute_uri("/").replace(
            request.get_host(), f"localhost{_port(request)}", 1
        ),
        "form": form,
        "url": request.path,
        "cancel_url": ADDRESS,
    }
    return render(request, "account/passkey.html", page, status=422 if form.errors else 200)


def _port(request: HttpRequest) -> str:
    found = re.search(r":\d+$", request.get_host())
    return found.group() if found else ""


def _added(request: HttpRequest, person: Person, what: str) -> HttpResponse:
    """Other browsers are signed out; with the first step come the recovery codes."""
    events.note(person, what, request=request)
    sessions.end_all(person, but=request)
    duties.done(request, "second-step")
    if recovery.left(person):
        messages.success(request, _("It is added. Other browsers are signed out."))
        return redirect("security")
    messages.success(
        request, _("It is added. Other browsers are signed out. Now keep your recovery codes.")
    )
    return _show_new_codes(request, person)


def _issuer() -> str:
    ours = Organization.objects.filter(kind=Organization.Kind.OWN).order_by("pk").first()
    return f"Verne {ours}" if ours else "Verne"


# --- Recovery codes ------------------------------------------------------------------------------


def _show_new_codes(request: HttpRequest, person: Person) -> HttpResponse:
    codes = recovery.make(person, by=person)
    events.note(person, "codes_made", request=request)
    request.session[CODES] = vault.seal(json.dumps(codes), whose=f"codes of {person.pk}")
    return redirect("security-codes")


@signed_in
@never_cache
@sensitive_post_parameters()
def codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes; those just made are shown once."""
    person = person_of(request)
    if not factors.has_any(person):
        raise Http404
    if kept := request.session.pop(CODES, None):
        shown = json.loads(vault.unseal(kept, whose=f"codes of {person.pk}"))
        page = {
            "base": base_of(person),
            "header": _head(_("Your recovery codes")),
            "codes": shown,
            "back_url": ADDRESS,
        }
        return render(request, "account/codes.html", page)
    return _confirmed(
        request,
        person,
        title=_("Make new recovery codes"),
        lead=_("You get ten new ones. Those you have are worth nothing any more."),
        submit=_("Make new ones"),
        do=lambda: _show_new_codes(request, person),
    )


# --- Removing ------------------------------------------------------------------------------------


@signed_in
@never_cache
@sensitive_post_parameters()
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """Take a second step away."""
    person = person_of(request)
    factor = Factor.objects.filter(person=person, pk=number).first()
    if factor is None:
        raise Http404

    def do() -> HttpResponse:
        factors.remove(person, factor)
        events.note(person, "factor_removed", request=request)
        sessions.end_all(person, but=request)
        if not Factor.objects.filter(person=person, kind=Factor.Kind.PASSKEY).exists():
            request.session.pop("passkeys", None)
        messages.success(request, _("It is removed. Other browsers are signed out."))
        return redirect("security")

    return _confirmed(
        request,
        person,
        title=_("Remove %(name)s") % {"name": factor.name},
        lead=_("From now on it does not open your account any more."),
        submit=_("Remove it"),
        do=do,
        danger=True,
    )


def _confirmed(
    request: HttpRequest,
    person: Person,
    *,
    title: str,
    lead: str,
    submit: str,
    do: Any,
    danger: bool = False,
) -> HttpResponse:
    """A page that asks for the password before something is done."""
    # Sent from the list of sessions, there is no proof yet, and nothing to complain about.
    proving = "password" in request.POST or "passkey" in request.POST
    form = ConfirmForm(
        request.POST if proving else None, initial={"session": one(request, "session")}
    )
    if request.method == "POST" and form.is_valid():
        try:
            proof.prove(person, form.cleaned_data["password"])
            answer: HttpResponse = do()
        except ValidationError as refused:
            add_errors(form, refused)
        else:
            return answer
    page = {
        "base": base_of(person),
        "header": _head(title, lead),
        "entry": RecordForm(
            form=form, url=request.path, submit=submit, cancel_url=ADDRESS, danger=danger
        ),
    }
    return render(request, "account/form.html", page, status=422 if form.errors else 200)


def _head(title: str, lead: str = "") -> PageHeader:
    return PageHeader(
        title=title,
        lead=lead,
        crumbs=[
            Link(label=_("Profile"), url="/profile/"),
            Link(label=_("Security"), url=ADDRESS),
        ],
    )


# --- Sessions ------------------------------------------------------------------------------------


@require_POST
@signed_in
@sensitive_post_parameters()
def end_session(request: HttpRequest) -> HttpResponse:
    """Sign out in one other browser."""
    person = person_of(request)
    known = {str(row.number): row for row in session_rows(sessions.open_ones(person))}
    row = known.get(one(request, "session"))
    if row is None:
        messages.info(request, _("That session had ended already."))
        return redirect("security")

    def do() -> HttpResponse:
        sessions.end(person, row.number)
        events.note(person, "sessions_ended", request=request)
        messages.success(request, _("That browser is signed out."))
        return redirect("security")

    if not _asks_again(request):
        return do()
    return _confirmed(
        request,
        person,
        title=_("Sign out another browser"),
        lead=" · ".join(filter(None, (row.device, row.address))),
        submit=_("Sign out"),
        do=do,
    )


@require_POST
@signed_in
@sensitive_post_parameters()
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    person = person_of(request)

    def do() -> HttpResponse:
        ended = sessions.end_all(person, but=request)
        if ended:
            events.note(person, "sessions_ended", request=request)
        messages.success(
            request,
            ngettext(
                "%(ended)d other browser is signed out.",
                "%(ended)d other browsers are signed out.",
                ended,
            )
            % {"ended": ended},
        )
        return redirect("security")

    if not _asks_again(request):
        return do()
    return _confirmed(
        request,
        person,
        title=_("Sign out everywhere else"),
        lead=_("Every browser but this one has to sign in again."),
        submit=_("Sign out everywhere else"),
        do=do,
    )
