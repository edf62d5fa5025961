"""A nonconformity, its lifecycle, and the causes that were found."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from verne.engine import moment, requirements
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.links import LinkType
from verne.engine.records import Part, Record, RecordQuerySet

from . import observation
from .guards import (
    a_criterion_is_set_for_work_to_come,
    a_major_one_calls_for_action,
    correction_is_stated,
    it_is_still_in_question,
    its_actions_are_done,
    its_causes_are_found_or_left,
    its_proof_can_be_asked,
    its_requirement_is_named,
    its_verifier_had_no_part,
    nothing_more_is_needed,
    somebody_without_a_part_verifies,
    the_delay_has_passed,
    the_proof_holds,
    work_is_planned,
)
from .observation import Observation

if TYPE_CHECKING:
    from datetime import date, datetime

    from verne.engine.history import Act
    from verne.engine.people import Person


def stamp_correction(nonconformity: Nonconformity, act: Act) -> None:
    nonconformity.corrected_at = act.at


def stamp_review(nonconformity: Nonconformity, act: Act) -> None:
    nonconformity.reviewed_at = act.at
    nonconformity.reviewed_by = act.by


def wait_from_the_last_action(nonconformity: Nonconformity, act: Act) -> None:
    nonconformity.actions_done_at = act.at


def stamp_effect(nonconformity: Nonconformity, act: Act) -> None:
    """What was seen is frozen; the actions of this round are judged with it."""
    freeze_the_proof(nonconformity, act)
    nonconformity.closed_at = act.at
    judge_the_actions(nonconformity, act, "prove_effective")


def begin_again(nonconformity: Nonconformity, act: Act) -> None:
    """It did not help: the next round begins with the cause."""
    freeze_the_proof(nonconformity, act)
    judge_the_actions(nonconformity, act, "prove_ineffective")
    nonconformity.ineffective_times += 1
    next_round(nonconformity, act)


def it_came_back(nonconformity: Nonconformity, act: Act) -> None:
    nonconformity.came_back_times += 1
    next_round(nonconformity, act)


def next_round(nonconformity: Nonconformity, act: Act) -> None:
    nonconformity.round += 1
    nonconformity.reviewed_at = None
    nonconformity.reviewed_by = None
    nonconformity.actions_done_at = None
    nonconformity.closed_at = None
    nonconformity.verification = ""


def stamp_closure(nonconformity: Nonconformity, act: Act) -> None:
    nonconformity.closed_at = act.at


def freeze_the_proof(nonconformity: Nonconformity, act: Act) -> None:
    nonconformity.verified_at = act.at
    nonconformity.verified_by = act.by
    seen = nonconformity.proof_now(act.by, act.at) if act.by else None
    nonconformity.seen_at_verification = seen.as_json() if seen else None


def judge_the_actions(nonconformity: Nonconformity, act: Act, verdict: str) -> None:
    from verne.engine.acts import move_by_rule

    note = say("Found when the effect of %(ref)s was verified.") % {"ref": nonconformity.ref}
    for action in nonconformity.actions_of_this_round().in_state("done"):
        move_by_rule(action, verdict, by=act.by, note=note, at=act.at)


class NonconformityLife(Lifecycle):
    detected = State(_("Detected"), initial=True, tone="gap")
    corrected = State(pgettext_lazy("what was wrong is", "Corrected"), tone="partly")
    analysed = State(_("Analysed"), tone="now")
    in_corrective_action = State(_("In corrective action"), tone="now")
    awaiting_effectiveness = State(_("Awaiting effectiveness"), tone="partly")
    closed = State(_("Closed"), final=True, tone="met")
    not_accepted = State(_("Not accepted"), final=True)

    correct = Move(
        detected,
        corrected,
        pgettext_lazy("what was wrong is", "Corrected"),
        needs=("owner", "grade", "due_at", "consequences", "consequences_handled"),
        asks=("correction", "no_correction", "requirement", "other_requirement"),
        guards=(correction_is_stated, its_requirement_is_named),
        then=(stamp_correction,),
    )
    analyse = Move(
        corrected,
        analysed,
        _("Analysed"),
        needs=("similar", "similar_scope", "needs_action", "review_reason", "risk_review"),
        guards=(a_major_one_calls_for_action, its_causes_are_found_or_left),
        then=(stamp_review,),
    )
    begin = Move(
        analysed,
        in_corrective_action,
        _("Begin corrective action"),
        needs=("success_criterion", "verifier", "verify_after_days"),
        asks=("proof", "proof_check", "proof_list", "proof_expects", "proof_number"),
        guards=(work_is_planned, its_proof_can_be_asked, its_verifier_had_no_part),
    )
    wait_for_effect = Move(
        in_corrective_action,
        awaiting_effectiveness,
        _("Wait for the effect"),
        guards=(its_actions_are_done,),
        then=(wait_from_the_last_action,),
        auto=True,
    )
    close = Move(
        awaiting_effectiveness,
        closed,
        _("Effective: close"),
        needs=("verification",),
        guards=(the_delay_has_passed,),
        by=(somebody_without_a_part_verifies, the_proof_holds),
        then=(stamp_effect,),
    )
    find_ineffective = Move(
        awaiting_effectiveness,
        corrected,
        _("Not effective: begin again"),
        needs=("verification",),
        note=True,
        by=(somebody_without_a_part_verifies,),
        then=(begin_again,),
    )
    close_without_action = Move(
        analysed,
        closed,
        _("Close without corrective action"),
        guards=(nothing_more_is_needed,),
        note=True,
        by=(somebody_without_a_part_verifies,),
        then=(stamp_closure,),
    )
    plan_anew = Move(
        (in_corrective_action, awaiting_effectiveness),
        analysed,
        _("Back to the analysis"),
        note=True,
    )
    reopen = Move(closed, corrected, _("Reopen: it came back"), note=True, then=(it_came_back,))
    not_accept = Move(
        (detected, corrected),
        not_accepted,
        _("Do not accept"),
        guards=(it_is_still_in_question,),
        note=True,
    )
    accept_after_all = Move(not_accepted, detected, _("Accept after all"), note=True)


class NonconformityQuerySet(RecordQuerySet):
    def accepted(self) -> Self:
        return self.standing().exclude(state="not_accepted")

    def reviewed(self) -> Self:
        """Past the review of what they call for."""
        return self.standing().in_state(
            "analysed", "in_corrective_action", "awaiting_effectiveness", "closed"
        )

    def unsettled(self) -> Self:
        return self.accepted().exclude(state="closed")


class Nonconformity(Record):
    """A requirement that is not fulfilled."""

    class Grade(models.TextChoices):
        MAJOR = "major", _("Major")
        MINOR = "minor", _("Minor")

    class Source(models.TextChoices):
        CHECK = "check", _("A check of the statement")
        AUDIT = "audit", _("Audit")
        INCIDENT = "incident", _("Incident or problem")
        COMPLAINT = "complaint", _("Complaint")
        TARGET = "target", _("Missed target")
        REVIEW = "review", _("Review")
        SUPPLIER = "supplier", _("Supplier")
        PERSON = "person", _("Noticed by somebody")

    class Similar(models.TextChoices):
        EXIST = "exist", _("Others exist")
        POSSIBLE = "possible", _("None found, but they could occur")
        NONE = "none", _("None, and none to be expected")

    class RiskReview(models.TextChoices):
        UNCHANGED = "unchanged", _("Looked at again, unchanged")
        CHANGED = "changed", _("Looked at again and changed")
        NEW = "new", _("A new risk was identified")

    class Proof(models.TextChoices):
        NOTE = "note", _("What the verifier sees and writes down")
        CHECK = "check", _("A check of the statement that holds")
        LIST = "list", _("A list with an expected number of records")

    class Expects(models.TextChoices):
        AT_MOST = "at_most", _("At most")
        AT_LEAST = "at_least", _("At least")

    lifecycle = NonconformityLife

    nature = models.TextField(
        _("nature"), help_text=_("What was found, where and when, and what should have been.")
    )
    source = models.CharField(_("source"), max_length=20, choices=Source, default=Source.PERSON)
    detected_at = models.DateTimeField(_("detected"), default=moment.now)
    grade = models.CharField(
        _("grade"),
        max_length=10,
        choices=Grade,
        blank=True,
        help_text=_(
            "Major: something required is missing altogether, fails as a whole, or casts doubt on "
            "the results. Minor: an isolated lapse."
        ),
    )
    requirement = models.CharField(
        _("obligation"),
        max_length=40,
        blank=True,
        help_text=_("The obligation of the standard it is against, such as 8.6.1.a."),
    )
    other_requirement = models.CharField(
        _("other requirement"),
        max_length=300,
        blank=True,
        help_text=_("Where it is against something else: a rule of our own, a contract, a law."),
    )
    check_key = models.CharField(
        _("check"), max_length=80, blank=True, help_text=_("The check that showed it, if one did.")
    )
    seen_at_detection = models.JSONField(_("seen when it was detected"), null=True, editable=False)
    recurrence_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="recurrences",
        verbose_name=_("happened before as"),
    )

    correction = models.TextField(
        _("correction"), blank=True, help_text=_("What was done at once to control and correct it.")
    )
    no_correction = models.CharField(
        _("reason why nothing can be corrected"), max_length=300, blank=True
    )
    corrected_at = models.DateTimeField(_("corrected"), null=True, editable=False)
    consequences = models.TextField(
        _("consequences"), blank=True, help_text=_("For customers, services and the organization.")
    )
    consequences_handled = models.TextField(_("how they were dealt with"), blank=True)

    similar = models.CharField(_("similar cases"), max_length=10, choices=Similar, blank=True)
    similar_scope = models.TextField(
        _("where we looked for them"),
        blank=True,
        help_text=_("Services, teams, periods and records that were searched."),
    )
    needs_action = models.BooleanField(_("its cause has to be removed"), null=True, blank=True)
    review_reason = models.TextField(
        _("reason for that"),
        blank=True,
        help_text=_("Why its effects call for action on the cause, or why they do not."),
    )
    risk_review = models.CharField(_("risks"), max_length=10, choices=RiskReview, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, editable=False)
    reviewed_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("reviewed by"),
    )

    success_criterion = models.TextField(
        _("criterion of success"),
        blank=True,
        help_text=_("What will show that the cause is gone. It is written before the work begins."),
    )
    proof = models.CharField(
        _("shown by"), max_length=10, choices=Proof, blank=True, default=Proof.NOTE
    )
    proof_check = models.CharField(_("check that must hold"), max_length=80, blank=True)
    proof_list = models.CharField(
        _("address of the list"),
        max_length=500,
        blank=True,
        help_text=_("Such as /incidents/?state=in_progress. Copy it from a list you filtered."),
    )
    proof_expects = models.CharField(
        _("expected on it"), max_length=10, choices=Expects, blank=True, default=Expects.AT_MOST
    )
    proof_number = models.PositiveIntegerField(_("records"), default=0, blank=True)
    verifier = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="nonconformities_to_verify",
        verbose_name=_("verifier"),
        help_text=_("Somebody who neither owns it nor does any of its actions."),
    )
    verify_after_days = models.PositiveSmallIntegerField(
        _("days to wait before verifying"), default=30, validators=[MaxValueValidator(730)]
    )
    actions_done_at = models.DateTimeField(_("actions done"), null=True, editable=False)

    verification = models.TextField(
        _("what the verification found"),
        blank=True,
        help_text=_("What was looked at, and what it showed against the criterion."),
    )
    verified_at = models.DateTimeField(_("verified"), null=True, editable=False)
    verified_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("verified by"),
    )
    seen_at_verification = models.JSONField(
        _("seen at the verification"), null=True, editable=False
    )
    round = models.PositiveSmallIntegerField(_("round"), default=1, editable=False)
    ineffective_times = models.PositiveSmallIntegerField(
        _("times found ineffective"), default=0, editable=False
    )
    came_back_times = models.PositiveSmallIntegerField(
        _("times it came back"), default=0, editable=False
    )
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)

    objects: ClassVar[Any] = NonconformityQuerySet.as_manager()

    class Meta:
        verbose_name = _("nonconformity")
        verbose_name_plural = _("nonconformities")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["requirement"], name="nonconformity_requirement"),
            models.Index(fields=["check_key"], name="nonconformity_check"),
        ]

    def clean(self) -> None:
        wrong: dict[str, Any] = {}
        if self.requirement and self.requirement not in requirements.library().obligations():
            wrong["requirement"] = say(
                "The standard has no obligation %(id)s. Copy its number from its page."
            ) % {"id": self.requirement}
        for name in ("check_key", "proof_check"):
            if key := getattr(self, name):
                _collect(wrong, name, observation.refuse_unknown_check, key)
        if self.proof_list:
            _collect(wrong, "proof_list", observation.refuse_unknown_list, self.proof_list)
        wrong |= a_criterion_is_set_for_work_to_come(self)
        if wrong:
            raise ValidationError(wrong)

    def set_derived(self) -> None:
        """What a check showed is frozen when it is named as what showed the nonconformity."""
        if not self.check_key:
            self.seen_at_detection = None
        elif self.seen_at_detection is None or not self.shows(self.check_key):
            self.seen_at_detection = _freeze(self.check_key)

    def shows(self, key: str) -> bool:
        return bool(self.seen_at_detection and self.seen_at_detection["source"] == f"check:{key}")

    @property
    def seen_first(self) -> Observation | None:
        """What the check showed when the nonconformity was raised from it."""
        return Observation.from_json(self.seen_at_detection) if self.seen_at_detection else None

    @property
    def seen_last(self) -> Observation | None:
        """What the query showed at the last verification."""
        kept = self.seen_at_verification
        return Observation.from_json(kept) if kept else None

    @property
    def verify_from(self) -> date | None:
        """The first day on which its effect may be verified."""
        if self.actions_done_at is None:
            return None
        return (self.actions_done_at + timedelta(days=self.verify_after_days)).date()

    def actions_of_this_round(self) -> Any:
        """Its actions since it was last found that something did not help."""
        return self.actions.standing().filter(round=self.round)

    def proof_now(self, person: Person, at: datetime) -> Observation | None:
        """What its query shows at an instant; None where a note is the proof."""
        if self.proof == self.Proof.CHECK and self.proof_check:
            return observation.of_check(self.proof_check, at)
        if self.proof == self.Proof.LIST and self.proof_list:
            return observation.of_list(self.proof_list, person, at)
        return None

    def is_as_expected(self, seen: Observation) -> bool:
        """Whether what was seen is what the criterion asks for."""
        if self.proof == self.Proof.CHECK:
            return seen.holds
        if self.proof_expects == self.Expects.AT_LEAST:
            return seen.found >= self.proof_number
        return seen.found <= self.proof_number


def _collect(wrong: dict[str, Any], name: str, check: Any, value: str) -> None:
    try:
        check(value)
    except ValidationError as error:
        wrong[name] = error.messages


def _freeze(key: str) -> dict[str, Any] | None:
    try:
        seen = observation.of_check(key, moment.now())
    except KeyError:
        return None  # validation says so in words
    return seen.as_json() if seen else None


class Cause(Part):
    """An answer to “why?”. Its place says what it answers: 1.2 is the second reason for 1."""

    class Category(models.TextChoices):
        PROCESS = "process", _("Process or procedure")
        COMPETENCE = "competence", _("Competence or awareness")
        RESPONSIBILITY = "responsibility", _("Responsibility or authority")
        RESOURCES = "resources", _("Resources or workload")
        TECHNOLOGY = "technology", _("Technology")
        INFORMATION = "information", _("Information or documents")
        PARTY = "party", _("Supplier or other party")
        OVERSIGHT = "oversight", _("Planning or oversight")

    part_fields = ("place", "why", "is_root", "category")

    of = models.ForeignKey(Nonconformity, models.CASCADE, related_name="causes")
    place = models.CharField(
        _("place"),
        max_length=40,
        validators=[
            RegexValidator(
                r"^[1-9]\d{0,2}(\.[1-9]\d{0,2}){0,8}$",
                _("Write numbers with points between them, such as 1.2: the second reason for 1."),
            )
        ],
    )
    why = models.CharField(_("because"), max_length=500)
    is_root = models.BooleanField(_("root cause"), default=False)
    category = models.CharField(_("category"), max_length=20, choices=Category, blank=True)

    class Meta:
        verbose_name = _("cause")
        verbose_name_plural = _("causes")
        ordering = ("pk",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "place"], name="cause_place_once"),
        ]

    def __str__(self) -> str:
        return self.why

    def clean(self) -> None:
        if self.is_root and not self.category:
            raise ValidationError({"category": say("Say of what kind this cause is.")})


RAISED_FROM = LinkType(
    "raised_from",
    _("raised from"),
    "gave_rise_to",
    _("gave rise to"),
    sources=("improvement.nonconformity",),
)
SIMILAR_TO = LinkType(
    "similar_nonconformity",
    _("is similar to"),
    "similar_nonconformity",
    _("is similar to"),
    sources=("improvement.nonconformity",),
    targets=("improvement.nonconformity",),
)
