"""A finding: what was seen, measured against what, how grave it is, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine.acts import move_by_rule
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.links import Link
from verne.engine.records import Record, RecordQuerySet, Sheet
from verne.engine.requirements import library

from .clauses import an_obligation
from .guest import room_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

IMPROVEMENT = "improvement."
"""The chapter whose records settle a finding; it comes later, so it is known by name alone."""


def improvements_of(finding: AuditFinding) -> Any:
    """Nonconformities and improvements tied to a finding, by whatever kind of link."""
    ties = Link.objects.filter(ended_at=None)
    out = ties.filter(source=finding.pk).values("target")
    back = ties.filter(target=finding.pk).values("source")
    return Sheet.objects.filter(
        models.Q(pk__in=out) | models.Q(pk__in=back),
        kind__startswith=IMPROVEMENT,
        withdrawn_at=None,
    )


def something_is_done_about_it(finding: AuditFinding) -> StrOrPromise | None:
    if improvements_of(finding).exists():
        return None
    return _("Raise a nonconformity or an improvement from it, or link the one there is.")


def a_nonconformity_is_linked_first(finding: AuditFinding) -> StrOrPromise | None:
    if finding.grade not in finding.NONCONFORMITIES or finding.state == "linked":
        return None
    return _("Link what is done about it before it is closed.")


def what_is_linked_is_finished(finding: AuditFinding) -> StrOrPromise | None:
    waiting = [s.ref for s in improvements_of(finding).order_by("pk") if s.opened().is_open]
    if not waiting:
        return None
    return _("Finish first: %(refs)s.") % {"refs": ", ".join(waiting)}


def stamp_closure(finding: AuditFinding, act: Act) -> None:
    finding.closed_at = act.at


def clear_closure(finding: AuditFinding, act: Act) -> None:
    finding.closed_at = None


class FindingLife(Lifecycle):
    open = State(_("Open"), initial=True, tone="gap")
    accepted = State(_("Accepted"), tone="now")
    linked = State(_("Linked"), tone="now")
    closed = State(_("Closed"), final=True)

    accept = Move(open, accepted, _("Accept"), needs=("owner", "response"))
    link_up = Move(
        (open, accepted),
        linked,
        _("Linked to what is done"),
        guards=(something_is_done_about_it,),
    )
    close = Move(
        (open, accepted, linked),
        closed,
        _("Close"),
        needs=("outcome",),
        guards=(a_nonconformity_is_linked_first, what_is_linked_is_finished),
        then=(stamp_closure,),
    )
    reopen = Move(closed, open, _("Reopen"), note=True, then=(clear_closure,))


class FindingQuerySet(RecordQuerySet):
    def nonconformities(self) -> Self:
        return self.filter(grade__in=AuditFinding.NONCONFORMITIES)


class AuditFinding(Record):
    """Something an audit found: a criterion, what was seen, and how grave it is."""

    class Grade(models.TextChoices):
        MAJOR = "major", _("Major nonconformity")
        MINOR = "minor", _("Minor nonconformity")
        OPPORTUNITY = "opportunity", _("Opportunity for improvement")
        STRENGTH = "strength", _("Strength")

    NONCONFORMITIES = (Grade.MAJOR, Grade.MINOR)

    lifecycle = FindingLife

    audit = models.ForeignKey(
        "evaluation.Audit",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("audit"),
    )
    room = models.ForeignKey(
        "evaluation.AuditRoom",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("audit room"),
    )
    obligation = models.CharField(
        _("criterion"),
        max_length=40,
        validators=[an_obligation],
        help_text=_("The obligation it is measured against, such as 8.6.1.a."),
    )
    clause = models.CharField(_("clause"), max_length=20, editable=False)
    statement = models.TextField(
        _("statement"), help_text=_("What is, and what should be: one sentence each.")
    )
    evidence = models.TextField(
        _("evidence"), help_text=_("Records, dates and people, so that anybody can see the same.")
    )
    absent = models.BooleanField(
        _("what is asked is missing altogether"),
        default=False,
        help_text=_("Nothing of it is in place, rather than a lapse in something that works."),
    )
    systematic = models.BooleanField(
        _("it is more than a single lapse"),
        default=False,
        help_text=_("Seen in several records, places or months."),
    )
    doubts_results = models.BooleanField(
        _("services or their results are in doubt"),
        default=False,
        help_text=_("Customers may not get what was agreed, or nobody could tell."),
    )
    grade = models.CharField(_("grade"), max_length=12, choices=Grade)
    repeat_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="repeats",
        verbose_name=_("repeats"),
    )
    sample = models.ForeignKey(
        "evaluation.AuditSample",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("sample"),
    )
    body_reference = models.CharField(_("number given by the body"), max_length=60, blank=True)
    target_date = models.DateField(_("answer due"), null=True, blank=True)
    response = models.TextField(
        _("response"), blank=True, help_text=_("What those concerned say and intend to do.")
    )
    outcome = models.TextField(_("outcome"), blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)

    objects: ClassVar[Any] = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit finding")
        verbose_name_plural = _("audit findings")

    def set_derived(self) -> None:
        asked = library().obligations().get(self.obligation)
        self.clause = asked.clause if asked else ""
        self.room = self.room or room_of(self.filed_by)


def suggested_grade(finding: AuditFinding) -> tuple[str, StrOrPromise]:
    """The grade that the answers to the three questions lead to, and why."""
    grade = AuditFinding.Grade
    if finding.absent:
        return grade.MAJOR, _("What is asked is missing altogether.")
    if finding.doubts_results:
        return grade.MAJOR, _("Services or their results are in doubt.")
    if finding.repeat_of_id and finding.systematic:
        return grade.MAJOR, _("It was found before, and is more than a single lapse.")
    if finding.systematic or finding.repeat_of_id:
        return grade.MINOR, _("It is more than a single lapse, or was found before.")
    return grade.MINOR, _("A single lapse in something that works, if it breaks the obligation.")


def follow_links(act: Act, kinds: set[str]) -> None:
    """Once something is done about a finding, it stands as linked: called after each act."""
    if act.verb != "link" or AuditFinding.kind_name() not in kinds:
        return
    fresh = Link.objects.filter(since=act.at, kind=act.name)
    ends = models.Q(pk__in=fresh.values("source")) | models.Q(pk__in=fresh.values("target"))
    for finding in AuditFinding.objects.standing().filter(ends, state__in=("open", "accepted")):
        if improvements_of(finding).exists():
            refs = ", ".join(improvements_of(finding).values_list("ref", flat=True))
            note = say("Something is done about it: %(refs)s.") % {"refs": refs}
            move_by_rule(finding, "link_up", by=act.by, note=note)
