"""The clock of the machine is set back under the running program, and put right again.

libfaketime stands between the program and the clock: the machine's own is not touched.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from .installation import Installation
from .scene import Scenario, Scene
from .stages import Stages

LIBRARY = "faketime/libfaketimeMT.so.1"
BACK = 3600
"""Seconds by which it is set back."""


class ClockSetBack(Scenario):
    """An hour back while people work, processes started anew meanwhile, and forward again."""

    name = "clock set back"

    def impossible(self) -> str:
        return "" if _library() else "libfaketime is not installed (apt install libfaketime)"

    @contextlib.contextmanager
    def staged(self, stages: Stages, folder: Path) -> Iterator[Installation]:
        place = stages.installation(self.database, folder)
        self.offset = folder / "offset"
        self._set(0)
        place.environment = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.offset),
            "FAKETIME_NO_CACHE": "1",
            # Set back is what people read; how long something takes is counted elsewhere.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        yield place

    def happen(self, scene: Scene) -> None:
        scene.let_work(40)
        self._set(-BACK)
        scene.strike(f"set back by {BACK} s")
        scene.let_work(40)
        scene.pass_time(scene.seconds / 3)
        place = scene.installation
        place.run("-m", "verne", "seal")
        place.kill(place.processes[0])
        scene.strike(f"{place.processes[0].name} killed, and started with the wrong clock")
        scene.let_work(40)
        seen = json.loads(place.run("-m", "verne", "doctor", "--quick", "--json", good=(0, 1)))
        told = [each["says"] for each in seen["findings"] if each["subject"] == "clock"]
        said = " ".join(told)
        scene.require("set back" in said, f"verne doctor does not say that it was set back: {said}")
        self._set(0)
        scene.strike("put right")
        scene.let_work(40)

    def _set(self, seconds: int) -> None:
        draft = self.offset.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        # Never seen half written.
        draft.replace(self.offset)


def _library() -> Path | None:
    for folder in Path("/usr/lib").glob("*-linux-*"):
        if (found := folder / LIBRARY).exists():
            return found
    return None
