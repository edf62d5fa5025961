"""The ZIP of a pack: the same files give the same bytes, and its end says what they are."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from verne.verifier import COMMENT_LENGTH, FORMAT, envelope_comment


def manifest(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """The list of all files with their hashes: what is signed."""
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(files.items())
    }
    return as_json({"format": FORMAT, **facts, "files": listed})


def packed(files: Mapping[str, bytes], *, at: datetime) -> bytes:
    """One ZIP of the files, in the order of their names, all dated the end of the period."""
    stamp = at.astimezone(UTC)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(*stamp.timetuple()[:5], 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, compresslevel=6)
        # Room for the last word, which can only be written over what comes before it.
        archive.comment = b"-" * COMMENT_LENGTH
    content = out.getvalue()[:-COMMENT_LENGTH]
    return content + envelope_comment(content)


def as_json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    return f"{text}\n".encode()
