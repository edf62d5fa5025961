"""Checking one record against the seal: quickly, without reading the whole history."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

from verne.verifier import root_of_inclusion, sealed_hash

from ..history import Act, Entry
from . import canonical
from .models import Erased, Leaf, Salt
from .sealing import newest
from .tree import Tree

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Standing(Enum):
    """What comparing an act and its entries with the seal gave."""

    AGREES = "agrees"
    ERASED = "erased"
    WAITING = "waiting"
    DIFFERS = "differs"

    @property
    def label(self) -> StrOrPromise:
        return {
            Standing.AGREES: _("As it was sealed"),
            Standing.ERASED: _("As it was sealed; personal data was erased"),
            Standing.WAITING: _("Not sealed yet"),
            Standing.DIFFERS: _("Not what was sealed"),
        }[self]

    @property
    def tone(self) -> str:
        tones = {"agrees": "done", "erased": "closed", "waiting": "waiting", "differs": "alert"}
        return tones[self.value]


@dataclass(frozen=True)
class Checked:
    """An act, how many rows it changed, its place in the tree, and what comparing it gave."""

    act: Act
    rows: int
    place: int | None
    standing: Standing


def check_record(record: int, *, most: int) -> Iterator[Checked]:
    """The acts on a record and their entries, each hashed again and led to the signed root."""
    entries = Prefetch("entries", Entry.objects.order_by("pk"))
    acts = list(
        Act.objects.filter(record=record)
        .select_related("by")
        .prefetch_related(entries)
        .order_by("pk")[:most]
    )
    point = newest()
    if point is None:
        yield from (Checked(act, len(act.entries.all()), None, Standing.WAITING) for act in acts)
        return
    numbers = [entry.pk for act in acts for entry in act.entries.all()]
    leaves = _leaves("act", [act.pk for act in acts]) | _leaves("entry", numbers)
    known = _Known(Tree(point.size), bytes(point.root), leaves)
    for act in acts:
        found = [known.standing(canonical.ACT, act)]
        found += [known.standing(canonical.ENTRY, entry) for entry in act.entries.all()]
        leaf = leaves.get(("act", act.pk))
        place = None if leaf is None else leaf.pk
        yield Checked(act, len(found) - 1, place, max(found, key=list(Standing).index))


class _Known:
    """The leaves and salts of some rows, read once for all of them."""

    def __init__(self, tree: Tree, root: bytes, leaves: dict[tuple[str, int], Leaf]) -> None:
        self.tree, self.root, self.leaves = tree, root, leaves
        places = [leaf.pk for leaf in leaves.values()]
        self.salts: dict[int, Any] = {}
        for start in range(0, len(places), 500):
            rows = Salt.objects.filter(pk__in=places[start : start + 500])
            self.salts |= dict(rows.values_list("pk", "salt"))

    def standing(self, source: canonical.Source, row: Any) -> Standing:
        leaf = self.leaves.get((source.name, row.pk))
        if leaf is None:
            act = row.act_id if source is canonical.ENTRY else row.pk
            # An entry that joined its act after that was sealed is not one that waits.
            return Standing.DIFFERS if ("act", act) in self.leaves else Standing.WAITING
        proof = self.tree.inclusion(leaf.pk)
        if root_of_inclusion(leaf.pk, self.tree.size, bytes(leaf.hash), proof) != self.root:
            return Standing.DIFFERS
        text, salt = canonical.payload(source, row), self.salts.get(leaf.pk)
        if salt is None:
            told = Erased.objects.filter(source=source.name, row=row.pk).order_by("-pk").first()
            good = told is not None and told.digest == hashlib.sha256(text).hexdigest()
            return Standing.ERASED if good else Standing.DIFFERS
        good = sealed_hash(bytes(salt), text) == bytes(leaf.hash)
        return Standing.AGREES if good else Standing.DIFFERS


def _leaves(source: str, numbers: list[int]) -> dict[tuple[str, int], Leaf]:
    found: dict[tuple[str, int], Leaf] = {}
    for start in range(0, len(numbers), 500):
        rows = Leaf.objects.filter(source=source, row__in=numbers[start : start + 500])
        found |= {(source, leaf.row): leaf for leaf in rows}
    return found
