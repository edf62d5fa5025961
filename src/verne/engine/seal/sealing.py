"""Sealing: new acts and their entries get their places in the tree, and a checkpoint is signed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from verne.verifier import Checkpoint, sealed_hash

from .. import giving_way, moment
from ..history import Entry
from ..jobs import ending
from ..rows import insert
from ..sqlite.base import others_write
from . import canonical, keys, outside, tree
from .models import Leaf, Salt, SealedAt

ACTS_AT_ONCE = 500
"""Acts sealed in one transaction, which takes a fifth of a second."""
BREATH = 0.05
"""Seconds between two: other processes ask an SQLite file for their turn again and again, and find
it taken for ever when the next transaction begins as soon as one ends."""
LEAST_AT_ONCE = 25
SHORT = 0.05
"""Seconds that a transaction may take while others wait for it to end."""
SHARE = 4
"""While they do, they have so many times as long as this had."""
ROWS_AT_ONCE = 2_500

LATE = timedelta(days=1)
"""PostgreSQL gives out numbers before it commits: how long a lower one may still turn up."""

LOCK = 7_237_664
"""An advisory lock of PostgreSQL, so that of two who seal at once one waits and finds nothing."""


def seal() -> SealedAt | None:
    """Seal what is not sealed yet; gives the newest checkpoint, None while there is no history.

    When the process is about to end, what is left is sealed another time.
    """
    after: dict[str, int] = {}
    # Of the processor, for what it stood back itself held nobody up.
    acts, began = ACTS_AT_ONCE, time.thread_time()
    while _seal_some(after, acts) and not ending.is_set():
        if connection.vendor == "sqlite":
            acts = _give_way(acts, time.thread_time() - began)
        began = time.thread_time()
    outside.keep()
    return newest()


def _give_way(acts: int, took: float) -> int:
    """Let others go first who wait for their turn or for a page; gives how many acts to seal next,
    after this many.

    Sealing can wait: a backlog that had every other turn would take two thirds of the time.
    """
    database = str(connection.settings_dict["NAME"])
    if not others_write(database) and not giving_way.somebody_waits():
        time.sleep(BREATH)
        return min(ACTS_AT_ONCE, acts * 2)
    time.sleep(max(BREATH, SHARE * took))
    return max(LEAST_AT_ONCE, acts // 2) if took > SHORT else acts


def newest() -> SealedAt | None:
    return SealedAt.objects.order_by("-pk").first()


def waiting() -> int:
    """How many acts are not sealed yet."""
    return _unsealed(canonical.ACT, _floor("act")).count()


def _seal_some(after: dict[str, int], acts: int = ACTS_AT_ONCE) -> bool:
    """Seal one batch of so many acts, whole or not at all; says whether there may be more.

    `after` keeps, by source, the number up to which this run has looked already.
    """
    with transaction.atomic():
        _lock()
        rows = list(_next_acts(after, acts))
        more = len(rows) >= acts
        for source in canonical.others():
            found = list(_unsealed(source, _floor(source.name)).order_by("pk")[:ROWS_AT_ONCE])
            more = more or len(found) == ROWS_AT_ONCE
            rows += [(source, row) for row in found]
        if not rows:
            return False
        size = tree.size_now()
        leaves, salts = [], []
        for place, (source, row) in enumerate(rows, size):
            salt = secrets.token_bytes(16)
            digest = sealed_hash(salt, canonical.payload(source, row))
            leaves.append(Leaf(id=place, source=source.name, row=row.pk, hash=digest))
            salts.append(Salt(id=place, salt=salt))
        tree.add(leaves)
        insert(Salt, salts)
        _sign(size + len(leaves), leaves)
        return more


def _next_acts(after: dict[str, int], most: int) -> Iterator[tuple[canonical.Source, Any]]:
    """Acts in their order, each followed by its entries.

    Both are written in one transaction, so they are sealed in one: an entry that joins an act
    which is sealed already was put there behind the back of the program, and stays without a leaf.
    """
    floor = max(after.get("act", 0), _floor("act"))
    acts = list(_unsealed(canonical.ACT, floor).order_by("pk")[:most])
    if not acts:
        return
    after["act"] = acts[-1].pk
    numbers = [act.pk for act in acts]
    # By the number of the act: by the act itself would mean by its time.
    entries = Entry.objects.filter(act__in=numbers).order_by("act_id", "pk")
    following = entries.iterator(chunk_size=2000)
    entry = next(following, None)
    for act in acts:
        yield canonical.ACT, act
        while entry is not None and entry.act_id == act.pk:
            yield canonical.ENTRY, entry
            entry = next(following, None)


def _unsealed(source: canonical.Source, above: int) -> models.QuerySet[Any]:
    sealed = Leaf.objects.filter(source=source.name, row=OuterRef("pk"))
    rows: models.QuerySet[Any] = source.model._default_manager.filter(pk__gt=above)
    return rows.exclude(Exists(sealed))


def _floor(source: str) -> int:
    """The number below which nothing unsealed can be any more."""
    if connection.vendor == "sqlite":
        # One writer after the other: numbers are given out in the order of the commits.
        row = newest()
    else:
        row = SealedAt.objects.filter(at__lt=timezone.now() - LATE).order_by("-pk").first()
    return int(row.reach.get(source, 0)) if row else 0


def _sign(size: int, added: Iterable[Leaf]) -> SealedAt:
    before = newest()
    reach = dict(before.reach) if before else {}
    for leaf in added:
        reach[leaf.source] = max(leaf.row, reach.get(leaf.source, 0))
    # One that lay before the one it follows would be no good, and the clock may have been set back.
    now = moment.onwards()
    return sign(size, reach, max(now, before.at) if before else now)


def sign(size: int, reach: dict[str, int], at: datetime) -> SealedAt:
    """Write and sign a checkpoint over the first `size` leaves."""
    key, private = keys.current()
    root = tree.Tree(size).root()
    text = Checkpoint(key.name, size, root, canonical.instant(at)).text
    note = keys.signed_note(text, key, private)
    return SealedAt.objects.create(at=at, size=size, root=root, note=note, reach=reach)


def _lock() -> None:
    """Alone until the end of the transaction. Who writes in SQLite is alone anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
