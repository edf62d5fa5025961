"""How long sealing takes in a large tree: python bench/bench_seal.py [LEAVES]

A tree of a million made-up leaves is built in a database of its own; then 1,000 new acts are sealed
in it, a record's entry is proven, and the consistency with a former checkpoint.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LEAVES = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
NEW = 1_000
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="verne-bench-") as home:
        os.environ |= {"VERNE_HOME": home, "DJANGO_SETTINGS_MODULE": "verne.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        measure()


def measure() -> None:
    from django.db import connection, transaction

    from verne.engine.acts import act
    from verne.engine.seal import sealing, tree
    from verne.engine.seal.models import Leaf
    from verne.verifier import is_consistent, root_of_inclusion

    def grow() -> None:
        for start in range(0, LEAVES, 50_000):
            with transaction.atomic():
                tree.add(
                    [
                        Leaf(
                            id=n,
                            source="old",
                            row=n,
                            hash=hashlib.sha256(n.to_bytes(8, "big")).digest(),
                        )
                        for n in range(start, min(start + 50_000, LEAVES))
                    ]
                )

    timed(f"building a tree of {LEAVES:,} leaves", grow)
    sealing.seal()
    for number in range(NEW):
        with act("settle", by=None, note=f"Value {number}"):
            pass
    before = sealing.newest()
    assert before is not None
    queries: list[str] = []
    with connection.execute_wrapper(
        lambda run, sql, *more: (queries.append(sql), run(sql, *more))[1]
    ):
        timed(f"sealing {NEW:,} new acts in it", sealing.seal)
    print(f"{len(queries):>42} queries")
    kept = tree.Tree()
    place = LEAVES // 3
    leaf = bytes(Leaf.objects.get(pk=place).hash)
    proof: list[bytes] = timed("proving one leaf", lambda: tree.Tree().inclusion(place))
    assert root_of_inclusion(place, kept.size, leaf, proof) == kept.root()
    shown: list[bytes] = timed("proving consistency", lambda: tree.Tree().consistency(before.size))
    assert is_consistent(before.size, bytes(before.root), kept.size, kept.root(), shown)
    print(f"{len(proof):>42} hashes in a proof, {len(shown)} in that of consistency")


def timed(what: str, do: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    result = do()
    print(f"{what:<42} {time.perf_counter() - began:8.3f} s", flush=True)
    return result


if __name__ == "__main__":
    main()
