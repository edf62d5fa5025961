"""What nonconformities and corrective actions say about 10.1, and about services under way."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from verne.engine import triggers
from verne.engine.evidence import Asked, Evidence, every, evidence, none_of
from verne.engine.history import Entry
from verne.engine.links import Link
from verne.engine.records import Record, Sheet
from verne.sms.portfolio.service.evidence import live_services
from verne.sms.portfolio.service.models import Service
from verne.sms.support.document.retention import RetentionRule, RetentionSubject

from .action import CorrectiveAction, CorrectiveActionQuerySet
from .models import Cause, Nonconformity, NonconformityQuerySet


def _nonconformities(asked: Asked) -> NonconformityQuerySet:
    found: NonconformityQuerySet = Nonconformity.objects.accepted()
    return found.filter(detected_at__lte=asked.at)


def _past_correction(asked: Asked) -> NonconformityQuerySet:
    """Those corrected, and those that should have been long ago."""
    late = Q(state="detected", detected_at__lt=asked.at - asked.delay("correction_delay"))
    return _nonconformities(asked).filter(~Q(state="detected") | late)


def _reviewed(asked: Asked) -> NonconformityQuerySet:
    return _nonconformities(asked).reviewed()


def _on_the_cause(asked: Asked) -> CorrectiveActionQuerySet:
    found: CorrectiveActionQuerySet = CorrectiveAction.objects.standing().on_the_cause()
    return found.filter(filed_at__lte=asked.at).exclude(state="dropped")


STATED = ~Q(correction="") | ~Q(no_correction="")


@evidence("nc-corrected", reads=(Nonconformity,))
def they_are_corrected_in_time(asked: Asked) -> Evidence:
    delay = asked.delay("correction_delay")
    not_yet = Q(corrected_at=None) & Q(detected_at__lt=asked.at - delay)
    too_late = Q(corrected_at__gt=F("detected_at") + delay)
    return none_of(
        _nonconformities(asked),
        not_yet | too_late | (Q(corrected_at__isnull=False) & ~STATED),
        note=_("Not corrected within the delay, or without saying how."),
    )


@evidence("nc-consequences", reads=(Nonconformity,))
def their_consequences_are_dealt_with(asked: Asked) -> Evidence:
    return every(_past_correction(asked), ~Q(consequences=""), ~Q(consequences_handled=""))


@evidence("nc-reviewed", reads=(Nonconformity,))
def they_are_reviewed_by_an_owner(asked: Asked) -> Evidence:
    """One that was corrected long ago and never looked at again counts as well."""
    forgotten = Q(corrected_at__lt=asked.at - asked.delay("correction_delay"))
    reviewed = ("analysed", "in_corrective_action", "awaiting_effectiveness", "closed")
    population = _nonconformities(asked).filter(
        Q(state__in=reviewed) | Q(state="corrected") & forgotten
    )
    return every(
        population,
        reviewed_at__isnull=False,
        reviewed_by__isnull=False,
        owner__isnull=False,
        needs_action__isnull=False,
    )


@evidence("nc-causes", reads=(Nonconformity,))
def their_causes_are_stated(asked: Asked) -> Evidence:
    roots = Cause.objects.filter(of=OuterRef("pk"), is_root=True)
    left = Q(needs_action=False) & ~Q(review_reason="")
    return every(
        _reviewed(asked),
        Q(Exists(roots)) | left,
        note=_("Neither a cause that is removed, nor why none need be."),
    )


@evidence("nc-similar", reads=(Nonconformity,))
def similar_ones_are_looked_for(asked: Asked) -> Evidence:
    return every(_reviewed(asked), ~Q(similar=""), ~Q(similar_scope=""))


@evidence("nc-actions-implemented", reads=(Nonconformity, CorrectiveAction))
def what_they_need_is_done(asked: Asked) -> Evidence:
    planned = _on_the_cause(asked).filter(nonconformity=OuterRef("pk"), round=OuterRef("round"))
    late = planned.filter(state__in=("planned", "under_way"), due_at__lte=asked.at)
    return none_of(
        _reviewed(asked).filter(needs_action=True),
        ~Q(Exists(planned)) | Q(Exists(late)),
        note=_("No corrective action, or one past its day."),
    )


@evidence("nc-effectiveness", reads=(CorrectiveAction, Nonconformity))
def effects_are_reviewed_in_time(asked: Asked) -> Evidence:
    delay = asked.delay("effectiveness_review_delay")
    done = _on_the_cause(asked).filter(done_at__lte=asked.at)
    never = Q(effect_reviewed_at=None, done_at__lt=asked.at - delay)
    too_late = Q(effect_reviewed_at__gt=F("done_at") + delay)
    left_there = Q(state="ineffective", round=F("nonconformity__round"))
    return none_of(
        done,
        never | too_late | left_there,
        note=_("Effect not reviewed in time, or not effective and left there."),
    )


@evidence("nc-proportionate", reads=(CorrectiveAction,))
def actions_are_in_proportion(asked: Asked) -> Evidence:
    return every(_on_the_cause(asked), ~Q(proportion=""))


@evidence("nc-nature-retained", reads=(Nonconformity, Entry, RetentionRule))
def what_they_were_is_kept(asked: Asked) -> Evidence:
    """A closed one keeps what was done about it as well."""
    every_one = Nonconformity.objects.standing().filter(detected_at__lte=asked.at)
    said = ~Q(nature="") & (~Q(state="closed") | STATED)
    return _retained(Nonconformity, every_one, said)


@evidence("nc-results-retained", reads=(CorrectiveAction, Entry, RetentionRule))
def what_actions_brought_is_kept(asked: Asked) -> Evidence:
    done = _on_the_cause(asked).filter(done_at__lte=asked.at)
    return _retained(CorrectiveAction, done, ~Q(result=""))


def _retained(kind: type[Record], population: Any, said: Q) -> Evidence:
    """Kept by a rule in force, with a trail that the triggers guard and that has no gap.

    Each version of a record left one entry of its cover sheet in the history.
    """
    if triggers.missing(connection):
        return Evidence(
            population, population, _("The triggers that guard the records are not in place.")
        )
    rules = RetentionSubject.objects.filter(
        subject=kind.kind_name(), of__state="in_force", of__withdrawn_at=None
    )
    if not rules.exists():
        return Evidence(population, population, _("No retention rule in force speaks of them."))
    entries = Entry.objects.filter(
        table=Sheet._meta.db_table, row=OuterRef("pk"), after__version__isnull=False
    )
    counted = entries.order_by().values("row").annotate(times=Count("pk")).values("times")
    return every(
        population,
        said,
        Q(version=Subquery(counted)),
        note=_("It lacks what is to be kept, or its trail has a gap."),
    )


@evidence("service-delivery-coordinated", reads=(Service, CorrectiveAction, Nonconformity))
def services_are_owned_and_their_actions_in_time(asked: Asked) -> Evidence:
    """Actions on a service are those against nonconformities that were raised from it."""
    services = live_services().filter(filed_at__lte=asked.at)
    ties = Link.objects.filter(kind="raised_from", ended_at=None, target__in=services.values("pk"))
    actions = CorrectiveAction.objects.standing().open()
    actions = actions.filter(nonconformity__in=ties.values("source"), filed_at__lte=asked.at)
    idle = Q(owner=None) | Q(owner__active=False)
    bad = Q(pk__in=services.filter(idle).values("pk"))
    bad |= Q(pk__in=actions.filter(idle | Q(due_at=None) | Q(due_at__lt=asked.at)).values("pk"))
    population = Sheet.objects.filter(
        Q(pk__in=services.values("pk")) | Q(pk__in=actions.values("pk"))
    )
    return none_of(
        population, bad, note=_("The service or an action on it has no owner, or is overdue.")
    )
