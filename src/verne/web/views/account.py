"""Signing in and out, and what people set for themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from verne.engine.acts import act
from verne.engine.people import Person

from .. import signing_in
from ..forms import ZoneField
from ..parts import Action, PageHeader, RecordForm
from .common import back_to, person_of, signed_in


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
            key = signing_in.attempt_key(username, request.META.get("REMOTE_ADDR", ""))
            if left := signing_in.wait(key).total_seconds():
                status = 429
                seconds = int(left) + 1
                form.add_error(
                    None,
                    ngettext(
                        "Too many attempts failed. Wait %(seconds)d second, then try again.",
                        "Too many attempts failed. Wait %(seconds)d seconds, then try again.",
                        seconds,
                    )
                    % {"seconds": seconds},
                )
            elif person := authenticate(request, username=username, password=password):
                signing_in.note_success(key)
                login(request, person)
                return back_to(request, settings.LOGIN_REDIRECT_URL)
            else:
                signing_in.note_failure(key)
                form.add_error(
                    None,
                    _("This name and this password do not belong together. Check both."),
                )
    page = {"form": form, "next": request.GET.get("next", "")}
    return render(request, "account/sign_in.html", page, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect(settings.LOGOUT_REDIRECT_URL)


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
        fields = ("name", "email", "language", "time_zone", "theme")


def _base(person: Person) -> str:
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
        "base": _base(person),
        "header": PageHeader(
            title=_("Profile"),
            lead=person.username,
            actions=[Action(label=_("Change the password"), url="/profile/password/", icon="lock")],
        ),
        "entry": RecordForm(
            form=form,  # type: ignore[arg-type]
            url=request.path,
            submit=_("Save"),
            cancel_url="/",
        ),
    }
    return render(request, "account/form.html", page, status=422 if form.errors else 200)


class PasswordForm(forms.Form):
    """The present password once, the new one twice."""

    present = forms.CharField(
        label=gettext_lazy("Present password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    new = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=gettext_lazy("New password once more"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["new"].help_text = " ".join(map(str, password_validators_help_texts()))

    def clean_present(self) -> str:
        present: str = self.cleaned_data["present"]
        if not self.person.check_password(present):
            raise ValidationError(_("This is not your present password."))
        return present

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.person)
        return new

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("new") and said.get("again") and said["new"] != said["again"]:
            self.add_error("again", _("The two differ: type the new password twice."))
        return said


@signed_in
@sensitive_post_parameters()
def change_password(request: HttpRequest) -> HttpResponse:
    person = Person.objects.get(pk=person_of(request).pk)
    form = PasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with act("settle", by=person, note="Password"):
            person.set_password(form.cleaned_data["new"])
            person.save(update_fields=["password"])
        update_session_auth_hash(request, person)
        messages.success(request, _("Your password is changed. Other devices are signed out."))
        return redirect("profile")
    page = {
        "base": _base(person),
        "header": PageHeader(title=_("Change the password")),
        "entry": RecordForm(
            form=form, url=request.path, submit=_("Change it"), cancel_url="/profile/"
        ),
    }
    return render(request, "account/form.html", page, status=422 if form.errors else 200)


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
            secure=request.is_secure(),
        )
    if theme is not None and theme in ("auto", "light", "dark"):
        wanted["theme"] = "" if theme == "auto" else theme
    if person is not None and any(getattr(person, k) != v for k, v in wanted.items()):
        with act("settle", by=person, note="Preferences"):
            Person.objects.filter(pk=person.pk).update(**wanted)
    return response
