"""The `verne` command: one module a subcommand, loaded only when it is called.

The terminal speaks English: its readers run servers, and search for messages word by word.
"""

from __future__ import annotations

import os
import sys

import click

from verne import __version__
from verne.cli.lazy import LazyGroup

COMMANDS = {
    "up": ("up", "Start Verne: web pages and background work in one process."),
    "web": ("web", "Serve pages only, in any number of processes on one PostgreSQL."),
    "work": ("work", "Run background jobs only, in any number of processes on one PostgreSQL."),
    "migrate": ("migrate", "Bring the database to this version (verne up does it by itself)."),
    "demo": ("demo", "Load the demonstration organization into an empty database."),
    "import": ("import_", "Bring records in from a file or from another tool."),
    "export": ("export", "Write the records of a register to a file."),
    "statement": ("statement", "Say whether the requirements are met, from the records."),
    "library": ("library", "Load, compare, update, undo and export libraries of frameworks."),
    "seal": ("seal", "Seal what is new in the history, and print the signed checkpoint."),
    "pack": ("pack", "Make an audit pack: the evidence of a period, provable without Verne."),
    "erase": ("erase", "Erase the personal data of somebody who is gone."),
    "verify": ("verify", "Find out whether a pack or the database was changed by somebody."),
    "access": ("access", "Let somebody in again who has lost the password or the second step."),
    "token": ("token", "Make, list and revoke the tokens with which programs call the API."),
    "backup": ("backup", "Write everything into one file while people work, or check one."),
    "restore": ("restore", "Put a backup into an empty installation."),
    "mail": ("mail", "Show somebody's letter of the day, or send it to try the mail server."),
    "doctor": ("doctor", "Examine the installation and say what to mend."),
    "env": ("env", "Prepare the environment and nothing else (./verne env)."),
}
"""Name, module and one line of help; the module holds `command`."""

HIDDEN = {"manage": "manage"}
"""Django's own commands, for those who work on Verne."""


@click.group(
    cls=LazyGroup,
    commands_of=COMMANDS,
    hidden_commands=HIDDEN,
    help="Verne is a service management system for ISO/IEC 20000-1.\n\n"
    "VERNE_HOME (default: var) holds the database, the files and the keys. DATABASE_URL names "
    "another database, such as postgresql://user@host/verne.",
    epilog="Exit codes: 0 it is done; 1 it ran and found something wrong; 2 it could not be done "
    "as asked.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="Verne %(version)s")
def group() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verne.settings")
    # What a service keeps is not for everybody who has an account on its machine.
    os.umask(0o027)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, with `arguments` instead of those of the process if given."""
    try:
        group.main(arguments, prog_name="verne")
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
