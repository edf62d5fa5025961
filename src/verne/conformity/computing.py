"""Asks a check of the records and keeps count: the figure, and what it cost to find."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.utils import translation

from verne import __version__
from verne.engine.evidence import Answer, Asked, Evidence, answers
from verne.engine.history import Act, Entry
from verne.engine.postgresql.plans import none_kept

from .adjusting import InForce
from .attesting.judging import judged
from .catalogue import Check
from .counting import Counted, NotOneByOne, count
from .verdict import Outcome, outcome

log = logging.getLogger("verne.conformity")

Counter: TypeAlias = Callable[[Answer, Asked], Counted]
"""How what a check finds is counted."""

TRAIL = (Act, Entry)
"""Present in every system that was ever used: they do not show that a process is set up."""


@dataclass(frozen=True)
class Figure:
    """What a check found: an outcome, how many records it looked at, how many break it."""

    key: str
    outcome: Outcome
    population: int | None = None
    exceptions: int | None = None
    note: str = ""
    fault: str = ""
    at: datetime | None = None
    computed_at: datetime | None = None
    run: int | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    queries: int = 0
    milliseconds: int = 0
    stale: bool = False
    generation: int = 0
    examples: tuple[int, ...] = ()
    """Cover sheets of some exceptions, in a statement of the past."""
    counted: Counted | None = None
    """As it was just counted."""
    counted_whole_at: datetime | None = None
    """When all was counted, where only what changed was counted since."""


def ask(check: Check, values: InForce, *, at: datetime) -> Evidence | None:
    """The evidence of a check at an instant; None when no function answers it."""
    answer = answers.get(check.key)
    return answer(values.asked(check, at)) if answer else None


def compute(
    check: Check,
    values: InForce,
    *,
    at: datetime,
    counter: Counter = count,
    whole: bool = True,
) -> Figure:
    """The figure of a check. A function that raises is told as a fault, never as a result.

    `whole` says that it may look at all records there are. Raises NotOneByOne where the counter
    does.
    """
    answer = answers.get(check.key)
    if answer is None:
        return Figure(check.key, Outcome.NOT_YET_COMPUTED)
    asked = values.asked(check, at)
    fault = ""
    with _measured() as cost:
        try:
            with _kept_apart(whole=whole), translation.override("en"):
                # Notes are kept in English and translated when they are shown.
                counted = counter(answer, asked)
                population, exceptions = counted.population, counted.exceptions
                found = outcome(
                    check,
                    population=population,
                    exceptions=exceptions,
                    anything_recorded=bool(population or exceptions) or _anything_recorded(answer),
                    arose=counted.arose,
                    judged=judged(check, at=at),
                )
        except NotOneByOne:
            raise
        except Exception as wrong:
            log.exception("The check %s could not be computed.", check.key)
            fault = f"{type(wrong).__name__}: {wrong}"[:500]
    # Told last: by now it is known which values the answer looked at.
    inputs = values.told(check, asked) | {"reads": sorted(answer.kinds), "verne": __version__}
    if fault:
        return Figure(check.key, Outcome.NOT_YET_COMPUTED, fault=fault, at=at, inputs=inputs)
    return Figure(
        check.key,
        found,
        population,
        exceptions,
        note=counted.note,
        at=at,
        inputs=inputs,
        queries=cost.queries,
        milliseconds=round(cost.seconds * 1000),
        counted=counted,
    )


def _anything_recorded(answer: Answer) -> bool:
    models = [model for model in answer.reads if model not in TRAIL] or answer.reads
    return any(model._default_manager.exists() for model in models)


@contextmanager
def _kept_apart(*, whole: bool) -> Iterator[None]:
    """Inside a transaction, a failed query must not break what surrounds it.

    On SQLite, where there is none, opening one would keep writers waiting.
    """
    with ExitStack() as stack:
        on_postgresql = connection.vendor == "postgresql"
        if on_postgresql:
            # A check looks at thousands of records or at millions: no plan is good for both.
            stack.enter_context(none_kept())
        if connection.in_atomic_block or (on_postgresql and whole):
            stack.enter_context(transaction.atomic())
        if on_postgresql and whole:
            with connection.cursor() as cursor:
                cursor.execute(ROOM)
        yield


ROOM = "SET LOCAL work_mem = '256MB'"
"""So that PostgreSQL keeps the keys of millions of records at hand: with its usual 4 MB it reads a
list of 200,000 anew for each of as many records, and takes an hour.
"""


@dataclass
class Cost:
    queries: int = 0
    seconds: float = 0.0


@contextmanager
def _measured() -> Iterator[Cost]:
    """Counts the queries and the time of what happens inside."""
    cost = Cost()

    def count(execute: Callable[..., Any], sql: str, *call: Any) -> Any:
        cost.queries += sql != ROOM
        return execute(sql, *call)

    began = time.perf_counter()
    with connection.execute_wrapper(count):
        try:
            yield cost
        finally:
            cost.seconds = time.perf_counter() - began
