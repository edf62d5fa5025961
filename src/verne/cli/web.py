"""`verne web`: a process that serves pages and the API, any number of them on one PostgreSQL."""

from __future__ import annotations

import os
from typing import Any

import click

from verne import __version__
from verne.cli import start
from verne.cli.listening import address_of, be_known_as, listen
from verne.cli.threads import take_short_turns
from verne.engine import memory
from verne.engine.warming import settle_down, warm_up

GRACE_SECONDS = 20


@click.command("web")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Processes; about as many as processors.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Requests answered at the same time by each.",
)
def command(port: int, host: str, workers: int, threads: int) -> None:
    """Serve pages and the API, and nothing else: jobs are run by verne work.

    Nothing is kept in the process, so any number of them run side by side behind a proxy.
    """
    start.apps()
    start.needs_postgresql(
        "verne web",
        "An SQLite file lets one process write at a time; verne up serves its pages and lets "
        "writers take turns.",
    )
    try:
        import gunicorn.app.base  # noqa: F401
    except ImportError as missing:
        raise click.UsageError(
            "verne web serves with gunicorn, which is not installed: pip install verne[scale]."
        ) from missing
    start.refuse_unready()
    # Tried first, because gunicorn would try again and again without saying how to help.
    listen(host, port).close()
    be_known_as(host)
    memory.share()
    take_short_turns()
    _serve(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}", workers=workers, threads=threads
    )


def _serve(bind: str, *, workers: int, threads: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]
        """Loads Verne once; the workers are copies of that process."""

        def load_config(self) -> None:
            for name, value in _settings(bind, workers=workers, threads=threads).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from django.urls import get_resolver

            from verne.wsgi import application

            # Loaded now rather than in the first visitor's time.
            _ = get_resolver().url_patterns
            warm_up()
            _leave_no_connection()
            # The copies share what is never looked through, and so never written.
            settle_down()
            return application

    Server().run()


def _settings(bind: str, *, workers: int, threads: int) -> dict[str, Any]:
    return {
        "bind": bind,
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "preload_app": True,
        "graceful_timeout": GRACE_SECONDS,
        "proc_name": "verne web",
        # Whom to believe about the visitor's address is decided in web/proxy.py.
        "forwarded_allow_ips": "",
        "loglevel": "warning",
        "logger_class": _logger(),
        # A name of an address says nothing in a proxy's log.
        "accesslog": None,
        # Its heartbeat file: a disk that is slow or full must not look like a worker that hangs.
        "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,
        "when_ready": _say_ready,
    }


def _logger() -> type:
    """What gunicorn says goes where the rest goes, in the same form."""
    from gunicorn.glogging import Logger

    from verne.engine.log import Line

    class OneLine(Logger):  # type: ignore[misc]
        def setup(self, cfg: Any) -> None:
            super().setup(cfg)
            for handler in self.error_log.handlers:
                handler.setFormatter(Line())

    return OneLine


def _say_ready(server: Any) -> None:
    number = server.cfg.workers
    processes = "1 process" if number == 1 else f"{number} processes"
    host, port = server.cfg.address[0][:2]
    click.echo(
        f"Verne {__version__} serves pages at {address_of(host, port)} "
        f"({processes}, {server.cfg.threads} threads each)"
    )
    click.echo("Ctrl-C ends it.")


def _leave_no_connection() -> None:
    """Copies of a process must not share a connection to the database."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        if close_pool := getattr(connection, "close_pool", None):
            close_pool()
