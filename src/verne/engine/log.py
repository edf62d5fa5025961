"""How an event is written into the log: one line each, in UTC, with nothing that acts on a reader.

    2026-05-04T12:30:01.123Z WARNING verne.entrance: Wrong name or password from 10.0.0.7

What somebody sent may stand in a message or in a trace. Line ends and control characters are
written as Python writes them (`\\n`, `\\x1b`, `\\u2028`), and a backslash as two, so that nobody
forges a line, colours a terminal or turns the direction of writing around. A trace is a part of
its line; docs/operations.md says how to unfold it.
"""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Callable
from typing import Any

SUSPICIOUS = re.compile(r"[^ -\[\]-~]")
"""All but plain ASCII without the backslash: most lines hold none of it."""
HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
"""Control and format characters, separators of lines, and what is no character at all."""


class Line(logging.Formatter):
    """The formatter of the settings."""

    converter: Callable[[float | None], time.struct_time] = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


def one_line(text: str) -> str:
    """The text on one line, and so that it can be read back."""
    return SUSPICIOUS.sub(_written, text.rstrip("\n"))


def _written(found: re.Match[str]) -> str:
    letter = found.group()
    if letter != "\\" and unicodedata.category(letter) not in HIDDEN:
        return letter
    return letter.encode("unicode_escape").decode()
