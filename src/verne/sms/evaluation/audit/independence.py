"""Nobody audits their own work: who owns or worked on what an audit looks at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from verne.engine import roles
from verne.engine.history import Act
from verne.engine.moment import now
from verne.engine.people import Assignment, Person
from verne.engine.records import Sheet
from verne.engine.register import register_of
from verne.engine.requirements import obligations_within

from .clauses import covers, kinds_within, read

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from .models import Audit

LOOKING_BACK = timedelta(days=365)

WORK = ("file", "revise", "move", "approve", "withdraw")
"""Verbs that are work on a record; to look, to say something or to tie it to another is not."""

MOST = 4
"""Reasons told at once; the page of the audit lists all of them."""


@dataclass(frozen=True)
class Entanglement:
    """Why somebody cannot judge a clause: what they answer for, own or did, and an example."""

    person: Person
    clause: str
    reason: str
    example: str = ""
    """The reference of a record that shows it."""


def refusal(audit: Audit) -> StrOrPromise | None:
    """Why the team is not independent, in words that say what to do; None when it is."""
    if not audit.is_ours:
        return None
    found = entanglements(audit)
    if not found:
        return None
    told = [f"{e.person}, {e.clause}: {e.reason}" for e in found[:MOST]]
    more = len(found) - len(told)
    if more > 0:
        told.append(ngettext("and %d more", "and %d more", more) % more)
    return _("Nobody audits their own work. Give these areas to somebody else: %(why)s.") % {
        "why": "; ".join(told)
    }


def judged_by_person(audit: Audit) -> dict[Person, tuple[str, ...]]:
    """The clauses each auditor judges: those of their sessions, or all where none names them."""
    from .models import AuditMember

    team = audit.members.filter(duty__in=AuditMember.JUDGING).select_related("person")
    planned: dict[int, set[str]] = defaultdict(set)
    for auditor, clauses in audit.sessions.exclude(auditor=None).values_list("auditor", "clauses"):
        planned[auditor] |= set(read(clauses) or audit.numbers)
    return {
        member.person: tuple(sorted(planned.get(member.person_id) or audit.numbers))
        for member in team
    }


def entanglements(audit: Audit, at: datetime | None = None) -> list[Entanglement]:
    """Every reason why an auditor of the team is not independent; few queries, however many."""
    at = at or now()
    judged = judged_by_person(audit)
    if not judged:
        return []
    since = at - LOOKING_BACK
    found: list[Entanglement] = []
    found += _by_role(judged, since, at)
    kinds = kinds_within(clause for clauses in judged.values() for clause in clauses)
    without = _of_this_audit(audit) + _about_themselves(judged, kinds)
    found += _by_ownership(judged, kinds, since, without=without)
    found += _by_work(judged, kinds, since, at, without=without)
    order = {person.pk: n for n, person in enumerate(judged)}
    return sorted(found, key=lambda e: (order[e.person.pk], e.clause, e.reason))


def _by_role(
    judged: dict[Person, tuple[str, ...]], since: datetime, at: datetime
) -> list[Entanglement]:
    """Who holds, or held within the year, the role that answers for an obligation."""
    people = {person.pk: person for person in judged}
    held = Assignment.objects.filter(
        Q(until=None) | Q(until__gt=since), since__lte=at, person__in=people
    )
    roles_of: dict[int, set[str]] = defaultdict(set)
    for number, role in held.values_list("person", "role__key"):
        roles_of[number].add(role)
    found = []
    for person, clauses in judged.items():
        seen: set[tuple[str, str]] = set()
        for obligation in obligations_within(clauses):
            key = (_under(obligation.clause, clauses), obligation.owner_role)
            if obligation.owner_role not in roles_of[person.pk] or key in seen:
                continue
            seen.add(key)
            words = _("holds or held the role “%(role)s”, which answers for it") % {
                "role": roles.label(obligation.owner_role)
            }
            found.append(Entanglement(person, key[0], words))
    return found


def _by_ownership(
    judged: dict[Person, tuple[str, ...]],
    kinds: dict[str, tuple[str, ...]],
    since: datetime,
    *,
    without: list[int],
) -> list[Entanglement]:
    """Who owns records of the clauses that are open or were touched within the year."""
    rows = (
        Sheet.objects.filter(owner__in=judged, kind__in=kinds, withdrawn_at=None)
        .filter(Q(changed_at__gte=since) | _unfinished(kinds))
        .exclude(pk__in=without)
        .values("owner", "kind")
        .annotate(number=Count("pk"), newest=Max("pk"))
        .order_by("owner", "kind")
    )
    return _told(judged, kinds, [(r["owner"], r) for r in rows], owned=True)


def _unfinished(kinds: dict[str, tuple[str, ...]]) -> Q:
    open_ones = Q(pk__in=[])
    for kind in kinds:
        open_ones |= Q(kind=kind, state__in=register_of(kind).model.lifecycle.open_states())
    return open_ones


def _by_work(
    judged: dict[Person, tuple[str, ...]],
    kinds: dict[str, tuple[str, ...]],
    since: datetime,
    at: datetime,
    *,
    without: list[int],
) -> list[Entanglement]:
    """Who did something to records of the clauses within the year, by the history."""
    rows = (
        Act.objects.filter(
            by__in=judged, verb__in=WORK, at__gte=since, at__lte=at, record__kind__in=kinds
        )
        .exclude(record__in=without)
        .values("by", "record__kind")
        .annotate(number=Count("record", distinct=True), newest=Max("record"))
        .order_by("by", "record__kind")
    )
    named = [(r["by"], {**r, "kind": r["record__kind"]}) for r in rows]
    return _told(judged, kinds, named, owned=False)


def _told(
    judged: dict[Person, tuple[str, ...]],
    kinds: dict[str, tuple[str, ...]],
    rows: list[tuple[int, Any]],
    *,
    owned: bool,
) -> list[Entanglement]:
    people = {person.pk: person for person in judged}
    refs = dict(
        Sheet.objects.filter(pk__in=[r["newest"] for _key, r in rows]).values_list("pk", "ref")
    )
    found = []
    for key, row in rows:
        person = people[key]
        clause = next((c for c in judged[person] if covers(kinds[row["kind"]], c)), "")
        if not clause:
            continue
        found.append(
            Entanglement(person, clause, _reason(row, owned=owned), refs.get(row["newest"], ""))
        )
    return found


def _reason(row: dict[str, Any], *, owned: bool) -> str:
    what = register_of(row["kind"]).model._meta.verbose_name_plural
    facts = {"number": row["number"], "what": what}
    if owned:
        return (
            ngettext(
                "owns %(number)d of the %(what)s", "owns %(number)d of the %(what)s", row["number"]
            )
            % facts
        )
    return (
        ngettext(
            "worked on %(number)d of the %(what)s within twelve months",
            "worked on %(number)d of the %(what)s within twelve months",
            row["number"],
        )
        % facts
    )


def _of_this_audit(audit: Audit) -> list[int]:
    """Records an auditor makes by auditing: these are no work of the audited."""
    own = [audit.pk]
    for name in ("findings", "samples", "requests"):
        own += getattr(audit, name).values_list("pk", flat=True)
    return own


def _about_themselves(
    judged: dict[Person, tuple[str, ...]], kinds: dict[str, tuple[str, ...]]
) -> list[int]:
    """Records that speak of an auditor: to accept one's own appointment is no work on others'."""
    found: list[int] = []
    for kind in kinds:
        model: Any = register_of(kind).model
        named = next((f for f in model._meta.local_fields if f.name == "person"), None)
        if named is not None and named.related_model is Person:
            found += model._default_manager.filter(person__in=judged).values_list("pk", flat=True)
    return found


def _under(number: str, clauses: tuple[str, ...]) -> str:
    """The clause of the list that an obligation's clause lies in."""
    return next((c for c in clauses if covers((c,), number)), number)
