"""From the evidence of single checks to the results of obligations, sentences and clauses.

The rules are those of `conventions.evidence` in the catalogue. Where they leave room, this is how
they are read:

* A check looks at a population and the exceptions in it. Exceptions fail it. A population without
  exceptions holds. An empty population never holds: it is *no data* when the record types read hold
  nothing at all, else *not exercised*; a condition of kind `exists` then fails, for it asks that
  there be something, unless the evidence says that its occasion never arose; one that rests on an
  attestation then awaits judgement.
* A condition of kind `attested` that names attestations holds only with an unexpired judgement,
  signed by who answers for the obligation. Exceptions fail it whatever was signed; a judgement that
  the obligation is not met fails it too; without one in force it awaits judgement.
* An obligation is conforming only when each of its own checks is computed and holds. When something
  computed fails, it is partly conforming or nonconforming by what the computed checks say, however
  many are still without a function. When nothing fails and some are without a function, it is
  *not yet computed*, shown with how many of how many are.
* Some checks hold and others found an empty population: partly conforming, because some hold.
  Only the attestation is missing, all else holds: awaiting judgement.
* Nothing in the population of any check: *not exercised* when the obligation applies in a situation
  only, or when a record type read holds something; *no data* otherwise.
* A universal condition with effect result counts like an own check once it fails; an open major
  nonconformity overrides everything. A universal condition that is not computed, or found nothing,
  alters nothing and is shown. One with effect assurance never alters a result.
* A group shows its counts and its worst result. *Not exercised* stands just above *conforming*: it
  asks for nothing, yet keeps a group from being called conforming without a look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from .catalogue import Catalogue, Check, Clause, Effect, Kind, Requirement, UniversalCheck

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ATTESTATION = "attestation"
"""The record type that carries a signed judgement."""


class Outcome(StrEnum):
    """What one check found."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_EXERCISED = "not exercised"
    NO_DATA = "no data"
    AWAITING_JUDGEMENT = "awaiting judgement"
    NOT_YET_COMPUTED = "not yet computed"

    @property
    def label(self) -> StrOrPromise:
        return OUTCOME_LABELS[self]

    @property
    def slug(self) -> str:
        return self.value.replace(" ", "-")

    @property
    def computed(self) -> bool:
        return self is not Outcome.NOT_YET_COMPUTED


class Result(StrEnum):
    """What the checks of an obligation say together, worst first."""

    NONCONFORMING = "nonconforming"
    PARTLY_CONFORMING = "partly conforming"
    NO_DATA = "no data"
    AWAITING_JUDGEMENT = "awaiting judgement"
    NOT_YET_COMPUTED = "not yet computed"
    NOT_EXERCISED = "not exercised"
    CONFORMING = "conforming"

    @property
    def label(self) -> StrOrPromise:
        return RESULT_LABELS[self]

    @property
    def meaning(self) -> StrOrPromise:
        return RESULT_MEANINGS[self]

    @property
    def slug(self) -> str:
        return self.value.replace(" ", "-")


WORST_FIRST = tuple(Result)


class Judged(StrEnum):
    """What the accountable person signed about an obligation that asks for a judgement."""

    MET = "met"
    NOT_MET = "not met"
    OPEN = "open"


def outcome(
    check: Check,
    *,
    population: int,
    exceptions: int,
    anything_recorded: bool,
    arose: bool = True,
    judged: Judged | None = None,
) -> Outcome:
    """What a check says, given how much it looked at and how much of that breaks it.

    `arose` is False when the evidence itself knows that there was no occasion. `judged` is what the
    accountable person signed, where the check asks for that.
    """
    if exceptions or judged is Judged.NOT_MET:
        return Outcome.FAILS
    if judged is not None:
        return Outcome.HOLDS if judged is Judged.MET else Outcome.AWAITING_JUDGEMENT
    if population:
        return Outcome.HOLDS
    if check.kind is Kind.ATTESTED and ATTESTATION in check.reads:
        return Outcome.AWAITING_JUDGEMENT
    if not arose:
        return Outcome.NOT_EXERCISED
    if not anything_recorded:
        return Outcome.NO_DATA
    return Outcome.FAILS if check.kind is Kind.EXISTS else Outcome.NOT_EXERCISED


@dataclass(frozen=True)
class Verdict:
    """The result of one obligation with the checks it rests on."""

    requirement: Requirement
    result: Result
    outcomes: Mapping[str, Outcome]
    """By key: the obligation's own checks in their order."""
    universal: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return len(self.outcomes)

    @property
    def computed(self) -> int:
        return sum(found.computed for found in self.outcomes.values())

    def keys(self, *wanted: Outcome) -> tuple[str, ...]:
        """The own checks that found one of these."""
        return tuple(key for key, found in self.outcomes.items() if found in wanted)

    @property
    def failing(self) -> tuple[str, ...]:
        return self.keys(Outcome.FAILS)

    @property
    def not_yet_computed(self) -> tuple[str, ...]:
        return self.keys(Outcome.NOT_YET_COMPUTED)


def verdict(
    requirement: Requirement,
    found: Mapping[str, Outcome],
    *,
    universal: Mapping[UniversalCheck, Outcome] | None = None,
    major_open: bool = False,
) -> Verdict:
    """Judge an obligation; a check that `found` does not name has no function yet."""
    own = {c.key: found.get(c.key, Outcome.NOT_YET_COMPUTED) for c in requirement.checks}
    universal = universal or {}
    broken = major_open or any(
        check.effect is Effect.RESULT and seen is Outcome.FAILS for check, seen in universal.items()
    )
    if major_open:
        result = Result.NONCONFORMING
    else:
        result = _judge(requirement, set(own.values()), broken=broken)
    return Verdict(requirement, result, own, {c.key: seen for c, seen in universal.items()})


def _judge(requirement: Requirement, seen: set[Outcome], *, broken: bool) -> Result:
    some_hold = Outcome.HOLDS in seen
    if broken or Outcome.FAILS in seen:
        return Result.PARTLY_CONFORMING if some_hold else Result.NONCONFORMING
    if Outcome.NOT_YET_COMPUTED in seen:
        return Result.NOT_YET_COMPUTED
    if seen == {Outcome.HOLDS}:
        return Result.CONFORMING
    if seen <= {Outcome.HOLDS, Outcome.AWAITING_JUDGEMENT}:
        return Result.AWAITING_JUDGEMENT
    if some_hold:
        return Result.PARTLY_CONFORMING
    # From here on nothing holds, nothing fails, and some population is empty.
    if requirement.applies_when or Outcome.NOT_EXERCISED in seen:
        return Result.NOT_EXERCISED
    return Result.NO_DATA


@dataclass(frozen=True)
class RollUp:
    """How many obligations came to which result."""

    counts: Mapping[Result, int]

    @classmethod
    def of(cls, results: Iterable[Result]) -> RollUp:
        counter = Counter(results)
        return cls({result: counter[result] for result in WORST_FIRST if counter[result]})

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def worst(self) -> Result | None:
        """The worst result there is; None where there is no obligation."""
        return next(iter(self.counts), None)

    @property
    def conforming(self) -> int:
        return self.counts.get(Result.CONFORMING, 0)

    @property
    def exercised(self) -> int:
        """All but those whose occasion never arose; what has no function yet stays in."""
        return self.total - self.counts.get(Result.NOT_EXERCISED, 0)

    @property
    def readiness(self) -> float | None:
        """The conforming share of what had an occasion; None where nothing had one."""
        return self.conforming / self.exercised if self.exercised else None

    def __getitem__(self, result: Result) -> int:
        return self.counts.get(result, 0)


def roll_up(verdicts: Iterable[Verdict]) -> RollUp:
    return RollUp.of(v.result for v in verdicts)


@dataclass(frozen=True, eq=False)
class Judgement:
    """The verdicts of a whole standard, and their sums by sentence, clause and whole.

    It equals nothing but itself.
    """

    catalogue: Catalogue
    verdicts: Mapping[str, Verdict]
    drawn: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    """What the pages made of it, for as long as the same judgement is shown."""

    def of(self, requirements: Iterable[Requirement]) -> tuple[Verdict, ...]:
        return tuple(self.verdicts[r.id] for r in requirements)

    def clause(self, clause: Clause) -> RollUp:
        """With its sub-clauses."""
        return roll_up(self.of(self.catalogue.requirements_under(clause.number)))

    def clauses(self) -> Mapping[str, RollUp]:
        return self._clauses

    @cached_property
    def _clauses(self) -> Mapping[str, RollUp]:
        return {number: self.clause(c) for number, c in self.catalogue.clauses.items()}

    def statement(self, statement: str) -> RollUp:
        return roll_up(self.of(self.catalogue.statements[statement]))

    def statements(self) -> RollUp:
        """How many sentences of obligation came to which result, each by its worst item."""
        worst = (self.statement(statement).worst for statement in self.catalogue.statements)
        return RollUp.of(result for result in worst if result)

    @cached_property
    def whole(self) -> RollUp:
        return roll_up(self.verdicts.values())


def judge(
    catalogue: Catalogue,
    found: Mapping[str, Outcome],
    *,
    universal: Mapping[str, Mapping[UniversalCheck, Outcome]] | None = None,
    major_open: frozenset[str] = frozenset(),
) -> Judgement:
    """Judge every obligation of a standard.

    `universal` gives, by requirement, what the universal conditions found; `major_open` names the
    requirements with an open major nonconformity.
    """
    universal = universal or {}
    return Judgement(
        catalogue,
        {
            id: verdict(
                requirement,
                found,
                universal=universal.get(id),
                major_open=id in major_open,
            )
            for id, requirement in catalogue.requirements.items()
        },
    )


OUTCOME_LABELS: Mapping[Outcome, StrOrPromise] = {
    Outcome.HOLDS: _("Holds"),
    Outcome.FAILS: _("Fails"),
    Outcome.NOT_EXERCISED: _("Not exercised"),
    Outcome.NO_DATA: _("No data"),
    Outcome.AWAITING_JUDGEMENT: _("Awaiting judgement"),
    Outcome.NOT_YET_COMPUTED: _("Not yet computed"),
}

RESULT_LABELS: Mapping[Result, StrOrPromise] = {
    Result.CONFORMING: _("Conforming"),
    Result.PARTLY_CONFORMING: _("Partly conforming"),
    Result.NONCONFORMING: _("Nonconforming"),
    Result.NOT_EXERCISED: _("Not exercised"),
    Result.NO_DATA: _("No data"),
    Result.AWAITING_JUDGEMENT: _("Awaiting judgement"),
    Result.NOT_YET_COMPUTED: _("Not yet computed"),
}

RESULT_MEANINGS: Mapping[Result, StrOrPromise] = {
    Result.CONFORMING: _("Every condition holds for the records there are."),
    Result.PARTLY_CONFORMING: _("Some conditions hold, others do not."),
    Result.NONCONFORMING: _("No condition holds, or a major nonconformity is open."),
    Result.NOT_EXERCISED: _("The situation it applies to has not arisen so far."),
    Result.NO_DATA: _("Nothing has been recorded that could show it."),
    Result.AWAITING_JUDGEMENT: _("Only the signed judgement of the accountable person is missing."),
    Result.NOT_YET_COMPUTED: _("Verne does not compute all conditions of this obligation yet."),
}
