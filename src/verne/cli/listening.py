"""The address a server listens on."""

from __future__ import annotations

import socket

import click


def listen(host: str, port: int) -> socket.socket:
    """Take an address, or end here and say what else can be done."""
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


def address_of(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown and '[' not in shown else shown}:{port}/"


def be_known_as(host: str) -> None:
    """Answer requests that call this server by the address it was told to listen on."""
    from django.conf import settings

    if host not in ("0.0.0.0", "::") and "*" not in settings.ALLOWED_HOSTS:
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]
