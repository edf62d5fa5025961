"""Text in the columns of a terminal, where a Chinese or Korean sign takes two of them."""

from __future__ import annotations

import unicodedata

WIDE = ("W", "F")


def columns(text: str) -> int:
    """How many columns a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in WIDE else 1 for sign in text)


def padded(text: str, width: int) -> str:
    return text + " " * max(0, width - columns(text))


def shortened(text: str, width: int) -> str:
    """A text that fits, with a mark where something was left out."""
    if columns(text) <= width:
        return text
    while columns(text) >= width:
        text = text[:-1]
    return f"{text}…"


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> str:
    """A text on several lines, broken at spaces, or where it may be where there are none."""
    lines, line = [], first
    for word in _words(text):
        if columns(line + word.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = rest
        line += word
    return "\n".join([*lines, line.rstrip()])


def _words(text: str) -> list[str]:
    """What may not be broken: a word with its space, an ideograph with the stop after it."""
    words = [""]
    for sign in text:
        if words[-1] and _may_break(words[-1], sign):
            words.append("")
        words[-1] += sign
    return words


def _may_break(word: str, sign: str) -> bool:
    """Korean is broken at spaces, Chinese around any sign, though no line begins with a stop."""
    if sign in STOPS:
        return False
    return word.endswith(" ") or _is_ideograph(sign) or _is_ideograph(word[0])


STOPS = "。，、；：？！）》” "


def _is_ideograph(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff"
