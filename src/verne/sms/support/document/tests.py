"""What a document promises: one text in force, signed by others than its author, read by all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.engine import moment
from verne.engine.acts import NotOpen, file, move, revise, withdraw
from verne.engine.approvals import current, vote
from verne.engine.people import Organization, Person, Role
from verne.engine.signing import NotProven, Signature, is_still_true
from verne.engine.testing import a_person, proof_of

from .jobs import publish_what_is_due
from .models import Document, Edition, today
from .prose import commitments_in, prose, references_in
from .reading import acknowledge, audience_of, remind, still_to_read
from .retention import Disposal, kept_until
from .revision import Revision
from .samples import (
    a_disposal,
    a_document,
    a_document_in_force,
    a_retentionrule,
    a_revision,
    an_approvalwaiver,
    approve,
    put_in_force,
)

pytestmark = pytest.mark.django_db


def again(record: Revision) -> Revision:
    return Revision.objects.get(pk=record.pk)


# --- From draft to in force ----------------------------------------------------------------------


def test_its_first_revision_is_1_0_in_the_language_of_who_files(manager: Person) -> None:
    revision = a_revision(manager)
    assert (revision.number, revision.language) == ("1.0", "en")
    assert revision.title == "Service management policy"


def test_reviewed_and_approved_by_somebody_else_it_takes_force(
    manager: Person, approver: Person
) -> None:
    revision = put_in_force(a_revision(manager), by=manager, signer=approver)
    assert (revision.state, revision.reviewed_by) == ("in_force", approver)
    assert revision.document.state == "in_force"
    signed = Signature.objects.filter(record=revision).values_list("meaning", "what")
    assert set(signed) == {("review", "DOC-1 1.0 (en)"), ("approval", "DOC-1 1.0 (en)")}


def test_publishing_supersedes_the_former_in_the_same_instant(
    manager: Person, approver: Person
) -> None:
    document = a_document_in_force(manager, approver)
    first = document.in_force().get()
    second = a_revision(manager, edition=first.edition, change_summary="Clearer words.")
    second = put_in_force(second, by=manager, signer=approver)
    first = again(first)
    assert (first.state, second.number, second.predecessor) == ("superseded", "2.0", first)
    assert first.ended_at == second.in_force_at
    assert list(document.in_force()) == [second]


def test_a_minor_revision_counts_behind_the_point_and_goes_on_from_the_text(
    manager: Person, approver: Person
) -> None:
    first = a_document_in_force(manager, approver).in_force().get()
    values = {"edition": first.edition, "size": "minor", "change_summary": "A typing error."}
    minor = file(Revision, values, by=manager)
    assert (minor.number, minor.text) == ("1.1", first.text)


def test_there_is_one_draft_in_an_edition(manager: Person) -> None:
    draft = a_revision(manager)
    with pytest.raises(ValidationError, match="under way in this edition"):
        a_revision(manager, edition=draft.edition)
    withdraw(draft, by=manager, note="Begun by mistake.")
    assert a_revision(manager, edition=draft.edition).number == "2.0"


def test_without_a_text_it_is_not_submitted(manager: Person) -> None:
    with pytest.raises(NotOpen, match="Write its text first"):
        move(a_revision(manager, text=""), "submit", by=manager)


def test_without_a_review_an_approval_alone_does_not_carry_it(
    manager: Person, approver: Person
) -> None:
    revision = approve(move(a_revision(manager), "submit", by=manager), by=approver)
    assert revision.state == "in_review"
    revision = move(revision, "review", by=approver, proof=proof_of(approver))
    assert again(revision).state == "in_force"


def test_the_author_neither_reviews_nor_approves(manager: Person) -> None:
    revision = move(a_revision(manager), "submit", by=manager)
    with pytest.raises(NotOpen, match="Nobody reviews what they wrote"):
        move(revision, "review", by=manager, proof=proof_of(manager))
    with pytest.raises(PermissionDenied, match="Nobody approves"):
        approve(revision, by=manager)


def test_agreeing_takes_the_password_again(manager: Person, approver: Person) -> None:
    revision = move(a_revision(manager), "submit", by=manager)
    asked = current(revision, "approve")
    assert asked is not None
    with pytest.raises(NotProven):
        vote(asked, by=approver, agrees=True)


def test_the_role_that_approves_a_policy_is_asked_for(manager: Person, approver: Person) -> None:
    document = a_document(manager, approver_role=Role.objects.get(key="top_management"))
    controller = a_person("Dora Control", roles=["document_controller"])
    revision = move(a_revision(manager, document=document), "submit", by=manager)
    with pytest.raises(PermissionDenied, match="Top management"):
        approve(revision, by=controller)
    assert approve(revision, by=approver).state == "in_review"


# --- Bound to the content ------------------------------------------------------------------------


def test_any_change_voids_review_and_approval(manager: Person, approver: Person) -> None:
    revision = move(a_revision(manager), "submit", by=manager)
    approve(revision, by=approver)
    revise(again(revision), {"text": "# Purpose\n\nWe promise less."}, by=manager)
    revision = move(again(revision), "review", by=approver, proof=proof_of(approver))
    assert again(revision).state == "in_review"
    asked = current(revision, "approve")
    assert asked is not None
    assert asked.standing == "open"


def test_what_was_reviewed_before_a_change_is_reviewed_again(
    manager: Person, approver: Person
) -> None:
    revision = move(a_revision(manager), "submit", by=manager)
    revision = move(revision, "review", by=approver, proof=proof_of(approver))
    revise(revision, {"text": "# Purpose\n\nWe promise less."}, by=manager)
    assert approve(again(revision), by=approver).state == "in_review"


def test_what_is_approved_is_never_changed(manager: Person, approver: Person) -> None:
    revision = a_document_in_force(manager, approver).in_force().get()
    with pytest.raises(ValidationError, match="stays as it was signed"):
        revise(revision, {"text": "Something else"}, by=manager)
    with pytest.raises(ValidationError, match="with its own step"):
        withdraw(again(revision), by=manager, note="No longer liked.")
    assert all(is_still_true(row) for row in revision.signatures.all())


# --- Days ----------------------------------------------------------------------------------------


def test_approved_before_its_day_it_waits_and_the_job_puts_it_in_force(
    manager: Person, approver: Person
) -> None:
    day = today() + timedelta(days=3)
    revision = a_revision(manager, effective_from=day)
    revision = put_in_force(revision, by=manager, signer=approver)
    assert revision.state == "approved"
    assert publish_what_is_due() == 0
    with moment.at(timezone.now() + timedelta(days=4)):
        assert publish_what_is_due() == 1
    assert again(revision).state == "in_force"


@pytest.mark.parametrize(("step", "state"), [("confirm", "in_force"), ("retire", "retired")])
def test_a_review_is_signed_and_moves_the_next_day(
    step: str, state: str, manager: Person, approver: Person
) -> None:
    document = a_document_in_force(manager, approver, review_months=6)
    revise(document, {"review_by": today()}, by=manager)
    document = Document.objects.get(pk=document.pk)
    with pytest.raises(NotProven):
        move(document, step, by=manager, note="Read it again.")
    document = move(document, step, by=manager, note="Read it again.", proof=proof_of(manager))
    assert document.state == state
    assert document.review_by is None or document.review_by > today() + timedelta(days=150)
    assert document.signatures.count() == 1


def test_a_review_that_asks_for_a_revision_begins_one(manager: Person, approver: Person) -> None:
    document = a_document_in_force(manager, approver)
    note = "The company has a new name."
    document = move(document, "call_for_revision", by=manager, note=note, proof=proof_of(manager))
    draft = document.revisions.get(state="draft")
    assert (draft.number, draft.change_summary) == ("2.0", note)


def test_withdrawing_a_document_ends_its_texts(manager: Person, approver: Person) -> None:
    document = a_document_in_force(manager, approver)
    move(document, "retire", by=manager, note="Nobody needs it.", proof=proof_of(manager))
    assert document.revisions.get().state == "withdrawn"
    assert not document.in_force().exists()


def test_without_its_last_text_a_document_is_in_preparation(
    manager: Person, approver: Person
) -> None:
    document = a_document_in_force(manager, approver)
    revision = document.in_force().get()
    move(revision, "take_out", by=manager, note="It was wrong.", proof=proof_of(manager))
    assert Document.objects.get(pk=document.pk).state == "in_preparation"


# --- Waivers -------------------------------------------------------------------------------------


def test_with_a_signed_waiver_the_author_approves_until_it_ends(manager: Person) -> None:
    waiver = an_approvalwaiver(manager)
    move(waiver, "grant", by=manager, proof=proof_of(manager))
    revision = move(a_revision(manager), "submit", by=manager)
    later = timezone.now() + timedelta(days=91)
    with moment.at(later), pytest.raises(NotOpen, match="Nobody reviews"):
        move(revision, "review", by=manager, proof=proof_of(manager))
    assert put_in_force(again(revision), by=manager).state == "in_force"


def test_a_waiver_ends_within_a_year(manager: Person) -> None:
    waiver = an_approvalwaiver(manager, until=today() + timedelta(days=400))
    with pytest.raises(NotOpen, match="within a year"):
        move(waiver, "grant", by=manager, proof=proof_of(manager))


# --- Who sees what -------------------------------------------------------------------------------


def test_a_reader_sees_what_is_in_force_and_nothing_else(
    manager: Person, approver: Person, reader: Person
) -> None:
    document = a_document_in_force(manager, approver)
    first = document.in_force().get()
    draft = a_revision(manager, edition=first.edition)
    a_document(manager, title="Not yet written")
    assert list(Document.objects.visible_to(reader)) == [document]
    assert list(Revision.objects.visible_to(reader)) == [first]
    second = put_in_force(draft, by=manager, signer=approver)
    assert list(Revision.objects.visible_to(reader)) == [second]
    assert first in Revision.objects.visible_to(manager)


def test_what_is_confidential_is_for_its_audience(
    manager: Person, approver: Person, reader: Person, agent: Person
) -> None:
    document = a_document_in_force(
        manager,
        approver,
        classification="confidential",
        audience="chosen",
        audience_roles=[Role.objects.get(key="service_desk_agent")],
    )
    assert list(Document.objects.visible_to(agent)) == [document]
    assert not Document.objects.visible_to(reader).exists()


def test_customers_read_what_is_meant_for_them(
    manager: Person, approver: Person, customer: Person, harbour: Organization
) -> None:
    a_document_in_force(manager, approver, title="How we work inside")
    meant = a_document_in_force(manager, approver, title="Our promise", for_customers=True)
    assert list(Document.objects.visible_to(customer)) == [meant]
    assert list(Revision.objects.visible_to(customer)) == list(meant.in_force())


# --- Read and understood -------------------------------------------------------------------------


@pytest.fixture
def to_read(manager: Person, approver: Person) -> Document:
    return a_document_in_force(manager, approver, to_acknowledge=True)


def test_everybody_in_the_audience_has_it_to_read_until_they_say_so(
    to_read: Document, reader: Person
) -> None:
    [revision] = still_to_read(reader)
    acknowledge(revision, by=reader)
    assert still_to_read(reader) == []
    signature = Signature.objects.get(meaning="acknowledgement")
    assert (signature.by, signature.content_hash) == (reader, revision.content_hash)


def test_after_a_minor_revision_nobody_reads_again_after_a_major_one_everybody(
    to_read: Document, manager: Person, approver: Person, reader: Person
) -> None:
    first = to_read.in_force().get()
    acknowledge(first, by=reader)
    minor = a_revision(manager, edition=first.edition, size="minor")
    minor = put_in_force(minor, by=manager, signer=approver)
    assert still_to_read(reader) == []
    major = put_in_force(a_revision(manager, edition=first.edition), by=manager, signer=approver)
    assert still_to_read(reader) == [major]


def test_a_text_in_two_languages_is_read_once(
    to_read: Document, manager: Person, approver: Person, reader: Person
) -> None:
    english = to_read.editions.get()
    revise(
        to_read,
        {"editions": [{"pk": english.pk, "language": "en"}, {"language": "ko"}]},
        by=manager,
    )
    korean = a_revision(manager, edition=to_read.editions.get(language="ko"), title="서비스 방침")
    korean = put_in_force(korean, by=manager, signer=approver)
    assert len(still_to_read(reader)) == 1
    acknowledge(korean, by=reader)
    assert still_to_read(reader) == []


def test_only_the_audience_is_asked(manager: Person, approver: Person, reader: Person) -> None:
    role = Role.objects.get(key="service_desk_agent")
    document = a_document_in_force(
        manager, approver, to_acknowledge=True, audience="chosen", audience_roles=[role]
    )
    agent = a_person("Jun Park", roles=["service_desk_agent"])
    assert set(audience_of(document)) == {agent, manager, approver}
    assert still_to_read(reader) == []
    with pytest.raises(PermissionDenied, match="need not"):
        acknowledge(document.in_force().get(), by=reader)


def test_who_is_late_is_reminded_once_a_week(to_read: Document, reader: Person) -> None:
    people = audience_of(to_read).count()
    now = timezone.now()
    assert remind(now + timedelta(days=13)) == 0
    assert remind(now + timedelta(days=15)) == people
    assert remind(now + timedelta(days=16)) == 0
    acknowledge(to_read.in_force().get(), by=reader)
    assert remind(now + timedelta(days=23)) == people - 1


# --- Text ----------------------------------------------------------------------------------------


def test_a_text_names_records_and_they_are_kept_as_rows(manager: Person) -> None:
    other = a_document(manager, title="Change policy")
    text = f"See [[{other.ref}]] and [[INC-999]], not `[[DOC-7]]`."
    revision = a_revision(manager, text=text)
    rows = {row.ref: row.target_id for row in revision.references.all()}
    assert rows == {other.ref: other.pk, "INC-999": None}
    revise(revision, {"text": "See nothing."}, by=manager)
    assert not revision.references.exists()


def test_a_name_that_leads_to_something_withdrawn_is_outdated(
    manager: Person, approver: Person
) -> None:
    other = a_document_in_force(manager, approver, title="Change policy")
    revision = a_revision(manager, text=f"See [[{other.ref}]].")
    assert not revision.references.get().outdated
    move(other, "retire", by=manager, note="Replaced.", proof=proof_of(manager))
    assert revision.references.get().outdated


def test_what_others_write_cannot_harm_who_reads_it() -> None:
    text = '<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://a.example/"onerror="z)'
    html = prose(text).html
    assert "<script" not in html
    assert "javascript:" not in html.replace("[x](javascript:alert(1))", "")
    assert "onerror=&quot;" not in html
    assert "<img" not in html or 'onerror="' not in html


def test_headings_make_the_contents() -> None:
    made = prose("# Purpose\n\n## For *whom*\n\nAll.")
    assert [(h.level, h.text, h.id) for h in made.contents] == [
        (1, "Purpose", "s1"),
        (2, "For whom", "s2"),
    ]
    assert '<h1 id="s1">' in made.html


def test_a_policy_marks_what_it_commits_to() -> None:
    assert commitments_in("We improve. [[commits: improvement]] [[commits: nothing]]") == {
        "improvement"
    }
    assert references_in("[[inc-12]]") == {"INC-12"}


# --- Keeping and disposing -----------------------------------------------------------------------


def test_a_withdrawn_document_is_kept_as_long_as_its_rule_says(
    manager: Person, approver: Person
) -> None:
    move(a_retentionrule(manager, keep_months=12), "put_in_force", by=manager)
    document = a_document_in_force(manager, approver)
    document = move(document, "retire", by=manager, note="Old.", proof=proof_of(manager))
    assert kept_until(document) == today().replace(year=today().year + 1)


def test_a_disposal_needs_a_signed_approval_and_a_reason_if_it_is_early(
    manager: Person, approver: Person
) -> None:
    document = a_document_in_force(manager, approver)
    disposal = a_disposal(manager, documents=[document])
    with pytest.raises(NotOpen, match="kept longer"):
        move(disposal, "approve", by=manager)
    disposal = revise(disposal, {"early_reason": "The customer asks for it."}, by=manager)
    from verne.engine.approvals import ask

    vote(ask(disposal, "approve", by=manager), by=approver, agrees=True, proof=proof_of(approver))
    disposal = Disposal.objects.get(pk=disposal.pk)
    assert disposal.state == "approved"
    disposal = move(disposal, "carry_out", by=manager, values={"how_shown": "Certificate 17"})
    assert (disposal.state, disposal.carried_out_by) == ("carried_out", manager)


def test_nothing_under_a_rule_on_hold_is_disposed_of(manager: Person) -> None:
    rule = a_retentionrule(manager, on_hold=True)
    with pytest.raises(NotOpen, match="is on hold"):
        move(a_disposal(manager, rule=rule), "approve", by=manager)


def test_an_edition_with_texts_stays(manager: Person) -> None:
    document = a_revision(manager).document
    with pytest.raises(ValidationError, match="with revisions stays"):
        revise(document, {"editions": [{"language": "ko"}]}, by=manager)
    assert Edition.objects.get().language == "en"
