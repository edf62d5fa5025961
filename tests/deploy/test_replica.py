"""Lists are read from a standby, and nobody notices that it is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tools import postgres

from .test_pooling import run

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("deploy")]


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Any]]:
    """From where each question was answered."""
    with postgres.pair() as (primary, standby):
        settings = {"VERNE_REPLICA_URL": standby.url, "VERNE_REPLICA_LAG": "30"}
        run(primary.url, settings, "-m", "verne", "manage", "migrate", "--verbosity", "0")
        told = run(primary.url, settings, "-m", "tests.deploy.reading_a_replica").stdout
        standby.promote()
        after = run(primary.url, settings, "-m", "verne", "doctor", "--quick", check=False).stdout
        yield json.loads(told) | {"doctor, promoted": after}


@pytest.mark.parametrize("what", ["list", "search", "export", "today", "before it lags"])
def test_what_only_tells_is_read_from_the_copy(found: dict[str, Any], what: str) -> None:
    assert found[what]["status"] == 200
    assert found[what]["copy"]
    assert not found[what]["primary"]


def test_who_somebody_is_and_what_they_may_is_not(found: dict[str, Any]) -> None:
    assert not any(each["rights on copy"] for each in found.values() if isinstance(each, dict))
    assert found["a role taken away"] == 404
    assert found["a person sent away"] == 302


@pytest.mark.parametrize("what", ["statement of now", "list of the past", "guest"])
def test_what_writes_or_admits_stays_on_the_primary(found: dict[str, Any], what: str) -> None:
    assert not found[what]["copy"]


@pytest.mark.parametrize("what", ["own write", "own write by API"])
def test_a_person_reads_what_they_wrote_though_the_copy_lags(
    found: dict[str, Any], what: str
) -> None:
    assert found[what]["holds"]
    assert found[what]["primary"]
    assert not found[what]["copy"]


def test_others_read_it_a_moment_later(found: dict[str, Any]) -> None:
    assert found["write of somebody else"]["copy"]
    assert not found["write of somebody else"]["holds"]
    assert found["own write, replayed"]["copy"]
    assert found["own write, replayed"]["holds"]


def test_a_copy_that_is_too_far_behind_is_not_believed(found: dict[str, Any]) -> None:
    assert found["too far behind"]["status"] == 200
    assert not found["too far behind"]["copy"]
    assert found["caught up"]["copy"]


@pytest.mark.parametrize("what", ["gone in the middle", "down"])
def test_when_the_copy_is_gone_the_primary_answers(found: dict[str, Any], what: str) -> None:
    assert found[what]["status"] == 200
    assert found[what]["primary"]


def test_the_doctor_says_whether_the_copy_is_read_from(found: dict[str, Any]) -> None:
    assert found["doctor"] == ["ok"]
    assert found["doctor, down"][0].startswith("It is not read from: ")


def test_a_standby_that_was_promoted_is_not_read_from(found: dict[str, Any]) -> None:
    assert "names a server that is no standby (any more)" in found["doctor, promoted"]
