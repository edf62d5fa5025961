"""Who asks, when somebody stands in between: a proxy of ours is believed, nobody else."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from verne import settings as of_the_program
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
