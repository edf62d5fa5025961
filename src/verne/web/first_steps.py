"""Where to begin: the way from an empty installation to the plan of the first audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Organization, Person
from verne.engine.records import Sheet
from verne.sms.leadership.role.models import Appointment
from verne.sms.support.document.models import Document

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PROGRAMME = "evaluation.auditprogramme"


@dataclass(frozen=True)
class Step:
    """One thing to do before the next makes sense, and whether it is done."""

    title: StrOrPromise
    why: StrOrPromise
    url: str
    done: bool = False


def first_steps(person: Person) -> list[Step]:
    """The steps with their standing, for whoever sets the program up; none once all are done."""
    if not person.may("engine.manage_settings") or _audits_are_planned():
        return []
    return [
        Step(title, why, url(), done())
        for title, why, url, done in (
            (
                _("Name your organization and its people"),
                _("Everybody who works in the program signs in under their own name."),
                lambda: reverse("settings"),
                _people_are_there,
            ),
            (
                _("Describe the roles and appoint people"),
                _("Appointments grant the rights. Begin with top management."),
                lambda: reverse("seats"),
                _top_management_is_appointed,
            ),
            (
                _("Approve the scope"),
                _("Which services, for whom, from where. There is a text to begin with."),
                lambda: _documented("scope"),
                lambda: _is_in_force("scope"),
            ),
            (
                _("Approve the service management policy"),
                _("What top management commits to. There is a text to begin with."),
                lambda: _documented("sm_policy"),
                lambda: _is_in_force("sm_policy"),
            ),
            (
                _("Put the first audit programme in force"),
                _("It lays out what is audited when, and plans the first audit."),
                lambda: reverse("list", args=["audit-programmes"]),
                _audits_are_planned,
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


def _audits_are_planned() -> bool:
    return Sheet.objects.filter(kind=PROGRAMME, state="in_force", withdrawn_at=None).exists()


def _documented(key: str) -> str:
    return f"{reverse('standard-documented')}#{key}"
