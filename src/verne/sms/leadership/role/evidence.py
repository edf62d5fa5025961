"""What roles and those who hold them prove about 5.3 and 7.5.3."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, every, evidence, some
from verne.engine.history import Entry
from verne.engine.people import Assignment, Person, Role
from verne.engine.rights import bundles
from verne.engine.roles import OF_THE_PROGRAM

from .models import Appointment, RoleDefinition

CONFORMITY = "sms_manager"
"""The role whose duty is that the SMS conforms."""


@evidence("roles-assigned-communicated", reads=[Role, Assignment, Person, RoleDefinition])
def roles_are_held_by_people_who_know_it(asked: Asked) -> Evidence:
    told = Assignment.objects.valid(asked.at).filter(
        communicated_at__lte=asked.at, acknowledged_at__lte=asked.at
    )
    enough = Role.objects.annotate(
        holders=Count("assignments__person", Q(assignments__in=told.values("pk")), distinct=True),
        needed=Coalesce(Subquery(_least_holders()), Value(1)),
    )
    return every(
        Role.objects.exclude(key__in=OF_THE_PROGRAM),
        pk__in=enough.filter(holders__gte=F("needed")).values("pk"),
        note=_("Fewer active people than the role needs were told of it and have accepted it."),
    )


def _least_holders() -> Any:
    described = RoleDefinition.objects.standing().exclude(state="retired")
    return described.filter(role=OuterRef("pk")).values("least_holders")[:1]


@evidence("sms-conformity-role-held", reads=[Role, Assignment, Person])
def somebody_answers_for_conformity(asked: Asked) -> Evidence:
    """The role is described, held by an active person, and top management gave it to them."""
    held = Assignment.objects.valid(asked.at).filter(role__key=CONFORMITY).exclude(role__duty="")
    return some(
        _assigned_by_top_management(held),
        note=_("The duty of the role is described, and top management assigned it."),
    )


def _assigned_by_top_management(assignments: Any) -> Any:
    """Those whose row was written by somebody who was top management at that moment."""
    written = Entry.objects.filter(
        table=Assignment._meta.db_table, row=OuterRef("pk"), op=Entry.Op.INSERT
    ).order_by("pk")
    in_charge = Assignment.objects.filter(
        Q(until=None) | Q(until__gt=OuterRef("assigned_at")),
        role__key="top_management",
        person=OuterRef("assigned_by"),
        since__lte=OuterRef("assigned_at"),
    )
    return assignments.annotate(
        assigned_by=Subquery(written.values("act__by")[:1]),
        assigned_at=Subquery(written.values("act__at")[:1]),
    ).filter(Exists(in_charge))


@evidence("docs-access-reviewed", reads=[Assignment, Person])
def access_is_reviewed_and_held_by_the_active(asked: Asked) -> Evidence:
    """Every running grant of a role that opens records or documents."""
    grants = Assignment.objects.filter(
        Q(until=None) | Q(until__gt=asked.at),
        since__lte=asked.at,
        role__key__in=[role for role, rights in bundles().items() if rights],
    )
    return every(
        grants,
        Q(reviewed_at__gte=asked.since) | Q(since__gte=asked.since),
        person__active=True,
        note=_(
            "The person is no longer active, or the grant was not reviewed within the interval."
        ),
    )


@evidence("aware-contribution", reads=[Assignment, Person, Role, RoleDefinition, Appointment])
def holders_accepted_what_the_role_contributes(asked: Asked) -> Evidence:
    """Who only stands in for a while knows the role from the one who does."""
    told = RoleDefinition.objects.standing().exclude(contribution="").values("role")
    held = Assignment.objects.valid(asked.at).filter(absence=None)
    return every(
        held.exclude(role__key__in=OF_THE_PROGRAM),
        role__in=told,
        acknowledged_at__lte=asked.at,
        note=_("Not accepted, or nobody has said what the role contributes."),
    )
