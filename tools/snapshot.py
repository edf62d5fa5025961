"""Keeps the tables of a release with data in them, so that later versions are tried on them.

    .venv/bin/python tools/snapshot.py [NAME]

Run it once for each release, on the commit that is released, and commit what it writes to
tests/upgrades/NAME (the version, if left out): the same story through the verbs, on SQLite and on
PostgreSQL, as the SQL that makes it again. What was written once is never changed.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "upgrades"

# For psql alone.
RESTRICT = re.compile(r"^\\(un)?restrict \w+$\n", re.MULTILINE)


def main(arguments: list[str]) -> int:
    from verne import __version__

    target = FOLDER / (arguments[0] if arguments else __version__)
    if target.exists():
        print(f"{target} is there already, and is never changed.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="verne-snapshot-") as name:
        home = Path(name)
        _tell_in_a_process(home / "sqlite")
        texts = {"sqlite": "".join(_as_sql(home / "sqlite" / "verne.sqlite3"))}
        texts["postgresql"] = _on_postgresql(home / "postgresql")
    target.mkdir(parents=True)
    for engine, text in texts.items():
        path = target / f"{engine}.sql.gz"
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")
    return 0


def tell() -> None:
    """The story: a record of every type, with people, comments, links, files and a seal."""
    from verne.engine import comments
    from verne.engine.acts import link, move, revise
    from verne.engine.files import attach
    from verne.engine.people import Role
    from verne.engine.register import registers
    from verne.engine.seal import sealing
    from verne.engine.testing import a_person, sample
    from verne.sms.resolution.incident.samples import a_resolved_incident, an_incident
    from verne.sms.resolution.problem.samples import a_problem

    everything = list(Role.objects.values_list("key", flat=True))
    manager = a_person("Ada Kim", roles=everything, email="ada.kim@example.org")
    a_person("Chen Li", roles=["customer_user"], language="zh-hans")
    a_person("서지우", username="seo", roles=["reader"], language="ko")
    for register in registers.values():
        sample(register, manager)
    incident = an_incident(manager, title="Nobody can pay by card in Busan")
    revise(incident, {"description": "Since nine.\n서버에서 응답이 없습니다.\tÑandú"}, by=manager)
    link(incident, "duplicates", an_incident(manager), by=manager)
    comments.comment(incident, "The bank knows of it.", by=manager, public=True)
    attach(incident, io.BytesIO(b"Call the shop first."), name="plan.txt", by=manager)
    move(an_incident(manager), "start", by=manager)
    a_resolved_incident(manager)
    a_problem(manager, owner=manager, title="Mail stops every Monday at nine")
    sealing.seal()


def _tell_in_a_process(home: Path, database: str = "") -> None:
    """Make the tables and tell the story, in a process whose settings name this installation."""
    script = (
        "import django; django.setup(); from django.core.management import call_command;"
        "call_command('migrate', verbosity=0, interactive=False);"
        "from tools.snapshot import tell; tell()"
    )
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    environment |= {
        "VERNE_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "DJANGO_SETTINGS_MODULE": "verne.settings",
    }
    if database:
        environment["DATABASE_URL"] = database
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


def _as_sql(path: Path) -> Iterator[str]:
    """An SQLite database as statements. Its index for search is a table that makes tables."""
    connection = sqlite3.connect(path)
    listed = connection.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'")
    kinds = dict(listed.fetchall())
    made = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    ).fetchall()
    tables = [
        (name, sql)
        for kind, name, sql in made
        if kind == "table" and kinds[name] in ("table", "virtual") and name != "sqlite_sequence"
    ]
    for name, sql in tables:
        yield f"{sql};\n"
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
        if kinds[name] == "virtual":
            columns.insert(0, "rowid")
        names = ", ".join(f'"{column}"' for column in columns)
        quoted = " || ',' || ".join(f'quote("{column}")' for column in columns)
        for (values,) in connection.execute(f'SELECT {quoted} FROM "{name}"'):
            yield f'INSERT INTO "{name}" ({names}) VALUES ({values});\n'
    yield "DELETE FROM sqlite_sequence;\n"
    for name, last in connection.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name"):
        yield f"INSERT INTO sqlite_sequence VALUES ('{name}', {last});\n"
    for kind, _name, sql in made:
        if kind in ("index", "trigger"):
            yield f"{sql};\n"
    connection.close()


def _on_postgresql(home: Path) -> str:
    """The same story there, as pg_dump writes it down."""
    from tools import postgres

    with postgres.installation() as installed:
        server = postgres.Server(installed, "primary")
        server.make()
        _tell_in_a_process(home, server.url)
        text = installed.folder("dump", 0o700) / "verne.sql"
        plain = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=50"]
        installed.run("pg_dump", "-h", server.sockets, "-U", "verne", "-f", text, *plain, "verne")
        return RESTRICT.sub("", text.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    sys.exit(main(sys.argv[1:]))
