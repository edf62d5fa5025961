"""Request models, and the requests that follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine import clock
from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.links import LinkType
from verne.engine.records import Part, Priority, Record, RecordQuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def the_instructions_say_something(model: RequestModel) -> StrOrPromise | None:
    if len(model.instructions.split()) >= 5:
        return None
    return _("Write the instructions so that a new colleague could follow them.")


class RequestModelLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    in_force = State(_("In force"), tone="met")
    withdrawn = State(_("Withdrawn"), final=True)

    put_in_force = Move(
        draft,
        in_force,
        _("Put in force"),
        needs=("service", "instructions", "usual_priority", "owner"),
        guards=(the_instructions_say_something,),
    )
    rework = Move(in_force, draft, _("Rework"), note=True)
    retire = Move((draft, in_force), withdrawn, _("Withdraw from offer"), note=True)


class RequestModel(Record):
    """A thing people can ask for, and how it is given to them."""

    lifecycle = RequestModelLife

    service = models.ForeignKey(
        "portfolio.Service",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="request_models",
        verbose_name=_("service"),
    )
    offer = models.TextField(
        _("what people get"), blank=True, help_text=_("Shown to those who ask.")
    )
    instructions = models.TextField(
        _("instructions for fulfilment"), blank=True, help_text=_("Shown to those who fulfil it.")
    )
    usual_priority = models.PositiveSmallIntegerField(
        _("usual priority"), choices=Priority, null=True, blank=True
    )
    category = models.ForeignKey(
        "resolution.Category",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="request_models",
        verbose_name=_("category"),
    )
    approvals_needed = models.PositiveSmallIntegerField(
        _("approvals needed"), default=0, help_text=_("How many people must agree.")
    )

    class Meta:
        verbose_name = _("request model")
        verbose_name_plural = _("request models")


class Question(Part):
    """Something to be known before a request can be fulfilled."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        LONG = "long", _("Long text")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        YES_NO = "yes_no", _("Yes or no")
        CHOICE = "choice", _("Choice")

    part_fields: ClassVar[tuple[str, ...]] = ("label", "kind", "required", "choices")

    of = models.ForeignKey(RequestModel, models.PROTECT, related_name="questions")
    label = models.CharField(_("question"), max_length=200)
    kind = models.CharField(_("kind of answer"), max_length=10, choices=Kind, default=Kind.TEXT)
    required = models.BooleanField(_("required"), default=True)
    choices = models.CharField(
        _("choices"), max_length=500, blank=True, help_text=_("Separated by semicolons.")
    )

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ("id",)

    def options(self) -> list[str]:
        return [text.strip() for text in self.choices.split(";") if text.strip()]


def its_model_is_in_force(request: ServiceRequest) -> StrOrPromise | None:
    if request.request_model is None or request.request_model.state == "in_force":
        return None
    return _("%(model)s is not on offer.") % {"model": request.request_model.title}


def it_has_a_model_or_a_category(request: ServiceRequest) -> StrOrPromise | None:
    if request.request_model_id or (request.category_id and request.service_id):
        return None
    return _("Choose what is asked for, or a service and a category.")


def required_questions_are_answered(request: ServiceRequest) -> StrOrPromise | None:
    if request.request_model is None:
        return None
    given = {row.question: row.answer for row in request.answers.all()}
    missing = [
        q.label
        for q in request.request_model.questions.filter(required=True)
        if not given.get(q.label, "").strip()
    ]
    if missing:
        return _("Not answered yet: %(questions)s") % {"questions": ", ".join(missing)}
    return None


def a_priority_that_differs_is_explained(request: ServiceRequest) -> StrOrPromise | None:
    model = request.request_model
    if model is None or model.usual_priority is None or request.priority_reason.strip():
        return None
    if request.priority == model.usual_priority:
        return None
    return _("Say why the priority differs from the one of the model.")


def approvals_are_needed(request: ServiceRequest) -> StrOrPromise | None:
    if _approvals(request):
        return None
    return _("It needs no approval.")


def no_approval_is_needed(request: ServiceRequest) -> StrOrPromise | None:
    if not _approvals(request):
        return None
    return _("It needs approval first.")


def _approvals(request: ServiceRequest) -> int:
    return request.request_model.approvals_needed if request.request_model else 0


def stamp_fulfilment(request: ServiceRequest, act: Act) -> None:
    request.fulfilled_at = act.at


def stamp_closure(request: ServiceRequest, act: Act) -> None:
    request.closed_at = act.at
    request.closed_by = act.by


def clear_fulfilment(request: ServiceRequest, act: Act) -> None:
    request.fulfilled_at = None
    request.closed_at = None
    request.closed_by = None


class ServiceRequestLife(Lifecycle):
    recorded = State(_("Recorded"), initial=True)
    classified = State(_("Classified"))
    prioritized = State(_("Prioritized"))
    awaiting_approval = State(_("Awaiting approval"), tone="partly")
    in_fulfilment = State(_("In fulfilment"), tone="now")
    fulfilled = State(_("Fulfilled"), tone="met")
    closed = State(_("Closed"), final=True)
    rejected = State(_("Rejected"), final=True)
    cancelled = State(_("Cancelled"), final=True)

    classify = Move(
        recorded,
        classified,
        _("Classify"),
        asks=("request_model", "service", "category"),
        guards=(
            it_has_a_model_or_a_category,
            its_model_is_in_force,
            required_questions_are_answered,
        ),
        auto=True,
    )
    prioritize = Move(
        classified,
        prioritized,
        _("Prioritize"),
        needs=("priority",),
        asks=("priority_reason",),
        guards=(a_priority_that_differs_is_explained,),
        auto=True,
    )
    submit = Move(
        prioritized,
        awaiting_approval,
        _("Ask for approval"),
        guards=(approvals_are_needed,),
        submits="approve",
        auto=True,
    )
    approve = Move(
        awaiting_approval,
        in_fulfilment,
        _("Approved"),
        approval=Approval(needed=_approvals, but_not=("requester",)),
        auto=True,
    )
    reject = Move(awaiting_approval, rejected, _("Reject"), note=True, then=(stamp_closure,))
    fulfil_directly = Move(
        prioritized,
        in_fulfilment,
        _("Start fulfilment"),
        guards=(no_approval_is_needed,),
        auto=True,
    )
    fulfil = Move(
        in_fulfilment,
        fulfilled,
        _("Fulfilled"),
        needs=("owner", "outcome"),
        then=(stamp_fulfilment,),
    )
    close = Move(fulfilled, closed, _("Close"), needs=("outcome",), then=(stamp_closure,))
    reopen = Move(
        (fulfilled, closed), in_fulfilment, _("Reopen"), note=True, then=(clear_fulfilment,)
    )
    cancel = Move(
        (recorded, classified, prioritized, awaiting_approval, in_fulfilment),
        cancelled,
        _("Cancel"),
        note=True,
        then=(stamp_closure,),
    )


class ServiceRequestQuerySet(RecordQuerySet):
    def unfulfilled(self) -> Self:
        done = ("fulfilled", "closed", "rejected", "cancelled")
        return self.standing().exclude(state__in=done)


def _fulfil(request: ServiceRequest) -> clock.Status:
    if request.state in ("fulfilled", "closed"):
        return clock.STOPPED
    if request.state in ("rejected", "cancelled"):
        return clock.CANCELLED
    if request.state == "awaiting_approval":
        return clock.paused(str(_("Awaiting approval")), reason="approval")
    return clock.RUNNING


class ServiceRequest(Record):
    """Somebody asks for information, advice, access or a change that was agreed beforehand."""

    lifecycle = ServiceRequestLife
    clocks = (clock.ClockRule("fulfil", _("Fulfil"), _fulfil, leads=True),)

    request_model = models.ForeignKey(
        RequestModel,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("what is asked for"),
    )
    description = models.TextField(_("description"), blank=True)
    service = models.ForeignKey(
        "portfolio.Service",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("service"),
        db_index=False,
    )
    components = models.ManyToManyField(
        "portfolio.ConfigurationItem",
        related_name="requests",
        blank=True,
        verbose_name=_("configuration items"),
    )
    requester = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="service_requests",
        verbose_name=_("requester"),
    )
    category = models.ForeignKey(
        "resolution.Category",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("category"),
    )
    priority_reason = models.CharField(_("reason for another priority"), max_length=300, blank=True)
    outcome = models.TextField(_("outcome"), blank=True)
    fulfilled_at = models.DateTimeField(_("fulfilled"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    closed_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("closed by"),
    )

    derives_from: ClassVar[tuple[str, ...]] = (
        "request_model__service__first_line",
        "request_model__category",
        "service__first_line",
        "requester__organization",
        "filed_by__organization",
    )
    objects: ClassVar[Any] = ServiceRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("service request")
        verbose_name_plural = _("service requests")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["service", "sheet"], name="request_of_service"),
        ]

    def set_derived(self) -> None:
        model = self.request_model
        if model is not None:
            self.service = self.service or model.service
            self.category = self.category or model.category
            self.priority = self.priority or model.usual_priority
        if self.requester is None and self.filed_by is not None:
            self.requester = self.filed_by
        if not self.customer_id and self.requester and self.requester.is_customer:
            self.customer = self.requester.organization
        if not self.team_id and self.service:
            self.team = self.service.first_line


class RequestAnswer(Part):
    """What the requester answered to a question of the model."""

    part_fields: ClassVar[tuple[str, ...]] = ("question", "answer")

    of = models.ForeignKey(ServiceRequest, models.PROTECT, related_name="answers")
    question = models.CharField(_("question"), max_length=200)
    answer = models.TextField(_("answer"), blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ("id",)


TURNED_INTO = LinkType(
    "turned_into",
    _("turned into"),
    "turned_from",
    _("began as"),
    sources=("resolution.servicerequest", "resolution.incident"),
    targets=("resolution.incident", "resolution.servicerequest"),
)
