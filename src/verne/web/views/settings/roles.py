"""Roles, what they may do, and who holds them from when to when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from verne.conformity.catalogue import catalogue
from verne.conformity.owning import duty_of
from verne.engine.acts import act, file, move
from verne.engine.people import Assignment, Organization, Person, Role
from verne.engine.register import registers
from verne.engine.rights import bundles, right, verbs_of
from verne.engine.roles import label as role_label
from verne.sms.leadership.role import granting
from verne.sms.leadership.role.models import Appointment, RoleDefinition

from ...pages.people import seats
from ..common import person_of, tell_refusal
from .common import form_page, header, needs, saved

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

VERBS: dict[str, StrOrPromise] = {
    "view": pgettext_lazy("a right", "see"),
    "file": pgettext_lazy("a right", "file"),
    "revise": pgettext_lazy("a right", "revise"),
    "link": pgettext_lazy("a right", "link"),
    "comment": pgettext_lazy("a right", "comment"),
    "withdraw": pgettext_lazy("a right", "withdraw"),
}

SYSTEM: dict[str, StrOrPromise] = {
    "engine.manage_people": gettext_lazy("manage people"),
    "engine.manage_roles": gettext_lazy("manage roles"),
    "engine.manage_settings": gettext_lazy("manage settings"),
    "engine.view_restricted": gettext_lazy("see restricted records"),
    "engine.import_records": gettext_lazy("import records"),
    "engine.export_records": gettext_lazy("export records"),
    "engine.escalate": gettext_lazy("escalate"),
    "conformity.view_statement": gettext_lazy("see the statement of conformity"),
    "conformity.compute_statement": gettext_lazy("compute the statement of conformity"),
    "conformity.adjust_parameters": gettext_lazy("adjust the values of the checks"),
    "conformity.make_pack": gettext_lazy("make audit packs"),
    "engine.erase_person": gettext_lazy("erase the data of people who are gone"),
    "conformity.load_libraries": gettext_lazy("load libraries of frameworks"),
    "conformity.assess_frameworks": gettext_lazy("assess frameworks by hand"),
}


@needs("roles")
def roles(request: HttpRequest) -> HttpResponse:
    """The seats, as everybody sees them who sees the roles: from here one appoints."""
    return seats.page(request)


class AssignForm(forms.Form):
    person = forms.ModelChoiceField(
        Person.objects.none(), label=gettext_lazy("Person"), empty_label="–"
    )
    since = forms.DateTimeField(
        label=gettext_lazy("From"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("Empty while no end is foreseen."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    deputy = forms.ModelChoiceField(
        Person.objects.none(),
        label=gettext_lazy("Deputy"),
        required=False,
        empty_label="–",
        help_text=gettext_lazy("Has the rights of the role only while standing in."),
    )
    communicated = forms.BooleanField(
        label=gettext_lazy("The role was communicated to the person"), required=False, initial=True
    )

    def __init__(self, role: Role, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Person.objects.filter(active=True)
        at_customers = Q(organization__kind=Organization.Kind.CUSTOMER)
        # Roles of customers are for their people, all others for ours: rights reach no further.
        if role.key.startswith("customer_"):
            people = people.filter(at_customers)
            del self.fields["deputy"]
        else:
            people = people.exclude(at_customers)
        for name in self.fields.keys() & {"person", "deputy"}:
            self.fields[name].queryset = people.order_by("name")  # type: ignore[attr-defined]
        self.initial.setdefault("since", timezone.localtime().replace(second=0, microsecond=0))


@needs("roles")
def role(request: HttpRequest, key: str) -> HttpResponse:
    """A role: what it is, its rights, who held it when; and the form to appoint somebody."""
    row = get_object_or_404(Role, key=key)
    by = person_of(request)
    form = AssignForm(row, request.POST or None)

    def do() -> None:
        said = form.cleaned_data
        now = timezone.now()
        values = {name: said.get(name) for name in ("person", "since", "until", "deputy")}
        # The form knows minutes: what was meant as now should count now.
        if timedelta(0) < said["since"] - now < timedelta(minutes=2):
            values["since"] = now
        if said["communicated"]:
            values["communicated_at"] = now
        file(Appointment, {"role": row} | values, by=by)

    if request.method == "POST" and saved(form, do):
        messages.success(
            request,
            _("%(person)s holds the role now.") % {"person": form.cleaned_data["person"]}
            if form.cleaned_data["since"] <= timezone.now()
            else _("The role is assigned from the date given."),
        )
        return redirect(f"/settings/roles/{key}/")
    standard = catalogue().roles.get(key)
    held = row.assignments.select_related("person", "appointment", "absence__of")
    return form_page(
        request,
        header(request, "roles", role_label(key)),
        form,
        submit=_("Appoint"),
        cancel_url="/roles/seats/",
        template="settings/role.html",
        role=row,
        label=role_label(key),
        duty=duty_of(row),
        definition=RoleDefinition.objects.standing().filter(role=row).first(),
        assignments=held.order_by("-since"),
        now=timezone.now(),
        duties=[
            requirement
            for requirement in catalogue().requirements.values()
            if standard is not None and requirement.owner_role == key
        ],
        rights=rights_in_words(key),
    )


def rights_in_words(key: str) -> list[tuple[str, str]]:
    """What a role may do: each type of record with its verbs, then the rest."""
    granted = bundles().get(key, frozenset())
    found = []
    for register in registers.values():
        model = register.model
        moves = model.lifecycle.moves
        words = [
            str(VERBS[verb] if verb in VERBS else moves[verb].label)
            for verb in verbs_of(model)
            if right(verb, model) in granted
        ]
        if words:
            name = str(capfirst(str(model._meta.verbose_name_plural)))
            found.append((name, ", ".join(words)))
    others = [str(words) for name, words in SYSTEM.items() if name in granted]
    if others:
        found.append((_("The program"), ", ".join(others)))
    return found


@require_POST
@needs("roles")
def end(request: HttpRequest, number: int) -> HttpResponse:
    """End what gives somebody a role now; it stays known that it was held."""
    found = Assignment.objects.select_related("role", "person", "appointment", "absence__of")
    row = get_object_or_404(found, pk=number)
    try:
        _end(row, by=person_of(request))
        messages.success(request, _("%(person)s holds the role no more.") % {"person": row.person})
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect(f"/settings/roles/{row.role.key}/")


def _end(row: Assignment, *, by: Person) -> None:
    note = _("Ended in the settings.")
    if hasattr(row, "appointment"):
        move(row.appointment, "end", by=by, note=note)
        return
    if not granting.somebody_else_may_appoint(row):
        raise ValidationError(_("Nobody else may give roles: appoint somebody who may first."))
    with act("settle", by=by, note=f"Role {row.role.key} ends"):
        if hasattr(row, "absence"):
            row.absence.until = granting.the_end(row.since, row.absence.until, timezone.now())
            row.absence.save(update_fields=["until"])
        else:
            granting.end_bare_grant(row)
