"""`verne pack`: makes an audit pack of a period."""

from __future__ import annotations

import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

from verne.cli import acting, start
from verne.cli.statement import Instant


class Beginning(Instant):
    """A day, which means its beginning, or an instant."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        found = super().convert(value, param, ctx)
        whole_day = isinstance(value, str) and len(value) == 10
        return datetime.combine(found.date(), time.min, tzinfo=UTC) if whole_day else found


@click.command("pack")
@click.option("--from", "since", type=Beginning(), metavar="DATE", help="A year before the end.")
@click.option("--to", "until", type=Instant(), metavar="DATE", help="Now, if left out.")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write it; a name made of the period, if left out.",
)
@click.option("--language", metavar="CODE", default="en", help="en, ko, es or zh-hans; else en.")
@click.option("--with-files", is_flag=True, help="Put in what is attached to its records, too.")
@acting.in_the_name
def command(
    since: datetime | None,
    until: datetime | None,
    into: Path | None,
    language: str,
    with_files: bool,
    name: str | None,
) -> None:
    """Make an audit pack: the evidence of a period, provable without Verne.

    Check it with `verne verify FILE`, or with the file verify.py inside it.
    """
    start.database()
    from django.core.exceptions import PermissionDenied, ValidationError
    from django.utils import timezone

    from verne.conformity.pack import making
    from verne.engine.seal.keys import KeyLost

    person = acting.person(name)
    until = min(until, timezone.now()) if until else timezone.now()
    since = since or until - timedelta(days=365)
    try:
        made = making.make(
            since=since, until=until, by=person, language=language, with_files=with_files
        )
    except ValidationError as refused:
        raise click.UsageError(" ".join(refused.messages)) from refused
    except (PermissionDenied, KeyLost) as refused:
        raise click.UsageError(str(refused)) from refused
    place = into or Path(made.name)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(made.content)
    click.echo(f"{place}: {made.files} files, {len(made.content) / 1e6:.1f} MB")
    click.echo(f"Manifest SHA-256 {made.sha256}")
