"""Where content lies: a folder and a bucket do the same, and what nobody speaks of is swept."""

from __future__ import annotations

import hashlib
import os
import time
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import Http404

from verne.engine import files, stores
from verne.engine.acts import act
from verne.engine.files import File, attach, respond
from verne.engine.people import Person
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("bucket")]

LOG = b"Jan 5 relay: queue full"
DAYS = 3 * 24 * 60 * 60


@pytest.fixture
def incident(manager: Person) -> Incident:
    return an_incident(manager)


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.thorough)])
def place(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> stores.Store:
    """A place for content, empty."""
    if request.param == "folder":
        settings.FILES = str(tmp_path / "files")
    else:
        settings.S3_ENDPOINT = request.getfixturevalue("endpoint")
        settings.FILES = f"s3://verne/{tmp_path.name}"
        bucket: Any = stores.store()
        bucket.client.create_bucket(Bucket="verne")
    return stores.store()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server that speaks the protocol of S3, with keys for it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


def in_three_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in the store now is old by then."""
    now = files.timezone.now()
    later = now + 3 * files.LEFT_AFTER
    monkeypatch.setattr(files, "LEFT_AFTER", now - later)


def test_content_comes_back_as_it_was(
    place: stores.Store, incident: Incident, manager: Person
) -> None:
    row = attach(incident, BytesIO(LOG), name="mail.log", by=manager)
    answer: Any = respond(row)
    assert answer.getvalue() == LOG
    assert answer["Content-Length"] == str(len(LOG))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert row.file.is_intact()
    assert [name for name, _at in place.kept()] == [hashlib.sha256(LOG).hexdigest()]


def test_content_that_is_gone_is_not_found(
    place: stores.Store, incident: Incident, manager: Person
) -> None:
    row = attach(incident, BytesIO(LOG), name="mail.log", by=manager)
    place.remove(row.file.sha256)
    place.remove(row.file.sha256)
    assert not row.file.is_there()
    assert not row.file.is_intact()
    with pytest.raises(Http404):
        respond(row)


def test_content_is_there_before_the_transaction_commits(
    place: stores.Store, manager: Person
) -> None:
    with act("settle", by=manager):
        row = files.keep(BytesIO(LOG), name="mail.log")
        assert place.has(row.sha256)


def test_what_an_undone_upload_left_is_swept_after_a_day(
    place: stores.Store, incident: Incident, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = attach(incident, BytesIO(LOG), name="mail.log", by=manager).file
    left = hashlib.sha256(b"never committed").hexdigest()
    draft = place.draft()
    draft.write_bytes(b"never committed")
    place.take(draft, left)
    assert files.sweep() == 0, "it may be an upload that is going on"

    in_three_days(monkeypatch)
    assert files.strays() == [left]
    assert files.sweep() == 1
    assert not place.has(left)
    assert place.has(kept.sha256)
    assert list(File.objects.values_list("sha256", flat=True)) == [kept.sha256]


def test_content_that_came_back_meanwhile_is_not_swept(
    place: stores.Store, incident: Incident, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = attach(incident, BytesIO(LOG), name="mail.log", by=manager)
    monkeypatch.setattr(files, "strays", lambda: [row.file.sha256])
    assert files.sweep() == 0
    assert row.file.is_intact()


def test_a_draft_that_was_left_is_swept(settings: Any, tmp_path: Path) -> None:
    settings.FILES = str(tmp_path / "files")
    draft = stores.store().draft()
    os.utime(draft, (time.time() - DAYS, time.time() - DAYS))
    assert files.sweep() == 1
    assert not draft.exists()


@pytest.mark.thorough
def test_a_bucket_that_does_not_answer_is_told_to_whoever_attaches(
    endpoint: str, settings: Any, incident: Incident, manager: Person
) -> None:
    settings.FILES, settings.S3_ENDPOINT = "s3://verne", "http://127.0.0.1:9"
    with pytest.raises(ValidationError, match="does not answer"):
        attach(incident, BytesIO(LOG), name="mail.log", by=manager)
    assert not File.objects.exists()


@pytest.mark.thorough
@pytest.mark.parametrize("place", ["bucket"], indirect=True)
def test_a_bucket_is_told_the_sum_so_that_it_refuses_other_content(
    place: Any, incident: Incident, manager: Person
) -> None:
    row = attach(incident, BytesIO(LOG), name="mail.log", by=manager)
    told = place.client.head_object(**place._named(row.file.sha256), ChecksumMode="ENABLED")
    assert b64decode(told["ChecksumSHA256"]).hex() == row.file.sha256
