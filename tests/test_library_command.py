"""`verne library` does in a terminal what the pages do, and says by its exit code what differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from verne.cli import library as face
from verne.conformity.library.models import Library
from verne.conformity.library.reading import written
from verne.conformity.library.samples import a_library, a_node, kitchen_nodes
from verne.engine.testing import a_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def administrator() -> None:
    a_person("Tomas Lindqvist", roles=["administrator"])


def verne(*words: object) -> Result:
    return CliRunner().invoke(face.command, [str(word) for word in words])


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(**facts: Any) -> Path:
        path = tmp_path / f"kitchen-{facts.get('version', 1)}.yaml"
        path.write_text(written(a_library(**facts)), encoding="utf-8")
        return path

    return write


def test_from_loading_to_undoing(file: Any, tmp_path: Path) -> None:
    nodes = [*kitchen_nodes(), a_node("3", "Label what is frozen")]
    first, second = file(), file(version=2, nodes=nodes)
    looked = verne("load", first, "--dry-run")
    assert (looked.exit_code, Library.objects.count()) == (0, 0)
    assert "Meridian Facilities, free to copy" in looked.output
    assert "Loaded: Rules of the kitchen, version 1." in verne("load", first).output
    assert "in use already" in verne("load", first).output
    assert "+ 3 Label what is frozen" in verne("update", second).output
    (row,) = json.loads(verne("list", "--json").output)
    assert (row["ref"], row["version"], row["counts"]["assessable"]) == ("kitchen", 2, 4)
    assert verne("undo", "kitchen", "--note", "Too early").exit_code == 0
    out = tmp_path / "out.yaml"
    verne("export", "kitchen", "-o", out)
    assert out.read_bytes() == first.read_bytes()


def test_comparing_ends_with_one_when_versions_differ(file: Any) -> None:
    first, second = file(), file(version=2, nodes=kitchen_nodes()[:3])
    verne("load", first)
    assert verne("compare", "kitchen", first).exit_code == 0
    differs = verne("compare", "kitchen:1", second, "--json")
    assert differs.exit_code == 1
    (framework,) = json.loads(differs.output)["frameworks"]
    assert len(framework["retired"]) == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("export", "kitchn"), "Did you mean kitchen?"),
        (("compare", "kitchen:9", "kitchen"), "has no version 9; it has 1."),
        (("undo", "attic", "--note", "x"), "No library called 'attic' is loaded."),
    ],
)
def test_a_slip_is_answered_with_what_to_do(file: Any, words: tuple[str, ...], why: str) -> None:
    verne("load", file())
    answer = verne(*words)
    assert answer.exit_code == 2
    assert why in answer.output


def test_what_is_wrong_with_a_file_is_a_sentence_not_a_traceback(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("urn: !!python/object:os.system x")
    answer = verne("load", bad)
    assert answer.exit_code == 2
    assert "Line 1:" in answer.output and "is no plain value" in answer.output
