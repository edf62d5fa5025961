"""The statement of conformity: kept up to date after changes, shown as it was at a snapshot."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from verne import __version__
from verne.engine import replica
from verne.engine.evidence import answers
from verne.engine.history import Act
from verne.engine.prepared import Numbers, Prepared, Remembered, listed
from verne.engine.records import Sheet

from .adjusting import InForce
from .attesting.models import Attestation, judgements
from .auditing import clauses_audited
from .catalogue import (
    EDITION,
    Catalogue,
    Check,
    Clause,
    Requirement,
    UniversalCheck,
    catalogue,
    original,
)
from .computing import Figure, ask, compute
from .counting import (
    NotOneByOne,
    Readings,
    by_blocks_now,
    count,
    count_changed,
    how_many,
    keep,
    many_records,
    summed,
)
from .marking import settle_marks
from .models import CheckResult, Run, Snapshot
from .nonconforming import Against, against
from .owning import Universal, roles_held, spread, universal_of
from .verdict import Judgement, Outcome, Result, RollUp, Verdict, judge
from .wording import STANDARDS, spoken

if TYPE_CHECKING:
    from verne.engine.people import Person

Progress = Callable[[int, int, str], None]
"""Told how many of how many checks are done, and the key of the next."""

log = logging.getLogger("verne.conformity")

NEVER: Final = datetime.min.replace(tzinfo=UTC)
SLOW: Final = 0.012
"""Milliseconds that the slowest checks take for each record there is (docs/scale.md)."""

EXAMPLES: Final = 50
"""Exceptions whose records a snapshot remembers, for each failing check."""


class NoSnapshot(LookupError):
    """The past is asked for at an instant before the first snapshot."""


@dataclass(frozen=True)
class Statement:
    """What the records say about every obligation, at one instant."""

    at: datetime
    judgement: Judgement
    figures: Mapping[str, Figure]
    universal: Universal
    snapshot: Snapshot | None = None

    @property
    def catalogue(self) -> Catalogue:
        return self.judgement.catalogue

    @property
    def computed(self) -> int:
        """How many checks have a figure."""
        return sum(figure.outcome.computed for figure in self.figures.values())

    @cached_property
    def stale(self) -> frozenset[str]:
        """Checks whose records have changed since; their figures are about to be computed anew."""
        return frozenset(key for key, figure in self.figures.items() if figure.stale)

    @property
    def computed_at(self) -> datetime | None:
        """When the oldest figure was computed."""
        return min((f.computed_at for f in self.figures.values() if f.computed_at), default=None)

    @cached_property
    def attestations(self) -> Mapping[str, Attestation]:
        """The judgements in force then, by obligation; they stand beside what the records say."""
        return judgements(self.catalogue.requirements, self.at)

    def met(self) -> frozenset[str]:
        """The obligations that are conforming."""
        return frozenset(
            id for id, v in self.judgement.verdicts.items() if v.result is Result.CONFORMING
        )

    def as_json(self) -> dict[str, Any]:
        """The statement for programs; see docs/conformity.md for the meaning of each name."""
        clauses = self.judgement.clauses()
        whole = self.judgement.whole
        return {
            "standard": self.catalogue.standard.designation,
            "at": self.at.isoformat(),
            "snapshot": self.snapshot is not None,
            "readiness": whole.readiness,
            "checks": {
                "total": len(self.figures),
                "computed": self.computed,
                **{key: _figure_json(figure) for key, figure in self.figures.items()},
            },
            "obligations": {id: self._obligation(v) for id, v in self.judgement.verdicts.items()},
            "statements": {
                s: {"result": self.judgement.statement(s).worst} for s in self.catalogue.statements
            },
            "clauses": {
                number: {"result": sums.worst, "counts": dict(sums.counts)}
                for number, sums in clauses.items()
            },
            "counts": dict(whole.counts),
        }

    def _obligation(self, verdict: Verdict) -> dict[str, Any]:
        return {
            "result": verdict.result,
            "clause": verdict.requirement.clause,
            "checks": list(verdict.outcomes),
            "checks_computed": verdict.computed,
            "universal": dict(verdict.universal),
            "attestation": _attestation_json(self.attestations.get(verdict.requirement.id)),
        }


def current(
    *,
    by: Person | None = None,
    budget: float | None = None,
    progress: Progress | None = None,
) -> Statement:
    """The statement of now. What changed is computed first, for at most `budget` seconds."""
    refresh(by=by, budget=budget, progress=progress)
    return stored()


def stored(at: datetime | None = None) -> Statement:
    """The statement as it was last computed, without computing anything."""
    standard, at = catalogue(), at or timezone.now()
    results = _results()
    grounds = Grounds(results.outcomes, against(at), roles_held(at), clauses_audited(at))
    judgement, universal = _judged(standard, grounds)
    return Statement(at, judgement, results.figures, universal)


@dataclass(frozen=True)
class Grounds:
    """All that a judgement rests on."""

    outcomes: Mapping[str, Outcome]
    against: Against
    held: frozenset[str]
    audited: frozenset[str]


_last: dict[str, tuple[Catalogue, Grounds, tuple[Judgement, Universal]]] = {}
"""The last judgement in each language, with what it rests on."""


def _judged(standard: Catalogue, grounds: Grounds) -> tuple[Judgement, Universal]:
    """The judgement on these grounds: the last one, if it rests on the same."""
    language = spoken()
    last = _last.get(language)
    if last is not None and last[0] is standard and last[1] == grounds:
        return last[2]
    stands = grounds.against
    universal = universal_of(standard, grounds.held, stands.overdue, grounds.audited)
    judgement = judge(standard, grounds.outcomes, universal=universal, major_open=stands.major)
    _last[language] = standard, grounds, (judgement, universal)
    return judgement, universal


@replica.on_primary()
def refresh(
    keys: Iterable[str] | None = None,
    *,
    by: Person | None = None,
    budget: float | None = None,
    progress: Progress | None = None,
) -> Run | None:
    """Compute the checks that are out of date, or those named; None when there is nothing to do."""
    settle_marks()
    wanted = _out_of_date() if keys is None else _rows([k for k in keys if k in answers])
    some = by_blocks_now(wanted, timezone.now(), hurry=budget is not None)
    if budget is not None:
        wanted = _affordable(wanted, some, budget)
    if not wanted:
        return None
    why = Run.Why.CHANGE if keys is None else Run.Why.DEMAND
    chosen = [row.key for row in wanted]
    return _run(chosen, some, why=why, by=by, budget=budget, progress=progress)


@replica.on_primary()
def recompute(
    *,
    why: Run.Why = Run.Why.DEMAND,
    by: Person | None = None,
    at: datetime | None = None,
    progress: Progress | None = None,
) -> Run:
    """Compute every check that has a function."""
    settle_marks()
    wanted = [key for key in catalogue().checks if key in answers]
    return _run(wanted, (), why=why, by=by, budget=None, progress=progress, at=at)


def take_snapshot(
    *,
    why: Snapshot.Why = Snapshot.Why.DEMAND,
    by: Person | None = None,
    note: str = "",
    at: datetime | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    """Compute everything and keep the whole statement.

    `at` is another instant than now only for whoever replays a past in order, such as the
    demonstration: the records must stand as they stood then.
    """
    whole = Run.Why.DAILY if why == Snapshot.Why.DAILY else Run.Why.DEMAND
    run = recompute(why=whole, by=by, at=at, progress=progress)
    statement = stored(run.at)
    return Snapshot.objects.create(
        at=run.at,
        why=why,
        by=by,
        note=note,
        run=run,
        standard=statement.catalogue.standard.id,
        counts=dict(statement.judgement.whole.counts),
        content=_content(statement),
    )


def past(at: datetime) -> Statement:
    """The statement of the last snapshot taken at or before an instant."""
    snapshot = Snapshot.objects.filter(at__lte=at).first()
    if snapshot is None:
        first = Snapshot.objects.order_by("at").first()
        if first is None:
            raise NoSnapshot(_("No snapshot has been taken yet, so the past cannot be shown."))
        raise NoSnapshot(
            _("The first snapshot was taken on %(date)s: choose that day or a later one.")
            % {"date": timezone.localtime(first.at).date().isoformat()}
        )
    return opened(snapshot)


def opened(snapshot: Snapshot) -> Statement:
    """The statement a snapshot holds, with the results as they were called then."""
    standard, content = catalogue(), snapshot.content
    figures = {key: _kept_figure(key, content, snapshot.at) for key in standard.checks}
    failing = {key: frozenset(ids) for key, ids in content["universal"].items()}
    universal = spread(standard, failing)
    verdicts = {
        id: _kept_verdict(requirement, content, figures, universal[id])
        for id, requirement in standard.requirements.items()
    }
    return Statement(snapshot.at, Judgement(standard, verdicts), figures, universal, snapshot)


def baseline() -> Snapshot | None:
    """What the present is compared with: the newest baseline, else the newest snapshot."""
    named = Snapshot.objects.filter(why=Snapshot.Why.BASELINE).first()
    return named or Snapshot.objects.first()


def lost(now: Statement, then: Statement) -> list[Requirement]:
    """The obligations that were met then and no longer are."""
    gone = then.met() - now.met()
    return [r for id, r in now.catalogue.requirements.items() if id in gone]


def course(since: datetime) -> list[tuple[int, datetime]]:
    """The snapshots since an instant, oldest first: their numbers and when they were taken."""
    return _taken_since(since=since)


def by_month(since: datetime) -> Sequence[Snapshot]:
    """The last snapshot of each month of the reader's calendar, oldest first, with its counts."""
    months: dict[tuple[int, int], int] = {}
    for number, at in course(since):
        local = timezone.localtime(at)
        months[local.year, local.month] = number
    return _counted.answer(numbers=months.values()) if months else ()


# The index of instants answers this: a page of the database holds a single snapshot or less.
_taken_since = Prepared(
    lambda since: (
        Snapshot.objects.filter(at__gte=since).order_by("at", "id").values_list("id", "at")
    ),
    since=models.DateTimeField(),
)
_counted: Remembered[Sequence[Snapshot]] = Remembered(
    lambda numbers: (
        Snapshot.objects.filter(pk__in=listed(numbers)).order_by("at", "id").defer("content")
    ),
    tuple,
    numbers=Numbers(),
)


def clause_course(clause: Clause, snapshots: Iterable[int]) -> list[tuple[datetime, RollUp]]:
    """How a clause stood in some snapshots, the newest first."""
    under = [r.id for r in catalogue().requirements_under(clause.number)]
    # Most of a snapshot are figures and examples, which take long to read.
    kept = Snapshot.objects.filter(pk__in=list(snapshots)).order_by("-at")
    told = kept.values_list("at", "content__obligations")
    return [(at, RollUp.of(_kept_results(under, words))) for at, words in told]


def _out_of_date() -> list[CheckResult]:
    """The figures that are stale or missing of checks with a function, the oldest first."""
    there = _results().rows
    # Another version of Verne may ask differently.
    good = {
        k for k, row in there.items() if not row.stale and row.inputs.get("verne") == __version__
    }
    waiting = [
        there.get(key) or CheckResult(key=key)
        for key in catalogue().checks
        if key in answers and key not in good
    ]
    return sorted(waiting, key=lambda row: (row.stale and row.computed_at) or NEVER)


def _rows(keys: list[str]) -> list[CheckResult]:
    there = CheckResult.objects.in_bulk(keys)
    return [there.get(key) or CheckResult(key=key) for key in keys]


def _run(
    keys: list[str],
    some: Collection[str],
    *,
    why: Run.Why,
    by: Person | None,
    budget: float | None,
    progress: Progress | None,
    at: datetime | None = None,
) -> Run:
    """Compute these checks; of `some` of them only what has changed is counted."""
    started_at = timezone.now()
    at = at or started_at
    values = InForce.at(at)
    generations = _prepared(keys)
    inputs = _inputs(values)
    began = time.monotonic()
    figures: list[Figure] = []
    with Readings(summed(some)) as readings:
        for number, key in enumerate(sorted(keys, key=readings.nearness)):
            if progress:
                progress(number, len(keys), key)
            figures.append(_computed(values.catalogue.checks[key], values, readings, at=at))
            if budget is not None and time.monotonic() - began > budget:
                break
    if progress:
        progress(len(figures), len(keys), "")
    text = json.dumps(inputs, sort_keys=True)
    with transaction.atomic():
        run = Run.objects.create(
            at=at,
            started_at=started_at,
            by=by,
            why=why,
            inputs=inputs,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            checks=len(figures),
            queries=sum(f.queries for f in figures),
            milliseconds=round((time.monotonic() - began) * 1000),
        )
        _store(figures, generations, run)
    return run


def _computed(check: Check, values: InForce, readings: Readings, *, at: datetime) -> Figure:
    """The figure of a check, of which all or only what has changed is counted."""
    if known := readings.sums.get(check.key):
        readings.see(check.key)
        try:
            changed = partial(count_changed, known=known)
            return compute(check, values, at=at, counter=changed, whole=False)
        except NotOneByOne:
            log.info("%s has to be counted whole.", check.key)
    readings.end()
    if answers[check.key].each is None or not many_records():
        return compute(check, values, at=at)
    return compute(check, values, at=at, counter=partial(count, by_block=True))


def _affordable(
    rows: list[CheckResult], some: Mapping[str, int], budget: float
) -> list[CheckResult]:
    """Those that fit into so many seconds, by what each cost when it was last computed.

    One that is slow on many records is left to the background instead of holding up a page; so is
    one that was never computed, where there are so many records that it might be.
    """
    unknown = 0
    if any(row.computed_at is None for row in rows) and how_many() * SLOW > budget * 1000:
        unknown = int(budget * 1000) + 1
    chosen: list[CheckResult] = []
    left = budget * 1000
    for row in rows:
        usual = unknown if row.computed_at is None else row.milliseconds
        if (needed := some.get(row.key, usual)) <= left:
            left -= needed
            chosen.append(row)
    return chosen


def _prepared(keys: list[str]) -> dict[str, int]:
    """Make sure that each key has a row, and note its generation before reading any record."""
    have = _generations(keys)
    if missing := [key for key in keys if key not in have]:
        CheckResult.objects.bulk_create(
            [CheckResult(key=key) for key in missing], ignore_conflicts=True
        )
        have = _generations(keys)
    return have


def _generations(keys: list[str]) -> dict[str, int]:
    return dict(CheckResult.objects.filter(key__in=keys).values_list("key", "generation"))


def _store(figures: list[Figure], generations: Mapping[str, int], run: Run) -> None:
    """Write the figures, except where a record changed meanwhile: those stay out of date."""
    computed_at = timezone.now()
    rows = {
        row.key: row
        for row in CheckResult.objects.select_for_update().filter(
            key__in=[figure.key for figure in figures]
        )
    }
    changed, counted = [], {}
    for figure in figures:
        row = rows.get(figure.key)
        if row is None or row.generation != generations[figure.key]:
            continue
        row.outcome = figure.outcome.value
        row.population, row.exceptions = figure.population, figure.exceptions
        row.note, row.fault, row.inputs = figure.note, figure.fault, figure.inputs
        row.queries, row.milliseconds = figure.queries, figure.milliseconds
        row.at, row.computed_at, row.run, row.stale = figure.at, computed_at, run, False
        if figure.counted is None or figure.counted.whole:
            sums = figure.counted is not None and figure.counted.blocks is not None
            row.counted_whole_at = computed_at if sums else None
            row.whole_milliseconds = figure.milliseconds
        if figure.counted is not None and figure.counted.blocks is not None:
            counted[figure.key] = figure.counted
        changed.append(row)
    keep(counted)
    # As new rows that meet the old: composing an update of so many columns takes 50 ms.
    columns = [f.name for f in CheckResult._meta.concrete_fields if not f.primary_key]
    CheckResult.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["key"], update_fields=columns
    )


def _inputs(values: InForce) -> dict[str, Any]:
    """What a run rests on, so that somebody else can repeat it."""
    return {
        "standard": values.catalogue.standard.id,
        "catalogue": catalogue_digest(),
        "last_act": Act.objects.order_by("-pk").values_list("pk", flat=True).first() or 0,
        "adjusted": {
            f"{what}:{key}": a.value for (what, key), a in sorted(values.adjusted.items())
        },
    }


@cache
def catalogue_digest() -> str:
    return hashlib.sha256((STANDARDS / f"{EDITION}.yaml").read_bytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class Rows:
    """What is stored of the checks, by key."""

    by_key: Mapping[str, CheckResult]


@dataclass(frozen=True)
class Results:
    """The same as figures, for the checks that have a function."""

    rows: Mapping[str, CheckResult]
    figures: Mapping[str, Figure]
    outcomes: Mapping[str, Outcome]


_stored: Remembered[Rows] = Remembered(
    CheckResult.objects.all, lambda rows: Rows({row.key: row for row in rows})
)


def _results() -> Results:
    return _read(_stored.answer(), frozenset(answers))


@lru_cache(maxsize=2)
def _read(rows: Rows, answered: frozenset[str]) -> Results:
    found = rows.by_key
    figures = {key: _figure(key, found.get(key)) for key in original().checks}
    return Results(found, figures, {key: figure.outcome for key, figure in figures.items()})


def _figure(key: str, row: CheckResult | None) -> Figure:
    if key not in answers:
        return Figure(key, Outcome.NOT_YET_COMPUTED)
    if row is None or row.computed_at is None:
        return Figure(key, Outcome.NOT_YET_COMPUTED, stale=True)
    return Figure(
        key,
        Outcome(row.outcome),
        row.population,
        row.exceptions,
        note=row.note,
        fault=row.fault,
        at=row.at,
        computed_at=row.computed_at,
        run=row.run_id,
        inputs=row.inputs,
        queries=row.queries,
        milliseconds=row.milliseconds,
        stale=row.stale,
        generation=row.generation,
        counted_whole_at=row.counted_whole_at,
    )


def _attestation_json(row: Attestation | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "ref": row.ref,
        "judgement": row.judgement,
        "statement": row.statement,
        "signed_by": str(row.signed_by),
        "signed_at": row.signed_at.isoformat() if row.signed_at else None,
        "valid_until": row.valid_until.isoformat() if row.valid_until else None,
    }


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "result": figure.outcome,
        "population": figure.population,
        "exceptions": figure.exceptions,
    }


def _content(statement: Statement) -> dict[str, Any]:
    """What a snapshot keeps: figures of the computed checks, every result, who lacks an owner."""
    values = InForce.at(statement.at)
    return {
        "catalogue": catalogue_digest(),
        "checks": {
            key: [f.outcome, f.population, f.exceptions, examples(f, values)]
            for key, f in statement.figures.items()
            if f.outcome.computed
        },
        "obligations": {id: v.result for id, v in statement.judgement.verdicts.items()},
        "universal": _failing(statement.universal),
    }


def examples(figure: Figure, values: InForce) -> list[int]:
    """Cover sheets of the first exceptions, so that the past can name records."""
    if not figure.exceptions or figure.at is None:
        return []
    evidence = ask(values.catalogue.checks[figure.key], values, at=figure.at)
    if evidence is None or not issubclass(evidence.exceptions.model, Sheet):
        return []
    keys = evidence.exceptions.order_by("pk").values_list("pk", flat=True)
    return list(keys[:EXAMPLES])


def _failing(universal: Universal) -> dict[str, list[str]]:
    """By computed universal condition: the requirements that fail it."""
    failing: dict[str, list[str]] = {}
    for id, found in universal.items():
        for check, seen in found.items():
            if not seen.computed:
                continue
            failing.setdefault(check.key, [])
            if seen is Outcome.FAILS:
                failing[check.key].append(id)
    return failing


def _kept_figure(key: str, content: Mapping[str, Any], at: datetime) -> Figure:
    kept = content["checks"].get(key)
    if kept is None:
        return Figure(key, Outcome.NOT_YET_COMPUTED, at=at)
    word, population, exceptions, examples = kept
    return Figure(
        key,
        Outcome(word),
        population,
        exceptions,
        at=at,
        computed_at=at,
        examples=tuple(examples),
    )


def _kept_results(ids: Iterable[str], words: Mapping[str, str]) -> Iterator[Result]:
    """The results of some requirements in a snapshot."""
    for id in ids:
        # A requirement the snapshot does not know came with a later edition of the catalogue.
        yield Result(words.get(id, Result.NOT_YET_COMPUTED))


def _kept_verdict(
    requirement: Requirement,
    content: Mapping[str, Any],
    figures: Mapping[str, Figure],
    universal: Mapping[UniversalCheck, Outcome],
) -> Verdict:
    (result,) = _kept_results([requirement.id], content["obligations"])
    outcomes = {check.key: figures[check.key].outcome for check in requirement.checks}
    return Verdict(requirement, result, outcomes, {c.key: seen for c, seen in universal.items()})
