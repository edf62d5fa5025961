"""Export, import and tokens from a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.test import Client

from verne.cli import group
from verne.engine.people import Person
from verne.engine.register import register_of
from verne.engine.testing import a_person, sample
from verne.sms.portfolio.service.models import Service

pytestmark = pytest.mark.django_db

SERVICES = register_of("portfolio.service")
ROWS = "source_key,title,criticality\nA-1,Printing,1\nA-2,Scanning,urgent\n"


@pytest.fixture
def verne() -> Any:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(group, list(arguments), catch_exceptions=False)

    return run


def test_records_are_imported_and_what_was_refused_is_written_down(
    verne: Any, manager: Person, tmp_path: Path
) -> None:
    file, report = tmp_path / "rows.csv", tmp_path / "report.csv"
    file.write_text(ROWS)
    looked = verne("import", "records", "services", str(file), "--preview", "--as", "ada-kim")
    assert (looked.exit_code, Service.objects.count()) == (1, 0)
    assert "1  would be filed" in looked.output
    done = verne(
        "import", "records", "services", str(file), "--as", "ada-kim", "--report", str(report)
    )
    assert done.exit_code == 1
    assert "Row 3, criticality" in done.output
    assert "urgent" in report.read_text("utf-8-sig")
    file.write_text(ROWS.replace("urgent", "2"))
    assert verne("import", "records", "services", str(file), "--as", "ada-kim").exit_code == 0
    again = verne("import", "records", "services", str(file), "--as", "ada-kim", "--json")
    assert json.loads(again.output)["counts"]["unchanged"] == 2
    plain = verne("import", "records", "services", str(file), "--as", "ada-kim")
    assert "Nothing has changed" in plain.output


def test_an_export_is_what_an_import_takes(verne: Any, manager: Person, tmp_path: Path) -> None:
    for title in ("Mail", "Maps"):
        sample(SERVICES, manager, title=title)
    for ending in ("csv", "xlsx"):
        file = tmp_path / f"services.{ending}"
        assert verne("export", "services", "-o", str(file), "--as", "ada-kim").exit_code == 0
        back = verne("import", "records", "services", str(file), "--as", "ada-kim")
        assert "Nothing has changed" in back.output, back.output


def test_an_export_is_filtered_and_sorted_like_a_list(verne: Any, manager: Person) -> None:
    for title, level in (("Mail", 1), ("Maps", 2), ("Till", 1)):
        sample(SERVICES, manager, title=title, criticality=level)
    out = verne(
        "export",
        "portfolio.service",
        "-f",
        "criticality=1",
        "--columns",
        "title",
        "--sort=-title",
        "--as",
        "ada-kim",
    )
    assert out.stdout.lstrip("\ufeff").split() == ["title", "Till", "Mail"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "servces"), "Did you mean services?"),
        (("export", "services", "--as", "nobody"), "Nobody active"),
        (("export", "services", "-f", "colour=red"), "no filter"),
        (("export", "services", "-f", "colour"), "name=value"),
        (("export", "services", "-o", "x.pdf"), "neither CSV nor XLSX"),
        (("import", "records", "services", "/nowhere.csv"), "does not exist"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    arguments: tuple[str, ...], said: str, verne: Any, manager: Person
) -> None:
    result = verne(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_with_two_administrators_one_says_in_whose_name(verne: Any, manager: Person) -> None:
    a_person("Second", roles=["administrator"])
    assert "2 administrators" in verne("export", "services").stderr


def test_a_token_is_issued_listed_and_revoked(verne: Any, manager: Person) -> None:
    issued = verne("token", "issue", "ada-kim", "--for", "Monitoring", "--scope", "read")
    secret = issued.stdout.strip()
    caller = Client(headers={"Authorization": f"Bearer {secret}"})
    assert caller.get("/api/v1/me").status_code == 200
    listed = json.loads(verne("token", "list", "--json").stdout)
    assert [(t["begins"], t["standing"]) for t in listed] == [(secret[:8], "good")]
    assert secret not in verne("token", "list").output
    assert verne("token", "revoke", secret[:8]).exit_code == 0
    assert caller.get("/api/v1/me").status_code == 401
    assert verne("token", "revoke", secret[:8]).exit_code == 2
    assert verne("token", "issue", "ada-kim", "--for", "x", "--days", "900").exit_code == 2
    assert verne("token", "issue", "ada-kim", "--for", "x", "--scope", "fly.*").exit_code == 2
