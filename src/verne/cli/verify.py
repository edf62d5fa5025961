"""`verne verify`: whether an audit pack, or the database itself, was changed by somebody."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from verne.cli import start

SHOWN = 50
"""Findings told in the terminal; who wants all of them asks for JSON."""


@click.command("verify")
@click.argument("pack", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--database", is_flag=True, help="Examine the database instead of a pack.")
@click.option("--key", default="", help="The public key you were told by other means.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file with checkpoints that were kept elsewhere.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings for a program.")
def command(
    pack: Path | None, database: bool, key: str, against: Path | None, as_json: bool
) -> None:
    """Find out whether anything was changed behind the back of the program.

    With PACK: an audit pack, as the file verify.py inside it would examine it. With --database:
    every row against its history, and the history against the seal.
    """
    if (pack is None) is not database:
        raise click.UsageError("Name an audit pack, or say --database.")
    kept = against.read_text(encoding="utf-8") if against else ""
    if pack is not None:
        from verne import verifier

        report = verifier.verify_pack(pack, key=key, against=kept)
        if as_json:
            click.echo(verifier.as_json(report))
        else:
            click.echo("\n".join(verifier.told(report)))
        sys.exit(0 if report.good else 1)
    _examine(kept, key=key, as_json=as_json)


def _examine(kept: str, *, key: str, as_json: bool) -> None:
    start.database()
    from verne.engine.seal import keys, outside
    from verne.engine.seal.examining import Counts, Finding, examine

    counts = Counts()
    findings: list[Finding] = []
    if key and key.strip() not in map(str, keys.known()):
        findings.append(Finding("The database is not sealed with the key you were told."))
    for finding in [*findings, *examine(against=f"{outside.kept()}\n{kept}", counts=counts)]:
        if finding not in findings:
            findings.append(finding)
    faults = sum(not finding.warning for finding in findings)
    if as_json:
        told = {
            "good": not faults,
            "findings": [f.as_dict() for f in findings],
            **vars(counts),
        }
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        sys.exit(1 if faults else 0)
    for finding in findings[:SHOWN]:
        click.echo(f"{'!' if finding.warning else '✗'} {finding.says}")
    if len(findings) > SHOWN:
        click.echo(f"… and {len(findings) - SHOWN} more: --json tells all.")
    click.echo(
        f"{counts.rows} rows, {counts.leaves} sealed entries, {counts.checkpoints} checkpoints and "
        f"{counts.files} files were examined; {counts.waiting} acts wait to be sealed."
    )
    if counts.erased:
        click.echo(f"{counts.erased} entries hold no personal data any more, by erasures on file.")
    if not faults:
        click.echo("Nothing was changed behind the back of the program.")
    sys.exit(1 if faults else 0)
