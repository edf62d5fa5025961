"""What is drawn of a judgement: once, until another one is passed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from django.utils.translation import get_language

from verne.conformity.verdict import Judgement

Drawn = TypeVar("Drawn")


def once(judgement: Judgement, make: Callable[[], Drawn], *what: Hashable) -> Drawn:
    """What `make` gives, which follows from the judgement, the language and `what` alone."""
    key = (*what, get_language())
    if key not in judgement.drawn:
        judgement.drawn[key] = make()
    found: Drawn = judgement.drawn[key]
    return found
