"""Settings of databases and files: understood, or refused with what to write instead."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from verne import settings as of_the_program
from verne.cli.start import _about_tls


def test_several_servers_can_be_named() -> None:
    url = "postgresql://verne:a%40b@db1:5432,db2:5433/desk?target_session_attrs=read-write"
    database = of_the_program._postgresql("DATABASE_URL", url)
    assert (database["HOST"], database["PORT"]) == ("db1,db2", "5432,5433")
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("verne", "a@b", "desk")
    assert database["OPTIONS"]["target_session_attrs"] == "read-write"


def test_a_server_that_fell_silent_is_given_up_within_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgresql://db/desk?connect_timeout=3"
    monkeypatch.setenv("DATABASE_URL", url)
    options = of_the_program._database(Path("/nowhere"))["OPTIONS"]
    idle, every, times = (
        int(options[f"keepalives_{name}"]) for name in ("idle", "interval", "count")
    )
    assert idle + every * times <= 60
    assert int(options["tcp_user_timeout"]) <= 60_000
    assert options["connect_timeout"] == "3"


def test_each_thread_keeps_its_connection_unless_they_share_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = of_the_program._postgresql("DATABASE_URL", "postgresql://db/desk")
    assert (kept["CONN_MAX_AGE"], "pool" in kept["OPTIONS"]) == (None, False)
    monkeypatch.setenv("VERNE_POOL", "6")
    shared = of_the_program._postgresql("DATABASE_URL", "postgresql://db/desk")
    assert (shared["CONN_MAX_AGE"], shared["OPTIONS"]["pool"]["max_size"]) == (0, 6)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://db", "names no database"),
        ("postgresql://db/desk?sslmod=require", "cannot be read"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(url: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why):
        of_the_program._postgresql("DATABASE_URL", url)


def test_a_replica_of_a_file_is_refused() -> None:
    file = of_the_program._sqlite(Path("/nowhere/verne.sqlite3"))
    with pytest.raises(ImproperlyConfigured, match="set DATABASE_URL too"):
        of_the_program._replica_of(file, "postgresql://db2/desk")


def test_nobody_waits_long_for_a_replica() -> None:
    primary = of_the_program._postgresql("DATABASE_URL", "postgresql://db/desk")
    replica = of_the_program._replica_of(primary, "postgresql://db2/desk?connect_timeout=1")
    assert replica["OPTIONS"]["connect_timeout"] == "1"
    assert replica["OPTIONS"]["tcp_user_timeout"] == "5000"


@pytest.mark.parametrize("wrong", [{"VERNE_FILES": "gs://bucket"}, {"VERNE_REPLICA_LAG": "soon"}])
def test_a_start_ends_with_the_reason(wrong: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import verne.settings"],
        env=os.environ | wrong | {"VERNE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert next(iter(wrong)) in done.stderr.splitlines()[-1]


# --- TLS -----------------------------------------------------------------------------------------


def tls(url: str) -> dict[str, str]:
    options = of_the_program._postgresql("DATABASE_URL", url)["OPTIONS"]
    return {name: value for name, value in options.items() if name.startswith("ssl")}


def test_a_database_on_another_machine_has_to_show_its_certificate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    judged = {"sslmode": "verify-full", "sslrootcert": "system"}
    assert tls("postgresql://verne@db.example.org/desk") == judged
    assert tls("postgresql://verne@localhost,db2/desk") == judged
    own = "postgresql://db/desk?sslrootcert=/etc/ca.pem"
    assert tls(own) == {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}
    # What the operator says counts for more.
    assert tls("postgresql://db/desk?sslmode=disable") == {"sslmode": "disable"}
    monkeypatch.setenv("PGSSLMODE", "require")
    assert tls("postgresql://db/desk") == {}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///desk",
        "postgresql://verne@127.0.0.1/desk",
        "postgresql://localhost:5432/desk",
        "postgresql:///desk?host=/run/postgresql",
    ],
)
def test_a_database_on_this_machine_is_asked_as_it_is(url: str) -> None:
    assert tls(url) == {}


def test_the_mail_server_has_to_show_its_certificate() -> None:
    from django.core.mail.backends.smtp import EmailBackend

    context = EmailBackend(host="mail.example.org", use_tls=True).ssl_context
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED


def test_a_database_without_tls_is_told_with_what_to_do() -> None:
    refused = "connection failed: server does not support SSL, but SSL was required"
    assert "?sslmode=disable" in _about_tls(OperationalError(refused))
    assert not _about_tls(OperationalError("connection refused"))
