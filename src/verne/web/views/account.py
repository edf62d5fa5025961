"""What people set for themselves: their profile, their password, language and theme."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from verne.engine import signing
from verne.engine.acts import act
from verne.engine.people import Person

from ..entrance import duties, events, links, sessions
from ..parts import Action, Link, PageHeader, RecordForm
from ..zones import ZoneField
from .common import back_to, person_of, signed_in

LONGEST = 1000
"""Letters of a password: more would only keep the machine busy."""


class ProfileForm(forms.ModelForm[Person]):
    """What people say about themselves."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("As the browser")), *settings.LANGUAGES],
    )
    time_zone = ZoneField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Times are shown in it; they are stored without one."),
    )

    class Meta:
        model = Person
        fields = ("name", "email", "language", "time_zone", "theme", "wants_mail")


def base_of(person: Person) -> str:
    """Customers stay in the portal."""
    return "portal/base.html" if person.is_customer else ""


@signed_in
def profile(request: HttpRequest) -> HttpResponse:
    """One's own name, language, time zone and theme."""
    person = Person.objects.get(pk=person_of(request).pk)
    form = ProfileForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        if form.has_changed():
            with act("settle", by=person, note="Profile"):
                form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect("profile")
    page = {
        "base": base_of(person),
        "header": PageHeader(
            title=_("Profile"),
            lead=person.username,
            actions=[Action(label=_("Security"), url="/profile/security/", icon="lock")],
        ),
        "entry": RecordForm(
            form=form,  # type: ignore[arg-type]
            url=request.path,
            submit=_("Save"),
            cancel_url="/",
        ),
    }
    return render(request, "account/form.html", page, status=422 if form.errors else 200)


class NewPasswordFields(forms.Form):
    """A new password, typed twice, that keeps to the rules."""

    new = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=gettext_lazy("New password once more"),
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["new"].help_text = " ".join(map(str, password_validators_help_texts()))

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.person)
        return new

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("new") and said.get("again") and said["new"] != said["again"]:
            self.add_error("again", _("The two differ: type the new password twice."))
        return said


class PasswordForm(NewPasswordFields):
    """The present password once, the new one twice."""

    field_order = ("present", "new", "again")

    present = forms.CharField(
        label=gettext_lazy("Present password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if said.get("new") and said.get("new") == said.get("present"):
            self.add_error("new", _("This is the password you have. Choose another one."))
        return said


@signed_in
@sensitive_post_parameters()
def change_password(request: HttpRequest) -> HttpResponse:
    """Choose another password; it signs out every other browser."""
    person = Person.objects.get(pk=person_of(request).pk)
    form = PasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid() and _shows_present(form, person):
        with act("settle", by=person, note="Password"):
            links.set_password(person, form.cleaned_data["new"])
        update_session_auth_hash(request, person)
        sessions.end_all(person, but=request)
        asked = duties.done(request, "password")
        events.note(person, "password_changed", request=request)
        messages.success(request, _("Your password is changed. Other devices are signed out."))
        return redirect(settings.LOGIN_REDIRECT_URL if asked else "profile")
    page = {
        "base": base_of(person),
        "header": PageHeader(
            title=_("Change the password"),
            crumbs=[
                Link(label=_("Profile"), url="/profile/"),
                Link(label=_("Security"), url="/profile/security/"),
            ],
        ),
        "entry": RecordForm(
            form=form, url=request.path, submit=_("Change it"), cancel_url="/profile/"
        ),
    }
    return render(request, "account/form.html", page, status=422 if form.errors else 200)


def _shows_present(form: PasswordForm, person: Person) -> bool:
    """Whether they know the password they have; guesses here wait as at the sign-in."""
    try:
        signing.prove(person, form.cleaned_data["present"])
    except signing.NotProven as refused:
        form.add_error("present", refused.messages)
        return False
    return True


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Language or theme, chosen from the menu; without signing in the browser remembers it."""
    response = back_to(request, "/")
    person: Person | None = getattr(request, "person", None)
    language, theme = request.POST.get("language"), request.POST.get("theme")
    wanted: dict[str, str] = {}
    if language is not None and language in dict(settings.LANGUAGES):
        wanted["language"] = language
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        )
    if theme is not None and theme in ("auto", "light", "dark"):
        wanted["theme"] = "" if theme == "auto" else theme
    if person is not None and any(getattr(person, k) != v for k, v in wanted.items()):
        with act("settle", by=person, note="Preferences"):
            Person.objects.filter(pk=person.pk).update(**wanted)
    return response
