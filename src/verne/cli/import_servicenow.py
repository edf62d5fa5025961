"""`verne import servicenow-log`: the incidents of another tool, with each update as history."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from verne.cli import start
from verne.cli.progress import Progress

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.sms.relationship.agreement.models import Agreement
    from verne.sms.resolution.intake.log import Flaw
    from verne.sms.resolution.intake.taking import Taken
    from verne.sms.resolution.intake.terms import Template


class Zone(click.ParamType[ZoneInfo]):
    """A time zone by its name."""

    name = "zone"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
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
    help="A file that says how columns and words become ours, or the name of a shipped one.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would come in and what is wrong.")
@click.option("--agreement", default="", help="Reference of the SLA to judge the incidents by.")
@click.option(
    "--agreement-template",
    "template_file",
    default="",
    metavar="FILE",
    help="Where the customer has no SLA in force: draft one from this file, or from the shipped "
    "one called usual, and judge by it.",
)
@click.option(
    "--signed-by-customer",
    "signatory",
    default="",
    metavar="NAME",
    help="Who signed the SLA of the template for the customer; it is put in force then.",
)
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
    dry_run: bool,
    agreement: str,
    template_file: str,
    signatory: str,
    report: Path | None,
    username: str,
    as_json: bool,
) -> None:
    """Bring in an incident event log, packed (.xz, .gz, .bz2) or not.

    One row is one update of an incident. Running it again takes only what is missing. What could
    not be taken as it is goes into the report, row by row.
    """
    if agreement and template_file:
        raise click.UsageError("Choose either --agreement or --agreement-template.")
    if signatory and not template_file:
        raise click.UsageError("--signed-by-customer belongs to --agreement-template.")
    start.database()
    from verne.sms.resolution.intake import mapping as mappings
    from verne.sms.resolution.intake import taking, terms

    began = time.monotonic()
    progress = Progress("Reading the log")
    try:
        mapping = mappings.load(mapping_file)
        template = terms.load(template_file) if template_file else None
        by = _importer(username)
        service = _record("portfolio.service", service_ref, by) if service_ref else None
        chosen = _record("relationship.agreement", agreement, by) if agreement else None
        if dry_run:
            taken = taking.rehearse(file, mapping, zone=zone, told=progress)
        else:
            taken = taking.take(
                file,
                mapping,
                by=by,
                zone=zone,
                customer=customer or file.name.split(".")[0].replace("_", " ").capitalize(),
                service=service,
                told=progress,
            )
        progress.end()
        told = _Told(
            taken, zone, dry_run, where=report or Path(f"{file.name.split('.')[0]}-report.csv")
        )
        if not dry_run and (chosen or template):
            told.judge(chosen, template, by=by, signatory=signatory)
    except mappings.MappingError as wrong:
        raise click.UsageError(str(wrong)) from wrong
    finally:
        progress.end()
    _write(told.where, taken.flaws)
    told.seconds = time.monotonic() - began
    click.echo(json.dumps(told.figures()) if as_json else "\n".join(told.lines()))


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
    found = model.objects.visible_to(by).filter(ref=ref.upper()).first()
    if found is None:
        raise click.UsageError(f"{ref} is no {model._meta.verbose_name} that {by} can see.")
    return found


def _write(path: Path, flaws: list[Flaw]) -> None:
    from verne.engine.tables import harmless

    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "number", "column", "value", "what was done instead"])
        writer.writerows(
            (f.row or "", *map(harmless, (f.number, f.column, f.value, f.done))) for f in flaws
        )


@dataclass
class _Told:
    """What the command says when it is done."""

    taken: Taken
    zone: ZoneInfo
    dry_run: bool
    where: Path
    seconds: float = 0.0
    agreement: Agreement | None = None
    made: bool = False
    clocks: int = 0
    verdict: dict[str, int] = field(default_factory=dict)

    def judge(
        self, chosen: Agreement | None, template: Template | None, *, by: Person, signatory: str
    ) -> None:
        """Give the clocks the targets of an agreement, and count what comes of it."""
        from verne.sms.resolution.intake import terms
        from verne.sms.resolution.intake.agreed import apply
        from verne.sms.resolution.intake.comparing import OURS, compare

        self.agreement = chosen
        if template is not None and (world := self.taken.world) is not None:
            assert world.service is not None and world.customer is not None
            self.agreement, self.made = terms.agreement_for(
                template,
                world.service,
                world.customer,
                zone=self.zone.key,
                by=by,
                signatory=signatory,
            )
        assert self.agreement is not None
        progress = Progress(f"Clocks under {self.agreement.ref}")
        try:
            self.clocks = apply(self.agreement, by=by, told=progress)
        finally:
            progress.end()
        found = compare(by)
        self.verdict = {word: found.count(ours=word) for word in OURS}
        self.verdict["differ"] = found.differing

    def figures(self) -> dict[str, Any]:
        return self.taken.figures() | {
            "dry_run": self.dry_run,
            "agreement": self.agreement.ref if self.agreement else None,
            "clocks": self.clocks,
            "verdict": self.verdict,
            "report": str(self.where),
            "seconds": round(self.seconds, 1),
        }

    def lines(self) -> list[str]:
        from verne.sms.resolution.intake.log import DONE

        taken, named = self.taken, self.taken.named
        would = "would be " if self.dry_run else "are "
        lines = [
            f"{taken.rows:,} rows of {taken.incidents:,} incidents, times read as {self.zone.key}",
            f"{taken.new:,} incidents {would}new, with {taken.updates:,} updates as their history",
            f"{taken.there:,} were on file already and stay as they are",
            f"{taken.closed:,} are closed; {taken.reopened:,} were reopened; {taken.missed:,} are "
            "said to have missed their target",
            f"{taken.with_problem:,} name a problem, {taken.with_change:,} a change, "
            f"{taken.with_component:,} a configuration item",
            f"The rows name {named['team']:,} teams, {named['owner']:,} owners, "
            f"{named['caller']:,} callers, {named['category']:,} categories, "
            f"{named['subcategory']:,} subcategories, {named['symptom']:,} symptoms, "
            f"{named['problem']:,} problems and {named['change']:,} changes",
        ]
        lines += self._judged()
        if taken.flaws:
            lines.append(f"{len(taken.flaws):,} things could not be taken as they are:")
            lines += [f"{n:>8,}  {DONE[kind]}" for kind, n in taken.flaws_by_kind().items()]
        lines.append(f"Row by row: {self.where}")
        lines.append(f"{self.seconds:.0f} seconds")
        return lines

    def _judged(self) -> list[str]:
        if self.agreement is None:
            return []
        lines = []
        if self.made:
            standing = self.agreement.state.replace("_", " ")
            lines.append(f"{self.agreement.ref} was made from the template and is {standing}")
        kept, missed, none, differ = (
            self.verdict.get(word, 0) for word in ("kept", "missed", "none", "differ")
        )
        return [
            *lines,
            f"By {self.agreement.ref} {kept:,} kept their target and {missed:,} missed it; "
            f"{none:,} have none",
            f"{differ:,} incidents are judged otherwise than the log says: see /imports/made-sla/",
        ]
