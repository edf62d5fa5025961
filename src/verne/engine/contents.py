"""Whether a file holds what its ending says: the signatures of common kinds, in one table.

Nothing of ours acts upon a file, but people do, and trust what they see: a picture that is a
program, a report that is a page. What the table does not know is kept as plain bytes, of which
nothing is promised; only programs are refused under any name.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BYTES = "application/octet-stream"
"""The type of what nobody has looked at: every content is that."""

Content = bytes | mmap.mmap
Looks = Callable[[Content], bool]


def begins(*marks: bytes, at: int = 0) -> Looks:
    """With one of these at that place."""
    return lambda content: any(content[at : at + len(mark)] == mark for mark in marks)


def both(*looks: Looks) -> Looks:
    return lambda content: all(each(content) for each in looks)


def either(*looks: Looks) -> Looks:
    return lambda content: any(each(content) for each in looks)


def is_text(content: Content) -> bool:
    """Letters of any script; only UTF-16 and UTF-32 have zeros among them, and say so first."""
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff") or content[:4] == b"\0\0\xfe\xff"
    return marked or content.find(b"\0") < 0


def is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _within(mark: bytes, first: int) -> Looks:
    return lambda content: mark in content[:first]


def _office(part: bytes) -> Looks:
    """A zip that names its parts; one under a password lies in the container of older files."""

    def looks(content: Content) -> bool:
        if OLD_OFFICE(content):
            return True
        # Names stand in a zip as they are. Looked for, not unpacked: it may name a million.
        return (
            ZIP(content)
            and content.find(b"[Content_Types].xml") > 0
            and content.find(part + b"/") > 0
        )

    return looks


def _open_document(kind: bytes) -> Looks:
    whole = b"mimetypeapplication/vnd.oasis.opendocument." + kind
    return both(ZIP, begins(whole, at=30))


def _riff(kind: bytes) -> Looks:
    return both(begins(b"RIFF"), begins(kind, at=8))


ZIP = begins(b"PK\x03\x04", b"PK\x05\x06")
OLD_OFFICE = begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
RICH_TEXT = begins(b"{\\rtf")
FILM = begins(b"ftyp", b"moov", b"mdat", b"wide", b"free", at=4)
EMPTY_TAR = begins(bytes(512))

PROGRAM = either(
    both(begins(b"MZ"), lambda content: not is_text(content)),
    begins(
        b"\x7fELF",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"L\0\0\0\x01\x14\x02\0",
    ),
)
"""For Windows, Linux, macOS and Java; and a shortcut, which starts one."""


@dataclass(frozen=True)
class Kind:
    """What a file with such an ending is, and how it looks."""

    type: str
    looks: Looks


_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"

KINDS: dict[str, Kind] = {
    # Pictures
    "png": Kind("image/png", begins(b"\x89PNG\r\n\x1a\n")),
    "jpg": (_jpeg := Kind("image/jpeg", begins(b"\xff\xd8\xff"))),
    "jpeg": _jpeg,
    "gif": Kind("image/gif", begins(b"GIF87a", b"GIF89a")),
    "webp": Kind("image/webp", _riff(b"WEBP")),
    "bmp": Kind("image/bmp", begins(b"BM")),
    "tif": (_tiff := Kind("image/tiff", begins(b"II*\0", b"MM\0*"))),
    "tiff": _tiff,
    "heic": Kind("image/heic", begins(b"ftyp", at=4)),
    "avif": Kind("image/avif", begins(b"ftyp", at=4)),
    # Documents
    "pdf": Kind("application/pdf", _within(b"%PDF-", 1024)),
    "rtf": Kind("application/rtf", RICH_TEXT),
    "doc": Kind("application/msword", either(OLD_OFFICE, RICH_TEXT)),
    "xls": Kind("application/vnd.ms-excel", OLD_OFFICE),
    "ppt": Kind("application/vnd.ms-powerpoint", OLD_OFFICE),
    "msg": Kind("application/vnd.ms-outlook", OLD_OFFICE),
    "docx": Kind(f"{_OOXML}.wordprocessingml.document", _office(b"word")),
    "xlsx": Kind(f"{_OOXML}.spreadsheetml.sheet", _office(b"xl")),
    "pptx": Kind(f"{_OOXML}.presentationml.presentation", _office(b"ppt")),
    "odt": Kind(f"{_ODF}.text", _open_document(b"text")),
    "ods": Kind(f"{_ODF}.spreadsheet", _open_document(b"spreadsheet")),
    "odp": Kind(f"{_ODF}.presentation", _open_document(b"presentation")),
    "odg": Kind(f"{_ODF}.graphics", _open_document(b"graphics")),
    # Archives
    "zip": Kind("application/zip", ZIP),
    "gz": Kind("application/gzip", begins(b"\x1f\x8b")),
    "tgz": Kind("application/gzip", begins(b"\x1f\x8b")),
    "bz2": Kind("application/x-bzip2", begins(b"BZh")),
    "xz": Kind("application/x-xz", begins(b"\xfd7zXZ\0")),
    "zst": Kind("application/zstd", begins(b"\x28\xb5\x2f\xfd")),
    "7z": Kind("application/x-7z-compressed", begins(b"7z\xbc\xaf\x27\x1c")),
    "rar": Kind("application/vnd.rar", begins(b"Rar!\x1a\x07")),
    "tar": Kind("application/x-tar", either(begins(b"ustar", at=257), EMPTY_TAR)),
    # Sound and film
    "mp3": Kind("audio/mpeg", begins(b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")),
    "wav": Kind("audio/wav", _riff(b"WAVE")),
    "ogg": Kind("audio/ogg", begins(b"OggS")),
    "m4a": Kind("audio/mp4", FILM),
    "mp4": Kind("video/mp4", FILM),
    "mov": Kind("video/quicktime", FILM),
    "avi": Kind("video/x-msvideo", _riff(b"AVI ")),
    "webm": Kind("video/webm", begins(b"\x1a\x45\xdf\xa3")),
    "mkv": Kind("video/x-matroska", begins(b"\x1a\x45\xdf\xa3")),
} | {
    ending: Kind(type, is_text)
    for type, endings in {
        "text/plain": "txt text log ini conf cfg toml diff patch",
        "text/markdown": "md",
        "text/csv": "csv",
        "text/tab-separated-values": "tsv",
        "text/html": "html htm",
        "application/xhtml+xml": "xhtml",
        "text/xml": "xml",
        "image/svg+xml": "svg",
        "text/css": "css",
        "text/javascript": "js mjs",
        "application/json": "json har",
        "application/yaml": "yaml yml",
        "message/rfc822": "eml",
        "text/calendar": "ics",
        "text/vcard": "vcf",
        "application/sql": "sql",
    }.items()
    for ending in endings.split()
}
"""By the ending of the name, in small letters."""


def ending_of(name: str) -> str:
    return Path(name).suffix.lower().removeprefix(".")


def type_of(name: str) -> str:
    """The type that a name promises."""
    kind = KINDS.get(ending_of(name))
    return kind.type if kind else BYTES


@dataclass(frozen=True)
class Judgement:
    """What a look into a file has shown."""

    is_program: bool
    fits: bool


def judged(path: Path, name: str) -> Judgement:
    """Looks into a file that is not empty."""
    kind = KINDS.get(ending_of(name))
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return Judgement(is_program=PROGRAM(content), fits=kind is None or kind.looks(content))
