"""The pages about processes say what the code says."""

import pytest

from tools.process_pages import MARK, PAGES, is_current, pages

KEPT = [path.name for path in sorted(PAGES.glob("*.md")) if MARK in path.read_text()]


@pytest.mark.parametrize("name", KEPT)
def test_a_page_is_up_to_date(name: str) -> None:
    wanted = {path.name: generated for path, generated in pages()}
    assert is_current(PAGES / name, wanted[name]), "Run tools/process_pages.py."


def test_there_are_such_pages() -> None:
    assert {"service.md", "agreement.md", "configuration.md"} <= set(KEPT)
