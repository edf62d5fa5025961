"""The clock is set back under the running program, and put right again.

The machine's own clock is not touched: see `clock_turned`.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from .installation import Installation
from .scene import Scenario, Scene
from .stages import Stages

TURNED = Path(__file__).with_name("clock_turned")
BACK = 3600
"""Seconds by which it is set back."""


class ClockSetBack(Scenario):
    """An hour back while people work, processes started anew meanwhile, and forward again."""

    name = "clock set back"

    @contextlib.contextmanager
    def staged(self, stages: Stages, folder: Path) -> Iterator[Installation]:
        place = stages.installation(self.database, folder)
        self.off = folder / "off"
        self._set(0)
        paths = os.pathsep.join((str(TURNED), place.here["PYTHONPATH"]))
        place.environment = {"PYTHONPATH": paths, "FAULTS_CLOCK": str(self.off)}
        yield place

    def happen(self, scene: Scene) -> None:
        place = scene.installation
        scene.let_work(40)
        self._set(-BACK)
        scene.strike(f"set back by {BACK} s")
        scene.let_work(40)
        scene.pass_time(scene.seconds / 3)
        place.run("-m", "verne", "seal")
        place.kill(place.processes[0])
        scene.strike(f"{place.processes[0].name} killed, and started with the wrong clock")
        scene.let_work(40)
        seen = json.loads(place.run("-m", "verne", "doctor", "--quick", "--json", good=(0, 1)))
        said = " ".join(each["says"] for each in seen["findings"] if each["subject"] == "clock")
        scene.require("set back" in said, f"verne doctor does not say that it was set back: {said}")
        self._set(0)
        scene.strike("put right")
        scene.let_work(40)

    def _set(self, seconds: int) -> None:
        draft = self.off.with_suffix(".new")
        draft.write_text(str(seconds))
        # Never seen half written.
        draft.replace(self.off)
