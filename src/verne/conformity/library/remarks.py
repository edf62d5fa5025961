"""What an import found worth telling: kept as codes with their facts, worded when they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

WORDS: Final = {
    "no-ref": _("The library has no ref_id: %(ref)s is taken from its URN."),
    "not-used": _("%(count)d entries under “%(key)s” are kept in the file and not used here."),
    "odd-urn": _("%(count)d URNs are not formed as the format asks, such as %(example)s."),
    "legacy-token": _("%(count)d references use the old word “function” for reference control."),
    "scale-without-bounds": _(
        "%(framework)s: the lowest and highest score are taken from its scale, %(low)s to %(high)s."
    ),
    "scale-beyond-bounds": _(
        "%(framework)s: its scale runs from %(low)s to %(high)s, while its scores run from "
        "%(min)s to %(max)s."
    ),
    "implicit-group": _(
        "%(framework)s: the implementation group %(group)s is used %(count)d times and declared "
        "nowhere; it was added."
    ),
    "orphan": _(
        "%(framework)s: %(count)d nodes name a parent that is not there, such as %(example)s; they "
        "stand at the top."
    ),
    "no-words": _("%(framework)s: %(count)d nodes have neither a name nor a description."),
    "dangling": _(
        "%(count)d references to controls or threats lead nowhere yet, such as %(example)s."
    ),
    "missing-dependency": _("The library rests on %(urn)s, which is not loaded yet."),
    "circular-dependency": _("The library and %(urn)s rest on each other."),
    "twice": _(
        "%(mapping)s: %(count)d pairs are there more than once; the strongest relation counts."
    ),
    "odd-relationship": _(
        "%(mapping)s: %(count)d rows say “%(example)s”, which is no relation; they cover nothing."
    ),
    "incomplete-row": _("%(mapping)s: %(count)d rows lack an end and were left out."),
    "free-rationale": _(
        "%(mapping)s: %(count)d rationales are free text rather than one of the three words."
    ),
    "odd-strength": _(
        "%(mapping)s: %(count)d strengths lie above 10, such as %(example)s; they are read as per "
        "cent."
    ),
    "missing-framework": _("%(mapping)s: %(urn)s is not loaded. Its rows count as soon as it is."),
    "unresolved": _(
        "%(mapping)s: %(count)d rows lead to nodes that are not there, such as %(example)s. They "
        "are kept and count as soon as the node comes."
    ),
    "same-version": _(
        "The file says version %(version)d as the one before, but its content is another."
    ),
    "variant-strange": _(
        "%(count)d nodes of this translation are not in the framework, such as %(example)s; their "
        "texts are not shown."
    ),
    "scores-kept": _("%(count)d scores now lie outside the scale."),
    "scores-changed": _("%(count)d scores were fitted to the new scale."),
    "retired-assessed": _(
        "%(count)d assessed nodes are retired. What was judged of them is kept and shown."
    ),
}


@dataclass(frozen=True)
class Remark:
    """One thing worth telling. Facts are numbers and words of the file, never sentences."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(WORDS[self.code]) % self.facts

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, **self.facts}


def remark(code: str, **facts: Any) -> Remark:
    return Remark(code, facts)


def from_json(rows: Iterable[Mapping[str, Any]]) -> list[Remark]:
    """Remarks as they were kept; a code that a later program no longer knows is left out."""
    return [
        Remark(row["code"], {k: v for k, v in row.items() if k != "code"})
        for row in rows
        if row.get("code") in WORDS
    ]
