"""Documents as people meet them: to read, to write, to compare, to sign, to acknowledge."""

from __future__ import annotations

import io

import pytest
from django.test import Client
from django.utils import timezone

from verne.api.models import Token
from verne.engine import files
from verne.engine.acts import act, move, revise
from verne.engine.approvals import current
from verne.engine.comments import comment, readable
from verne.engine.people import Organization, Person
from verne.engine.signing import Signature
from verne.engine.testing import proof_of
from verne.sms.support.document.models import Document
from verne.sms.support.document.revision import Revision
from verne.sms.support.document.samples import (
    a_document,
    a_document_in_force,
    a_revision,
    put_in_force,
)

pytestmark = pytest.mark.django_db

PASSWORD = "seven green lighthouses"


def at(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def policy(manager: Person, approver: Person) -> Document:
    return a_document_in_force(manager, approver, to_acknowledge=True)


def test_at_its_address_stands_the_text_and_not_a_form(policy: Document, reader: Person) -> None:
    page = at(reader).get(f"/r/{policy.ref}").content.decode()
    assert '<h1 id="s2">What we commit to</h1>' in page
    assert "Commitment to meet requirements" in page
    assert "Petr Novak" in page
    assert "Control and history" not in page


def test_who_handles_documents_has_the_record_one_tab_away(
    policy: Document, manager: Person
) -> None:
    client = at(manager)
    assert f"/r/{policy.ref}?as=record" in client.get(f"/r/{policy.ref}").content.decode()
    assert "Timeline" in client.get(f"/r/{policy.ref}?as=record").content.decode()


def test_a_reader_opens_neither_a_draft_nor_what_was_superseded(
    policy: Document, manager: Person, approver: Person, reader: Person
) -> None:
    old = policy.in_force().get()
    new = a_revision(manager, edition=old.edition)
    assert at(reader).get(f"/r/{new.ref}").status_code == 404
    put_in_force(new, by=manager, signer=approver)
    assert at(reader).get(f"/r/{old.ref}").status_code == 404
    page = at(manager).get(f"/r/{old.ref}").content.decode()
    assert 'data-mark="Superseded"' in page


def test_i_have_read_and_understood(policy: Document, reader: Person) -> None:
    client = at(reader)
    revision = policy.in_force().get()
    assert "To read" in client.get("/").content.decode()
    assert policy.ref in client.get("/documents/to-read/").content.decode()
    client.post(f"/documents/{revision.ref}/acknowledge")
    assert Signature.objects.get(meaning="acknowledgement").by == reader
    assert "You have read and understood it" in client.get(f"/r/{policy.ref}").content.decode()
    assert "You have read everything" in client.get("/documents/to-read/").content.decode()


def test_whose_word_is_missing_is_told_to_those_who_handle_documents(
    policy: Document, manager: Person, reader: Person
) -> None:
    page = at(manager).get("/documents/readers/").content.decode()
    assert "Rita Reader" in page
    assert at(reader).get("/documents/readers/").status_code == 404


def test_a_revision_is_begun_written_and_previewed(manager: Person) -> None:
    document = a_document(manager)
    client = at(manager)
    sent = {"edition": document.editions.get().pk, "size": "major"}
    begun = client.post(f"/documents/{document.ref}/begin", sent)
    revision = document.revisions.get()
    assert begun.url == f"/documents/{revision.ref}/write"
    shown = client.post(f"/documents/{revision.ref}/preview", {"text": "# Purpose <b>"})
    assert '<h1 id="s1">Purpose &lt;b&gt;</h1>' in shown.content.decode()
    values = {"title": "Our policy", "text": "# Purpose", "change_summary": "New."}
    client.post(f"/documents/{revision.ref}/write", values | {"version": revision.version})
    revision = Revision.objects.get(pk=revision.pk)
    assert (revision.title, revision.text, revision.author) == ("Our policy", "# Purpose", manager)


def test_a_revision_may_be_a_file(manager: Person) -> None:
    document = a_document(manager)
    scan = io.BytesIO(b"%PDF-1.7 scanned")
    scan.name = "contract.pdf"
    sent = {"edition": document.editions.get().pk, "size": "major", "form": "file", "file": scan}
    client = at(manager)
    client.post(f"/documents/{document.ref}/begin", sent | {"file": ""})
    assert not document.revisions.exists()
    client.post(f"/documents/{document.ref}/begin", sent)
    assert document.revisions.get().newest_file().name == "contract.pdf"


def test_who_only_reads_is_led_from_a_revision_to_its_text(
    policy: Document, reader: Person, customer: Person
) -> None:
    answer = at(reader).get(f"/r/{policy.in_force().get().ref}")
    assert answer.url == f"/r/{policy.ref}?in=en"
    assert at(customer).get(f"/r/{policy.ref}").url == f"/portal/documents/{policy.ref}/"


def test_without_a_script_the_preview_comes_with_the_page_and_saves_nothing(
    manager: Person,
) -> None:
    revision = a_revision(manager)
    sent = {"title": "Draft", "text": "# Quite new", "preview": "yes"}
    page = at(manager).post(f"/documents/{revision.ref}/write", sent)
    assert '<h1 id="s1">Quite new</h1>' in page.content.decode()
    assert "Quite new" not in Revision.objects.get(pk=revision.pk).text


def test_two_who_write_at_once_lose_nothing(manager: Person, approver: Person) -> None:
    revision = a_revision(manager, text="One\n\nTwo")
    mine = {"title": revision.title, "change_summary": revision.change_summary}
    first = mine | {"text": "One\n\nTwo and more", "version": revision.version}
    second = mine | {"text": "One and less\n\nTwo", "version": revision.version}
    at(approver).post(f"/documents/{revision.ref}/write", first)
    page = at(manager).post(f"/documents/{revision.ref}/write", second)
    assert page.status_code == 409
    assert "One and less" in page.content.decode()
    assert "and more" in page.content.decode()
    assert Revision.objects.get(pk=revision.pk).text == "One\n\nTwo and more"


def test_what_is_approved_is_not_written_on(policy: Document, manager: Person) -> None:
    revision = policy.in_force().get()
    client = at(manager)
    assert client.get(f"/documents/{revision.ref}/write").url == f"/r/{revision.ref}"
    assert f"/r/{revision.ref}/edit" not in client.get(f"/r/{revision.ref}").content.decode()


@pytest.mark.parametrize("view", ["side", "unified"])
def test_two_revisions_are_laid_against_each_other(
    view: str, policy: Document, manager: Person
) -> None:
    old = policy.in_force().get()
    text = old.text.replace("once a year", "twice a year")
    new = a_revision(manager, edition=old.edition, text=text)
    page = at(manager).get(f"/documents/{new.ref}/compare?view={view}").content.decode()
    assert "<del>once</del>" in page
    assert "<ins>twice</ins>" in page


def test_approving_asks_for_the_password(manager: Person, approver: Person) -> None:
    with act("settle", by=None):
        approver.set_password(PASSWORD)
        approver.save(update_fields=["password"])
    revision = move(a_revision(manager), "submit", by=manager)
    revision = move(revision, "review", by=approver, proof=proof_of(approver))
    asked = current(revision, "approve")
    assert asked is not None
    client = at(approver)
    assert "Your password, to sign" in client.get(f"/r/{revision.ref}").content.decode()
    address = f"/r/{revision.ref}/vote/{asked.pk}"
    page = client.post(address, {"agrees": "yes", "password": "guess"}, follow=True)
    assert "This is not your password" in page.content.decode()
    client.post(address, {"agrees": "yes", "password": PASSWORD})
    assert Revision.objects.get(pk=revision.pk).state == "in_force"
    assert Signature.objects.get(meaning="approval").way == "password"


def test_a_file_is_offered_as_it_was_signed(manager: Person, approver: Person) -> None:
    revision = a_revision(manager, form="file", text="")
    files.attach(revision, io.BytesIO(b"%PDF-1.7 signed"), name="policy.pdf", by=manager)
    revision = put_in_force(revision, by=manager, signer=approver)
    files.attach(revision, io.BytesIO(b"%PDF-1.7 later"), name="policy.pdf", by=manager)
    answer = at(manager).get(f"/documents/{revision.ref}/file")
    assert b"".join(answer.streaming_content) == b"%PDF-1.7 signed"


def test_customers_read_in_the_portal_what_is_meant_for_them(
    manager: Person, approver: Person, customer: Person, harbour: Organization, policy: Document
) -> None:
    meant = a_document_in_force(manager, approver, title="Our promise", for_customers=True)
    client = at(customer)
    page = client.get("/portal/documents/").content.decode()
    assert "Our promise" in page
    assert policy.title not in page
    assert client.get(f"/portal/documents/{meant.ref}/").status_code == 200
    assert client.get(f"/portal/documents/{policy.ref}/").status_code == 404
    held = policy.in_force().get()
    assert client.get(f"/documents/{held.ref}/file").status_code == 404


@pytest.mark.parametrize("page", ["write", "compare", "revisions", "file", "preview"])
def test_a_stranger_finds_nothing(
    page: str, policy: Document, manager: Person, stranger: Person
) -> None:
    ref = policy.ref if page == "revisions" else policy.in_force().get().ref
    assert at(stranger).get(f"/documents/{ref}/{page}").status_code in (404, 405)


DRAFT = "We sell everything to everybody, said the first draft."


@pytest.fixture
def rewritten(manager: Person, approver: Person) -> Revision:
    """In force, after a draft that said something else, and a remark about it."""
    document = a_document(manager)
    text = a_revision(manager, document=document, text=DRAFT)
    comment(text, "Petr calls this a slip of the pen", by=manager)
    text = revise(text, {"text": "We do what we promise."}, by=manager)
    return put_in_force(text, by=manager, signer=approver)


def test_who_only_reads_never_learns_what_a_draft_said(
    rewritten: Revision, reader: Person, manager: Person
) -> None:
    filed = rewritten.filed_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    for ref in (rewritten.ref, rewritten.document.ref):
        page = at(reader).get(f"/r/{ref}/as-it-was", {"at": filed}).content.decode()
        assert "is not open to you" in page
        assert DRAFT not in page
        told = at(reader).get(f"/r/{ref}/timeline").content.decode()
        assert "slip of the pen" not in told
    assert DRAFT in at(manager).get(f"/r/{rewritten.ref}/as-it-was", {"at": filed}).content.decode()
    now = timezone.now().isoformat().replace("+00:00", "Z")
    then = at(reader).get(f"/r/{rewritten.ref}/as-it-was", {"at": now}).content.decode()
    assert "We do what we promise." in then
    assert readable(rewritten, manager).exists()
    assert not readable(rewritten, reader).exists()


def test_programs_read_no_drafts_either(
    rewritten: Revision, reader: Person, manager: Person
) -> None:
    def told(person: Person) -> str:
        _token, secret = Token.issue(person, name="Reading", by=person)
        asked = Client(headers={"Authorization": f"Bearer {secret}"})
        page = asked.get(f"/api/v1/revisions/{rewritten.ref}/history")
        assert page.status_code == 200
        return page.content.decode()

    assert DRAFT in told(manager)
    assert DRAFT not in told(reader)


def test_a_restricted_document_hides_its_texts(
    policy: Document, manager: Person, reader: Person
) -> None:
    text = policy.in_force().get()
    assert at(reader).get(f"/r/{text.ref}").status_code in (200, 302)
    revise(policy, {"restricted": True}, by=manager)
    assert at(reader).get(f"/r/{text.ref}").status_code == 404
    again = a_revision(manager, edition=text.edition)
    assert again.restricted
    revise(policy, {"restricted": False}, by=manager)
    assert at(reader).get(f"/r/{text.ref}").status_code in (200, 302)
