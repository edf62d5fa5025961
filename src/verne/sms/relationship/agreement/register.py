"""How agreements and their measured results are listed, filed and shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from verne.engine.clock import Clock
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.register import Column, Panel, Register, Section
from verne.engine.rights import ALL, READ, WORK, scope

# Imported for what they enrol: jobs, and the finder that clocks ask.
from . import days as days
from . import measuring as measuring
from . import targets as targets
from .models import Agreement, MeasurementCorrection, ServiceLevelMeasurement

WINDOWS_SHOWN = 12
MISSED_SHOWN = 50

READERS = dict.fromkeys(
    (
        "service_portfolio_manager",
        "service_catalogue_manager",
        "service_desk_agent",
        "incident_manager",
        "major_incident_manager",
        "request_manager",
        "problem_manager",
        "top_management",
        "process_owner",
        "internal_auditor",
        "audit_manager",
        "reader",
        "customer_manager",
    ),
    READ,
)


def results(agreement: Agreement, person: Person) -> list[tuple[Any, ...]]:
    """Each target in each window, the latest first, with what the goal asks."""
    rows = _latest(agreement, subject="target").select_related("agreement", "target")
    return [
        (
            row.label,
            _days(row),
            say("%(within)d of %(counted)d") % {"within": row.within or 0, "counted": row.counted},
            percent(row.value),
            percent(row.limit),
            _verdict(row),
        )
        for row in rows
    ]


def workload(agreement: Agreement, person: Person) -> list[tuple[Any, ...]]:
    """How many incidents and requests came each month, and how many more than the month before."""
    rows = list(_latest(agreement).exclude(subject="target"))
    before = {(row.subject, row.window_end): row for row in rows}
    return [
        (
            row.label,
            _days(row),
            str(row.counted),
            _trend(row, before.get((row.subject, row.window_start))),
            "" if row.limit is None else str(int(row.limit)),
            _verdict(row),
        )
        for row in rows
    ]


def missed(agreement: Agreement, person: Person) -> list[tuple[Any, ...]]:
    """The records behind the misses: clocks that ran past their due time, the latest first."""
    clocks = Clock.objects.filter(
        agreement=agreement.pk, breached_at__isnull=False, record__withdrawn_at=None
    ).exclude(state=Clock.State.CANCELLED)
    seen = Sheet.objects.filter(scope(person, Sheet), pk__in=clocks.values("record"))
    late = clocks.filter(record__in=seen).select_related("record").order_by("-breached_at", "-pk")
    names = {target.pk: str(target) for target in agreement.targets.all()}
    return [
        (
            clock.record,
            names.get(clock.target_id or 0, clock.measure),
            clock.due_at,
            clock.stopped_at or say("still open"),
        )
        for clock in late[:MISSED_SHOWN]
    ]


def corrections(agreement: Agreement, person: Person) -> list[tuple[Any, ...]]:
    """What is said to be wrong with a computed figure, and whether a second person agreed."""
    rows = MeasurementCorrection.objects.visible_to(person).standing()
    mine = rows.filter(measurement__agreement=agreement)
    return [
        (
            row,
            str(row.measurement),
            percent(row.measurement.value),
            percent(row.corrected_value),
            row.state_label,
        )
        for row in mine.select_related("measurement__agreement", "measurement__target")
    ]


def versions(agreement: Agreement, person: Person) -> list[tuple[Any, ...]]:
    """Every version of the agreement, the latest first."""
    family = Agreement.objects.visible_to(person).filter(
        pk__in=[agreement.pk, *agreement.family_members().values_list("pk", flat=True)]
    )
    return [
        (
            other,
            str(other.version_number),
            other.state_label,
            other.in_force_since,
            other.in_force_until,
        )
        for other in family.order_by("-version_number", "-pk")
    ]


def _latest(agreement: Agreement, **of: Any) -> Any:
    """Measurements of the last windows."""
    rows = agreement.measurements.filter(**of)
    firsts = rows.order_by("-window_start").values_list("window_start", flat=True).distinct()
    return rows.filter(window_start__in=list(firsts[:WINDOWS_SHOWN])).order_by(
        "-window_start", "subject", "target_id"
    )


def _days(row: ServiceLevelMeasurement) -> str:
    first = formats.date_format(row.window_start, "SHORT_DATE_FORMAT")
    months = (row.window_end.year - row.window_start.year) * 12
    months += row.window_end.month - row.window_start.month
    if months == 1:
        return formats.date_format(row.window_start, "YEAR_MONTH_FORMAT")
    return say("%(months)d months from %(first)s") % {"months": months, "first": first}


def percent(value: Decimal | None) -> str:
    """With every decimal that says something, and no more: a goal of 99.95 is not 99.9."""
    if value is None:
        return ""
    decimals = -min(0, int(Decimal(value).normalize().as_tuple().exponent))
    return say("%(value)s %%") % {"value": formats.number_format(value, decimal_pos=decimals)}


def _verdict(row: ServiceLevelMeasurement) -> str:
    if row.reached is None:
        return say("No limit agreed")
    return say("Reached") if row.reached else say("Missed")


def _trend(row: ServiceLevelMeasurement, before: ServiceLevelMeasurement | None) -> str:
    if before is None:
        return ""
    return f"{row.counted - before.counted:+d}"


class AgreementRegister(Register):
    model = Agreement
    prefix = "SLA"
    slug = "agreements"
    clauses = ("8.3.3",)
    purpose = _("What is agreed with each customer: services, targets, workload and exceptions.")
    first_step = _("Draft the agreement your customer believes to have already.")
    columns = (
        "ref",
        "title",
        "customer",
        "version_number",
        "state",
        "valid_from",
        "valid_until",
        "review_due",
        "owner",
    )
    filters = ("state", "customer", "services", "owner")
    search = ("title", "workload_limits", "exceptions", "customer_signatory")
    filing = (
        "title",
        "customer",
        "owner",
        "services",
        "requirements",
        "previous",
        "valid_from",
        "valid_until",
        "review_due",
        "workload_limits",
        "monthly_incidents",
        "monthly_requests",
        "exceptions",
        "no_exceptions",
        "pauses",
        "support_fit",
    )
    sections = (
        Section(
            _("Agreement"), "title", "customer", "owner", "services", "requirements", "previous"
        ),
        Section(_("When it holds"), "valid_from", "valid_until", "review_due"),
        Section(
            _("What it allows for"),
            "workload_limits",
            "monthly_incidents",
            "monthly_requests",
            "exceptions",
            "no_exceptions",
            "pauses",
        ),
        Section(_("What it rests on"), "support_fit"),
        Section(
            _("Signatures"), "signed_by", "signed_on", "customer_signatory", "customer_signed_on"
        ),
    )
    parts = ("targets",)
    panels = (
        Panel(
            _("Results"),
            (_("Target"), _("Window"), _("Within"), _("Share"), _("Goal"), _("Verdict")),
            results,
        ),
        Panel(
            _("Workload"),
            (
                _("Records"),
                _("Month"),
                pgettext_lazy("how many", "Number"),
                _("Trend"),
                _("Limit"),
                _("Verdict"),
            ),
            workload,
        ),
        Panel(_("Missed"), (_("Record"), _("Target"), _("Due"), _("Done")), missed),
        Panel(
            _("Corrections"),
            (_("Correction"), _("Measurement"), _("Computed"), _("Corrected"), _("State")),
            corrections,
        ),
        Panel(
            _("Versions"),
            (_("Agreement"), _("Version"), _("State"), _("In force since"), _("Until")),
            versions,
        ),
    )
    documented = {"sla": ("in_force", "under_review")}
    roles = {
        **READERS,
        "service_level_manager": ALL,
        "sms_manager": ALL,
        "business_relationship_manager": (*WORK, "negotiate", "redraft"),
        "service_owner": (*READ, "comment"),
    }


class MeasurementCorrectionRegister(Register):
    model = MeasurementCorrection
    prefix = "SLC"
    slug = "measurement-corrections"
    clauses = ("8.3.3",)
    purpose = _("Where a computed result should not stand: why, and who else agrees.")
    first_step = _("There is nothing to do while the computed results are right.")
    columns = (
        "ref",
        "title",
        Column(
            "measured",
            _("Measurement"),
            lambda correction: str(correction.measurement),
            needs=("measurement__agreement", "measurement__target"),
        ),
        Column(
            "computed",
            _("Computed"),
            lambda correction: percent(correction.measurement.value),
            needs=("measurement",),
        ),
        Column("corrected", _("Corrected"), lambda correction: percent(correction.corrected_value)),
        "state",
        "owner",
    )
    filters = ("state", "owner")
    search = ("title", "reason")
    sections = (
        Section(_("Correction"), "title", "measurement", "corrected_value", "reason", "owner"),
    )
    roles = {
        **READERS,
        "service_level_manager": ALL,
        "sms_manager": ALL,
        "business_relationship_manager": (*READ, "comment", "agree"),
        "service_owner": (*WORK, "agree"),
    }

    @classmethod
    def allowed(cls, person: Person, field: str) -> Any | None:
        """Measurements of agreements that this person may see."""
        if field != "measurement":
            return None
        seen = Agreement.objects.visible_to(person)
        rows = ServiceLevelMeasurement.objects.filter(agreement__in=seen)
        return rows.select_related("agreement", "target").order_by("-window_start", "-pk")
