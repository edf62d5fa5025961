"""The drill: a backup while people write, put back into an empty home, and everything compared."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.conf import settings
from django.db import connection, connections
from django.test import override_settings
from django.utils import timezone

from tests.homes import at_home, new_home, rows_of
from verne.cli.backup import command as backup_command
from verne.engine.acts import revise
from verne.engine.files import Attachment, attach
from verne.engine.history import Act, Entry
from verne.engine.keeping import age, archive, making, restoring, sqlite
from verne.engine.keeping.manifest import LEFT_OUT, NotABackup
from verne.engine.keeping.restoring import CannotRestore
from verne.engine.people import Role
from verne.engine.records import Sheet
from verne.engine.seal import keys, sealing
from verne.engine.seal.examining import Counts, examine
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.samples import an_incident

PLAN = b"Call the shop first, then the bank."


@pytest.fixture
def home(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[Path]:
    """An installation in use: two records with a history, a file, and a seal."""
    with django_db_blocker.unblock():
        new_home(tmp_path / "home")
        with at_home(tmp_path / "home") as home:
            manager = a_person("Ada Kim", roles=Role.objects.values_list("key", flat=True))
            incident = an_incident(manager, title="Nobody can pay by card")
            revise(incident, {"title": "Nobody can pay by card in Busan"}, by=manager)
            attach(incident, io.BytesIO(PLAN), name="plan.txt", by=manager)
            sealing.seal()
            yield home


def never(_database: Path) -> None:
    raise AssertionError("Nothing was to be migrated.")


def restored(backup: Path, *openers: age.Opener, **how: Any) -> restoring.Restored:
    return restoring.restore(backup, openers, bring_forward=never, **how)


def manager() -> Any:
    from verne.engine.people import Person

    return Person.objects.get(name="Ada Kim")


def faults() -> list[str]:
    return [finding.says for finding in examine()]


def altered(backup: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of a backup in which files were changed, or left out, and the list of hashes not."""
    copy = backup.with_name("altered.tar")
    with tarfile.open(backup) as before, tarfile.open(copy, "w") as after:
        for info in before:
            content = before.extractfile(info)
            assert content is not None
            data = change(info.name, content.read())
            if data is not None:
                info.size = len(data)
                after.addfile(info, io.BytesIO(data))
    return copy


def test_every_row_and_file_comes_back(home: Path, tmp_path: Path) -> None:
    made = making.make(tmp_path / "backups")
    with at_home(tmp_path / "elsewhere") as there:
        done = restored(made.path)
        assert done.manifest.records == Sheet.objects.count() == 3
        assert Attachment.objects.get().file.path.read_bytes() == PLAN
        counts = Counts()
        assert [finding.says for finding in examine(counts=counts)] == []
        assert (
            counts.leaves == Act.objects.count() + Entry.objects.count() == made.manifest.seal.size
        )
    assert rows_of(there / "verne.sqlite3") == rows_of(home / "verne.sqlite3", but=LEFT_OUT) | {
        "web_session": []
    }


def test_whatever_was_acknowledged_before_it_is_in_it(home: Path, tmp_path: Path) -> None:
    """Two people write on while it is made; what it holds agrees with itself."""
    acknowledged: list[str] = []
    enough, stop = threading.Event(), threading.Event()

    def work() -> None:
        service = a_service(manager())
        while not stop.is_set():
            incident = an_incident(manager(), service=service)
            revise(incident, {"title": f"{incident.ref} stays"}, by=manager())
            acknowledged.append(incident.ref)
            if len(acknowledged) >= 6:
                enough.set()
        connections.close_all()

    people = [threading.Thread(target=work) for _ in range(2)]
    for person in people:
        person.start()
    assert enough.wait(30)
    before = list(acknowledged)
    made = making.make(tmp_path / "backups")
    stop.set()
    for person in people:
        person.join()
    written = Sheet.objects.count()
    with at_home(tmp_path / "elsewhere"):
        restored(made.path)
        titles = dict(Sheet.objects.values_list("ref", "title"))
        assert all(titles[ref] == f"{ref} stays" for ref in before)
        assert len(before) <= len(titles) <= written
        assert not faults()


@pytest.mark.thorough
def test_the_archive_opens_without_verne(home: Path, tmp_path: Path) -> None:
    import hashlib

    made = making.make(tmp_path / "out.tar")
    with tarfile.open(made.path) as tar:
        tar.extractall(tmp_path / "by-hand", filter="data")
    by_hand = tmp_path / "by-hand"
    for line in (by_hand / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((by_hand / name).read_bytes()).hexdigest() == digest
    told = json.loads((by_hand / "manifest.json").read_text())
    assert told["records"] == 3 and told["seal"]["size"] and told["files"] == 1


@pytest.mark.thorough
def test_sessions_stay_behind_and_leave_no_trace(home: Path, tmp_path: Path) -> None:
    from verne.web.models import Session

    key = "5f2b" * 16
    Session.objects.create(digest=key, data="", expires_at=timezone.now())
    plain = tmp_path / "copy.sqlite3"
    sqlite.copy(home / "verne.sqlite3", plain)
    with sqlite.connected(home / "verne.sqlite3") as here:
        here.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert key.encode() in (home / "verne.sqlite3").read_bytes()
    assert key.encode() not in plain.read_bytes()


# --- Keys ----------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_one_that_is_not_encrypted_holds_no_secret_key(home: Path, tmp_path: Path) -> None:
    (home / "secret.key").write_text("whoever knows this can sign in as anybody")
    made = making.make(tmp_path / "out.tar")
    with tarfile.open(made.path) as tar:
        names = tar.getnames()
    assert "keys/checkpoints.txt" in names
    assert not [name for name in names if name.endswith((".pem", ".key"))]
    with pytest.raises(making.CannotMake, match="an encrypted backup only"):
        making.make(tmp_path / "other.tar", with_keys=True)


@pytest.mark.thorough
def test_an_encrypted_one_brings_its_keys_along(home: Path, tmp_path: Path) -> None:
    identity = age.Identity.new()
    made = making.make(tmp_path / "out.tar.age", ways=[identity.recipient()])
    with at_home(tmp_path / "elsewhere"):
        with pytest.raises(age.Locked, match="a private key opens it"):
            restored(made.path)
        restored(made.path, identity)
        a_service(manager(), title="Card payments")
        assert keys.current() and sealing.seal() is not None
        assert not faults()


@pytest.mark.thorough
def test_keys_kept_apart_are_put_back_beside_a_plain_backup(home: Path, tmp_path: Path) -> None:
    words = age.Passphrase("nine slow trains", work=4)
    apart = making.make_of_keys(tmp_path / "keys", ways=[words])
    plain = making.make(tmp_path / "out.tar")
    with at_home(tmp_path / "elsewhere"):
        restored(plain.path)
        with pytest.raises(keys.KeyLost):
            keys.current()
        done = restored(apart.path, words)
        assert keys.current() and done.keys == [keys._path(keys.current()[0]).name]


# --- What is not sound ---------------------------------------------------------------------------


def test_one_that_was_altered_changes_nothing(home: Path, tmp_path: Path) -> None:
    made = making.make(tmp_path / "out.tar")
    plan = f"files/{Attachment.objects.get().file.sha256[:2]}"
    wrong = [
        altered(made.path, lambda n, d: d[:-3] + b"..." if n.startswith(plan) else d),
        altered(made.path, lambda n, d: None if n.startswith(plan) else d),
        altered(made.path, lambda n, d: d[:-9] if n.startswith("database/") else d),
        altered(made.path, lambda n, d: None if n == "SHA256SUMS" else d),
        altered(made.path, lambda n, d: None if n.startswith("database/") else d),
        altered(made.path, lambda n, d: d.replace(b'"records": 3', b'"records": 2')),
    ]
    for backup in wrong:
        with at_home(tmp_path / "elsewhere") as there:
            with pytest.raises((NotABackup, CannotRestore)):
                restored(backup)
            assert [p.name for p in there.rglob("*") if p.is_file()] == []


@pytest.mark.thorough
def test_one_that_writes_elsewhere_is_refused(tmp_path: Path, home: Path) -> None:
    made = making.make(tmp_path / "out.tar")
    with tarfile.open(made.path, "a") as tar:
        info = tarfile.TarInfo("files/../../../escaped")
        tar.addfile(info, io.BytesIO())
    # What stands behind the list of hashes is not even looked at; before it, it is refused.
    evil = tmp_path / "evil.tar"
    with tarfile.open(made.path) as before, tarfile.open(evil, "w") as after:
        members = before.getmembers()
        for member in [members[0], members[-1], *members[1:-1]]:
            after.addfile(member, before.extractfile(member))
    with at_home(tmp_path / "elsewhere"), pytest.raises(NotABackup, match="escaped"):
        restored(evil)


@pytest.mark.parametrize("content", [b"", b"Not a tar at all." * 100, b"\x1f\x8b" + bytes(600)])
def test_any_other_file_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    other.write_bytes(content)
    with pytest.raises(NotABackup, match="other.tar"):
        archive.read(other)


@pytest.mark.thorough
def test_a_file_lost_before_is_told_and_the_rest_is_kept(home: Path, tmp_path: Path) -> None:
    file = Attachment.objects.get().file
    file.path.write_bytes(b"Call nobody.")
    made = making.make(tmp_path / "out.tar")
    assert made.missing == [f"{file.sha256} has other content than was attached"]
    with at_home(tmp_path / "elsewhere"):
        assert restored(made.path).missing == made.missing
        assert Sheet.objects.count() == 3


@pytest.mark.thorough
def test_a_damaged_database_is_not_taken_for_a_backup(home: Path, tmp_path: Path) -> None:
    connection.close()
    with sqlite.connected(home / "verne.sqlite3") as here:
        here.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = here.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'entry_of_row'"
        ).fetchone()
        (size,) = here.execute("PRAGMA page_size").fetchone()
    with (home / "verne.sqlite3").open("rb+") as file:
        file.seek((page - 1) * size)
        file.write(b"\x0a\x00\x00\x00\x00\x10\x00\x00")
    with pytest.raises(making.CannotMake, match="is damaged"):
        making.make(tmp_path / "out.tar")
    assert list(tmp_path.glob("out*")) == [] and list(tmp_path.glob(".verne-backup*")) == []


# --- What is there already -----------------------------------------------------------------------


def test_an_installation_in_use_is_refused_and_stays_as_it_is(home: Path, tmp_path: Path) -> None:
    made = making.make(tmp_path / "out.tar")
    a_service(manager(), title="Came later")
    with pytest.raises(CannotRestore, match="knows 1 people.*--replace"):
        restored(made.path)
    assert Sheet.objects.filter(title="Came later").exists()


@pytest.mark.thorough
def test_with_replace_the_former_state_is_kept_aside(home: Path, tmp_path: Path) -> None:
    made = making.make(tmp_path / "out.tar")
    a_service(manager(), title="Came later")
    done = restored(made.path, replace=True)
    assert not Sheet.objects.filter(title="Came later").exists()
    with sqlite3.connect(f"{done.aside}/verne.sqlite3") as former:
        assert former.execute("SELECT 1 FROM engine_sheet WHERE title = 'Came later'").fetchone()


@pytest.mark.thorough
def test_a_damaged_database_is_kept_aside_whole(home: Path, tmp_path: Path) -> None:
    made = making.make(tmp_path / "out.tar")
    connection.close()
    (home / "verne.sqlite3").write_bytes(b"Not a database at all." * 1000)
    (home / "verne.sqlite3-wal").write_bytes(b"left over")
    with pytest.raises(CannotRestore, match="cannot be read.*--replace"):
        restored(made.path)
    done = restored(made.path, replace=True)
    assert Sheet.objects.count() == 3 and not faults()
    kept = {path.name: path.read_bytes() for path in Path(done.aside).iterdir()}
    assert kept["verne.sqlite3-wal"] == b"left over"
    assert kept["verne.sqlite3"].startswith(b"Not a database at all.")


@pytest.mark.thorough
def test_what_a_killed_process_left_beside_the_file_is_not_mixed_in(
    home: Path, tmp_path: Path
) -> None:
    made = making.make(tmp_path / "out.tar")
    with at_home(tmp_path / "elsewhere") as there:
        (there / "verne.sqlite3-wal").write_bytes((home / "verne.sqlite3-wal").read_bytes())
        (there / "verne.sqlite3-shm").write_bytes((home / "verne.sqlite3-shm").read_bytes())
        restored(made.path)
        assert Sheet.objects.count() == 3
        assert not faults()


@pytest.mark.thorough
def test_a_failure_in_the_last_step_leaves_everything_as_it_was(home: Path, tmp_path: Path) -> None:
    """Somebody still reads the database, so it cannot be replaced; the keys go back too."""
    identity = age.Identity.new()
    made = making.make(tmp_path / "out.tar.age", ways=[identity.recipient()])
    a_service(manager(), title="Came later")
    sealing.seal()
    before = (home / "keys" / "checkpoints.txt").read_text()
    connection.close()
    with sqlite.connected(home / "verne.sqlite3") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM engine_sheet").fetchone()
        with pytest.raises(CannotRestore, match="is in use"):
            restored(made.path, identity, replace=True)
    assert Sheet.objects.filter(title="Came later").exists()
    assert (home / "keys" / "checkpoints.txt").read_text() == before
    assert list(home.glob(".restoring*")) == []


@pytest.mark.thorough
def test_a_later_version_is_named_and_refused(home: Path, tmp_path: Path) -> None:
    with sqlite.connected(home / "verne.sqlite3") as here:
        here.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('engine', '9999_in_ten_years', '2036-01-01 00:00:00')"
        )
    made = making.make(tmp_path / "out.tar")
    with at_home(tmp_path / "elsewhere"), pytest.raises(CannotRestore, match="9999_in_ten_years"):
        restored(made.path)


# --- Keeping some --------------------------------------------------------------------------------


@pytest.mark.thorough
def test_the_newest_are_kept_and_nothing_else_in_the_folder_is_touched(
    home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3, 4):
        (folder / f"verne-2026010{day}T030000Z.tar").write_bytes(b"an older one")
    (folder / "verne-20250101T030000Z-keys.tar.age").write_bytes(b"keys")
    (folder / "letters.tar").write_bytes(b"of somebody else")
    killed = folder / ".verne-backup-x1"
    killed.mkdir()
    os.utime(killed, (0, 0))
    made = making.make(folder, keep=3)
    assert sorted(path.name for path in folder.iterdir()) == [
        "letters.tar",
        "verne-20250101T030000Z-keys.tar.age",
        "verne-20260103T030000Z.tar",
        "verne-20260104T030000Z.tar",
        made.path.name,
    ]
    last = making.last()
    assert last is not None and last["sha256"] == made.sha256


@pytest.mark.thorough
def test_the_command_says_what_it_did_to_a_program_too(home: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    key = tmp_path / "private.key"
    public = runner.invoke(backup_command, ["--new-key", str(key)]).stdout.split()[0]
    done = runner.invoke(backup_command, [str(tmp_path / "out.tar.age"), "--to", public, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["encrypted"] and told["records"] == 3 and len(told["keys"]) == 1
    check = ["--check", str(tmp_path / "out.tar.age")]
    sound = runner.invoke(backup_command, [*check, "--key", str(key)])
    assert sound.exit_code == 0 and "It is sound" in sound.stdout
    closed = runner.invoke(backup_command, check)
    assert closed.exit_code == 2 and "--key FILE" in closed.stderr
    assert home == settings.VERNE_HOME


@pytest.mark.thorough
def test_every_night_one_is_made_where_a_folder_is_named(home: Path, tmp_path: Path) -> None:
    from verne.engine.keeping.daily import back_up

    assert back_up() == ""
    public = str(age.Identity.new().recipient())
    with override_settings(BACKUPS=str(tmp_path / "nightly"), BACKUPS_TO=[public], BACKUPS_KEEP=1):
        first = Path(back_up())
        first.rename(first.with_name("verne-20260101T014100Z.tar.age"))
        second = Path(back_up())
        assert list((tmp_path / "nightly").iterdir()) == [second]
