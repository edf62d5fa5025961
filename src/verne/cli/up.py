"""`verne up`: web pages and background work in one process, until Ctrl-C."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any

import click

from verne import __version__
from verne.cli import demo, people, start
from verne.cli.ending import end_on_signal
from verne.cli.listening import address_of, be_known_as, listen
from verne.cli.lock import AdvisoryLock, FileLock, held
from verne.cli.migrate import bring_up_to_date
from verne.cli.progress import Progress
from verne.cli.threads import ON_FILE, ON_SERVER, Threads, take_short_turns
from verne.engine import giving_way, memory
from verne.engine.warming import warm_up_meanwhile

DRAIN_SECONDS = 10
JOB_SECONDS = 20
LOOK_AT_LOCK_EVERY = 10


@click.command("up")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--empty", is_flag=True, help="Start without the demonstration organization.")
def command(port: int, host: str, empty: bool) -> None:
    """Start Verne: web pages and background work in one process.

    The first start makes the database and loads the demonstration organization. Ctrl-C lets
    running requests and jobs finish and ends everything.
    """
    began = time.monotonic()
    listener = listen(host, port)
    address = address_of(host, listener.getsockname()[1])
    start.apps()
    with held(address) as lock:
        _prepare_database(empty=empty)
        _serve(listener, lock, address=address, host=host, began=began)


def _prepare_database(*, empty: bool) -> None:
    """Make or update the tables, and on the first start the people and their story."""
    bring_up_to_date()
    if people.anybody():
        return
    if empty or not demo.there():
        people.remember(people.first_administrator())
        return
    click.echo("First start: loading the demonstration organization (--empty starts without it) …")
    progress = Progress("Loading the demonstration")
    try:
        people.remember(demo.load(progress))
    finally:
        progress.end()


def _serve(
    listener: socket.socket,
    lock: FileLock | AdvisoryLock,
    *,
    address: str,
    host: str,
    began: float,
) -> None:
    from django.conf import settings
    from django.db import connection, connections
    from django.urls import get_resolver
    from waitress.server import create_server

    from verne.engine.jobs_steward import Steward
    from verne.engine.sqlite.carrying import carried
    from verne.wsgi import application

    be_known_as(host)
    memory.share()
    take_short_turns()
    # Loaded now rather than in the first visitor's time.
    _ = get_resolver().url_patterns
    threads = Threads(usual=ON_FILE if connection.vendor == "sqlite" else ON_SERVER)
    server = create_server(
        application,
        sockets=[listener],
        _dispatcher=threads,
        ident=None,
        # Whom to believe about the visitor's address is decided in web/proxy.py.
        clear_untrusted_proxy_headers=False,
        max_request_body_size=4 * settings.MAX_FILE_BYTES,
    )
    giving_way.people_wait = threads.people_wait
    ending = end_on_signal(server.pull_trigger)
    steward = Steward()
    if taken_up := steward.start():
        jobs = "job that was" if taken_up == 1 else "jobs that were"
        click.echo(f"Taking up {taken_up} background {jobs} interrupted.")
    connections.close_all()
    click.echo(f"Verne {__version__} is ready at {address} ({time.monotonic() - began:.1f} s)")
    if host in ("0.0.0.0", "::") and "VERNE_HOSTS" not in os.environ:
        click.echo(
            "Others reach it by the names in VERNE_HOSTS only (VERNE_HOSTS=desk.example.org)."
        )
    click.echo(people.how_to_sign_in())
    click.echo("Ctrl-C ends it.")
    warm_up_meanwhile()
    with carried():
        lost = _answer_until(ending, server, lock)
    click.echo("Ending: letting running requests and jobs finish (Ctrl-C again: at once) …")
    still = _drain(server, steward)
    for job in still:
        click.echo(f"Job {job} did not finish in time; it runs again at the next start.", err=True)
    if lost:
        raise click.ClickException(
            "The connection that kept other servers off this database was lost, so this one ended."
        )
    click.echo("Ended.")


def _answer_until(ending: threading.Event, server: Any, lock: FileLock | AdvisoryLock) -> bool:
    """Serve until the end is asked for, or the lock is lost; returns whether it was lost."""
    from waitress import wasyncore

    look_at = time.monotonic() + LOOK_AT_LOCK_EVERY
    while not ending.is_set():
        wasyncore.loop(timeout=server.task_dispatcher.settle(), map=server._map, count=1)
        if time.monotonic() < look_at:
            continue
        if not lock.held():
            return True
        look_at = time.monotonic() + LOOK_AT_LOCK_EVERY
    return False


def _drain(server: Any, steward: Any) -> list[str]:
    """Take no new request or job, give the running ones time; returns the jobs that need more."""
    from waitress import wasyncore

    server.accepting = False
    server.del_channel()
    server.socket.close()
    stopped: list[list[str]] = []
    # Jobs end in their own time while the answers of the last requests are sent off here.
    ender = threading.Thread(target=lambda: stopped.append(steward.stop(wait=JOB_SECONDS)))
    ender.start()
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until and _busy(server):
        server.task_dispatcher.settle()
        wasyncore.loop(timeout=0.05, map=server._map, count=1)
    server.task_dispatcher.shutdown(timeout=1)
    ender.join()
    return stopped[0]


def _busy(server: Any) -> bool:
    return any(
        channel.requests or channel.total_outbufs_len
        for channel in list(server.active_channels.values())
    )
