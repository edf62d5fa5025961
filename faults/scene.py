"""One fault on one database: a fresh installation, people at work in it, and what became of it."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .clients import Client, Crew
from .installation import PATIENCE, Installation, wait_for
from .journal import Journal, Wanted
from .stages import Stages

PAUSE = 0.03
"""Seconds a client thinks before each act, on average."""
ASK_EVERY = 0.4
FINISH_WITHIN = 60
"""Seconds after the last fault in which every act has to be acknowledged."""


@dataclass
class Scene:
    """What a scenario works with."""

    folder: Path
    installation: Installation
    journal: Journal
    chance: random.Random
    seconds: float
    crew: Crew | None = None
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def strike(self, what: str) -> None:
        """Note a fault that was made."""
        self.faults.append(what)

    def pass_time(self, seconds: float) -> None:
        time.sleep(seconds)

    def let_work(self, acts: int) -> None:
        """Until so many more acts are acknowledged by web processes; never is a finding."""
        now = time.monotonic()

        def done() -> int:
            return sum(act.what != "job" for act in self.journal.acknowledged(since=now))

        try:
            wait_for(lambda: done() >= acts, f"{acts} acts")
        except TimeoutError:
            self.journal.find(f"{done()} of {acts} acts were acknowledged in {PATIENCE} s")

    def between(self, least: float, most: float) -> float:
        return self.chance.uniform(least, most)

    def require(self, true: Any, otherwise: str) -> None:
        if not true:
            self.journal.find(otherwise)


class Scenario:
    """A fault that is tried, and on what."""

    name: str
    short = False
    """Whether it belongs to the shortened run."""

    def __init__(self, database: str) -> None:
        self.database = database

    def impossible(self) -> str:
        """Why it cannot be tried here, if so."""
        return ""

    @contextlib.contextmanager
    def staged(self, stages: Stages, folder: Path) -> Iterator[Installation]:
        yield stages.installation(self.database, folder)

    def happen(self, scene: Scene) -> None:
        """Make faults for about `scene.seconds` while people work, and leave all well again."""
        raise AssertionError(f"{self.name} says nothing about what happens.")


@dataclass
class Outcome:
    """What is told of a scenario."""

    name: str
    database: str
    left_out: str = ""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    acknowledged: Mapping[str, int] = field(default_factory=dict)
    asked_again: int = 0
    longest_silence: float = 0.0
    refusals: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    notes: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def play(scenario: Scenario, scene: Scene) -> Outcome:
    """Let people work, let it happen, wait until all is well again, and judge."""
    began = time.monotonic()
    place, journal = scene.installation, scene.journal
    crew = scene.crew = _crew(scene)
    try:
        place.open()
        with _remarks(scene):
            crew.start()
            scenario.happen(scene)
        place.wait_until_ready()
        crew.finish(within=FINISH_WITHIN)
        lost = _judge(scene)
        place.close()
    except Exception as wrong:
        journal.find(f"The scenario could not be played to its end: {wrong!r}")
        lost = 0
    finally:
        place.abandon()
    acts = journal.wanted
    kinds = [act.what for act in acts if act.acknowledged]
    return Outcome(
        name=scenario.name,
        database=scenario.database,
        seconds=round(time.monotonic() - began, 1),
        faults=scene.faults,
        acknowledged={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        asked_again=sum(act.tries > 1 for act in acts),
        longest_silence=round(journal.longest_silence(), 1),
        refusals=journal.refusals,
        lost=lost,
        notes=scene.notes,
        findings=journal.findings,
    )


def _crew(scene: Scene) -> Crew:
    place = scene.installation
    clients = [
        Client(
            name=f"c{number}",
            token=token,
            # Known once the installation is open.
            ports=_Ports(place),
            journal=scene.journal,
            facts=place.prepared["facts"],
            chance=random.Random(scene.chance.random()),
            pause=PAUSE,
        )
        for number, token in enumerate(place.prepared["tokens"], 1)
    ]
    return Crew(clients, scene.journal)


class _Ports(Sequence[int]):
    """The ports of an installation, as they are when asked for."""

    def __init__(self, place: Installation) -> None:
        self.place = place

    def __len__(self) -> int:
        return 2 if self.place.database else 1

    def __getitem__(self, number: Any) -> Any:
        return self.place.ports[number]


@contextlib.contextmanager
def _remarks(scene: Scene) -> Iterator[None]:
    """Meanwhile, ask for a background job on one of the newest incidents now and then."""
    ending = threading.Event()
    chance = random.Random(scene.chance.random())

    def go_on() -> None:
        with scene.installation.asker() as ask:
            number = 0
            while not ending.wait(ASK_EVERY):
                filed = [act.ref for act in scene.journal.acknowledged() if act.what == "file"]
                if not filed:
                    continue
                number += 1
                act = Wanted(f"job{number}", "job", chance.choice(filed[-20:]))
                act.says = f"A remark of the background, number {number}"
                scene.journal.want(act)
                while not ending.is_set():
                    act.tries += 1
                    if ask(act.ref, act.says):
                        scene.journal.acknowledge(act)
                        break
                    ending.wait(0.5)

    asking = threading.Thread(target=go_on, daemon=True)
    asking.start()
    try:
        yield
    finally:
        ending.set()
        asking.join(60)


def _judge(scene: Scene) -> int:
    """Everything that can be said against what is on file now; how many acts were lost."""
    place, journal = scene.installation, scene.journal
    more = ["--may-be-lost"] if journal.lossy else []
    told = json.loads(place.run("-m", "faults.judge", str(journal.write()), *more))
    for finding in told["findings"]:
        journal.find(finding)
    place.run("-m", "verne", "seal")
    with ThreadPoolExecutor() as beside:
        commands = ("doctor", "--json"), ("verify", "--database", "--json")
        asked = [beside.submit(place.run, "-m", "verne", *each, good=(0, 1)) for each in commands]
        examined, verified = (json.loads(each.result()) for each in asked)
    for each in examined["findings"]:
        if each["level"] == "fault":
            journal.find(f"verne doctor: {each['subject']}: {each['says']}")
    for each in verified["findings"]:
        if not each.get("warning"):
            journal.find(f"verne verify: {each['says']}")
    if verified["waiting"]:
        scene.notes.append(f"{verified['waiting']} acts came after the seal was made.")
    for act in journal.wanted:
        if act.key in told["absent"] and (act.acknowledged_at or 0.0) < (
            journal.lossy_since or 0.0
        ):
            journal.find(f"{act.what} {act.key} was lost, and the standby had it long before")
    return len(told["absent"])
