"""What a campaign promises: everybody asked is known, gives their word once, and is reminded."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.engine.acts import NotOpen, move, revise
from verne.engine.evidence import Asked, answers
from verne.engine.history import Act
from verne.engine.people import Person, Role, Team
from verne.engine.testing import a_person

from .models import Campaign, CampaignReminder
from .samples import a_campaign
from .signing import acknowledge, reach, remind, still_to_sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(db: None) -> Person:
    return a_person("Anna Petrova", roles=["competence_manager"])


def launched(by: Person, **facts: Any) -> Campaign:
    return move(a_campaign(by, **facts), "launch", by=by)


def figures(key: str, **later: int) -> tuple[int, int]:
    found = answers[key](Asked(timezone.now() + timedelta(**later)))
    return found.population.count(), found.exceptions.count()


def test_a_campaign_says_what_it_is_about_before_it_is_launched(keeper: Person) -> None:
    with pytest.raises(NotOpen, match="one of the five things"):
        launched(keeper, about_policy=False)


def test_everybody_asked_gives_their_word_once(keeper: Person, agent: Person) -> None:
    campaign = launched(keeper)
    assert still_to_sign(agent) == [campaign]
    word = acknowledge(campaign, by=agent)
    assert acknowledge(campaign, by=agent) == word
    assert still_to_sign(agent) == []
    found = reach(campaign)
    assert (found.signed, found.asked, found.missing) == (1, 2, [keeper])


def test_a_campaign_for_a_role_or_a_team_asks_nobody_else(keeper: Person, agent: Person) -> None:
    from verne.engine.acts import act

    with act("settle", by=None):
        network = Team.objects.create(name="Network")
        network.members.set([agent])
    manager = a_person("Oscar Lund", roles=["change_manager"])
    for audience, who in (
        ({"teams": [network]}, agent),
        ({"roles": [Role.objects.get(key="change_manager")]}, manager),
    ):
        campaign = launched(keeper, **audience)
        assert [person for person, _word in reach(campaign).people] == [who]
        with pytest.raises(PermissionDenied, match="not addressed to you"):
            acknowledge(campaign, by=keeper)
    for_team = Campaign.objects.get(teams=network)
    assert [(row.signed, row.missing) for row in reach(for_team).teams] == [(0, 1)]


def test_people_sign_what_was_launched(keeper: Person) -> None:
    campaign = launched(keeper)
    with pytest.raises(ValidationError, match="launch another"):
        revise(campaign, {"message": "Something else altogether."}, by=keeper)
    revise(campaign, {"until": timezone.now().date() + timedelta(days=60)}, by=keeper)


def test_nobody_signs_before_it_runs_or_after_it_ended(keeper: Person) -> None:
    with pytest.raises(ValidationError, match="that runs"):
        acknowledge(a_campaign(keeper), by=keeper)


def test_who_is_late_is_reminded_once_a_week(keeper: Person, agent: Person) -> None:
    campaign = launched(keeper)
    acknowledge(campaign, by=keeper)
    now = timezone.now()
    assert remind(now) == 0
    assert remind(now + timedelta(days=16)) == 1
    assert remind(now + timedelta(days=17)) == 0
    assert remind(now + timedelta(days=24)) == 1
    assert CampaignReminder.objects.filter(person=agent).count() == 2
    assert Act.objects.filter(verb="remind", record=campaign.pk).first().note == agent.name


def test_campaigns_prove_what_people_know(keeper: Person, agent: Person, customer: Person) -> None:
    assert figures("aware-policy") == (2, 2)  # a customer's people are not asked
    campaign = launched(keeper, about_objectives=True)
    acknowledge(campaign, by=keeper)
    assert figures("aware-policy") == figures("aware-objectives") == (2, 1)
    acknowledge(campaign, by=agent)
    assert figures("aware-policy") == (2, 0)
    assert figures("aware-implications") == (2, 2)
    acknowledge(launched(keeper, about_policy=False, about_consequences=True), by=agent)
    assert figures("aware-implications") == (2, 1)
    assert figures("aware-policy", days=400) == (2, 2)


def test_a_campaign_that_was_cancelled_proves_nothing(keeper: Person) -> None:
    campaign = launched(keeper)
    acknowledge(campaign, by=keeper)
    move(campaign, "cancel", by=keeper, note="The policy changes next week.")
    assert figures("aware-policy") == (1, 1)


def test_the_reach_asks_as_many_queries_however_many_people(
    keeper: Person, django_assert_num_queries: Any
) -> None:
    campaign = launched(keeper)
    for n in range(6):
        acknowledge(campaign, by=a_person(f"Person {n}", roles=["service_owner"]))
    with django_assert_num_queries(5):
        assert reach(campaign).signed == 6
