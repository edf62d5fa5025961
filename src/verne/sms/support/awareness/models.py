"""A campaign: what people are told, whom it is for, and until when they are asked to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine import moment
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.people import Assignment, Organization, Person, Role, Team
from verne.engine.records import Record

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def it_says_what_it_is_about(campaign: Campaign) -> StrOrPromise | None:
    if any(getattr(campaign, name) for name in TOPICS):
        return None
    return _("Choose what it is about: at least one of the five things of clause 7.3.")


def its_last_day_lies_ahead(campaign: Campaign) -> StrOrPromise | None:
    if campaign.until is None or campaign.until >= moment.now().date():
        return None
    return _("Choose a last day that is not over.")


def somebody_is_asked(campaign: Campaign) -> StrOrPromise | None:
    if audience_of(campaign).exists():
        return None
    return _("Nobody belongs to its audience: choose other roles or teams, or everybody.")


def stamp_launch(campaign: Campaign, act: Act) -> None:
    campaign.launched_at, campaign.launched_by = act.at, act.by


def stamp_end(campaign: Campaign, act: Act) -> None:
    campaign.ended_at = act.at


TOPICS = (
    "about_policy",
    "about_objectives",
    "about_services",
    "about_contribution",
    "about_consequences",
)
"""The five things of 7.3, in the order of the standard."""

CONTENT = (*TOPICS, "title", "message", "document")
"""What people sign."""

FIXED = (*TOPICS, "title", "message", "document_id")
"""What stays as it was launched."""


class CampaignLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    running = State(_("Running"), tone="now")
    ended = State(_("Ended"), final=True)
    cancelled = State(_("Cancelled"), final=True)

    launch = Move(
        draft,
        running,
        _("Launch"),
        needs=("message", "until"),
        guards=(it_says_what_it_is_about, its_last_day_lies_ahead, somebody_is_asked),
        then=(stamp_launch,),
    )
    end = Move(running, ended, _("End"), needs=("conclusion",), then=(stamp_end,))
    cancel = Move((draft, running), cancelled, _("Cancel"), note=True, then=(stamp_end,))


class Campaign(Record):
    """What an audience is told, and asked to sign that they have understood."""

    lifecycle = CampaignLife

    message = models.TextField(
        _("message"), blank=True, help_text=_("What everybody should know, in plain words.")
    )
    document = models.ForeignKey(
        "support.Document",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        verbose_name=_("document"),
        help_text=_("The policy or other document it is about."),
    )
    about_policy = models.BooleanField(_("the service management policy"), default=False)
    about_objectives = models.BooleanField(_("the objectives"), default=False)
    about_services = models.BooleanField(_("the services their work is for"), default=False)
    about_contribution = models.BooleanField(_("what they contribute"), default=False)
    about_consequences = models.BooleanField(
        _("what follows when requirements are not met"), default=False
    )
    roles = models.ManyToManyField(
        Role,
        related_name="campaigns",
        blank=True,
        verbose_name=_("roles"),
        help_text=_("Without roles and teams it is for everybody whose work affects the SMS."),
    )
    teams = models.ManyToManyField(
        Team, related_name="campaigns", blank=True, verbose_name=_("teams")
    )
    until = models.DateField(_("to be signed by"), null=True, blank=True)
    conclusion = models.TextField(
        _("conclusion"),
        blank=True,
        help_text=_("Whether people know it now, and how you saw that."),
    )
    launched_at = models.DateTimeField(_("launched"), null=True, editable=False)
    launched_by = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("launched by"),
    )
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    class Meta:
        verbose_name = _("awareness campaign")
        verbose_name_plural = _("awareness campaigns")

    def content(self) -> dict[str, Any]:
        given = super().content()
        return {name: given[name] for name in CONTENT}

    def what_is_signed(self) -> str:
        return f"{self.ref} {self.title}"[:200]

    def clean(self) -> None:
        before = Campaign.objects.filter(pk=self.pk).exclude(state="draft").first()
        if before and any(getattr(before, name) != getattr(self, name) for name in FIXED):
            raise ValidationError(
                _("People sign what was launched: end this campaign and launch another.")
            )


class CampaignReminder(models.Model):
    """That somebody was reminded to sign."""

    history_record: ClassVar[str] = "of"
    append_only: ClassVar[bool] = True

    of = models.ForeignKey(Campaign, models.PROTECT, related_name="reminders")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("reminder")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["of", "person", "at"], name="campaign_reminder"),
        ]

    def __str__(self) -> str:
        return f"{self.of_id}: {self.person}"


def our_people() -> models.QuerySet[Person]:
    """Active people of ours whose work affects the SMS or the services."""
    ours = models.Q(organization=None) | models.Q(organization__kind=Organization.Kind.OWN)
    return Person.objects.filter(ours, active=True, sms_relevant=True)


def audience_of(campaign: Campaign) -> models.QuerySet[Person]:
    """Everybody who is asked to sign, as roles and teams stand now."""
    roles, teams = campaign.roles.values("pk"), campaign.teams.values("members")
    if not campaign.roles.exists() and not campaign.teams.exists():
        return our_people()
    holding = Assignment.objects.valid(moment.now()).filter(role__in=roles)
    chosen = models.Q(pk__in=holding.values("person")) | models.Q(pk__in=teams)
    return our_people().filter(chosen)
