"""SIGKILL at random instants: of the program's processes, and of the database server."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tools.postgres import Server, children_of

from .installation import Installation
from .scene import Scenario, Scene
from .stages import POSTGRESQL, SQLITE, Stages


class ProcessesKilled(Scenario):
    """Web processes, workers and single children of them die, and are started again."""

    name = "processes killed"

    def __init__(self, database: str) -> None:
        super().__init__(database)
        self.short = database == SQLITE

    def happen(self, scene: Scene) -> None:
        place = scene.installation
        until = time.monotonic() + scene.seconds
        while time.monotonic() < until:
            scene.let_work(scene.chance.randrange(1, 20))
            scene.pass_time(scene.between(0, 0.2))
            victim = scene.chance.choice(place.processes)
            if not victim.lives:
                continue
            if scene.chance.random() < 0.3 and place.kill_child(victim, scene.chance):
                scene.strike(f"a child of {victim.name} killed")
                continue
            place.kill(victim)
            scene.strike(f"{victim.name} killed")
        scene.let_work(20)


class DatabaseKilled(Scenario):
    """The server of the database dies, with all its processes or by one of them, and recovers."""

    name = "database killed"
    short = True

    def __init__(self) -> None:
        super().__init__(POSTGRESQL)

    @contextlib.contextmanager
    def staged(self, stages: Stages, folder: Path) -> Iterator[Installation]:
        self.server: Server = stages.postgresql.primary
        yield stages.installation(self.database, folder)

    def happen(self, scene: Scene) -> None:
        until = time.monotonic() + scene.seconds
        while time.monotonic() < until:
            scene.let_work(scene.chance.randrange(1, 20))
            scene.pass_time(scene.between(0, 0.2))
            if scene.chance.random() < 0.4:
                self._kill_one(scene)
            else:
                self.server.kill()
                scene.pass_time(scene.between(0, 2))
                self.server.start()
                scene.strike("the whole server killed, and started again")
        scene.let_work(20)

    def _kill_one(self, scene: Scene) -> None:
        """Then the server takes all connections away and recovers from its log by itself."""
        first = int((self.server.data / "postmaster.pid").read_text().split()[0])
        if backends := children_of(first):
            with contextlib.suppress(ProcessLookupError):
                os.kill(scene.chance.choice(backends), signal.SIGKILL)
            scene.strike("one process of the server killed")
