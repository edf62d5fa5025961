"""From the plain values of a library file to what it says, with all that real files get wrong.

What can be read in one way only is read so, with a remark; what cannot is refused, with the place.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .reading import digest
from .remarks import Remark, remark
from .shape import (
    Choice,
    Framework,
    Group,
    Library,
    MappingSet,
    Node,
    Question,
    Relationship,
    Row,
    ScaleStep,
    key_of,
)

URN: Final = re.compile(
    r"urn:[a-z0-9_-]+:[a-z0-9_-]+:[a-z0-9_-]+(:[a-z0-9_-]+)?:[0-9a-z\[\]()\-._:]+"
)
RATIONALES: Final = ("", "syntactic", "semantic", "functional")
MOST_RATED: Final = 10

PAIRS: Final = {
    "frameworks": "framework",
    "requirement_mapping_sets": "requirement_mapping_set",
    "risk_matrices": "risk_matrix",
}
"""Objects that may be told in the plural or, as older files do, in the singular."""

USED: Final = frozenset(
    {*PAIRS, *PAIRS.values(), "reference_controls", "threats"} - {"risk_matrices", "risk_matrix"}
)

RESULTS: Final = {
    "true": "conforming",
    "compliant": "conforming",
    "partially_compliant": "partly conforming",
    "false": "nonconforming",
    "non_compliant": "nonconforming",
    "not_applicable": "not applicable",
}
"""What a choice speaks for, in the words of the format and in ours."""

TYPES: Final = ("unique_choice", "multiple_choice", "text", "date", "number", "boolean")
TRANSLATED: Final = ("name", "description", "annotation", "typical_evidence")


def understand(content: Mapping[str, Any]) -> Library:
    """What a file says; `ValidationError` names everything that keeps it from being a library."""
    return _Reader(content).library()


class _Reader:
    """Reads one file, collecting remarks on the way and refusing what has no meaning."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.remarks: list[Remark] = []
        self.odd: list[str] = []
        self.legacy = 0

    def library(self) -> Library:
        head, objects = self.content, self.content.get("objects")
        missing = [name for name in ("urn", "name", "version", "objects") if not head.get(name)]
        if missing:
            raise ValidationError(
                _("The file is no library: it lacks %(names)s.") % {"names": ", ".join(missing)}
            )
        if not isinstance(objects, Mapping):
            raise ValidationError(_("“objects” must be a mapping, such as framework: …"))
        urn = self._urn(head["urn"])
        ref = _text(head, "ref_id")
        if not ref:
            ref = urn.rpartition(":")[2]
            self.remarks.append(remark("no-ref", ref=ref))
        frameworks = tuple(self._framework(f) for f in _objects(objects, "frameworks"))
        mappings = tuple(self._mapping(m) for m in _objects(objects, "requirement_mapping_sets"))
        _refuse_twice([f.key for f in frameworks] + [m.key for m in mappings])
        controls = self._controls(objects)
        self._tell_unused(objects)
        return Library(
            key=key_of(urn),
            urn=urn,
            locale=_text(head, "locale") or "en",
            ref=ref,
            name=_text(head, "name"),
            description=_text(head, "description"),
            version=_version(head["version"]),
            published=_text(head, "publication_date"),
            provider=_text(head, "provider"),
            packager=_text(head, "packager"),
            copyright=_text(head, "copyright"),
            dependencies=tuple(key_of(str(d)) for d in _list(head, "dependencies")),
            frameworks=frameworks,
            mapping_sets=mappings,
            controls=controls,
            digest=digest(self.content),
            remarks=(*self.remarks, *self._odd_urns()),
        )

    def _urn(self, value: Any) -> str:
        urn = str(value).strip()
        if not URN.fullmatch(key_of(urn)):
            self.odd.append(urn)
        return urn

    def _odd_urns(self) -> Iterator[Remark]:
        if self.odd:
            yield remark("odd-urn", count=len(self.odd), example=self.odd[0])
        if self.legacy:
            yield remark("legacy-token", count=self.legacy)

    def _tell_unused(self, objects: Mapping[str, Any]) -> None:
        for name, value in objects.items():
            if name not in USED:
                count = len(value) if isinstance(value, list) else 1
                self.remarks.append(remark("not-used", key=name, count=count))

    # --- Frameworks -------------------------------------------------------------------------------

    def _framework(self, data: Mapping[str, Any]) -> Framework:
        name = _text(data, "name") or _text(data, "ref_id")
        if not data.get("urn"):
            raise ValidationError(_("A framework has no urn: %(name)s.") % {"name": name})
        urn = self._urn(data["urn"])
        scale, alternatives = _scales(data.get("scores_definition"))
        low, high = self._bounds(name, data, scale)
        nodes = self._nodes(name, data, alternatives)
        return Framework(
            key=key_of(urn),
            urn=urn,
            ref=_text(data, "ref_id") or urn.rpartition(":")[2],
            name=name,
            description=_text(data, "description"),
            min_score=low,
            max_score=high,
            scale=scale,
            groups=self._groups(name, data, nodes),
            nodes=nodes,
            texts=_translations(data),
        )

    def _bounds(
        self, name: str, data: Mapping[str, Any], scale: tuple[ScaleStep, ...]
    ) -> tuple[int, int]:
        low, high = _whole(data, "min_score"), _whole(data, "max_score")
        scores = [step.score for step in scale]
        if scores and low is None and high is None:
            low, high = int(min(scores)), int(max(scores))
            self.remarks.append(remark("scale-without-bounds", framework=name, low=low, high=high))
        low, high = 0 if low is None else low, 100 if high is None else high
        if not 0 <= low < high:
            raise ValidationError(
                _("%(name)s: scores from %(low)d to %(high)d are no scale.")
                % {"name": name, "low": low, "high": high}
            )
        if scores and (min(scores), max(scores)) != (low, high):
            self.remarks.append(
                remark(
                    "scale-beyond-bounds",
                    framework=name,
                    low=min(scores),
                    high=max(scores),
                    min=low,
                    max=high,
                )
            )
        return low, high

    def _groups(
        self, name: str, data: Mapping[str, Any], nodes: Iterable[Node]
    ) -> tuple[Group, ...]:
        groups = {
            g.ref: g
            for g in (
                Group(
                    ref=_text(row, "ref_id"),
                    name=_text(row, "name") or _text(row, "ref_id"),
                    description=_text(row, "description"),
                    default=bool(row.get("default_selected")),
                )
                for row in _mappings(data, "implementation_groups_definition")
            )
        }
        used = Counter(group for node in nodes for group in node.groups)
        for ref, count in used.items():
            if ref not in groups:
                groups[ref] = Group(ref, ref)
                self.remarks.append(
                    remark("implicit-group", framework=name, group=ref, count=count)
                )
        return tuple(groups.values())

    def _nodes(
        self,
        framework: str,
        data: Mapping[str, Any],
        alternatives: Mapping[str, tuple[ScaleStep, ...]],
    ) -> tuple[Node, ...]:
        rows = _mappings(data, "requirement_nodes")
        nodes = [self._node(framework, n, row, alternatives) for n, row in enumerate(rows)]
        _refuse_twice([node.key for node in nodes])
        parents = {node.key: node.parent for node in nodes}
        orphans = [n for n in nodes if n.parent is not None and n.parent not in parents]
        if orphans:
            self.remarks.append(
                remark("orphan", framework=framework, count=len(orphans), example=orphans[0].urn)
            )
            parents |= {node.key: None for node in orphans}
        depths = _depths(framework, parents)
        bare = sum(not node.name and not node.description for node in nodes)
        if bare:
            self.remarks.append(remark("no-words", framework=framework, count=bare))
        return tuple(
            replace(node, parent=parents[node.key], depth=depths[node.key]) for node in nodes
        )

    def _node(
        self,
        framework: str,
        n: int,
        row: Mapping[str, Any],
        alternatives: Mapping[str, tuple[ScaleStep, ...]],
    ) -> Node:
        if not row.get("urn"):
            raise ValidationError(
                _("%(framework)s: node %(number)d of its requirement_nodes has no urn.")
                % {"framework": framework, "number": n + 1}
            )
        urn = self._urn(row["urn"])
        parent = _text(row, "parent_urn")
        return Node(
            key=key_of(urn),
            urn=urn,
            parent=key_of(parent) if parent else None,
            order=n,
            depth=1,
            # Many assessable nodes carry no number: the end of the URN is then the name they have.
            ref=_text(row, "ref_id") or ("" if row.get("name") else urn.rpartition(":")[2]),
            name=_text(row, "name"),
            description=_text(row, "description"),
            annotation=_text(row, "annotation"),
            typical_evidence=_text(row, "typical_evidence"),
            assessable=row.get("assessable") is True,
            groups=tuple(dict.fromkeys(str(g) for g in _list(row, "implementation_groups"))),
            questions=tuple(_questions(row.get("questions"))),
            weight=_number(row.get("weight"), 1),
            importance=_text(row, "importance").replace("undefined", ""),
            min_score=_whole(row, "min_score"),
            max_score=_whole(row, "max_score"),
            scale=alternatives.get(_text(row, "scores_definition_ref"), ()),
            controls=self._references(row, "reference_controls"),
            threats=self._references(row, "threats"),
            texts=_translations(row),
        )

    def _references(self, row: Mapping[str, Any], name: str) -> tuple[str, ...]:
        found = []
        for urn in _list(row, name):
            key = key_of(str(urn))
            self.legacy += ":function:" in key
            found.append(_renewed(key))
        return tuple(found)

    def _controls(self, objects: Mapping[str, Any]) -> frozenset[str]:
        rows = [*_mappings(objects, "reference_controls"), *_mappings(objects, "threats")]
        return frozenset(_renewed(key_of(str(row["urn"]))) for row in rows if row.get("urn"))

    # --- Mappings ---------------------------------------------------------------------------------

    def _mapping(self, data: Mapping[str, Any]) -> MappingSet:
        name = _text(data, "name") or _text(data, "ref_id") or _text(data, "urn")
        ends = _text(data, "source_framework_urn"), _text(data, "target_framework_urn")
        if not all((*ends, data.get("urn"))):
            raise ValidationError(
                _("The mapping %(name)s must say its urn and the frameworks at both ends.")
                % {"name": name}
            )
        urn = self._urn(data["urn"])
        return MappingSet(
            key=key_of(urn),
            urn=urn,
            ref=_text(data, "ref_id") or urn.rpartition(":")[2],
            name=name,
            description=_text(data, "description"),
            source=key_of(ends[0]),
            target=key_of(ends[1]),
            rows=self._rows(name, _mappings(data, "requirement_mappings")),
        )

    def _rows(self, mapping: str, rows: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
        kept: dict[tuple[str, str], Row] = {}
        told: Counter[str] = Counter()
        example: dict[str, str] = {}

        def tell(code: str, what: str) -> None:
            told[code] += 1
            example.setdefault(code, what[:80])

        for data in rows:
            row = _row(data)
            if row is None:
                tell("incomplete-row", "")
                continue
            if row.relationship == Relationship.NOT_RELATED:
                said = _text(data, "relationship")
                if said != Relationship.NOT_RELATED:
                    tell("odd-relationship", said)
            if row.rationale.lower() not in RATIONALES:
                tell("free-rationale", row.rationale)
            if _number(data.get("strength_of_relationship"), 0) > MOST_RATED:
                tell("odd-strength", row.strength_said)
            pair = row.source, row.target
            if pair in kept:
                tell("twice", row.source)
                row = _stronger(kept[pair], row)
            kept[pair] = row
        for code, count in told.items():
            self.remarks.append(remark(code, mapping=mapping, count=count, example=example[code]))
        return tuple(kept.values())


def _row(data: Mapping[str, Any]) -> Row | None:
    source, target = _text(data, "source_requirement_urn"), _text(data, "target_requirement_urn")
    if not source or not target:
        return None
    said = _text(data, "relationship").lower().replace("intersects", "intersect")
    known = said in list(Relationship)
    return Row(
        source=key_of(source),
        target=key_of(target),
        relationship=Relationship(said) if known else Relationship.NOT_RELATED,
        rationale=_text(data, "rationale"),
        strength=_share(data.get("strength_of_relationship")),
        strength_said=_text(data, "strength_of_relationship"),
        note=_text(data, "annotation"),
    )


def _stronger(one: Row, other: Row) -> Row:
    """Of two rows for the same pair the stronger claim, with what both say about it."""
    first, second = sorted((one, other), key=lambda row: -row.relationship.strength)
    notes = dict.fromkeys(n for n in (first.note, second.note) if n)
    rationales = dict.fromkeys(r for r in (first.rationale, second.rationale) if r)
    return replace(first, note="\n".join(notes), rationale="\n".join(rationales))


def _share(value: Any) -> float | None:
    """A strength from 0 to 1: files rate up to 1, up to 10 or up to 100."""
    number = _number(value, -1)
    for most in (1, MOST_RATED, 100):
        if 0 <= number <= most:
            return number / most
    return None


def _renewed(key: str) -> str:
    """Older files say *function* where newer ones say *reference_control*."""
    return key.replace(":function:", ":reference_control:")


def _depths(framework: str, parents: Mapping[str, str | None]) -> dict[str, int]:
    """How deep each node lies; a parent may come after its child, and must not lie under it."""
    depths: dict[str, int] = {}
    for key in parents:
        trail: list[str] = []
        here: str | None = key
        while here is not None and here not in depths:
            if here in trail:
                raise ValidationError(
                    _("%(framework)s: %(urn)s lies under itself. Mend its parent_urn.")
                    % {"framework": framework, "urn": here}
                )
            trail.append(here)
            here = parents[here]
        depth = depths[here] if here is not None else 0
        for node in reversed(trail):
            depth += 1
            depths[node] = depth
    return depths


def _refuse_twice(keys: Iterable[str]) -> None:
    for key, count in Counter(keys).items():
        if count > 1:
            raise ValidationError(
                _("%(urn)s is there %(count)d times, counting capitals as small letters.")
                % {"urn": key, "count": count}
            )


def _scales(
    data: Any,
) -> tuple[tuple[ScaleStep, ...], dict[str, tuple[ScaleStep, ...]]]:
    """The usual scale and the named others: an older list, or an object that holds both."""
    if isinstance(data, Mapping):
        named = data.get("alternatives")
        others = named if isinstance(named, Mapping) else {}
        return _steps(data.get("scale")), {n: _steps(rows) for n, rows in others.items()}
    return _steps(data), {}


def _steps(rows: Any) -> tuple[ScaleStep, ...]:
    if not isinstance(rows, list):
        return ()
    return tuple(
        ScaleStep(
            score=_number(row.get("score"), 0),
            name=_text(row, "name"),
            description=_text(row, "description"),
        )
        for row in rows
        if isinstance(row, Mapping)
    )


def _questions(data: Any) -> Iterator[Question]:
    """Questions by their URN; a list of them is read as well."""
    if isinstance(data, list):
        data = {str(row.get("urn", n)): row for n, row in enumerate(data) if isinstance(row, dict)}
    if not isinstance(data, Mapping):
        return
    for urn, row in data.items():
        if not isinstance(row, Mapping):
            continue
        kind = _text(row, "type").replace("single_choice", "unique_choice")
        yield Question(
            key=key_of(urn),
            text=_text(row, "text") or urn,
            type=kind if kind in TYPES else "text",
            choices=tuple(_choice(n, c) for n, c in enumerate(_mappings(row, "choices"))),
            asked_when=_dependence(row.get("depends_on")),
            weight=_number(row.get("weight"), 1),
        )


def _choice(n: int, row: Mapping[str, Any]) -> Choice:
    value = row.get("value")
    said = row.get("compute_result")
    return Choice(
        key=key_of(str(row.get("urn") or value or n)),
        text=str(value if value is not None else row.get("urn", n)),
        add_score=None if row.get("add_score") is None else _number(row["add_score"], 0),
        result=RESULTS.get(str(said).lower(), "") if said is not None else "",
        groups=tuple(str(g) for g in _list(row, "select_implementation_groups")),
        description=_text(row, "description"),
    )


def _dependence(data: Any) -> tuple[str, tuple[str, ...], bool] | None:
    if not isinstance(data, Mapping) or not data.get("question"):
        return None
    answers = tuple(key_of(str(a)) for a in _list(data, "answers"))
    return key_of(str(data["question"])), answers, data.get("condition") == "all"


def _translations(row: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    found = row.get("translations")
    if not isinstance(found, Mapping):
        return {}
    return {
        locale: {name: _text(texts, name) for name in TRANSLATED if texts.get(name)}
        for locale, texts in found.items()
        if isinstance(texts, Mapping)
    }


def _objects(objects: Mapping[str, Any], plural: str) -> list[Mapping[str, Any]]:
    """Objects told in the plural or the singular, one or a list; both words are too many."""
    singular = PAIRS[plural]
    if objects.get(plural) and objects.get(singular):
        raise ValidationError(
            _("The file has both “%(plural)s” and “%(singular)s”: leave one of them out.")
            % {"plural": plural, "singular": singular}
        )
    found = objects.get(plural) or objects.get(singular) or []
    found = found if isinstance(found, list) else [found]
    if wrong := [item for item in found if not isinstance(item, Mapping)]:
        raise ValidationError(
            _("“%(name)s” must hold mappings, not %(what)s.")
            % {"name": plural, "what": type(wrong[0]).__name__}
        )
    return found


def _mappings(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = _list(data, name)
    if wrong := [item for item in found if not isinstance(item, Mapping)]:
        raise ValidationError(
            _("“%(name)s” must hold mappings, not %(what)s.")
            % {"name": name, "what": type(wrong[0]).__name__}
        )
    return found


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    found = data.get(name)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return "" if value is None else str(value).strip()


def _number(value: Any, otherwise: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return otherwise
    return number if math.isfinite(number) else otherwise


def _whole(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    number = _number(value, -1)
    if number != int(number) or not 0 <= number <= 10_000:
        raise ValidationError(
            _("%(name)s is %(value)s: write a whole number from 0 to 10000.")
            % {"name": name, "value": value}
        )
    return int(number)


def _version(value: Any) -> int:
    number = _number(value, -1)
    if number != int(number) or not 0 < number <= 2**31 - 1:
        raise ValidationError(
            _("The version is %(value)s: write a whole number above zero.") % {"value": value}
        )
    return int(number)
