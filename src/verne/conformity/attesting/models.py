"""A signed, reasoned and expiring judgement on one obligation, and its lifecycle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine import moment
from verne.engine.acts import move_by_rule
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.people import Person
from verne.engine.records import Record, RecordQuerySet
from verne.engine.roles import label as role_label

from ..catalogue import Requirement, catalogue, original
from ..duration import Duration

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

USUAL = Duration.parse("P12M")
"""How long a judgement may count where the obligation names no planned interval."""

WARNING = timedelta(days=30)
"""How long before its end a judgement asks for the next one."""

CONTENT = ("requirement", "judgement", "statement", "reason", "valid_until")


def its_end_lies_ahead(attestation: Attestation) -> StrOrPromise | None:
    if attestation.valid_until is None or attestation.valid_until > moment.now().date():
        return None
    return _("Choose a day in the future until which it counts.")


def it_ends_within_the_interval(attestation: Attestation) -> StrOrPromise | None:
    """At most one planned interval ahead: then somebody has to look again."""
    latest = latest_end(attestation.obligation, moment.now())
    if attestation.valid_until is None or attestation.valid_until <= latest:
        return None
    return _("It counts for one planned interval at most: choose a day up to %(day)s.") % {
        "day": latest.isoformat()
    }


def its_end_is_near(attestation: Attestation) -> StrOrPromise | None:
    if attestation.valid_until and attestation.valid_until <= (moment.now() + WARNING).date():
        return None
    return _("Its end is more than a month away.")


def its_end_has_come(attestation: Attestation) -> StrOrPromise | None:
    if attestation.valid_until and attestation.valid_until <= moment.now().date():
        return None
    return _("It still counts.")


def a_newer_one_is_signed(attestation: Attestation) -> StrOrPromise | None:
    newer = Attestation.objects.filter(
        requirement=attestation.requirement, signed_at__gte=attestation.signed_at
    )
    if newer.exclude(pk=attestation.pk).exists():
        return None
    return _("No newer judgement on this obligation is signed.")


def only_who_answers_for_it(attestation: Attestation, person: Person) -> StrOrPromise | None:
    return why_not(attestation.obligation, person)


def only_the_accountable(attestation: Attestation, person: Person) -> StrOrPromise | None:
    if person.pk == attestation.signed_by_id:
        return None
    return why_not(attestation.obligation, person)


def stamp_signature(attestation: Attestation, act: Act) -> None:
    attestation.signed_by = attestation.owner = act.by
    attestation.signed_at = act.at
    note = say("%(ref)s has taken its place.") % {"ref": attestation.ref}
    standing = Attestation.objects.standing().in_state("signed", "expiring")
    formers = list(standing.filter(requirement=attestation.requirement).exclude(pk=attestation.pk))
    # The guard of the former asks whether this one is signed.
    attestation.save(update_fields=["owner", "signed_by", "signed_at"])
    for former in formers:
        move_by_rule(former, "replace", by=act.by, note=note, at=act.at)


def stamp_end(attestation: Attestation, act: Act) -> None:
    attestation.ended_at = act.at


class AttestationLife(Lifecycle):
    draft = State(_("Not signed"), initial=True)
    signed = State(_("Signed"), tone="met")
    expiring = State(_("Expiring"), tone="gap")
    expired = State(_("Expired"), final=True)
    replaced = State(_("Replaced"), final=True)
    revoked = State(_("Revoked"), final=True)

    sign_it = Move(
        draft,
        signed,
        _("Sign"),
        needs=("judgement", "statement", "reason", "valid_until"),
        guards=(its_end_lies_ahead, it_ends_within_the_interval),
        by=(only_who_answers_for_it,),
        then=(stamp_signature,),
        signed="attestation",
    )
    warn = Move(signed, expiring, _("Ask for the next one"), guards=(its_end_is_near,))
    expire = Move(
        (signed, expiring),
        expired,
        _("Let it expire"),
        guards=(its_end_has_come,),
        then=(stamp_end,),
    )
    replace = Move(
        (signed, expiring),
        replaced,
        _("Replace"),
        guards=(a_newer_one_is_signed,),
        then=(stamp_end,),
    )
    revoke = Move(
        (signed, expiring),
        revoked,
        _("Revoke"),
        by=(only_the_accountable,),
        then=(stamp_end,),
        note=True,
    )


class AttestationQuerySet(RecordQuerySet):
    def in_force(self, at: datetime) -> Self:
        """Those that counted at an instant: signed, neither expired nor taken back by then."""
        ended = Q(ended_at__isnull=False, ended_at__lte=at)
        return (
            self.filter(signed_at__lte=at, valid_until__gt=at.date())
            .exclude(ended)
            .exclude(withdrawn_at__lte=at)
        )


class Attestation(Record):
    """What the accountable person judges of an obligation, why, and until when it counts."""

    class Judgement(models.TextChoices):
        MET = "met", _("It is met")
        NOT_MET = "not_met", _("It is not met")

    lifecycle = AttestationLife

    requirement = models.CharField(
        _("obligation"), max_length=30, help_text=_("Its number, such as 5.1.f.")
    )
    judgement = models.CharField(_("judgement"), max_length=10, choices=Judgement, blank=True)
    statement = models.TextField(
        _("statement"), blank=True, help_text=_("What you judge, in a sentence or two.")
    )
    reason = models.TextField(
        _("reason"), blank=True, help_text=_("What you saw that makes you judge so.")
    )
    valid_until = models.DateField(_("counts until"), null=True, blank=True)
    signed_by = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="attestations",
        verbose_name=_("signed by"),
    )
    signed_at = models.DateTimeField(_("signed"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects: ClassVar[Any] = AttestationQuerySet.as_manager()

    class Meta:
        app_label = "conformity"
        verbose_name = _("attestation")
        verbose_name_plural = _("attestations")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["requirement", "signed_at"], name="attestation_of")
        ]

    @property
    def obligation(self) -> Requirement:
        return catalogue().requirements[self.requirement]

    def content(self) -> dict[str, Any]:
        """What is signed: the judgement, and the words of the obligation it is about."""
        given = super().content()
        # In one language, whoever signs and whoever looks: a signature stands on the same words.
        asked = original().requirements[self.requirement].text
        return {name: given[name] for name in CONTENT} | {"asked": asked}

    def what_is_signed(self) -> str:
        return f"{self.ref} {self.obligation.cite}"

    def set_derived(self) -> None:
        if not self.title and self.requirement in catalogue().requirements:
            self.title = f"{self.obligation.cite} {self.obligation.title}"[:200]

    def clean(self) -> None:
        if self.requirement not in catalogue().requirements:
            raise ValidationError(
                {"requirement": _("There is no such obligation: write its number, such as 5.1.f.")}
            )
        before = Attestation.objects.filter(pk=self.pk).exclude(state="draft").first()
        if before and any(getattr(before, name) != getattr(self, name) for name in CONTENT):
            raise ValidationError(_("A signed judgement stays: revoke it, and sign another."))


def why_not(requirement: Requirement, person: Person) -> StrOrPromise | None:
    """Why this person is not the one to judge an obligation; None for who answers for it."""
    if requirement.owner_role in person.roles:
        return None
    return _("Only who holds the role that answers for it can: %(role)s.") % {
        "role": role_label(requirement.owner_role)
    }


def latest_end(requirement: Requirement, at: datetime) -> date:
    """The last day until which a judgement signed at an instant may count."""
    from ..adjusting import InForce

    interval = InForce.at(at).frequency(requirement) or USUAL
    return (at + interval.until(at)).date()


def judgements(requirements: Iterable[str], at: datetime | None = None) -> dict[str, Attestation]:
    """The newest judgement in force on each of these obligations."""
    at = at or timezone.now()
    rows = Attestation.objects.in_force(at).filter(requirement__in=list(requirements))
    ordered = rows.select_related("signed_by").order_by("signed_at", "pk")
    return {row.requirement: row for row in ordered}
