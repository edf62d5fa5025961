"""Making a backup while people work: one instant of the database, and the files of that instant."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.db import connection

from ..files import File
from ..stores import sync_folder
from . import age, archive, postgresql, sqlite
from .archive import PIECE, Told, silently
from .manifest import Manifest, now

HELD_AT_ONCE = 64 << 20
"""A larger file is read twice instead: once for its hash, once for the archive."""
OURS = re.compile(r"verne-\d{8}T\d{6}Z(-keys)?\.tar(\.age)?")


class CannotMake(Exception):
    """No backup was made; the text says why, and what to do."""


@dataclass
class Made:
    """A backup that was written and read back."""

    path: Path
    manifest: Manifest
    bytes: int
    sha256: str
    encrypted: bool
    seconds: float
    missing: list[str] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "sha256": self.sha256,
            "encrypted": self.encrypted,
            "seconds": round(self.seconds, 2),
            "missing": self.missing,
            "removed": [str(path) for path in self.removed],
            **self.manifest.summary(),
        }


def make(
    target: Path | None = None,
    *,
    ways: Sequence[age.Way] = (),
    with_keys: bool | None = None,
    keep: int | None = None,
    told: Told = silently,
) -> Made:
    """Write a backup, read it back, and only then give it its name.

    `target` is a file, or a folder in which it gets a name from the time. Secret keys go along only
    into an encrypted one, unless `with_keys` says otherwise. With `keep`, older backups in the same
    folder go when there are more than so many.
    """
    with_keys = bool(ways) if with_keys is None else with_keys
    if with_keys and not ways:
        raise CannotMake(
            "Secret keys are written into an encrypted backup only: add --encrypt or --to."
        )
    path = _place(target, encrypted=bool(ways))
    _sweep(path.parent)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".verne-backup-") as folder:
            made = _written(path, Path(folder), ways, with_keys=with_keys, told=told)
    except OSError as wrong:
        raise CannotMake(f"No backup was made: {wrong}.") from wrong
    except sqlite.Corrupt as wrong:
        raise CannotMake(
            f"{wrong} A copy of it would be no backup. Keep the file for the inquiry, and restore "
            "the last good one."
        ) from wrong
    made.seconds = time.monotonic() - began
    if keep is not None:
        made.removed = prune(path.parent, keep, just_made=path)
    remember(made)
    return made


def make_of_keys(target: Path | None, *, ways: Sequence[age.Way], told: Told = silently) -> Made:
    """Write the secret keys alone, encrypted, to be kept apart from everything else."""
    if not ways:
        raise CannotMake("Secret keys are written encrypted only: add --encrypt or --to.")
    manifest = Manifest(now(), connection.vendor, keys_only=True)
    path = _place(target, encrypted=True, what="-keys")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".verne-backup-") as folder:
        made = _archived(path, Path(folder), manifest, [], [], ways, with_keys=True, told=told)
    made.seconds = time.monotonic() - began
    return made


def _written(
    path: Path, folder: Path, ways: Sequence[age.Way], *, with_keys: bool, told: Told
) -> Made:
    manifest = Manifest(now(), connection.vendor)
    if connection.vendor == "postgresql":
        with postgresql.snapshot() as cursor:
            postgresql.describe(cursor, manifest)
            parts = postgresql.write_rows(cursor, folder, manifest, told)
            files = postgresql.attached(cursor)
    else:
        database = Path(str(connection.settings_dict["NAME"]))
        if not database.exists():
            raise CannotMake(f"There is no database at {database} yet: nothing to back up.")
        _need_room(path.parent, 2 * database.stat().st_size)
        plain = folder / "verne.sqlite3"
        sqlite.copy(database, plain, told)
        told(0, 0, "Examining the copy")
        sqlite.examine(plain)
        sqlite.describe(plain, manifest)
        files = sqlite.attached(plain)
        parts = [_packed(plain, manifest, told)]
    return _archived(path, folder, manifest, parts, files, ways, with_keys=with_keys, told=told)


def _packed(plain: Path, manifest: Manifest, told: Told) -> Path:
    """A copy of the database, compressed; the copy itself goes."""
    packed = plain.with_name(f"{plain.name}.gz")
    digest, done, total = hashlib.sha256(), 0, plain.stat().st_size
    with (
        plain.open("rb") as source,
        gzip.GzipFile(packed, "wb", compresslevel=archive.QUICK, mtime=0) as out,
    ):
        while piece := source.read(PIECE):
            digest.update(piece)
            out.write(piece)
            done += len(piece)
            told(done >> 20, total >> 20, "Packing the database (MB)")
    plain.unlink()
    manifest.parts[f"database/{packed.name}"] = digest.hexdigest()
    return packed


def _archived(
    path: Path,
    folder: Path,
    manifest: Manifest,
    parts: list[Path],
    files: list[tuple[str, int]],
    ways: Sequence[age.Way],
    *,
    with_keys: bool,
    told: Told,
) -> Made:
    """Put everything into the archive, read that back, and give it its name."""
    secret = list(_secret_keys()) if with_keys else []
    manifest.keys = [name for name, _path in secret]
    manifest.files, manifest.file_bytes = len(files), sum(size for _digest, size in files)
    _need_room(path.parent, manifest.file_bytes + sum(part.stat().st_size for part in parts))
    draft = folder / "draft"
    missing: list[str] = []
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        hashing = _HashingOut(out)
        encrypting = age.Encrypting(cast(BinaryIO, hashing), ways) if ways else None
        writer = archive.Writer(cast(BinaryIO, encrypting or hashing))
        writer.add_text(archive.MANIFEST, manifest.text())
        for part in parts:
            with part.open("rb") as stream:
                writer.add(f"database/{part.name}", stream, size=part.stat().st_size)
            part.unlink()
        for number, (digest, size) in enumerate(files, 1):
            told(number, len(files), "Adding the attached files")
            if why := _add_file(writer, digest, size):
                missing.append(f"{digest} {why}")
        for name, place in [*_open_keys(manifest), *secret]:
            data = place.read_bytes()
            writer.add(name, io.BytesIO(data), size=len(data))
        if missing:
            writer.add_text(archive.MISSING, "".join(f"{line}\n" for line in missing))
        writer.close()
        if encrypting is not None:
            encrypting.close()
        out.flush()
        os.fsync(out.fileno())
    told(0, 0, "Reading it back")
    checked = archive.read(draft, file_key=encrypting.file_key if encrypting else None, told=told)
    if checked.faults or checked.sums != writer.sums:
        faults = " ".join(checked.faults[:3]) or "It holds something else than was written."
        raise CannotMake(f"What was written cannot be read back, so it is no backup: {faults}")
    size = draft.stat().st_size
    os.replace(draft, path)
    sync_folder(path.parent)
    return Made(path, manifest, size, hashing.hexdigest(), bool(ways), 0.0, missing)


class _HashingOut:
    """Hashes what it writes."""

    def __init__(self, out: BinaryIO) -> None:
        self.out, self.digest = out, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.out.write(data)

    def hexdigest(self) -> str:
        return self.digest.hexdigest()


def _add_file(writer: archive.Writer, digest: str, size: int) -> str:
    """Add an attached file if it is what it was; else say what is wrong with it."""
    file = File(sha256=digest)
    changed = "has other content than was attached"
    try:
        if size > HELD_AT_ONCE:
            if not file.is_intact():
                return changed if file.is_there() else "is missing"
            with file.open() as stream:
                writer.add(archive.file_name(digest), stream, size=size)
            return ""
        with file.open() as stream:
            data = stream.read()
    except FileNotFoundError:
        return "is missing"
    if hashlib.sha256(data).hexdigest() != digest:
        return changed
    writer.add(archive.file_name(digest), io.BytesIO(data), size=len(data))
    return ""


def _open_keys(manifest: Manifest) -> Iterator[tuple[str, Path]]:
    """What lies beside the keys and is no secret; it belongs to the database."""
    place = Path(settings.VERNE_HOME) / "keys" / "checkpoints.txt"
    if place.exists() and not manifest.keys_only:
        yield f"keys/{place.name}", place


def _secret_keys() -> Iterator[tuple[str, Path]]:
    home = Path(settings.VERNE_HOME)
    for place in sorted((home / "keys").glob("seal-*.pem")):
        yield f"keys/{place.name}", place
    if (home / "secret.key").exists():
        yield "secret.key", home / "secret.key"


def _place(target: Path | None, *, encrypted: bool, what: str = "") -> Path:
    """Where the backup goes; a file that is there already is never written over."""
    ending = ".tar.age" if encrypted else ".tar"
    name = f"verne-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{what}{ending}"
    target = (target or usual_folder()).absolute()
    if target.is_dir() or not target.suffix:
        try:
            target.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as wrong:
            raise CannotMake(f"The folder {target} cannot be made: {wrong}.") from wrong
        target /= name
    if not target.parent.is_dir():
        raise CannotMake(f"There is no folder {target.parent}.")
    if target.exists():
        raise CannotMake(f"{target} is there already. Name another file, or a folder.")
    return target


def _sweep(folder: Path) -> None:
    """Take away what a backup that was killed has left; one under way is never a day old."""
    for left in folder.glob(".verne-backup-*"):
        if time.time() - left.stat().st_mtime > 24 * 60 * 60:
            shutil.rmtree(left, ignore_errors=True)


def usual_folder() -> Path:
    """Where backups go when nobody says where: better than nothing, on the same disk."""
    return Path(settings.VERNE_HOME) / "backups"


def _need_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + (16 << 20):
        raise CannotMake(
            f"{folder} has {free >> 20:,} MB free, and a backup takes about {needed >> 20:,} MB "
            "while it is made. Name a folder on another disk."
        )


def backups_in(folder: Path) -> list[Path]:
    """The backups in a folder that have their name from the time, oldest first."""
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir() if OURS.fullmatch(p.name) and "-keys" not in p.name)
    return sorted(path for path in found if path.is_file())


def prune(folder: Path, keep: int, *, just_made: Path) -> list[Path]:
    """Remove the oldest backups of a folder, so that `keep` remain; never the one just made."""
    if keep < 1:
        raise CannotMake("Keep at least one backup.")
    found = [path for path in backups_in(folder) if path != just_made]
    excess = found[: max(0, len(found) + 1 - keep)]
    for path in excess:
        path.unlink()
    return excess


# --- When the last one was made ------------------------------------------------------------------


def remember(made: Made) -> None:
    """Note that a backup was made, for the doctor."""
    place = _note()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    told = {
        "at": made.manifest.made_at,
        "path": str(made.path),
        "bytes": made.bytes,
        "sha256": made.sha256,
        "encrypted": made.encrypted,
        "missing": len(made.missing),
    }
    draft = place.with_suffix(".draft")
    draft.write_text(json.dumps(told, indent=1))
    os.replace(draft, place)


def last() -> dict[str, Any] | None:
    """What was noted of the last backup; None if none was ever made here."""
    try:
        told = json.loads(_note().read_text())
        datetime.fromisoformat(told["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cast(dict[str, Any], told)


def _note() -> Path:
    return Path(settings.VERNE_HOME) / "last-backup.json"


def ways_of(recipients: Iterable[str], passphrase: str = "") -> list[age.Way]:
    """How a backup is encrypted: for public keys, or under a passphrase."""
    found: list[age.Way] = [age.Recipient.read(text) for text in recipients]
    if passphrase and found:
        raise CannotMake("Choose: public keys (--to), or a passphrase.")
    return [age.Passphrase(passphrase)] if passphrase else found
