"""Few requests compute at once, and a long one keeps nobody waiting."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from verne.cli.threads import FewAtOnce


class Program:
    """Answers when it is told to, and knows how many it answered at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.inside = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        if environ["wait"]:
            self.go.wait(30)
        else:
            time.sleep(0.005)
        with self.lock:
            self.inside -= 1
        if environ["fails"]:
            raise ValueError("no")
        return [b"done"]


def asked(gate: FewAtOnce, *, wait: bool = False, fails: bool = False) -> list[bytes]:
    return list(gate({"wait": wait, "fails": fails}, None))


def test_no_more_than_that_compute_at_once() -> None:
    program = Program()
    gate = FewAtOnce(program, most=2, short=30)
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _n: asked(gate), range(40)))
    assert answers == [[b"done"]] * 40
    assert program.most == 2


def test_a_long_one_counts_no_more_after_a_while() -> None:
    program = Program()
    gate = FewAtOnce(program, most=2, short=0.05)
    with ThreadPoolExecutor(8) as people:
        long = [people.submit(asked, gate, wait=True) for _n in range(4)]
        while program.inside < 4:
            time.sleep(0.01)
        assert people.submit(asked, gate).result(30) == [b"done"]
        assert not any(each.done() for each in long)
        program.go.set()
        assert [each.result(30) for each in long] == [[b"done"]] * 4


def test_one_that_fails_gives_its_place_back() -> None:
    gate = FewAtOnce(Program(), most=1, short=30)
    with ThreadPoolExecutor(4) as people:
        failed = [people.submit(asked, gate, fails=True) for _n in range(6)]
        assert all(isinstance(each.exception(30), ValueError) for each in failed)
        assert people.submit(asked, gate).result(30) == [b"done"]
