"""How fast an event log comes in: the real incidents of the tests, many times over.

`VERNE_LOG` names another log to bring in instead.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_start import start

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests import long_log

INCIDENTS = 5_000


def verne(home: str, *command: str) -> float:
    """Run the command to its end and give back the seconds it took."""
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "verne", *command],
        env=environment | {"VERNE_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - began


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="verne-bench-") as home:
        start(home)  # makes the database, and the first administrator
        log = Path(os.environ.get("VERNE_LOG", Path(home) / "log.csv"))
        many = None if "VERNE_LOG" in os.environ else long_log.write(log, incidents=INCIDENTS)
        report = str(Path(home) / "report.csv")
        command = ("import", "servicenow-log", str(log), "--report", report)
        first, again = verne(home, *command), verne(home, *command)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    each = f", {first / many * 1000:.1f} ms an incident" if many else ""
    print(f"brought in           {first:6.1f} s{each}")
    print(f"once more, all there {again:6.1f} s")
    print(f"memory at most       {memory:6.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
