"""Every pair of colours that meet on a page keeps the contrast of WCAG 2.2 AA, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import verne.web

SHEET = Path(verne.web.__file__).parent / "static" / "verne" / "verne.css"
THEMES = ("light", "dark")
GROUNDS = ("paper", "rail", "sunk", "raised")
STATUSES = ("met", "partly", "gap", "later", "none")
QUARTERS = ("plan", "do", "check", "act")

TEXT = 4.5
DRAWING = 3.0

PAIRS = [
    *(
        (ink, ground, TEXT)
        for ink in ("ink", "ink-soft", "ink-faint", "accent")
        for ground in GROUNDS
    ),
    *((status, ground, TEXT) for status in STATUSES for ground in (*GROUNDS, f"{status}-soft")),
    *(("ink", f"{status}-soft", TEXT) for status in STATUSES),
    *(("accent", f"{status}-soft", TEXT) for status in ("partly", "gap", "later", "met")),
    *((quarter, ground, TEXT) for quarter in QUARTERS for ground in GROUNDS),
    *((f"{status}-fill", ground, DRAWING) for status in STATUSES for ground in ("paper", "raised")),
    # Picked rows, chosen filters and the row under the keys hold every kind of word.
    *((ink, "accent-soft", TEXT) for ink in ("ink", "ink-soft", "ink-faint", "accent", *STATUSES)),
    ("on-accent", "accent", TEXT),
    *(("edge", ground, DRAWING) for ground in ("paper", "rail", "raised")),
]


def tokens() -> dict[str, tuple[str, str]]:
    found = re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", SHEET.read_text("utf-8")
    )
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_contrast_the_formula_promises():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_the_pair_can_be_told_apart(theme: str, front: str, ground: str, least: float):
    colours = tokens()
    at = THEMES.index(theme)
    reached = contrast(colours[front][at], colours[ground][at])
    assert reached >= least, f"{front} on {ground}, {theme}: {reached:.2f}, needs {least}"


def test_every_colour_of_the_tokens_is_read_by_this_test():
    declared = set(re.findall(r"--([\w-]+): light-dark\(", SHEET.read_text("utf-8")))
    # Shades lie over other things and are not grounds for words.
    assert declared - set(tokens()) == {"shade", "veil"}


def test_colours_are_named_in_the_tokens_only():
    layers = SHEET.read_text("utf-8").split("@layer base {", 1)[1]
    literals = re.findall(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(", layers)
    assert literals == ["#ffffff", "#ffffff"], "only the paper of a printer is said outside"


def test_every_token_that_is_used_is_declared():
    text = SHEET.read_text("utf-8")
    declared = set(re.findall(r"(--[\w-]+):", text))
    assert set(re.findall(r"var\((--[\w-]+)", text)) <= declared
