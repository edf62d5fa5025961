"""The values conditions are judged by: the catalogue's, or what the organization set instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.evidence import Asked

from .catalogue import Catalogue, Check, Parameter, Requirement, catalogue
from .duration import Duration
from .marking import mark_checks
from .models import Adjustment, CheckResult

if TYPE_CHECKING:
    from verne.engine.people import Person

RIGHT = "conformity.adjust_parameters"
KIND = "conformity.adjustment"
LONGEST = Duration.parse("P10Y")


class Looked(dict[str, timedelta | Decimal]):
    """Every parameter, remembering which of them an answer looked at."""

    def __init__(self, values: Mapping[str, timedelta | Decimal]) -> None:
        super().__init__(values)
        self.used: set[str] = set()

    def __getitem__(self, key: str) -> timedelta | Decimal:
        self.used.add(key)
        return super().__getitem__(key)


@dataclass(frozen=True)
class InForce:
    """The adjustments in force at an instant, over the catalogue's defaults."""

    catalogue: Catalogue
    adjusted: Mapping[tuple[str, str], Adjustment]

    @classmethod
    def at(cls, at: datetime) -> InForce:
        return cls(catalogue(), Adjustment.objects.in_force(at))

    def adjustment(self, what: str, key: str) -> Adjustment | None:
        """The adjustment that counts, None where the default does."""
        found = self.adjusted.get((what, key))
        return found if found and found.value else None

    def parameter(self, key: str) -> Duration | Decimal:
        parameter = self.catalogue.parameters[key]
        adjusted = self.adjustment(Adjustment.What.PARAMETER, key)
        return _read(parameter, adjusted.value) if adjusted else parameter.default

    def frequency(self, requirement: Requirement) -> Duration | None:
        """The planned interval of an obligation; None where it is event-driven."""
        if requirement.frequency is None:
            return None
        adjusted = self.adjustment(Adjustment.What.FREQUENCY, requirement.id)
        return Duration.parse(adjusted.value) if adjusted else requirement.frequency.interval

    def interval(self, check: Check) -> Duration | None:
        """The planned interval of a check: the shortest of the obligations that use it.

        A check is computed once; whoever passes the strictest of its intervals passes them all.
        """
        planned = [self.frequency(r) for r in self.catalogue.requirements_using(check.key)]
        return min((interval for interval in planned if interval), default=None)

    def asked(self, check: Check, at: datetime) -> Asked:
        """The question to put to a check at an instant, with its values."""
        interval = self.interval(check)
        return Asked(
            at=at,
            interval=interval.until(at) if interval else None,
            parameters=Looked({p: _at(self.parameter(p), at) for p in self.catalogue.parameters}),
        )

    def told(self, check: Check, asked: Asked) -> dict[str, Any]:
        """The values an answer looked at, as they are kept beside its result."""
        interval = self.interval(check)
        used = asked.parameters.used if isinstance(asked.parameters, Looked) else set()
        return {
            "interval": str(interval) if interval else None,
            "parameters": {p: str(self.parameter(p)) for p in sorted(used)},
        }


def adjust(what: str, key: str, value: str, *, by: Person, why: str) -> Adjustment:
    """Set a parameter or a planned interval; an empty value returns to the default."""
    if not by.may(RIGHT):
        raise PermissionDenied(_("Your roles do not let you adjust how conformity is judged."))
    value = value.strip()
    _refuse_unknown(what, key)
    if value:
        value = _tidied(what, key, value)
    if not why.strip():
        raise ValidationError({"why": _("Say why this value fits your organization.")})
    with act("adjust", by=by, name=key[:60], note=why.strip(), kind=KIND) as work:
        adjustment: Adjustment = Adjustment.objects.create(
            what=what, key=key, value=value, why=why.strip(), by=by, at=work.act.at
        )
        mark_checks(checks_of(adjustment))
    return adjustment


def checks_of(adjustment: Adjustment) -> set[str]:
    """The checks whose question an adjustment changes: those named, and those that looked at it."""
    standard, key = catalogue(), adjustment.key
    if adjustment.what == Adjustment.What.FREQUENCY:
        return {check.key for check in standard.requirements[key].checks}
    looked = CheckResult.objects.filter(inputs__parameters__has_key=key)
    return {*standard.parameters[key].checks, *looked.values_list("key", flat=True)}


def _refuse_unknown(what: str, key: str) -> None:
    standard = catalogue()
    if what == Adjustment.What.PARAMETER and key in standard.parameters:
        return
    if what == Adjustment.What.FREQUENCY and key in standard.requirements:
        if standard.requirements[key].frequency:
            return
        raise ValidationError(
            _("%(requirement)s has no planned interval that could be changed.")
            % {"requirement": standard.requirements[key].cite}
        )
    raise ValidationError(_("The catalogue has no %(key)s to adjust.") % {"key": key})


def _tidied(what: str, key: str, value: str) -> str:
    """The value as it is kept, or a refusal that says what to write."""
    parameter = catalogue().parameters.get(key) if what == Adjustment.What.PARAMETER else None
    if parameter and isinstance(parameter.default, Decimal):
        try:
            number = Decimal(value.replace(",", "."))
        except InvalidOperation:
            raise ValidationError({"value": _("Write a number such as 0.8 or 3.")}) from None
        most = 1 if parameter.default <= 1 else 100
        if not 0 < number <= most:
            raise ValidationError(
                {"value": _("Write a number above 0 and up to %(most)s.") % {"most": most}}
            )
        return str(number)
    try:
        duration = Duration.parse(value.upper())
    except ValueError:
        raise ValidationError(
            {"value": _("Write a duration such as P30D (30 days), P3M (3 months) or PT4H.")}
        ) from None
    if duration == Duration() or duration > LONGEST:
        raise ValidationError({"value": _("Write a duration above zero and up to ten years.")})
    return str(duration)


def _read(parameter: Parameter, text: str) -> Duration | Decimal:
    return Duration.parse(text) if isinstance(parameter.default, Duration) else Decimal(text)


def _at(value: Duration | Decimal, at: datetime) -> timedelta | Decimal:
    return value.until(at) if isinstance(value, Duration) else value


def now_in_force() -> InForce:
    return InForce.at(timezone.now())
