"""What holds for one record type holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from verne.engine import search
from verne.engine.acts import Conflict, move, revise, withdraw
from verne.engine.history import Act, Entry, as_it_was
from verne.engine.listing import page
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import Register, registers
from verne.engine.rights import bundles, right, verbs_of
from verne.engine.testing import sample

pytestmark = pytest.mark.django_db

each = pytest.mark.parametrize("register", registers.values(), ids=lambda r: r.model.__name__)


@each
def test_filing_and_revising_leave_acts_and_entries(
    register: type[Register], manager: Person
) -> None:
    record = sample(register, manager)
    revise(record, {"title": "Another title"}, by=manager)
    verbs = list(Act.objects.filter(record=record.pk).values_list("verb", flat=True))
    assert verbs[0] == "file"
    assert "revise" in verbs
    change = Entry.objects.filter(record=record.pk, act__verb="revise", op="U").first()
    assert change is not None
    assert change.after["title"] == "Another title"


@each
def test_nothing_is_written_behind_the_back_of_history(
    register: type[Register], manager: Person
) -> None:
    record = sample(register, manager)
    with pytest.raises(DatabaseError), transaction.atomic():
        record.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        register.model.objects.filter(pk=record.pk).update(title="Quietly")
    with pytest.raises(DatabaseError), transaction.atomic():
        Sheet.objects.filter(pk=record.pk).delete()
    assert Sheet.objects.get(pk=record.pk).title == record.title


@each
def test_a_reader_makes_no_move_and_a_stranger_sees_nothing(
    register: type[Register], manager: Person, reader: Person, stranger: Person
) -> None:
    record = sample(register, manager)
    for step in record.moves():
        with pytest.raises(PermissionDenied):
            move(record, step.name, by=reader, note="Let me")
    with pytest.raises(PermissionDenied):
        revise(record, {"title": "Mine now"}, by=reader)
    assert not register.model.objects.visible_to(stranger).exists()


@each
def test_a_longer_list_asks_no_more_queries(register: type[Register], manager: Person) -> None:
    counts = []
    for _round in range(2):
        sample(register, manager)
        manager.forget_rights()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(register, manager, {})
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[1] <= 12


@each
def test_every_move_has_a_right_and_every_right_a_role(register: type[Register]) -> None:
    granted = frozenset().union(*bundles().values())
    missing = [
        verb for verb in verbs_of(register.model) if right(verb, register.model) not in granted
    ]
    assert not missing


@each
def test_a_record_is_found_by_a_word_of_its_title(
    register: type[Register], manager: Person
) -> None:
    record = sample(register, manager)
    words = record.title.split()
    assert register.model.objects.filter(pk=record.pk).exists()
    assert search.narrow(Sheet.objects.all(), words[0]).filter(pk=record.pk).exists()


@each
def test_it_can_be_shown_as_it_was(register: type[Register], manager: Person) -> None:
    record = sample(register, manager)
    then = Act.objects.filter(record=record.pk).latest("id").at
    title = record.title
    revise(record, {"title": "Later words"}, by=manager)
    before = as_it_was(record, then)
    assert before is not None
    assert before.title == title
    assert register.model.objects.get(pk=record.pk).title == "Later words"


@each
def test_two_people_editing_get_a_choice(
    register: type[Register], manager: Person, approver: Person
) -> None:
    record = sample(register, manager)
    seen = register.model.objects.get(pk=record.pk).version
    revise(record, {"title": "The first one's words"}, by=manager, version=seen)
    with pytest.raises(Conflict) as clash:
        revise(record, {"title": "The second one's words"}, by=approver, version=seen)
    assert clash.value.theirs["title"] == "The first one's words"
    assert clash.value.mine["title"] == "The second one's words"


@each
def test_withdrawing_asks_why_and_keeps_the_record(
    register: type[Register], manager: Person
) -> None:
    record = sample(register, manager)
    with pytest.raises(ValidationError):
        withdraw(record, by=manager, note=" ")
    withdraw(record, by=manager, note="Filed twice")
    kept: Record = register.model.objects.get(pk=record.pk)
    assert kept.withdrawn_at is not None
    assert not kept.moves()
    assert not register.model.objects.standing().filter(pk=record.pk).exists()


@each
def test_labels_and_words_are_complete(register: type[Register]) -> None:
    blank: list[Any] = [
        thing
        for thing in (register.purpose, register.first_step, register.model._meta.verbose_name)
        if not str(thing).strip()
    ]
    assert not blank
    assert register.clauses
    life = register.model.lifecycle
    assert all(str(x.label) for x in (*life.states.values(), *life.moves.values()))


@each
def test_a_page_of_documentation_exists(register: type[Register]) -> None:
    from pathlib import Path

    process = register.__module__.split(".")[-2]
    path = Path(__file__).parent.parent / "docs" / "processes" / f"{process}.md"
    assert path.exists(), f"Write {path.name}."
    assert str(register.model.__name__) in path.read_text()


@each
def test_its_sample_passes_its_own_checks(register: type[Register], manager: Person) -> None:
    made = sample(register, manager)
    record = register.model.objects.get(pk=made.pk)
    record.full_clean()
    for part in register.parts:
        for row in getattr(record, part).all():
            row.full_clean()
