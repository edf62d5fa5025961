"""Where to begin: the way from an empty installation to the plan of the first audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Organization, Person
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
    takes_part = person.may("engine.manage_settings") or may(person, "file", AuditProgramme)
    if not takes_part or _an_audit_is_planned():
        return []
    return [
        Step(title, why, url(), done())
        for title, why, url, done in (
            (
                _("Name your organization and its people"),
                _("Everybody who works in the program signs in under their own name."),
                _organization_or_people,
                _people_are_there,
            ),
            (
                _("Describe the roles and appoint people"),
                _(
                    "Begin with the starter texts and put in force what fits. Then appoint top "
                    "management, the SMS manager and the internal audit manager: each signs in "
                    "and accepts."
                ),
                lambda: reverse("seats"),
                _top_management_is_appointed,
            ),
            (
                _("Approve the scope"),
                _(
                    "Begin from the starter text, fill in its [brackets] and submit it. Top "
                    "management signs in, reviews and approves it: then it is in force."
                ),
                lambda: _documented("scope"),
                lambda: _is_in_force("scope"),
            ),
            (
                _("Approve the service management policy"),
                _("What top management commits to. The way is the same."),
                lambda: _documented("sm_policy"),
                lambda: _is_in_force("sm_policy"),
            ),
            (
                _("Put the first audit programme in force"),
                _(
                    "The internal audit manager files it, lays out its areas, says how it is run, "
                    "and asks top management to approve it."
                ),
                lambda: reverse("list", args=["audit-programmes"]),
                _a_programme_is_in_force,
            ),
            (
                _("Plan the first audit"),
                _("Which clauses, on which day, by whom: begin in the coverage grid."),
                lambda: reverse("audit-coverage"),
                _an_audit_is_planned,
            ),
        )
    ]


def _people_are_there() -> bool:
    ours = Organization.objects.filter(kind=Organization.Kind.OWN)
    return ours.exists() and Person.objects.filter(active=True, organization__in=ours).count() > 1


def _top_management_is_appointed() -> bool:
    appointed = Appointment.objects.standing().in_state("in_force")
    return bool(appointed.filter(role__key="top_management").exists())


def _is_in_force(key: str) -> bool:
    return bool(Document.objects.carrying(key).in_state("in_force").exists())


def _a_programme_is_in_force() -> bool:
    return bool(AuditProgramme.objects.standing().in_state("in_force").exists())


def _an_audit_is_planned() -> bool:
    return bool(Audit.objects.standing().exists())


def _organization_or_people() -> str:
    """There, where the next of the two is missing."""
    ours = Organization.objects.filter(kind=Organization.Kind.OWN)
    return reverse("people" if ours.exists() else "organizations")


def _documented(key: str) -> str:
    return f"{reverse('standard-documented')}#{key}"
