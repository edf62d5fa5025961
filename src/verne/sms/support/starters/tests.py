"""The starter texts keep what their heads promise, against the catalogue itself."""

import re

import pytest

from verne.engine.printing.markdown import blocks_of
from verne.engine.requirements import Documented, library
from verne.engine.roles import NAMES
from verne.sms.support.document.models import Document
from verne.sms.support.document.prose import COMMITMENTS, STATED, commitments_in, stated_in

from .starter import Starter, starters, starters_for

DOCUMENTS = [kind for kind in library().documented().values() if kind.kind == "document"]
TEXTS = list(starters().values())


def headings(starter: Starter) -> set[str]:
    return {
        "".join(run["text"] for run in block["text"])
        for block in blocks_of(starter.text)
        if block["is"] == "heading"
    }


@pytest.mark.parametrize("kind", DOCUMENTS, ids=lambda kind: kind.key)
def test_every_document_asked_for_has_a_text_that_answers_each_obligation(
    kind: Documented,
) -> None:
    texts = starters_for(kind.key)
    assert texts, f"{kind.name} has no text to begin from."
    answered = {id for starter in texts for id in starter.obligations}
    assert set(kind.required_by) <= answered


@pytest.mark.parametrize("starter", TEXTS, ids=lambda starter: starter.key)
def test_a_text_has_the_headings_its_head_names_and_knows_what_it_answers(
    starter: Starter,
) -> None:
    assert starter.answers.keys() <= headings(starter)
    assert starter.obligations <= library().obligations().keys()
    assert set(starter.kinds) <= library().documented().keys()
    assert starter.form in Document.Kind.values
    assert not starter.approved_by or starter.approved_by in NAMES


@pytest.mark.parametrize("starter", TEXTS, ids=lambda starter: starter.key)
def test_a_text_is_long_enough_to_use_short_enough_to_read_and_leaves_choices(
    starter: Starter,
) -> None:
    assert 250 <= len(starter.text.split()) <= 1300
    assert len(re.findall(r"\[[^\]]+\]", starter.text)) >= 5


@pytest.mark.parametrize("starter", TEXTS, ids=lambda starter: starter.key)
def test_its_tables_have_as_many_cells_in_each_row_as_in_their_head(starter: Starter) -> None:
    cells = 0
    for line in starter.text.splitlines():
        row = line.removeprefix("> ")
        if not row.startswith("|"):
            cells = 0
        elif not cells:
            cells = row.count("|")
        else:
            assert row.count("|") == cells, row


def test_the_organization_is_named_where_it_is_known() -> None:
    policy = starters()["service-management-policy"]
    assert "Harbour Services exists to" in policy.for_organization("Harbour Services")
    assert "[Organization] exists to" in policy.for_organization("")


def test_the_procedures_asked_for_are_major_incident_major_loss_and_return() -> None:
    assert [starter.key for starter in starters_for("procedures")] == [
        "major-loss-of-service",
        "return-to-normal",
        "major-incident-procedure",
    ]


def test_the_policy_marks_what_it_commits_to() -> None:
    assert commitments_in(starters()["service-management-policy"].text) == COMMITMENTS.keys()


def test_the_continuity_plan_marks_what_it_has_to_say() -> None:
    assert stated_in(starters()["continuity-plan"].text) == STATED.keys()
