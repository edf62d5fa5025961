"""Signing in, and what holds for every request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from verne.engine.acts import act
from verne.engine.history import Act
from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.web.entrance import attempts
from verne.web.models import SignInAttempt

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]
PASSWORD = "lighthouse on the pier"


@pytest.fixture
def nora() -> Person:
    return _with_password(a_person("Nora Voss", roles=["reader"]))


def _with_password(person: Person) -> Person:
    with act("settle", by=None):
        person.set_password(PASSWORD)
        person.save()
    return person


def _try(client: Client, password: str = PASSWORD, **more: str) -> int:
    said = {"username": "nora-voss", "password": password}
    return client.post("/sign-in/", said, **more).status_code


def test_name_and_password_open_the_page_that_was_asked_for(client: Client, nora: Person) -> None:
    asked = client.get("/services/")
    assert asked["Location"] == "/sign-in/?next=/services/"
    said = {"username": "nora-voss", "password": PASSWORD, "next": "/services/"}
    assert client.post("/sign-in/", said)["Location"] == "/services/"
    assert client.get("/services/").status_code == 200


def test_nobody_is_led_to_another_site(client: Client, nora: Person) -> None:
    said = {"username": "nora-voss", "password": PASSWORD, "next": "https://example.org/"}
    assert client.post("/sign-in/", said)["Location"] == "/"


def test_three_slips_cost_nothing_and_the_fourth_asks_to_wait(client: Client, nora: Person) -> None:
    assert [_try(client, "wrong") for _n in range(4)] == [422] * 4
    assert _try(client) == 429
    key = attempts.attempt_key("nora-voss", "127.0.0.1")
    assert SignInAttempt.objects.get(pk=key).failures == 4


def test_the_wait_doubles_up_to_a_quarter_of_an_hour(nora: Person) -> None:
    key = attempts.attempt_key("nora-voss", "192.0.2.7")
    waits = []
    for _n in range(16):
        attempts.note_failure(key)
        waits.append(attempts.wait(key).total_seconds())
    assert waits[:3] == [0, 0, 0]
    assert [round(seconds) for seconds in waits[3:7]] == [2, 4, 8, 16]
    assert round(waits[-1]) == 15 * 60


def test_somebody_else_and_another_address_need_not_wait(client: Client, nora: Person) -> None:
    for _n in range(5):
        _try(client, "wrong")
    assert _try(client) == 429
    assert _try(Client(), REMOTE_ADDR="192.0.2.9") == 302
    other = {"username": "somebody", "password": "else"}
    assert client.post("/sign-in/", other).status_code == 422


def test_after_the_wait_the_right_password_counts_and_slips_are_forgotten(
    client: Client, nora: Person
) -> None:
    for _n in range(5):
        _try(client, "wrong")
    SignInAttempt.objects.update(wait_until=timezone.now() - timedelta(seconds=1))
    assert _try(client) == 302
    key = attempts.attempt_key("nora-voss", "127.0.0.1")
    assert not SignInAttempt.objects.filter(pk=key).exists()


def test_old_slips_are_cleared_away(nora: Person) -> None:
    attempts.note_failure("a" * 64)
    SignInAttempt.objects.update(last_at=timezone.now() - timedelta(days=2))
    attempts.forget_old()
    assert not SignInAttempt.objects.exists()


def test_a_wrong_name_and_a_wrong_password_are_told_alike(client: Client, nora: Person) -> None:
    wrong = client.post("/sign-in/", {"username": "nora-voss", "password": "x"})
    unknown = client.post("/sign-in/", {"username": "nobody", "password": "x"})
    said = [answer.context["form"].non_field_errors() for answer in (wrong, unknown)]
    assert said[0] == said[1]


def test_whoever_is_deactivated_is_out_at_once(client: Client, nora: Person) -> None:
    assert _try(client) == 302
    assert client.get("/services/").status_code == 200
    with act("settle", by=None):
        Person.objects.filter(pk=nora.pk).update(active=False)
    assert client.get("/services/").status_code == 302
    assert _try(client) == 422


def test_signing_in_writes_no_history(client: Client, nora: Person) -> None:
    before = Act.objects.count()
    _try(client)
    assert Act.objects.count() == before


def test_signing_out_takes_a_post(client: Client, nora: Person) -> None:
    _try(client)
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/services/").status_code == 302


def test_a_new_password_signs_out_other_devices_and_is_not_in_the_history(
    client: Client, nora: Person
) -> None:
    other = Client()
    assert [_try(client), _try(other)] == [302, 302]
    said = {"present": PASSWORD, "new": "harbour in the fog", "again": "harbour in the fog"}
    assert client.post("/profile/password/", said).status_code == 302
    assert client.get("/services/").status_code == 200
    assert other.get("/services/").status_code == 302
    entry = Act.objects.latest("id").entries.get()
    assert "argon" not in str(entry.after) and "md5" not in str(entry.after)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (
            {"present": "wrong", "new": "harbour in the fog", "again": "harbour in the fog"},
            "present",
        ),
        ({"present": PASSWORD, "new": "short", "again": "short"}, "new"),
        ({"present": PASSWORD, "new": "nora-voss-nora", "again": "nora-voss-nora"}, "new"),
        ({"present": PASSWORD, "new": "harbour in the fog", "again": "harbor"}, "again"),
    ],
)
def test_a_weak_or_mistyped_password_is_refused(
    client: Client, nora: Person, said: dict[str, str], field: str
) -> None:
    _try(client)
    answer = client.post("/profile/password/", said)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_pages_speak_the_language_and_the_time_of_the_reader(
    manager: Person, browse: Browse
) -> None:
    a_service(manager)
    client = browse(manager)
    said = {"name": "Ada Kim", "language": "ko", "time_zone": "Asia/Seoul", "theme": "dark"}
    assert client.post("/profile/", said).status_code == 302
    page = client.get("/services/")
    assert page["Content-Language"] == "ko"
    text = page.content.decode()
    assert '<html lang="ko" data-theme="dark"' in text


def test_a_language_is_chosen_from_the_menu(manager: Person, browse: Browse) -> None:
    client = browse(manager)
    answer = client.post("/preferences/", {"language": "es", "next": "/services/"})
    assert answer["Location"] == "/services/"
    assert client.get("/services/")["Content-Language"] == "es"
    client.post("/preferences/", {"theme": "dark"})
    manager.refresh_from_db()
    assert (manager.language, manager.theme) == ("es", "dark")


def test_a_language_can_be_chosen_before_signing_in(client: Client) -> None:
    client.post("/preferences/", {"language": "zh-hans"})
    assert client.get("/sign-in/")["Content-Language"] == "zh-hans"


def test_the_browser_may_run_nothing_that_is_written_in_a_page(
    manager: Person, browse: Browse
) -> None:
    incident = a_service(manager, title="Mail")
    for address in (
        "/",
        "/services/",
        f"/r/{incident.ref}",
        f"/r/{incident.ref}/edit",
        "/profile/",
    ):
        answer = browse(manager).get(address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        page = answer.content.decode()
        assert " style=" not in page, address
        assert " onclick=" not in page
        assert "<script>" not in page
        assert answer["X-Frame-Options"] == "DENY"
        assert "no-store" in answer["Cache-Control"]
