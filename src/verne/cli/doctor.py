"""`verne doctor`: examines the installation and says, finding by finding, what to do."""

from __future__ import annotations

import json
import sys

import click

from verne.cli import start

MARKS = {"ok": "✓", "warning": "!", "fault": "✗"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings for a program to read.")
@click.option("--quick", is_flag=True, help="Leave out what reads everything: rows, file contents.")
@click.option("--mend", is_flag=True, help="Mend what can be mended without losing anything.")
def command(as_json: bool, quick: bool, mend: bool) -> None:
    """Examine the installation and say what to mend.

    Without --mend nothing is changed. It reads every row and file once, a minute for some hundred
    thousand records; --quick takes seconds. Exit code 0 when all is well or only warnings are
    found, 1 with a fault.
    """
    start.apps()
    from verne.cli.examination import examine

    findings = list(examine(quick=quick))
    if mend and (mendable := [(f.subject, f.says, f.mend) for f in findings if f.mend]):
        for subject, says, do_it in mendable:
            click.echo(f"Mending {subject}: {says}", err=True)
            do_it()
        findings = list(examine(quick=quick))
    faults = sum(found.level == "fault" for found in findings)
    if as_json:
        rows = [found.as_dict() for found in findings]
        click.echo(json.dumps({"well": not faults, "findings": rows}, indent=2))
        sys.exit(1 if faults else 0)
    for found in findings:
        click.echo(f"{MARKS[found.level]} {found.subject:<12} {found.says}")
        for more in filter(None, (found.means, found.do)):
            click.echo(f"{'':<15}{more}")
    warnings = sum(found.level == "warning" for found in findings)
    click.echo(f"{faults} faults, {warnings} warnings.")
    sys.exit(1 if faults else 0)
