"""What the page of a nonconformity shows of its own: causes, actions, and what shows success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.rights import may, scope
from verne.sms.improvement.nonconformity import causes
from verne.sms.improvement.nonconformity.action import CorrectiveAction
from verne.sms.improvement.nonconformity.models import Nonconformity
from verne.sms.improvement.nonconformity.observation import Observation, is_unaltered
from verne.web import components, phrases, show
from verne.web.own import shown_on
from verne.web.pages.standard.shown import worded
from verne.web.parts import Column, Fact, Row, Table

if TYPE_CHECKING:
    from django.utils.safestring import SafeString
    from django_stubs_ext import StrOrPromise

FAILS_OR_HOLDS = (gettext_lazy("Held"), gettext_lazy("Failed"))
AS_EXPECTED_OR_NOT = (gettext_lazy("As expected"), gettext_lazy("Not as expected"))

SHOWN = 40
"""Records named beside a figure; how many more there are is said."""


@dataclass(frozen=True)
class Seen:
    """What a check or a list showed at an instant, with the records this reader may see."""

    asks: str
    url: str
    source: str
    words: str
    verdict: SafeString | str
    at: Any = None
    records: tuple[Any, ...] = ()
    more: int = 0
    sha256: str = ""
    sealed: str = ""


@dataclass(frozen=True)
class Part:
    """Everything the template shows."""

    tree: list[causes.Node]
    causes_url: str
    asks_for_causes: bool
    actions: Table | None
    plan_url: str
    asks_for_actions: bool
    success: list[Fact]
    first: Seen | None
    now: Seen | None
    last: Seen | None


TOLD_HERE = (
    "causes",
    "success_criterion",
    "proof",
    "proof_check",
    "proof_list",
    "proof_expects",
    "proof_number",
    "verifier",
    "verify_after_days",
)


@shown_on("improvement.nonconformity", "nonconformities/part.html", instead_of=TOLD_HERE)
def part(nonconformity: Nonconformity, person: Person) -> dict[str, Any]:
    revises = nonconformity.is_open and may(person, "revise", Nonconformity)
    plans = nonconformity.is_open and may(person, "file", CorrectiveAction)
    first, last = nonconformity.seen_first, nonconformity.seen_last
    return vars(
        Part(
            tree=causes.tree(nonconformity.causes.all()),
            causes_url=reverse("nonconformity-causes", args=[nonconformity.ref]) if revises else "",
            asks_for_causes=nonconformity.state == "corrected",
            actions=_actions(nonconformity, person),
            plan_url=f"/corrective-actions/new?nonconformity={nonconformity.ref}" if plans else "",
            asks_for_actions=nonconformity.state == "analysed",
            success=_success(nonconformity),
            first=_seen(first, person, words=FAILS_OR_HOLDS) if first else None,
            now=_proof_now(nonconformity, person),
            last=_seen(last, person, met=nonconformity.is_as_expected(last)) if last else None,
        )
    )


# --- Actions -------------------------------------------------------------------------------------


def _actions(nonconformity: Nonconformity, person: Person) -> Table | None:
    visible = CorrectiveAction.objects.visible_to(person).standing()
    rows = list(visible.filter(nonconformity=nonconformity).select_related("owner").order_by("pk"))
    if not rows:
        return None
    several = any(action.round > 1 for action in rows)
    columns = [
        Column(label=_("Reference")),
        Column(label=_("Action"), wide=True),
        Column(label=_("Type"), minor=True),
        Column(label=_("State")),
        Column(label=_("Owner"), minor=True),
        Column(label=_("Due")),
    ]
    if several:
        columns.append(Column(label=_("Round"), numeric=True))
    return Table(
        caption=_("Actions"),
        columns=columns,
        rows=[_action(action, several=several) for action in rows],
    )


def _action(action: CorrectiveAction, *, several: bool) -> Row:
    kinds = {
        "correction": _("Correction"),
        "corrective": _("Corrective"),
        "preventive": _("Preventive"),
    }
    cells = [
        components.ref(action.ref),
        action.title,
        kinds.get(action.type, action.type),
        show.state(action),
        components.person(action.owner),
        show.due(action.due_at, open=action.is_open),
    ]
    if several:
        cells.append(phrases.number(action.round))
    return Row(cells=cells, title=action.ref)


# --- What success means --------------------------------------------------------------------------


def _success(nonconformity: Nonconformity) -> list[Fact]:
    """The criterion, who verifies from when on, and how often it did not help."""
    if not nonconformity.success_criterion:
        return []
    facts = [
        Fact(label=_("Criterion"), value=nonconformity.success_criterion, prose=True),
        Fact(label=_("Verifier"), value=show.value(nonconformity.verifier)),
    ]
    if day := nonconformity.verify_from:
        facts.append(Fact(label=_("Verified from"), value=phrases.day(day)))
    else:
        days = nonconformity.verify_after_days
        wait = ngettext("%(n)d day after the last action", "%(n)d days after the last action", days)
        facts.append(Fact(label=_("Verified from"), value=wait % {"n": days}))
    if nonconformity.ineffective_times:
        facts.append(
            Fact(
                label=_("Did not help"),
                value=ngettext("%(n)d time", "%(n)d times", nonconformity.ineffective_times)
                % {"n": nonconformity.ineffective_times},
            )
        )
    return facts


def _proof_now(nonconformity: Nonconformity, person: Person) -> Seen | None:
    """The query asked anew, while its answer still matters."""
    if not nonconformity.is_open or not nonconformity.success_criterion:
        return None
    seen = nonconformity.proof_now(person, timezone.now())
    if seen is None:
        return None
    return _seen(seen, person, met=nonconformity.is_as_expected(seen), frozen=False)


# --- What was seen -------------------------------------------------------------------------------


def _seen(
    seen: Observation,
    person: Person,
    *,
    met: bool | None = None,
    frozen: bool = True,
    words: tuple[StrOrPromise, StrOrPromise] = AS_EXPECTED_OR_NOT,
) -> Seen:
    kind, _colon, name = seen.source.partition(":")
    holds = seen.holds if met is None else met
    refs = [text.partition(" · ")[0] for text in seen.names[:SHOWN]]
    there = Sheet.objects.filter(scope(person, Sheet), ref__in=refs)
    records = tuple((s.ref, s.get_absolute_url(), s.title) for s in there.order_by("pk"))
    return Seen(
        asks=worded(seen.asks),
        url=reverse("standard-check", args=[name]) if kind == "check" else f"/{name.lstrip('/')}",
        source=name,
        words=_figure(seen, check=kind == "check"),
        verdict=components.verdict("met" if holds else "gap", words[0] if holds else words[1]),
        at=seen.at,
        records=records,
        more=seen.found - len(records),
        sha256=seen.sha256 if frozen else "",
        sealed=_sealed(seen) if frozen else "",
    )


def _figure(seen: Observation, *, check: bool) -> str:
    if not check:
        said = ngettext("%(n)s record on the list", "%(n)s records on the list", seen.found)
        return said % {"n": phrases.number(seen.found)}
    if not seen.population:
        return _("There was nothing to look at.")
    return _("%(found)s of %(all)s records break it") % {
        "found": phrases.number(seen.found),
        "all": phrases.number(seen.population),
    }


def _sealed(seen: Observation) -> str:
    unaltered = is_unaltered(seen)
    if unaltered is None:
        return _("Only the first names are kept, so the hash cannot be computed again here.")
    return "" if unaltered else _("The names do not give this hash: they were altered.")
