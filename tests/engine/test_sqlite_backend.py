"""Writers of an SQLite file take turns, whatever happens to any of them."""

from __future__ import annotations

import gc
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connections, transaction

from verne.engine.history import current_act
from verne.engine.sqlite import carrying
from verne.engine.sqlite.base import PAGES_ON_THE_WAY, DatabaseWrapper, line_of
from verne.engine.sqlite.line import Line
from verne.settings import _sqlite

PATIENCE = 0.4


@pytest.fixture
def ledger(tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    """The alias of an SQLite file with an account, its movements and the people who made them."""
    facts = _sqlite(tmp_path / "ledger.sqlite3")
    connections.settings["ledger"] = {**connections.settings["default"], **facts}
    with django_db_blocker.unblock():
        run("PRAGMA wal_checkpoint")
        run("CREATE TABLE account (id integer PRIMARY KEY, total integer)")
        run("CREATE TABLE clerk (id integer PRIMARY KEY)")
        run(
            "CREATE TABLE movement (id integer PRIMARY KEY AUTOINCREMENT, made_by integer"
            " REFERENCES clerk (id) DEFERRABLE INITIALLY DEFERRED, note text)"
        )
        run("INSERT INTO account VALUES (1, 0)")
        yield "ledger"
        connections["ledger"].close()
    del connections["ledger"], connections.settings["ledger"]


@pytest.fixture
def hasty(ledger: str) -> str:
    """The same file for those who wait no longer than `PATIENCE`."""
    connections.settings[ledger]["OPTIONS"]["timeout"] = PATIENCE
    connections[ledger].close()
    return ledger


@pytest.fixture
def clerks(ledger: str) -> Iterator[Clerks]:
    clerks = Clerks()
    yield clerks
    clerks.go_home()


class Clerks:
    """Threads, each with a connection of its own."""

    def __init__(self) -> None:
        self.pools: list[ThreadPoolExecutor] = []

    def ask(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        self.pools.append(ThreadPoolExecutor(1))
        return self.pools[-1].submit(work, *arguments)

    def go_home(self) -> None:
        for pool in self.pools:
            pool.submit(lambda: connections["ledger"].close()).result(10)
            pool.shutdown()


def run(statement: str, *arguments: Any) -> list[Any]:
    with connections["ledger"].cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return cursor.fetchall()


def move(note: str, *, amount: int = 1, linger: float = 0.0) -> None:
    """One transaction: read, change, add."""
    with transaction.atomic(using="ledger"):
        total = run("SELECT total FROM account WHERE id = 1")[0][0]
        time.sleep(linger)
        run("UPDATE account SET total = %s WHERE id = 1", total + amount)
        run("INSERT INTO movement (note) VALUES (%s)", note)


def line() -> Line:
    found = line_of(str(connections.settings["ledger"]["NAME"]))
    assert found is not None
    return found


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)


def test_eight_writers_lose_nothing(ledger: str, clerks: Clerks) -> None:
    def work(name: str) -> None:
        for n in range(25):
            move(f"{name} {n}")

    for done in [clerks.ask(work, f"clerk {n}") for n in range(8)]:
        done.result(60)
    assert run("SELECT total FROM account") == [(200,)]
    assert run("SELECT count(*) FROM movement") == [(200,)]
    assert len(line()) == 0


def test_who_comes_first_is_served_first(ledger: str, clerks: Clerks) -> None:
    waiting = []
    with transaction.atomic(using=ledger):
        for n in range(7):
            waiting.append(clerks.ask(move, str(n)))
            until(lambda n=n: len(line()) == n + 2)
    for done in waiting:
        done.result(20)
    assert [note for (note,) in run("SELECT note FROM movement ORDER BY id")] == list("0123456")


def test_reading_does_not_wait_for_a_writer(hasty: str, clerks: Clerks) -> None:
    with transaction.atomic(using=hasty):
        run("UPDATE account SET total = 7")
        seen = clerks.ask(run, "SELECT total FROM account").result(10)
    assert seen == [(0,)]


def test_patience_ends_with_a_clear_error(hasty: str, clerks: Clerks) -> None:
    with transaction.atomic(using=hasty):
        start = time.monotonic()
        late = clerks.ask(move, "too late")
        with pytest.raises(OperationalError, match="database is locked"):
            late.result(10)
        assert PATIENCE <= time.monotonic() - start < PATIENCE + 2
    move("afterwards")
    assert clerks.ask(move, "and another").result(10) is None
    assert run("SELECT note FROM movement") == [("afterwards",), ("and another",)]


def test_one_who_gives_up_does_not_hold_up_those_behind(hasty: str, clerks: Clerks) -> None:
    with transaction.atomic(using=hasty):
        impatient = clerks.ask(move, "gave up")
        until(lambda: len(line()) == 2)
        time.sleep(PATIENCE / 2)
        behind = clerks.ask(move, "behind")
        until(lambda: len(line()) == 3)
        with pytest.raises(OperationalError):
            impatient.result(10)
    behind.result(10)
    assert run("SELECT note FROM movement") == [("behind",)]


def test_another_process_is_waited_for_and_then_complained_of(hasty: str) -> None:
    shell = sqlite3.connect(connections.settings[hasty]["NAME"], isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="database is locked"):
        move("while the shell writes")
    assert len(line()) == 0
    shell.execute("COMMIT")
    shell.close()
    move("when it has finished")
    assert run("SELECT total FROM account") == [(1,)]


def test_time_in_the_line_counts_against_patience(hasty: str, clerks: Clerks) -> None:
    shell = sqlite3.connect(connections.settings[hasty]["NAME"], isolation_level=None)
    queue = line()
    ahead = queue.enter(queue, timeout=1)
    assert ahead is not None
    start = time.monotonic()
    late = clerks.ask(move, "too late")
    until(lambda: len(queue) == 2)
    shell.execute("BEGIN IMMEDIATE")
    time.sleep(PATIENCE * 0.75)
    queue.leave(ahead)
    with pytest.raises(OperationalError):
        late.result(10)
    assert time.monotonic() - start < PATIENCE * 1.6
    shell.execute("ROLLBACK")
    shell.close()
    # And whoever comes next has all of it again.
    assert clerks.pools[0].submit(run, "PRAGMA busy_timeout").result(10) == [(400,)]


def test_an_error_inside_gives_the_turn_back(ledger: str, clerks: Clerks) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic(using=ledger):
        run("UPDATE account SET total = 99")
        raise ZeroDivisionError
    clerks.ask(move, "next").result(10)
    assert run("SELECT total FROM account") == [(1,)]


def test_a_commit_that_fails_gives_the_turn_back(ledger: str, clerks: Clerks) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(using=ledger):
        run("INSERT INTO movement (made_by, note) VALUES (17, 'by nobody we know')")
    clerks.ask(move, "next").result(10)
    assert run("SELECT note FROM movement") == [("next",)]


def test_closing_inside_a_transaction_gives_the_turn_back(ledger: str, clerks: Clerks) -> None:
    with pytest.raises(Exception, match="closed"), transaction.atomic(using=ledger):
        run("UPDATE account SET total = 99")
        connections[ledger].close()
        run("SELECT 1")
    clerks.ask(move, "next").result(10)
    assert run("SELECT total FROM account") == [(1,)]


def test_somebody_who_vanishes_inside_a_transaction_is_passed_over(
    ledger: str, clerks: Clerks
) -> None:
    def vanish() -> None:
        gone = DatabaseWrapper(connections.settings[ledger], "gone")
        gone.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)

    clerks.ask(vanish).result(10)
    gc.collect()
    clerks.ask(move, "next").result(10)
    assert run("SELECT total FROM account") == [(1,)]


def test_a_block_inside_a_block_stands_in_line_once(ledger: str) -> None:
    with transaction.atomic(using=ledger):
        move("outer")
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=ledger):
            move("inner")
            raise ZeroDivisionError
        assert len(line()) == 1
    assert run("SELECT note FROM movement") == [("outer",)]
    assert len(line()) == 0


def test_each_file_has_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "other.sqlite3").symlink_to(tmp_path / "one.sqlite3")
    one = line_of(str(tmp_path / "one.sqlite3"))
    assert line_of(str(tmp_path / "two.sqlite3")) is not one
    assert line_of(str(tmp_path / "other.sqlite3")) is one
    assert line_of(f"file:{tmp_path}/one.sqlite3?mode=rw") is one


def test_memory_has_a_line_only_when_it_is_shared() -> None:
    shared = line_of("file:memorydb_default?mode=memory&cache=shared")
    assert shared is line_of("file:memorydb_default?mode=memory&cache=shared")
    assert shared is not line_of("file:memorydb_other?mode=memory&cache=shared")
    assert line_of(":memory:") is None


def test_two_databases_in_memory_do_not_wait_for_each_other(ledger: str) -> None:
    facts = {**connections.settings[ledger], "NAME": ":memory:"}
    one, two = DatabaseWrapper(facts, "one"), DatabaseWrapper(facts, "two")
    for memory in (one, two):
        memory.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    for memory in (one, two):
        memory.rollback()
        memory.connection.close()


def test_a_child_process_begins_with_an_empty_line(ledger: str) -> None:
    with transaction.atomic(using=ledger):
        child = os.fork()
        if child == 0:
            os._exit(0 if len(line()) == 0 else 1)
        _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_new_file_can_be_opened_by_eight_at_once(
    tmp_path: Path, ledger: str, clerks: Clerks
) -> None:
    connections.settings[ledger]["NAME"] = str(tmp_path / "new.sqlite3")
    opened = [clerks.ask(run, "PRAGMA journal_mode") for _n in range(8)]
    assert [done.result(20) for done in opened] == [[("wal",)]] * 8


def test_a_connection_is_opened_as_records_need_it(ledger: str) -> None:
    asked = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
    assert [run(f"PRAGMA {name}")[0][0] for name in asked] == ["wal", 2, 1, 1, 20_000]


def test_a_write_ahead_log_is_carried_into_the_file_before_it_grows_for_ever(ledger: str) -> None:
    assert run("PRAGMA wal_autocheckpoint") == [(PAGES_ON_THE_WAY,)]


def test_marks_and_percent_signs_mean_the_same_at_every_call(ledger: str) -> None:
    for _again in range(2):
        with connections[ledger].cursor() as cursor:
            assert cursor.execute("SELECT %s, '50 %%'", [1]).fetchall() == [(1, "50 %")]
            assert cursor.execute("SELECT %(n)s", {"n": 2}).fetchall() == [(2,)]
            # Without values nothing is a mark.
            assert cursor.execute("SELECT '50 %%'").fetchall() == [("50 %%",)]


def test_the_database_asks_each_thread_for_its_own_act(ledger: str, clerks: Clerks) -> None:
    act = current_act.set(42)
    try:
        assert run("SELECT verne_act()") == [(42,)]
        assert clerks.ask(run, "SELECT verne_act()").result(10) == [(None,)]
    finally:
        current_act.reset(act)
    assert run("SELECT verne_act()") == [(None,)]


def test_what_is_committed_is_carried_into_the_file_beside_the_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "EVERY", 0.01)
    file = tmp_path / "ledger.sqlite3"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("CREATE TABLE movement (note text)")
    carrier = carrying.Carrier(file)
    carrier.start()
    try:
        for size in (100_000, 300_000):
            writer.execute("INSERT INTO movement VALUES (?)", ["x" * size])
            until = time.monotonic() + 30
            while file.stat().st_size < size:
                assert time.monotonic() < until, "Nobody carried it."
                time.sleep(0.01)
        # Somebody in the middle of a transaction is not disturbed, and disturbs nobody.
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO movement VALUES ('y')")
        time.sleep(0.1)
        writer.execute("COMMIT")
        assert carrier.is_alive()
    finally:
        carrier.end()
        writer.close()
    assert not carrier.is_alive()
