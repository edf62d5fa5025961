"""Time stamps of an outside authority: asked for only when configured, and looked at closely."""

from __future__ import annotations

import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError

import pytest

from verne.engine.people import Person
from verne.engine.seal import sealing, stamping
from verne.engine.seal.models import TimeStamp
from verne.engine.seal.stamping import NotStamped

pytestmark = pytest.mark.django_db

AUTHORITY = "https://stamps.example/"


class LocalAuthority:
    """An authority of our own: openssl with a certificate made for the test."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0
        (folder / "tsa.cnf").write_text(
            "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=Test TSA\n"
            "[ext]\nextendedKeyUsage=critical,timeStamping\n"
            "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\ncrypto_device=builtin\n"
            "signer_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest=sha256\n"
            "default_policy=1.2.3.4.1\ndigests=sha256\nordering=yes\n"
        )
        (folder / "serial").write_text("01\n")
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out",
                 "tsa.pem", "-config", "tsa.cnf", "-days", "2")  # fmt: skip

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def __call__(self, address: str, content: bytes) -> bytes:
        assert address == AUTHORITY
        self.asked += 1
        (self.folder / "query.tsq").write_bytes(content)
        self.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "r.tsr")
        return (self.folder / "r.tsr").read_bytes()


@pytest.fixture
def authority(tmp_path: Path, settings: Any) -> LocalAuthority:
    assert shutil.which("openssl"), "these tests need openssl (apt install openssl)"
    settings.VERNE_HOME = tmp_path
    settings.SEAL_TIME_STAMPS = AUTHORITY
    return LocalAuthority(tmp_path)


def test_a_checkpoint_is_stamped_once(authority: LocalAuthority, manager: Person) -> None:
    point = sealing.seal()
    assert point is not None
    stamp = stamping.stamp_newest(authority)
    assert stamp is not None and stamp.checkpoint == point
    assert abs((stamp.at - point.at).total_seconds()) < 60
    assert stamping.stamp_newest(authority) is None and authority.asked == 1


def test_openssl_verifies_what_is_kept(authority: LocalAuthority, manager: Person) -> None:
    sealing.seal()
    stamp = stamping.stamp_newest(authority)
    assert stamp is not None
    (authority.folder / "token").write_bytes(bytes(stamp.token))
    (authority.folder / "note").write_bytes(stamp.checkpoint.note.encode())
    said = authority.run("ts", "-verify", "-in", "token", "-token_in", "-data", "note",
                         "-CAfile", "tsa.pem")  # fmt: skip
    assert "OK" in said


def test_an_answer_about_something_else_is_refused(
    authority: LocalAuthority, manager: Person
) -> None:
    sealing.seal()
    other = stamping.request(b"\x01" * 32, 77)
    with pytest.raises(NotStamped, match="something else"):
        stamping.stamp_newest(lambda address, _content: authority(address, other))
    with pytest.raises(NotStamped, match="no answer of RFC 3161"):
        stamping.stamp_newest(lambda _address, _content: b"<html>Try again later</html>")
    with pytest.raises(NotStamped, match="refused: status 2"):
        stamping.stamp_newest(lambda _address, _content: bytes.fromhex("30053003020102"))
    assert not TimeStamp.objects.exists()


def test_nothing_is_sent_unless_an_authority_is_named(
    authority: LocalAuthority, settings: Any, manager: Person
) -> None:
    settings.SEAL_TIME_STAMPS = ""
    sealing.seal()
    assert stamping.stamp_newest(authority) is None and authority.asked == 0


def test_an_authority_that_fails_keeps_nothing_from_being_sealed(
    authority: LocalAuthority, settings: Any, manager: Person
) -> None:
    settings.SEAL_TIME_STAMPS = "ftp://nowhere"
    from verne.engine.jobs import seal_history

    seal_history()
    assert sealing.newest() is not None and not TimeStamp.objects.exists()


class Elsewhere(BaseHTTPRequestHandler):
    """An authority that sends whoever asks on to an address inside."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/metadata")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test reads what was asked."""


def test_nobody_is_followed_to_another_address() -> None:
    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.raises(HTTPError):
            stamping.post(f"http://127.0.0.1:{server.server_port}/stamp", b"query")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert Elsewhere.asked == ["/stamp"]
    with pytest.raises(NotStamped):
        stamping.post("file:///etc/passwd", b"query")
