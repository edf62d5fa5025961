"""Jobs that take as long as a test wants, for the tests that end a real process in their middle."""

import os
import time
from pathlib import Path

from verne.engine.acts import act
from verne.engine.jobs import job


@job(retries=1)
def wait_in(folder: str) -> None:
    """Note that it began and in which process, wait for a file called `go`, note that it is done.

    What it does is done once, however often it runs.
    """
    here = Path(folder)
    _note(here / "who", f"{os.getpid()}\n")
    _note(here / "began", "x")
    until = time.monotonic() + 30
    while not (here / "go").exists() and time.monotonic() < until:
        time.sleep(0.05)
    (here / "done").write_text("done")


@job(retries=1)
def keep_telling(folder: str) -> None:
    """An act every twentieth of a second, signed by the process, until a file called `go`."""
    here = Path(folder)
    _note(here / "who", f"{os.getpid()}\n")
    until = time.monotonic() + 60
    while not (here / "go").exists() and time.monotonic() < until:
        with act("tell", by=None, note=str(os.getpid())):
            time.sleep(0.05)


def _say_so(folder: str) -> None:
    Path(folder, "told").touch()


@job(retries=0, if_given_up=_say_so)
def never_twice(folder: str) -> None:
    """Something that must not be done twice, such as sending an invoice."""
    _note(Path(folder, "who"), f"{os.getpid()}\n")
    time.sleep(60)


def _note(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
