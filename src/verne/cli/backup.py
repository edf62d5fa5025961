"""`verne backup`: everything in one file, written while people work, and read back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verne.cli import start
from verne.cli.progress import Progress

if TYPE_CHECKING:
    from verne.engine.keeping.age import Opener
    from verne.engine.keeping.archive import Checked
    from verne.engine.keeping.making import Made

FILE = click.Path(path_type=Path)
EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("backup")
@click.argument("target", required=False, type=FILE, metavar="[FILE or FOLDER]")
@click.option("--encrypt", is_flag=True, help="Encrypt it under a passphrase, which is asked for.")
@click.option(
    "--passphrase-file", type=EXISTING, metavar="FILE", help="Encrypt it under what a file says."
)
@click.option(
    "--to", multiple=True, metavar="age1…", help="Encrypt it for a public key; may be repeated."
)
@click.option("--without-keys", is_flag=True, help="Leave the secret keys out of an encrypted one.")
@click.option("--only-keys", is_flag=True, help="Write the secret keys alone, encrypted.")
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="Afterwards keep the newest N in that folder and remove the others.",
)
@click.option("--check", type=EXISTING, metavar="FILE", help="Check a backup and do nothing else.")
@click.option("--key", type=EXISTING, metavar="FILE", help="The private key, to check with.")
@click.option(
    "--new-key", type=FILE, metavar="FILE", help="Make a pair of keys and do nothing else."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done for a program to read.")
def command(
    target: Path | None,
    encrypt: bool,
    passphrase_file: Path | None,
    to: tuple[str, ...],
    without_keys: bool,
    only_keys: bool,
    keep: int | None,
    check: Path | None,
    key: Path | None,
    new_key: Path | None,
    as_json: bool,
) -> None:
    """Write everything into one file: the database, the attached files, the seal.

    Nobody has to stop working. What is written is read back and checked before it gets its name.
    Without FILE it goes to VERNE_HOME/backups; better name a folder on another disk. Exit code 1:
    it was made, but files that people attached were missing or altered already.
    """
    if new_key is not None:
        _make_key(new_key)
        return
    start.apps()
    from verne.engine.keeping import age, making
    from verne.engine.keeping.manifest import NotABackup

    progress = Progress("Backing up")
    try:
        if check is not None:
            words = passphrase(passphrase_file) if encrypt or passphrase_file else ""
            _check(check, openers(key, words), as_json=as_json, progress=progress)
            return
        words = passphrase(passphrase_file, twice=True) if encrypt or passphrase_file else ""
        ways = making.ways_of(to, words)
        if only_keys:
            made = making.make_of_keys(target, ways=ways, told=progress)
        else:
            made = making.make(
                target,
                ways=ways,
                with_keys=False if without_keys else None,
                keep=keep,
                told=progress,
            )
    except (making.CannotMake, NotABackup, age.Locked) as refused:
        progress.end()
        raise click.UsageError(str(refused)) from refused
    progress.end()
    if as_json:
        click.echo(json.dumps(made.summary(), indent=1, ensure_ascii=False))
    else:
        _tell(made)
    sys.exit(1 if made.missing else 0)


def _tell(made: Made) -> None:
    manifest = made.manifest
    click.echo(f"{made.path}")
    if manifest.keys_only:
        click.echo(
            f"{len(manifest.keys)} secret keys, encrypted. Keep them where the backups are not."
        )
        return
    click.echo(
        f"{manifest.records:,} records in {sum(manifest.tables.values()):,} rows and "
        f"{manifest.files - len(made.missing):,} files; {made.bytes / 1e6:,.1f} MB in "
        f"{made.seconds:.1f} s, read back and sound."
    )
    click.echo(f"SHA-256 {made.sha256}")
    if manifest.seal.size:
        click.echo(f"Sealed up to entry {manifest.seal.size:,}.")
    if made.encrypted:
        keys = "with the secret keys" if manifest.keys else "without the secret keys"
        click.echo(f"It is encrypted, {keys}.")
    else:
        click.echo(
            "It is not encrypted, so it holds no secret keys: "
            "`verne backup --only-keys --encrypt FILE` keeps those."
        )
    for path in made.removed:
        click.echo(f"Removed {path.name}.")
    for line in made.missing:
        click.echo(f"✗ The attached file {line}.", err=True)


def _check(path: Path, found: list[Opener], *, as_json: bool, progress: Progress) -> None:
    from verne.engine.keeping import archive

    checked = archive.read(path, found, told=progress)
    progress.end()
    if as_json:
        told = {
            "sound": not checked.faults,
            "faults": checked.faults,
            "missing": checked.missing,
            **checked.manifest.summary(),
        }
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        describe(checked)
        for fault in checked.faults:
            click.echo(f"✗ {fault}")
        for line in checked.missing:
            click.echo(f"! When it was made, the attached file {line}.")
        click.echo("It is damaged." if checked.faults else "It is sound: every hash agrees.")
    sys.exit(1 if checked.faults else 0)


def describe(checked: Checked) -> None:
    """Say what a backup is, in two lines."""
    manifest = checked.manifest
    if manifest.keys_only:
        click.echo(f"Secret keys, of {manifest.made_at}: {', '.join(manifest.keys)}")
        return
    engine = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(manifest.engine, manifest.engine)
    click.echo(
        f"Made {manifest.made_at} by Verne {manifest.program} from {engine} "
        f"{manifest.database_version}; the last act in it is of {manifest.last_act or 'never'}."
    )
    click.echo(
        f"{manifest.records:,} records, {sum(manifest.tables.values()):,} rows, "
        f"{manifest.files:,} files; sealed up to entry {manifest.seal.size:,}; secret keys: "
        f"{', '.join(manifest.keys) or 'none'}."
    )


def passphrase(file: Path | None, *, twice: bool = False) -> str:
    """The first line of a file, or what somebody types."""
    if file is not None:
        words = file.read_text(encoding="utf-8").split("\n")[0].strip()
        if not words:
            raise click.UsageError(f"{file} holds no passphrase.")
        return words
    words = click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
    if twice and len(words) < 12:
        raise click.UsageError("Take a passphrase of at least 12 characters: four words, say.")
    return str(words)


def openers(key: Path | None, words: str) -> list[Opener]:
    """What opens an encrypted backup."""
    from verne.engine.keeping import age

    found: list[Opener] = [age.Passphrase(words)] if words else []
    if key is not None:
        found += age.Identity.read_all(key.read_text(encoding="utf-8"))
    return found


def _make_key(path: Path) -> None:
    from verne.engine.keeping.age import Identity

    identity = Identity.new()
    text = f"# Opens the backups made for {identity.recipient()}\n{identity}\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as wrong:
        raise click.UsageError(f"{path} cannot be written: {wrong.strerror}.") from wrong
    with os.fdopen(handle, "w") as out:
        out.write(text)
    click.echo(str(identity.recipient()))
    click.echo(
        f"This public key encrypts: verne backup --to {str(identity.recipient())[:12]}…\n"
        f"The private key in {path} opens. Move it off this machine, and keep a second copy: "
        "without it no backup made for it can be read.",
        err=True,
    )
