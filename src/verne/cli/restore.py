"""`verne restore`: a backup put into an empty installation, here or on another machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from verne.cli import start
from verne.cli.backup import EXISTING, openers, passphrase
from verne.cli.progress import Progress

if TYPE_CHECKING:
    from verne.engine.keeping.restoring import Restored


@click.command("restore")
@click.argument("file", type=EXISTING)
@click.option("--key", type=EXISTING, metavar="FILE", help="The private key it was encrypted for.")
@click.option(
    "--passphrase-file", type=EXISTING, metavar="FILE", help="The passphrase; else it is asked for."
)
@click.option(
    "--replace", is_flag=True, help="Move what is here aside first; without it that is refused."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done for a program to read.")
def command(
    file: Path, key: Path | None, passphrase_file: Path | None, replace: bool, as_json: bool
) -> None:
    """Put a backup into an empty installation: VERNE_HOME, and DATABASE_URL if it is set.

    Every hash is checked before anything is touched, and a failure leaves what was there. A backup
    of an earlier version is brought to this one. One of SQLite goes into SQLite or PostgreSQL, one
    of PostgreSQL into PostgreSQL. Check a backup without restoring it: verne backup --check FILE.
    """
    start.apps()

    from verne.cli.lock import held
    from verne.engine.keeping import age, restoring
    from verne.engine.keeping.manifest import NotABackup

    progress = Progress("Restoring")
    with held("verne restore"):
        try:
            found = openers(key, _words(file, key, passphrase_file))
            done = restoring.restore(
                file, found, replace=replace, bring_forward=_bring_forward, told=progress
            )
        except (restoring.CannotRestore, NotABackup, age.Locked) as refused:
            progress.end()
            raise click.UsageError(str(refused)) from refused
    progress.end()
    if as_json:
        click.echo(json.dumps(done.summary(), indent=1, ensure_ascii=False))
    else:
        _tell(done)
    sys.exit(1 if done.missing else 0)


def _tell(done: Restored) -> None:
    from django.conf import settings

    manifest = done.manifest
    if done.keys:
        click.echo(f"Put back: {', '.join(done.keys)}.")
    if done.aside:
        click.echo(f"What was here before is kept: {done.aside}")
    if manifest.keys_only:
        return
    click.echo(
        f"Restored {manifest.records:,} records in {sum(manifest.tables.values()):,} rows and "
        f"{done.files:,} files, as they were {manifest.made_at}. Everybody signs in again."
    )
    if done.forward:
        click.echo(f"The tables were brought to this version ({len(done.forward)} steps).")
    for line in done.missing:
        click.echo(f"✗ Not in the backup: the attached file {line}.", err=True)
    if manifest.seal.size and not list((Path(settings.VERNE_HOME) / "keys").glob("seal-*.pem")):
        click.echo(
            "The key of the seal is not here. Restore it from the backup of the keys, or begin a "
            "new one with `verne seal --new-key`."
        )
    if "secret.key" not in done.keys:
        click.echo(
            "secret.key is not in this backup. Until it is put back from the backup of keys, the "
            "authenticator apps of people are not recognized."
        )
    click.echo("Next: verne verify --database, verne doctor, then verne up.")


def _words(file: Path, key: Path | None, passphrase_file: Path | None) -> str:
    """The passphrase, asked for where nothing else can open the file."""
    from verne.engine.keeping.age import is_encrypted

    if passphrase_file is not None:
        return passphrase(passphrase_file)
    with file.open("rb") as stream:
        beginning = stream.read(200)
    if key is None and is_encrypted(beginning) and b"\n-> scrypt " in beginning:
        return passphrase(None)
    return ""


def _bring_forward(database: Path) -> None:
    """Migrate a file that is not the database yet: a process of its own, in which it is."""
    from verne.engine.keeping.restoring import CannotRestore

    done = subprocess.run(
        [sys.executable, "-m", "verne", "manage", "migrate", "--no-input", "-v", "0"],
        env=os.environ | {"DATABASE_URL": f"sqlite://{quote(str(database.absolute()))}"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise CannotRestore(
            f"The backup cannot be brought to this version. {done.stderr.strip()[-2000:]}\n"
            "What was here before is as it was."
        )
