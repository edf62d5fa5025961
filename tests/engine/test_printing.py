"""Paper: it says what was given to it, in each language, and nothing given becomes a program."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from verne.engine.printing.blocks import bullets, facts, heading, paragraph, table
from verne.engine.printing.markdown import blocks_of
from verne.engine.printing.paper import Paper, Signed
from verne.engine.printing.press import pdf

AT = datetime(2026, 3, 2, 9, 30, 0, 250, tzinfo=UTC)


def a_paper(markdown: str = "Restore mail within four hours.", **facts: Any) -> Paper:
    return Paper(**({"title": "Continuity plan", "body": blocks_of(markdown)} | facts))


def read(made: bytes) -> str:
    pages = (page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)
    return " ".join(" ".join(pages).split())


def test_the_title_block_says_what_it_is_and_which() -> None:
    paper = a_paper(
        organization="Harbour Services",
        kind="Plan",
        number="DOC-7",
        facts=[("Revision", "2.1"), ("State", "In force")],
        fingerprint="0123456789abcdef" * 4,
        foot="Copy 3, printed by Ada Kim.",
    )
    said = read(pdf(paper, at=AT))
    for words in ("Harbour Services", "DOC-7", "Continuity plan", "Revision 2.1", "In force"):
        assert words in said
    assert "0123456789abcdef" * 4 in said.replace(" ", "")
    assert "Copy 3, printed by Ada Kim." in said
    assert "Page 1 of 1" in said


def test_every_page_has_its_number_and_the_mark() -> None:
    paper = a_paper("\n\n".join(f"Step {n}: call the next on the list." for n in range(120)))
    marked = Paper(title=paper.title, body=paper.body, mark="Superseded", foot="Copy 1")
    pages = PdfReader(io.BytesIO(pdf(marked, at=AT))).pages
    assert len(pages) > 2
    for n, page in enumerate(pages, start=1):
        said = page.extract_text()
        assert f"Page {n} of {len(pages)}" in said
        assert "SUPERSEDED" in said
        assert "Copy 1" in said


@pytest.mark.parametrize(
    ("language", "page", "body"),
    [
        ("en", "Page 1 of 1", "Restore mail within four hours."),
        ("ko", "1", "네 시간 안에 메일을 복구합니다."),
        ("es", "1", "Restablecer el correo en cuatro horas: ¿quién avisa?"),
        ("zh-hans", "1", "四小时内恢复邮件服务。"),
    ],
)
def test_it_prints_in_each_language_with_faces_of_its_own(
    language: str, page: str, body: str
) -> None:
    made = pdf(a_paper(body, language=language), at=AT)
    said = read(made)
    assert page in said
    assert body.replace(" ", "") in said.replace(" ", "")
    assert b"/Lang" in made


def test_a_signature_is_shown_with_its_meaning() -> None:
    signed = Signed("김민준", "Approval", AT, "Revision 2.1")
    said = read(pdf(a_paper(signatures=[signed]), at=AT))
    assert "김민준 Approval 2026-03-02 09:30 UTC Revision 2.1" in said


def test_the_same_paper_gives_the_same_bytes() -> None:
    assert pdf(a_paper(), at=AT) == pdf(a_paper(), at=AT)


def test_it_is_made_for_the_archive_and_for_those_who_listen() -> None:
    made = pdf(a_paper("### Steps\n\n# Contacts\n\n- Harbour office"), at=AT)
    assert b"pdfaid:part>2<" in made
    assert b"pdfuaid:part>1<" in made


def test_a_character_no_face_has_does_not_keep_it_from_printing() -> None:
    assert "Call the office" in read(pdf(a_paper("Call the office \U0001f4de at once."), at=AT))


def test_what_people_wrote_is_text_and_never_a_program() -> None:
    written = '#read("/etc/passwd") $x^2$ @label <b>bold</b> #let a = 1 \\\\ [x](javascript:a)'
    said = read(pdf(a_paper(written, title='#panic("x")', number="*1*"), at=AT))
    assert '#read("/etc/passwd") $x^2$ @label <b>bold</b> #let a = 1' in said
    assert '#panic("x")' in said


def test_markdown_becomes_headings_lists_tables_code_quotes_and_words_for_pictures() -> None:
    source = (
        "## Steps\n\n1. Call *Mina*\n2. Write it down\n\n> Keep calm.\n\n"
        "| Who | Minutes |\n|---|---:|\n| Duty | 15 |\n\n```\nping mail\n```\n\n"
        "![The evacuation plan](plan.png)\n"
    )
    kinds = [block["is"] for block in blocks_of(source)]
    assert kinds == ["heading", "list", "quote", "table", "code", "paragraph"]
    said = read(pdf(a_paper(source), at=AT))
    for words in ("1. Call Mina", "Keep calm.", "Duty 15", "ping mail", "The evacuation plan]"):
        assert words in said


def test_a_report_is_made_of_blocks_without_markdown() -> None:
    body = [
        heading(1, "Findings"),
        facts([("Auditor", "Mina Park"), ("Sample", 25)]),
        paragraph("Two of twenty-five changes had no back-out plan."),
        table(["Change", "Days"], [["CHG-4", "3"], ["CHG-9", "11"]], numeric=[1]),
        bullets(["Agree a date", "Verify after a month"]),
    ]
    said = read(pdf(Paper(title="Audit report", body=body), at=AT))
    for words in ("Auditor Mina Park", "CHG-9 11", "Verify after a month"):
        assert words in said


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_any_text_can_be_printed(written: str) -> None:
    assert pdf(a_paper(written, title=written or "Empty", foot=written), at=AT).startswith(b"%PDF")
