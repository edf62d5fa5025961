"""Where the content of files lies: in a folder, or in a bucket that speaks the protocol of S3.

Content is known by its SHA-256 and never changed, so both are simple: put there before the
transaction commits that speaks of it, read, and seldom taken away. What a transaction leaves that
did not commit belongs to no record, and is swept (`files.sweep`).
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

DIGEST = re.compile(r"[0-9a-f]{64}")


class Unreachable(OSError):
    """The bucket does not answer, or refuses; the text says what it said."""


class Store(Protocol):
    """What every place for content can do; a digest it does not hold is a FileNotFoundError."""

    def draft(self) -> Path:
        """A new file to write content into while its digest is not known yet."""

    def take(self, draft: Path, digest: str) -> None:
        """Hold what was written into a draft, from now on and through a power cut."""

    def open(self, digest: str) -> BinaryIO: ...

    def has(self, digest: str) -> bool: ...

    def remove(self, digest: str) -> None:
        """Let go of content; it does no harm if it is not there."""

    def kept(self) -> Iterator[tuple[str, float]]:
        """Everything it holds, with the instant it came; drafts that were left go by their name."""

    def place(self, digest: str = "") -> str:
        """Where it is, as people say it."""


def store() -> Store:
    """The place that the settings name."""
    if settings.FILES.startswith("s3://"):
        return _bucket(settings.FILES, settings.S3_ENDPOINT)
    return Folder(Path(settings.FILES or Path(settings.VERNE_HOME) / "files"))


class Folder:
    """A folder with a folder for each first two characters; it may be shared by machines."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def draft(self) -> Path:
        self.home.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.home)
        os.close(handle)
        return Path(name)

    def take(self, draft: Path, digest: str) -> None:
        target = self.path(digest)
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.home)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(draft, target)
        sync_folder(target.parent)

    def open(self, digest: str) -> BinaryIO:
        return self.path(digest).open("rb")

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def remove(self, digest: str) -> None:
        path = self.path(digest) if DIGEST.fullmatch(digest) else self.home / digest
        path.unlink(missing_ok=True)

    def kept(self) -> Iterator[tuple[str, float]]:
        for path in self.home.rglob("*"):
            with suppress(FileNotFoundError):
                if path.is_file():
                    name = "".join(path.relative_to(self.home).parts)
                    yield name, path.stat().st_mtime

    def place(self, digest: str = "") -> str:
        return str(self.path(digest) if digest else self.home)

    def path(self, digest: str) -> Path:
        return self.home / digest[:2] / digest[2:]


class Bucket:
    """A bucket, and the beginning that all names in it have. Keys come from the environment."""

    def __init__(self, client: Any, name: str, prefix: str) -> None:
        self.client, self.name, self.prefix = client, name, prefix

    def draft(self) -> Path:
        handle, name = tempfile.mkstemp(prefix="verne-")
        os.close(handle)
        return Path(name)

    def take(self, draft: Path, digest: str) -> None:
        # The bucket computes the sum itself, and refuses content that changed on the way.
        told = base64.b64encode(bytes.fromhex(digest)).decode()
        with draft.open("rb") as body, _told():
            self.client.put_object(
                **self._named(digest), Body=body, ChecksumAlgorithm="SHA256", ChecksumSHA256=told
            )

    def open(self, digest: str) -> BinaryIO:
        with _told():
            return cast(BinaryIO, self.client.get_object(**self._named(digest))["Body"])

    def has(self, digest: str) -> bool:
        try:
            with _told():
                self.client.head_object(**self._named(digest))
        except FileNotFoundError:
            return False
        return True

    def remove(self, digest: str) -> None:
        with suppress(FileNotFoundError), _told():
            self.client.delete_object(**self._named(digest))

    def kept(self) -> Iterator[tuple[str, float]]:
        with _told():
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.name, Prefix=self.prefix):
                for each in page.get("Contents", ()):
                    name = each["Key"].removeprefix(self.prefix).replace("/", "")
                    yield name, each["LastModified"].timestamp()

    def place(self, digest: str = "") -> str:
        key = self._named(digest)["Key"] if digest else self.prefix
        return f"s3://{self.name}/{key}"

    def _named(self, digest: str) -> dict[str, str]:
        # As in a folder, so that one can be copied onto the other.
        return {"Bucket": self.name, "Key": f"{self.prefix}{digest[:2]}/{digest[2:]}"}


@cache
def _bucket(url: str, endpoint: str) -> Bucket:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as missing:
        raise ImproperlyConfigured(
            "VERNE_FILES names a bucket, and its client is not installed: pip install verne[s3]."
        ) from missing
    parts = urlsplit(url)
    if not parts.netloc:
        raise ImproperlyConfigured(f"VERNE_FILES is {url!r}: write s3://bucket/prefix.")
    patience = Config(
        connect_timeout=3,
        read_timeout=20,
        retries={"max_attempts": 3, "mode": "standard"},
        # Not every bucket that speaks S3 knows the sums that the client would add by itself.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client = boto3.client("s3", endpoint_url=endpoint or None, config=patience)
    prefix = parts.path.strip("/")
    return Bucket(client, parts.netloc, f"{prefix}/" if prefix else "")


@contextmanager
def _told() -> Iterator[None]:
    """What the bucket says, in the words of files."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as wrong:
        if wrong.response["Error"]["Code"] in ("404", "NoSuchKey"):
            raise FileNotFoundError(str(wrong)) from wrong
        raise Unreachable(str(wrong)) from wrong
    except BotoCoreError as wrong:
        raise Unreachable(str(wrong)) from wrong


def sync_folder(folder: Path) -> None:
    """A name in a folder is kept through a power cut only when the folder is written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
