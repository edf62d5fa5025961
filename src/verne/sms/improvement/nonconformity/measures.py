"""How well nonconformities are dealt with: what is open, what came in time, what came back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q

from verne.engine.history import Act

from .action import CorrectiveAction
from .models import Cause, Nonconformity, NonconformityQuerySet

if TYPE_CHECKING:
    from verne.engine.people import Person

AGES = (30, 90)
"""Days that divide the open ones into young, older and old."""

STAGES = ("detected", "corrected", "analysed", "in_corrective_action", "awaiting_effectiveness")


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None where there was nothing to count."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class Measures:
    """The figures of a period, over the nonconformities that a person may see."""

    open_by_age: dict[str, list[int]]
    """By grade: how many are open, youngest first."""
    detected: int
    closed: int
    actions_in_time: Share
    closed_in_time: Share
    came_back: Share
    helped_at_once: Share
    days_by_stage: dict[str, float | None]
    causes: dict[str, int]
    """By category: how many causes that are removed, most frequent first."""


def measures(person: Person, since: datetime, until: datetime) -> Measures:
    """What happened from one instant to another; what is open is told as of the later one."""
    seen: NonconformityQuerySet = Nonconformity.objects.visible_to(person)
    every = seen.accepted()
    within = Q(detected_at__gt=since, detected_at__lte=until)
    verified = Q(verified_at__gt=since, verified_at__lte=until)
    closed = Q(closed_at__gt=since, closed_at__lte=until)
    again = Q(recurrence_of__isnull=False) | Q(came_back_times__gt=0)
    sums = every.aggregate(
        detected=Count("pk", within),
        came_back=Count("pk", within & again),
        closed=Count("pk", closed),
        dated=Count("pk", closed & Q(due_at__isnull=False)),
        in_time=Count("pk", closed & Q(closed_at__lte=F("due_at"))),
        verified=Count("pk", verified),
        helped=Count("pk", verified & Q(ineffective_times=0)),
    )
    return Measures(
        open_by_age=_open_by_age(every, until),
        detected=sums["detected"],
        closed=sums["closed"],
        actions_in_time=_actions_in_time(person, since, until),
        closed_in_time=Share(sums["in_time"], sums["dated"]),
        came_back=Share(sums["came_back"], sums["detected"]),
        helped_at_once=Share(sums["helped"], sums["verified"]),
        days_by_stage=_days_by_stage(every, since, until),
        causes=_causes(every.filter(within)),
    )


def _open_by_age(every: NonconformityQuerySet, at: datetime) -> dict[str, list[int]]:
    edges = [at, *(at - timedelta(days=days) for days in AGES), None]
    buckets = {
        f"age{n}": Count(
            "pk",
            Q(detected_at__lte=younger) & (Q(detected_at__gt=older) if older else Q()),
        )
        for n, (younger, older) in enumerate(pairwise(edges))
    }
    rows = every.exclude(state="closed").order_by().values("grade").annotate(**buckets)
    found = {row["grade"]: [row[name] for name in buckets] for row in rows}
    nothing = [0] * len(buckets)
    return {grade: found.get(grade, nothing) for grade in ("major", "minor", "")}


def _actions_in_time(person: Person, since: datetime, until: datetime) -> Share:
    seen = CorrectiveAction.objects.visible_to(person).standing()
    done = seen.filter(done_at__gt=since, done_at__lte=until, due_at__isnull=False)
    sums = done.aggregate(whole=Count("pk"), part=Count("pk", Q(done_at__lte=F("due_at"))))
    return Share(sums["part"], sums["whole"])


def _days_by_stage(
    every: NonconformityQuerySet, since: datetime, until: datetime
) -> dict[str, float | None]:
    """The mean stay in each state that was left in the period."""
    entered = dict(every.values_list("pk", "filed_at"))
    stands = dict.fromkeys(entered, Nonconformity.lifecycle.initial.name)
    stays: dict[str, list[float]] = defaultdict(list)
    acts = Act.objects.filter(record__in=every.values("pk"), verb="move", at__lte=until)
    for record, name, at in acts.order_by("at", "id").values_list("record_id", "name", "at"):
        step = Nonconformity.lifecycle.moves.get(name)
        if step is None or record is None:
            continue
        if at > since:
            stays[stands[record]].append((at - entered[record]) / timedelta(days=1))
        entered[record], stands[record] = at, step.target.name
    return {
        stage: sum(stays[stage]) / len(stays[stage]) if stays[stage] else None for stage in STAGES
    }


def _causes(every: NonconformityQuerySet) -> dict[str, int]:
    roots = Cause.objects.filter(of__in=every.values("pk"), is_root=True)
    rows = roots.order_by().values("category").annotate(times=Count("pk"))
    return {row["category"]: row["times"] for row in rows.order_by("-times", "category")}
