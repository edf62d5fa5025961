"""Who has understood a campaign and who is still asked: acknowledgements are signatures on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, prefetch_related_objects
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.people import Organization, Person, Team
from verne.engine.signing import Proof, Signature, prove, sign
from verne.engine.standpoint import PreparedFor

from .models import Campaign, CampaignReminder, audience_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

MEANING = "acknowledgement"
REMIND_EVERY = timedelta(days=7)


def said(campaign: Campaign) -> QuerySet[Signature]:
    return Signature.objects.filter(record=campaign.pk, meaning=MEANING)


def still_to_sign(person: Person) -> list[Campaign]:
    """Campaigns that run and that this person has yet to acknowledge, the most urgent first."""
    ours = person.active and person.sms_relevant and person.kind_of_party == Organization.Kind.OWN
    if not ours:
        return []
    wanted = []
    rows = _unsigned(person)
    prefetch_related_objects(rows, "roles", "teams")
    for campaign in rows:
        roles = {role.key for role in campaign.roles.all()}
        teams = {team.pk for team in campaign.teams.all()}
        everybody = not roles and not teams
        if everybody or roles & person.roles or teams & person.team_ids:
            wanted.append(campaign)
    return wanted


@PreparedFor
def _unsigned(person: Person) -> QuerySet[Campaign]:
    signed = Signature.objects.filter(record=OuterRef("pk"), meaning=MEANING, by=person)
    rows: QuerySet[Campaign] = Campaign.objects.standing().in_state("running")
    return rows.exclude(Exists(signed)).order_by("until", "pk")


def acknowledge(
    campaign: Campaign, *, by: Person, proof: Proof | None = None, at: datetime | None = None
) -> Signature:
    """“I have read and understood”: signed once, under exactly what was launched."""
    if campaign.state != "running":
        raise ValidationError(_("Only a campaign that runs is acknowledged."))
    if not audience_of(campaign).filter(pk=by.pk).exists():
        raise PermissionDenied(_("This campaign is not addressed to you."))
    with transaction.atomic():
        if (there := said(campaign).filter(by=by).first()) is not None:
            return there
        return sign(
            campaign,
            meaning=MEANING,
            by=by,
            proof=proof or prove(by, way="session"),
            what=campaign.what_is_signed(),
            at=at,
        )


@dataclass(frozen=True)
class TeamReach:
    """How many of a team have signed, of how many who were asked."""

    team: Team
    signed: int
    asked: int

    @property
    def missing(self) -> int:
        return self.asked - self.signed


@dataclass(frozen=True)
class Reach:
    """How far a campaign has got: each person with their word, and the sums of each team."""

    people: list[tuple[Person, Signature | None]]
    teams: list[TeamReach]
    """Those with the smallest share first."""

    @property
    def asked(self) -> int:
        return len(self.people)

    @property
    def signed(self) -> int:
        return sum(word is not None for _person, word in self.people)

    @property
    def missing(self) -> list[Person]:
        return [person for person, word in self.people if word is None]


def reach(campaign: Campaign) -> Reach:
    """Everybody asked, those without a word first; as many queries however many they are."""
    words = {row.by_id: row for row in said(campaign).order_by("-at")}
    people = list(audience_of(campaign).prefetch_related("teams").order_by("name", "pk"))
    told = sorted(((p, words.get(p.pk)) for p in people), key=lambda pair: pair[1] is not None)
    teams: dict[Team, list[bool]] = {}
    for person in people:
        for team in person.teams.all():
            teams.setdefault(team, []).append(person.pk in words)
    sums = [TeamReach(team, sum(has), len(has)) for team, has in teams.items()]
    return Reach(told, sorted(sums, key=lambda row: (row.signed / row.asked, row.team.name)))


def late(at: datetime) -> Iterable[tuple[Campaign, list[Person]]]:
    """Whom to remind of what: half the time is over, and nobody reminded them within a week."""
    for campaign in Campaign.objects.standing().in_state("running").order_by("pk"):
        if not _is_time_to_remind(campaign, at):
            continue
        recent = CampaignReminder.objects.filter(of=campaign, at__gt=at - REMIND_EVERY)
        people = audience_of(campaign).exclude(pk__in=said(campaign).values("by"))
        if found := list(people.exclude(pk__in=recent.values("person"))):
            yield campaign, found


def _is_time_to_remind(campaign: Campaign, at: datetime) -> bool:
    if campaign.launched_at is None or campaign.until is None:
        return False
    begun = campaign.launched_at.date()
    return at.date() >= begun + (campaign.until - begun) / 2


def remind(at: datetime) -> int:
    """Remind everybody who should have signed by now; how many."""
    reminded = 0
    for campaign, people in late(at):
        note = ", ".join(person.name for person in people)
        with act(
            "remind", by=None, record=campaign.pk, note=note, at=at, kind=campaign.kind_name()
        ):
            CampaignReminder.objects.bulk_create(
                CampaignReminder(of=campaign, person=person, at=at) for person in people
            )
        reminded += len(people)
    return reminded
