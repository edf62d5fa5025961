"""People find records in four languages, and find the same on either database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verne.engine import search
from verne.engine.acts import file, revise
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service

pytestmark = pytest.mark.django_db

REPORTS = {
    "mail": "Mail stops every Monday at nine",
    "printer": "Printer on floor 3 prints blank pages",
    "address": "No answer from 10.0.0.7 since the update to v2.1 (see INC-421)",
    "password": "El usuario olvidó su contraseña del correo",
    "network": "La impresora pierde la conexión a la red",
    "server": "서버에서 디스크 장애가 발생했습니다",
    "reset": "비밀번호를 초기화해 주세요",
    "vpn": "집에서 VPN접속이 안 됩니다",
    "queue": "三楼打印机无法连接网络",
    "internet": "互联网很慢，请检查服务器",
    "login": "用户无法登录门户，密码已过期",
    "wide": "ＶＰＮ　が切れる",
}


@pytest.fixture
def desk(manager: Person) -> dict[str, Service]:
    """Records of all languages, by a name for each."""
    return {
        name: file(Service, {"title": title, "owner": manager}, by=manager)
        for name, title in REPORTS.items()
    }


def found(desk: dict[str, Service], text: str) -> set[str]:
    keys = set(search.narrow(Sheet.objects.all(), text).values_list("pk", flat=True))
    return {name for name, record in desk.items() if record.pk in keys}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        # English
        ("monday", {"mail"}),
        ("MAIL Nine", {"mail"}),
        ("mail printer", set()),
        ("mon", {"mail"}),
        ("mon mail", set()),
        ("onday", set()),
        ("print", {"printer"}),
        ("floor 3", {"printer"}),
        ("p", set()),
        # Spanish
        ("contraseña", {"password"}),
        ("contrasena", {"password"}),
        ("CONTRASEÑA olvido", {"password"}),
        ("conexión red", {"network"}),
        ("impre", {"network"}),
        # Korean: with and without particles, from the middle of a word, a single syllable
        ("서버", {"server"}),
        ("서버에서", {"server"}),
        ("서버가", {"server"}),
        ("디스크를", {"server"}),
        ("장애", {"server"}),
        ("비밀번호", {"reset"}),
        ("번호", {"reset"}),
        ("초기화", {"reset"}),
        ("비밀번호 초기화", {"reset"}),
        ("비", {"reset"}),
        ("호", {"reset"}),
        ("비번", set()),
        # Chinese: words of one, two and three characters, several in one run
        ("打印机", {"queue"}),
        ("网络", {"queue"}),
        ("网", {"queue", "internet"}),
        ("无法", {"queue", "login"}),
        ("无法登录", {"login"}),
        ("服务器", {"internet"}),
        ("器", {"internet"}),
        ("络网", set()),
        ("密码 门户", {"login"}),
        # Mixed writing, and full-width letters
        ("vpn", {"vpn", "wide"}),
        ("VPN접속", {"vpn"}),
        ("vpn 접속", {"vpn"}),
        ("접속vpn", set()),
        ("ｖｐｎ", {"vpn", "wide"}),
        # Words with marks inside
        ("10.0.0.7", {"address"}),
        ("10.0.7", set()),
        ("v2.1", {"address"}),
        ("inc-421", {"address"}),
        ("INC–421", {"address"}),
        ("inc-42", set()),
        ("floor, 3!", {"printer"}),
        ("(update)", {"address"}),
    ],
)
def test_a_word_finds_what_holds_it(text: str, names: set[str], desk: dict[str, Service]) -> None:
    assert found(desk, text) == names


def test_without_words_nothing_is_left_out_and_marks_alone_find_nothing(
    desk: dict[str, Service],
) -> None:
    assert found(desk, "  ") == set(desk)
    assert found(desk, "!?") == set()
    assert search.ranked(Sheet.objects.all(), "!?") == []


@pytest.mark.parametrize(
    "text",
    [
        '"',
        'mail"',
        "mail AND",
        "NOT mail",
        "NEAR(mail stops)",
        "mail*",
        "*",
        "body:mail",
        "-mail",
        "^mail",
        "{mail stops}",
        "mail OR",
        "(",
        "mail & ! stops",
        "mail <-> stops",
        "'",
        "mail':*",
        "\\",
        "mail\\'; DROP TABLE engine_sheet; --",
        "%s %(x)s %%",
        "\0",
        "\ue000portfolioservice",
        "🙂",
        "\u0301",
        "mail " * 5000,
        "m" * 100_000,
        "网" * 10_000,
    ],
)
def test_no_question_is_a_mistake(text: str, desk: dict[str, Service]) -> None:
    assert found(desk, text) <= {"mail"}
    search.ranked(Service.objects.all(), text)
    search.similar(text, Service.objects.all())


SEVERAL = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SEVERAL
@given(text=st.text(max_size=60), asked=st.text(max_size=20))
def test_any_text_can_be_kept_and_asked_for(text: str, asked: str, desk: Any) -> None:
    search.index(desk["mail"].pk, "portfolio.service", text)
    list(search.narrow(Service.objects.all(), asked))
    if search.cut(text):
        assert "mail" in found(desk, text)


@SEVERAL
@given(
    text=st.text(alphabet="网络打印机服务器", min_size=1, max_size=12),
    asked=st.text(alphabet="网络打印机服务器", min_size=1, max_size=4),
)
def test_chinese_is_found_exactly_where_it_stands(
    text: str, asked: str, desk: dict[str, Service]
) -> None:
    search.index(desk["mail"].pk, "portfolio.service", f"x {text} y")
    assert ("mail" in found(desk, asked)) == (asked in text)


def test_segment_shows_how_a_text_is_kept() -> None:
    assert search.segment("Año 2026: 打印机, VPN접속!") == "ano 2026 打印 印机 机 vpn 접속 속"
    assert search.segment("…") == ""


def test_lists_can_be_narrowed_further(manager: Person, desk: dict[str, Service]) -> None:
    mine = Service.objects.visible_to(manager).filter(title__contains="打印").order_by("-ref")
    assert list(search.narrow(mine, "无法")) == [desk["queue"]]
    assert search.narrow(Service.objects.all(), "无法").exclude(pk=desk["queue"].pk).count() == 1
    stranger = a_person("Sam Stranger", roles=[])
    assert not search.narrow(Service.objects.visible_to(stranger), "无法").exists()


def test_a_type_of_record_is_searched_alone(desk: dict[str, Service]) -> None:
    search.index(desk["mail"].pk, "resolution.incident", "Mail stops every Monday at nine")
    assert not search.narrow(Service.objects.all(), "monday").exists()
    assert search.narrow(Sheet.objects.all(), "monday").exists()


def test_a_revised_record_is_found_by_its_new_words_only(
    manager: Person, desk: dict[str, Service]
) -> None:
    revise(desk["mail"], {"title": "Mail stops every Friday at noon"}, by=manager)
    assert found(desk, "friday") == {"mail"}
    assert found(desk, "monday") == set()


def test_a_record_can_be_taken_out_of_the_index(desk: dict[str, Service]) -> None:
    search.remove(desk["mail"].pk)
    assert found(desk, "monday") == set()
    assert found(desk, "printer") == {"printer"}
    search.clear()
    assert found(desk, "printer") == set()
    search.index_many((r.pk, "portfolio.service", REPORTS[n]) for n, r in desk.items())
    assert found(desk, "printer") == {"printer"}


def test_the_reference_asked_for_comes_first(desk: dict[str, Service]) -> None:
    other, asked = desk["mail"], desk["network"]
    search.index(other.pk, "portfolio.service", f"{asked.ref} {asked.ref} is the cause")
    search.index(asked.pk, "portfolio.service", f"{asked.ref} La impresora pierde la conexión")
    assert search.ranked(Sheet.objects.all(), asked.ref.lower()) == [asked.pk, other.pk]
    assert search.ranked(Sheet.objects.all(), f"{asked.ref} impresora") == [asked.pk]
    assert search.ranked(Sheet.objects.exclude(pk=asked.pk), asked.ref) == [other.pk]


def test_one_reference_does_not_stand_for_another(desk: dict[str, Service]) -> None:
    longer, shorter = desk["mail"], desk["network"]
    search.index(longer.pk, "portfolio.service", "SRV-421 Mail")
    search.index(shorter.pk, "portfolio.service", "SRV-42 Red")
    assert search.ranked(Sheet.objects.all(), "srv-42") == [shorter.pk]


def test_what_says_it_briefly_and_often_comes_before_what_mentions_it(
    desk: dict[str, Service],
) -> None:
    brief, often, once = desk["mail"], desk["printer"], desk["address"]
    filler = "and nobody knows why it happens on this floor of the building "
    search.index(once.pk, "portfolio.service", filler * 5 + "the scanner stops")
    search.index(often.pk, "portfolio.service", "scanner scanner scanner")
    search.index(brief.pk, "portfolio.service", "scanner in the hall")
    assert search.ranked(Sheet.objects.all(), "scanner") == [often.pk, brief.pk, once.pk]
    assert search.ranked(Sheet.objects.all(), "scanner", limit=1) == [often.pk]
    assert search.ranked(Sheet.objects.none(), "scanner") == []


def test_few_visible_rows_are_found_among_many(manager: Person) -> None:
    titles = [f"Mail stops in shop {n}" for n in range(300)]
    records = [file(Service, {"title": t, "owner": manager}, by=manager) for t in titles]
    visible = Sheet.objects.filter(pk__in=[records[0].pk, records[-1].pk])
    assert set(search.ranked(visible, "mail")) == {records[0].pk, records[-1].pk}


@pytest.fixture
def shops(manager: Person, monkeypatch: pytest.MonkeyPatch) -> list[Service]:
    """More records hold a word than are ranked; of two the title says it, in the middle."""
    monkeypatch.setattr(search, "RANKED", 6)
    titles = [f"Mail in shop {n}" if n in (3, 5) else f"Shop {n}" for n in range(9)]
    records = [file(Service, {"title": t, "owner": manager}, by=manager) for t in titles]
    for record in records:
        text = f"{record.ref} {record.title}: mail {record.pk * 'stops '}"
        search.index(record.pk, "portfolio.service", text)
    return records


def test_of_very_many_the_newest_are_ranked_those_that_say_it_in_the_title_first(
    shops: list[Service],
) -> None:
    found = search.best(Sheet.objects.all(), "mail stops", 4)
    assert not found.whole
    assert found.keys == [shops[n].pk for n in (8, 7, 6, 5)], "no title says both"
    assert search.ranked(Sheet.objects.all(), "mail", 4) == [shops[n].pk for n in (5, 3, 8, 7)]
    assert search.ranked(Service.objects.all(), "mai", 3) == [shops[n].pk for n in (5, 3, 8)]
    assert len(search.ranked(Sheet.objects.all(), "mail", 20)) == 6


def test_the_reference_asked_for_comes_first_of_very_many_too(shops: list[Service]) -> None:
    oldest = shops[0]
    for record in shops[1:]:
        search.index(record.pk, "portfolio.service", f"as {oldest.ref}")
    assert search.ranked(Sheet.objects.all(), oldest.ref, 3) == [shops[n].pk for n in (0, 8, 7)]


def test_who_sees_few_of_very_many_finds_them_however_old(shops: list[Service]) -> None:
    visible = Sheet.objects.filter(pk__in=[shops[0].pk, shops[3].pk, shops[8].pk])
    found = search.best(visible, "mail")
    assert found == search.Found([shops[n].pk for n in (3, 8, 0)])


def test_one_type_is_searched_among_cover_sheets(shops: list[Service]) -> None:
    search.index(shops[0].pk, "resolution.incident", "mail")
    search.index(shops[1].pk, "resolution.incident", "mail")
    few = search.best(Sheet.objects.all(), "mail", kind="portfolio.service")
    assert shops[0].pk not in few.keys and shops[1].pk not in few.keys
    assert len(few.keys) == 6 and not few.whole


@pytest.mark.parametrize(
    ("text", "asked", "holds"),
    [
        ("Mail stops every Monday", "mail mon", True),
        ("Mail stops every Monday", "mon mail", False),
        ("Année 2026", "annee", True),
        ("서버에서 장애가 발생", "서버가", True),
        ("三楼打印机无法连接网络", "打印机", True),
        ("三楼打印机无法连接网络", "络网", False),
        ("No answer from 10.0.0.7", "10.0.0.7", True),
    ],
)
def test_a_title_is_read_as_the_index_is(text: str, asked: str, holds: bool) -> None:
    assert search._holds(text, search.question(asked)) is holds


@pytest.mark.parametrize(
    ("text", "likest"),
    [
        ("Each Monday at nine the mail stops working", "mail"),
        ("Olvidé la contraseña del correo electrónico", "password"),
        ("서버 디스크에 장애가 있습니다", "server"),
        ("二楼打印机也无法连接", "queue"),
    ],
)
def test_what_shares_rare_words_is_similar(
    text: str, likest: str, desk: dict[str, Service]
) -> None:
    assert search.similar(text, Service.objects.all(), 1) == [desk[likest].pk]


def test_similar_records_are_looked_for_among_the_rows_only(desk: dict[str, Service]) -> None:
    text = REPORTS["mail"]
    assert search.similar(text, Service.objects.exclude(pk=desk["mail"].pk)) == []
    assert search.similar(text, Service.objects.all()) == [desk["mail"].pk]


def test_one_shared_word_makes_nothing_similar(desk: dict[str, Service]) -> None:
    assert search.similar("Monday is a holiday in Korea", Service.objects.all()) == []


def test_a_word_that_everything_holds_makes_nothing_similar(
    desk: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "COMMON", 3)
    for n, record in enumerate(desk.values()):
        search.index(record.pk, "portfolio.service", f"ticket closed by desk {n} {n % 3}")
    assert search.similar("ticket closed by desk", Service.objects.all()) == []


def test_a_very_long_text_can_be_kept(desk: dict[str, Service]) -> None:
    long = "first words " + "word " * 50_000 + "打印机" * 20_000
    search.index(desk["mail"].pk, "portfolio.service", long)
    assert found(desk, "first words") == {"mail"}


def test_the_index_can_be_dropped_and_made_anew(transactional_db: None) -> None:
    step = search.CreateSearchIndex()
    with connection.schema_editor() as editor:
        step.database_backwards("engine", editor, None, None)
    assert not has_index()
    with connection.schema_editor() as editor:
        step.database_forwards("engine", editor, None, None)
    assert has_index()
    search.index(1, "portfolio.service", "Mail stops")


def has_index() -> bool:
    return "engine_search" in connection.introspection.table_names()
