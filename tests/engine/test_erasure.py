"""Erasing a person: the name is nowhere any more, and everything that was proven still is."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.utils import timezone

from verne.conformity.pack import making
from verne.engine import erasure, search
from verne.engine.acts import act, revise
from verne.engine.comments import comment
from verne.engine.files import attach
from verne.engine.history import Act, Entry, as_it_was
from verne.engine.people import Assignment, Person
from verne.engine.seal import outside, sealing
from verne.engine.seal.examining import Counts, examine
from verne.engine.seal.models import Erased, Erasure, Leaf
from verne.engine.seal.tree import Tree
from verne.engine.testing import a_person
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem
from verne.verifier import verify_pack

pytestmark = pytest.mark.django_db

WHO = "Yoon Seo-yeon"


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.VERNE_HOME = tmp_path
    return tmp_path


@pytest.fixture
def leaver(manager: Person) -> Person:
    """Worked here, is named in texts, attached a file; has left, and all of it is sealed."""
    person = a_person(WHO, roles=["problem_manager", "service_owner"], email="yoon@example.com")
    problem = a_problem(manager, title=f"{WHO} cannot print", owner=person)
    comment(problem, f"Spoke to {WHO.upper()}, write to yoon@example.com", by=manager)
    attach(problem, io.BytesIO(b"passport"), name=f"{WHO}.txt", by=person)
    revise(problem, {"owner": manager}, by=manager, note=f"{WHO} leaves")
    now = timezone.now()
    with act("settle", by=manager, note=f"{WHO} left"):
        Assignment.objects.filter(person=person).update(until=now)
        Person.objects.filter(pk=person.pk).update(active=False)
    sealing.seal()
    return Person.objects.get(pk=person.pk)


def everything() -> str:
    """All that any table holds, as one text."""
    said = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("engine_", "resolution_", "web_", "api_", "conformity_")):
                cursor.execute(f'SELECT * FROM "{table}"')
                said += [str(row) for row in cursor.fetchall()]
    return "\n".join(said).lower()


def test_nothing_anywhere_says_who_they_were(leaver: Person, manager: Person) -> None:
    assert WHO.lower() in everything() and "yoon@example.com" in everything()
    done = erasure.erase(leaver, by=manager, why=f"{WHO} asked for it on 3 May")
    said = everything()
    for spelling in (WHO.lower(), "yoon@example.com", "yoon-seo-yeon", "서연"):
        assert spelling not in said
    leaver.refresh_from_db()
    assert (leaver.name, leaver.email, leaver.active) == (done.pseudonym, "", False)
    assert done.why == f"{done.pseudonym} asked for it on 3 May"
    assert done.went["engine_entry"] > 4


def test_what_they_did_stays_under_a_pseudonym(leaver: Person, manager: Person) -> None:
    acts = Act.objects.filter(by=leaver).count()
    entries = Entry.objects.count()
    done = erasure.erase(leaver, by=manager, why="On request")
    assert Act.objects.filter(by=leaver).count() == acts > 0
    assert Entry.objects.count() >= entries
    problem = Problem.objects.get()
    assert problem.title == f"{done.pseudonym} cannot print"
    shown = as_it_was(problem, problem.filed_at)
    assert shown is not None and shown.title == problem.title


def test_the_seal_and_the_database_still_agree(leaver: Person, manager: Person) -> None:
    before = sealing.newest()
    assert before is not None
    erasure.erase(leaver, by=manager, why="On request")
    assert list(examine(against=outside.kept())) == []
    sealing.seal()
    counts = Counts()
    assert list(examine(against=outside.kept(), counts=counts)) == []
    assert counts.erased == Erased.objects.filter(source__in=("act", "entry")).count() > 5
    assert Tree(before.size).root() == bytes(before.root)
    assert Leaf.objects.count() > before.size


def test_what_was_erased_cannot_be_replaced_again_unseen(leaver: Person, manager: Person) -> None:
    from .test_examining import behind

    erasure.erase(leaver, by=manager, why="On request")
    sealing.seal()
    row = Erased.objects.filter(source="act").first()
    assert row is not None
    behind(f"UPDATE engine_act SET note = 'All is well' WHERE id = {row.row}")
    (finding,) = examine()
    assert finding.says.endswith("lost its content, and no erasure says so.")


def test_a_pack_made_afterwards_verifies(leaver: Person, manager: Person, home: Path) -> None:
    erasure.erase(leaver, by=manager, why="On request")
    now = timezone.now()
    made = making.make(since=now - timedelta(days=1), until=now, by=manager)
    (home / "p.zip").write_bytes(made.content)
    report = verify_pack(home / "p.zip")
    assert report.faults == []
    assert report.facts["erased"] > 0


def test_nobody_finds_them_by_searching(leaver: Person, manager: Person) -> None:
    assert search.narrow(Problem.objects.all(), "Seo-yeon").exists()
    erasure.erase(leaver, by=manager, why="On request")
    assert not search.narrow(Problem.objects.all(), "Seo-yeon").exists()
    assert search.narrow(Problem.objects.all(), "print").exists()


def test_a_file_that_tells_of_them_goes_when_chosen(leaver: Person, manager: Person) -> None:
    (attachment,) = erasure.plan(leaver, by=manager).files
    path = attachment.file.path
    assert path.exists()
    with _committed():
        erasure.erase(leaver, by=manager, why="On request", files=[attachment.pk])
    assert not path.exists()
    assert list(examine()) == []


def _committed() -> Any:
    from django.test import TestCase

    return TestCase.captureOnCommitCallbacks(execute=True)


def test_the_plan_says_what_would_go_and_changes_nothing(leaver: Person, manager: Person) -> None:
    before = everything()
    plan = erasure.plan(leaver, by=manager)
    assert WHO in plan.spellings and plan.obstacles == []
    assert plan.places["engine_comment"] == 1 and plan.places["engine_sheet"] == 1
    assert everything() == before


def test_names_others_bear_too_stay_in_texts(leaver: Person, manager: Person) -> None:
    a_person(WHO, roles=[], username="another.yoon")
    plan = erasure.plan(leaver, by=manager)
    assert plan.shared == [WHO]
    erasure.erase(leaver, by=manager, why="On request")
    assert Problem.objects.get().title == f"{WHO} cannot print"


def test_other_spellings_can_be_named(leaver: Person, manager: Person) -> None:
    problem = Problem.objects.get()
    comment(problem, "윤서연은 오늘 쉽니다. Seoyeon Yoon is away.", by=manager)
    done = erasure.erase(leaver, by=manager, why="On request", also=["윤서연", "Seoyeon Yoon"])
    said = problem.comments.order_by("pk").last()
    assert said is not None
    assert said.text == f"{done.pseudonym}은 오늘 쉽니다. {done.pseudonym} is away."
    with pytest.raises(ValidationError, match="too short"):
        erasure.plan(leaver, by=manager, also=["윤"])


def test_texts_that_hold_json_are_searched_too(leaver: Person, manager: Person) -> None:
    body = json.dumps({"owner": "윤서연"})
    problem = Problem.objects.get()
    comment(problem, body, by=manager)
    done = erasure.erase(leaver, by=manager, why="On request", also=["윤서연"])
    said = problem.comments.order_by("pk").last()
    assert said is not None and json.loads(said.text) == {"owner": done.pseudonym}


def test_only_those_who_are_gone_are_erased(agent: Person, manager: Person) -> None:
    a_problem(manager, owner=agent)
    reasons = " ".join(erasure.obstacles(agent, by=manager))
    for said in ("still active", "still hold the role", "still own 1 open record"):
        assert said in reasons
    with pytest.raises(ValidationError, match="still active"):
        erasure.erase(agent, by=manager, why="On request")
    assert not Erasure.objects.exists()


def test_it_takes_the_right_a_reason_and_somebody_else(leaver: Person, manager: Person) -> None:
    reader = a_person("Rita Reader", roles=["reader"])
    with pytest.raises(PermissionDenied):
        erasure.erase(leaver, by=reader, why="On request")
    with pytest.raises(ValidationError, match="Say why"):
        erasure.erase(leaver, by=manager, why=" ")
    assert "Nobody erases their own data" in " ".join(erasure.obstacles(manager, by=manager))


def test_once_is_enough(leaver: Person, manager: Person) -> None:
    erasure.erase(leaver, by=manager, why="On request")
    with pytest.raises(ValidationError, match="erased before"):
        erasure.erase(leaver, by=manager, why="Again")


def test_the_guards_are_back_afterwards(leaver: Person, manager: Person) -> None:
    erasure.erase(leaver, by=manager, why="On request")
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        Act.objects.update(note="")


def test_the_record_of_it_says_who_when_why_and_what(leaver: Person, manager: Person) -> None:
    done = erasure.erase(leaver, by=manager, why="By letter of 3 May")
    told = Act.objects.get(verb="erase")
    assert (told.by, told.note) == (manager, f"{done.pseudonym}: By letter of 3 May")
    assert json.dumps(done.went) and done.by == manager
