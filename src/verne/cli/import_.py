"""`verne import`: records from a file, or the history of another tool."""

from __future__ import annotations

import click

from verne.cli.lazy import LazyGroup

KINDS: dict[str, tuple[str, str]] = {
    "records": ("import_records", "Rows of a CSV or XLSX file into a register."),
    "servicenow-log": ("import_servicenow", "Incidents of another tool, with their history."),
}
"""Name, module below `verne.cli` and one line of help; the module holds `command`."""


@click.group("import", cls=LazyGroup, commands_of=KINDS)
def command() -> None:
    """Bring records in from a file or from another tool."""
