"""The harness of faults: its shortened run, and that its judge sees what is wrong."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from faults import judge
from faults.journal import Journal, Wanted
from verne.engine import files, search, triggers
from verne.engine.acts import move, revise
from verne.engine.comments import Comment, comment
from verne.engine.people import Person
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.thorough
@pytest.mark.xdist_group("faults")
def test_what_is_acknowledged_survives_the_commonest_faults(tmp_path: Path) -> None:
    told = tmp_path / "faults.json"
    ran = subprocess.run(
        [sys.executable, "-m", "faults", "--short", "--json", str(told)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for scene in json.loads(told.read_text())["scenarios"]:
        assert scene["faults"], scene["name"]
        assert sum(scene["acknowledged"].values()) > 20
        assert scene["asked_again"]


def by_hand(statement: str) -> None:
    """Change a row as no verb does, with the guards of the history out of the way."""
    triggers.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def incident(manager: Person) -> Incident:
    made = an_incident(manager, title="Printer k1 answers nobody")
    comment(made, "Looked into it", by=manager)
    files.attach(made, io.BytesIO(b"the log of the printer"), name="k3.bin", by=manager)
    revise(made, {"description": "Since nine"}, by=manager)
    return move(made, "start", by=manager)


@pytest.fixture
def wanted(incident: Incident) -> list[Wanted]:
    """What a client was told that is done."""
    sha = incident.attachments.get().file.sha256
    acts = [
        Wanted("k1", "file", incident.ref, says="Printer k1 answers nobody"),
        Wanted("k2", "comment", incident.ref, says="Looked into it"),
        Wanted("k3", "attach", incident.ref, "k3.bin", sha),
        Wanted("k4", "revise", incident.ref, says="Since nine"),
        Wanted("k5", "move", incident.ref, "start"),
    ]
    for number, act in enumerate(acts):
        act.acknowledged_at = float(number)
    return acts


def test_the_judge_is_content_with_what_is_whole(wanted: list[Wanted]) -> None:
    assert list(judge.findings(wanted)) == []
    assert judge.absent(wanted) == []


def test_the_judge_misses_what_was_acknowledged_and_is_not_there(wanted: list[Wanted]) -> None:
    lost = [
        Wanted("k6", "file", "INC-99", says="Printer k6 answers nobody", acknowledged_at=1.0),
        Wanted("k7", "comment", wanted[0].ref, says="Never said", acknowledged_at=1.0),
        Wanted("k8", "attach", wanted[0].ref, "k8.bin", "0" * 64, acknowledged_at=1.0),
        Wanted("k9", "revise", wanted[0].ref, says="Since ten", acknowledged_at=1.0),
        Wanted("k10", "move", wanted[0].ref, "resolve", acknowledged_at=1.0),
        Wanted("job1", "job", wanted[0].ref, says="Never remarked", acknowledged_at=1.0),
    ]
    found = " ".join(judge.findings([*wanted, *lost]))
    assert all(f"({act.key}) was acknowledged and is not there" in found for act in lost)
    assert judge.absent([*wanted, *lost]) == [act.key for act in lost]
    assert "(k7)" not in " ".join(judge.findings([*wanted, *lost], may_be_lost=True))


def test_the_judge_sees_what_is_there_twice(
    wanted: list[Wanted], incident: Incident, manager: Person
) -> None:
    comment(incident, "Looked into it", by=manager)
    assert any("(k2) is there 2 times" in found for found in judge.findings(wanted))


def test_the_judge_sees_what_is_there_by_halves(wanted: list[Wanted], incident: Incident) -> None:
    search.remove(incident.pk)
    incident.attachments.get().file.path.write_bytes(b"another log")
    # As if the machine had stopped between two tables.
    by_hand("DELETE FROM engine_clockevent")
    by_hand("DELETE FROM engine_clock")
    found = " ".join(judge.findings(wanted))
    assert "is not what a search" in found
    assert "not in the store as it was sent" in found
    assert "has no clock for resolve, respond" in found


def test_the_judge_sees_a_row_without_history(wanted: list[Wanted], incident: Incident) -> None:
    said = Comment.objects.get(text="Looked into it")
    by_hand(f"DELETE FROM engine_entry WHERE \"table\" = 'engine_comment' AND row = {said.pk}")
    found = " ".join(judge.findings(wanted))
    assert "1 rows of engine_comment have no entry" in found
    assert "An act wrote nothing" in found


def test_the_judge_sees_a_clock_that_shows_something_else(
    wanted: list[Wanted],
) -> None:
    by_hand("UPDATE engine_clock SET elapsed = 86400 WHERE measure = 'respond'")
    assert any("shows" in found for found in judge.findings(wanted))


def test_the_journal_comes_back_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.acknowledge(journal.want(Wanted("k1", "file", says="Printer k1")))
    journal.want(Wanted("k2", "comment", "INC-1"))
    assert judge.read(journal.write()) == journal.wanted
