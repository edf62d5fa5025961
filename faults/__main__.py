"""`./verne faults`: break an installation in every way there is, and see what it kept."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from . import clock, disk, failover, kills, network
from .report import table, told
from .scene import Outcome, Scenario, Scene, play
from .stages import POSTGRESQL, SQLITE, Stages

CLIENTS = 6
AROUND_A_SCENE = 25
"""Seconds that a scene takes before its first fault and after its last one."""
SHORTEST = 10


def scenarios() -> list[Scenario]:
    return [
        kills.ProcessesKilled(SQLITE),
        kills.ProcessesKilled(POSTGRESQL),
        kills.DatabaseKilled(),
        network.NetworkDropped(),
        disk.DiskFull(SQLITE),
        disk.DiskFull(POSTGRESQL),
        clock.ClockSetBack(SQLITE),
        clock.ClockSetBack(POSTGRESQL),
        failover.SynchronousFailover(),
        failover.AsynchronousFailover(),
    ]


def main() -> int:
    chosen = _options()
    wanted = [each for each in scenarios() if _is_wanted(each, chosen)]
    if not wanted:
        print("No scenario has such a name; --list tells them.", file=sys.stderr)
        return 2
    if chosen.list:
        print("\n".join(f"{each.name} on {each.database}" for each in wanted))
        return 0
    seed = chosen.seed or secrets.token_hex(4)
    print(f"Seed {seed}: --seed {seed} makes the same choices again.", flush=True)
    minutes = 1.0 if chosen.short else chosen.minutes
    seconds = max(SHORTEST, minutes * 60 / len(wanted) - AROUND_A_SCENE)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    with contextlib.ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="verne-faults-")))
        stages = Stages(folder, CLIENTS, ending)
        for number, scenario in enumerate(wanted):
            if time.monotonic() - began > 2 * minutes * 60 + 60:
                why = "there was no time left: give it more --minutes"
                outcomes.append(Outcome(scenario.name, scenario.database, left_out=why))
            else:
                here = folder / f"scene-{number}"
                here.mkdir()
                outcomes.append(_play(scenario, stages, here, seed, seconds, keep=chosen.keep))
            print(told(outcomes[-1]), flush=True)
    print(table(outcomes))
    if chosen.json:
        result = {"seed": seed, "seconds": round(time.monotonic() - began, 1)}
        result |= {"scenarios": [asdict(each) for each in outcomes]}
        chosen.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    found = sum(len(each.findings) for each in outcomes)
    print(f"{found} findings in {time.monotonic() - began:.0f} s, seed {seed}.")
    return 1 if found else 0


def _play(
    scenario: Scenario,
    stages: Stages,
    folder: Path,
    seed: str,
    seconds: float,
    *,
    keep: Path | None,
) -> Outcome:
    if why := scenario.impossible():
        return Outcome(scenario.name, scenario.database, left_out=why)
    print(f"── {scenario.name} on {scenario.database} …", flush=True)
    with scenario.staged(stages, folder) as place:
        scene = Scene(
            folder=folder,
            installation=place,
            journal=place.journal,
            chance=random.Random(f"{seed} {scenario.name} {scenario.database}"),
            seconds=seconds,
        )
        outcome = play(scenario, scene)
    if outcome.findings and keep:
        # The processes' logs and the journal, for whoever looks for the cause.
        there = keep / f"{scenario.name}-{scenario.database}".replace(" ", "-")
        shutil.copytree(folder, there, dirs_exist_ok=True, symlinks=True)
    return outcome


def _is_wanted(scenario: Scenario, chosen: argparse.Namespace) -> bool:
    if chosen.short and not scenario.short:
        return False
    full = f"{scenario.name} on {scenario.database}".lower()
    return not chosen.words or any(word.lower() in full for word in chosen.words)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="./verne faults", description=__doc__)
    options.add_argument("words", nargs="*", help="only scenarios whose name holds one of these")
    options.add_argument("--minutes", type=float, default=5, help="about how long (5)")
    options.add_argument("--short", action="store_true", help="a minute, the commonest faults")
    options.add_argument("--seed", default="", help="make the choices of an earlier run")
    options.add_argument("--json", type=Path, help="write the result into this file, too")
    options.add_argument("--keep", type=Path, help="where to keep logs of what failed")
    options.add_argument("--list", action="store_true", help="name the scenarios, and end")
    return options.parse_args()


if __name__ == "__main__":
    sys.exit(main())
