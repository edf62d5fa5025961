"""Loading, updating and undoing a library: looked at first, then all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from verne.engine import moment
from verne.engine.acts import act

from . import shape
from .comparing import Difference, FrameworkDifference, compare
from .models import Assessed, Framework, FrameworkNode, Library, LibraryText, LibraryVersion
from .projecting import project
from .reading import read
from .remarks import Remark, remark
from .understanding import understand

if TYPE_CHECKING:
    from datetime import datetime

    from verne.engine.people import Person

RIGHT: Final = "conformity.load_libraries"
KIND: Final = "conformity.library"


class Outcome(StrEnum):
    """What loading a text comes to."""

    NEW = "new"
    UPDATE = "update"
    SAME = "same"


class Scores(StrEnum):
    """What becomes of scores when the scale of a framework changes."""

    KEEP = "keep"
    CLAMP = "clamp"
    STRETCH = "stretch"
    RESET = "reset"


@dataclass(frozen=True)
class Plan:
    """What would happen if a text were loaded now."""

    text: str
    library: shape.Library
    current: LibraryVersion | None
    difference: Difference
    remarks: tuple[Remark, ...]
    retired_assessed: int
    """Nodes that somebody has assessed and that would be retired."""
    scored: int
    """Scores given on a scale that would change."""

    @property
    def outcome(self) -> Outcome:
        if self.current is None:
            return Outcome.NEW
        return Outcome.SAME if self.current.digest == self.library.digest else Outcome.UPDATE


def opened(version: LibraryVersion) -> shape.Library:
    """What a version says, read out of its text."""
    return understand(read(version.text.text))


def plan(text: str) -> Plan:
    """Look at a text without loading it; a refusal says what stands in the way."""
    library = understand(read(text))
    there = (
        Library.objects.filter(key=library.key, locale=library.locale)
        .select_related("current__text")
        .first()
    )
    current = there.current if there else None
    if current and library.version < current.number:
        raise ValidationError(
            _(
                "Version %(number)d of %(name)s is in use, the file is version %(version)d. Undo "
                "the newer one first, if you want to go back."
            )
            % {"number": current.number, "name": current.name, "version": library.version}
        )
    difference = compare(opened(current) if current else None, library)
    retired_assessed = sum(_assessed_that_retire(f) for f in difference.frameworks)
    remarks = [*library.remarks, *_around(library)]
    if current and current.number == library.version and current.digest != library.digest:
        remarks.append(remark("same-version", version=library.version))
    if retired_assessed:
        remarks.append(remark("retired-assessed", count=retired_assessed))
    return Plan(
        text=text,
        library=library,
        current=current,
        difference=difference,
        remarks=tuple(remarks),
        retired_assessed=retired_assessed,
        scored=sum(_scored(f).count() for f in difference.frameworks if f.bounds_changed),
    )


def load(
    text: str, *, by: Person, file_name: str = "", scores: str = "", note: str = ""
) -> LibraryVersion:
    """Load a library, or its next version; the same content once more changes nothing.

    `scores` says what becomes of scores given on a scale that changes; it must be said when there
    are any.
    """
    require(by)
    return _take(text, by=by, file_name=file_name, scores=scores, note=note)


def take_ours(text: str) -> LibraryVersion:
    """Take in a library that comes with the program, in nobody's name."""
    return _take(text, by=None, origin=Library.Origin.OURS)


def _take(
    text: str,
    *,
    by: Person | None,
    file_name: str = "",
    scores: str = "",
    note: str = "",
    origin: str = Library.Origin.LOADED,
) -> LibraryVersion:
    with transaction.atomic():
        planned = plan(text)
        if origin == Library.Origin.LOADED and planned.library.key.startswith("urn:verne:"):
            raise ValidationError(
                _("This library comes with Verne and is updated with it; it cannot be loaded.")
            )
        if planned.outcome is Outcome.SAME and planned.current:
            return planned.current
        strategy = _strategy(planned, scores)
        name = planned.library.ref[:60]
        with act("load", by=by, name=name, note=note.strip(), kind=KIND) as work:
            library, _created = Library.objects.get_or_create(
                key=planned.library.key,
                locale=planned.library.locale,
                defaults={"origin": origin},
            )
            library = Library.objects.select_for_update().get(pk=library.pk)
            if library.current_id != (planned.current.pk if planned.current else None):
                raise ValidationError(
                    _("Somebody else loaded this library meanwhile. Look at the file again.")
                )
            version = _version(planned, library, file_name=file_name, by=by, at=work.act.at)
            Library.objects.filter(pk=library.pk).update(current=version)
            library.current = version
            remarks = [*planned.remarks, *project(library.key, at=work.act.at)]
            _name_successors(planned.difference)
            fitted = _fit_scores(planned.difference, strategy)
            if fitted:
                code = "scores-kept" if strategy is Scores.KEEP else "scores-changed"
                remarks.append(remark(code, count=len(fitted)))
            version.report = _report(planned, remarks, strategy, fitted)
            version.save(update_fields=["report"])
    return version


def undo(library: Library, *, by: Person, note: str) -> LibraryVersion | None:
    """Go back to the version before the one in use; None when there was none.

    What was judged meanwhile stays, on nodes that are retired if the former version lacks them.
    """
    require(by)
    if not note.strip():
        raise ValidationError({"note": _("Say why the version is undone.")})
    with transaction.atomic():
        library = Library.objects.select_for_update().get(pk=library.pk)
        undone = library.current
        if undone is None:
            raise ValidationError(_("No version of this library is in use."))
        if library.ours:
            raise ValidationError(
                _("This library comes with Verne: install the former version of the program.")
            )
        former = undone.former
        difference = compare(opened(undone), opened(former) if former else None)
        with act("undo", by=by, name=undone.ref[:60], note=note.strip(), kind=KIND) as work:
            undone.undone_at = work.act.at
            undone.save(update_fields=["undone_at"])
            library.current = former
            library.save(update_fields=["current"])
            project(library.key, at=work.act.at)
            _name_successors(difference)
            _restore_scores(undone.report.get("scores", {}))
    return former


def require(by: Person) -> None:
    if not by.may(RIGHT):
        raise PermissionDenied(_("Your roles do not let you load libraries."))


def _version(
    planned: Plan, library: Library, *, file_name: str, by: Person | None, at: datetime
) -> LibraryVersion:
    told = planned.library
    version: LibraryVersion = LibraryVersion.objects.create(
        library=library,
        number=told.version,
        digest=told.digest,
        text=LibraryText.objects.create(text=planned.text),
        urn=told.urn,
        ref=told.ref[:200],
        name=told.name[:500],
        description=told.description,
        published=told.published[:40],
        provider=told.provider[:300],
        packager=told.packager[:300],
        copyright=told.copyright,
        file_name=file_name[:300],
        former=planned.current,
        by=by,
        at=at,
    )
    return version


def _report(
    planned: Plan, remarks: list[Remark], strategy: Scores | None, fitted: Mapping[int, float]
) -> dict[str, Any]:
    return {
        "outcome": planned.outcome.value,
        "counts": planned.library.counts,
        "difference": planned.difference.counts,
        "remarks": [r.as_json() for r in remarks],
        "dependencies": list(planned.library.dependencies),
        "controls": sorted(planned.library.controls),
        "scores": {
            "strategy": strategy.value if strategy else "",
            "before": {str(key): score for key, score in fitted.items()},
        },
    }


def _name_successors(difference: Difference) -> None:
    for framework in difference.frameworks:
        there = framework.after or framework.before
        if not there or not framework.successors:
            continue
        nodes = FrameworkNode.objects.filter(framework__key=there.key)
        wanted = {*framework.successors, *framework.successors.values()}
        found = {node.key: node for node in nodes.filter(key__in=wanted)}
        retired = []
        for key, successor in framework.successors.items():
            if key in found and successor in found:
                found[key].successor = found[successor]
                retired.append(found[key])
        FrameworkNode.objects.bulk_update(retired, ["successor"], batch_size=200)


# --- What is around a library ---------------------------------------------------------------------


def _around(library: shape.Library) -> Iterator[Remark]:
    """What a library rests on or leads to, and what of it is not there."""
    yield from _dependencies(library)
    for mapping in library.mapping_sets:
        yield from _ends(library, mapping)


def _dependencies(library: shape.Library) -> Iterator[Remark]:
    loaded = {
        v.library.key: v
        for v in LibraryVersion.objects.filter(
            pk=F("library__current"), library__key__in=library.dependencies
        ).select_related("library")
    }
    known = set(library.controls)
    for key in library.dependencies:
        if key not in loaded:
            yield remark("missing-dependency", urn=key)
            continue
        known.update(loaded[key].report.get("controls", ()))
        if library.key in loaded[key].report.get("dependencies", ()):
            yield remark("circular-dependency", urn=key)
    if lost := sorted(library.referred - known):
        yield remark("dangling", count=len(lost), example=lost[0])


def _ends(library: shape.Library, mapping: shape.MappingSet) -> Iterator[Remark]:
    ends = (("source", mapping.source), ("target", mapping.target))
    lost: list[str] = []
    for end, urn in ends:
        nodes = _nodes_known(library, urn)
        if nodes is None:
            yield remark("missing-framework", mapping=mapping.name, urn=urn)
        else:
            lost += [k for row in mapping.rows if (k := getattr(row, end)) not in nodes]
    if lost:
        yield remark("unresolved", mapping=mapping.name, count=len(lost), example=lost[0])


def _nodes_known(library: shape.Library, framework: str) -> frozenset[str] | None:
    """The nodes of a framework, of this library or one loaded before; None when there is none."""
    for own in library.frameworks:
        if own.key == framework:
            return frozenset(own.by_key)
    there = Framework.objects.filter(key=framework, retired_at=None).first()
    if there is None:
        return None
    return frozenset(there.nodes.filter(retired_at=None).values_list("key", flat=True))


# --- Scores ---------------------------------------------------------------------------------------


def _assessed_that_retire(framework: FrameworkDifference) -> int:
    if not framework.before or not framework.retired:
        return 0
    gone = [r.node.key for r in framework.retired]
    nodes = FrameworkNode.objects.filter(framework__key=framework.before.key, key__in=gone)
    return nodes.exclude(assessed=None).distinct().count()


def _scored(framework: FrameworkDifference) -> Any:
    """Scores of open assessments that were given on the scale of the framework itself."""
    assert framework.before is not None
    return Assessed.objects.filter(
        node__framework__key=framework.before.key,
        node__min_score=None,
        node__max_score=None,
        assessment__finished_at=None,
    ).exclude(score=None)


def _strategy(planned: Plan, scores: str) -> Scores | None:
    if not planned.scored:
        return None
    if scores not in list(Scores):
        raise ValidationError(
            {
                "scores": _(
                    "The scale changes and %(count)d scores were given on the old one. Say what "
                    "becomes of them: keep, clamp, stretch or reset."
                )
                % {"count": planned.scored}
            }
        )
    return Scores(scores)


def _fit_scores(difference: Difference, strategy: Scores | None) -> dict[int, float]:
    """Fit scores to a changed scale; gives the former score of each that was concerned."""
    before: dict[int, float] = {}
    if strategy is None:
        return before
    for framework in difference.frameworks:
        if not framework.bounds_changed:
            continue
        assert framework.before is not None and framework.after is not None
        for judged in _scored(framework):
            fitted = fit(judged.score, framework.before.bounds, framework.after.bounds, strategy)
            if fitted != judged.score or strategy is Scores.KEEP:
                before[judged.pk] = judged.score
            if fitted != judged.score:
                judged.score = fitted
                judged.version += 1
                judged.save(update_fields=["score", "version"])
    return before


def fit(score: float, old: tuple[int, int], new: tuple[int, int], strategy: Scores) -> float | None:
    """A score on another scale."""
    if strategy is Scores.RESET:
        return None
    if strategy is Scores.CLAMP:
        return min(max(score, new[0]), new[1])
    if strategy is Scores.STRETCH:
        share = (score - old[0]) / (old[1] - old[0])
        return round(new[0] + share * (new[1] - new[0]), 2)
    return score


def _restore_scores(kept: Mapping[str, Any]) -> None:
    """Give scores back that nobody has touched since they were fitted."""
    before = {int(key): score for key, score in kept.get("before", {}).items()}
    for judged in Assessed.objects.filter(pk__in=before, assessment__finished_at=None):
        # Whoever judges writes the instant; fitting leaves it as it was.
        if judged.at <= moment.now() and judged.score != before[judged.pk]:
            judged.score = before[judged.pk]
            judged.version += 1
            judged.save(update_fields=["score", "version"])
