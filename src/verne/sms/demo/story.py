"""A year at Meridian, told through the verbs in the order it happened."""

from __future__ import annotations

import heapq
import random
import secrets
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from verne.engine import approvals, moment
from verne.engine.acts import act, file, link, move, revise
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.comments import comment
from verne.engine.escalation import escalate
from verne.engine.people import Organization, Person, Team
from verne.engine.register import part_rows
from verne.engine.testing import a_person

from ..portfolio.catalogue.models import CatalogueEntry
from ..portfolio.configuration.models import CIType, ConfigurationItem
from ..portfolio.service.models import Service, ServiceOverlap, ServiceRequirement
from ..relationship.agreement.measuring import measure
from ..relationship.agreement.models import Agreement
from ..relationship.customer.models import Customer
from ..relationship.missed.days import file_misses
from ..resolution.classification.models import USUAL_MATRIX, Category, PriorityMatrix
from ..resolution.incident.major import MajorIncident, MajorIncidentCriteria
from ..resolution.incident.models import Incident
from ..resolution.problem.models import KnownError, Problem
from ..resolution.problem.trend import ProblemReview, TrendAnalysis
from ..resolution.request.models import RequestModel, ServiceRequest
from . import Told, audits, cast, competence, documents, improvement, papers, world

INCIDENTS = 340
RECURRENCES = 30
FRESH = 18
REQUESTS = 190
ITEMS = 300
HOUR = 3600
WORKAROUND = "Restart what hangs; waiting work is done within a minute."

Life = Generator[datetime, None, None]
"""Something that happens in steps: it says when its next one is, and is woken then."""


class Story:
    """Tells the year. The same numbers come out each time; only the dates move with today."""

    def __init__(self, progress: Told, each_month: Callable[[datetime], None]) -> None:
        self.progress = progress
        self.each_month = each_month
        self.end = timezone.now().replace(minute=0, second=0, microsecond=0)
        self.start = self.end - timedelta(days=370)
        self.people: dict[str, Person] = {}
        self.teams: dict[str, Team] = {}
        self.organizations: dict[str, Organization] = {}
        self.services: dict[str, Service] = {}
        self.categories: dict[str, Category] = {}
        self.items: list[ConfigurationItem] = []
        self.models: dict[str, RequestModel] = {}
        self.majors: list[int] = []
        self.endings: list[tuple[MajorIncident, int]] = []
        self.passwords: list[tuple[str, str]] = []

    def tell(self) -> list[tuple[str, str]]:
        """Every chapter of the story, in order; gives back how to sign in."""
        chapters = (
            (self.people_arrive, "People, teams and customers"),
            (self.rules_are_agreed, "Categories, priorities and criteria"),
            (self.services_are_built, "Services and their requirements"),
            (self.items_are_recorded, "Configuration items"),
            (self.levels_are_agreed, "Agreements"),
            (self.wishes_are_offered, "Request models"),
            (self.days_pass, "A year of incidents and requests"),
            (self.majors_end, "Major incidents"),
            (self.results_are_measured, "Results against the agreements"),
        )
        for done, (chapter, what) in enumerate(chapters):
            self.progress(done, len(chapters), what)
            chapter()
        self.progress(len(chapters), len(chapters), "The year is told")
        return self.passwords

    # -- the first days -------------------------------------------------------------------------

    def people_arrive(self) -> None:
        with moment.at(self.start):
            with act("settle", by=None, note="Meridian is founded"):
                own = Organization.objects.create(name=cast.OWN, kind=Organization.Kind.OWN)
                self.organizations[cast.OWN] = own
                for name in cast.CUSTOMERS:
                    self.organizations[name] = Organization.objects.create(
                        name=name, kind=Organization.Kind.CUSTOMER
                    )
            for member in (*cast.STAFF, *cast.USERS):
                self._joins(member)
            with act("settle", by=self.people["Tomas Lindqvist"], note="Teams"):
                for name, purpose in cast.TEAMS.items():
                    team = Team.objects.create(name=name, purpose=purpose)
                    team.members.set([self.people[m.name] for m in cast.STAFF if name in m.teams])
                    self.teams[name] = team
            self._customers_are_taken_on()

    def _joins(self, member: cast.Member) -> None:
        founder = self.people.get("Helena Brandt")
        person = a_person(
            member.name,
            roles=() if founder else member.roles,
            since=self.start,
            by=founder,
            username=member.name.lower().replace("dr. ", "").replace(" ", "."),
            email=f"{member.name.lower().replace('dr. ', '').replace(' ', '.')}@example.com",
            organization=self.organizations[member.organization],
            language=member.language,
            time_zone=member.zone,
            sms_relevant=member.organization == cast.OWN,
        )
        competence.appoint(person, member.roles, by=founder)
        if member.name in cast.TO_TRY:
            password = secrets.token_urlsafe(9)
            with act("settle", by=None, note="A password to try it with"):
                person.set_password(password)
                person.save()
            self.passwords.append((person.username, password))
        self.people[member.name] = person

    def _customers_are_taken_on(self) -> None:
        manager = self.people["Marta Kowalska"]
        for name in cast.CUSTOMERS:
            customer = file(
                Customer,
                {
                    "title": name,
                    "organization": self.organizations[name],
                    "customer": self.organizations[name],
                    "relationship_manager": manager,
                    "communication": "A call every Monday, a review every quarter.",
                    "users_count": {"Harbour Retail": 640, "Alder Clinics": 1200}.get(name, 380),
                    "users_described": "Everybody who works there.",
                    "owner": manager,
                },
                by=manager,
            )
            move(customer, "activate", by=manager)

    def rules_are_agreed(self) -> None:
        manager, top = self.people["Ines Moreau"], self.people["Helena Brandt"]
        with moment.at(self.start + timedelta(days=1)):
            for name, parts in world.CATEGORIES.items():
                parent = file(Category, {"title": name}, by=manager)
                self.categories[name] = parent
                for part in parts:
                    self.categories[part] = file(
                        Category, {"title": part, "parent": parent}, by=manager
                    )
            matrix = file(
                PriorityMatrix,
                {
                    "title": "Priority matrix of Meridian",
                    "owner": manager,
                    "review_due": (self.end + timedelta(days=60)).date(),
                    "cells": [
                        {"impact": i, "urgency": u, "gives": gives}
                        for (i, u), gives in USUAL_MATRIX.items()
                    ],
                },
                by=manager,
            )
            move(matrix, "put_in_force", by=manager)
            criteria = file(
                MajorIncidentCriteria,
                {
                    "title": "What makes an incident a major one",
                    "criteria": (
                        "A service of high criticality is down for a whole customer; or patients, "
                        "payments or shipments stop at more than one site."
                    ),
                    "procedure_version": "2.1",
                    "review_due": (self.end + timedelta(days=45)).date(),
                    "owner": manager,
                },
                by=manager,
            )
            asked = approvals.ask(criteria, "put_in_force", by=manager)
            approvals.vote(asked, by=top, agrees=True)
            move(criteria, "put_in_force", by=manager)
        self._hours_are_set()

    def _hours_are_set(self) -> None:
        weekdays = {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
        week = (*weekdays, "sat", "sun")
        always = {day: [["00:00", "24:00"]] for day in week}
        germany = ["01-01", "05-01", "10-03", "12-25", "12-26"]
        specs = {
            "Office hours Hamburg": {
                "tz": "Europe/Berlin",
                "weekly": weekdays,
                "annual_holidays_mm_dd": germany,
            },
            "Office hours Seoul": {
                "tz": "Asia/Seoul",
                "weekly": weekdays,
                "annual_holidays_mm_dd": ["01-01", "03-01", "05-05", "06-06", "08-15", "10-03"],
            },
            "Shop hours": {
                "tz": "Europe/Berlin",
                "weekly": {**weekdays, "sat": [["08:00", "20:00"]]},
                "annual_holidays_mm_dd": germany,
            },
            "Around the clock": {"tz": "UTC", "weekly": always},
        }
        with (
            moment.at(self.start + timedelta(days=1)),
            act("settle", by=self.people["Marta Kowalska"], note="Service hours"),
        ):
            for name, spec in specs.items():
                calendar = ServiceCalendar.objects.create(name=name)
                CalendarVersion.objects.create(of=calendar, valid_from=self.start, spec=spec)

    # -- what is offered, and what it stands on ---------------------------------------------------

    def services_are_built(self) -> None:
        planner = self.people["Daniel Okafor"]
        with moment.at(self.start + timedelta(days=2)):
            for rank, offer in enumerate((*world.SERVICES, world.IN_DEVELOPMENT), start=1):
                owner = self.people[offer.owner]
                service = file(
                    Service,
                    {
                        "title": offer.title,
                        "description": offer.description,
                        "requested_by": offer.customers[0],
                        "need": offer.outcome,
                        "portfolio_priority": rank,
                        "owner": owner,
                        "criticality": offer.criticality,
                        "criticality_basis": "What customers, users and we lose in a day.",
                        "intended_outcomes": offer.outcome,
                        "value_to_customer": offer.outcome,
                        "value_to_organization": "Part of the contract with each of its customers.",
                        "stands_alone": not offer.depends_on,
                        "customers": [self.organizations[c] for c in offer.customers],
                        "first_line": self.teams["Service desk"],
                    },
                    by=planner,
                )
                self.services[offer.title] = service
                for name in offer.depends_on:
                    link(service, "depends_on", self.services[name], by=planner)
                service = move(service, "plan", by=planner)
                requirement = file(
                    ServiceRequirement,
                    {
                        "title": offer.requirement.rstrip("."),
                        "service": service,
                        "statement": offer.requirement,
                        "source": f"Workshop with {offer.customers[0]}",
                        "owner": owner,
                    },
                    by=planner,
                )
                move(requirement, "agree", by=planner)
                self.services[offer.title] = move(service, "develop", by=planner)
        with moment.at(self.start + timedelta(days=40)):
            overlap = file(
                ServiceOverlap,
                {
                    "title": "Two ways to share documents",
                    "service": self.services["File storage"],
                    "other": self.services["E-mail and calendar"],
                    "overlap": "Large attachments are kept in both.",
                    "owner": planner,
                },
                by=planner,
            )
            step = next(m for m in overlap.moves() if not m.target.final or m.needs)
            move(
                overlap,
                step.name,
                by=planner,
                note="Agreed with both owners",
                values={"decision": "Keep both; attachments over 10 MB are turned into links."},
            )

    def items_are_recorded(self) -> None:
        keeper = self.people["Sofia Ricci"]
        with moment.at(self.start + timedelta(days=4)):
            types = {
                name: file(CIType, {"title": name, "owner": keeper} | facts, by=keeper)
                for name, facts in world.ITEM_TYPES.items()
            }
            types["Service"] = file(
                CIType,
                {
                    "title": "Service",
                    "level_of_detail": "One item for each service.",
                    "stands_for_service": True,
                    "owner": keeper,
                },
                by=keeper,
            )
            for service in self.services.values():
                self._item(
                    types["Service"],
                    f"svc-{service.pk}",
                    service.title,
                    service.description,
                    {},
                    represents=service,
                )
            self._machines(types)

    def _machines(self, types: dict[str, CIType]) -> None:
        keeper = self.people["Sofia Ricci"]
        hosting = self.services["Server hosting"]
        network = self.services["Network and internet access"]
        hosts = [
            self._item(
                types["Server"],
                f"host-{n:02}",
                f"Host {n:02}",
                "Runs virtual machines.",
                {"operating_system": "Debian 12", "memory_gb": 512},
                location=f"Data centre {'AB'[n % 2]}",
                services=[hosting],
            )
            for n in range(1, 9)
        ]
        switches = [
            self._item(
                types["Network device"],
                f"sw-{n:02}",
                f"Switch at {site}",
                "Joins the devices of the site.",
                {"model": "24 ports"},
                location=site,
                services=[network],
            )
            for n, site in enumerate((s for sites in world.SITES.values() for s in sites), start=1)
        ]
        applications = [o for o in world.SERVICES if o.team == "Applications"]
        for n in range(1, 61):
            offer = applications[n % len(applications)]
            machine = self._item(
                types["Virtual machine"],
                f"vm-{n:03}",
                f"Machine {n:03} of {offer.title.lower()}",
                f"Part of {offer.title.lower()}.",
                {"operating_system": "Debian 12"},
                services=[self.services[offer.title]],
            )
            link(machine, "runs_on", hosts[n % len(hosts)], by=keeper)
            if n % 6 == 0:
                database = self._item(
                    types["Database"],
                    f"db-{n // 6:02}",
                    f"Database of {offer.title.lower()} {n // 6}",
                    "Holds its data.",
                    {"engine": "PostgreSQL"},
                    services=[self.services[offer.title]],
                )
                link(database, "runs_on", machine, by=keeper)
        workplace = self.services["Managed workplace"]
        sale = self.services["Point of sale"]
        n = 0
        while len(self.items) < ITEMS:
            n += 1
            switch = switches[n % len(switches)]
            cash = switch.location in world.SITES[world.H]
            # Every eleventh device has no serial number: one of the gaps.
            serial = {} if n % 11 == 0 else {"serial_number": f"MM{4000 + n}"}
            device = self._item(
                types["Workplace device"],
                f"{'pos' if cash else 'pc'}-{n:03}",
                f"{'Cash desk' if cash else 'Desktop'} {n:03}",
                "Used by those who work there.",
                serial,
                location=switch.location,
                services=[sale if cash else workplace],
                live=bool(serial),
            )
            if n % 2:
                link(device, "connected_through", switch, by=keeper)

    def _item(
        self,
        kind: CIType,
        identifier: str,
        title: str,
        description: str,
        attributes: dict[str, Any],
        *,
        live: bool = True,
        **facts: Any,
    ) -> ConfigurationItem:
        keeper = self.people["Sofia Ricci"]
        item = file(
            ConfigurationItem,
            {
                "title": title,
                "identifier": identifier,
                "ci_type": kind,
                "description": description,
                "attributes": attributes,
                "owner": keeper,
            }
            | facts,
            by=keeper,
        )
        if live:
            item = move(item, "put_live", by=keeper)
        self.items.append(item)
        return item

    def levels_are_agreed(self) -> None:
        manager = self.people["Marta Kowalska"]
        hours = {
            world.H: ServiceCalendar.objects.get(name="Shop hours"),
            world.A: ServiceCalendar.objects.get(name="Around the clock"),
            world.S: ServiceCalendar.objects.get(name="Office hours Seoul"),
        }
        signatories = {world.H: "Minji Park", world.A: "Dr. Emil Vogt", world.S: "Jisoo Han"}
        with moment.at(self.start + timedelta(days=6)):
            for name in cast.CUSTOMERS:
                services = [self.services[o.title] for o in world.SERVICES if name in o.customers]
                requirements = ServiceRequirement.objects.in_state("agreed").filter(
                    service__in=services
                )
                day = moment.now().date()
                agreement = file(
                    Agreement,
                    {
                        "title": f"Service levels for {name}",
                        "customer": self.organizations[name],
                        "services": services,
                        "requirements": list(requirements),
                        "owner": manager,
                        "valid_from": day,
                        # The review with the clinics is overdue: one of the gaps.
                        "review_due": (
                            self.end + timedelta(days=-20 if name == world.A else 90)
                        ).date(),
                        "workload_limits": "Up to 40 incidents and 30 requests a month.",
                        "monthly_incidents": 40,
                        "monthly_requests": 30,
                        "no_exceptions": name != world.S,
                        "exceptions": "" if name != world.S else "Typhoon warnings of level 3.",
                        "support_fit": "The contracts for lines promise repair in three hours.",
                        "targets": self._targets(hours[name]),
                    },
                    by=manager,
                )
                agreement = move(agreement, "negotiate", by=manager)
                agreement = move(
                    agreement,
                    "agree",
                    by=manager,
                    values={
                        "signed_by": self.people["Helena Brandt"],
                        "signed_on": day,
                        "customer_signatory": signatories[name],
                        "customer_signed_on": day,
                    },
                )
                move(agreement, "activate", by=manager)
        self._services_go_live()

    def _targets(self, hours: ServiceCalendar) -> list[dict[str, Any]]:
        usual: dict[str, Any] = {"applies_to": "incident", "calendar": hours, "goal": 90}
        resolve = {1: 4, 2: 8, 3: 24, 4: 40, 5: 80}
        respond = {1: 0.5, 2: 1, 3: 4, 4: 8, 5: 8}
        rows = [
            usual | {"measure": "resolve", "priority": p, "seconds": h * HOUR}
            for p, h in resolve.items()
        ]
        rows += [
            usual | {"measure": "respond", "priority": p, "seconds": int(h * HOUR)}
            for p, h in respond.items()
        ]
        rows.append(usual | {"measure": "fulfil", "applies_to": "service_request", "days": 5})
        return rows

    def _services_go_live(self) -> None:
        keeper, planner = self.people["Priya Raman"], self.people["Daniel Okafor"]
        with moment.at(self.start + timedelta(days=8)):
            for offer in world.SERVICES:
                service = self.services[offer.title]
                entry = file(
                    CatalogueEntry,
                    {
                        "title": offer.title,
                        "service": service,
                        "description": offer.description,
                        "intended_outcomes": offer.outcome,
                        "ordering": "Ask in the portal, or call the service desk.",
                        "audience": [self.organizations[c] for c in offer.customers],
                        "announced_for": (moment.now() + timedelta(days=1)).date(),
                        "owner": keeper,
                    },
                    by=keeper,
                )
                move(entry, "publish", by=keeper)
                self.services[offer.title] = move(service, "go_live", by=planner)
        # Two services have not been confirmed since: one of the gaps.
        with moment.at(self.end - timedelta(days=100)):
            for offer in world.SERVICES[:-2]:
                self.services[offer.title] = move(
                    self.services[offer.title],
                    "confirm",
                    by=planner,
                    note="Looked at with the owner in the yearly review",
                )

    def wishes_are_offered(self) -> None:
        manager = self.people["Priya Raman"]
        with moment.at(self.start + timedelta(days=10)):
            for wish in world.WISHES:
                model = file(
                    RequestModel,
                    {
                        "title": wish.title,
                        "service": self.services[wish.service],
                        "offer": wish.offer,
                        "instructions": wish.instructions,
                        "usual_priority": wish.priority,
                        "approvals_needed": wish.approvals,
                        "category": self.categories["Access"],
                        "owner": manager,
                        "questions": [
                            {"label": q, "kind": "text", "required": True} for q in wish.questions
                        ],
                    },
                    by=manager,
                )
                self.models[wish.title] = move(model, "put_in_force", by=manager)

    # -- the year ---------------------------------------------------------------------------------

    def days_pass(self) -> None:
        """Everything that happens, in its order: each story waits for its next moment."""
        stories = list(self._all_stories())
        queue = [(next(story), n, story) for n, story in enumerate(stories)]
        heapq.heapify(queue)
        span = (self.end - self.start).total_seconds()
        while queue:
            at, n, story = heapq.heappop(queue)
            if at > self.end:
                continue
            done = int((at - self.start).total_seconds() / span * 365)
            self.progress(done, 365, "A year of incidents and requests")
            with moment.at(at):
                following = next(story, None)
            if following is not None:
                heapq.heappush(queue, (max(following, at), n, story))

    def _all_stories(self) -> Iterator[Life]:
        span = (self.end - self.start - timedelta(days=12)).total_seconds()
        for n in range(INCIDENTS - RECURRENCES):
            chance = random.Random(20000 + n)
            at = self._in_the_year(span, chance)
            yield self._an_incident(at, chance.choice(world.FAULTS), chance)
        for n in range(RECURRENCES):
            week = self.start + timedelta(days=14 + 11 * (n // 2))
            monday = (week - timedelta(days=week.weekday())).date()
            at = datetime.combine(monday, time(7, 5 + n % 2), UTC)
            yield self._an_incident(at, world.RECURRING[n % 2], random.Random(40000 + n))
        for n in range(REQUESTS):
            chance = random.Random(60000 + n)
            at = self._in_the_year(span, chance)
            yield self._a_request(at, chance.choice(world.WISHES), chance)
        for n in range(FRESH):
            yield self._a_fresh_incident(n, random.Random(80000 + n))
        for quarter in range(3):
            yield self._a_look_back(quarter)
        yield from improvement.scenes(self)
        yield from audits.scenes(self)
        yield from documents.scenes(self)
        yield from papers.scenes(self)
        yield from competence.scenes(self)
        yield self._months()

    def _months(self) -> Life:
        at = self.start + timedelta(days=30)
        while at < self.end:
            yield at
            self.each_month(at)
            at += timedelta(days=30)

    def _in_the_year(self, span: float, chance: random.Random) -> datetime:
        """An instant in the year, in working hours more often than not."""
        at = self.start + timedelta(days=12, seconds=chance.random() * span)
        if chance.random() < 0.85:
            at = at.replace(hour=chance.choice((6, 7, 8, 9, 9, 10, 11, 12, 13, 14, 15)))
            while at.weekday() > 4:
                at -= timedelta(days=1)
        return min(max(at, self.start + timedelta(days=12)), self.end - timedelta(minutes=30))

    def _an_incident(self, at: datetime, fault: world.Fault, chance: random.Random) -> Life:
        """From the call to the closing: started, perhaps waiting, resolved, perhaps back again."""
        agent = self._an_agent(chance)
        offer = next(o for o in world.SERVICES if o.title == fault.service)
        customer = chance.choice(offer.customers)
        users = [self.people[m.name] for m in cast.USERS if m.organization == customer]
        reporter = chance.choice(users)
        yield at
        incident = self._recorded(fault, customer, reporter, agent, chance)
        begins = at + timedelta(minutes=chance.randint(3, 40))
        yield begins
        incident = move(incident, "start", by=agent, values={"owner": agent})
        comment(incident, "We are looking into it.", by=agent, public=True)
        pace = {1: 1.6, 2: 4, 3: 9, 4: 18, 5: 30}[incident.priority or 3]
        resolved = begins + timedelta(hours=pace * chance.lognormvariate(0, 0.8))
        if chance.random() < 0.16:
            back = begins + timedelta(minutes=30, hours=chance.randint(3, 40))
            yield begins + timedelta(minutes=30)
            move(
                incident,
                "wait",
                by=agent,
                values={"pending_reason": "user", "resume_at": back + timedelta(days=2)},
            )
            yield back
            incident.refresh_from_db()
            comment(incident, "It still happens; I have sent a picture.", by=reporter)
            resolved = max(resolved, back + timedelta(hours=1))
        incident.refresh_from_db()
        due = incident.due_at
        # What runs past its target is passed on; now and then nobody does: one of the gaps.
        if due is not None and resolved > due and chance.random() > 0.12:
            yield max(due - timedelta(minutes=20), moment.now())
            self._passed_on(incident, chance)
        if incident.priority == 1 and resolved > begins + timedelta(hours=1, minutes=40):
            yield from self._perhaps_major(incident, resolved)
        yield resolved
        self._resolved(incident, fault, agent)
        if chance.random() < 0.04:
            yield resolved + timedelta(hours=20)
            move(incident, "reopen", by=agent, note="It is back.")
            resolved += timedelta(hours=22)
            yield resolved
            self._resolved(incident, fault, agent)
        # One in forty was forgotten in "resolved": one of the gaps.
        if chance.random() < 0.025:
            return
        yield resolved + timedelta(days=6)
        closing = {"closure_code": "solved", "confirmation": chance.choice(("confirmed", ""))}
        move(incident, "close", by=agent, values=closing)

    def _a_fresh_incident(self, n: int, chance: random.Random) -> Life:
        """One that came in during the last day and is still under way, or not begun yet."""
        agent = self.people["Sara Nilsson"] if n % 3 == 0 else self._an_agent(chance)
        fault = world.FAULTS[n % len(world.FAULTS)]
        offer = next(o for o in world.SERVICES if o.title == fault.service)
        customer = offer.customers[n % len(offer.customers)]
        users = [self.people[m.name] for m in cast.USERS if m.organization == customer]
        at = self.end - timedelta(minutes=chance.choice((20, 45, 90, 150, 240, 400, 900, 1500)))
        yield at
        incident = self._recorded(fault, customer, chance.choice(users), agent, chance)
        if n % 4 == 3:
            return
        yield at + timedelta(minutes=10)
        move(incident, "start", by=agent, values={"owner": agent})
        if n % 5 == 1:
            yield at + timedelta(minutes=15)
            waits = {"pending_reason": "user", "resume_at": self.end + timedelta(days=1)}
            comment(incident, "Could you send us a picture of it?", by=agent, public=True)
            move(incident, "wait", by=agent, values=waits)

    def _recorded(
        self,
        fault: world.Fault,
        customer: str,
        reporter: Person,
        agent: Person,
        chance: random.Random,
    ) -> Incident:
        site = chance.choice(world.SITES[customer])
        items = [i for i in self.items if i.location == site]
        monitored = chance.random() < 0.15
        return file(
            Incident,
            {
                "title": fault.title.format(site=site),
                "description": f"Reported from {site}.",
                "service": self.services[fault.service],
                "components": [chance.choice(items)] if items and chance.random() < 0.7 else [],
                "customer": self.organizations[customer],
                "reporter": None if monitored else reporter,
                "source": "monitoring" if monitored else chance.choice(("phone", "portal")),
                "category": self.categories[fault.category],
                "impact": fault.impact,
                "urgency": fault.urgency,
                "major_answer": "no",
                "team": self.teams["Service desk"],
            },
            by=agent,
        )

    def _passed_on(self, incident: Incident, chance: random.Random) -> None:
        escalate(
            incident,
            by=self.people["Ines Moreau"],
            reason="The target will not be met without more hands.",
            to_team=self.teams[chance.choice(("Network", "Servers", "Applications"))],
        )

    def _resolved(self, incident: Incident, fault: world.Fault, agent: Person) -> None:
        incident.refresh_from_db()
        if incident.state == "pending":
            move(incident, "resume", by=agent)
        move(
            incident,
            "resolve",
            by=agent,
            values={"resolution": fault.solution, "resolution_code": "fixed"},
        )

    def _perhaps_major(self, incident: Incident, resolved: datetime) -> Life:
        """One in spring, one in summer, one in autumn; the last was never reviewed: a gap."""
        number = len(self.majors)
        day = self.start + timedelta(days=(70, 170, 270, 10_000)[min(number, 3)])
        if incident.filed_at < day:
            return
        manager = self.people["Ines Moreau"]
        self.majors.append(incident.pk)
        yield moment.now() + timedelta(minutes=4)
        revise(incident, {"major_answer": "yes"}, by=manager)
        major = file(
            MajorIncident,
            {"title": incident.title, "incident": incident, "manager": manager},
            by=manager,
        )
        at = moment.now() + timedelta(minutes=25)
        while at < resolved:
            yield at
            self._told(major, "We are working on it.")
            at += timedelta(hours=3)
        self.endings.append((major, number))

    def _told(self, major: MajorIncident, text: str, *, final: bool = False) -> MajorIncident:
        """A notice to top management."""
        notices = part_rows(major, "notices")
        notices.append({"at": moment.now(), "to": "Helena Brandt", "text": text, "final": final})
        return revise(major, {"notices": notices}, by=self.people["Ines Moreau"])

    def majors_end(self) -> None:
        """The end of each major incident, once its incident was resolved."""
        manager = self.people["Ines Moreau"]
        for major, number in self.endings:
            resolved = Incident.objects.get(pk=major.incident_id).resolved_at
            if resolved is None:
                continue
            with moment.at(resolved + timedelta(minutes=10)):
                major = self._told(major, "It works again.", final=True)
                major = move(major, "resolve", by=manager)
            if number == 2:
                continue
            with moment.at(resolved + timedelta(days=6)):
                major = move(
                    major,
                    "review",
                    by=manager,
                    values={
                        "report": f"{major.title}: cause, course and recovery as in the log.",
                        "improvements": "Watch the second line; rehearse the roll-back.",
                    },
                )
                move(major, "close", by=manager)

    def _a_request(self, at: datetime, wish: world.Wish, chance: random.Random) -> Life:
        agent = self._an_agent(chance)
        offer = next(o for o in world.SERVICES if o.title == wish.service)
        customer = chance.choice(offer.customers)
        users = [m for m in cast.USERS if m.organization == customer]
        approver = next(m for m in users if "customer_manager" in m.roles)
        requester = chance.choice([m for m in users if m != approver or not wish.approvals])
        yield at
        request = file(
            ServiceRequest,
            {
                "title": wish.title,
                "request_model": self.models[wish.title],
                "description": "Please, as soon as it fits.",
                "requester": self.people[requester.name],
                "customer": self.organizations[customer],
                "answers": [
                    {"question": q, "answer": self._answer(q, chance)} for q in wish.questions
                ],
                "team": self.teams["Service desk"],
            },
            by=agent,
        )
        when = at + timedelta(hours=chance.randint(2, 30))
        if request.state == "awaiting_approval":
            yield when
            asked = approvals.current(request, "approve")
            assert asked is not None
            refused = chance.random() < 0.06
            note = "Not in this year's budget." if refused else ""
            approvals.vote(asked, by=self.people[approver.name], agrees=not refused, note=note)
            if refused:
                move(request, "reject", by=agent, note="The customer did not agree.")
                return
        done = when + timedelta(days=chance.choice((0, 1, 1, 2, 3, 6)), hours=3)
        yield done
        move(
            request,
            "fulfil",
            by=agent,
            values={"owner": agent, "outcome": "Done as the instructions say."},
        )
        # One in thirty was forgotten in "fulfilled", until a nonconformity put an end to it.
        if chance.random() < 0.03 and self.end - done > improvement.REQUESTS_ARE_SEEN_TO:
            return
        yield done + timedelta(days=2)
        move(request, "close", by=agent)

    def _answer(self, question: str, chance: random.Random) -> str:
        return {
            "Name": chance.choice(("Mina Park", "Ole Jensen", "Ana Sousa", "Li Na")),
            "Unit": "Sales",
            "First day": "The first of next month",
            "For whom": "Myself",
            "Which model": "14 inch",
            "Folder": "Offers",
            "Read or write": "Write",
            "From": "Room 12",
            "To": "Room 20",
            "When": "Next Monday",
            "Site": "Head office",
            "Dates": "Three days",
        }.get(question, "As usual")

    def _an_agent(self, chance: random.Random) -> Person:
        agents = [m.name for m in cast.STAFF if m.roles == cast.DESK]
        return self.people[chance.choice(agents)]

    # -- looking back -----------------------------------------------------------------------------

    def _a_look_back(self, quarter: int) -> Life:
        """A trend analysis with the problems it leads to, and a review of their effect."""
        manager = self.people["Jonas Weber"]
        since = (self.start + timedelta(days=12 + 91 * quarter)).date()
        until = since + timedelta(days=90)
        yield datetime.combine(until, time(9), UTC) + timedelta(days=10)
        analysis = file(
            TrendAnalysis,
            {
                "title": f"Incidents from {since} to {until}",
                "since": since,
                "until": until,
                "threshold": 4,
                "owner": manager,
            },
            by=manager,
        )
        analysis = move(analysis, "gather", by=manager)
        lives = self._answer_patterns(analysis, manager)
        move(
            analysis,
            "complete",
            by=manager,
            values={"conclusions": "Two patterns explain a tenth of all incidents."},
        )
        review = file(
            ProblemReview,
            {
                "title": f"Problems from {since} to {until}",
                "since": since,
                "until": until,
                "owner": manager,
            },
            by=manager,
        )
        move(
            review,
            "complete",
            by=manager,
            values={
                "conclusions": "The mail relay no longer hangs; terminals still do.",
                "reported_in": "Quarterly report to top management",
            },
        )
        for life in lives:
            yield from life

    def _answer_patterns(self, analysis: TrendAnalysis, manager: Person) -> list[Life]:
        """A problem for the two most frequent patterns, a reason for the others."""
        rows: list[dict[str, Any]] = []
        lives: list[Life] = []
        for n, pattern in enumerate(analysis.patterns.all()):
            problem = pattern.problem
            if problem is None and n < 2:
                problem = self._a_problem(pattern, manager)
                # Every other one is still being looked into.
                lives.append(self._understood(problem, manager, solved=n == 0))
            reason = "" if problem else "Different causes each time; looked at one by one."
            rows.append(
                {
                    "pk": pattern.pk,
                    "service": pattern.service_id,
                    "category": pattern.category_id,
                    "times": pattern.times,
                    "problem": problem.pk if problem else None,
                    "reason": reason,
                }
            )
        revise(analysis, {"patterns": rows}, by=manager)
        return lives

    def _a_problem(self, pattern: Any, manager: Person) -> Problem:
        incidents = list(
            Incident.objects.filter(service=pattern.service_id, category=pattern.category_id)[:12]
        )
        problem = file(
            Problem,
            {
                "title": f"{pattern.service.title}: {pattern.category.title.lower()} again",
                "description": f"{pattern.times} incidents in a quarter.",
                "service": pattern.service,
                "origin": "trend",
                "incidents": incidents,
                "category": pattern.category,
                "priority": 2,
                "priority_basis": f"{pattern.times} incidents in a quarter.",
                "owner": manager,
            },
            by=manager,
        )
        file(
            KnownError,
            {
                "title": f"{pattern.service.title}: {pattern.category.title.lower()}",
                "problem": problem,
                "services": [pattern.service],
                "symptom": incidents[0].title if incidents else pattern.category.title,
                "workaround": WORKAROUND,
                "owner": manager,
            },
            by=manager,
        )
        return problem

    def _understood(self, problem: Problem, manager: Person, *, solved: bool) -> Life:
        """From the investigation to the cause, and for some to the end of it."""
        start = moment.now()
        move(problem, "investigate", by=manager, values={"method": "timeline"})
        yield start + timedelta(days=3)
        move(problem, "work_around", by=manager, values={"workaround": WORKAROUND})
        if not solved:
            return
        yield start + timedelta(days=15)
        cause = "A job that runs at the same time takes all connections."
        actions = "Move the job, or give it connections of its own."
        values = {"root_cause": cause, "possible_actions": actions}
        move(problem, "find_cause", by=manager, values=values)
        error = problem.known_errors.get()
        revise(error, {"root_cause": cause}, by=manager)
        yield start + timedelta(days=24)
        resolution = "The job runs at four in the morning now."
        move(problem, "resolve", by=manager, values={"resolution": resolution})
        error.refresh_from_db()
        move(error, "retire", by=manager, note="The cause is removed.")
        effect = "No incident of this kind in the four weeks after."
        move(problem, "close", by=manager, values={"closure_reason": "removed", "effect": effect})

    def results_are_measured(self) -> None:
        manager = self.people["Marta Kowalska"]
        for agreement in Agreement.objects.in_state("in_force"):
            measure(agreement, self.end, by=manager)
        file_misses(self.end, by=manager)
