"""Files that mean harm: what they are called, what they hold, how they come back out."""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import verne
from verne.api.models import Token
from verne.engine import contents
from verne.engine.files import SHOWN_TYPES, Attachment, attach, harmless
from verne.engine.people import Person
from verne.engine.stores import store
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

Browse = Callable[[Person], Client]

PAGE = b"<script>alert(document.cookie)</script>"


@pytest.fixture
def incident(manager: Person) -> Incident:
    return an_incident(manager)


def uploaded(client: Client, incident: Incident, name: str, content: bytes = PAGE) -> Any:
    sent = SimpleUploadedFile("x", content, content_type="text/html")
    sent._name = name  # what a program writes there that is no browser
    return client.post(f"/r/{incident.ref}/file", {"file": sent})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "page.html",
        "picture.svg",
        "feed.xml",
        "script.js",
        "page.xhtml",
        "page.html.unknown",
        "worker.mjs",
        "style.css",
        "noending",
    ],
)
def test_whatever_a_browser_could_run_is_offered_for_saving(
    name: str, incident: Incident, manager: Person, browse: Browse
) -> None:
    client = browse(manager)
    assert uploaded(client, incident, name).status_code == 302
    file = Attachment.objects.get()
    _token, secret = Token.issue(manager, name="Archive", by=manager)
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    for answer in (
        client.get(f"/r/{incident.ref}/file/{file.pk}"),
        program.get(f"/api/v1/incidents/{incident.ref}/files/{file.pk}"),
    ):
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "private" in answer["Cache-Control"]


def test_a_paper_is_offered_for_saving(incident: Incident, manager: Person, browse: Browse) -> None:
    client = browse(manager)
    uploaded(client, incident, "report.pdf", b"%PDF-1.7 and the rest")
    answer = client.get(f"/r/{incident.ref}/file/{Attachment.objects.get().pk}")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]


def test_what_is_shown_in_place_can_hold_no_script() -> None:
    assert not {t for t in SHOWN_TYPES if "html" in t or "svg" in t or "xml" in t or "pdf" in t}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\r\nSet-Cookie: sessionid=mine.txt", "aSet-Cookie: sessionid=mine.txt"),
        ("invoice\u202efdp.txt", "invoicefdp.txt"),
        ("nothing\0.txt", "nothing.txt"),
        ('quoted".txt', 'quoted".txt'),
        ("견적서 (최종).pdf", "견적서 (최종).pdf"),
        ("..", "file"),
        ("  ", "file"),
    ],
)
def test_a_name_is_kept_without_what_misleads(sent: str, kept: str) -> None:
    assert harmless(sent) == kept


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["a\r\nSet-Cookie: known=x.txt", '"; filename="b.html', "보고서.txt"]
)
def test_a_name_adds_no_header(
    name: str, incident: Incident, manager: Person, browse: Browse
) -> None:
    file = attach(incident, BytesIO(PAGE), name=name, by=manager)
    answer = browse(manager).get(f"/r/{incident.ref}/file/{file.pk}")
    assert answer.status_code == 200
    assert "\n" not in answer["Content-Disposition"]
    assert "known" not in answer.cookies
    page = browse(manager).get(f"/r/{incident.ref}").content.decode()
    assert f'filename="{name}' not in page


@pytest.mark.django_db
def test_a_program_under_another_direction_of_writing_is_still_one(
    incident: Incident, manager: Person, browse: Browse
) -> None:
    answer = uploaded(browse(manager), incident, "holiday\u202egpj.exe")
    assert not Attachment.objects.exists()
    assert answer.status_code in (302, 422)


# --- Content and name ----------------------------------------------------------------------------


def a_zip(*names: str, first: str = "") -> bytes:
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        if first:
            archive.writestr("mimetype", first)
        for name in names:
            archive.writestr(name, "x")
    return kept.getvalue()


OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"rest"
WORD = a_zip("[Content_Types].xml", "word/document.xml")
OPEN_TEXT = "application/vnd.oasis.opendocument.text"
GENUINE = {
    "screen.PNG": b"\x89PNG\r\n\x1a\n rest",
    "shop.jpg": b"\xff\xd8\xff\xe0 rest",
    "till.webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "offer.pdf": b"\n%PDF-1.4 rest",
    "contract.docx": WORD,
    "locked.docx": OLE,
    "old.doc": OLE,
    "figures.xlsx": a_zip("[Content_Types].xml", "xl/workbook.xml"),
    "letter.odt": a_zip("content.xml", first=OPEN_TEXT),
    "logs.zip": a_zip("a.log"),
    "logs.tar.gz": b"\x1f\x8b\x08 rest",
    "mail.log": "Ça ne marche pas".encode("latin-1"),
    "export.csv": "\ufeffname;양".encode("utf-16"),
    "capture.pcapng": b"\x0a\x0d\x0d\x0a\0\0",
    "noending": b"\0\1\2",
}


@pytest.mark.parametrize("name", GENUINE)
def test_a_file_that_is_what_its_name_says_is_taken(
    name: str, incident: Incident, manager: Person
) -> None:
    attach(incident, BytesIO(GENUINE[name]), name=name, by=manager)
    assert Attachment.objects.get().name == name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("screen.png", PAGE),
        ("screen.jpg", GENUINE["screen.PNG"]),
        ("offer.pdf", PAGE),
        ("contract.docx", GENUINE["figures.xlsx"]),
        ("contract.docx", GENUINE["logs.zip"]),
        ("figures.xls", PAGE),
        ("letter.odt", a_zip("content.xml")),
        ("logs.zip", b"Rar!\x1a\x07\x01\0"),
        ("mail.log", b"MZ\x90\0"),
        ("notes.txt", OLE + bytes(9)),
        ("film.mp4", PAGE),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    name: str, content: bytes, incident: Incident, manager: Person, settings: Any, tmp_path: Path
) -> None:
    settings.FILES = str(tmp_path)
    with pytest.raises(ValidationError, match="does not hold what|is a program"):
        attach(incident, BytesIO(content), name=name, by=manager)
    assert not Attachment.objects.exists()
    assert not list(store().kept())


@pytest.mark.parametrize("content", [b"MZ\x90\0\3", b"\x7fELF\2", b"\xca\xfe\xba\xbe\0"])
@pytest.mark.parametrize("name", ["holiday.jpg", "noending", "data.bin"])
def test_a_program_is_one_under_any_name(
    name: str, content: bytes, incident: Incident, manager: Person
) -> None:
    with pytest.raises(ValidationError, match="is a program"):
        attach(incident, BytesIO(content), name=name, by=manager)


def test_a_type_is_promised_only_where_the_content_was_looked_at() -> None:
    assert contents.type_of("scan.png") == "image/png"
    assert contents.type_of("part.step") == contents.type_of("noending") == contents.BYTES
    assert {kind.type for kind in contents.KINDS.values()} >= SHOWN_TYPES


# --- What the program opens a connection to ------------------------------------------------------

CONNECTING = {
    *("socket", "ssl", "http.client", "urllib.request", "ftplib", "smtplib", "imaplib", "poplib"),
    *("telnetlib", "xmlrpc.client", "requests", "httpx", "aiohttp", "urllib3", "boto3", "ldap3"),
    *("websockets", "paramiko", "django.core.mail"),
}
ALLOWED = {
    "engine/seal/stamping.py": "VERNE_TIME_STAMPS",
    "engine/stores.py": "VERNE_S3_ENDPOINT",
    "engine/mail.py": "VERNE_MAIL_URL",
    # Only the names of answers: 404 is “Not Found”.
    "api/api.py": "",
    "api/problem.py": "",
    # These listen, or ask the machine for its own name.
    "cli/listening.py": "",
    "cli/up.py": "",
    "engine/jobs_workers.py": "",
}
"""Whoever opens a connection, and the variable of the operator that says where to."""


def test_nobody_else_opens_a_connection() -> None:
    """No address that somebody types on a page is ever asked, so none of them can lead inside.

    Whoever adds a caller adds it here with its variable, or refuses private addresses.
    """
    root = Path(verne.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "tests" not in path.parts and path.name != "tests.py"
        if CONNECTING & set(_imported(ast.parse(path.read_text())))
    }
    assert found <= ALLOWED.keys(), "see docs/security.md, What the program connects to"
    settings = (root / "settings.py").read_text()
    assert all(name in settings for name in ALLOWED.values())


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
