"""`verne env`: the environment is there when this runs, so there is nothing left but to say so."""

from __future__ import annotations

import sys

import click

from verne import __version__


@click.command("env")
def command() -> None:
    """Prepare the environment and nothing else.

    The script ./verne does it, before this program can run; --dev adds the tools of developers.
    """
    click.echo(f"Verne {__version__} runs on Python {sys.version.split()[0]} in {sys.prefix}.")
