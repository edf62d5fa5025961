"""What configuration items prove about 8.2.6, and their types about the change policy of 8.5."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.fields.json import KT, KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from verne.engine import triggers
from verne.engine.evidence import Asked, Evidence, every, evidence
from verne.engine.history import Entry
from verne.engine.people import Assignment, Person
from verne.engine.records import Sheet
from verne.engine.rights import bundles, right, verbs_of
from verne.sms.support.document.models import Document
from verne.sms.support.document.prose import references_in
from verne.sms.support.document.revision import Revision

from ..service.evidence import says_something, services_not_yet_removed
from ..service.models import Service
from .models import CIAttribute, CIType, ConfigurationItem


def items() -> Any:
    return ConfigurationItem.objects.standing()


def items_under_control() -> Any:
    """All but those removed: they have left what we control."""
    return items().exclude(state="removed")


@evidence("ci-types-defined", reads=[CIType, ConfigurationItem])
def items_have_a_type_from_the_list(asked: Asked) -> Evidence:
    types = CIType.objects.standing().in_state("in_use")
    population = Sheet.objects.filter(
        Q(pk__in=types.values("pk")) | Q(pk__in=items_under_control().values("pk"))
    )
    typed = items_under_control().filter(ci_type__in=types.values("pk"))
    return every(
        population,
        Q(pk__in=types.values("pk")) | Q(pk__in=typed.values("pk")),
        note=_("The type of the item is no longer on the list."),
    )


@evidence("change-policy-scope", reads=[CIType, Document, Revision])
def the_change_policy_names_what_is_under_control(asked: Asked) -> Evidence:
    """Every type under change control stands in the policy in force, by its reference or name.

    Whether a type is inside or outside is a field without a third answer.
    """
    types = CIType.objects.standing().in_state("in_use").filter(filed_at__lte=asked.at)
    policies = Document.objects.carrying("change_policy").in_force()
    rows = Revision.objects.filter(state="in_force", document__in=policies.values("pk"))
    texts = list(rows.values_list("text", flat=True))
    if not texts:
        return Evidence(types, types, _("No change management policy is in force."))
    named = {ref for text in texts for ref in references_in(text)}
    whole = "\n".join(texts).casefold()
    unnamed = [
        pk
        for pk, ref, title in types.filter(controlled=True).values_list("pk", "ref", "title")
        if ref not in named and title.casefold() not in whole
    ]
    return Evidence(types, types.filter(pk__in=unnamed), _("The policy in force does not name it."))


@evidence("services-are-cis", reads=[Service, ConfigurationItem, CIType])
def an_item_stands_for_each_service(asked: Asked) -> Evidence:
    standing_for = items_under_control().filter(
        ci_type__stands_for_service=True, represents__isnull=False
    )
    return every(services_not_yet_removed(), pk__in=standing_for.values("represents"))


@evidence("ci-detail-by-criticality", reads=[CIType, ConfigurationItem, Service])
def detail_follows_criticality(asked: Asked) -> Evidence:
    """Types say how much is recorded; items of critical services have all that is required."""
    types = CIType.objects.standing().in_state("in_use")
    critical = Service.objects.standing().filter(criticality=Service.Criticality.HIGH).values("pk")
    linked = items_under_control().filter(
        Q(represents__in=critical)
        | Q(
            pk__in=ConfigurationItem.services.through.objects.filter(service__in=critical).values(
                "configurationitem"
            )
        )
    )
    population = Sheet.objects.filter(Q(pk__in=types.values("pk")) | Q(pk__in=linked.values("pk")))
    silent = types.exclude(pk__in=says_something(types, "level_of_detail").values("pk"))
    lacking = Q(pk__in=silent.values("pk")) | Q(pk__in=_lacking_attributes(linked))
    return Evidence(
        population,
        population.filter(lacking),
        _("A type states no level of detail, or an item lacks what its type requires."),
    )


def _lacking_attributes(among: Any) -> list[int]:
    """Keys of the items that lack something their type requires; one query an attribute."""
    found: set[int] = set()
    for attribute in CIAttribute.objects.filter(required=True).select_related("of"):
        said = among.filter(ci_type=attribute.of_id).annotate(
            said=Cast(KeyTextTransform(attribute.name, "attributes"), TextField())
        )
        found |= set(said.filter(Q(said=None) | Q(said="")).values_list("pk", flat=True))
    return sorted(found)


@evidence("ci-access-controlled", reads=[Assignment, ConfigurationItem, Person])
def only_reviewed_roles_write_configuration(asked: Asked) -> Evidence:
    """Grants that let people write configuration information, held by the active and reviewed.

    That nobody else writes is the work of the verbs and of the triggers under them. Should the
    triggers be gone, nothing proves it, and every grant is an exception.
    """
    grants = running_grants(asked, writing_roles(ConfigurationItem, CIType))
    if triggers.missing(connection):
        return Evidence(grants, grants, _("The triggers that guard the records are not in place."))
    return every(
        grants,
        reviewed_since(asked),
        person__active=True,
        note=_(
            "The person is no longer active, or the grant was not reviewed within the interval."
        ),
    )


def writing_roles(*models: Any) -> list[str]:
    """Keys of the roles that let their holders write records of these types."""
    writing = {right(v, m) for m in models for v in verbs_of(m) if v not in ("view", "comment")}
    return sorted(role for role, rights in bundles().items() if rights & writing)


def running_grants(asked: Asked, roles: list[str]) -> QuerySet[Assignment]:
    """Assignments of these roles that run at the instant, whoever holds them."""
    return Assignment.objects.filter(
        Q(until=None) | Q(until__gt=asked.at), since__lte=asked.at, role__key__in=roles
    )


def reviewed_since(asked: Asked) -> Q:
    """Reviewed within the interval; a grant younger than that has just been decided."""
    return Q(reviewed_at__gte=asked.since) | Q(since__gte=asked.since)


@evidence("ci-identifier", reads=[ConfigurationItem])
def items_have_a_unique_identifier(asked: Asked) -> Evidence:
    shared = (
        ConfigurationItem.objects.values("identifier")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
        .values("identifier")
    )
    named = says_something(items(), "identifier").exclude(identifier__in=shared)
    return every(items(), pk__in=named.values("pk"))


@evidence("ci-type-filled", reads=[ConfigurationItem, CIType], each=ConfigurationItem)
def items_have_a_type(asked: Asked) -> Evidence:
    return every(items(), ci_type__withdrawn_at=None, ci_type__isnull=False)


@evidence("ci-description", reads=[ConfigurationItem], each=ConfigurationItem)
def items_have_a_description(asked: Asked) -> Evidence:
    return every(items(), pk__in=says_something(items(), "description").values("pk"))


@evidence("ci-relationships", reads=[ConfigurationItem], each=ConfigurationItem)
def items_are_tied_or_say_why_not(asked: Asked) -> Evidence:
    explained = says_something(items_under_control(), "stands_alone").values("pk")
    return every(
        items_under_control(),
        Q(pk__in=items().tied().values("pk")) | Q(pk__in=explained),
    )


@evidence("ci-status", reads=[ConfigurationItem], each=ConfigurationItem)
def items_have_a_status_from_the_list(asked: Asked) -> Evidence:
    return every(items(), state__in=list(ConfigurationItem.lifecycle.states))


@evidence("ci-changes-traceable", reads=[ConfigurationItem, Entry], each=ConfigurationItem)
def the_trail_of_items_is_unbroken(asked: Asked) -> Evidence:
    """Every version of an item, from its first to the present one, has its entry in the history.

    Each act raises the version on the cover sheet by one, so the versions told by the entries have
    to be all of them, and the last state they tell the present one.
    """
    if triggers.missing(connection):
        return Evidence(
            items(), items(), _("The triggers that write the history are not in place.")
        )
    of_sheet = Entry.objects.filter(table=Sheet._meta.db_table, row=OuterRef("pk"))
    of_item = Entry.objects.filter(table=ConfigurationItem._meta.db_table, row=OuterRef("pk"))
    told = of_sheet.filter(after__version__isnull=False).order_by()
    number = Cast(KT("after__version"), IntegerField())
    versions = told.values("row").annotate(n=Count(number, distinct=True)).values("n")
    state = of_sheet.filter(after__state__isnull=False).order_by("-pk")
    traced = items().annotate(
        born=Coalesce(_number(of_sheet.filter(op="I"), "row"), 0),
        born_below=Coalesce(_number(of_item.filter(op="I"), "row"), 0),
        versions_told=Coalesce(Subquery(versions[:1], output_field=IntegerField()), 0),
        state_told=Subquery(state.annotate(said=KT("after__state")).values("said")[:1]),
    )
    # In one walk over the items: asking anew which are unbroken would look all of it up twice.
    broken = traced.filter(
        Q(born=0)
        | Q(born_below=0)
        | ~Q(versions_told=F("version"))
        | Q(state_told=None)
        | ~Q(state_told=F("state"))
    )
    return Evidence(items(), broken, _("The history does not tell every version of the item."))


def _number(rows: Any, field: str) -> Subquery:
    return Subquery(rows.order_by("pk").values(field)[:1], output_field=IntegerField())
