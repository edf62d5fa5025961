"""A framework: its chapters and requirements, who assesses it, and what covers it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from verne.conformity import statement as statements
from verne.conformity.catalogue import EDITION
from verne.conformity.library import ours
from verne.conformity.library.covering import (
    Coverage,
    Standing,
    covered,
    neighbours,
    reached,
    standings,
)
from verne.conformity.library.models import Framework, FrameworkNode
from verne.web import components
from verne.web.pages.standard.view import READING
from verne.web.parts import Action, Fact, Link, PageHeader
from verne.web.views.common import person_of

from .common import (
    NodeRow,
    Sums,
    coverage_badge,
    home,
    in_tree_order,
    may_assess,
    named,
    parts,
    said,
    sums_of_coverage,
    viewer,
)


def framework_at(number: int) -> Framework:
    found: Framework = get_object_or_404(
        Framework.objects.select_related("library__current"), pk=number
    )
    return found


def is_ours(framework: Framework) -> bool:
    """Whether it is the edition that is judged from the records."""
    return framework.key == ours.framework_urn(EDITION)


def can_stand(framework: Framework) -> bool:
    """Whether anything is ever shown for it: of the standards beside ours we hold titles only."""
    return is_ours(framework) or not framework.library.ours


def clause_url(framework: Framework, node: FrameworkNode) -> str:
    """Where a clause or obligation of our own edition is shown."""
    if not is_ours(framework):
        return ""
    leaf = node.urn.rpartition(":")[2]
    return reverse("standard-obligation" if node.assessable else "standard-clause", args=[leaf])


@viewer
@require_GET
def page(request: HttpRequest, number: int) -> HttpResponse:
    framework = framework_at(number)
    person = person_of(request)
    everything = list(framework.nodes.all())
    current = in_tree_order([node for node in everything if node.retired_at is None])
    shown, tabs = parts(request, current)
    actions = []
    if may_assess(person) and not framework.library.ours and framework.retired_at is None:
        url = reverse("framework-begin", args=[number])
        actions.append(Action(label=_("Begin an assessment"), url=url, kind="primary"))
    if is_ours(framework):
        actions.append(Action(label=_("Its statement"), url=reverse("standard")))
    library = framework.library
    groups = {g["ref"]: g["name"] for g in framework.groups}
    return render(
        request,
        "libraries/framework.html",
        {
            "header": PageHeader(
                title=str(framework),
                lead=framework.told("description"),
                crumbs=[
                    home(),
                    Link(label=str(library), url=reverse("library", args=[library.pk])),
                ],
                quarter="check",
                actions=actions,
            ),
            "retired": framework.retired_at is not None,
            "copyright": library.current.copyright if library.current else "",
            "facts": _facts(framework, current),
            "tabs": tabs,
            "rows": [
                NodeRow(
                    node,
                    ref=node.ref,
                    name=named(node),
                    text=said(node),
                    url=clause_url(framework, node),
                    groups=", ".join(groups.get(ref, ref) for ref in node.groups),
                )
                for node in shown
            ],
            "grouped": bool(framework.groups),
            "gone": [
                (node, node.successor)
                for node in framework.nodes.exclude(retired_at=None).select_related("successor")
            ],
            "assessments": list(framework.assessments.select_related("owner")),
            "coverage": _coverage_links(framework),
        },
    )


def _facts(framework: Framework, nodes: Sequence[FrameworkNode]) -> list[Fact]:
    facts = [
        Fact(label=_("Reference"), value=framework.ref),
        Fact(label=_("Nodes to assess"), value=str(sum(n.assessable for n in nodes))),
    ]
    if not framework.library.ours:
        steps = "; ".join(f"{step.score:g} {step.name}" for step in framework.steps)
        scores = _("from %(low)d to %(high)d") % {
            "low": framework.min_score,
            "high": framework.max_score,
        }
        facts.append(Fact(label=_("Scores"), value=steps or scores))
    if framework.groups:
        groups = "; ".join(g["name"] for g in framework.groups)
        facts.append(Fact(label=_("Implementation groups"), value=groups))
    return facts


@dataclass(frozen=True)
class CoverageLink:
    """Another framework whose evidence says something of this one."""

    name: str
    url: str
    steps: int


def _coverage_links(framework: Framework) -> list[CoverageLink]:
    steps = neighbours(framework.key)
    there = Framework.objects.filter(key__in=steps, retired_at=None).select_related("library")
    links = [
        CoverageLink(
            str(other), reverse("framework-covers", args=[other.pk, framework.pk]), steps[other.key]
        )
        for other in there
        if can_stand(other)
    ]
    return sorted(links, key=lambda link: (link.steps, link.name))


# --- What one framework covers of another ---------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """A node of the source that speaks for a node of the target, with how it stands."""

    ref: str
    name: str
    url: str
    whole: bool
    standing: SafeString
    through: str
    note: str


STANDINGS = {
    Standing.MET: "met",
    Standing.PARTLY: "partly",
    Standing.NOT_MET: "gap",
    Standing.UNKNOWN: "not_computed",
}


def standing_badge(standing: Standing) -> SafeString:
    words = {
        Standing.MET: _("Conforming"),
        Standing.PARTLY: _("Partly conforming"),
        Standing.NOT_MET: _("Not shown"),
        Standing.UNKNOWN: _("Not assessed"),
    }
    return components.verdict(STANDINGS[standing], words[standing])


@viewer
@require_GET
def covers(request: HttpRequest, number: int, other: int) -> HttpResponse:
    """What is shown for one framework, read as evidence for another, node by node."""
    source, target = framework_at(number), framework_at(other)
    if source == target:
        raise Http404
    statement = statements.current(budget=READING) if is_ours(source) else None
    stand = standings(source, statement)
    reaches = reached(source.key, target.key)
    live = source.nodes.filter(retired_at=None)
    sources = {node.key: node for node in live}
    targets = in_tree_order(list(target.nodes.filter(retired_at=None)))
    found = {
        node.pk: [r for r in reaches.get(node.key, ()) if r.source in sources] for node in targets
    }
    said_of = {node.pk: covered(found[node.pk], stand) for node in targets}
    shown, tabs = parts(request, targets)
    rows = [
        NodeRow(
            node,
            ref=node.ref,
            name=named(node),
            text="",
            badge=coverage_badge(said_of[node.pk])
            if node.assessable or found[node.pk]
            else SafeString(""),
            more=[
                Source(
                    ref=sources[r.source].ref,
                    name=named(sources[r.source]),
                    url=clause_url(source, sources[r.source]),
                    whole=r.whole,
                    standing=standing_badge(stand.get(r.source, Standing.UNKNOWN)),
                    through=", ".join(key.rpartition(":")[2] for key in r.through),
                    note=r.note,
                )
                for r in found[node.pk]
            ],
        )
        for node in shown
    ]
    return render(
        request,
        "libraries/covers.html",
        {
            "header": PageHeader(
                title=str(target),
                lead=_("What is shown for %(source)s covers of it.") % {"source": source},
                crumbs=[
                    home(),
                    Link(label=str(target), url=reverse("framework", args=[target.pk])),
                ],
                quarter="check",
                actions=[
                    Action(
                        label=_("The other way round"),
                        url=reverse("framework-covers", args=[other, number]),
                    )
                ],
            ),
            "source": source,
            "source_url": reverse("framework", args=[source.pk]),
            "sums": _sums(targets, said_of),
            "unknown": not any(s is not Standing.UNKNOWN for s in stand.values()),
            "tabs": tabs,
            "rows": rows,
        },
    )


def _sums(nodes: Sequence[FrameworkNode], said_of: dict[int, Any]) -> Sums:
    counted = [said_of[node.pk] for node in nodes if node.assessable]
    return sums_of_coverage({c: counted.count(c) for c in Coverage if counted.count(c)})
