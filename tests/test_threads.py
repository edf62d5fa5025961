"""Threads of a server give way to one another."""

import os
import sys

import pytest

from verne.cli import threads


@pytest.fixture
def turns():
    """Python's own turns, which come back at the end."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("turns")
def test_the_copies_of_a_server_take_short_turns_too():
    threads.take_short_turns()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, b"1" if sys.getswitchinterval() == threads.TURN else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ours, 1) == b"1"
