"""What is said on a record and hung onto it: who reads it, what is refused, what it wakes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from verne.engine import comments, files
from verne.engine.comments import Comment, comment
from verne.engine.files import Attachment, File, attach, detach, respond
from verne.engine.history import Act
from verne.engine.people import Organization, Person
from verne.engine.stores import store
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(manager: Person, harbour: Organization) -> Incident:
    return an_incident(manager, customer=harbour)


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VERNE_HOME = tmp_path


def content_of(response: Any) -> bytes:
    content: bytes = response.getvalue()
    return content


# Comments


def test_customers_read_the_public_words_and_colleagues_all(
    incident: Incident, manager: Person, customer: Person, agent: Person
) -> None:
    comment(incident, "The relay is out of memory.", by=manager)
    comment(incident, "We are looking into it.", by=manager, public=True)
    assert [c.text for c in comments.readable(incident, customer)] == ["We are looking into it."]
    assert comments.readable(incident, agent).count() == 2


def test_what_a_customer_says_is_public(incident: Incident, customer: Person) -> None:
    said = comment(incident, "It still happens.", by=customer, public=False)
    assert said.public
    assert Act.objects.get(record=incident.pk, verb="comment").name == "public"


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_no_comment(text: str, incident: Incident, manager: Person) -> None:
    with pytest.raises(ValidationError, match="Write something first"):
        comment(incident, text, by=manager)


def test_those_who_only_look_say_nothing(incident: Incident, reader: Person) -> None:
    with pytest.raises(PermissionDenied):
        comment(incident, "Hm.", by=reader)
    assert not Comment.objects.exists()


def test_whoever_listens_fails_the_comment_with_it(
    incident: Incident, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(record: Any, said: Comment, act: Act) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(comments, "heard", [*comments.heard, stumble])
    with pytest.raises(ZeroDivisionError):
        comment(incident, "We are looking into it.", by=manager, public=True)
    assert not Comment.objects.exists()
    assert Incident.objects.get(pk=incident.pk).responded_at is None


# Files

PNG = b"\x89PNG\r\n\x1a\n and the rest"


def test_a_file_is_kept_under_its_hash_and_comes_back_as_it_was(
    incident: Incident, manager: Person
) -> None:
    row = attach(incident, BytesIO(b"Jan 5 relay: queue full"), name="mail.log", by=manager)
    assert row.file.path.read_bytes() == b"Jan 5 relay: queue full"
    assert row.file.path.name == row.file.sha256[2:]
    assert row.file.is_intact()
    assert content_of(respond(row)) == b"Jan 5 relay: queue full"


def test_the_same_content_is_kept_once(incident: Incident, manager: Person) -> None:
    for name in ("mail.log", "copy of mail.log"):
        attach(incident, BytesIO(b"queue full"), name=name, by=manager)
    assert File.objects.count() == 1
    assert Attachment.objects.count() == 2


def test_content_that_was_touched_is_noticed(incident: Incident, manager: Person) -> None:
    row = attach(incident, BytesIO(b"queue full"), name="mail.log", by=manager)
    row.file.path.write_bytes(b"queue empty")
    assert not row.file.is_intact()
    row.file.path.unlink()
    assert not row.file.is_intact()


@pytest.mark.parametrize("name", ["setup.exe", "Fix.BAT", "macro.vbs", "run.ps1"])
def test_programs_are_refused(name: str, incident: Incident, manager: Person) -> None:
    with pytest.raises(ValidationError, match="is a program"):
        attach(incident, BytesIO(b"MZ"), name=name, by=manager)


def test_what_is_too_large_or_empty_is_refused_and_leaves_nothing(
    incident: Incident, manager: Person, settings: Any
) -> None:
    settings.MAX_FILE_BYTES = 1024 * 1024
    with pytest.raises(ValidationError, match="larger than 1 MB"):
        attach(incident, BytesIO(b"x" * (1024 * 1024 + 1)), name="core.dump", by=manager)
    with pytest.raises(ValidationError, match="is empty"):
        attach(incident, BytesIO(b""), name="nothing.txt", by=manager)
    assert not list(store().kept())
    assert not Attachment.objects.exists()


def test_a_path_in_the_name_leads_nowhere(incident: Incident, manager: Person) -> None:
    row = attach(incident, BytesIO(b"x"), name="..\\..\\etc/passwd", by=manager)
    assert row.name == "passwd"


def test_a_browser_shows_pictures_and_runs_nothing(incident: Incident, manager: Person) -> None:
    page = respond(attach(incident, BytesIO(b"<script>"), name="page.html", by=manager))
    assert page["Content-Type"] == "application/octet-stream"
    assert page["Content-Disposition"].startswith("attachment")
    assert page["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in page["Content-Security-Policy"]
    picture = respond(attach(incident, BytesIO(PNG), name="till.png", by=manager))
    assert picture["Content-Type"] == "image/png"
    assert not picture["Content-Disposition"].startswith("attachment")


def test_customers_open_public_files_and_hang_on_their_own(
    incident: Incident, manager: Person, customer: Person
) -> None:
    attach(incident, BytesIO(b"internal"), name="mail.log", by=manager)
    attach(incident, BytesIO(b"for you"), name="guide.txt", by=manager, public=True)
    theirs = attach(incident, BytesIO(PNG), name="till.png", by=customer)
    assert theirs.public
    names = {row.name for row in files.readable(incident, customer)}
    assert names == {"guide.txt", "till.png"}
    assert files.readable(incident, manager).count() == 3


def test_a_file_is_taken_off_with_a_reason_and_its_trace_stays(
    incident: Incident, manager: Person, reader: Person
) -> None:
    row = attach(incident, BytesIO(b"wrong"), name="salaries.txt", by=manager)
    with pytest.raises(PermissionDenied):
        detach(row, by=reader, note="Not for us")
    with pytest.raises(ValidationError, match="Say why"):
        detach(row, by=manager, note=" ")
    detach(row, by=manager, note="Not for us")
    assert not files.readable(incident, manager).exists()
    assert row.file.path.exists()
    assert Act.objects.get(record=incident.pk, verb="detach").note == "Not for us"


def test_customers_take_off_what_they_hung_on_themselves(
    incident: Incident, manager: Person, customer: Person
) -> None:
    ours = attach(incident, BytesIO(b"for you"), name="guide.txt", by=manager, public=True)
    theirs = attach(incident, BytesIO(PNG), name="till.png", by=customer)
    with pytest.raises(PermissionDenied):
        detach(ours, by=customer, note="I do not like it")
    detach(theirs, by=customer, note="Shows a name")
    assert list(files.readable(incident, customer)) == [ours]


def test_those_who_only_look_attach_nothing(incident: Incident, reader: Person) -> None:
    with pytest.raises(PermissionDenied):
        attach(incident, BytesIO(b"x"), name="x.txt", by=reader)


def shown_text(incident: Incident, manager: Person, content: bytes) -> Any:
    return respond(attach(incident, BytesIO(content), name="mail.log", by=manager))


def test_a_text_is_shown_with_its_character_set_or_offered_for_saving(
    incident: Incident, manager: Person
) -> None:
    ours = shown_text(incident, manager, "큐가 가득 찼습니다".encode())
    assert ours["Content-Type"] == "text/plain; charset=utf-8"
    assert not ours["Content-Disposition"].startswith("attachment")
    assert content_of(ours).decode() == "큐가 가득 찼습니다"
    for unknown in ("Ça marche".encode("latin-1"), b"long " * 300_000):
        answer = shown_text(incident, manager, unknown)
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment")
        assert content_of(answer) == unknown
