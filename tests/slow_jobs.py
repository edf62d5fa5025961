"""A job that takes as long as a test wants, for the tests that end a real server in its middle."""

import time
from pathlib import Path

from verne.engine.jobs import job


@job(retries=1)
def wait_in(folder: str) -> None:
    """Note that it began, wait for a file called `go`, note that it is done."""
    here = Path(folder)
    with (here / "began").open("a") as began:
        began.write("x")
    until = time.monotonic() + 30
    while not (here / "go").exists() and time.monotonic() < until:
        time.sleep(0.05)
    (here / "done").touch()
