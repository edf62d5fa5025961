"""Refuses to start with evidence for a check that the catalogue does not have."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error, register

from verne.engine.evidence import answers

from .catalogue import catalogue


@register()
def evidence_answers_known_checks(**kwargs: Any) -> list[CheckMessage]:
    # Without evidence there is nothing to compare, and the catalogue need not be read.
    unknown = answers.keys() - catalogue().checks.keys() if answers else ()
    return [
        Error(
            f"{answers[key].function.__module__}.{answers[key].function.__name__} answers the "
            f"check {key!r}, which the catalogue does not have.",
            hint=_suggestion(key),
            id="verne.C001",
        )
        for key in sorted(unknown)
    ]


@register()
def evidence_says_what_it_reads(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The answer to {key!r} reads no record type, so no change would bring it up to date.",
            hint="Name the models it looks at: @evidence(key, reads=(Incident,)).",
            id="verne.C002",
        )
        for key, answer in answers.items()
        if not answer.reads
    ]


def _suggestion(key: str) -> str:
    close = get_close_matches(key, catalogue().checks, 1)
    return f"Did you mean {close[0]!r}?" if close else "Look for its key in conformity/standards/."
