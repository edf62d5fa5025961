"""The carried files are complete and hang together, and a fault in them would be told."""

import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from verne.conformity import catalogue as reading
from verne.conformity.catalogue import (
    Kind,
    catalogue,
    crosswalk,
    predecessor,
    read_catalogue,
    read_crosswalk,
)
from verne.conformity.duration import Duration
from verne.conformity.schema import faults


def test_the_catalogue_has_every_obligation_check_sentence_and_clause():
    standard = catalogue()
    assert standard.standard.designation == "ISO/IEC 20000-1:2018"
    assert len(standard.requirements) == 391
    assert len(standard.checks) == 394
    assert len(standard.statements) == 213
    assert len(standard.clauses) == 88
    assert len(standard.roles) == 31
    assert len(standard.record_types) == 130
    assert len(standard.parameters) == 21
    assert len(standard.documented_information) == 64
    assert len(standard.universal) == 3
    assert sum(bool(r.applies_when) for r in standard.requirements.values()) == 93
    assert sum(c.untitled for c in standard.clauses.values()) == 11


def test_the_crosswalk_and_the_withdrawn_edition_are_there():
    assert len(crosswalk().rows) == 284
    assert set(crosswalk().targets) == {
        "iso-9001-2015",
        "iso-iec-27001-2022",
        "itil-4",
        "itil-v3-2011",
    }
    assert len(predecessor().clauses) == 53
    assert "7.6" in predecessor().new_since


def test_every_reference_in_the_carried_files_leads_somewhere():
    assert faults(catalogue(), crosswalk(), predecessor()) == []


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda d: d["requirements"][0].update(owner_role="vicar"), "leads to vicar"),
        (lambda d: d["requirements"][0].update(clause="4.9"), "leads to 4.9"),
        (lambda d: d["requirements"][0].update(id="9.9-1"), "does not carry the number"),
        (lambda d: d["requirements"][0].update(evidence=[]), "has no check"),
        (lambda d: d["requirements"][0].update(pdca="dream"), "phase 'dream'"),
        (
            lambda d: d["requirements"][-1]["evidence"][0].update(reads=["gossip"]),
            "leads to gossip",
        ),
        (lambda d: d["parameters"][0].update(checks=["policy"]), "leads to policy"),
        (lambda d: d["documented_information"][0].update(required_by=[]), "disagree"),
        (lambda d: d["clauses"][1].update(parent="5"), "its number says 4"),
        (
            lambda d: d["universal_evidence"][0].update(check="context-issues-both-sides"),
            "both universal",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(spoil, sentence):
    data = copy.deepcopy(reading._load(reading.EDITION))
    spoil(data)
    found = faults(read_catalogue(data), crosswalk(), predecessor())
    assert any(sentence in fault for fault in found), found


def test_a_crosswalk_row_to_a_place_the_target_does_not_have_is_told():
    data = copy.deepcopy(reading._load("crosswalk"))
    data["rows"][0]["ref"] = "99.9"
    found = faults(catalogue(), read_crosswalk(data), predecessor())
    assert len(found) == 1
    assert "leads to 99.9" in found[0]


def test_one_key_never_carries_two_conditions():
    data = copy.deepcopy(reading._load(reading.EDITION))
    other = copy.deepcopy(data["requirements"][0]["evidence"][0]) | {"condition": "Something else."}
    data["requirements"][1]["evidence"].append(other)
    with pytest.raises(ValueError, match="two different conditions"):
        read_catalogue(data)


def test_an_id_that_is_there_twice_is_refused():
    data = copy.deepcopy(reading._load(reading.EDITION))
    data["requirements"].append(data["requirements"][0])
    with pytest.raises(ValueError, match=r"Requirement 4\.1-1 is there twice"):
        read_catalogue(data)


def test_a_word_the_catalogue_does_not_know_is_refused():
    data = copy.deepcopy(reading._load(reading.EDITION))
    data["roles"][0]["salary"] = "high"
    with pytest.raises(ValueError, match="Role does not know salary"):
        read_catalogue(data)


def test_checks_shared_by_several_obligations_are_found_from_both_ends():
    standard = catalogue()
    check = standard.checks["scope-approved-current"]
    assert check.kind is Kind.CURRENT
    users = [r.id for r in standard.requirements_using("scope-approved-current")]
    assert users == ["4.3-1", "4.3-3", "7.5.4.a"]
    assert all(check in standard.requirements[id].checks for id in users)


def test_clauses_sort_as_numbers_and_know_what_is_above_and_below():
    standard = catalogue()
    assert [c.number for c in standard.children(None)] == ["4", "5", "6", "7", "8", "9", "10"]
    assert [c.number for c in standard.ancestors("8.5.1.2")] == ["8.5.1", "8.5", "8"]
    under = list(standard.requirements_under("8.6"))
    assert {r.clause for r in under} == {"8.6.1", "8.6.2", "8.6.3"}
    chapters = standard.children(None)
    assert sum(len(list(standard.requirements_under(c.number))) for c in chapters) == 391


def test_parameters_are_lengths_of_time_or_numbers():
    parameters = catalogue().parameters
    assert parameters["incident_closure_delay"].default == Duration.parse("P14D")
    assert parameters["configuration_link_share"].default == Decimal("0.8")
    assert [p.key for p in catalogue().parameters_of("incidents-closed")] == [
        "incident_closure_delay"
    ]


def test_a_crosswalk_row_of_a_parent_holds_for_its_children():
    standard = catalogue()
    parent = {row for row in crosswalk().rows if row.clause == "6.1"}
    assert parent
    assert parent <= set(crosswalk().of(standard.clauses["6.1.2"], standard))


def test_a_clause_finds_the_clauses_it_comes_from():
    assert "4.1.1" in {c.number for c in predecessor().covered_by("5.1")}


@pytest.mark.parametrize(
    "text", ["P12M", "P1Y", "P30D", "P2W", "PT4H", "PT90M", "P1M10D", "P1DT2H3M4S", "PT0S"]
)
def test_a_duration_reads_back_what_it_writes(text):
    duration = Duration.parse(text)
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize("text", ["", "P", "PT", "12M", "P-1D", "P1.5D", "1 month"])
def test_what_is_not_a_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="write one such as P12M"):
        Duration.parse(text)


def test_months_are_calendar_months_and_end_on_a_day_there_is():
    at = datetime(2024, 3, 31, 12, tzinfo=UTC)
    assert Duration.parse("P1M").before(at) == datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert Duration.parse("P12M").until(at) == timedelta(days=366)
    assert Duration.parse("P3M1D").before(at) == datetime(2023, 12, 30, 12, tzinfo=UTC)


def test_a_duration_is_said_in_words():
    assert Duration.parse("P12M").words == "12 months"
    assert Duration.parse("P1DT2H").words == "1 day 2 hours"
