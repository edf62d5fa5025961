"""Writes docs/rights.md from the code: every right, the roles that hold it, and how far it reaches.

tools/rights_table.py            write what is out of date
tools/rights_table.py --check    say what would be written, and fail when it is anything
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rights.md"
MARK = "<!-- Below this line the page is written by tools/rights_table.py. -->"
OUTSIDE = ("customer_user", "customer_manager", "external_auditor")
"""Roles made for people from outside; what they hold is listed by itself."""


def table() -> str:
    """What stands below the mark; the program must be set up."""
    from django.utils import translation

    with translation.override("en"):
        return "\n".join([*_of_the_system(), *_of_records(), *_from_outside(), *_by_role()])


def _of_the_system() -> Iterator[str]:
    from verne.engine.rights import SYSTEM_RIGHTS

    yield "## Rights that belong to no record type"
    yield ""
    yield "| Right | Held by |"
    yield "|---|---|"
    for name in SYSTEM_RIGHTS:
        yield _row(f"`{name}`", _names(_holders(name)))
    yield ""


def _of_records() -> Iterator[str]:
    from verne.engine.register import registers
    from verne.engine.rights import right, verbs_of

    yield "## Rights over records"
    yield ""
    yield "Each type with its verbs and moves. *Reach* says which of the records a view extends to,"
    yield "beyond the rules above; verbs and moves reach no further than the view."
    yield ""
    for register in registers.values():
        model = register.model
        words = str(model._meta.verbose_name_plural)
        yield f"### {words[:1].upper()}{words[1:]} (`{model._meta.label_lower}`)"
        yield ""
        yield f"Reach: {_reach(register)}."
        yield ""
        yield "| Right | Held by |"
        yield "|---|---|"
        held: dict[tuple[str, ...], list[str]] = {}
        for verb in verbs_of(model):
            held.setdefault(tuple(_holders(right(verb, model))), []).append(verb)
        for roles, verbs in held.items():
            yield _row(", ".join(f"`{verb}`" for verb in verbs), _names(roles))
        yield ""


def _reach(register: Any) -> str:
    own = vars(register)
    said = ["the usual"]
    if "narrow" in own:
        said.append("some people of ours see only part of them (`narrow`)")
    if "widen" in own:
        said.append("some are seen beyond it (`widen`)")
    if "open_since" in own:
        said.append("what was said before is not for everybody (`open_since`)")
    return "; ".join(said)


def _from_outside() -> Iterator[str]:
    from verne.engine.rights import bundles

    yield "## What people from outside hold"
    yield ""
    for role in OUTSIDE:
        granted = ", ".join(f"`{name}`" for name in sorted(bundles().get(role, ())))
        yield f"- `{role}`: {granted or 'nothing by itself; the open rooms decide'}."
    yield ""


def _by_role() -> Iterator[str]:
    from verne.engine.rights import all_rights, bundles
    from verne.engine.roles import NAMES

    yield "## Roles"
    yield ""
    yield f"{len(all_rights())} rights, {len(NAMES)} roles."
    yield ""
    yield "| Role | Key | Rights | Of the system |"
    yield "|---|---|---|---|"
    for key, name in NAMES.items():
        granted = bundles().get(key, frozenset())
        system = [n for n in _system() if n in granted]
        yield _row(str(name), f"`{key}`", str(len(granted)), ", ".join(f"`{n}`" for n in system))
    yield ""


def _system() -> tuple[str, ...]:
    from verne.engine.rights import SYSTEM_RIGHTS

    return SYSTEM_RIGHTS


def _holders(name: str) -> list[str]:
    from verne.engine.rights import bundles
    from verne.engine.roles import NAMES

    return [role for role in NAMES if name in bundles().get(role, ())]


def _names(roles: Sequence[str]) -> str:
    from verne.engine.roles import NAMES

    if len(roles) > len(NAMES) / 2:
        return f"all but {', '.join(f'`{role}`' for role in NAMES if role not in roles)}"
    return ", ".join(f"`{role}`" for role in roles) or "nobody"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing")
    chosen = arguments.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verne.settings")
    import django

    django.setup()
    by_hand, _mark, kept = PAGE.read_text().partition(MARK)
    generated = table()
    if kept.strip() == generated.strip():
        return 0
    if not chosen.check:
        PAGE.write_text(f"{by_hand.rstrip()}\n\n{MARK}\n\n{generated.strip()}\n")
    print(f"{PAGE.relative_to(ROOT)}: {'stale' if chosen.check else 'written'}")
    return 1 if chosen.check else 0


if __name__ == "__main__":
    sys.exit(main())
