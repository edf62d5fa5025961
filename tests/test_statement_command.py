"""`verne statement` says in a terminal what the pages say, and by its exit code what was lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.utils import timezone

from verne.cli import statement as face
from verne.cli.columns import columns, padded, shortened, wrapped
from verne.conformity import statement
from verne.conformity.models import Snapshot
from verne.engine.acts import revise
from verne.engine.evidence import Answer, answers, every
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service

pytestmark = pytest.mark.django_db

KEY = "incidents-prioritized"


@pytest.fixture(autouse=True)
def one_answer(monkeypatch):
    for key in list(answers):
        monkeypatch.delitem(answers, key)

    def with_a_basis(asked):
        return every(Service.objects.standing(), criticality_basis__gt="")

    monkeypatch.setitem(answers, KEY, Answer(KEY, with_a_basis, (Service,)))


@pytest.fixture
def service(manager):
    return a_service(manager, criticality_basis="Tills stop at once.")


def verne(*arguments):
    return in_terminal("C", *arguments)


def in_terminal(language, *arguments):
    runner = CliRunner(env={"LC_ALL": language})
    return runner.invoke(face.command, list(arguments), catch_exceptions=False)


def test_the_tree_is_printed_with_counts_in_words(service):
    said = verne()
    assert said.exit_code == 0
    assert "1 of 394 checks are computed." in said.output
    assert "8.6.1 Incident management" in said.output
    assert "Obligations: 391" in said.output
    assert "Sentences: 213" in said.output
    assert "Not yet computed 390" in said.output


def test_a_clause_is_printed_with_its_obligations_and_checks(service):
    said = verne("--clause", "8.6.1")
    assert "Log and classify every incident." in said.output
    assert f"{KEY}: 0 of 1 break it" in said.output


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ko_KR.UTF-8", "모든 인시던트를 기록하고 분류합니다."),
        ("es_ES.UTF-8", "Registrar y clasificar cada incidente."),
        ("zh_CN.UTF-8", "记录并分类每个事件。"),
        ("fr_FR.UTF-8", "Log and classify every incident."),
    ],
)
def test_it_speaks_the_language_of_the_terminal(service, language, words):
    assert words in in_terminal(language, "--clause", "8.6.1").output
    asked = in_terminal(language, "--clause", "8.6.1", "--language", "en")
    assert "Log and classify every incident." in asked.output


def test_columns_stand_below_each_other_in_every_script():
    assert columns(padded("사고 관리", 20)) == columns(padded("Incidents", 20)) == 20
    assert columns(shortened("服务管理体系的文件化信息", 11)) <= 11
    assert shortened("Incidents", 9) == "Incidents"
    for text in (
        "记录并分类每个事件，并按影响度和紧急度排列。",
        "모든 인시던트를 기록하고 분류합니다.",
    ):
        lines = wrapped(text, 20, "  ", "    ").split("\n")
        assert all(columns(line) <= 22 for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_clause_there_is_not_is_refused_with_what_to_write():
    said = verne("--clause", "8.66")
    assert said.exit_code == 2
    assert "write a number such as 8.6.1" in said.output


def test_programs_get_the_whole_as_json(service):
    told = json.loads(verne("--json").stdout)
    assert told["checks"]["total"] == 394
    assert told["checks"]["computed"] == 1
    assert told["checks"][KEY] == {"result": "holds", "population": 1, "exceptions": 0}
    assert told["obligations"]["8.6.1.b"]["result"] == "conforming"
    assert told["clauses"]["8.6.1"]["result"] == "not yet computed"
    assert told["at"].endswith("+00:00")
    assert told["lost"] == []


def test_losing_what_was_met_ends_with_one(service, manager):
    assert verne("--snapshot").exit_code == 0
    assert verne().exit_code == 0
    revise(service, {"criticality_basis": ""}, by=manager)
    said = verne()
    assert said.exit_code == 1
    assert "and no longer" in said.output
    assert "8.6.1 b)" in said.output
    assert json.loads(verne("--json").stdout)["lost"] == ["8.6.1.b"]


def test_a_baseline_is_compared_with_until_it_is_renewed(service, manager):
    assert verne("--baseline").exit_code == 0
    revise(service, {"criticality_basis": ""}, by=manager)
    assert verne("--snapshot").exit_code == 1
    assert verne().exit_code == 1
    assert verne("--baseline").exit_code == 1
    assert verne().exit_code == 0


def test_without_anything_to_compare_with_nothing_is_lost(service):
    said = verne()
    assert said.exit_code == 0
    assert "no longer" not in said.output


def test_the_past_is_shown_from_its_snapshot(service, manager):
    statement.take_snapshot()
    Snapshot.objects.update(at=timezone.now() - timedelta(days=10))
    revise(service, {"criticality_basis": ""}, by=manager)
    day = (timezone.now() - timedelta(days=3)).date().isoformat()
    told = json.loads(verne("--json", "--at", day).stdout)
    assert told["obligations"]["8.6.1.b"]["result"] == "conforming"
    assert told["snapshot"] is True


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--at", "yesterday"], "write 2026-01-31"),
        (["--at", "2001-01-01"], "No snapshot has been taken"),
        (["--at", "2001-01-01", "--snapshot"], "cannot be computed again"),
    ],
)
def test_what_cannot_be_done_ends_with_two_and_says_why(arguments, hint):
    said = verne(*arguments)
    assert said.exit_code == 2
    assert hint in said.output


def test_everything_can_be_computed_anew(service):
    verne()
    Service.objects.count()
    before = statement.stored().figures[KEY].run
    verne("--whole")
    assert statement.stored().figures[KEY].run != before
