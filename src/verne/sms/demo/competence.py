"""Who is appointed at Meridian, what people can do, and what they have signed that they know."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from verne.engine import moment
from verne.engine.acts import act, file, move, revise
from verne.engine.people import Assignment, Person, Role
from verne.engine.testing import proof_of

from ..leadership.role import granting
from ..leadership.role.models import Appointment
from ..leadership.role.starters import begin_with_starters as describe_roles
from ..support.awareness.models import Campaign
from ..support.awareness.signing import acknowledge
from ..support.competence.matrix import matrix
from ..support.competence.models import Competence, CompetenceAction, CompetenceRecord
from ..support.competence.starters import begin_with_starters as need_competences

if TYPE_CHECKING:
    from .story import Story

Life = Generator[datetime, None, None]

DAY = timedelta(days=1)
DEPUTIES = {
    "Helena Brandt": "Tomas Lindqvist",
    "Ines Moreau": "Priya Raman",
    "Oscar Lund": "Nadia Haddad",
    "Jonas Weber": "Carlos Mendes",
    "Tomas Lindqvist": "Felix Braun",
}
ENDS_SOON = ("Nadia Haddad", "release_manager")
RAN_OUT = ("Daniel Okafor", "demand_manager")

SHOWN_BY = (
    "Did it under the eyes of somebody who does it alone, twice.",
    "A certificate of March, attached to the personnel file.",
    "The last ten records of this kind, looked at together.",
    "Has done it in the former job for four years; two references.",
)

LACKING = (
    # Person, competence, and how far closing the gap has come.
    ("Julia Novak", "Restoring service", "worked"),
    ("Tariq Aziz", "Making knowledge usable", "done"),
    ("Wei Zhang", "Restoring service", "planned"),
    ("Olga Ivanova", "Looking after customers", "late"),
    ("Erik Sandberg", "Continuity and recovery", "planned"),
    ("Ben Carter", "Making knowledge usable", "nothing"),
    ("Miriam Stein", "Budgeting and accounting", "nothing"),
)
LAPSED = (("Carlos Mendes", "Assessing risks"), ("Paul Fischer", "Information security"))


def appoint(person: Person, roles: tuple[str, ...], *, by: Person | None) -> None:
    """Give somebody their roles; the first of all is given theirs by nobody, and then appointed."""
    founder = by or person
    for key in roles:
        file(
            Appointment,
            {
                "role": Role.objects.get(key=key),
                "person": person,
                "since": moment.now(),
                "communicated_at": moment.now(),
            },
            by=founder,
        )
    if by is None:
        with act("settle", by=person, note="The appointment takes its place"):
            for grant in Assignment.objects.filter(person=person, appointment=None):
                granting.end_bare_grant(grant)


def scenes(story: Story) -> Iterator[Life]:
    """Everything that is told here, each in its steps."""
    told = People(story)
    yield told.roles_are_described_and_accepted()
    yield told.somebody_goes_on_holiday()
    yield told.some_appointments_end()
    yield told.competences_are_assessed()
    yield from (told.a_gap(n, *facts) for n, facts in enumerate(LACKING))
    yield told.everybody_hears_of_the_promise()
    yield told.everybody_hears_of_the_objectives()


class People:
    """The scenes around people."""

    def __init__(self, story: Story) -> None:
        self.start, self.end, self.people = story.start, story.end, story.people
        self.helena, self.tomas = self.people["Helena Brandt"], self.people["Tomas Lindqvist"]
        self.anna = self.people["Anna Petrova"]
        self.staff = [p for p in self.people.values() if p.kind_of_party == "own"]

    # -- roles ------------------------------------------------------------------------------------

    def roles_are_described_and_accepted(self) -> Life:
        yield self.start + 2 * DAY
        described = describe_roles(self.tomas)
        yield self.start + 3 * DAY
        for definition in described:
            move(definition, "put_in_force", by=self.helena)
        for holder, deputy in DEPUTIES.items():
            for appointment in self._of(holder):
                revise(appointment, {"deputy": self.people[deputy]}, by=self.helena)
        yield self.start + 4 * DAY
        for person in self.staff:
            person.forget_rights()
            for appointment in self._of(person.name):
                move(appointment, "accept", by=person, proof=proof_of(person))

    def somebody_goes_on_holiday(self) -> Life:
        yield self.start + 150 * DAY
        appointment = self._of("Ines Moreau", role="incident_manager", state="in_force")[0]
        away = {"away_since": self.start + 152 * DAY, "away_until": self.start + 173 * DAY}
        ines = self.people["Ines Moreau"]
        move(appointment, "hand_over", by=ines, values=away, note="Three weeks of holidays")

    def some_appointments_end(self) -> Life:
        yield self.start + 200 * DAY
        for (holder, role), until in ((ENDS_SOON, 40), (RAN_OUT, -20)):
            appointment = self._of(holder, role=role, state="in_force")[0]
            revise(appointment, {"until": self.end + until * DAY}, by=self.helena)
        yield self.end - 3 * DAY
        # A gap on purpose: told of it, and not accepted yet.
        values = {"role": Role.objects.get(key="improvement_manager"), "person": self.tomas}
        file(
            Appointment,
            values | {"since": moment.now(), "communicated_at": moment.now()},
            by=self.helena,
        )

    def _of(self, name: str, *, role: str = "", state: str = "awaiting") -> list[Appointment]:
        rows = Appointment.objects.filter(person=self.people[name], state=state)
        return list(rows.filter(role__key=role) if role else rows)

    # -- competence -------------------------------------------------------------------------------

    def competences_are_assessed(self) -> Life:
        yield self.start + 10 * DAY
        need_competences(self.anna)
        yield self.start + 20 * DAY
        lacking = {(name, title) for name, title, _step in LACKING}
        chance = random.Random(7200)
        for line in matrix(self.staff, moment.now()).lines:
            for cell in line.cells:
                if cell.needed and (line.person.name, cell.competence.title) not in lacking:
                    above = 1 if cell.needed < 4 and chance.random() < 0.2 else 0
                    self._assess(line.person, cell.competence, cell.needed + above, chance)

    def _assess(
        self, person: Person, competence: Competence, level: int, chance: random.Random
    ) -> None:
        by = self.tomas if person == self.anna else self.anna
        lapsed = (person.name, competence.title) in LAPSED
        facts: dict[str, Any] = {"person": person, "competence": competence, "owner": by}
        facts["evidence"] = chance.choice(SHOWN_BY)
        values: dict[str, Any] = {
            "level": level,
            "basis": chance.choice(["training", "experience"]),
        }
        if lapsed:
            values["expires_on"] = (self.end - 30 * DAY).date()
        move(file(CompetenceRecord, facts, by=by), "assess", by=by, values=values)

    def a_gap(self, n: int, name: str, title: str, step: str) -> Life:
        yield self.start + (30 + n) * DAY
        if step == "nothing":
            return
        yield self.end - (120 - 6 * n) * DAY
        person, competence = self.people[name], Competence.objects.get(title=title)
        due = {"late": -9, "done": -5, "worked": -40}.get(step, 30 + n)
        level = competence.needs.filter(role__key__in=person.roles).order_by("-level")[0].level
        action = file(
            CompetenceAction,
            {
                "person": person,
                "competence": competence,
                "target_level": level,
                "means": "coaching" if n % 2 else "training",
                "description": "Two days with somebody who teaches it, then five cases together.",
                "owner": self.anna,
                "due_at": self.end + due * DAY,
            },
            by=self.anna,
        )
        if step not in ("done", "worked"):
            return
        yield self.end - (45 - n) * DAY
        outcome = {"outcome": "Two days of training in Hamburg, five cases looked at together."}
        action = move(action, "carry_out", by=self.anna, values=outcome)
        if step != "worked":
            return
        yield self.end - 10 * DAY
        effect = {"worked": "yes", "effect": "The last twelve incidents alone, all within target."}
        move(action, "evaluate", by=self.anna, values=effect)
        self._assess(person, competence, level, random.Random(n))

    # -- awareness --------------------------------------------------------------------------------

    def everybody_hears_of_the_promise(self) -> Life:
        yield self.start + 15 * DAY
        campaign = self._campaign(
            "What we promise, and what each of us adds to it",
            "Our policy fits on one page. Read what we promise our customers, and think of one "
            "thing in your own work that keeps it.",
            self.start + 45 * DAY,
            about_policy=True,
            about_contribution=True,
        )
        for n, person in enumerate(self.staff):
            yield self.start + (16 + n % 20) * DAY
            acknowledge(campaign, by=person)
        yield self.start + 46 * DAY
        told = {"conclusion": "Everybody has signed; in the team talks most named an example."}
        move(campaign, "end", by=self.anna, values=told)

    def everybody_hears_of_the_objectives(self) -> Life:
        yield self.end - 24 * DAY
        campaign = self._campaign(
            "Our four objectives, and what happens when we miss the rules",
            "Four figures tell whether we are on the way. And: a record that is not kept helps "
            "nobody when a customer asks what went wrong.",
            self.end + 6 * DAY,
            about_objectives=True,
            about_consequences=True,
        )
        # A gap on purpose: the field service is on the road, and has not signed.
        busy = {"Tariq Aziz", "Olga Ivanova", "Paul Fischer", "Chiara Conti", "Erik Sandberg"}
        for n, person in enumerate(p for p in self.staff if p.name not in busy):
            yield self.end - (23 - n % 20) * DAY
            acknowledge(campaign, by=person)

    def _campaign(self, title: str, message: str, until: datetime, **about: bool) -> Campaign:
        facts = {"title": title, "message": message, "until": until.date(), "owner": self.anna}
        return move(file(Campaign, facts | about, by=self.anna), "launch", by=self.anna)
