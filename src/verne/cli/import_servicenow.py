"""`verne import servicenow-log`: the incidents of another tool, with each update as history."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from verne.cli import start
from verne.cli.progress import Progress

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.sms.resolution.intake.log import Flaw
    from verne.sms.resolution.intake.taking import Taken


class Zone(click.ParamType[ZoneInfo]):
    """A time zone by its name."""

    name = "zone"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            self.fail(f"{value} is no time zone: write one such as Europe/Lisbon.", param, ctx)


@click.command("servicenow-log")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--time-zone",
    "zone",
    type=Zone(),
    default="UTC",
    show_default=True,
    help="The zone in which the times of the log are written.",
)
@click.option("--customer", default="", help="The customer whose people called (the file's name).")
@click.option("--service", "service_ref", default="", help="Reference of the service it is about.")
@click.option(
    "--mapping",
    "mapping_file",
    default="servicenow",
    show_default=True,
    help="A mapping file, or the name of a shipped one.",
)
@click.option("--agreement", default="", help="Reference of the SLA to judge the incidents by.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the report."
)
@click.option("--as", "username", default="", help="The person who imports (an administrator).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    file: Path,
    zone: ZoneInfo,
    customer: str,
    service_ref: str,
    mapping_file: str,
    agreement: str,
    report: Path | None,
    username: str,
    as_json: bool,
) -> None:
    """Bring in an incident event log, packed (.xz, .gz, .bz2) or not.

    One row is one update of an incident. Running it again takes only what is missing. What could
    not be taken as it is goes into the report, row by row.
    """
    start.database()
    from verne.sms.resolution.intake import mapping as mappings
    from verne.sms.resolution.intake import taking

    began = time.monotonic()
    progress = Progress("Reading the log")
    by = _importer(username)
    service = _record("portfolio.service", service_ref, by) if service_ref else None
    terms = _record("relationship.agreement", agreement, by) if agreement else None
    try:
        mapping = mappings.load(mapping_file)
        taken = taking.take(
            file,
            mapping,
            by=by,
            zone=zone,
            customer=customer or file.name.split(".")[0].replace("_", " ").capitalize(),
            service=service,
            told=progress,
        )
    except mappings.MappingError as wrong:
        raise click.UsageError(str(wrong)) from wrong
    finally:
        progress.end()
    changed = _judge(terms, by) if terms is not None else 0
    where = report or Path(f"{file.name.split('.')[0]}-report.csv")
    _write(where, taken.flaws)
    _say(taken, zone, where, changed, time.monotonic() - began, as_json)


def _importer(username: str) -> Person:
    """The person in whose name it is imported.

    Whoever runs commands here owns the database, so the import may file every type it brings.
    """
    from verne.engine.people import Person
    from verne.engine.rights import all_rights, people_who_may

    people = people_who_may("engine.import_records").order_by("pk")
    found = Person.objects.filter(username=username).first() if username else people.first()
    if found is None:
        raise click.UsageError(
            f"Nobody signs in as {username}."
            if username
            else "Nobody may import yet: start Verne once, or name a person with --as."
        )
    found.__dict__["rights"] = all_rights()
    return found


def _record(kind: str, ref: str, by: Person) -> Any:
    from verne.engine.register import register_of

    model = register_of(kind).model
    found = model.objects.visible_to(by).filter(ref=ref).first()
    if found is None:
        raise click.UsageError(f"{ref} is no {model._meta.verbose_name} that {by} can see.")
    return found


def _judge(terms: Any, by: Person) -> int:
    from verne.sms.resolution.intake.agreed import apply

    progress = Progress(f"Clocks under {terms.ref}")
    try:
        return apply(terms, by=by, told=progress)
    finally:
        progress.end()


def _write(path: Path, flaws: list[Flaw]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "number", "column", "value", "what was done instead"])
        writer.writerows((f.row, f.number, f.column, f.value, f.done) for f in flaws)


def _say(
    taken: Taken, zone: ZoneInfo, report: Path, changed: int, seconds: float, as_json: bool
) -> None:
    figures = taken.figures()
    if as_json:
        click.echo(json.dumps(figures | {"clocks": changed, "report": str(report)}))
        return
    lines = [
        f"{taken.rows:,} rows of {taken.incidents:,} incidents, times read as {zone.key}",
        f"{taken.new:,} incidents are new, with {taken.updates:,} updates as their history",
        f"{taken.there:,} were on file already and stay as they are",
        f"{taken.closed:,} are closed; {taken.reopened:,} were reopened",
        f"{taken.with_problem:,} name a problem, {taken.with_change:,} a change, "
        f"{taken.with_component:,} a configuration item",
    ]
    if changed:
        lines.append(f"{changed:,} clocks are judged anew by the agreement")
    lines.append(f"{len(taken.flaws):,} things could not be taken as they are: see {report}")
    lines.append(f"{seconds:.0f} seconds")
    click.echo("\n".join(lines))
