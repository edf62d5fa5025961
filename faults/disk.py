"""A disk that becomes full while people work, and has room again."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .installation import Installation, copied
from .scene import Scenario, Scene
from .stages import Stages

SIZE = "64m"
CLEAR = "507 "
"""How an answer begins that says what is wrong: there is no room."""


class DiskFull(Scenario):
    """VERNE_HOME lies on a small file system: on SQLite everything, else the attached files."""

    name = "disk full"

    def impossible(self) -> str:
        if os.geteuid() or not sys.platform.startswith("linux"):
            return "only root may mount a small file system (tmpfs)"
        return ""

    @contextlib.contextmanager
    def staged(self, stages: Stages, folder: Path) -> Iterator[Installation]:
        place = stages.installation(self.database, folder)
        self.disk = folder / "disk"
        self.disk.mkdir()
        options = f"size={SIZE},mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.disk], check=True)
        try:
            place.home = copied(place.home, self.disk / "home")
            yield place
        finally:
            place.abandon()
            subprocess.run(["umount", self.disk], check=True)

    def happen(self, scene: Scene) -> None:
        for _time in range(2):
            scene.let_work(30)
            seconds = max(2.0, scene.seconds / 4)
            with self._filled():
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    scene.pass_time(0.2)
                    # What is closed meanwhile leaves room: take that, too.
                    self._fill()
            scene.strike(f"full for {seconds:.0f} s")
            scene.let_work(30)
        told = [how for how in scene.journal.refusals if how.startswith(CLEAR)]
        scene.require(told, "Nobody was told that the disk is full.")
        unclear = [how for how in scene.journal.refusals if how.startswith("500")]
        scene.require(not unclear, f"While the disk was full, the answer was {unclear}")

    @contextlib.contextmanager
    def _filled(self) -> Iterator[None]:
        self._fill()
        try:
            yield
        finally:
            shutil.rmtree(self.disk / "ballast")

    def _fill(self) -> None:
        """Write until nothing more fits, down to the last byte."""
        ballast = self.disk / "ballast"
        ballast.mkdir(exist_ok=True)
        for piece in (1 << 20, 1 << 12, 1):
            file = os.open(ballast / str(piece), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                while True:
                    os.write(file, b"\0" * piece)
            except OSError as wrong:
                if wrong.errno != errno.ENOSPC:
                    raise
            finally:
                os.close(file)
