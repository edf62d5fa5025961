"""The record type that `docs/add-a-record-type.md` adds can still be added like that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "add-a-record-type.md"
SHOWN = re.compile(r"^`(src/[^`]+)`\n\n```python\n(.*?)```", re.DOTALL | re.MULTILINE)
JUDGE = """
import django
from django.core.management import call_command

django.setup()
call_command("check", fail_level="WARNING")
call_command("makemigrations", "relationship", dry_run=True)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with what the page says added to it."""
    root = tmp_path_factory.mktemp("house")
    leave = shutil.ignore_patterns("__pycache__", "static", "*.po")
    shutil.copytree(ROOT / "src", root / "src", ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", root)
    text = PAGE.read_text()
    for path, body in SHOWN.findall(text):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(body)
    chapter = root / "src/verne/sms/relationship"
    imported, listed = re.findall(
        r"^```python\n(from .complaint.+?|    processes = .+?)\n```", text, re.M
    )
    models, apps = chapter / "models.py", chapter / "apps.py"
    models.write_text("".join(sorted([*models.read_text().splitlines(True), f"{imported}\n"])))
    apps.write_text(re.sub(r"    processes = .+", listed, apps.read_text()))
    return root


def run(house: Path, *command: str) -> str:
    environment = os.environ | {
        "PYTHONPATH": str(house / "src"),
        "DJANGO_SETTINGS_MODULE": "verne.settings",
        "VERNE_HOME": str(house / "var"),
    }
    done = subprocess.run(
        command, cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_shows_every_file_of_a_type() -> None:
    names = [Path(path).name for path, _body in SHOWN.findall(PAGE.read_text())]
    parts = ["__init__", "models", "register", "samples", "evidence", "tests"]
    assert names == [f"{part}.py" for part in parts]


def test_the_program_starts_with_it_and_asks_for_its_table(house: Path) -> None:
    told = run(house, sys.executable, "-c", JUDGE)
    assert "Create model Complaint" in told


def test_what_it_shows_is_written_like_the_rest(house: Path) -> None:
    ruff = str(Path(sys.executable).with_name("ruff"))
    chapter = "src/verne/sms/relationship"
    run(house, ruff, "check", "-q", "--no-cache", chapter)
    run(house, ruff, "format", "-q", "--check", "--no-cache", f"{chapter}/complaint")
