"""`verne import records`: the rows of a CSV or XLSX file into a register."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verne.cli import acting, start
from verne.cli.progress import Progress

if TYPE_CHECKING:
    from verne.engine.exchange import Report

SHOWN = 20
"""Refused rows that the terminal shows; --report writes all of them."""


@click.command(
    "records",
    help="Take the rows of a CSV or XLSX file into a register.\n\n"
    "A row finds its record by the column ref, or by source_key, the reference it has elsewhere; "
    "a row that finds none files a new record. The same file again changes nothing. The exit code "
    "is 1 when a row was refused.",
)
@click.argument("register_name", metavar="REGISTER")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--preview", is_flag=True, help="Only say what would happen; nothing is kept.")
@click.option("--key", default="", metavar="COLUMN", help="The column with the external reference.")
@click.option("--encoding", default="", help="Of a CSV file that is not in UTF-8 (cp1252, euc-kr).")
@click.option("--zone", default="", help="Time zone of times that name none (Europe/Berlin).")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write everything that was refused or left out to this CSV file.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the whole report as JSON.")
@acting.in_the_name
@click.pass_context
def command(
    ctx: click.Context,
    register_name: str,
    file: Path,
    preview: bool,
    key: str,
    encoding: str,
    zone: str,
    report: Path | None,
    as_json: bool,
    name: str | None,
) -> None:
    start.database()
    from django.core.exceptions import PermissionDenied, ValidationError
    from django.utils import timezone

    from verne.engine import exchange

    person, register = acting.person(name), acting.register(register_name)
    progress = Progress(f"Importing {file.name}")
    size = file.stat().st_size
    ways: dict[str, Any] = {"encoding": encoding, "key": key}
    try:
        with timezone.override(_zone(zone)), file.open("rb") as stream:
            if preview:
                found = exchange.preview(register, stream, file.name, person, **ways)
            else:
                found = exchange.load(
                    register,
                    stream,
                    file.name,
                    person,
                    told=lambda rows: progress(stream.tell(), size, f"{rows:,} rows"),
                    **ways,
                )
    except (ValidationError, PermissionDenied) as wrong:
        messages = wrong.messages if isinstance(wrong, ValidationError) else [str(wrong)]
        raise click.UsageError(" ".join(messages)) from wrong
    finally:
        progress.end()
    if report is not None:
        _write(report, found)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False, default=str))
    else:
        _tell(found)
    ctx.exit(1 if found.counts["refused"] else 0)


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError) as wrong:
        raise click.UsageError(f"{name!r} is not a time zone: try Europe/Berlin.") from wrong


def _tell(report: Report) -> None:
    would = "would be " if report.tried else ""
    words = {
        "filed": f"{would}filed",
        "revised": f"{would}revised",
        "unchanged": "say what is on file already",
        "refused": f"{would}refused",
    }
    for name, word in words.items():
        if report.counts[name]:
            click.echo(f"{report.counts[name]:>9,}  {word}")
    if not report.rows:
        click.echo("The file has no rows.")
    elif not report.changed and not report.counts["refused"]:
        click.echo("Nothing has changed: every row says what is on file already.")
    if report.more:
        click.echo(f"{report.more:>9,}  more rows were not tried")
    for note in report.notes:
        click.echo(f"{note.column or 'The file'}: {note.reason} {note.remedy}".rstrip())
    for line in report.refused[:SHOWN]:
        for finding in line.findings:
            where = f"Row {finding.row}" + (f", {finding.column}" if finding.column else "")
            click.secho(f"{where}: ", nl=False, bold=True)
            click.echo(f"{finding.reason} {finding.remedy}".rstrip())
    if (rest := report.counts["refused"] - SHOWN) > 0:
        click.echo(f"… and {rest:,} more rows: --report writes them all.")


def _write(path: Path, report: Report) -> None:
    from verne.engine.tables import harmless

    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "column", "value", "reason", "what to do"])
        for found in report.findings:
            words = (found.column, found.value, found.reason, found.remedy)
            writer.writerow([found.row or "", *map(harmless, words)])
