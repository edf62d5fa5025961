"""Answers that stand still within a verb or an import: asked for once, then kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_kept: ContextVar[dict[str, dict[Hashable, Any]] | None] = ContextVar("_kept", default=None)


@contextmanager
def asked_once() -> Iterator[None]:
    """Within, `once` asks for each thing a single time; within another, it shares its answers."""
    if _kept.get() is not None:
        yield
        return
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def once(kind: str, key: Hashable, ask: Callable[[], T]) -> T:
    """The answer to a question about records of a kind, asked for when it is not known yet.

    It is kept until `asked_once` ends or a record of that kind is written.
    """
    kept = _kept.get()
    if kept is None:
        return ask()
    answers = kept.setdefault(kind, {})
    if key not in answers:
        answers[key] = ask()
    found: T = answers[key]
    return found


def forget(kind: str) -> None:
    """A record of this kind was written: ask anew."""
    kept = _kept.get()
    if kept:
        kept.pop(kind, None)
