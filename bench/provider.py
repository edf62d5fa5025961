"""A provider of any size to measure on: incidents with their past, items with their relations.

    .venv/bin/python bench/provider.py 10000 /tmp/provider-10k

makes a home there (an SQLite database, unless DATABASE_URL names another). Everything goes through
the program: services, agreements and people by the verbs, the mass of it by the bulk path, with
history, clocks, comments, the search index and the seal. The same size gives the same provider.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

BATCH = 2_000
YEARS = 3
OPEN = 0.02
"""The share of incidents that somebody still works on."""

THINGS = ("Mail", "Printer", "Card terminal", "Second factor", "Shared folder", "Laptop", "Phone")
TROUBLES = ("is slow", "does not start", "is offline", "asks again and again", "prints stripes")
PLACES = ("Seoul", "Hamburg", "Valencia", "Busan", "Lyon", "Incheon", "Kiel", "Bremen", "Chengdu")
WORDS = (
    "We are looking into it.",
    "It happened again this morning, twice.",
    "The supplier has been called and calls back.",
    "Please try once more and tell us what the screen says.",
    "세 번째 매장도 같은 증상입니다.",
    "重启之后恢复正常。",
)
WORDS_OF_THE_END = ("resolution", "resolution_code", "confirmation", "closure_code")
RESOLVED = ("resolved_at", "resolved_by", "resolution", "resolution_code", "confirmation")
CLOSED = ("closed_at", "closed_by", "closure_code")
REMEDIES = ("Restarted what hung.", "Replaced the cable.", "Renewed the certificate.")


@dataclass
class Size:
    """How many of each; an incident brings two comments, and a fifth of an item."""

    incidents: int

    @property
    def customers(self) -> int:
        return max(10, 300 * self.incidents // 1_000_000)

    @property
    def people(self) -> int:
        return max(200, self.incidents // 50)

    @property
    def items(self) -> int:
        return max(500, self.incidents // 5)

    @property
    def relations(self) -> int:
        return self.items * 3


@dataclass
class Provider:
    """What the incidents are about, and who brings and solves them."""

    by: Any
    services: list[Any] = field(default_factory=list)
    categories: list[Any] = field(default_factory=list)
    staff: list[Any] = field(default_factory=list)
    teams: list[Any] = field(default_factory=list)
    customers: list[Any] = field(default_factory=list)
    callers: dict[int, list[int]] = field(default_factory=dict)
    items: list[int] = field(default_factory=list)


def build(size: Size, say: Any = print) -> None:
    from verne.engine.jobs import take_sizes
    from verne.engine.seal.sealing import seal
    from verne.engine.testing import a_person

    chance = random.Random(20000)
    roles = _every_role()
    provider = Provider(by=a_person("Ada Kim", username="ada", roles=roles))
    for step in (_people, _services, _items, _incidents):
        began = time.monotonic()
        step(provider, size, chance)
        say(f"{step.__name__.strip('_'):<12}{time.monotonic() - began:9.1f} s", flush=True)
    take_sizes()
    began = time.monotonic()
    seal()
    say(f"{'seal':<12}{time.monotonic() - began:9.1f} s", flush=True)


def _every_role() -> list[str]:
    from verne.engine.people import Role

    ours = Role.objects.exclude(key__startswith="customer_")
    return list(ours.values_list("key", flat=True))


def _people(provider: Provider, size: Size, chance: random.Random) -> None:
    from verne.engine.acts import act
    from verne.engine.people import Organization, Person, Team
    from verne.engine.testing import a_person

    provider.staff = [
        a_person(f"Agent {n:02}", username=f"agent{n:02}", roles=("service_desk_agent",))
        for n in range(60)
    ]
    with act("settle", by=provider.by, note="The customers and their people"):
        provider.teams = [Team.objects.create(name=f"Team {place}") for place in PLACES]
        for n in range(size.customers):
            name = f"{PLACES[n % len(PLACES)]} Customer {n:03}"
            provider.customers.append(Organization.objects.create(name=name, kind="customer"))
        Person.objects.bulk_create(
            (
                Person(
                    username=f"caller{n}",
                    name=f"Caller {n}",
                    organization=provider.customers[n % size.customers],
                    sms_relevant=False,
                    password="!",
                )
                for n in range(size.people)
            ),
            batch_size=1000,
        )
    callers = Person.objects.filter(organization__kind="customer")
    for key, organization in callers.values_list("pk", "organization"):
        provider.callers.setdefault(organization, []).append(key)


def _services(provider: Provider, size: Size, chance: random.Random) -> None:
    from verne.sms.portfolio.service.samples import a_live_service
    from verne.sms.relationship.agreement.samples import an_agreement
    from verne.sms.resolution.classification.samples import a_category, a_prioritymatrix

    by = provider.by
    a_prioritymatrix(by)
    provider.services = [
        a_live_service(by, title=f"{thing} service", customers=provider.customers)
        for thing in THINGS
    ]
    provider.categories = [
        a_category(by, title=f"{thing}: {trouble}") for thing in THINGS for trouble in TROUBLES
    ]
    for customer in provider.customers:
        an_agreement(by, services=provider.services, customer=customer)


def _items(provider: Provider, size: Size, chance: random.Random) -> None:
    """Layers of items: services use applications, which run on machines, in racks, in rooms."""
    from verne.engine import bulk
    from verne.engine.links import Link
    from verne.engine.rows import insert
    from verne.sms.portfolio.configuration.models import ConfigurationItem
    from verne.sms.portfolio.configuration.samples import a_citype

    kind = a_citype(provider.by, title="Machine of the park", attributes=[])
    rows = (
        {
            "title": f"{chance.choice(THINGS)} {n:06}",
            "identifier": f"ci-{n:06}",
            "description": "Carries its part of the service.",
            "ci_type": kind,
            "state": "live",
            "owner": provider.staff[n % len(provider.staff)],
            "location": chance.choice(PLACES),
        }
        for n in range(size.items)
    )
    filed = bulk.bulk_file(ConfigurationItem, rows, by=provider.by, batch=BATCH)
    assert not filed.refused, filed.refused[:3]
    provider.items = [record.pk for record in filed.taken]
    pairs: dict[tuple[int, int], Link] = {}
    # What carries many lies in front: the first hundredth hosts a third of all.
    hubs = max(1, size.items // 100)
    while len(pairs) < size.relations:
        source = chance.randrange(hubs, size.items)
        target = chance.randrange(hubs if chance.random() < 0.33 else source)
        key = (provider.items[source], provider.items[target])
        if key[0] != key[1]:
            pairs[key] = Link(kind="runs_on", source_id=key[0], target_id=key[1])
    for service in provider.services:
        for target in chance.sample(provider.items[hubs:], min(200, size.items // 10)):
            pairs[service.pk, target] = Link(kind="uses", source_id=service.pk, target_id=target)
    links = list(pairs.values())
    for start in range(0, len(links), BATCH * 5):
        with bulk.umbrella(by=provider.by, note="How the park hangs together"):
            insert(Link, links[start : start + BATCH * 5])


# --- Incidents -----------------------------------------------------------------------------------


def _incidents(provider: Provider, size: Size, chance: random.Random) -> None:
    from django.utils import timezone

    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    # Not all in order: what was filed long ago and is still open lies among the others.
    first = now - timedelta(days=365 * YEARS)
    step = (now - first) / size.incidents
    began = time.monotonic()
    for start in range(0, size.incidents, BATCH):
        many = min(BATCH, size.incidents - start)
        rows = [_row(provider, chance, first + step * (start + n), now) for n in range(many)]
        _write(provider, rows, chance, now)
        done = start + many
        if done % (BATCH * 10) == 0:
            rate = done / (time.monotonic() - began)
            print(f"  {done:>9,} incidents, {rate:,.0f} a second", file=sys.stderr, flush=True)


def _row(provider: Provider, chance: random.Random, at: datetime, now: datetime) -> dict[str, Any]:
    customer = chance.choice(provider.customers)
    thing = chance.randrange(len(THINGS))
    old = now - at > timedelta(days=30)
    closed = chance.random() > (OPEN / 4 if old else OPEN * 8)
    responded = at + timedelta(minutes=chance.expovariate(1 / 20))
    resolved = responded + timedelta(hours=chance.expovariate(1 / 9))
    closed = closed and resolved + timedelta(days=1) < now
    started = closed or (responded < now and chance.random() < 0.7)
    done = {
        "state": "closed",
        "resolved_at": resolved,
        "closed_at": resolved + timedelta(days=1),
        "resolution": chance.choice(REMEDIES),
        "resolution_code": "fixed",
        "confirmation": "confirmed",
        "closure_code": "solved",
    }
    owner = chance.choice(provider.staff)
    return {
        "title": f"{THINGS[thing]} {chance.choice(TROUBLES)} in {chance.choice(PLACES)} "
        f"{chance.randrange(9999)}",
        "description": f"{chance.choice(WORDS)} {chance.choice(WORDS)}",
        "service": provider.services[thing],
        "category": provider.categories[thing * len(TROUBLES) + chance.randrange(len(TROUBLES))],
        "components": [chance.choice(provider.items)] if chance.random() < 0.3 else [],
        "customer": customer,
        "reporter": chance.choice(provider.callers[customer.pk]),
        "impact": 1 + chance.randrange(3),
        "urgency": 1 + chance.randrange(3),
        "major_answer": "no",
        "owner": owner if started else None,
        "team": chance.choice(provider.teams),
        "state": "in_progress" if started else "prioritized",
        "responded_at": responded if started else None,
        "filed_at": at,
        "filed_by": owner,
        "changed_at": at,
        **({**done, "resolved_by": owner, "closed_by": owner} if closed else {}),
    }


def _write(
    provider: Provider, rows: list[dict[str, Any]], chance: random.Random, now: datetime
) -> None:
    """A batch of incidents with everything that belongs to them, in one transaction."""
    from verne.engine import bulk
    from verne.engine.records import next_ids
    from verne.engine.rows import insert
    from verne.sms.resolution.incident.models import Incident

    with bulk.umbrella(by=provider.by, note="What the desk did so far"):
        filed = bulk.bulk_file(Incident, rows, by=provider.by, trail=False, batch=BATCH)
        assert not filed.refused, filed.refused[:3]
        records = filed.taken
        from verne.engine.comments import Comment

        comments = [c for r in records for c in _comments(provider, r, chance, now)]
        for comment, number in zip(comments, next_ids(Comment, len(comments)), strict=True):
            comment.pk = number
        insert(Comment, comments)
        past = [act for r in records for act in _past(r)]
        past += [_said(comment) for comment in comments]
        past.sort(key=lambda each: each.at)
        bulk.bulk_history(past, by=provider.by)
        _clocks(records, now)


def _comments(
    provider: Provider, record: Any, chance: random.Random, now: datetime
) -> Iterator[Any]:
    from verne.engine.comments import Comment

    at = record.filed_at
    for n in range(2):
        at = min(at + timedelta(minutes=1 + chance.randrange(90)), now)
        by = record.reporter_id if n else record.filed_by_id
        text = chance.choice(WORDS)
        yield Comment(record_id=record.pk, by_id=by, at=at, public=bool(n), text=text)


def _past(record: Any) -> Iterator[Any]:
    from verne.engine import bulk

    def act(at: datetime, verb: str, name: str, rows: list[Any]) -> Any:
        by = record.filed_by_id
        return bulk.PastAct(at=at, verb=verb, name=name, record=record.pk, by=by, rows=rows)

    begin = {"state": "prioritized", "owner": None, "responded_at": None}
    begin |= dict.fromkeys((*RESOLVED, *CLOSED), None) | dict.fromkeys(WORDS_OF_THE_END, "")
    yield act(record.filed_at, "file", "", bulk.as_filed(record, **begin))
    if record.responded_at is None:
        return
    ways = (
        (record.responded_at, "start", "in_progress", ("owner", "responded_at")),
        (record.resolved_at, "resolve", "resolved", RESOLVED),
        (record.closed_at, "close", "closed", CLOSED),
    )
    state = "prioritized"
    for at, name, target, fields in ways:
        if at is None:
            return
        before = {"state": state} | {f: begin[f] for f in fields}
        after = {"state": target} | {f: getattr(record, f) for f in fields}
        yield act(at, "move", name, bulk.as_changed(type(record), record.pk, before, after))
        state = target


def _said(comment: Any) -> Any:
    from verne.engine import bulk

    return bulk.PastAct(
        at=comment.at,
        verb="comment",
        name="public" if comment.public else "internal",
        record=comment.record_id,
        by=comment.by_id,
    )


_targets: dict[tuple[Any, ...], Any] = {}


def _clocks(records: list[Any], now: datetime) -> None:
    from verne.engine import clock
    from verne.engine.records import Sheet, next_ids
    from verne.engine.rows import insert

    rows, events, due = [], [], []
    for record in records:
        for measure, stop in (("respond", record.responded_at), ("resolve", record.resolved_at)):
            row = clock.Clock(record=record, measure=measure, started_at=record.filed_at)
            key = (measure, record.priority, record.customer_id, record.service_id)
            if key not in _targets:
                _targets[key] = clock.find_target(record, measure)
            clock.take_target(row, _targets[key])
            story = [clock.ClockEvent(at=record.filed_at, kind="start")]
            if stop is not None:
                story.append(clock.ClockEvent(at=stop, kind="stop"))
            clock.project(row, max(now, story[-1].at), events=story)
            rows.append(row)
            for event in story:
                event.clock = row
            events += story
        if row.is_open and row.due_at is not None:
            due.append((record.pk, row.due_at))
    for row, number in zip(rows, next_ids(clock.Clock, len(rows)), strict=True):
        row.pk = number
    for event in events:
        event.clock_id = event.clock.pk
    insert(clock.Clock, rows)
    insert(clock.ClockEvent, events)
    for key, at in due:
        Sheet.objects.filter(pk=key).update(due_at=at)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or not arguments[0].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    home = Path(arguments[1])
    os.environ["VERNE_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verne.settings")
    from verne.cli import people, start

    start.apps()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    people.remember(people.first_administrator())
    build(Size(int(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
