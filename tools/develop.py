"""`./verne test`, `check`, `bench`, `faults` and `lock`: what one does while working on Verne."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TYPED = ("src/verne/engine", "src/verne/conformity", "src/verne/sms")
LOCKS: dict[str, tuple[str, ...]] = {
    "installer": (),
    "core": (),
    "pg": ("core",),
    "s3": ("core",),
    "scale": ("core", "pg"),
    "dev": ("core", "pg", "s3", "scale"),
}
"""The locks, in order, and those with which each must agree."""
THOROUGH = os.environ.get("VERNE_THOROUGH") == "1"
"""Look at all there is, as .ci/run does: it may take longer than people like to wait."""
PARALLEL = ("-n", "2", "--dist", "loadgroup")
"""Tests that share something costly name a group (`xdist_group`) and stay with one worker. A third
worker on two cores was slower: 368 s against 320."""


@dataclass
class Step:
    """Something to run, and what came of it."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    shown: bool = False
    code: int = -1
    seconds: float = 0.0
    output: str = ""
    remark: str = ""

    def run(self, base: dict[str, str]) -> Step:
        began = time.monotonic()
        done = subprocess.run(
            self.command,
            cwd=ROOT,
            env=base | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=None if self.shown else subprocess.PIPE,
            stderr=None if self.shown else subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.code, self.output = done.returncode, done.stdout or ""
        self.seconds = time.monotonic() - began
        return self

    def report(self) -> None:
        if self.code and self.output:
            print(self.output.rstrip())
        mark = "✗ FAILED" if self.code else "✓"
        print(f"{mark:<9}{self.name:<34}{self.seconds:6.1f} s  {self.remark}", flush=True)


def quick_steps() -> list[Step]:
    manage = [sys.executable, "-m", "verne", "manage"]
    return [
        Step("lint", [str(BIN / "ruff"), "check", "-q", "--output-format=concise", "."]),
        Step("format", [str(BIN / "ruff"), "format", "--check", "--output-format=concise", "."]),
        Step("import contracts", [str(BIN / "lint-imports")]),
        Step("system check", [*manage, "check", "--fail-level", "WARNING"]),
        Step("no missing migration", [*manage, "makemigrations", "--check", "--dry-run"]),
    ]


def types_step() -> Step:
    return Step("strict types", [str(BIN / "mypy"), *TYPED])


def pytest_step(name: str, report: Path, *arguments: str, database: str = "") -> Step:
    return Step(
        name,
        [sys.executable, "-m", "pytest", *PARALLEL, f"--junitxml={report}", *arguments],
        {"DATABASE_URL": database} if database else {},
        shown=True,
    )


def check() -> int:
    with tempfile.TemporaryDirectory(prefix="verne-check-") as home:
        base = _environment(home)
        steps = [*quick_steps(), types_step()]
        for step in steps:
            step.run(base).report()
    return _verdict(steps)


def test(arguments: list[str]) -> int:
    """Everything; with arguments, pytest alone and as it is, on PostgreSQL after --postgres."""
    if arguments[:1] == ["--postgres"]:
        import postgres

        with postgres.server() as url:
            return subprocess.call(
                [sys.executable, "-m", "pytest", *arguments[1:]],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": url},
            )
    if arguments:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
    with tempfile.TemporaryDirectory(prefix="verne-test-") as home:
        return _test_everything(Path(home))


def _test_everything(home: Path) -> int:
    import postgres

    base = _environment(str(home))
    began = time.monotonic()
    # The type checker is the longest of the static steps; it runs beside the others.
    types = types_step()
    beside = threading.Thread(target=types.run, args=(base,))
    beside.start()
    steps = quick_steps()
    for step in steps:
        step.run(base).report()
    sqlite = pytest_step("tests on SQLite", home / "sqlite.xml")
    _run_tests(sqlite, base, home / "sqlite.xml")
    print("\nOnce more on PostgreSQL, what touches the database:", flush=True)
    with postgres.server() as url:
        again = pytest_step(
            "tests on PostgreSQL",
            home / "postgres.xml",
            "-m",
            "database and not browser" + ("" if THOROUGH else " and not page"),
            database=url,
        )
        _run_tests(again, base, home / "postgres.xml")
    beside.join()
    print()
    types.report()
    for step in (sqlite, again):
        step.report()
    print(f"The whole took {time.monotonic() - began:.0f} s.")
    return _verdict([*steps, types, sqlite, again])


def _run_tests(step: Step, base: dict[str, str], report: Path) -> None:
    step.run(base)
    counts = _counts(report)
    step.remark = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    if not counts["passed"] and not step.code:
        step.code, step.remark = 1, "no test was executed"


def _counts(report: Path) -> dict[str, int]:
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        return {"passed": 0}

    def total(word: str) -> int:
        return sum(int(suite.get(word, 0)) for suite in suites)

    bad = {"failed": total("failures"), "broken": total("errors"), "skipped": total("skipped")}
    return {"passed": total("tests") - sum(bad.values())} | bad


def bench(arguments: list[str]) -> int:
    """Run the short benchmarks; or the one that is named, with the arguments that follow."""
    named = ROOT / "bench" / f"{arguments[0]}.py" if arguments else None
    if named is not None and named.exists():
        return subprocess.call([sys.executable, str(named), *arguments[1:]], cwd=ROOT)
    scripts = [
        path
        for path in sorted((ROOT / "bench").glob("bench_*.py"))
        if not arguments or any(word in path.stem for word in arguments)
    ]
    if not scripts:
        print("There is no such benchmark in bench/.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="verne-bench-") as home:
        steps = [Step(path.stem, [sys.executable, str(path)], shown=True) for path in scripts]
        for step in steps:
            print(f"── {step.name}", flush=True)
            step.run(_environment(home)).report()
    return _verdict(steps)


def faults(arguments: list[str]) -> int:
    """Break installations of its own in every way there is, and judge what they kept."""
    return subprocess.call([sys.executable, "-m", "faults", *arguments], cwd=ROOT)


def lock(arguments: list[str]) -> int:
    """Write the hashed locks anew from requirements/*.in; --upgrade takes newer versions."""
    uv = shutil.which("uv") or str(BIN / "uv")
    if not Path(uv).exists():
        installer = ROOT / "requirements/installer.txt"
        install = [sys.executable, "-m", "pip", "install", "-q", "--require-hashes", "-r"]
        subprocess.run([*install, str(installer)], check=True)
    for name, others in LOCKS.items():
        target = ROOT / "requirements" / f"{name}.txt"
        command = [uv, "pip", "compile", "-q", f"requirements/{name}.in", "-o", str(target)]
        command += [f"--constraint=requirements/{other}.txt" for other in others]
        command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
        # No host may enter: who installs decides where from.
        command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links", *arguments]
        subprocess.run(command, cwd=ROOT, check=True)
        if "://" in target.read_text():
            print(f"{target.name} holds an address: it must hold none.", file=sys.stderr)
            return 1
    return 0


def _environment(home: str) -> dict[str, str]:
    """That of the caller, with a home and a database of our own.

    The tests start Python some dozen times. Where it may not keep what it compiles, each start
    compiles everything anew, an eighth of the run; so it keeps it, but not in the checkout.
    """
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    }
    return inherited | {
        "VERNE_HOME": home,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPYCACHEPREFIX": str(Path(home, "compiled")),
    }


def _verdict(steps: list[Step]) -> int:
    failed = [step.name for step in steps if step.code]
    print(f"FAILED: {', '.join(failed)}." if failed else "All is well.", flush=True)
    return 1 if failed else 0


def main() -> int:
    sys.path.insert(0, str(ROOT / "tools"))
    name, *arguments = sys.argv[1:]
    if name == "check":
        return check()
    return {"test": test, "bench": bench, "faults": faults, "lock": lock}[name](arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
