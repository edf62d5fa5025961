"""Providers of several sizes on both databases: how long pages and calls take on each.

    ./verne bench scale 10000 100000 [--postgres] [--only-postgres] [--keep FOLDER] [--json FILE]

makes a provider of each size (bench/provider.py), measures its pages (bench/pages.py) and what many
do at once (bench/load.py), and prints a table. PostgreSQL is a server of our own that keeps its
data as a real one does. With --keep the homes stay, and are used again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("sizes", type=int, nargs="+")
    options.add_argument("--postgres", action="store_true", help="on both databases")
    options.add_argument("--only-postgres", action="store_true")
    options.add_argument("--keep", type=Path)
    options.add_argument("--json", type=Path)
    options.add_argument("--seconds", type=float, default=20)
    chosen = options.parse_args(arguments)
    engines = [] if chosen.only_postgres else ["sqlite"]
    engines += ["postgres"] if chosen.postgres or chosen.only_postgres else []
    figures: dict[str, Any] = {"machine": machine(), "figures": {}}
    with contextlib.ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for engine in engines:
            for size in chosen.sizes:
                figures["figures"][f"{engine} {size:,}"] = one(folder, engine, size, chosen.seconds)
                if chosen.json:
                    chosen.json.write_text(json.dumps(figures, indent=1))
    print(table(figures["figures"]))
    return 0


def machine() -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "django": version("django"),
        "load": os.getloadavg()[0],
    }


def one(folder: Path, engine: str, size: int, seconds: float) -> dict[str, Any]:
    """The figures of one provider."""
    home = folder / f"{engine}-{size}"
    with database(engine) as url:
        env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        env |= {"PYTHONPATH": str(ROOT / "src")} | ({"DATABASE_URL": url} if url else {})
        made = 0.0
        if engine == "postgres" or not (home / "verne.sqlite3").exists():
            home.mkdir(parents=True, exist_ok=True)
            began = time.monotonic()
            run(env, "provider.py", str(size), str(home))
            made = time.monotonic() - began
        found = {"provider": {"seconds": round(made, 1), "size MB": _size(env, home)}}
        with tempfile.NamedTemporaryFile(suffix=".json") as into:
            run(env, "pages.py", str(home), "--json", into.name)
            found["pages"] = json.loads(Path(into.name).read_text())["figures"][str(home)]
        with tempfile.NamedTemporaryFile(suffix=".json") as into:
            where = ["--postgres", url] if url else []
            run(env, "load.py", str(home), "--seconds", str(seconds), "--json", into.name, *where)
            found["load"] = json.loads(Path(into.name).read_text())
    return found


@contextlib.contextmanager
def database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        yield ""
        return
    from tools import postgres

    with postgres.server(postgres.LASTING) as url:
        yield url


def run(env: dict[str, str], script: str, *arguments: str) -> None:
    command = [sys.executable, str(ROOT / "bench" / script), *arguments]
    subprocess.run(command, env=env, cwd=ROOT, check=True)


def _size(env: dict[str, str], home: Path) -> int:
    if "DATABASE_URL" not in env:
        return round(sum(f.stat().st_size for f in home.glob("verne.sqlite3*")) / 1e6)
    ask = "SELECT pg_database_size(current_database())"
    text = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'verne.settings'\n"
        "from verne.cli import start; start.apps()\n"
        "from django.db import connection\n"
        f"c = connection.cursor(); c.execute({ask!r}); print(c.fetchone()[0])"
    )
    env = env | {"VERNE_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", text], env=env, check=True, stdout=-1, text=True)
    return round(int(done.stdout.split()[-1]) / 1e6)


def table(figures: dict[str, Any]) -> str:
    columns = list(figures)
    lines = ["| median / p95 ms (queries) | " + " | ".join(columns) + " |"]
    lines.append("|---|" + "---|" * len(columns))
    for name in figures[columns[0]]["pages"]:
        cells = [figures[c]["pages"].get(name) for c in columns]
        said = [
            f"{c['median']:.1f} / {c['p95']:.1f} ({c['queries']:.0f})" if c else "" for c in cells
        ]
        lines.append(f"| {name} | " + " | ".join(said) + " |")
    for name, what in (
        ("create", "8 clients file: a second, median / worst ms"),
        ("mixed", "50 agents, 150 customers: an hour, p95 / worst ms, errors"),
    ):
        said = []
        for column in columns:
            row = figures[column]["load"][name]
            rate = row.get("a second", row.get("an hour"))
            middle = row["median ms"] if name == "create" else row["p95 ms"]
            said.append(f"{rate}, {middle} / {row['worst ms']}, {row['errors']}")
        lines.append(f"| {what} | " + " | ".join(said) + " |")
    made = [figures[c]["provider"] for c in columns]
    lines.append("| making it, s | " + " | ".join(str(m["seconds"]) for m in made) + " |")
    lines.append("| size, MB | " + " | ".join(str(m["size MB"]) for m in made) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
