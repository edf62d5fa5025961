"""Few requests are answered at once, and a long one keeps nobody waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from verne.cli.threads import Threads

PATIENCE = 30


class Task:
    """What a server hands to a thread; it lasts until it is told to go."""

    def __init__(self, threads: Threads, *, goes: bool = True, fails: bool = False) -> None:
        self.began, self.go, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.fails = fails
        if goes:
            self.go.set()
        threads.add_task(self)

    def service(self) -> None:
        self.began.set()
        self.go.wait(PATIENCE)
        self.ended.set()
        if self.fails:
            raise ValueError("no")

    def cancel(self) -> None:
        self.go.set()


@pytest.fixture
def make() -> Iterator[Callable[..., Threads]]:
    made: list[Threads] = []

    def threads(**said: float) -> Threads:
        made.append(Threads(**said))  # type: ignore[arg-type]
        return made[-1]

    yield threads
    for each in made:
        each.shutdown()


def settled(threads: Threads, what: Callable[[], bool]) -> None:
    """Go on as the loop of a server does, until it is so."""
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until
        time.sleep(min(threads.settle(), 0.01))


def test_no_more_than_the_usual_number_run_at_once(make: Callable[..., Threads]) -> None:
    threads = make(usual=2, long=PATIENCE)
    first = [Task(threads, goes=False) for _n in range(2)]
    for task in first:
        assert task.began.wait(PATIENCE)
    third = Task(threads)
    threads.settle()
    assert not third.began.wait(0.05)
    first[0].go.set()
    assert third.ended.wait(PATIENCE)
    first[1].go.set()


def test_one_that_takes_long_has_a_thread_to_itself(make: Callable[..., Threads]) -> None:
    threads = make(usual=2, long=0.05)
    long = [Task(threads, goes=False) for _n in range(4)]
    settled(threads, lambda: all(task.began.is_set() for task in long))
    usual = Task(threads)
    settled(threads, usual.ended.is_set)
    assert not any(task.ended.is_set() for task in long)
    for task in long:
        task.go.set()
    settled(threads, lambda: len(threads.threads) == 2)


def test_there_is_an_end_to_the_number_of_threads(make: Callable[..., Threads]) -> None:
    threads = make(usual=1, most=3, long=0.01)
    long = [Task(threads, goes=False) for _n in range(5)]
    settled(threads, lambda: sum(task.began.is_set() for task in long) == 3)
    for _look in range(5):
        time.sleep(threads.settle())
    assert len(threads.threads) == 3
    for task in long:
        task.go.set()
    settled(threads, lambda: all(task.ended.is_set() for task in long))


def test_one_that_fails_leaves_its_thread_to_the_next(
    make: Callable[..., Threads], caplog: pytest.LogCaptureFixture
) -> None:
    threads = make(usual=1, long=PATIENCE)
    failed = [Task(threads, fails=True) for _n in range(3)]
    assert Task(threads).ended.wait(PATIENCE)
    assert all(task.ended.is_set() for task in failed)
    assert len(threads.threads) == 1
    assert "Exception when servicing" in caplog.text


def test_a_look_is_due_when_the_oldest_becomes_long(make: Callable[..., Threads]) -> None:
    threads = make(usual=1, long=0.5)
    assert threads.settle() == 1.0
    task = Task(threads, goes=False)
    assert task.began.wait(PATIENCE)
    assert 0 < threads.settle() <= 0.5
    task.go.set()


def test_people_wait_when_as_many_short_requests_are_under_way_as_there_are_threads(
    make: Callable[..., Threads],
) -> None:
    threads = make(usual=2, long=PATIENCE)
    assert not threads.people_wait()
    first = Task(threads, goes=False)
    assert first.began.wait(PATIENCE)
    assert not threads.people_wait()
    second = Task(threads, goes=False)
    assert second.began.wait(PATIENCE)
    assert threads.people_wait()
    threads.long = 0
    assert not threads.people_wait(), "for an export nobody else waits"
    Task(threads, goes=False)
    assert threads.people_wait(), "for a thread"
    for task in (first, second):
        task.go.set()
