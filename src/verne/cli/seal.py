"""`verne seal`: gives what is new in the history its place in the signed tree."""

from __future__ import annotations

import sys

import click

from verne.cli import start


@click.command("seal")
@click.option("--new-key", is_flag=True, help="Sign with a new key from now on.")
@click.option("--key", "show_key", is_flag=True, help="Print the public key and do nothing else.")
def command(new_key: bool, show_key: bool) -> None:
    """Seal what is new in the history, and print the signed checkpoint.

    Verne does so by itself every hour. Keep the checkpoint where nobody who runs this machine can
    change it: `verne verify --database --against FILE` compares the history with it.
    """
    start.database()
    from verne.engine.seal import keys, sealing

    if show_key:
        click.echo(str(keys.current()[0]))
        return
    if new_key:
        key = keys.follow()
        click.echo(f"From now on the key {key.id.hex()} signs.", err=True)
    try:
        done = sealing.seal()
    except keys.KeyLost as lost:
        click.echo(str(lost), err=True)
        sys.exit(2)
    if done is None:
        click.echo("There is no history to seal yet.", err=True)
        return
    click.echo(done.note, nl=False)
