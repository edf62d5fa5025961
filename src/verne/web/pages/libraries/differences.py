"""How two versions of a library differ, as a page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.conformity.library.comparing import Difference, FrameworkDifference
from verne.conformity.library.shape import Node

SHOWN: Final = 200
"""Nodes named of each kind; how many there are is always said."""

WHAT: Final = {
    "name": gettext_lazy("name"),
    "description": gettext_lazy("description"),
    "annotation": gettext_lazy("guidance"),
    "typical_evidence": gettext_lazy("typical evidence"),
    "assessable": gettext_lazy("whether it is assessed"),
    "groups": gettext_lazy("implementation groups"),
    "questions": gettext_lazy("questions"),
    "weight": gettext_lazy("weight"),
    "importance": gettext_lazy("importance"),
    "min_score": gettext_lazy("lowest score"),
    "max_score": gettext_lazy("highest score"),
    "scale": gettext_lazy("scale"),
    "controls": gettext_lazy("controls"),
    "threats": gettext_lazy("threats"),
    "texts": gettext_lazy("translations"),
}


@dataclass(frozen=True)
class Line:
    """One node that differs: what it is called, before and after."""

    ref: str
    name: str
    what: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Kind:
    """All nodes that differ in one way."""

    title: Any
    count: int
    lines: Sequence[Line]

    @property
    def rest(self) -> int:
        return self.count - len(self.lines)


@dataclass(frozen=True)
class Shown:
    """A framework or a mapping, and how it differs."""

    name: str
    kinds: Sequence[Kind] = ()
    notes: Sequence[str] = ()


def shown(difference: Difference) -> list[Shown]:
    frameworks = [
        Shown(f.name, _kinds(f), _scale(f)) for f in difference.frameworks if not f.nothing
    ]
    mappings = [
        Shown(
            m.name,
            notes=[
                _("%(added)d pairs added, %(changed)d changed, %(removed)d removed.")
                % {"added": m.added, "changed": m.changed, "removed": m.removed}
            ],
        )
        for m in difference.mappings
    ]
    return [*frameworks, *mappings]


def _scale(framework: FrameworkDifference) -> list[str]:
    if not (framework.bounds_changed and framework.before and framework.after):
        return []
    before, after = framework.before.bounds, framework.after.bounds
    return [
        _("Scores ran from %(low)d to %(high)d and run from %(new_low)d to %(new_high)d.")
        % {"low": before[0], "high": before[1], "new_low": after[0], "new_high": after[1]}
    ]


def _kinds(framework: FrameworkDifference) -> list[Kind]:
    changed = [
        Line(
            c.after.ref,
            _name(c.after),
            what=", ".join(str(WHAT[name]) for name in c.what),
            before=c.before.description if "description" in c.what else "",
            after=c.after.description if "description" in c.what else "",
        )
        for c in framework.changed[:SHOWN]
    ]
    moved = [
        Line(
            m.after.ref,
            _name(m.after),
            _("from %(before)s to %(after)s") % {"before": m.from_under, "after": m.to_under},
        )
        for m in framework.moved[:SHOWN]
    ]
    retired = [
        Line(
            r.node.ref,
            _name(r.node),
            _("its successor is %(node)s") % {"node": f"{r.successor.ref} {_name(r.successor)}"}
            if r.successor
            else _("without a successor"),
        )
        for r in framework.retired[:SHOWN]
    ]
    added = [Line(n.ref, _name(n)) for n in framework.added[:SHOWN]]
    kinds = [
        Kind(_("Added"), len(framework.added), added),
        Kind(_("Changed"), len(framework.changed), changed),
        Kind(_("Moved"), len(framework.moved), moved),
        Kind(_("Retired"), len(framework.retired), retired),
    ]
    return [kind for kind in kinds if kind.count]


def _name(node: Node) -> str:
    words = node.name or node.description
    return words if len(words) <= 120 else words[:119] + "…"
