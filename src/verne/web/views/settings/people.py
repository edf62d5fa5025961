"""Organizations, people and teams."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from verne.engine import erasure
from verne.engine.acts import act
from verne.engine.people import Assignment, Organization, Person, Team
from verne.engine.roles import label as role_label

from ...entrance import events, links, sessions
from ...forms import FEW
from ...parts import Action
from ...zones import ZoneField
from ..common import person_of
from .common import form_page, header, needs, saved

MOST = 200
"""People shown at once; of more than that one searches by name."""


# --- Organizations -------------------------------------------------------------------------------


class OrganizationForm(forms.ModelForm[Organization]):
    class Meta:
        model = Organization
        fields = ("name", "kind", "active")


@needs("organizations")
def organizations(request: HttpRequest) -> HttpResponse:
    new = Action(
        label=_("New organization"),
        url="/settings/organizations/new",
        kind="primary",
        icon="add",
        key="n",
    )
    rows = Organization.objects.annotate(members=Count("people", filter=Q(people__active=True)))
    context = {
        "header": header(request, "organizations", actions=[new]),
        "rows": rows.order_by("kind", "name"),
    }
    return render(request, "settings/organizations.html", context)


@needs("organizations")
def organization(request: HttpRequest, number: int | None = None) -> HttpResponse:
    row = get_object_or_404(Organization, pk=number) if number else None
    form = OrganizationForm(request.POST or None, instance=row)

    def do() -> None:
        with act("settle", by=person_of(request), note="Organization"):
            form.save()

    if request.method == "POST" and saved(form, do):
        messages.success(request, _("%(name)s is saved.") % {"name": form.instance.name})
        return redirect("/settings/organizations/")
    title = str(row) if row else _("New organization")
    return form_page(
        request,
        header(request, "organizations", title),
        form,
        submit=_("Save"),
        cancel_url="/settings/organizations/",
    )


# --- People --------------------------------------------------------------------------------------


class PersonForm(forms.ModelForm[Person]):
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("As the browser")), *settings.LANGUAGES],
    )
    time_zone = ZoneField(label=gettext_lazy("Time zone"), required=False)

    class Meta:
        model = Person
        fields = (
            "name",
            "username",
            "email",
            "organization",
            "unit",
            "sms_relevant",
            "language",
            "time_zone",
            "active",
        )

    def __init__(self, *args: Any, by: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        if self.instance.pk is None:
            self.initial.setdefault("organization", _ours())
        self.fields["organization"].empty_label = "–"  # type: ignore[attr-defined]
        self.fields["active"].help_text = _("Somebody who is not active cannot sign in.")

    def clean_active(self) -> bool:
        active: bool = self.cleaned_data["active"]
        if not active and self.instance.pk == self.by.pk:
            raise forms.ValidationError(_("You cannot deactivate yourself."))
        return active


def _ours() -> Organization | None:
    """Our own organization, where there is one alone: most new people work in it."""
    ours = Organization.objects.filter(kind=Organization.Kind.OWN, active=True)[:2]
    return ours[0] if len(ours) == 1 else None


@needs("people")
def people(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    rows = Person.objects.select_related("organization").order_by("-active", "name", "id")
    if text:
        rows = rows.filter(
            Q(name__icontains=text) | Q(username__icontains=text) | Q(email__icontains=text)
        )
    shown = list(rows[: MOST + 1])
    held = _roles_of([person.pk for person in shown])
    new = Action(
        label=_("New person"), url="/settings/people/new", kind="primary", icon="add", key="n"
    )
    context = {
        "header": header(request, "people", actions=[new]),
        "rows": [(person, held.get(person.pk, [])) for person in shown[:MOST]],
        "find": text,
        "more": len(shown) > MOST,
    }
    return render(request, "settings/people.html", context)


def _roles_of(numbers: list[int]) -> dict[int, list[Any]]:
    """The roles people hold now, in words."""
    from django.utils import timezone

    held: dict[int, list[Any]] = {}
    rows = Assignment.objects.valid(timezone.now()).filter(person__in=numbers)
    for person, key in rows.values_list("person", "role__key"):
        held.setdefault(person, []).append(role_label(key))
    return held


@needs("people")
def person(request: HttpRequest, number: int | None = None) -> HttpResponse:
    by = person_of(request)
    row = get_object_or_404(Person, pk=number) if number else None
    form = PersonForm(request.POST or None, instance=row, by=by)

    def do() -> None:
        with act("settle", by=by, note="Person"):
            somebody = form.save(commit=False)
            if row is None:
                somebody.set_unusable_password()
            somebody.save()

    if request.method == "POST" and saved(form, do):
        messages.success(request, _("%(name)s is saved.") % {"name": form.instance.name})
        if row is None:
            return redirect(f"/settings/people/{form.instance.pk}/password")
        return redirect("/settings/people/")
    actions = []
    if row is not None:
        actions = [
            Action(
                label=_("Set a password"), url=f"/settings/people/{row.pk}/password", icon="lock"
            ),
            Action(label=_("Signing in"), url=f"/settings/people/{row.pk}/access/", icon="person"),
            Action(label=_("Roles"), url=f"/settings/roles/?person={row.pk}", icon="seal"),
        ]
        if not row.active and by.may(erasure.RIGHT):
            erase = reverse("proof-erase", args=[row.pk])
            actions.append(Action(label=_("Erase their data"), url=erase, kind="danger"))
    return form_page(
        request,
        header(request, "people", str(row) if row else _("New person"), actions=actions),
        form,
        submit=_("Save"),
        cancel_url="/settings/people/",
    )


class NewPasswordForm(forms.Form):
    new = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        rules = " ".join(map(str, password_validators_help_texts()))
        hint = _("Hand it over in person; they choose their own when they first sign in.")
        self.fields["new"].help_text = f"{rules} {hint}"

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.person)
        return new


@needs("people")
@sensitive_post_parameters()
def password(request: HttpRequest, number: int) -> HttpResponse:
    """Give somebody a password; it signs them out everywhere."""
    row = get_object_or_404(Person, pk=number)
    form = NewPasswordForm(row, request.POST or None)

    def do() -> None:
        links.hand_over(row, form.cleaned_data["new"], by=person_of(request))

    if request.method == "POST" and saved(form, do):
        sessions.end_all(row, but=request)
        events.note(row, "password_set", by=person_of(request), request=request)
        messages.success(request, _("%(name)s has a new password.") % {"name": row.name})
        return redirect("/settings/people/")
    return form_page(
        request,
        header(request, "people", _("Password of %(name)s") % {"name": row.name}),
        form,
        submit=_("Set it"),
        cancel_url=f"/settings/people/{row.pk}/",
    )


# --- Teams ---------------------------------------------------------------------------------------


class TeamForm(forms.ModelForm[Team]):
    class Meta:
        model = Team
        fields = ("name", "purpose", "organization", "lead", "members", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = self.instance.members.values("pk") if self.instance.pk else []
        here = Person.objects.filter(Q(active=True) | Q(pk__in=now)).exclude(
            organization__kind=Organization.Kind.CUSTOMER
        )
        self.fields["members"].queryset = here  # type: ignore[attr-defined]
        self.fields["lead"].queryset = here  # type: ignore[attr-defined]
        for name in ("lead", "organization"):
            self.fields[name].empty_label = "–"  # type: ignore[attr-defined]
        if here.count() <= FEW * 8:
            self.fields["members"].widget = forms.CheckboxSelectMultiple(
                choices=self.fields["members"].choices  # type: ignore[attr-defined]
            )


@needs("teams")
def teams(request: HttpRequest) -> HttpResponse:
    new = Action(
        label=_("New team"), url="/settings/teams/new", kind="primary", icon="add", key="n"
    )
    rows = Team.objects.select_related("lead", "organization").annotate(
        size=Count("members", filter=Q(members__active=True))
    )
    context = {
        "header": header(request, "teams", actions=[new]),
        "rows": rows.order_by("-active", "name"),
    }
    return render(request, "settings/teams.html", context)


@needs("teams")
def team(request: HttpRequest, number: int | None = None) -> HttpResponse:
    row = get_object_or_404(Team, pk=number) if number else None
    form = TeamForm(request.POST or None, instance=row)

    def do() -> None:
        with act("settle", by=person_of(request), note="Team"):
            form.save()

    if request.method == "POST" and saved(form, do):
        messages.success(request, _("%(name)s is saved.") % {"name": form.instance.name})
        return redirect("/settings/teams/")
    return form_page(
        request,
        header(request, "teams", str(row) if row else _("New team")),
        form,
        submit=_("Save"),
        cancel_url="/settings/teams/",
    )
