"""Where to begin: the way from an empty installation to the plan of the first audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Organization, Person
from verne.engine.prepared import Prepared
from verne.engine.rights import may
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.audit.programme import AuditProgramme
from verne.sms.leadership.role.models import Appointment
from verne.sms.support.document.models import Document

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Step:
    """One thing to do before the next makes sense, and whether it is done."""

    title: StrOrPromise
    why: StrOrPromise
    url: str
    done: bool = False


def first_steps(person: Person) -> list[Step]:
    """The steps with their standing, for those who take them; none once an audit is planned."""
    if not (person.may("engine.manage_settings") or may(person, "file", AuditProgramme)):
        return []
    done = Done(*_done(person=person.pk)[0])
    if done.audit_planned:
        return []
    return [
        Step(title, why, url, done)
        for title, why, url, done in (
            (
                _("Name your organization and its people"),
                _("Everybody who works in the program signs in under their own name."),
                reverse("people" if done.organization_named else "organizations"),
                done.people_there,
            ),
            (
                _("Describe the roles and appoint people"),
                _(
                    "Begin with the starter texts and put in force what fits. Then appoint top "
                    "management, the SMS manager and the internal audit manager: each signs in "
                    "and accepts."
                ),
                reverse("seats"),
                done.top_management_appointed,
            ),
            (
                _("Approve the scope"),
                _(
                    "Begin from the starter text, fill in its [brackets] and submit it. Top "
                    "management signs in, reviews and approves it: then it is in force."
                ),
                _documented("scope"),
                done.scope_in_force,
            ),
            (
                _("Approve the service management policy"),
                _("What top management commits to. The way is the same."),
                _documented("sm_policy"),
                done.policy_in_force,
            ),
            (
                _("Put the first audit programme in force"),
                _(
                    "The internal audit manager files it, lays out its areas, says how it is run, "
                    "and asks top management to approve it."
                ),
                reverse("list", args=["audit-programmes"]),
                done.programme_in_force,
            ),
            (
                _("Plan the first audit"),
                _("Which clauses, on which day, by whom: begin in the coverage grid."),
                reverse("audit-coverage"),
                done.audit_planned,
            ),
        )
    ]


class Done(NamedTuple):
    """What is there already."""

    audit_planned: bool
    organization_named: bool
    people_there: bool
    top_management_appointed: bool
    scope_in_force: bool
    policy_in_force: bool
    programme_in_force: bool


def _what_is_done(person: Any) -> models.QuerySet[Any]:
    """One row, as there is one person who asks."""
    ours = Organization.objects.filter(kind=Organization.Kind.OWN)
    people = Person.objects.filter(active=True, organization__in=ours).order_by("pk")
    appointed = Appointment.objects.standing().in_state("in_force")
    asked = (
        Audit.objects.standing(),
        ours,
        people[1:2],
        appointed.filter(role__key="top_management"),
        Document.objects.carrying("scope").in_state("in_force"),
        Document.objects.carrying("sm_policy").in_state("in_force"),
        AuditProgramme.objects.standing().in_state("in_force"),
    )
    return Person.objects.filter(pk=person).values_list(*(models.Exists(rows) for rows in asked))


_done = Prepared(_what_is_done, person=models.BigIntegerField())


def _documented(key: str) -> str:
    return f"{reverse('standard-documented')}#{key}"
