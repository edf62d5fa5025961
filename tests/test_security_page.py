"""The page on security names what there is: requirements once, files and tests that exist."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
ROW = re.compile(
    r"^\| V(\d+\.\d+)\.(\d+)(?:–V\1\.(\d+))? \| (.) \| (.+?) \| (.+?) \|$", re.MULTILINE
)

SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5,
    "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11,
    "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1,
    "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip
"""How many requirements of levels 1 and 2 each section of ASVS 5.0 has; they are its first."""


def test_every_requirement_stands_there_once() -> None:
    found = [
        (section, number)
        for section, first, last, *_rest in ROW.findall(PAGE)
        for number in range(int(first), int(last or first) + 1)
    ]
    assert not [each for each, times in Counter(found).items() if times > 1]
    assert set(found) == {(s, n + 1) for s, many in SECTIONS.items() for n in range(many)}


def test_the_sums_are_those_of_the_rows() -> None:
    counted: Counter[str] = Counter()
    for _section, first, last, mark, *_rest in ROW.findall(PAGE):
        counted[mark] += int(last or first) - int(first) + 1
    said = (
        f"Of {counted.total()}: {counted['✔']} met, {counted['✘']} not met, {counted['–']} do not"
    )
    assert said in PAGE


def test_what_it_points_at_exists() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for quoted in set(re.findall("`([^`]+)`", PAGE)):
        if re.fullmatch(r"(src|tests|docs|deploy|requirements)/[\w/.]+\.\w+", quoted):
            assert (ROOT / quoted).exists(), quoted
        elif quoted.startswith("test_"):
            assert f"def {quoted}(" in tests, quoted
