"""Printing a document from its page: the right text, numbered, by those who may read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.engine.test_printing import read
from verne.engine.acts import file
from verne.engine.people import Person
from verne.engine.printing.copies import PrintedCopy
from verne.sms.resolution.problem.samples import a_problem
from verne.sms.support.document.revision import Revision
from verne.sms.support.document.samples import a_document, a_document_in_force, put_in_force

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]


def test_the_text_in_force_is_printed_with_its_signatures(
    manager: Person, approver: Person, reader: Person, browse: Browse
) -> None:
    document = a_document_in_force(manager, approver, title="Change policy")
    answer = browse(reader).post(f"/r/{document.ref}/print", {"holder": ""})
    assert answer["Content-Type"] == "application/pdf"
    assert f"{document.ref}-copy-1.pdf" in answer["Content-Disposition"]
    said = read(answer.content)
    revision = document.in_force().get()
    for words in (
        "Change policy",
        document.ref,
        "Revision 1.0",
        "In force",
        "We meet the requirements that apply to our services. (Commitment to meet requirements)",
        f"{approver.name} Review",
        f"{approver.name} Approval",
        f"Copy 1, printed by {reader.name}",
    ):
        assert words in said
    assert revision.content_hash in said.replace(" ", "")


def test_a_draft_is_marked_as_one_and_counted_with_its_document(
    manager: Person, approver: Person, browse: Browse
) -> None:
    document = a_document_in_force(manager, approver)
    values = {"edition": document.editions.get(), "author": manager, "change_summary": "More."}
    draft = file(Revision, values, by=manager)
    browse(manager).post(f"/r/{document.ref}/print")
    answer = browse(manager).post(f"/r/{draft.ref}/print")
    assert "DRAFT" in read(answer.content)
    assert list(PrintedCopy.objects.filter(record=document).values_list("number", "what")) == [
        (1, f"{document.ref} 1.0 (en)"),
        (2, f"{document.ref} 2.0 (en)"),
    ]


def test_a_kept_copy_is_called_back_when_something_else_is_in_force(
    manager: Person, approver: Person, browse: Browse
) -> None:
    document = a_document_in_force(manager, approver)
    client = browse(manager)
    client.post(f"/r/{document.ref}/print", {"holder": "Control room"})
    assert "Says what is in force" in client.get(f"/r/{document.ref}/print").content.decode()
    values = {
        "edition": document.editions.get(),
        "author": manager,
        "change_summary": "New numbers.",
        "text": "Call 4444.",
    }
    put_in_force(file(Revision, values, by=manager), by=manager, signer=approver)
    assert "Out of date: call it back" in client.get(f"/r/{document.ref}/print").content.decode()
    client.post(f"/r/{document.ref}/print/1/back", {"note": "Shredded by the porter."})
    assert "Called back" in client.get(f"/r/{document.ref}/print").content.decode()


def test_with_nothing_in_force_the_page_says_what_comes_first(
    manager: Person, browse: Browse
) -> None:
    document = a_document(manager)
    client = browse(manager)
    assert "Nothing to print yet" in client.get(f"/r/{document.ref}/print").content.decode()
    assert client.post(f"/r/{document.ref}/print").status_code == 302
    assert not PrintedCopy.objects.exists()


def test_a_type_without_a_paper_and_somebody_elses_document_are_not_found(
    manager: Person, stranger: Person, browse: Browse
) -> None:
    document = a_document(manager)
    assert browse(manager).get(f"/r/{a_problem(manager).ref}/print").status_code == 404
    assert browse(stranger).get(f"/r/{document.ref}/print").status_code == 404
    assert browse(stranger).post(f"/r/{document.ref}/print/1/back").status_code == 404
