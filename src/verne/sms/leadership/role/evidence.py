"""What roles and those who hold them prove about 5.3 and 7.5.3."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, every, evidence, some
from verne.engine.history import Entry
from verne.engine.people import Assignment, Person, Role
from verne.engine.rights import bundles
from verne.engine.roles import OF_THE_PROGRAM

CONFORMITY = "sms_manager"
"""The role whose duty is that the SMS conforms."""


@evidence("roles-assigned-communicated", reads=[Role, Assignment, Person])
def roles_are_held_by_people_who_know_it(asked: Asked) -> Evidence:
    told = Assignment.objects.valid(asked.at).filter(
        communicated_at__lte=asked.at, acknowledged_at__lte=asked.at
    )
    return every(
        Role.objects.exclude(key__in=OF_THE_PROGRAM),
        pk__in=told.values("role"),
        note=_("Nobody active holds the role, or nobody who was told so and has acknowledged it."),
    )


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
