"""What the versions in use say, laid out in tables: frameworks, nodes and mappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _

from . import shape
from .models import Framework, FrameworkNode, Library, LibraryVersion, MappingRow, MappingSet
from .reading import read
from .remarks import Remark, remark
from .understanding import TRANSLATED, understand

BATCH = 500


def project(key: str, *, at: datetime) -> list[Remark]:
    """Make the tables say what the languages of one library say that are in use.

    The language loaded first tells what there is; the others add their words to it.
    """
    in_use = LibraryVersion.objects.filter(pk=F("library__current"), library__key=key)
    loaded = [
        (version.library, understand(read(version.text.text)))
        for version in in_use.select_related("library", "text").order_by("library_id")
    ]
    remarks: list[Remark] = []
    frameworks: dict[str, Framework] = {}
    mappings: set[str] = set()
    for library, told in loaded:
        for framework in told.frameworks:
            if framework.key in frameworks:
                remarks += _add_words(frameworks[framework.key], framework, told.locale)
            else:
                frameworks[framework.key] = _write_framework(framework, library, at)
        for mapping in told.mapping_sets:
            if mapping.key not in mappings:
                _write_mapping(mapping, library)
                mappings.add(mapping.key)
    gone = Framework.objects.filter(library__key=key, retired_at=None)
    for former in gone.exclude(key__in=frameworks):
        former.nodes.filter(retired_at=None).update(retired_at=at)
        Framework.objects.filter(pk=former.pk).update(retired_at=at)
    MappingSet.objects.filter(library__key=key).exclude(key__in=mappings).delete()
    return remarks


def _write_framework(told: shape.Framework, library: Library, at: datetime) -> Framework:
    other = Framework.objects.filter(key=told.key, retired_at=None)
    if taken := other.exclude(library__key=library.key).select_related("library__current").first():
        raise ValidationError(
            _("The framework %(urn)s is held by the library %(library)s already.")
            % {"urn": told.urn, "library": taken.library}
        )
    framework: Framework
    framework, _created = Framework.objects.update_or_create(
        key=told.key,
        defaults={
            "urn": told.urn,
            "library": library,
            "locale": library.locale,
            "ref": told.ref[:200],
            "name": told.name[:500],
            "description": told.description,
            "min_score": told.min_score,
            "max_score": told.max_score,
            "scale": shape.plain(told.scale),
            "groups": shape.plain(told.groups),
            "texts": dict(told.texts),
            "retired_at": None,
        },
    )
    _write_nodes(framework, told, at)
    return framework


def _write_nodes(framework: Framework, told: shape.Framework, at: datetime) -> None:
    there = {node.key: node for node in framework.nodes.all()}
    for each in told.nodes:
        if len(each.key) > 400:
            raise ValidationError(
                _("The URN of a node is longer than 400 characters: %(urn)s…")
                % {"urn": each.urn[:80]}
            )
    # From the top down, so that each parent is there before what lies under it.
    for depth in sorted({node.depth for node in told.nodes}):
        new = [
            FrameworkNode(framework=framework, key=node.key, **_values(node, framework, there))
            for node in told.nodes
            if node.depth == depth and node.key not in there
        ]
        there |= {node.key: node for node in FrameworkNode.objects.bulk_create(new, BATCH)}
    changed = []
    for node in told.nodes:
        row, values = there[node.key], _values(node, framework, there)
        if any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            changed.append(row)
    if changed:
        names = {_column(name) for name in _values(told.nodes[0], framework, there)}
        FrameworkNode.objects.bulk_update(changed, sorted(names), batch_size=100)
    gone = [n for key, n in there.items() if key not in told.by_key and n.retired_at is None]
    for retired in gone:
        retired.retired_at = at
    FrameworkNode.objects.bulk_update(gone, ["retired_at"], batch_size=BATCH)


def _column(name: str) -> str:
    return name.removesuffix("_id")


def _values(
    node: shape.Node, framework: Framework, there: Mapping[str, FrameworkNode]
) -> dict[str, Any]:
    parent = there.get(node.parent or "")
    return {
        "urn": node.urn,
        "parent_id": parent.pk if parent else None,
        "order": node.order,
        "depth": node.depth,
        "ref": node.ref[:200],
        "name": node.name[:500],
        "description": node.description,
        "annotation": node.annotation,
        "typical_evidence": node.typical_evidence,
        "assessable": node.assessable,
        "groups": list(node.groups),
        "questions": shape.plain(node.questions),
        "weight": node.weight,
        "importance": node.importance[:40],
        "min_score": node.min_score,
        "max_score": node.max_score,
        "scale": shape.plain(node.scale),
        "locale": framework.locale,
        "texts": {locale: dict(texts) for locale, texts in node.texts.items()},
        "retired_at": None,
        "successor_id": None,
    }


def _add_words(framework: Framework, told: shape.Framework, locale: str) -> Iterator[Remark]:
    """Add the words of another language to a framework that is there."""
    framework.texts = _with(framework.texts, told, locale)
    framework.save(update_fields=["texts"])
    nodes = {node.key: node for node in framework.nodes.filter(retired_at=None)}
    for node in told.nodes:
        if node.key in nodes:
            nodes[node.key].texts = _with(nodes[node.key].texts, node, locale)
    FrameworkNode.objects.bulk_update(nodes.values(), ["texts"], batch_size=100)
    if strange := [node.urn for node in told.nodes if node.key not in nodes]:
        yield remark("variant-strange", count=len(strange), example=strange[0])


def _with(
    texts: Mapping[str, Any], told: shape.Framework | shape.Node, locale: str
) -> dict[str, Any]:
    """Texts with those of another language; what a library says of itself counts most."""
    own = {name: text for name in TRANSLATED if (text := getattr(told, name, ""))}
    return {**told.texts, **texts, locale: own}


def _write_mapping(told: shape.MappingSet, library: Library) -> None:
    other = MappingSet.objects.filter(key=told.key).exclude(library__key=library.key)
    if other.exists():
        raise ValidationError(
            _("The mapping %(urn)s is held by another library already.") % {"urn": told.urn}
        )
    mapping, _created = MappingSet.objects.update_or_create(
        key=told.key,
        defaults={
            "library": library,
            "ref": told.ref[:200],
            "name": told.name[:500],
            "source": told.source,
            "target": told.target,
        },
    )
    mapping.rows.all().delete()
    MappingRow.objects.bulk_create(
        [
            MappingRow(
                of=mapping,
                source=row.source,
                target=row.target,
                relationship=row.relationship.value,
                rationale=row.rationale,
                strength=row.strength,
                strength_said=row.strength_said[:40],
                note=row.note,
            )
            for row in told.rows
        ],
        BATCH,
    )
