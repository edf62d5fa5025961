"""The standards are said in every language; what no longer fits the English is not shown."""

import copy
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import override, to_locale

from tools import wording as tool
from verne.conformity import catalogue as reading
from verne.conformity.catalogue import catalogue, crosswalk, predecessor, read_catalogue
from verne.conformity.owning import duty_of
from verne.conformity.statement import catalogue_digest
from verne.conformity.wording import Wording, languages, mark
from verne.engine.people import Role

LANGUAGES = [to_locale(code) for code, _name in settings.LANGUAGES if code != "en"]


def test_every_language_on_offer_says_the_standards() -> None:
    assert sorted(LANGUAGES) == sorted(tool.LANGUAGES) == sorted(languages())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_a_translation_that_fits(language: str) -> None:
    faults = list(tool.faults(language))
    assert not faults, "\n".join([*faults[:20], "Run tools/wording.py missing, then translate."])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_are_in_the_form_the_tool_writes(language: str) -> None:
    for file in tool.READERS:
        written = tool.path_of(file, language).read_text(encoding="utf-8")
        assert written == tool.as_text(file, tool.read(file, language)), "Run extract."


def test_readers_get_their_language_and_others_english() -> None:
    with override("en"):
        english = catalogue().requirements["8.6.1.b"]
    with override("ko"):
        korean = catalogue().requirements["8.6.1.b"]
        assert catalogue().clauses["8.6.1"].title == "인시던트 관리"
        assert crosswalk().targets["iso-9001-2015"].refs["7.2"] == "역량"
        assert predecessor().clauses["8.1"].title != "Incident and service request management"
    with override("fr"):
        assert catalogue().requirements["8.6.1.b"].text == english.text
    assert korean.text != english.text
    assert korean.checks[0].condition != english.checks[0].condition


def test_an_obligation_equals_itself_in_every_language() -> None:
    with override("en"):
        english = catalogue()
    with override("es"):
        spanish = catalogue()
    assert spanish.requirements == english.requirements
    assert spanish.documented_information == english.documented_information
    assert set(spanish.universal.values()) == set(english.universal.values())


def test_the_digest_of_the_catalogue_is_that_of_the_english_text() -> None:
    with override("en"):
        english = catalogue_digest()
    with override("ko"):
        assert catalogue_digest() == english


def test_a_text_changed_in_english_since_is_shown_in_english() -> None:
    data = copy.deepcopy(reading._load(reading.EDITION))
    first = data["requirements"][0]
    say = Wording({"obligation": {first["id"]: f"{mark(first['text'])} 조직을 이해합니다."}})
    assert read_catalogue(data, say).requirements[first["id"]].text == "조직을 이해합니다."
    first["text"] += " And write it down."
    assert read_catalogue(data, say).requirements[first["id"]].text == first["text"]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("이 절을 따릅니다.", "does not name 8.2.4"),
        ("8.2.4절을  따릅니다.", "space around or within"),
        ("8.2.4절의 service_requirement를 따릅니다.", "name of the code"),
    ],
)
def test_a_translation_that_lost_something_is_found(said: str, fault: str) -> None:
    text = tool.Text("iso20000-1-2018", "obligation", "8.2.4.a", "Follow 8.2.4.")
    assert any(fault in found for found in tool.faults_of(text, said))


def test_what_is_filled_in_is_missing_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        tool, "path_of", lambda file, language: tmp_path / language / f"{file}.yaml"
    )
    tool.missing("ko", 2)
    rows = json.loads(capsys.readouterr().out)
    for row in rows:
        row["translation"] = "조직을 이해합니다."
    filled = tmp_path / "filled.json"
    filled.write_text(json.dumps(rows), encoding="utf-8")
    tool.fill("ko", filled)
    assert {row["text"] for row in rows}.isdisjoint(t.english for t in tool.untranslated("ko"))


@pytest.mark.django_db
def test_a_duty_is_said_in_the_language_of_the_reader_until_somebody_rewrites_it() -> None:
    role = Role.objects.get(key="risk_manager")
    with override("ko"):
        assert duty_of(role) == catalogue().roles["risk_manager"].duty != role.duty
        role.duty = "Fragt vor jedem Umzug, was schiefgehen kann."
        assert duty_of(role) == role.duty
