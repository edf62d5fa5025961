"""What a browser is told to refuse, and how often somebody may ask for what is costly."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as ours
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver

import verne
from tests.strict import NothingInline
from verne.api import auth
from verne.api.models import Token
from verne.engine.limits import MOST_ASKERS, Limit
from verne.engine.people import Person
from verne.web.limits import EXPORTS, LIMITS, PACKS

Browse = Callable[[Person], Client]
SETTINGS = Path(verne.__file__).parent / "settings.py"
PASSWORD = "lighthouse on the pier"


# --- What stands on every answer -----------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["/", "/services/", "/nowhere/", "/sign-in/", "/static/verne/verne.css", "/api/v1/services"],
)
def test_every_answer_carries_its_headers(manager: Person, browse: Browse, address: str) -> None:
    answer = browse(manager).get(address)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http:" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "page",
    [
        '<p style="color:red">',
        "<style>p {}</style>",
        "<script>alert(1)</script>",
        '<svg><path onload="alert(1)"/></svg>',
        '<a href="javascript:alert(1)">x</a>',
    ],
)
def test_a_page_with_something_inline_would_be_found(rf: Any, page: str) -> None:
    with pytest.raises(AssertionError):
        NothingInline(lambda request: HttpResponse(page))(rf.get("/"))


def test_a_page_that_only_speaks_of_it_is_none(rf: Any) -> None:
    page = '<script src="/a.js" defer></script><p title="style=x onclick=y">&lt;style&gt;</p>'
    assert NothingInline(lambda request: HttpResponse(page))(rf.get("/")).status_code == 200


@pytest.mark.django_db
def test_forms_are_refused_without_their_token(manager: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    said = {"username": manager.username, "password": "x"}
    assert client.post("/sign-in/", said).status_code == 403
    client.force_login(manager)
    for address in ("/sign-out/", "/profile/security/end-others", "/preferences/"):
        assert client.post(address).status_code == 403


def test_by_https_cookies_travel_no_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERNE_HTTPS", "1")
    found = runpy.run_path(str(SETTINGS))
    for name in ("SESSION", "CSRF", "KNOWN", "LANGUAGE", "MESSAGES"):
        assert found[f"{name}_COOKIE_NAME"].startswith("__Host-")
    for name in ("SESSION", "CSRF", "LANGUAGE"):
        assert found[f"{name}_COOKIE_SECURE"] is found[f"{name}_COOKIE_HTTPONLY"] is True
    assert found["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600
    monkeypatch.setenv("VERNE_HTTPS", "0")
    found = runpy.run_path(str(SETTINGS))
    assert found["SESSION_COOKIE_NAME"] == "sessionid"
    assert found["SECURE_HSTS_SECONDS"] == 0


def test_browsers_are_told_to_keep_to_https(client: Client, settings: Any, db: None) -> None:
    settings.SECURE_HSTS_SECONDS = 31536000
    told = client.get("/sign-in/", secure=True)["Strict-Transport-Security"]
    assert told == "max-age=31536000; includeSubDomains"
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = False
    told = Client().get("/sign-in/", secure=True)["Strict-Transport-Security"]
    assert told == "max-age=31536000"


@pytest.mark.django_db
def test_the_cookie_of_a_session_is_for_this_site_and_no_script(manager: Person) -> None:
    client = Client()
    manager.set_password(PASSWORD)
    from verne.engine.acts import act

    with act("settle", by=None):
        manager.save()
    client.post("/sign-in/", {"username": manager.username, "password": PASSWORD})
    for name in ("sessionid", "known"):
        cookie = client.cookies[name]
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
        assert not cookie["domain"]


@pytest.mark.django_db
def test_no_cookie_goes_by_a_name_of_its_own(manager: Person, browse: Browse) -> None:
    """All there are have a name in the settings, where VERNE_HTTPS makes it `__Host-`."""
    named = {getattr(ours, name) for name in dir(ours) if name.endswith("_COOKIE_NAME")}
    client = browse(manager)
    client.post("/preferences/", {"language": "ko"})
    client.get("/profile/")
    client.post("/sign-out/")
    assert {"django_language", "messages"} <= set(client.cookies) <= named
    for cookie in client.cookies.values():
        assert cookie["path"] == "/" and not cookie["domain"]


def test_whatever_is_static_and_text_names_its_character_set(client: Client, db: None) -> None:
    folder = Path(verne.__file__).parent / "web" / "static"
    for path in folder.rglob("*.*"):
        answer = client.get(f"/static/{path.relative_to(folder).as_posix()}")
        assert answer.status_code == 200
        assert "charset=" in answer["Content-Type"]


# --- How often -----------------------------------------------------------------------------------


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_so_many_at_once_and_then_one_after_another() -> None:
    clock = Hands()
    limit = Limit(at_once=3, each_second=0.5, clock=clock)
    assert [limit.take("ada") for _n in range(4)] == [0, 0, 0, 2]
    clock.now = 1.0
    assert limit.take("ada") == 1
    clock.now = 2.0
    assert limit.take("ada") == 0
    assert limit.take("petr") == 0
    clock.now = 1000.0
    assert [limit.take("ada") for _n in range(4)][-1] > 0


def test_askers_are_forgotten_before_they_fill_the_memory() -> None:
    limit = Limit(at_once=1, each_second=0.001, clock=Hands())
    for number in range(MOST_ASKERS + 5):
        limit.take(number)
    assert limit.take(MOST_ASKERS) > 0
    assert limit.take(0) == 0


def test_a_rate_of_nothing_limits_nothing() -> None:
    limit = Limit(at_once=0, each_second=0)
    assert not any(limit.take("ada") for _n in range(1000))


@pytest.mark.django_db
def test_who_exports_again_and_again_is_asked_to_wait(
    manager: Person, approver: Person, browse: Browse
) -> None:
    client = browse(manager)
    for _n in range(int(EXPORTS.at_once)):
        assert client.get("/services/export?format=csv").status_code == 200
    answer = client.get("/services/export?format=csv")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 4
    assert "Come back in" in answer.content.decode()
    assert client.get("/services/").status_code == 200
    assert browse(approver).get("/services/export?format=csv").status_code == 200


def test_every_costly_page_has_its_limit() -> None:
    names = {str(name) for name in get_resolver().reverse_dict if isinstance(name, str)}
    costly = {n for n in names if re.search(r"(^|-)(export|pdf|pack|print|search)($|-)", n)}
    assert costly <= set(LIMITS), "give it a limit in verne/web/limits.py"
    assert set(LIMITS) <= names
    assert PACKS.each_second < EXPORTS.each_second


@pytest.mark.django_db
def test_a_program_in_a_hurry_is_told_how_long_to_wait(
    manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "REQUESTS", Limit(at_once=2, each_second=0.1))
    _token, secret = Token.issue(manager, name="Monitoring", by=manager)
    _other, second = Token.issue(manager, name="Backup", by=manager)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert [client.get("/api/v1/services").status_code for _n in range(3)] == [200, 200, 429]
    answer = client.get("/api/v1/services")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["retry_after"] == int(answer["Retry-After"]) > 0
    other = Client(headers={"Authorization": f"Bearer {second}"})
    assert other.get("/api/v1/services").status_code == 200
