"""An installation on loopback, kept running as an init system would: what dies is started again."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.postgres import children_of

from .journal import Journal

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90
"""Seconds until something that should come about counts as failed; the machine may be busy."""


@dataclass
class Process:
    """One process of the installation, with its children."""

    name: str
    command: Sequence[str]
    port: int | None = None
    running: subprocess.Popen[bytes] | None = None
    killed: bool = False
    """Whether its end was our doing."""
    kills: int = 0

    @property
    def lives(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def children(self) -> list[int]:
        assert self.running is not None
        return children_of(self.running.pid)


@dataclass
class Installation:
    """A home, a database, and the processes that serve them."""

    home: Path
    journal: Journal
    database: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    prepared: dict[str, Any] = field(default_factory=dict)
    _keeping: threading.Event = field(default_factory=threading.Event)
    _keeper: threading.Thread | None = None

    @property
    def ports(self) -> list[int]:
        return [each.port for each in self.processes if each.port is not None]

    @property
    def here(self) -> dict[str, str]:
        """The environment in which commands mean this installation."""
        return surroundings(self.home, self.database) | self.environment

    # --- Processes -------------------------------------------------------------------------------

    def open(self) -> None:
        """Start everything, and wait until pages are answered."""
        if self.database:
            few = ("--workers", "1", "--threads", "4")
            for number, port in enumerate(free_ports(2), 1):
                command = ("web", "--port", str(port), *few)
                self.processes.append(Process(f"verne web {number}", command, port))
            self.processes += [Process(f"verne work {n}", ("work",)) for n in (1, 2)]
        else:
            (port,) = free_ports(1)
            command = ("up", "--empty", "--port", str(port))
            self.processes.append(Process("verne up", command, port))
        for each in self.processes:
            self._start(each)
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        for port in self.ports:
            wait_for(lambda port=port: answers(port), f"an answer on port {port}")  # type: ignore[misc]

    def kill(self, process: Process) -> None:
        """SIGKILL for a process and its children at once, as if its machine had lost power."""
        if not process.lives:
            return
        assert process.running is not None
        process.killed = True
        process.kills += 1
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.running.pid, signal.SIGKILL)
        process.running.wait(PATIENCE)

    def kill_child(self, process: Process, chance: random.Random) -> bool:
        """SIGKILL for one child of a process, which that process should notice by itself."""
        children = process.children() if process.lives else []
        if not children:
            return False
        process.kills += 1
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(children), signal.SIGKILL)
        return True

    def close(self) -> None:
        """End everything in an orderly way; a process that does not is a finding."""
        self._stop_keeping()
        for each in self.processes:
            if each.lives:
                assert each.running is not None
                each.running.send_signal(signal.SIGTERM)
        for each in self.processes:
            if each.running is None:
                continue
            try:
                code = each.running.wait(45)
            except subprocess.TimeoutExpired:
                self.journal.find(f"{each.name} did not end within 45 s of SIGTERM")
            else:
                if code and not each.killed:
                    said = self.said(each)
                    self.journal.find(f"{each.name} ended with {code} at SIGTERM. {said}")

    def abandon(self) -> None:
        """Nothing of it is left, whatever happened."""
        self._stop_keeping()
        for each in self.processes:
            if each.running is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(each.running.pid, signal.SIGKILL)
                each.running.wait(PATIENCE)

    def said(self, process: Process) -> str:
        """The last words of a process."""
        lines = self._log(process).read_text(errors="replace").strip().splitlines()
        return " ⏎ ".join(lines[-3:])[-400:]

    def log(self) -> str:
        return "\n".join(
            self._log(each).read_text(errors="replace")
            for each in self.processes
            if self._log(each).exists()
        )

    def _log(self, process: Process) -> Path:
        return self.journal.path.with_name(process.name.replace(" ", "-") + ".log")

    def _start(self, process: Process) -> None:
        process.killed = False
        with self._log(process).open("ab") as log:
            # In a group of its own, so that it dies with its children.
            process.running = subprocess.Popen(
                [sys.executable, "-u", "-m", "verne", *process.command],
                env=self.here,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _keep(self) -> None:
        while not self._keeping.wait(0.1):
            for each in self.processes:
                if each.lives or self._keeping.is_set():
                    continue
                assert each.running is not None
                if not each.killed:
                    self.journal.find(
                        f"{each.name} ended by itself with {each.running.returncode}. "
                        f"{self.said(each)}"
                    )
                    self._keeping.wait(1)
                self._start(each)

    def _stop_keeping(self) -> None:
        self._keeping.set()
        if self._keeper is not None:
            self._keeper.join(PATIENCE)

    # --- Commands --------------------------------------------------------------------------------

    def run(self, *command: str, good: Sequence[int] = (0,)) -> str:
        return run(self.here, *command, good=good)

    @contextlib.contextmanager
    def asker(self) -> Iterator[Callable[[str, str], bool]]:
        """Somebody who asks for background jobs; gives whether they could be asked for."""
        program = subprocess.Popen(
            [sys.executable, "-m", "faults.asking"],
            env=self.here,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

        def ask(ref: str, text: str) -> bool:
            assert program.stdin and program.stdout
            program.stdin.write(json.dumps({"ref": ref, "text": text}) + "\n")
            program.stdin.flush()
            return program.stdout.readline().startswith("asked")

        try:
            yield ask
        finally:
            program.kill()
            program.wait(PATIENCE)


def surroundings(home: Path, database: str) -> dict[str, str]:
    ours = ("VERNE_", "DATABASE_", "FAKETIME", "LD_PRELOAD")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
        "DJANGO_SETTINGS_MODULE": "verne.settings",
        "VERNE_HOME": str(home),
        "VERNE_API_RATE": "0",
        **({"DATABASE_URL": database} if database else {}),
    }


def run(environment: dict[str, str], *command: str, good: Sequence[int] = (0,)) -> str:
    """Run a Python command in an installation, and give what it prints."""
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    if done.returncode not in good:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}"
        )
    return done.stdout


def prepare(home: Path, database: str, clients: int) -> dict[str, Any]:
    """Make the tables and put on file what clients need; what they have to know."""
    here = surroundings(home, database)
    run(here, "-m", "verne", "migrate")
    prepared: dict[str, Any] = json.loads(run(here, "-m", "faults.people", str(clients)))
    return prepared


def copied(prepared: Path, home: Path) -> Path:
    return shutil.copytree(prepared, home, dirs_exist_ok=True)


def wait_for(true: Callable[[], Any], what: str, within: float = PATIENCE) -> Any:
    until = time.monotonic() + within
    while not (found := true()):
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come about in {within:.0f} seconds")
        time.sleep(0.05)
    return found


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _each in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def answers(port: int) -> bool:
    with socket.socket() as looking:
        looking.settimeout(1)
        return looking.connect_ex(("127.0.0.1", port)) == 0
