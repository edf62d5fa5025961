"""States and moves as they are declared: what they ask for, refuse, and draw."""

from __future__ import annotations

from typing import Any

import pytest

from verne.engine.lifecycle import Approval, Lifecycle, Move, State, about
from verne.engine.people import Person
from verne.sms.resolution.incident.models import IncidentLife
from verne.sms.resolution.incident.samples import an_incident


class Door:
    """Something that opens and closes, to look at a lifecycle without a database."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def is_filled(self, name: str) -> bool:
        return bool(self.facts.get(name))

    @staticmethod
    def field_label(name: str) -> str:
        return name.capitalize()


def nobody_stands_in_it(door: Door) -> str | None:
    return "Somebody stands in the doorway." if door.facts.get("crowd") else None


class DoorLife(Lifecycle):
    ajar = State("Ajar", initial=True)
    shut = State("Shut")
    walled_up = State("Walled up", final=True)

    shut_it = Move(ajar, shut, "Shut", needs=("key", "hand"), guards=(nobody_stands_in_it,))
    open_it = Move(shut, ajar, "Open", asks=("hand",))
    wall_up = Move((ajar, shut), walled_up, "Wall up", note=True, approval=Approval(count=2))


def test_states_and_moves_know_their_names() -> None:
    assert list(DoorLife.states) == ["ajar", "shut", "walled_up"]
    assert list(DoorLife.moves) == ["shut_it", "open_it", "wall_up"]
    assert DoorLife.initial is DoorLife.ajar
    assert str(DoorLife.walled_up) == "walled_up"


def test_moves_lead_on_from_where_a_record_stands() -> None:
    assert [move.name for move in DoorLife.moves_from("ajar")] == ["shut_it", "wall_up"]
    assert list(DoorLife.moves_from("walled_up")) == []
    assert DoorLife.open_states() == ["ajar", "shut"]
    assert DoorLife.final_states() == ["walled_up"]


@pytest.mark.parametrize("count", [0, 2])
def test_a_lifecycle_begins_in_exactly_one_state(count: int) -> None:
    states = {f"state_{n}": State(f"State {n}", initial=n < count) for n in range(2)}
    with pytest.raises(TypeError, match=f"has {count} initial states"):
        type("OddLife", (Lifecycle,), states)


def test_obstacles_name_missing_fields_before_what_guards_say() -> None:
    door = Door(hand="", crowd=True)
    assert DoorLife.shut_it.obstacles(door) == [
        "Key is not filled in.",
        "Hand is not filled in.",
        "Somebody stands in the doorway.",
    ]
    assert DoorLife.shut_it.obstacles(Door(key="1", hand="left")) == []


def test_the_fields_of_a_move_are_each_shown_once() -> None:
    move = Move(DoorLife.ajar, DoorLife.shut, "Lock", needs=("key",), asks=("hand", "key"))
    assert move.fields == ("key", "hand")


def test_approval_may_be_needed_now_and_then() -> None:
    doors = (Door(), Door(crowd=True))
    assert [Approval(count=2).number(d) for d in doors] == [2, 2]
    crowded = Approval(when=lambda d: bool(d.facts.get("crowd")))
    assert [crowded.number(d) for d in doors] == [0, 1]
    assert Approval(needed=lambda d: len(d.facts)).number(Door(a=1, b=2)) == 2


def test_a_lifecycle_says_whether_anything_in_it_is_agreed_to() -> None:
    assert DoorLife.needs_approvals()
    assert not IncidentLife.needs_approvals()


def test_the_diagram_shows_every_step_the_start_and_the_end() -> None:
    assert DoorLife.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> ajar",
        "    ajar --> shut: shut_it",
        "    shut --> ajar: open_it",
        "    ajar --> walled_up: wall_up",
        "    shut --> walled_up: wall_up",
        "    walled_up --> [*]",
    ]


@pytest.mark.django_db
def test_nought_and_no_are_answers_and_blanks_are_none(manager: Person) -> None:
    incident = an_incident(manager, reporter=None, symptom="  ")
    incident.reopened = 0
    incident.restricted = False
    filled = [name for name in ("reopened", "restricted", "title") if incident.is_filled(name)]
    assert filled == ["reopened", "restricted", "title"]
    blank = ("symptom", "reporter", "resolution", "components", "problems")
    assert not any(incident.is_filled(name) for name in blank)


@pytest.mark.django_db
def test_a_closed_or_withdrawn_record_is_no_longer_open(manager: Person) -> None:
    from verne.engine.acts import withdraw

    incident = an_incident(manager)
    assert incident.is_open
    assert incident.moves()
    assert not withdraw(incident, by=manager, note="Filed twice").is_open


def test_a_move_may_look_at_who_makes_it() -> None:
    def not_the_carpenter(door: Door, person: Person) -> str | None:
        return "Whoever built it does not approve it." if person.name == "Karl" else None

    step = Move(State("Built"), State("Taken over"), "Take over", by=(not_the_carpenter,))
    assert step.objections(Door(), Person(name="Karl")) == ["Whoever built it does not approve it."]
    assert step.objections(Door(), Person(name="Rosa")) == []


def test_a_guard_about_a_field_of_the_form_lets_the_form_try() -> None:
    @about("name_plate")
    def it_has_a_name(door: Door) -> str | None:
        return None if door.facts.get("name_plate") else "Put up a name."

    step = Move(State("Built"), State("Taken over"), "Take over", guards=(it_has_a_name,))
    assert step.refusals(Door()) == ["Put up a name."]
    assert step.refusals(Door(), but_of=frozenset({"name_plate"})) == []
    assert step.obstacles(Door()) == ["Put up a name."]


def test_a_guard_before_several_moves_is_asked_once() -> None:
    asked: list[Door] = []

    def nobody_stands_there(door: Door) -> str:
        asked.append(door)
        return "Somebody stands in the doorway."

    built = State("Built")
    steps = [
        Move(built, State("Taken over"), "Take over", guards=(nobody_stands_there,)),
        Move(built, State("Sent back"), "Send back", guards=(nobody_stands_there,)),
    ]
    door, said = Door(), {}  # type: ignore[var-annotated]
    refusals = [step.refusals(door, said=said) for step in steps]
    assert refusals == [["Somebody stands in the doorway."]] * 2
    assert asked == [door]
