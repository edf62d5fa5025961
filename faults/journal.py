"""What the clients wanted, and what was acknowledged to them."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Wanted:
    """One act a client wants done, exactly once, however often it has to ask."""

    key: str
    what: str
    """file, comment, attach, revise, move or job."""
    ref: str = ""
    """The record it is done to; for `file` it comes with the answer."""
    name: str = ""
    """Which move."""
    says: str = ""
    """What it writes: a title, a text, the SHA-256 of a file. No two say the same."""
    tries: int = 0
    acknowledged_at: float | None = None

    @property
    def acknowledged(self) -> bool:
        return self.acknowledged_at is not None


@dataclass
class Journal:
    """Everything wanted, in the order it was first asked for, kept by nobody but the harness."""

    path: Path
    wanted: list[Wanted] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    """Answers that were no acknowledgement, and how often each came."""
    lossy_since: float | None = None
    """From when on acknowledged acts may be lost, as by a failover to a standby that is behind."""
    findings: list[str] = field(default_factory=list)
    """What clients were told that nobody should be told."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answered: list[float] = field(default_factory=list)

    @property
    def lossy(self) -> bool:
        return self.lossy_since is not None

    def want(self, act: Wanted) -> Wanted:
        with self._lock:
            self.wanted.append(act)
        return act

    def acknowledge(self, act: Wanted) -> None:
        with self._lock:
            act.acknowledged_at = time.monotonic()
            if act.what != "job":
                # Those are asked for at the database, whatever becomes of the web processes.
                self._answered.append(act.acknowledged_at)

    def refused(self, how: str) -> None:
        with self._lock:
            self.refusals[how] = self.refusals.get(how, 0) + 1

    def find(self, what: str) -> None:
        with self._lock:
            if what not in self.findings:
                self.findings.append(what)

    def acknowledged(self, *, since: float = 0.0) -> list[Wanted]:
        with self._lock:
            found = [act for act in self.wanted if (act.acknowledged_at or -1.0) >= since]
        return sorted(found, key=lambda act: act.acknowledged_at or 0.0)

    def longest_silence(self) -> float:
        """The longest time in which nobody's act was acknowledged."""
        with self._lock:
            instants = sorted(self._answered)
        return max((b - a for a, b in itertools.pairwise(instants)), default=0.0)

    def write(self) -> Path:
        with self._lock:
            lines = [json.dumps(asdict(act)) for act in self.wanted]
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.path


def read(path: Path) -> list[Wanted]:
    lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    return [Wanted(**line) for line in lines]
