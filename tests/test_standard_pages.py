"""The pages of the standard lead from a percentage to the records behind it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from verne.conformity import statement
from verne.conformity.catalogue import catalogue
from verne.conformity.models import Adjustment, CheckResult, Snapshot
from verne.engine.acts import act, revise
from verne.engine.evidence import Answer, answers, every, some
from verne.engine.people import Person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service

pytestmark = pytest.mark.django_db

KEY = "incidents-prioritized"
"""A check that stands alone in 8.6.1 b); here it looks at services."""


@pytest.fixture(autouse=True)
def one_answer(monkeypatch):
    for key in list(answers):
        monkeypatch.delitem(answers, key)

    def with_a_basis(asked):
        return every(Service.objects.standing(), criticality_basis__gt="")

    monkeypatch.setitem(answers, KEY, Answer(KEY, with_a_basis, (Service,)))


@pytest.fixture
def signed_in(client):
    def sign_in(person):
        client.force_login(person)
        return client

    return sign_in


def speaks(person: Person, language: str) -> None:
    with act("settle", by=person, note="Preferences"):
        Person.objects.filter(pk=person.pk).update(language=language)


def text(response) -> str:
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", plain)


def test_the_tree_shows_every_clause_and_counts_what_is_not_computed(signed_in, reader):
    page = signed_in(reader).get("/standard/")
    shown = text(page)
    for clause in catalogue().clauses.values():
        assert f'href="/standard/{clause.number}/"' in page.content.decode()
    assert "1 of 394 checks are computed" in shown
    assert "390" in shown


def test_every_clause_obligation_and_check_has_a_page(signed_in, reader):
    browser = signed_in(reader)
    for number in ("4", "4.1", "8.3.1", "8.6", "8.6.1", "8.5.1.3", "10.2"):
        assert browser.get(f"/standard/{number}/").status_code == 200
    for id in ("4.1-1", "4.1-2", "6.1.2.a.1", "8.6.1.b", "5.1.a"):
        assert browser.get(f"/standard/obligation/{id}/").status_code == 200
    for key in (KEY, "context-review-current", "strategic-fit-attested"):
        assert browser.get(f"/standard/check/{key}/").status_code == 200


@pytest.mark.parametrize("address", ["11.1", "obligation/8.6.1.z", "check/weather-fine"])
def test_what_the_standard_does_not_have_is_not_found(signed_in, reader, address):
    assert signed_in(reader).get(f"/standard/{address}/").status_code == 404


def test_a_stranger_and_a_customer_see_nothing_of_it(signed_in, stranger, customer, client):
    assert client.get("/standard/").status_code == 302
    for person in (stranger, customer):
        browser = signed_in(person)
        assert browser.get("/standard/").status_code == 403
        assert browser.get("/standard/8.6.1/").status_code == 403
        assert browser.get(f"/standard/check/{KEY}/").status_code == 403


def test_a_figure_leads_to_the_records_behind_it(signed_in, manager):
    a_service(manager, title="Payments", criticality_basis="")
    a_service(manager, title="Mail", criticality_basis="People stop working within a day.")
    browser = signed_in(manager)
    clause = browser.get("/standard/8.6.1/").content.decode()
    assert f'href="/standard/check/{KEY}/"' in clause
    exceptions = text(browser.get(f"/standard/check/{KEY}/"))
    assert "Payments" in exceptions
    assert "Mail" not in exceptions
    everything = text(browser.get(f"/standard/check/{KEY}/?show=population"))
    assert "Payments" in everything
    assert "Mail" in everything


def test_restricted_records_are_counted_and_not_named(signed_in, manager, reader):
    a_service(manager, title="Secret merger portal", criticality_basis="", restricted=True)
    shown = text(signed_in(reader).get(f"/standard/check/{KEY}/"))
    assert "Secret merger portal" not in shown
    assert "1 more is not open to you" in shown


def test_a_long_list_of_records_is_walked_page_by_page(signed_in, manager, monkeypatch):
    monkeypatch.setattr("verne.web.pages.standard.check.PAGE", 2)
    for number in range(5):
        a_service(manager, title=f"Service {number}", criticality_basis="")
    browser = signed_in(manager)
    url, seen = f"/standard/check/{KEY}/", []
    for _page in range(3):
        page = browser.get(url).content.decode()
        seen += re.findall(r">\s*(Service \d)\s*<", page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        url = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"Service {number}" for number in range(5)]
    assert url == ""


def test_a_longer_list_asks_no_more_queries(signed_in, manager, django_assert_max_num_queries):
    browser = signed_in(manager)
    for number in range(3):
        a_service(manager, title=f"Service {number}", criticality_basis="")
    browser.get(f"/standard/check/{KEY}/")
    with django_assert_max_num_queries(20):
        browser.get(f"/standard/check/{KEY}/")
    for number in range(10):
        a_service(manager, title=f"More {number}", criticality_basis="")
    browser.get(f"/standard/check/{KEY}/")
    with django_assert_max_num_queries(20):
        browser.get(f"/standard/check/{KEY}/")
    with django_assert_max_num_queries(20):
        browser.get("/standard/")
    with django_assert_max_num_queries(20):
        browser.get("/standard/8.6.1/")


def test_a_day_of_the_past_shows_what_was_true_then(signed_in, manager):
    service = a_service(manager, title="Payments", criticality_basis="")
    statement.take_snapshot()
    Snapshot.objects.update(at=timezone.now() - timedelta(days=10))
    revise(service, {"criticality_basis": "Tills stop at once."}, by=manager)
    browser = signed_in(manager)
    day = (timezone.localdate() - timedelta(days=5)).isoformat()
    now = text(browser.get("/standard/obligation/8.6.1.b/"))
    then = browser.get(f"/standard/obligation/8.6.1.b/?on={day}")
    assert "Every condition holds" in now
    assert "No condition holds" in text(then)
    assert f"/standard/8.6.1/?on={day}" in then.content.decode()
    check = text(browser.get(f"/standard/check/{KEY}/?on={day}"))
    assert "Payments" in check
    assert "1 of 1 records" in check


@pytest.mark.parametrize("day", ["yesterday", "2001-01-01", "2026-13-40"])
def test_a_day_that_cannot_be_shown_is_said_and_now_is_shown(signed_in, reader, day):
    page = signed_in(reader).get("/standard/", {"on": day})
    assert page.status_code == 200
    assert 'data-level="warning"' in page.content.decode()


def test_whoever_may_computes_everything_anew(signed_in, manager):
    a_service(manager)
    statement.current()
    CheckResult.objects.update(population=0)
    page = signed_in(manager).post(reverse("standard-compute"), follow=True)
    assert "Everything is computed anew" in text(page)
    assert CheckResult.objects.get(key=KEY).population == 1


def test_one_check_can_be_computed_anew(signed_in, manager):
    page = signed_in(manager).post(reverse("standard-compute-check", args=[KEY]), follow=True)
    assert "Computed anew" in text(page)


def test_the_statement_of_now_can_be_kept(signed_in, manager):
    page = signed_in(manager).post(reverse("standard-keep"), follow=True)
    assert "Kept as the statement of" in text(page)
    assert Snapshot.objects.get().by == manager


def test_a_reader_computes_and_keeps_nothing(signed_in, reader):
    browser = signed_in(reader)
    for name in ("standard-compute", "standard-keep"):
        assert browser.post(reverse(name)).status_code == 403
        assert reverse(name) not in browser.get("/standard/").content.decode()
    assert browser.post(reverse("standard-compute-check", args=[KEY])).status_code == 403
    assert not Snapshot.objects.exists()


def test_nothing_is_computed_by_following_a_link(signed_in, manager):
    browser = signed_in(manager)
    for name in ("standard-compute", "standard-keep"):
        assert browser.get(reverse(name)).status_code == 405


def test_the_owner_role_and_who_holds_it_are_named(signed_in, manager, reader):
    shown = text(signed_in(reader).get("/standard/obligation/8.6.1.b/"))
    assert "Incident manager Held by Ada Kim" in shown


def test_neighbours_in_other_standards_are_shown_as_chips(signed_in, reader):
    shown = text(signed_in(reader).get("/standard/8.6.1/"))
    assert "ITIL 4 management practices" in shown
    assert "Incident management" in shown
    assert "it proves nothing about the other standard" in shown


def test_a_fault_of_a_function_is_shown_and_not_hidden(signed_in, reader, monkeypatch):
    def broken(asked):
        raise ZeroDivisionError("no incidents in the window")

    monkeypatch.setitem(answers, KEY, Answer(KEY, broken, (Service,)))
    page = signed_in(reader).get(f"/standard/check/{KEY}/")
    assert page.status_code == 200
    assert "no incidents in the window" in text(page)


def test_evidence_that_is_no_record_is_listed_by_name(signed_in, manager, monkeypatch):
    people = Answer(KEY, lambda asked: some(Person.objects.filter(active=True)), (Person,))
    monkeypatch.setitem(answers, KEY, people)
    shown = text(signed_in(manager).get(f"/standard/check/{KEY}/?show=population"))
    assert "Ada Kim" in shown


def test_a_value_is_set_with_a_reason(signed_in, manager):
    browser = signed_in(manager)
    assert "P14D" not in text(browser.get("/standard/values/"))
    address = reverse("standard-value", args=["parameter", "incident_closure_delay"])
    assert browser.get(address).status_code == 200
    page = browser.post(address, {"value": "P3D", "why": "Agreed with customers."}, follow=True)
    assert "Agreed with customers." in text(page)
    assert "3 days" in text(page)
    assert Adjustment.objects.get().by == manager


def test_a_value_that_makes_no_sense_comes_back_with_what_to_write(signed_in, manager):
    address = reverse("standard-value", args=["frequency", "4.2.a"])
    page = signed_in(manager).post(address, {"value": "often", "why": "Our market moves."})
    assert page.status_code == 422
    assert "Write a duration such as P30D" in text(page)
    assert not Adjustment.objects.exists()


def test_a_reader_sees_the_values_and_sets_none(signed_in, reader):
    browser = signed_in(reader)
    address = reverse("standard-value", args=["frequency", "4.2.a"])
    assert address not in browser.get("/standard/values/").content.decode()
    assert browser.get(address).status_code == 403


@pytest.mark.parametrize("language", ["en", "ko", "es", "zh-hans"])
def test_the_pages_stand_in_every_language(signed_in, manager, language):
    a_service(manager, criticality_basis="")
    speaks(manager, language)
    browser = signed_in(manager)
    for address in ("/standard/", "/standard/8.6.1/", f"/standard/check/{KEY}/"):
        page = browser.get(address)
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.content.decode()


def test_a_page_says_the_standard_in_the_language_of_its_reader(signed_in, manager):
    browser = signed_in(manager)
    for address, english, korean in (
        ("/standard/8.6.1/", "Log and classify every incident.", "모든 인시던트를 기록하고 분류"),
        ("/standard/obligation/8.6.1.b/", "its impact and urgency", "영향도와 긴급도에 따라"),
        (f"/standard/check/{KEY}/", "approved priority rule", "승인된 우선순위 규칙"),
        ("/standard/values/", "resolution and closure of an incident", "인시던트의 해결과 종료"),
    ):
        assert english in text(browser.get(address))
        speaks(manager, "ko")
        shown = text(browser.get(address))
        assert korean in shown
        assert english not in shown
        speaks(manager, "en")


@pytest.mark.parametrize("words", ["인시던트 관리", "incident management", "8.6.1"])
def test_a_clause_is_found_by_its_number_and_by_its_title_in_both_languages(
    signed_in, manager, words
):
    speaks(manager, "ko")
    found = signed_in(manager).get("/jump/", {"q": words})
    assert "/standard/8.6.1/" in found.content.decode()


def test_a_page_weighs_less_than_a_hundred_kilobytes(signed_in, manager):
    a_service(manager, criticality_basis="")
    browser = signed_in(manager)
    for address in ("/standard/", "/standard/8.6.1/", "/standard/7.5.4/", "/standard/values/"):
        assert len(browser.get(address).content) < 100_000, address
