"""The pages about processes say what the code says."""

import pytest

from tools.process_pages import MARK, PAGES, pages

KEPT = [path.name for path in sorted(PAGES.glob("*.md")) if MARK in path.read_text()]


@pytest.mark.parametrize("name", KEPT)
def test_a_page_is_up_to_date(name: str) -> None:
    wanted = {path.name: generated for path, generated in pages()}[name]
    kept = (PAGES / name).read_text().partition(MARK)[2]
    assert kept.strip().splitlines() == wanted.strip().splitlines(), "Run tools/process_pages.py."


def test_there_are_such_pages() -> None:
    assert {"service.md", "agreement.md", "configuration.md"} <= set(KEPT)
