"""What the pages of the libraries share: who may enter, badges, parts of a long framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.conformity.library.assessing import RIGHT as ASSESS
from verne.conformity.library.assessing import VIEW
from verne.conformity.library.covering import Coverage
from verne.conformity.library.loading import RIGHT as LOAD
from verne.conformity.library.models import Assessed, FrameworkNode
from verne.engine.people import Person
from verne.web import components
from verne.web.parts import Link
from verne.web.views.common import View, person_of, staff

Result = Assessed.Result

SHOWN_AT_ONCE: Final = 250
"""Nodes of a framework on one page; a longer one is shown chapter by chapter."""


def viewer(view: View) -> View:
    """A page for those who may see how conformity stands."""

    @wraps(view)
    @staff
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not person_of(request).may(VIEW):
            raise PermissionDenied(_("Your roles do not include the frameworks."))
        return view(request, *args, **kwargs)

    return guarded


def may_load(person: Person) -> bool:
    return person.may(LOAD)


def may_assess(person: Person) -> bool:
    return person.may(ASSESS)


def require(request: HttpRequest, allowed: Callable[[Person], bool]) -> Person:
    person = person_of(request)
    if not allowed(person):
        raise PermissionDenied(_("Your roles do not let you do this here."))
    return person


def home() -> Link:
    return Link(label=_("Frameworks"), url=reverse("libraries"))


VERDICTS: Final[Mapping[str, str]] = {
    Result.CONFORMING.value: "met",
    Result.PARTLY.value: "partly",
    Result.NONCONFORMING.value: "gap",
    Result.NOT_APPLICABLE.value: "no_occurrence",
    Result.NOT_ASSESSED.value: "not_computed",
}
"""The verdict each result is shown as."""

COVERAGES: Final = {
    Coverage.FULL: ("met", gettext_lazy("Covered in full")),
    Coverage.PARTIAL: ("partly", gettext_lazy("Covered in part")),
    Coverage.NONE: ("gap", gettext_lazy("Not covered yet")),
    Coverage.NO_COUNTERPART: ("no_data", gettext_lazy("Nothing corresponds")),
}


def result_badge(result: str) -> SafeString:
    return components.verdict(VERDICTS[result], Result(result).label)


def coverage_badge(coverage: Coverage) -> SafeString:
    key, label = COVERAGES[coverage]
    return components.verdict(key, label)


@dataclass(frozen=True)
class Sums:
    """libraries/sums.html: how many came to what, as a bar and in words."""

    counts: dict[str, int]
    legend: Sequence[tuple[SafeString, int]]
    label: str

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def sums_of_results(counts: Mapping[str, int]) -> Sums:
    return _sums([(VERDICTS[r], Result(r).label, result_badge(r), n) for r, n in counts.items()])


def sums_of_coverage(counts: Mapping[Coverage, int]) -> Sums:
    return _sums([(*COVERAGES[c], coverage_badge(c), n) for c, n in counts.items()])


def _sums(rows: Iterable[tuple[str, Any, SafeString, int]]) -> Sums:
    found = list(rows)
    return Sums(
        counts={key: n for key, _label, _badge, n in found},
        legend=[(badge, n) for _key, _label, badge, n in found],
        label=", ".join(f"{label}: {n}" for _key, label, _badge, n in found),
    )


@dataclass(frozen=True)
class NodeRow:
    """A line of a framework: a chapter, or something to be assessed with how it stands."""

    node: FrameworkNode
    ref: str
    name: str
    text: str
    url: str = ""
    badge: SafeString | str = ""
    score: str = ""
    evidence: int = 0
    by: str = ""
    at: Any = None
    groups: str = ""
    more: Sequence[Any] = ()

    @property
    def level(self) -> int:
        """The level of its heading below the page's own."""
        return min(self.node.depth + 2, 6)


def named(node: FrameworkNode) -> str:
    """What a node is called: its name, or the beginning of what it says."""
    return node.told("name") or Truncator(node.told("description")).chars(120)


def said(node: FrameworkNode) -> str:
    """The beginning of what a node says, where it has a name of its own besides."""
    return Truncator(node.told("description")).chars(200) if node.told("name") else ""


def parts(
    request: HttpRequest, nodes: Sequence[FrameworkNode]
) -> tuple[list[FrameworkNode], list[Link]]:
    """The nodes to show, and tabs to the chapters where there are too many for one page."""
    if len(nodes) <= SHOWN_AT_ONCE:
        return list(nodes), []
    roots = [node for node in nodes if node.parent_id is None]
    wanted = request.GET.get("part", "")
    chosen = next((root for root in roots if str(root.pk) == wanted), roots[0])
    root_of: dict[int, int] = {}
    for node in sorted(nodes, key=lambda n: n.depth):
        root_of[node.pk] = root_of.get(node.parent_id or 0, node.pk)
    tabs = [
        Link(
            label=root.ref or Truncator(named(root)).chars(30),
            url=f"{request.path}?part={root.pk}",
            current=root is chosen,
        )
        for root in roots
    ]
    return [node for node in nodes if root_of[node.pk] == chosen.pk], tabs


def in_tree_order(nodes: Sequence[FrameworkNode]) -> list[FrameworkNode]:
    """Each node before what lies under it, in the order of the file."""
    below: dict[int | None, list[FrameworkNode]] = {}
    keys = {node.pk for node in nodes}
    for node in nodes:
        below.setdefault(node.parent_id if node.parent_id in keys else None, []).append(node)
    ordered: list[FrameworkNode] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        node = waiting.pop()
        ordered.append(node)
        waiting.extend(reversed(below.get(node.pk, [])))
    return ordered
