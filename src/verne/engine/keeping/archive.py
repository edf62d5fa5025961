"""The file itself: a tar archive whose last entry holds the SHA-256 of all the others."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, cast

from . import age
from .manifest import Manifest, NotABackup

MANIFEST, MISSING, SUMS = "manifest.json", "missing.txt", "SHA256SUMS"
PIECE = 1 << 20
QUICK = 3
"""How hard gzip tries on the database: most of the gain in a third of the time."""
LARGEST_TEXT = 64 << 20
"""Of the manifest and the sums; a larger one is not ours."""

_NAME = re.compile(
    r"manifest\.json|missing\.txt|SHA256SUMS|secret\.key"
    r"|database/(verne\.sqlite3|[a-z0-9_]{1,63}\.copy)\.gz"
    r"|files/[0-9a-f]{2}/[0-9a-f]{62}"
    r"|keys/(checkpoints\.txt|seal-[0-9a-f]{2,64}\.pem)"
)
"""The only names there can be, so that no archive writes anywhere else."""

Told = Callable[[int, int, str], None]
"""Told how much is done, of how much, and what is being done."""


def silently(done: int, total: int, what: str) -> None:
    """For those who want to hear nothing."""


class Writer:
    """Adds one file after the other, and notes the hash of each."""

    def __init__(self, out: BinaryIO) -> None:
        self._tar = tarfile.open(  # noqa: SIM115
            fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=PIECE
        )
        self.sums: dict[str, str] = {}

    def add_text(self, name: str, text: str) -> None:
        data = text.encode()
        self.add(name, io.BytesIO(data), size=len(data))

    def add(self, name: str, stream: BinaryIO, *, size: int) -> str:
        """Add what a stream holds, which has to be `size` bytes; gives back the hash."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name} has no place in a backup.")
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashing = _Hashing(stream)
        self._tar.addfile(info, cast(IO[bytes], hashing))
        self.sums[name] = hashing.digest.hexdigest()
        return self.sums[name]

    def close(self) -> None:
        lines = "".join(f"{digest}  {name}\n" for name, digest in self.sums.items())
        data = lines.encode()
        info = tarfile.TarInfo(SUMS)
        info.size, info.mode = len(data), 0o600
        self._tar.addfile(info, io.BytesIO(data))
        self._tar.close()


class _Hashing:
    """Reads a stream and hashes what it reads."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.digest.update(data)
        return data


@contextmanager
def opened(
    path: Path, openers: Sequence[age.Opener] = (), *, file_key: bytes | None = None
) -> Iterator[tuple[tarfile.TarFile, BinaryIO]]:
    """A backup as a tar to be read from front to back, decrypted, and the file below it."""
    with path.open("rb") as file:
        try:
            source: BinaryIO = file
            if age.is_encrypted(file.read(32)):
                file.seek(0)
                plain = age.Decrypting(file, openers, file_key=file_key)
                source = cast(BinaryIO, io.BufferedReader(plain, PIECE))
            else:
                file.seek(0)
            with tarfile.open(fileobj=source, mode="r|", bufsize=PIECE) as tar:
                yield tar, file
                # What stands behind the end of the tar is authenticated too.
                while source.read(PIECE):
                    pass
        except (tarfile.TarError, EOFError, age.Damaged) as wrong:
            raise NotABackup(_damaged(path, wrong)) from None


def _damaged(path: Path, wrong: Exception) -> str:
    if isinstance(wrong, age.Damaged):
        return f"{path} is damaged. {wrong}"
    return f"{path} is no backup of Verne, or it is damaged: {wrong}."


@dataclass
class Checked:
    """What reading a backup from end to end gave."""

    manifest: Manifest
    sums: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Attached files that were gone or altered already when the backup was made."""


Keep = Callable[[str, IO[bytes], int], None]
"""Given the name, the content and the size of each file that a backup holds, as it is read."""


def read(
    path: Path,
    openers: Sequence[age.Opener] = (),
    *,
    keep: Keep | None = None,
    accept: Callable[[Manifest], None] | None = None,
    file_key: bytes | None = None,
    told: Told = silently,
) -> Checked:
    """Read a backup from front to back and check everything; the faults are in what comes back.

    `accept` sees the manifest before anything else is read, and may refuse.
    """
    checked: Checked | None = None
    total = path.stat().st_size
    with opened(path, openers, file_key=file_key) as (tar, file):
        for info in tar:
            told(min(file.tell(), total), total, "Checking")
            if not info.isreg() or not _NAME.fullmatch(info.name):
                raise NotABackup(f"{path} is no backup of Verne: it holds {info.name!r}.")
            content = tar.extractfile(info)
            assert content is not None
            if checked is None:
                checked = _first(path, info, content)
                if accept is not None:
                    accept(checked.manifest)
            elif info.name == SUMS:
                _compare(checked, _text(info, content))
                return checked
            elif info.name == MISSING:
                text = _text(info, content)
                checked.missing = text.decode("utf-8", "replace").splitlines()
                checked.sums[MISSING] = hashlib.sha256(text).hexdigest()
            else:
                _one_file(checked, info, content, keep)
    if checked is None:
        raise NotABackup(f"{path} is empty.")
    raise NotABackup(f"{path} is cut off: it ends before its list of hashes.")


def _first(path: Path, info: tarfile.TarInfo, content: IO[bytes]) -> Checked:
    if info.name != MANIFEST:
        raise NotABackup(f"{path} is no backup of Verne: it begins with {info.name!r}.")
    text = _text(info, content)
    return Checked(Manifest.read(text), {MANIFEST: hashlib.sha256(text).hexdigest()})


def _text(info: tarfile.TarInfo, content: IO[bytes]) -> bytes:
    if info.size > LARGEST_TEXT:
        raise NotABackup(f"{info.name} is too large to be right.")
    return content.read()


def _one_file(
    checked: Checked, info: tarfile.TarInfo, content: IO[bytes], keep: Keep | None
) -> None:
    if info.name in checked.sums:
        raise NotABackup(f"It holds {info.name} twice.")
    hashing = _Hashing(cast(BinaryIO, content))
    if keep is not None:
        keep(info.name, cast(IO[bytes], hashing), info.size)
    elif info.name.startswith("database/"):
        _unpack(checked, info.name, hashing)
    while hashing.read(PIECE):
        pass
    checked.sums[info.name] = hashing.digest.hexdigest()
    if info.name.startswith("files/"):
        named = info.name.removeprefix("files/").replace("/", "")
        if named != checked.sums[info.name]:
            checked.faults.append(f"{info.name} has other content than its name says.")


def _unpack(checked: Checked, name: str, content: _Hashing) -> None:
    """A part of the database: does it unpack, and to what it was."""
    digest, rows = hashlib.sha256(), 0
    try:
        with gzip.GzipFile(fileobj=cast(BinaryIO, content)) as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
                rows += piece.count(b"\n")
    except (OSError, EOFError) as wrong:
        checked.faults.append(f"{name} cannot be unpacked: {wrong}.")
        return
    if digest.hexdigest() != checked.manifest.parts.get(name):
        checked.faults.append(f"{name} is not what the manifest says.")
    table = name.removeprefix("database/").removesuffix(".copy.gz")
    if name.endswith(".copy.gz") and rows != checked.manifest.tables.get(table):
        checked.faults.append(f"{table} has {rows:,} rows, the manifest says another number.")


def _compare(checked: Checked, text: bytes) -> None:
    listed: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines():
        digest, _gap, name = line.partition("  ")
        listed[name] = digest
    for name, digest in listed.items():
        if name not in checked.sums:
            checked.faults.append(f"{name} is missing.")
        elif checked.sums[name] != digest:
            checked.faults.append(f"{name} was changed: it has another hash.")
    checked.faults += [f"{name} is in no list." for name in checked.sums if name not in listed]
    checked.faults += [
        f"{name} is missing." for name in checked.manifest.parts if name not in listed
    ]


def file_name(sha256: str) -> str:
    return f"files/{sha256[:2]}/{sha256[2:]}"
