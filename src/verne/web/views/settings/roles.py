"""Roles, what they may do, and who holds them from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from verne.conformity.catalogue import catalogue
from verne.engine.acts import act
from verne.engine.people import Assignment, Organization, Person, Role
from verne.engine.register import registers
from verne.engine.rights import bundles, right, verbs_of
from verne.engine.roles import OF_THE_PROGRAM
from verne.engine.roles import label as role_label

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
}


@dataclass(frozen=True)
class RoleRow:
    """A role in the list: its words, who holds it now, and whether the standard names it."""

    key: str
    label: StrOrPromise
    holders: list[Person]
    of_the_standard: bool


@needs("roles")
def roles(request: HttpRequest) -> HttpResponse:
    """Every role with those who hold it now; one nobody holds stands out."""
    now = timezone.now()
    holding: dict[str, list[Person]] = {}
    rows = Assignment.objects.valid(now).select_related("person", "role").order_by("person__name")
    chosen = request.GET.get("person", "")
    for row in rows:
        holding.setdefault(row.role.key, []).append(row.person)
    keys = Role.objects.values_list("key", flat=True)
    shown = [
        RoleRow(key, role_label(key), holding.get(key, []), key not in OF_THE_PROGRAM)
        for key in keys
        if not chosen or any(str(p.pk) == chosen for p in holding.get(key, []))
    ]
    shown.sort(key=lambda row: (not row.of_the_standard, str(row.label)))
    context = {
        "header": header(request, "roles"),
        "rows": shown,
        "person": Person.objects.filter(pk=chosen).first() if chosen.isdecimal() else None,
    }
    return render(request, "settings/roles.html", context)


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
        else:
            people = people.exclude(at_customers)
        self.fields["person"].queryset = people.order_by("name")  # type: ignore[attr-defined]
        self.initial.setdefault("since", timezone.localtime().replace(second=0, microsecond=0))


@needs("roles")
def role(request: HttpRequest, key: str) -> HttpResponse:
    """A role: its duty, its rights, and who held it when."""
    row = get_object_or_404(Role, key=key)
    by = person_of(request)
    form = AssignForm(row, request.POST or None)

    def do() -> None:
        said = form.cleaned_data
        now = timezone.now()
        new = Assignment(role=row, person=said["person"], since=said["since"], until=said["until"])
        # The form knows minutes: what was meant as now should count now.
        if timedelta(0) < new.since - now < timedelta(minutes=2):
            new.since = now
        if said["communicated"]:
            new.communicated_at = now
        with act("settle", by=by, note=f"Role {row.key}"):
            new.full_clean()
            new.save()

    if request.method == "POST" and saved(form, do):
        messages.success(
            request,
            _("%(person)s holds the role now.") % {"person": form.cleaned_data["person"]}
            if form.cleaned_data["since"] <= timezone.now()
            else _("The role is assigned from the date given."),
        )
        return redirect(f"/settings/roles/{key}/")
    standard = catalogue().roles.get(key)
    return form_page(
        request,
        header(request, "roles", role_label(key)),
        form,
        submit=_("Assign"),
        cancel_url="/settings/roles/",
        template="settings/role.html",
        role=row,
        label=role_label(key),
        assignments=row.assignments.select_related("person").order_by("-since"),
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


@needs("roles")
def duty(request: HttpRequest, key: str) -> HttpResponse:
    """What the holder of a role answers for, in the organization's own words."""
    row = get_object_or_404(Role, key=key)
    form = DutyForm(request.POST or None, instance=row)

    def do() -> None:
        with act("settle", by=person_of(request), note=f"Duty of {row.key}"):
            form.save()

    if request.method == "POST" and saved(form, do):
        messages.success(request, _("The duty is saved."))
        return redirect(f"/settings/roles/{key}/")
    return form_page(
        request,
        header(request, "roles", role_label(key)),
        form,
        submit=_("Save"),
        cancel_url=f"/settings/roles/{key}/",
    )


class DutyForm(forms.ModelForm[Role]):
    class Meta:
        model = Role
        fields = ("duty",)


@require_POST
@needs("roles")
def end(request: HttpRequest, number: int) -> HttpResponse:
    """End an assignment now; it stays known that it was held."""
    row = get_object_or_404(Assignment.objects.select_related("role", "person"), pk=number)
    now = timezone.now()
    try:
        _refuse_last(row)
        with act("settle", by=person_of(request), note=f"Role {row.role.key} ends"):
            # One that has not begun yet ends before it begins to count.
            row.until = max(now, row.since + timedelta(microseconds=1))
            row.save(update_fields=["until"])
        messages.success(request, _("%(person)s holds the role no more.") % {"person": row.person})
    except ValidationError as error:
        tell_refusal(request, error)
    return redirect(f"/settings/roles/{row.role.key}/")


def _refuse_last(row: Assignment) -> None:
    """Somebody must be able to assign roles, or nobody ever could again."""
    keys = [key for key, granted in bundles().items() if "engine.manage_roles" in granted]
    if row.role.key not in keys:
        return
    others = Assignment.objects.valid(timezone.now()).filter(role__key__in=keys).exclude(pk=row.pk)
    if not others.exists():
        raise ValidationError(_("Nobody else may assign roles: give this right to somebody first."))
