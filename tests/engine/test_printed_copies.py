"""Printed copies: each has a number, everybody knows who printed what, and kept ones come back."""

from __future__ import annotations

import hashlib

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from verne.engine.history import Act
from verne.engine.people import Person
from verne.engine.printing.blocks import paragraph
from verne.engine.printing.copies import PrintedCopy, call_back, print_copy
from verne.engine.printing.paper import Paper
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem

from .test_printing import read

pytestmark = pytest.mark.django_db

HASH = "7a" * 32


def printed(problem: Problem, by: Person, *, holder: str = "") -> tuple[PrintedCopy, bytes]:
    paper = Paper(title=problem.title, body=[paragraph("Restart the queue.")], language="en")
    return print_copy(problem, paper, what="revision 1.2", content_hash=HASH, by=by, holder=holder)


def test_each_print_has_its_number_person_time_and_content(manager: Person, reader: Person) -> None:
    problem = a_problem(manager)
    first, made = printed(problem, manager)
    second, _made = printed(problem, reader)
    assert [first.number, second.number] == [1, 2]
    assert printed(a_problem(manager), manager)[0].number == 1
    said = read(made)
    assert f"Copy 1, printed by {manager.name}" in said
    assert "Uncontrolled when printed." in said
    assert HASH in said.replace(" ", "")
    assert first.file_hash == hashlib.sha256(made).hexdigest()


def test_a_print_is_an_act_in_the_history(manager: Person) -> None:
    problem = a_problem(manager)
    printed(problem, manager)
    told = Act.objects.get(record=problem.pk, verb="print")
    assert (told.by, told.note) == (manager, "revision 1.2")


def test_a_copy_somebody_keeps_says_so_and_is_called_back_with_what_became_of_it(
    manager: Person,
) -> None:
    copy, made = printed(a_problem(manager), manager, holder="Control room, binder 4")
    assert "Controlled copy 1, kept by Control room, binder 4" in read(made)
    assert copy.is_out
    with pytest.raises(ValidationError, match="what became of the copy"):
        call_back(copy, by=manager, note=" ")
    assert not call_back(copy, by=manager, note="Shredded.").is_out


def test_a_copy_nobody_keeps_cannot_be_called_back(manager: Person) -> None:
    copy, _made = printed(a_problem(manager), manager)
    with pytest.raises(ValidationError, match="Nobody keeps this copy"):
        call_back(copy, by=manager, note="Shredded.")


def test_who_may_not_see_it_may_not_print_it(manager: Person, stranger: Person) -> None:
    with pytest.raises(PermissionDenied):
        printed(a_problem(manager), stranger)
    assert not PrintedCopy.objects.exists()
