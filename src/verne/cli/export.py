"""`verne export`: the records of a register as CSV or XLSX."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from verne.cli import acting, start


@click.command(
    "export",
    help="Write the records of a register to a file, or to the terminal's pipe.\n\n"
    "REGISTER is the address of its list (incidents). Without --columns, every column that "
    "`verne import records` can take up again is written.",
)
@click.argument("register_name", metavar="REGISTER")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file; its ending says the format. Without it, CSV to standard output.",
)
@click.option("--format", "form", type=click.Choice(["csv", "xlsx"]), help="Instead of the ending.")
@click.option(
    "-f",
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="As on the list: state=open, owner=me, q=words, standing=all. May be repeated.",
)
@click.option("--columns", metavar="A,B,…", help="Only these columns, in this order.")
@click.option("--sort", metavar="COLUMN", help="The order; -COLUMN for downwards.")
@click.option("--words", metavar="LANGUAGE", help="Heads and choices in words: en, ko, es, …")
@acting.in_the_name
def command(
    register_name: str,
    output: Path | None,
    form: str | None,
    filters: tuple[str, ...],
    columns: str | None,
    sort: str | None,
    words: str | None,
    name: str | None,
) -> None:
    start.database()
    from django.core.exceptions import ValidationError
    from django.utils import translation

    from verne.engine import exchange, listing

    person, register = acting.person(name), acting.register(register_name)
    form = form or (output.suffix[1:].lower() if output and output.suffix else "csv")
    if form not in ("csv", "xlsx"):
        raise click.UsageError(f"A file that ends in .{form} is neither CSV nor XLSX.")
    if not person.may("engine.export_records"):
        raise click.UsageError(f"The roles of {person.username} do not include exporting.")
    if output is None and form == "xlsx" and sys.stdout.isatty():
        raise click.UsageError("A workbook cannot be shown: name a file with -o.")
    params = _params(filters)
    if columns:
        params["columns"] = [columns]
    if sort:
        params["sort"] = [sort]
    with translation.override(words or "en"):
        try:
            wanted = listing.understand(register, params)
            rows = listing.ordered(wanted, listing.select(wanted, person))
            fields = wanted.columns if columns else None
            chosen: dict[str, Any] = {"by": person, "words": bool(words)}
            if output is None:
                exchange.export(register, rows, fields, form, sys.stdout.buffer, **chosen)
                return
            with output.open("wb") as stream:
                count = exchange.export(register, rows, fields, form, stream, **chosen)
        except ValidationError as wrong:
            raise click.UsageError(" ".join(wrong.messages)) from wrong
    click.echo(f"{count:,} records of {register.slug} are in {output}.", err=True)


def _params(filters: tuple[str, ...]) -> dict[str, list[str]]:
    params: dict[str, list[str]] = {}
    for each in filters:
        key, sign, value = each.partition("=")
        if not sign:
            raise click.UsageError(f"A filter is written as name=value, not {each!r}.")
        params.setdefault(key.strip(), []).append(value.strip())
    return params
