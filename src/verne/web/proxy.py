"""Behind a reverse proxy: who really asks, and by which address; told only by proxies we trust.

A proxy says for whom it asks in headers that anybody could send. They count when the request comes
from an address in `VERNE_PROXIES`; from everybody else they are taken away, so that nobody chooses
the address under which their failed sign-ins are counted, or calls a plain connection a safe one.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP",
)

BY_HTTP = """\
This came by http, and Verne answers by https only (VERNE_HTTPS).
If you came by https, a proxy stands in between that Verne does not know: name its address in
VERNE_PROXIES, and have it send X-Forwarded-Proto.
"""

Address = IPv4Address | IPv6Address


class ProxyMiddleware:
    """Puts what a trusted proxy says in place of what the connection shows. It comes first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = {name: request.META.pop(name, "") for name in FORWARDED}
        if is_trusted(request.META.get("REMOTE_ADDR", "")):
            _take_over(request, told)
        return self.get_response(request)


class HttpsMiddleware:
    """With VERNE_HTTPS nothing is told to whoever comes by http; the API says so by itself.

    Nobody is led on to https from here: a program would go on sending its secrets in the clear
    and never notice. For people the proxy does that.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # What is static says nothing of anybody, and proxies fetch it for themselves.
        open_to_all = request.path.startswith(("/api/", settings.STATIC_URL))
        if settings.HTTPS and not request.is_secure() and not open_to_all:
            return HttpResponse(BY_HTTP, status=403, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


def is_trusted(address: str) -> bool:
    """Whether a proxy of ours has this address; a socket in the file system has none."""
    if not address:
        return bool(settings.PROXY_BY_SOCKET)
    found = _address(address)
    return found is not None and any(found in network for network in settings.PROXIES)


def _take_over(request: HttpRequest, told: dict[str, str]) -> None:
    if client := _client(told["HTTP_X_FORWARDED_FOR"]):
        request.META["REMOTE_ADDR"] = client
    scheme = told["HTTP_X_FORWARDED_PROTO"].rpartition(",")[2].strip().lower()
    if scheme in ("http", "https"):
        request.META["wsgi.url_scheme"] = scheme
    if host := told["HTTP_X_FORWARDED_HOST"].rpartition(",")[2].strip():
        # Whether it is one of ours is looked at where any other name would be.
        request.META["HTTP_HOST"] = host


def _client(chain: str) -> str:
    """The last of the chain that is no proxy of ours: anybody may have said what stands before."""
    last = ""
    for text in reversed(chain.split(",")):
        found = _address(text.strip())
        if found is None:
            break
        last = str(found)
        if not is_trusted(last):
            break
    return last


def _address(text: str) -> Address | None:
    """An address, with or without brackets and port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
