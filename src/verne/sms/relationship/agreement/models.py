"""Service level agreements in versions, their targets, and the results measured against them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine.acts import act as open_act
from verne.engine.acts import file
from verne.engine.calendars import ServiceCalendar
from verne.engine.clock import THRESHOLDS
from verne.engine.jobs import later
from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.moment import now
from verne.engine.people import Organization
from verne.engine.records import Part, Record, RecordQuerySet
from verne.engine.register import part_rows, plain
from verne.sms.portfolio.service.models import Service, ServiceRequirement, needed_at_go_live

if TYPE_CHECKING:
    from datetime import date

    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

SIGNED = ("agreed", "in_force", "under_review", "expired", "terminated")
"""States of an agreement that both sides have signed: its terms stand as they are."""

TERMS = (
    "previous",
    "customer",
    "services",
    "requirements",
    "valid_from",
    "valid_until",
    "monthly_incidents",
    "monthly_requests",
    "workload_limits",
    "exceptions",
    "no_exceptions",
    "pauses",
    "support_fit",
    "signed_by",
    "signed_on",
    "customer_signatory",
    "customer_signed_on",
)
"""What the two sides sign, beside the targets."""


def it_covers_a_service(agreement: Agreement) -> StrOrPromise | None:
    if agreement.services.exists():
        return None
    return _("Name at least one service that it covers.")


def it_has_a_target(agreement: Agreement) -> StrOrPromise | None:
    if agreement.targets.exists():
        return None
    return _("Add at least one service level target.")


def its_exceptions_are_stated(agreement: Agreement) -> StrOrPromise | None:
    if agreement.exceptions.strip() or agreement.no_exceptions:
        return None
    return _("Write down the exceptions, or state that there are none.")


def each_service_has_a_requirement(agreement: Agreement) -> StrOrPromise | None:
    covered = agreement.requirements.in_state("agreed").standing().values("service")
    bare = agreement.services.exclude(pk__in=covered).order_by("title")
    if names := list(bare.values_list("title", flat=True)[:5]):
        return say("Name an agreed service requirement of: %(services)s.") % {
            "services": ", ".join(names)
        }
    return None


def it_has_begun(agreement: Agreement) -> StrOrPromise | None:
    if agreement.valid_from and agreement.valid_from > now().date():
        return _("The day from which it is valid has not come yet.")
    return None


def it_has_not_run_out(agreement: Agreement) -> StrOrPromise | None:
    if agreement.valid_until and agreement.valid_until < now().date():
        return _("The day until which it is valid has passed: make a new version.")
    return None


def no_version_is_being_prepared(agreement: Agreement) -> StrOrPromise | None:
    coming = agreement.family_members().in_state("draft", "negotiated", "agreed").standing().first()
    if coming is None:
        return None
    return say("%(ref)s is a new version already in preparation.") % {"ref": coming.ref}


def seal_the_terms(agreement: Agreement, act: Act) -> None:
    agreement.terms_hash = agreement.hash_of_terms()
    agreement.agreed_at = act.at


def supersede_the_former(agreement: Agreement, act: Act) -> None:
    """One version of a family is in force; the former one ends in the same act."""
    assert agreement.valid_from is not None  # the move asks for it
    agreement.in_force_since = _start_of(agreement.valid_from)
    if agreement.valid_until:
        agreement.in_force_until = _start_of(agreement.valid_until) + timedelta(days=1)
    note = say("%(ref)s has taken its place.") % {"ref": agreement.ref}
    for former in agreement.family_members().in_state("in_force", "under_review"):
        _expire(former, until=agreement.in_force_since, act=act, note=note)


def hand_clocks_on(agreement: Agreement, act: Act) -> None:
    """Records still open change to the targets that apply now, in the background."""
    from .days import hand_clocks_on

    later(hand_clocks_on, agreement.pk)


def _expire(former: Agreement, *, until: datetime, act: Act, note: str) -> None:
    with open_act(
        "move",
        by=act.by,
        record=former.pk,
        name="expire",
        note=note,
        at=act.at,
        kind=former.kind_name(),
    ):
        former.state = "expired"
        former.in_force_until = min(until, former.in_force_until or until)
        former.in_force_for = None
        former.version += 1
        former.changed_at = act.at
        former.save()


def end_its_force(agreement: Agreement, act: Act) -> None:
    if agreement.in_force_since:
        agreement.in_force_until = min(act.at, agreement.in_force_until or act.at)


def measure_anew(agreement: Agreement, act: Act) -> None:
    from .measuring import measure

    measure(agreement, act.at, by=act.by)


def stamp_review(agreement: Agreement, act: Act) -> None:
    agreement.reviewed_at = act.at


def draft_new_version(agreement: Agreement, act: Act) -> None:
    """A draft with the same terms, to be changed, negotiated and signed anew."""
    if act.by is None:
        raise ValidationError(_("A new version is drafted by a person."))
    anew = ("previous", "valid", "signed", "customer_sign")
    copied = [name for name in TERMS if not name.startswith(anew)]
    values: dict[str, Any] = {
        name: list(getattr(agreement, name).all())
        if agreement._meta.get_field(name).many_to_many
        else getattr(agreement, name)
        for name in copied
    }
    targets = [
        {name: row[name] for name in ServiceLevelTarget.part_fields}
        for row in part_rows(agreement, "targets")
    ]
    file(
        Agreement,
        values
        | {
            "title": agreement.title,
            "owner": agreement.owner,
            "previous": agreement,
            "targets": targets,
        },
        by=act.by,
        at=act.at,
    )


class AgreementLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    negotiated = State(_("Negotiated"))
    agreed = State(_("Agreed"))
    in_force = State(_("In force"), tone="met")
    under_review = State(_("Under review"), tone="partly")
    expired = State(_("Expired"), final=True)
    terminated = State(_("Terminated"), final=True)

    negotiate = Move(
        draft,
        negotiated,
        _("Close the negotiation"),
        guards=(it_covers_a_service, it_has_a_target),
    )
    redraft = Move(negotiated, draft, _("Back to draft"), note=True)
    agree = Move(
        negotiated,
        agreed,
        _("Agree"),
        needs=(
            "valid_from",
            "review_due",
            "workload_limits",
            "support_fit",
            "signed_by",
            "signed_on",
            "customer_signatory",
            "customer_signed_on",
        ),
        guards=(
            it_covers_a_service,
            it_has_a_target,
            its_exceptions_are_stated,
            each_service_has_a_requirement,
        ),
        then=(seal_the_terms,),
    )
    activate = Move(
        agreed,
        in_force,
        _("Put in force"),
        guards=(it_has_begun, it_has_not_run_out),
        then=(supersede_the_former, hand_clocks_on),
    )
    measure = Move(in_force, in_force, _("Measure now"), then=(measure_anew,))
    review = Move(in_force, under_review, _("Begin review"), then=(measure_anew,))
    confirm = Move(
        under_review,
        in_force,
        _("Confirm after review"),
        needs=("review_due",),
        note=True,
        then=(stamp_review,),
    )
    new_version = Move(
        (in_force, under_review),
        under_review,
        _("Draft a new version"),
        note=True,
        guards=(no_version_is_being_prepared,),
        then=(draft_new_version,),
    )
    expire = Move(
        (agreed, in_force, under_review),
        expired,
        _("Let it expire"),
        note=True,
        then=(end_its_force, hand_clocks_on),
    )
    terminate = Move(
        (agreed, in_force, under_review),
        terminated,
        _("Terminate"),
        note=True,
        then=(end_its_force, hand_clocks_on),
    )


class AgreementQuerySet(RecordQuerySet):
    def agreed(self, at: datetime) -> Self:
        """Signed by both sides, and valid at an instant."""
        day = at.date()
        return self.standing().filter(
            models.Q(valid_until=None) | models.Q(valid_until__gte=day),
            state__in=("agreed", "in_force", "under_review"),
        )

    def in_force(self, at: datetime) -> Self:
        """In force at an instant, whatever has become of it since."""
        return self.standing().filter(
            models.Q(in_force_until=None) | models.Q(in_force_until__gt=at),
            in_force_since__lte=at,
        )


class Agreement(Record):
    """One version of a service level agreement (SLA) with a customer."""

    lifecycle = AgreementLife

    services = models.ManyToManyField(
        Service, related_name="agreements", blank=True, verbose_name=_("services")
    )
    requirements = models.ManyToManyField(
        ServiceRequirement,
        related_name="agreements",
        blank=True,
        verbose_name=_("service requirements it answers"),
    )
    previous = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="next_versions",
        verbose_name=_("previous version"),
    )
    first = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("first version"),
    )
    version_number = models.PositiveSmallIntegerField(
        _("version of the agreement"), default=1, editable=False
    )
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("Empty: until it is ended.")
    )
    review_due = models.DateField(_("review due"), null=True, blank=True)
    reviewed_at = models.DateTimeField(_("last reviewed"), null=True, editable=False)
    workload_limits = models.TextField(
        _("workload limits"),
        blank=True,
        help_text=_("Up to what volume the targets hold."),
    )
    monthly_incidents = models.PositiveIntegerField(
        _("incidents a month at most"), null=True, blank=True
    )
    monthly_requests = models.PositiveIntegerField(
        _("service requests a month at most"), null=True, blank=True
    )
    exceptions = models.TextField(
        _("exceptions"), blank=True, help_text=_("Circumstances in which a target does not apply.")
    )
    no_exceptions = models.BooleanField(_("there are no exceptions"), default=False)
    pauses = models.JSONField(
        _("waiting that stops the clock"),
        null=True,
        blank=True,
        help_text=_("Reasons such as user or supplier. Empty: what is usual for the record."),
    )
    support_fit = models.TextField(
        _("fit of supporting contracts"),
        blank=True,
        help_text=_("How contracts with suppliers and internal agreements support these targets."),
    )
    signed_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("signed for us by"),
    )
    signed_on = models.DateField(_("signed for us on"), null=True, blank=True)
    customer_signatory = models.CharField(
        _("signed for the customer by"), max_length=200, blank=True
    )
    customer_signed_on = models.DateField(_("signed for the customer on"), null=True, blank=True)
    agreed_at = models.DateTimeField(_("agreed"), null=True, editable=False)
    terms_hash = models.CharField(
        _("SHA-256 of the signed terms"), max_length=64, blank=True, editable=False
    )
    in_force_since = models.DateTimeField(_("in force since"), null=True, editable=False)
    in_force_until = models.DateTimeField(_("in force until"), null=True, editable=False)
    in_force_for = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("version in force of"),
    )

    objects: ClassVar[Any] = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("service level agreement")
        verbose_name_plural = _("service level agreements")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Only a version in force names its family here, so the database keeps it to one.
            models.UniqueConstraint(fields=["in_force_for"], name="one_version_in_force"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["in_force_since"], name="agreement_in_force"),
            models.Index(fields=["review_due"], name="agreement_review_due"),
        ]

    def set_derived(self) -> None:
        self.first_id = self.previous.family if self.previous else None
        self.version_number = self.previous.version_number + 1 if self.previous else 1
        standing = self.state in ("in_force", "under_review") and self.withdrawn_at is None
        self.in_force_for_id = self.family if standing else None

    def clean(self) -> None:
        if self.customer and self.customer.kind != Organization.Kind.CUSTOMER:
            raise ValidationError({"customer": _("Agreements are made with customers.")})
        if self.previous and self.previous.customer_id != self.customer_id:
            raise ValidationError(
                {"previous": _("A new version is made with the same customer as the previous one.")}
            )
        if self.previous_id is not None and self.previous_id == self.pk:
            raise ValidationError({"previous": _("An agreement is no version of itself.")})
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": _("The end must come after the beginning.")})
        if self.exceptions.strip() and self.no_exceptions:
            raise ValidationError({"no_exceptions": _("There are exceptions: see above.")})
        if self.pauses is not None and not _are_texts(self.pauses):
            raise ValidationError({"pauses": _("Give a list of reasons.")})
        if self.state in SIGNED and self.terms_hash and self.terms_hash != self.hash_of_terms():
            raise ValidationError(
                _("What both sides have signed is not changed: draft a new version instead.")
            )

    @property
    def family(self) -> int:
        """The key of its first version, which all versions share."""
        return self.first_id or self.pk

    def family_members(self) -> Any:
        """Its other versions."""
        versions = Agreement.objects.filter(models.Q(first=self.family) | models.Q(pk=self.family))
        return versions.exclude(pk=self.pk)

    def hash_of_terms(self) -> str:
        """SHA-256 of everything the two sides sign."""
        terms = {name: plain(self, name) for name in TERMS}
        terms["targets"] = part_rows(self, "targets")
        text = json.dumps(terms, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@needed_at_go_live
def its_levels_are_agreed(service: Service) -> StrOrPromise | None:
    if Agreement.objects.agreed(now()).filter(services=service).exists():
        return None
    return _("No service level agreement that covers it is agreed.")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _usual_thresholds() -> list[int]:
    return list(THRESHOLDS)


def _percentages(value: Any) -> None:
    if not isinstance(value, list) or not all(
        isinstance(share, int) and not isinstance(share, bool) and 0 < share <= 1000
        for share in value
    ):
        raise ValidationError(_("Give a list of whole percentages, such as 50, 75, 90 and 100."))


class ServiceLevelTarget(Part):
    """A level promised for a service, measured by the clocks of operating records."""

    class Measure(models.TextChoices):
        RESPOND = "respond", _("Time to respond")
        NEXT_UPDATE = "next_update", _("Time to the next update")
        RESOLVE = "resolve", _("Time to resolve")
        FULFIL = "fulfil", _("Time to fulfil")
        AVAILABILITY = "availability", _("Availability")

    class Of(models.TextChoices):
        INCIDENT = "incident", _("Incidents")
        SERVICE_REQUEST = "service_request", _("Service requests")

    class Window(models.TextChoices):
        MONTH = "month", _("Each month")
        QUARTER = "quarter", _("Each quarter")
        YEAR = "year", _("Each year")

    part_fields = (
        "measure",
        "applies_to",
        "priority",
        "request_model",
        "seconds",
        "days",
        "end_of_day",
        "calendar",
        "thresholds",
        "goal",
        "window",
    )

    of = models.ForeignKey(Agreement, models.PROTECT, related_name="targets")
    measure = models.CharField(_("measure"), max_length=20, choices=Measure)
    applies_to = models.CharField(
        _("records it applies to"), max_length=20, choices=Of, default=Of.INCIDENT
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), null=True, blank=True, help_text=_("Empty: every priority.")
    )
    request_model = models.CharField(
        _("request model"), max_length=200, blank=True, help_text=_("Empty: every model.")
    )
    seconds = models.PositiveIntegerField(
        _("seconds of service hours"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    days = models.PositiveSmallIntegerField(
        _("working days"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    end_of_day = models.BooleanField(_("by the end of the day"), default=False)
    calendar = models.ForeignKey(
        ServiceCalendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("service hours"),
        help_text=_("Empty: every hour of every day."),
    )
    thresholds = models.JSONField(
        _("speak up at percent"), default=_usual_thresholds, blank=True, validators=[_percentages]
    )
    goal = models.DecimalField(
        _("goal in percent"),
        max_digits=6,
        decimal_places=3,
        default=Decimal(100),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text=_("Share of records, or of agreed time, that must be within the target."),
    )
    window = models.CharField(_("measured"), max_length=10, choices=Window, default=Window.MONTH)

    class Meta:
        verbose_name = _("service level target")
        verbose_name_plural = _("service level targets")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["of", "measure"], name="target_of_agreement"),
        ]

    def __str__(self) -> str:
        """Such as “Incidents, priority 1: Time to resolve”."""
        facts = {
            "records": self.get_applies_to_display(),
            "priority": self.priority,
            "model": self.request_model,
            "measure": self.get_measure_display(),
        }
        if self.measure == self.Measure.AVAILABILITY:
            return str(facts["measure"])
        if self.request_model:
            return say("%(model)s: %(measure)s") % facts
        if self.priority is not None:
            return say("%(records)s, priority %(priority)s: %(measure)s") % facts
        return say("%(records)s: %(measure)s") % facts

    def clean(self) -> None:
        given = [name for name in ("seconds", "days") if getattr(self, name) is not None]
        if self.measure == self.Measure.AVAILABILITY:
            if given:
                raise ValidationError({given[0]: _("Availability is promised in percent alone.")})
        elif len(given) != 1:
            raise ValidationError({"seconds": _("Promise either seconds or working days.")})
        if self.end_of_day and self.days is None:
            raise ValidationError({"end_of_day": _("Only working days end with the day.")})
        if self.days is not None and self.calendar_id is None:
            raise ValidationError({"calendar": _("Working days need service hours.")})


class ServiceLevelMeasurement(models.Model):
    """What the operating records say about a target, or about the workload, in one window.

    A row is computed from the records and never typed; what people object to stands beside it as
    a `MeasurementCorrection`.
    """

    class Subject(models.TextChoices):
        TARGET = "target", _("Target")
        INCIDENTS = "incidents", _("Number of incidents")
        REQUESTS = "requests", _("Number of service requests")

    history_record: ClassVar[str] = "agreement"

    agreement = models.ForeignKey(
        Agreement, models.PROTECT, related_name="measurements", verbose_name=_("agreement")
    )
    subject = models.CharField(_("what was measured"), max_length=20, choices=Subject)
    target = models.ForeignKey(
        ServiceLevelTarget,
        models.PROTECT,
        null=True,
        related_name="measurements",
        verbose_name=_("target"),
    )
    window_start = models.DateField(_("from"))
    window_end = models.DateField(_("to"), help_text=_("The first day after the window."))
    counted = models.PositiveIntegerField(_("counted"), default=0)
    within = models.PositiveIntegerField(_("within the target"), null=True)
    value = models.DecimalField(
        _("value"),
        max_digits=12,
        decimal_places=3,
        null=True,
        help_text=_("Percent within the target, or number of records."),
    )
    limit = models.DecimalField(_("goal or limit"), max_digits=12, decimal_places=3, null=True)
    reached = models.BooleanField(_("reached"), null=True)
    computed_at = models.DateTimeField(_("computed"))

    class Meta:
        ordering = ("window_start", "id")
        verbose_name = _("service level measurement")
        verbose_name_plural = _("service level measurements")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["target", "window_start"],
                condition=models.Q(subject="target"),
                name="target_measured_once",
            ),
            models.UniqueConstraint(
                fields=["agreement", "subject", "window_start"],
                condition=~models.Q(subject="target"),
                name="workload_measured_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["agreement", "window_start"], name="measurement_window"),
        ]

    def __str__(self) -> str:
        return f"{self.agreement.ref} · {self.label} · {self.window_start:%Y-%m-%d}"

    @property
    def label(self) -> str:
        """What was measured, in words."""
        return str(self.target) if self.target else self.get_subject_display()


class CorrectionLife(Lifecycle):
    proposed = State(_("Proposed"), initial=True)
    agreed = State(_("Agreed"), final=True, tone="met")
    rejected = State(_("Rejected"), final=True)

    agree = Move(proposed, agreed, _("Agree"), needs=("reason",), approval=Approval(), auto=True)
    reject = Move(proposed, rejected, _("Reject"), note=True)


class MeasurementCorrection(Record):
    """A figure that should stand in place of a computed one: why, and agreed by a second person."""

    lifecycle = CorrectionLife

    measurement = models.ForeignKey(
        ServiceLevelMeasurement,
        models.PROTECT,
        related_name="corrections",
        verbose_name=_("measurement"),
    )
    corrected_value = models.DecimalField(_("corrected value"), max_digits=12, decimal_places=3)
    reason = models.TextField(
        _("reason"), help_text=_("What the records get wrong, and how we know.")
    )

    class Meta:
        verbose_name = _("measurement correction")
        verbose_name_plural = _("measurement corrections")

    def set_derived(self) -> None:
        self.customer = self.measurement.agreement.customer
