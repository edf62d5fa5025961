"""Declarations that cannot be right are refused before the program starts, in helpful words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import CheckMessage

from verne.engine import checks
from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.links import Cascade, LinkType, link_types
from verne.engine.register import Register, Section, registers
from verne.sms.portfolio.service.models import Service
from verne.sms.resolution.classification.models import Category
from verne.sms.resolution.incident.models import Incident


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whatever a test declares is forgotten after it."""
    kept, ties = dict(registers), dict(link_types)
    yield
    for mapping, before in ((registers, kept), (link_types, ties)):
        mapping.clear()
        mapping.update(before)  # type: ignore[arg-type]


def words(found: list[CheckMessage]) -> list[str]:
    return [f"{message.msg} {message.hint or ''}".strip() for message in found]


def test_what_is_declared_now_is_right() -> None:
    for check in (
        checks.registers_name_real_fields,
        checks.every_record_type_has_a_register,
        checks.chapters_cite_backwards,
        checks.lifecycles_can_be_walked,
        checks.registers_do_not_share_names,
        checks.roles_are_granted_real_verbs,
        checks.links_tie_real_kinds,
        checks.cascades_carry_real_moves,
        checks.documented_information_counts_real_states,
    ):
        assert words(check()) == []


@pytest.mark.parametrize(
    "slip",
    [
        {"columns": ("ref", "titel")},
        {"filters": ("titel",)},
        {"search": ("titel",)},
        {"filing": ("titel",)},
        {"order": "-titel"},
        {"sections": (Section("Category", "titel"),)},
    ],
    ids=lambda slip: next(iter(slip)),
)
def test_a_field_that_does_not_exist_is_refused_with_a_suggestion(slip: dict[str, Any]) -> None:
    class SlippedRegister(Register):
        model = Category
        prefix = "CTG"
        sections = (Section("Category", "title"),)

    for name, value in slip.items():
        setattr(SlippedRegister, name, value)
    (told,) = words(checks.registers_name_real_fields())
    assert (
        told == "SlippedRegister names 'titel', which Category does not have. Did you mean 'title'?"
    )


def test_a_name_like_no_other_is_answered_with_all_there_are() -> None:
    class FarOffRegister(Register):
        model = Category
        prefix = "CTG"
        sections = (Section("Category", "zzz"),)

    (told,) = words(checks.registers_name_real_fields())
    assert "Its fields are " in told
    assert "hint" in told


def test_a_type_without_a_register_is_refused() -> None:
    del registers["resolution.category"]
    (told,) = words(checks.every_record_type_has_a_register())
    assert told.startswith("Category has no register. Add a register.py beside")


def test_two_registers_do_not_share_a_prefix_or_an_address() -> None:
    class TwinRegister(Register):
        model = Category
        prefix = "INC"
        slug = "incidents"
        sections = (Section("Category", "title"),)

    told = words(checks.registers_do_not_share_names())
    assert len(told) == 2
    assert all("Give one of them another" in line for line in told)


def test_a_role_is_granted_what_can_be_done() -> None:
    class GenerousRegister(Register):
        model = Category
        prefix = "CTG"
        sections = (Section("Category", "title"),)
        roles = {"reader": ("view", "explode")}

    (told,) = words(checks.roles_are_granted_real_verbs())
    assert told.startswith("GenerousRegister grants reader 'explode'")
    assert "retire" in told


def test_a_relation_that_points_forward_in_the_standard_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    field = Incident._meta.get_field("service")
    monkeypatch.setattr(checks, "ORDER", ("resolution", "portfolio"))
    told = words(checks.chapters_cite_backwards())
    assert f"{field} points forward in the standard, to portfolio.Service." in told[0]
    assert "use a typed link" in told[0]


def test_a_link_ties_kinds_that_exist_and_carries_moves_that_exist() -> None:
    LinkType(
        "mentions",
        "mentions",
        "mentioned_by",
        "is mentioned by",
        sources=("resolution.incidents",),
        targets=("resolution.incident",),
        cascades=(Cascade("resolve", "explode"),),
    )
    assert (
        "ties 'resolution.incidents', which is no record type"
        in words(checks.links_tie_real_kinds())[0]
    )
    (told,) = words(checks.cascades_carry_real_moves())
    assert told.startswith("The link type mentions carries 'explode', which is no move of")


def flaws(life: type[Lifecycle], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Service, "lifecycle", life)
    monkeypatch.setattr(checks, "record_types", lambda: [Service])
    return words(checks.lifecycles_can_be_walked())


def test_a_state_nobody_reaches_or_leaves_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class StuckLife(Lifecycle):
        proposed = State("Proposed", initial=True)
        stuck = State("Stuck")
        forgotten = State("Forgotten", final=True)

        stick = Move(proposed, stuck, "Stick")

    assert flaws(StuckLife, monkeypatch) == [
        "StuckLife: no move leads to the state 'forgotten'.",
        "StuckLife: no move leads out of 'stuck'; make it final or add one.",
    ]


def test_a_move_is_not_called_like_a_verb_of_every_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class VerbLife(Lifecycle):
        proposed = State("Proposed", initial=True)
        gone = State("Gone", final=True)

        withdraw = Move(proposed, gone, "Withdraw")

    (told,) = flaws(VerbLife, monkeypatch)
    assert "a move may not be called 'withdraw'" in told


def test_a_move_submits_what_needs_an_approval(monkeypatch: pytest.MonkeyPatch) -> None:
    class AskingLife(Lifecycle):
        proposed = State("Proposed", initial=True)
        asked = State("Asked")
        agreed = State("Agreed", final=True)

        ask = Move(proposed, asked, "Ask", submits="agre")
        agree = Move(asked, agreed, "Agree", approval=Approval())

    (told,) = flaws(AskingLife, monkeypatch)
    assert told == "AskingLife: 'ask' submits 'agre', which is no move with an approval."


def test_those_who_have_no_say_are_named_by_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    class SayLife(Lifecycle):
        proposed = State("Proposed", initial=True)
        agreed = State("Agreed", final=True)

        agree = Move(proposed, agreed, "Agree", approval=Approval(but_not=("requestor",)))

    monkeypatch.setattr(Category, "lifecycle", SayLife)
    (told,) = words(checks.registers_name_real_fields())
    assert told.startswith("CategoryRegister names 'requestor'")


def test_a_state_that_counts_as_documented_information_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registers["resolution.incident"], "documented", {"incidents": ("shut",)})
    (told,) = words(checks.documented_information_counts_real_states())
    assert told.startswith("IncidentRegister counts 'shut' as incidents")
    assert "Its states are recorded, " in told
