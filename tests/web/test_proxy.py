"""Who asks, when somebody stands in between: a proxy of ours is believed, nobody else."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import click
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from verne import settings as of_the_program
from verne.api.models import Token, TokenUse
from verne.cli.listening import listen
from verne.engine.people import Person
from verne.web.proxy import ProxyMiddleware

TOLD = {
    "HTTP_X_FORWARDED_FOR": "198.51.100.9, 203.0.113.7",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "desk.example.org",
}


@pytest.fixture(autouse=True)
def one_proxy(settings: Any) -> None:
    settings.PROXIES, settings.PROXY_BY_SOCKET = [ip_network("10.1.0.0/24")], False
    settings.ALLOWED_HOSTS = ["desk.example.org", "testserver"]


def seen(**meta: str) -> HttpRequest:
    """A request as the program sees it."""
    request = RequestFactory().get("/", **meta)  # type: ignore[arg-type]
    ProxyMiddleware(lambda request: HttpResponse())(request)
    return request


def test_a_proxy_of_ours_says_who_asks_and_how() -> None:
    request = seen(REMOTE_ADDR="10.1.0.3", **TOLD)
    assert request.META["REMOTE_ADDR"] == "203.0.113.7"
    assert request.is_secure()
    assert request.get_host() == "desk.example.org"


@pytest.mark.parametrize("address", ["203.0.113.7", "10.2.0.3", "", "not an address"])
def test_anybody_else_is_not_believed(address: str) -> None:
    request = seen(REMOTE_ADDR=address, **TOLD)
    assert request.META["REMOTE_ADDR"] == address
    assert not request.is_secure()
    assert request.get_host() == "testserver"
    assert not [name for name in request.META if "FORWARDED" in name]


def test_what_a_visitor_puts_before_the_proxy_counts_for_nothing() -> None:
    told = "10.1.0.99, 203.0.113.7, 10.1.0.4"
    assert seen(REMOTE_ADDR="10.1.0.3", HTTP_X_FORWARDED_FOR=told).META["REMOTE_ADDR"] == (
        "203.0.113.7"
    )


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("", "10.1.0.3"),
        ("nonsense", "10.1.0.3"),
        ("203.0.113.7, nonsense", "10.1.0.3"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
    ],
)
def test_addresses_are_read_in_every_usual_way(told: str, client: str) -> None:
    assert seen(REMOTE_ADDR="10.1.0.3", HTTP_X_FORWARDED_FOR=told).META["REMOTE_ADDR"] == client


def test_a_socket_in_the_file_system_is_believed_only_if_it_is_named(settings: Any) -> None:
    assert seen(REMOTE_ADDR="", **TOLD).META["REMOTE_ADDR"] == ""
    settings.PROXY_BY_SOCKET = True
    assert seen(REMOTE_ADDR="", **TOLD).META["REMOTE_ADDR"] == "203.0.113.7"


@pytest.mark.parametrize("named", ["proxy.example.org", "0.0.0.0/0", "::/0", "10.1.0.3/24"])
def test_a_name_or_everybody_is_refused_as_proxy(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERNE_PROXIES", named)
    with pytest.raises(ImproperlyConfigured, match="VERNE_PROXIES"):
        of_the_program._proxies()


# --- By https only -------------------------------------------------------------------------------

CONF = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "verne.conf"


@pytest.mark.django_db
def test_with_https_nothing_is_told_by_http(
    client: Client, manager: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HTTPS = True
    assert client.get("/static/verne/verne.css").status_code == 200
    for address in ("/sign-in/", "/nowhere/", "/"):
        answer = client.get(address)
        assert answer.status_code == 403 and "VERNE_PROXIES" in answer.content.decode()
    assert client.post("/sign-in/", {"username": "a", "password": "b"}).status_code == 403
    assert client.get("/sign-in/", secure=True).status_code == 200
    settings.HTTPS = False
    assert client.get("/sign-in/").status_code == 200


@pytest.mark.django_db
def test_a_token_sent_by_http_is_refused_unread_and_written_down(
    manager: Person, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    token, secret = Token.issue(manager, name="Monitoring", by=manager)
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    settings.HTTPS = True
    answer = program.get("/api/v1/services")
    assert answer.status_code == 403
    assert answer.json()["type"] == "/api/v1/docs#problem-by-http"
    assert f"token {token.start} from" in caplog.text and secret not in caplog.text
    assert not TokenUse.objects.exists()
    browser = Client()
    browser.force_login(manager)
    assert browser.get("/api/v1/services").status_code == 403
    assert program.get("/api/v1/services", secure=True).status_code == 200


def test_the_proxy_leads_people_to_https_and_tells_programs_no() -> None:
    plain = CONF.read_text().partition("listen 80;")[2].partition("listen 443")[0]
    assert "return 301 https://" in plain
    api = plain.partition("location /api/ {")[2].partition("    }")[0]
    assert "return 403" in api and "301" not in api


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_beyond_this_machine_nothing_is_served_without_a_word_on_https(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VERNE_HTTPS", raising=False)
    with pytest.raises(click.UsageError, match="VERNE_HTTPS=1"):
        listen(host, 0)
    listen("127.0.0.1", 0).close()
    monkeypatch.setenv("VERNE_HTTPS", "0")
    listen("0.0.0.0", 0).close()
