"""The address a server listens on."""

from __future__ import annotations

import os
import socket

import click

NEAR = ("127.0.0.1", "localhost", "::1")


def listen(host: str, port: int) -> socket.socket:
    """Take an address, or end here and say what else can be done."""
    _require_a_word_on_https(host)
    try:
        family, kind, protocol, _name, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
    except OSError as wrong:
        raise click.UsageError(
            f"Cannot listen on {host} port {port}: {wrong.strerror or wrong}. "
            "Choose another with --port or --host."
        ) from wrong
    return listener


def _require_a_word_on_https(host: str) -> None:
    """Beyond this machine passwords travel in the clear only where somebody has said so."""
    if host in NEAR or os.environ.get("VERNE_HTTPS", "").strip():
        return
    raise click.UsageError(
        f"{host} is not this machine alone, and nothing says whether people come by https. "
        "Put a proxy with TLS in front and set VERNE_HTTPS=1; or set VERNE_HTTPS=0 to speak "
        "plainly, where everybody on the way can read passwords."
    )


def address_of(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown and '[' not in shown else shown}:{port}/"


def be_known_as(host: str) -> None:
    """Answer requests that call this server by the address it was told to listen on."""
    from django.conf import settings

    if host not in ("0.0.0.0", "::") and "*" not in settings.ALLOWED_HOSTS:
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]
