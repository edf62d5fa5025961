"""What goes out into a file comes back as it was; what cannot be taken is told row by row."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone, translation
from openpyxl import Workbook, load_workbook

from verne.engine import exchange
from verne.engine.acts import file, revise
from verne.engine.exchange import Report
from verne.engine.history import Act
from verne.engine.people import Organization, Person
from verne.engine.register import Column, Register, register_of, registers
from verne.engine.testing import a_person, sample
from verne.sms.portfolio.service.models import Service, ServiceRequirement
from verne.sms.relationship.agreement.models import Agreement

pytestmark = pytest.mark.django_db

each = pytest.mark.parametrize("register", registers.values(), ids=lambda r: r.model.__name__)
SERVICES = register_of("portfolio.service")
NEEDS = register_of("portfolio.servicerequirement")


def written(register: type[Register], format: str = "csv", **how: Any) -> bytes:
    stream = io.BytesIO()
    fields = how.pop("fields", None)
    rows = register.model.objects.order_by("pk")
    exchange.export(register, rows, fields, format, stream, **how)
    return stream.getvalue()


def as_csv(*rows: list[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def taken(register: type[Register], content: bytes, by: Person, **how: Any) -> Report:
    return exchange.load(register, io.BytesIO(content), "rows.csv", by, **how)


def first_finding(report: Report) -> tuple[int, str, str]:
    line = report.refused[0]
    return line.row, line.findings[0].column, line.findings[0].reason


# --- There and back ------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("words", [False, True], ids=["names", "words"])
def test_export_then_import_changes_nothing(
    register: type[Register], manager: Person, format: str, words: bool
) -> None:
    for _round in range(2):
        sample(register, manager)
    acts = Act.objects.count()
    with translation.override("ko"), timezone.override("Asia/Seoul"):
        content = written(register, format, words=words)
        report = taken(register, content, manager)
    assert not report.findings
    rows = register.model.objects.count()
    assert report.counts == {"filed": 0, "revised": 0, "unchanged": rows, "refused": 0}
    assert Act.objects.count() == acts


def test_a_second_import_of_the_same_file_says_that_it_changes_nothing(manager: Person) -> None:
    content = as_csv(["source_key", "title"], ["A-1", "Printing"], ["A-2", "Scanning"])
    assert taken(SERVICES, content, manager).counts["filed"] == 2
    acts = Act.objects.count()
    again = taken(SERVICES, content, manager)
    assert again.counts == {"filed": 0, "revised": 0, "unchanged": 2, "refused": 0}
    assert (again.changed, Act.objects.count()) == (0, acts)


def test_a_changed_cell_revises_its_record_and_no_other(manager: Person) -> None:
    one, two = (sample(SERVICES, manager, title=title) for title in ("Fax", "Phones"))
    text = written(SERVICES).decode("utf-8-sig").replace("Fax", "E-fax")
    report = taken(SERVICES, text.encode(), manager)
    assert (report.counts["revised"], report.counts["unchanged"]) == (1, 1)
    line = next(line for line in report.lines if line.outcome == "revised")
    assert (line.ref, line.changes) == (one.ref, {"title": ("Fax", "E-fax")})
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.title, two.version) == ("E-fax", 1)
    assert one.acts.latest("id").via == "import"


def test_texts_that_look_like_formulas_are_harmless_and_come_back_whole(manager: Person) -> None:
    titles = ["=HYPERLINK(1)", "+49 30 1234", "-1", "@home", "'=quoted", "plain 'quotes'"]
    for title in titles:
        sample(SERVICES, manager, title=title)
    plain = written(SERVICES, fields=["title"]).decode("utf-8-sig").splitlines()[1:]
    assert plain == ["'=HYPERLINK(1)", "'+49 30 1234", "'-1", "'@home", "''=quoted", titles[-1]]
    book = load_workbook(io.BytesIO(written(SERVICES, "xlsx", fields=["title"])))
    cells = [row[0] for row in book.worksheets[0].iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type) for cell in cells] == [(t, "s") for t in titles]
    keyed = as_csv(["source_key", "title"], *[[n, f"'{t}"] for n, t in enumerate(titles[:4])])
    taken(SERVICES, keyed, manager)
    assert Service.objects.get(source_key="0").title == "=HYPERLINK(1)"


def test_control_characters_survive_a_workbook(manager: Person) -> None:
    record = sample(SERVICES, manager, title="Bell \x07 and _x0007_ in words")
    report = taken(SERVICES, written(SERVICES, "xlsx"), manager)
    assert report.counts["unchanged"] == 1
    revise(record, {"title": "Silent"}, by=manager)
    taken(SERVICES, written(SERVICES, "xlsx"), manager)
    record.refresh_from_db()
    assert record.title == "Silent"


def test_a_csv_begins_with_the_mark_that_excel_needs(manager: Person) -> None:
    sample(SERVICES, manager, title="프린터 서비스")
    content = written(SERVICES)
    assert content.startswith(b"\xef\xbb\xbf")
    assert "프린터 서비스" in content.decode("utf-8-sig")


def test_a_longer_export_asks_no_more_queries(
    manager: Person, django_assert_max_num_queries: Any
) -> None:
    for register in (SERVICES, register_of("relationship.agreement")):
        for _round in range(4):
            sample(register, manager)
        with django_assert_max_num_queries(12):
            written(register)


def test_an_export_keeps_the_language_it_was_asked_in(manager: Person) -> None:
    sample(SERVICES, manager)
    tongue = Column("tongue", "Tongue", lambda record: translation.get_language())
    with translation.override("es"):
        _heads, rows = exchange.rows_out(SERVICES, Service.objects.all(), [tongue], words=True)
    assert list(rows) == [["es"]]
    assert translation.get_language() != "es"


# --- Columns -------------------------------------------------------------------------------------


def test_columns_are_known_by_their_labels_in_any_language(manager: Person) -> None:
    heads = []
    for language in ("en", "ko", "es", "zh-hans"):
        with translation.override(language):
            heads.append(str(Service.field_label("title")))
    for n, head in enumerate(heads):
        report = taken(SERVICES, as_csv(["source_key", head], [f"K{n}", f"Title {n}"]), manager)
        assert (report.counts["filed"], report.columns[1][1]) == (1, "title")


def test_a_column_that_fits_no_field_is_named_with_a_suggestion(manager: Person) -> None:
    report = taken(SERVICES, as_csv(["titel", "title"], ["x", "Maps"]), manager)
    note = next(note for note in report.notes if note.column == "titel")
    assert "not taken" in note.reason
    assert "title" in note.remedy


def test_what_the_program_keeps_itself_is_not_taken_and_it_says_so(manager: Person) -> None:
    report = taken(SERVICES, as_csv(["title", "version"], ["Maps", "7"]), manager)
    assert Service.objects.get().version == 1
    assert [note.column for note in report.notes if "keeps this itself" in note.reason] == [
        "version"
    ]


def test_without_a_reference_the_preview_warns_that_each_time_files_anew(manager: Person) -> None:
    report = exchange.preview(SERVICES, io.BytesIO(as_csv(["title"], ["Maps"])), "x.csv", manager)
    assert any("each time" in note.reason for note in report.notes)
    assert (report.counts["filed"], Service.objects.count()) == (1, 0)


def test_the_column_with_the_external_reference_can_be_named(manager: Person) -> None:
    content = as_csv(["Number", "title"], ["CHG0001", "Maps"])
    taken(SERVICES, content, manager, key="number")
    assert Service.objects.get().source_key == "CHG0001"
    with pytest.raises(ValidationError, match="Number"):
        taken(SERVICES, content, manager, key="Id")


def test_references_of_another_installation_can_be_external_references(manager: Person) -> None:
    content = as_csv(["ref", "title"], ["SVC-900", "Maps"])
    assert first_finding(taken(SERVICES, content, manager))[1] == "ref"
    report = taken(SERVICES, content, manager, key="ref")
    assert (report.counts["filed"], Service.objects.get().source_key) == (1, "SVC-900")


# --- Cells ---------------------------------------------------------------------------------------


def test_people_teams_and_records_are_named_as_people_name_them(
    manager: Person, harbour: Organization
) -> None:
    service = sample(SERVICES, manager, title="Point of sale")
    content = as_csv(
        ["title", "service", "owner", "kind"],
        ["Tills open at eight", service.ref.lower(), "Ada Kim", "availability"],
        ["Tills close at ten", "Point of sale", "ada-kim", "Availability"],
    )
    report = taken(NEEDS, content, manager)
    assert not report.refused
    found = ServiceRequirement.objects.filter(service=service, owner=manager)
    assert set(found.values_list("requirement_kind", flat=True)) == {"availability"}
    many = as_csv(["title", "customers"], ["Maps", '"Harbour Retail"; Harbour Retail'])
    taken(SERVICES, many, manager)
    assert list(Service.objects.get(title="Maps").customers.all()) == [harbour]


def test_a_name_that_two_people_share_is_refused(manager: Person) -> None:
    a_person("Ada Kim", username="ada.kim.2", roles=["reader"])
    line = first_finding(taken(SERVICES, as_csv(["title", "owner"], ["Maps", "Ada Kim"]), manager))
    assert line[:2] == (2, "owner")
    assert "ada-kim or ada.kim.2" in line[2]


def test_times_are_taken_in_the_zone_of_the_reader_or_the_one_they_name(manager: Person) -> None:
    content = as_csv(
        ["source_key", "title", "filed_at"],
        ["1", "Maps", "2024-07-01 09:00"],
        ["2", "Faxes", "2024-07-01T09:00:00+00:00"],
    )
    with timezone.override("Europe/Berlin"):
        taken(SERVICES, content, manager)
    filed = dict(Service.objects.values_list("source_key", "filed_at"))
    assert filed == {
        "1": datetime(2024, 7, 1, 7, 0, tzinfo=UTC),
        "2": datetime(2024, 7, 1, 9, 0, tzinfo=UTC),
    }


def test_rows_of_parts_are_written_in_one_cell(manager: Person, harbour: Organization) -> None:
    register = register_of("relationship.agreement")
    cell = 'measure=respond; priority=1; seconds=900\nmeasure=resolve; priority=1; seconds="14400"'
    heads = ["source_key", "title", "customer", "targets"]
    content = as_csv(heads, ["A", "Counters", "Harbour Retail", cell])
    report = taken(register, content, manager)
    assert not report.refused, report.findings
    agreement = Agreement.objects.get()
    assert list(agreement.targets.order_by("seconds").values_list("seconds", flat=True)) == [
        900,
        14400,
    ]
    out = written(register, fields=["ref", "targets"]).decode("utf-8-sig")
    changed = taken(register, out.replace("seconds=900", "seconds=600").encode(), manager)
    assert changed.counts["revised"] == 1
    assert agreement.targets.filter(seconds=600).exists()
    broken = as_csv(heads, ["B", "Desks", "Harbour Retail", "measure respond"])
    assert first_finding(taken(register, broken, manager))[1] == "targets"


def test_a_workbook_made_by_hand_is_read_with_its_numbers_and_dates(manager: Person) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(
        ["source_key", "Title", "priority in the portfolio", "date of removal or transfer"]
    )
    sheet.append([42.0, 365, 3.0, datetime(2030, 1, 31)])
    stream = io.BytesIO()
    book.save(stream)
    report = taken(SERVICES, stream.getvalue(), manager)
    assert not report.refused, report.findings
    service = Service.objects.get(source_key="42")
    assert (service.title, service.portfolio_priority) == ("365", 3)
    assert str(service.removal_date) == "2030-01-31"


# --- Refusals ------------------------------------------------------------------------------------


def test_a_row_that_cannot_be_taken_says_where_why_and_what_to_do(manager: Person) -> None:
    content = as_csv(
        ["source_key", "title", "criticality", "in_scope", "removal_date", "owner"],
        ["1", "Maps", "urgent", "", "", ""],
        ["2", "Faxes", "1", "perhaps", "", ""],
        ["3", "Tills", "1", "yes", "31.12.2026", ""],
        ["4", "Desks", "1", "yes", "2026-12-31", "nobody"],
        ["5", "", "1", "no", "", ""],
        ["6", "Chairs", "1", "nein", "", ""],
        ["7", "Lamps", "High", "Yes", "", ""],
    )
    report = taken(SERVICES, content, manager)
    found = {line.row: line.findings[0] for line in report.refused}
    assert {row: finding.column for row, finding in found.items()} == {
        2: "criticality",
        3: "in_scope",
        4: "removal_date",
        5: "owner",
        6: "title",
        7: "in_scope",
    }
    assert found[2].value == "urgent"
    assert "2026-03-31" in found[4].remedy
    assert report.counts["filed"] + report.counts["refused"] == 7
    assert report.rows == 7


def test_of_a_row_that_is_refused_nothing_is_kept(manager: Person) -> None:
    service = sample(SERVICES, manager, title="Mail")
    content = as_csv(["ref", "title", "criticality"], [service.ref, "E-mail", "urgent"])
    taken(SERVICES, content, manager)
    service.refresh_from_db()
    assert (service.title, service.version) == ("Mail", 1)


def test_two_rows_of_one_record_are_not_both_taken(manager: Person) -> None:
    content = as_csv(["source_key", "title"], ["1", "Maps"], ["1", "Charts"])
    report = taken(SERVICES, content, manager)
    assert (report.counts["filed"], report.counts["refused"]) == (1, 1)
    assert first_finding(report)[0] == 3


def test_a_row_with_more_cells_than_heads_is_refused(manager: Person) -> None:
    report = taken(SERVICES, b"title,need\r\nMaps,roads,and more\r\n", manager)
    assert report.counts["refused"] == 1


def test_somebody_elses_record_is_not_there(manager: Person, customer: Person) -> None:
    service = sample(SERVICES, manager)
    helper = a_person("Ina Import", roles=["configuration_manager", "service_portfolio_manager"])
    revise(service, {"restricted": True}, by=manager)
    report = taken(SERVICES, as_csv(["ref", "title"], [service.ref, "Mine"]), helper)
    assert first_finding(report)[1] == "ref"
    with pytest.raises(PermissionDenied):
        taken(SERVICES, as_csv(["title"], ["Mine"]), customer)


# --- States --------------------------------------------------------------------------------------


def test_a_state_is_reached_by_its_moves(manager: Person) -> None:
    content = as_csv(
        ["source_key", "title", "state", "portfolio_priority", "requested_by", "need"],
        ["1", "Maps", "Planned", "1", "Harbour Retail", "To find the shops"],
    )
    report = taken(SERVICES, content, manager)
    assert not report.refused, report.findings
    service = Service.objects.get()
    assert service.state == "planned"
    assert service.acts.filter(verb="move", name="plan", via="import").exists()


def test_a_state_that_cannot_be_reached_says_what_is_missing(manager: Person) -> None:
    content = as_csv(["source_key", "title", "state"], ["1", "Maps", "planned"])
    row, column, reason = first_finding(taken(SERVICES, content, manager))
    assert (row, column) == (2, "state")
    assert "not filled in" in reason
    assert not Service.objects.exists()


# --- Files ---------------------------------------------------------------------------------------


def test_semicolons_tabs_and_other_encodings_are_understood(manager: Person) -> None:
    for n, (text, encoding, said) in enumerate(
        [
            ("source_key;title\r\nS{n};Straße, Hof\r\n", "utf-8", ""),
            ("source_key\ttitle\r\nS{n}\tStraße, Hof\r\n", "utf-16", ""),
            ('"source_key","title"\nS{n},"Straße, Hof"\n', "cp1252", "cp1252"),
        ]
    ):
        content = text.replace("{n}", str(n)).encode(encoding)
        assert taken(SERVICES, content, manager, encoding=said).counts["filed"] == 1
    assert set(Service.objects.values_list("title", flat=True)) == {"Straße, Hof"}
    with pytest.raises(ValidationError, match="encoding"):
        taken(SERVICES, "title\nStraße".encode("cp1252"), manager)


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n\r\n", b"PK\x03\x04 but no workbook", b"\xd0\xcf\x11\xe0 old", b"colour\nred\n"],
    ids=["empty", "blank", "broken", "xls", "no field"],
)
def test_a_file_that_cannot_be_read_says_so(manager: Person, content: bytes) -> None:
    with pytest.raises(ValidationError):
        taken(SERVICES, content, manager)


def test_a_preview_shows_what_would_happen_and_keeps_nothing(manager: Person) -> None:
    service = sample(SERVICES, manager, title="Mail")
    content = as_csv(["ref", "title"], [service.ref, "E-mail"], ["", "Maps"], ["SVC-999", "Faxes"])
    acts = Act.objects.count()
    report = exchange.preview(SERVICES, io.BytesIO(content), "x.csv", manager)
    assert [line.outcome for line in report.lines] == ["revised", "filed", "refused"]
    assert (Act.objects.count(), Service.objects.count()) == (acts, 1)
    after = file(Service, {"title": "Next"}, by=manager)
    assert int(after.ref.split("-")[1]) == int(service.ref.split("-")[1]) + 1
    assert Report.from_dict(report.as_dict()) == report


def test_long_work_says_how_far_it_is(manager: Person) -> None:
    told: list[int] = []
    rows = [[f"K{n}", f"Service {n}"] for n in range(250)]
    taken(SERVICES, as_csv(["source_key", "title"], *rows), manager, told=told.append)
    assert told == [100, 200, 250]


def test_a_record_somebody_may_not_see_is_not_named_to_them(
    manager: Person,
) -> None:
    service = sample(SERVICES, manager, title="Payroll")
    open_one = sample(SERVICES, manager, title="Mail")
    requirements = register_of("portfolio.servicerequirement")
    for each in (service, open_one):
        sample(requirements, manager, service=each)
    revise(service, {"restricted": True}, by=manager)
    helper = a_person("Ina Import", roles=["service_portfolio_manager"])

    def exported(person: Person, form: str) -> str:
        stream = io.BytesIO()
        rows = requirements.model.objects.visible_to(person)
        exchange.export(requirements, rows, None, form, stream, by=person)
        if form == "csv":
            return stream.getvalue().decode("utf-8-sig")
        sheet: Any = load_workbook(stream).active
        return str(list(sheet.values))

    for form in ("csv", "xlsx"):
        assert service.ref in exported(manager, form)
        assert service.ref not in exported(helper, form)
        assert open_one.ref in exported(helper, form)


def test_a_workbook_that_unpacks_to_more_than_a_memory_holds_is_refused(
    manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verne.engine import tables

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b" " * 3_000_000)
    monkeypatch.setattr(tables, "LARGEST_UNPACKED", 2_000_000)
    assert len(packed.getvalue()) < 10_000
    with pytest.raises(ValidationError, match="once it is unpacked"):
        tables.read(io.BytesIO(packed.getvalue()), "rows.xlsx")
