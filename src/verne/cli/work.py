"""`verne work`: a process that runs background jobs, any number of them on one PostgreSQL."""

from __future__ import annotations

import click

from verne import __version__
from verne.cli import start
from verne.cli.ending import end_on_signal

JOB_SECONDS = 20


@click.command("work")
@click.option(
    "--threads",
    type=click.IntRange(1, 32),
    default=2,
    show_default=True,
    help="Jobs run at the same time.",
)
def command(threads: int) -> None:
    """Run background jobs: send, compute, escalate, import. Pages are served by verne web.

    Any number of them run side by side, on any number of machines. When one is killed, the others
    take up its jobs within half a minute.
    """
    start.apps()
    start.needs_postgresql(
        "verne work",
        "On an SQLite file, verne up runs the jobs beside the pages: only one process may, and "
        "it does.",
    )
    start.refuse_unready()
    from django.db import connections

    from verne.engine.jobs_steward import Steward
    from verne.engine.jobs_workers import JobWorker

    ending = end_on_signal()
    steward = Steward(JobWorker.Kind.WORK, threads=threads)
    steward.start()
    connections.close_all()
    jobs = "one job at a time" if threads == 1 else f"{threads} jobs at a time"
    click.echo(f"Verne {__version__} runs jobs as {steward.worker}, {jobs}.")
    click.echo("Ctrl-C ends it.")
    # An event without a time limit would keep the signal from being heard on some systems.
    while not ending.wait(60):
        pass
    click.echo("Ending: letting running jobs finish (Ctrl-C again: at once) …")
    for path in steward.stop(wait=JOB_SECONDS):
        click.echo(f"Job {path} did not finish in time; another worker takes it up.", err=True)
    click.echo("Ended.")
