"""What takes long at a large provider: starting, export, import, and clocks projected anew.

    .venv/bin/python bench/heavy.py HOME [--rows 100000] [--postgres URL] [--json FILE]

HOME is one that bench/provider.py made; the import adds to it. Each is a process of its own, with
the most memory it held. The export takes the incidents of one priority after another until it has
so many rows; the import files new incidents from a CSV file; the clocks are open ones whose target
has become longer, so that each of them is written.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

CLOCKS = """
import os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "verne.settings"
from verne.cli import start
start.apps()
from verne.engine import clock
from verne.engine.people import Person
ada = Person.objects.get(username="ada")
found = clock.target_finders[:]
def longer(record, measure):
    target = next((t for find in found if (t := find(record, measure))), None)
    if target and target.seconds:
        object.__setattr__(target, "seconds", target.seconds + 60)
    return target
clock.target_finders[:] = [longer]
rows = clock.Clock.objects.filter(stopped_at=None).order_by("pk")
some = clock.Clock.objects.filter(pk__in=rows.values("pk")[:ROWS])
many = some.count()
began, used = time.perf_counter(), time.process_time()
changed = clock.reproject(some, by=ada, note="Hours have changed")
print(many, changed, time.perf_counter() - began, time.process_time() - used)
"""


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("home")
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--postgres", default="", help="DATABASE_URL of the provider")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args(arguments)
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    env |= {"VERNE_HOME": chosen.home, "PYTHONPATH": str(ROOT / "src")}
    if chosen.postgres:
        env["DATABASE_URL"] = chosen.postgres
    figures: dict[str, Any] = {}

    def keep(name: str, row: dict[str, float]) -> None:
        """At once: what comes after it takes long, and may fail."""
        figures[name] = row
        told = ", ".join(f"{what} {value}" for what, value in row.items())
        print(f"{name:<8}", told, flush=True)
        if chosen.json:
            chosen.json.write_text(json.dumps(figures, indent=1))

    keep("start", starting(env))
    with tempfile.TemporaryDirectory() as folder:
        keep("export", exporting(env, Path(folder), chosen.rows))
        keep("import", importing(env, Path(folder), chosen.rows))
    keep("clocks", projecting(env, chosen.rows))
    return 0


def starting(env: dict[str, str]) -> dict[str, float]:
    """Seconds until `verne up` answers, and what it holds in memory then."""
    command = [sys.executable, "-u", "-m", "verne", "up", "--port", "0"]
    times: list[float] = []
    memory = 0.0
    for _round in range(3):
        began = time.perf_counter()
        running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        assert running.stdout is not None
        next((line for line in running.stdout if "is ready at" in line), "")
        times.append(time.perf_counter() - began)
        status = Path(f"/proc/{running.pid}/status").read_text()
        memory = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmRSS")) / 1e3
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    return {"first s": round(times[0], 1), "then s": round(min(times), 1), "MB": round(memory)}


def exporting(env: dict[str, str], folder: Path, rows: int) -> dict[str, float]:
    """The incidents of a priority, and of the next, until there are so many."""
    done, seconds, memory = 0, 0.0, 0.0
    for priority in (2, 3, 4, 1, 5):
        into = folder / f"out-{priority}.csv"
        took, held = _run(
            env, "export", "incidents", "-o", str(into), "-f", f"priority={priority}",
            "-f", "standing=all", "--as", "ada",
        )  # fmt: skip
        with into.open(encoding="utf-8-sig", newline="") as file:
            done += sum(1 for _row in csv.reader(file)) - 1
        seconds, memory = seconds + took, max(memory, held)
        if done >= rows:
            break
    return {
        "rows": done,
        "s": round(seconds, 1),
        "s for 100,000": _each(seconds, done),
        "MB": memory,
    }


def importing(env: dict[str, str], folder: Path, rows: int) -> dict[str, float]:
    """New incidents from a CSV file."""
    source = folder / "in.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["source_key", "title", "description", "impact", "urgency", "major_answer"])
        for n in range(rows):
            title = f"Imported: card terminal {n % 977} is offline"
            writer.writerow([f"bench-{os.getpid()}-{n}", title, "Since nine.", 2, 2, "no"])
    took, held = _run(env, "import", "records", "incidents", str(source), "--as", "ada")
    return {"rows": rows, "s": round(took, 1), "s for 100,000": _each(took, rows), "MB": held}


def projecting(env: dict[str, str], rows: int) -> dict[str, float]:
    """Open clocks whose target is longer by a minute than before."""
    text = CLOCKS.replace("ROWS", str(rows))
    done = subprocess.run([sys.executable, "-c", text], env=env, check=True, stdout=-1, text=True)
    many, changed, took, used = map(float, done.stdout.split()[-4:])
    return {
        "clocks": many,
        "changed": changed,
        "s": round(took, 1),
        "processor s": round(used, 1),
        "s for 100,000": _each(took, int(many)),
    }


def _run(env: dict[str, str], *arguments: str) -> tuple[float, float]:
    """Seconds and megabytes of a command; what it says is said by it if it fails."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "verne", *arguments], env=env)
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}.")
    return time.perf_counter() - began, round(_megabytes(used))


def _megabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / 1e3


def _each(seconds: float, rows: int) -> float:
    return round(seconds * 100_000 / max(1, rows), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
