"""The table of rights says what the code says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tools.rights_table import MARK, OUTSIDE, PAGE, table
from verne.engine.register import registers
from verne.engine.rights import bundles, right, verbs_of
from verne.engine.roles import NAMES


def test_the_table_is_up_to_date() -> None:
    kept = PAGE.read_text().partition(MARK)[2]
    assert kept.strip().splitlines() == table().strip().splitlines(), "Run tools/rights_table.py."


@pytest.mark.parametrize("register", registers.values(), ids=lambda r: r.model.__name__)
def test_every_role_stands_at_the_rights_it_holds_and_at_no_other(register: Any) -> None:
    """Read back from the page, as somebody reads it."""
    section = PAGE.read_text().partition(f"(`{register.model._meta.label_lower}`)\n")[2]
    told: dict[str, set[str]] = {}
    for line in section.partition("\n#")[0].splitlines():
        if not line.startswith("| `"):
            continue
        _edge, verbs, roles, _other = line.split("|")
        named = set(re.findall("`(.+?)`", roles))
        holders = NAMES.keys() - named if roles.startswith(" all but") else named
        told |= {verb: set(holders) for verb in re.findall("`(.+?)`", verbs)}
    assert told == {
        verb: {role for role, held in bundles().items() if right(verb, register.model) in held}
        for verb in verbs_of(register.model)
    }


def test_no_role_grants_without_a_name() -> None:
    """A role that a register invents would be held by nobody and listed nowhere."""
    assert bundles().keys() <= NAMES.keys()
    assert set(OUTSIDE) <= NAMES.keys()


def test_people_from_outside_hold_no_right_of_the_system() -> None:
    for role in OUTSIDE:
        held = {name for name in bundles().get(role, ()) if name.startswith(("engine", "conform"))}
        assert not held, role
