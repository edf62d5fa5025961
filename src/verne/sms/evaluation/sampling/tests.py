"""What a sample promises: anybody draws the same records again, from a population that stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from verne.engine.acts import NotOpen, file, move, revise, withdraw
from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

from . import draw
from .judging import Overtaken, judge
from .models import AuditSample
from .samples import an_auditsample

pytestmark = pytest.mark.django_db

MARCH = datetime(2026, 3, 1, 9, tzinfo=UTC)
REFS = [f"INC-{number}" for number in range(1, 13)]
POPULATION = "0ce2cb44addd0cc78679b128417a1f5b870c2ca51e2389c06d480f03567530d7"


# The rules of drawing


def test_the_fixed_vector_of_the_documentation() -> None:
    """docs/sampling.md shows these values, so that another program can be tried against them."""
    assert draw.population_hash(REFS) == POPULATION
    assert draw.at_random(REFS, seed="autumn", size=4) == ["INC-3", "INC-8", "INC-9", "INC-11"]
    assert draw.systematically(REFS, seed="autumn", size=4) == ["INC-4", "INC-7", "INC-10", "INC-1"]
    strata = {"closed": REFS[:8], "open": REFS[8:]}
    assert draw.by_strata(strata, seed="autumn", size=3) == ["INC-3", "INC-8", "INC-9"]


def test_ten_comes_after_nine() -> None:
    assert draw.in_order(["INC-10", "INC-9", "CHG-2"]) == ["CHG-2", "INC-9", "INC-10"]


@given(st.lists(st.integers(1, 400), unique=True, min_size=1), st.text(max_size=8), st.data())
def test_a_draw_takes_each_once_whatever_the_order(
    numbers: list[int], seed: str, data: st.DataObject
) -> None:
    refs = [f"INC-{number}" for number in numbers]
    size = data.draw(st.integers(1, len(refs)))
    for rule in (draw.at_random, draw.systematically):
        drawn = rule(refs, seed=seed, size=size)
        assert len(set(drawn)) == len(drawn) == size
        assert set(drawn) <= set(refs)
        assert rule(list(reversed(refs)), seed=seed, size=size) == drawn


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 90), min_size=1), st.data())
def test_strata_share_the_whole_of_the_size(sizes: dict[str, int], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, sum(sizes.values())))
    shares = draw.shares(sizes, size)
    assert sum(shares.values()) == size
    assert all(0 <= shares[name] <= sizes[name] for name in sizes)


@pytest.mark.parametrize(("population", "size"), [(1, 1), (10, 10), (100, 25), (1000, 29)])
def test_the_suggested_size_meets_one_in_ten_with_95_in_100(population: int, size: int) -> None:
    assert draw.suggested_size(population) == size


def test_a_stricter_question_asks_for_more() -> None:
    assert draw.suggested_size(500, share=Fraction(1, 20)) > draw.suggested_size(500)


# A sample on file


@pytest.fixture
def incidents(manager: Person) -> list[str]:
    return [an_incident(manager, title=f"Terminal {n} offline").ref for n in range(1, 6)]


def drawn(by: Person, **facts: object) -> AuditSample:
    return an_auditsample(by, audit=None, source="/incidents/", **facts)


def test_filing_freezes_the_population_and_draws(manager: Person, incidents: list[str]) -> None:
    sample = file(
        AuditSample,
        {
            "title": "Incidents",
            "source": "https://verne.example/incidents/?standing=open&sort=title",
            "size": 2,
            "seed": "autumn",
        },
        by=manager,
    )
    assert sample.state == "drawn"
    assert sample.source == "/incidents/?standing=open"
    assert sample.population == sorted(incidents, key=draw.sort_key)
    assert [i.ref for i in sample.items.all()] == draw.at_random(incidents, seed="autumn", size=2)
    assert sample.population_hash == draw.population_hash(incidents)
    assert sample.is_repeatable()


def test_what_is_filed_later_is_not_in_it(manager: Person, incidents: list[str]) -> None:
    sample = drawn(manager)
    an_incident(manager)
    sample.refresh_from_db()
    assert sample.population_size == len(incidents)
    assert sample.is_repeatable()


def test_a_draw_is_not_changed_afterwards(manager: Person, incidents: list[str]) -> None:
    sample = drawn(manager)
    with pytest.raises(ValidationError, match="drawn already"):
        revise(sample, {"seed": "one that suits me better"}, by=manager)
    assert revise(sample, {"title": "Incidents of May"}, by=manager).seed == "autumn"


def test_a_check_is_a_population_too(manager: Person, incidents: list[str]) -> None:
    sample = drawn_from(manager, "/standard/check/incidents-recorded-classified/")
    assert sample.population_size == len(incidents)
    assert sample.source.endswith("?show=population")


def drawn_from(by: Person, source: str, **facts: Any) -> AuditSample:
    return file(AuditSample, {"title": "Drawn", "source": source} | facts, by=by)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("/nowhere/", "no list you may see"),
        ("/incidents/?colour=red", "has no filter “colour”"),
        ("/standard/check/no-such-check/", "No function answers"),
        ("/problems/", "no record to draw from"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(source: str, words: str, manager: Person) -> None:
    with pytest.raises(ValidationError, match=words):
        drawn_from(manager, source)


def test_strata_are_drawn_in_proportion(manager: Person, incidents: list[str]) -> None:
    sample = file(
        AuditSample,
        {
            "title": "By state",
            "source": "/incidents/",
            "method": "stratified",
            "stratum": "state",
            "size": 3,
        },
        by=manager,
    )
    assert {item.stratum for item in sample.items.all()} == set(sample.strata)
    with pytest.raises(ValidationError, match="Strata are made by"):
        file(
            AuditSample,
            {"title": "X", "source": "/incidents/", "method": "stratified", "stratum": "shoe"},
            by=manager,
        )


def test_judgement_names_records_of_the_population(manager: Person, incidents: list[str]) -> None:
    facts = {"title": "The odd ones", "source": "/incidents/", "method": "judgement"}
    sample = file(AuditSample, {**facts, "chosen": f"{incidents[2]}, {incidents[0]}"}, by=manager)
    assert [item.ref for item in sample.items.all()] == [incidents[0], incidents[2]]
    with pytest.raises(ValidationError, match="not among the records"):
        file(AuditSample, {**facts, "chosen": "INC-9999"}, by=manager)


def test_a_sample_is_concluded_when_each_item_has_a_verdict(
    manager: Person, incidents: list[str]
) -> None:
    sample = drawn(manager, size=2)
    first, second = sample.items.all()
    judge(first, verdict="conform", by=manager, seen=1)
    conclusion = {"conclusion": "One in two has no category."}
    with pytest.raises(NotOpen, match="1 item has no verdict"):
        move(sample, "evaluate", by=manager, values=conclusion)
    with pytest.raises(ValidationError, match="Say what does not conform"):
        judge(second, verdict="nonconform", by=manager, seen=1)
    judge(second, verdict="nonconform", note="No category", by=manager, seen=1)
    assert move(sample, "evaluate", by=manager, values=conclusion).state == "evaluated"


def test_two_auditors_do_not_overwrite_one_another(
    manager: Person, approver: Person, incidents: list[str]
) -> None:
    item = drawn(manager, size=1).items.get()
    judge(item, verdict="conform", by=approver, seen=1)
    with pytest.raises(Overtaken, match="Petr Novak has judged"):
        judge(item, verdict="nonconform", note="No", by=manager, seen=1)
    item.refresh_from_db()
    assert item.verdict == "conform"


def test_what_one_may_not_see_is_not_drawn_but_counted(
    manager: Person, incidents: list[str]
) -> None:
    an_incident(manager, restricted=True)
    auditor = a_person("Laura Keller", roles=["internal_auditor"])
    sample = drawn_from(auditor, "/standard/check/incidents-recorded-classified/")
    assert (sample.population_size, sample.hidden) == (len(incidents), 1)


# A population of the past


@pytest.fixture
def of_march(manager: Person) -> list[str]:
    """Three filed in March; one of them withdrawn since, and another filed yesterday."""
    service = a_service(manager)
    kept = [
        file(
            Incident,
            {"title": f"Terminal {n} offline", "service": service},
            by=manager,
            at=MARCH + timedelta(days=n),
        )
        for n in range(1, 4)
    ]
    withdraw(kept[0], by=manager, note="Filed twice")
    file(Incident, {"title": "Mail stops", "service": service}, by=manager)
    return [incident.ref for incident in kept]


def test_a_population_is_frozen_as_it_stood_at_an_instant(
    manager: Person, approver: Person, of_march: list[str]
) -> None:
    april = MARCH + timedelta(days=31)
    first = an_auditsample(manager, source="/incidents/", frozen_at=april, size=2)
    assert first.population == of_march
    assert first.frozen_at == april
    assert Incident.objects.count() == 4  # The present is back.
    # Somebody else, another day, after the records went on: the same population, the same items.
    auditor = a_person("Laura Keller", roles=["internal_auditor"])
    again = drawn_from(auditor, first.address_then(), seed=first.seed, size=2)
    assert again.population_hash == first.population_hash
    assert again.frozen_at == first.frozen_at
    assert [i.ref for i in again.items.all()] == [i.ref for i in first.items.all()]
    assert an_auditsample(manager, source="/incidents/").population != of_march


def test_what_breaks_a_check_is_frozen_as_it_was(manager: Person, of_march: list[str]) -> None:
    check = "/standard/check/incidents-recorded-classified/"
    before = MARCH + timedelta(days=12)
    sample = an_auditsample(manager, source=check, frozen_at=before)
    assert sample.population == of_march


def test_no_population_is_frozen_in_the_future(manager: Person, of_march: list[str]) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    with pytest.raises(ValidationError, match="choose an instant that is past"):
        an_auditsample(manager, source="/incidents/", frozen_at=tomorrow)
    with pytest.raises(ValidationError, match="is no day"):
        an_auditsample(manager, source="/incidents/?at=spring")


def test_the_instant_stands_once_it_is_drawn(manager: Person, of_march: list[str]) -> None:
    sample = an_auditsample(manager, source="/incidents/", size=1)
    with pytest.raises(ValidationError, match="draw another sample"):
        revise(sample, {"frozen_at": MARCH + timedelta(days=2, hours=1)}, by=manager)
