"""The seal: the tree agrees with the published one, is signed, grows, and is never half made."""

from __future__ import annotations

import hashlib
import json
import random
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from verne import verifier
from verne.engine import jobs
from verne.engine.acts import revise
from verne.engine.history import Act, Entry
from verne.engine.people import Person
from verne.engine.seal import canonical, keys, outside, sealing, tree
from verne.engine.seal.models import Leaf, Node, Salt, SealedAt, SealKey
from verne.sms.resolution.problem.samples import a_problem
from verne.verifier import Checkpoint, Frontier, Key, NotGenuine

PUBLISHED = (
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
)
"""The leaves and roots that implementations of RFC 6962 compare themselves with."""


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.VERNE_HOME = tmp_path
    return tmp_path


def grown(count: int, *, seed: int = 7) -> list[bytes]:
    """A tree of that many made-up leaves in the database, added in uneven portions."""
    chance = random.Random(seed)
    leaves = [verifier.leaf_hash(chance.randbytes(32)) for _n in range(count)]
    at = 0
    while at < count:
        upto = min(count, at + chance.choice((1, 3, 100, 255, 256, 257, 700)))
        rows = [Leaf(id=n, source="act", row=n, hash=leaves[n]) for n in range(at, upto)]
        tree.add(rows)
        at = upto
    return leaves


# --- The tree ------------------------------------------------------------------------------------


def test_roots_are_those_of_the_published_vectors() -> None:
    frontier = Frontier()
    assert frontier.root() == hashlib.sha256(b"").digest()
    for data, root in PUBLISHED:
        frontier.add(verifier.leaf_hash(bytes.fromhex(data)))
        assert frontier.root().hex() == root


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 1025, 66_000])
def test_the_kept_tree_has_the_root_of_its_leaves(count: int) -> None:
    frontier = Frontier()
    for leaf in grown(count):
        frontier.add(leaf)
    assert tree.Tree().root() == frontier.root()
    assert Node.objects.filter(level=8).count() == count // 256
    assert Node.objects.filter(level=16).count() == count // 65_536


@pytest.mark.django_db
def test_roots_and_proofs_are_those_of_another_library() -> None:
    """pymerkle knows nothing of ours: it builds the same trees from the same entries."""
    chance = random.Random(20_000)
    entries = [chance.randbytes(chance.randrange(1, 60)) for _n in range(700)]
    theirs = InmemoryTree(algorithm="sha256")
    rows = []
    for n, entry in enumerate(entries):
        theirs.append_entry(entry)
        rows.append(Leaf(id=n, source="act", row=n, hash=verifier.leaf_hash(entry)))
    tree.add(rows)
    ours = tree.Tree()
    for _n in range(60):
        size = chance.randrange(1, 701)
        assert ours.root(size) == theirs.get_root(size)
        place = chance.randrange(size)
        proof = ours.inclusion(place, size)
        given = theirs.prove_inclusion(place + 1, size).serialize()["path"][1:]
        assert [step.hex() for step in proof] == given
        leaf = verifier.leaf_hash(entries[place])
        assert verifier.root_of_inclusion(place, size, leaf, proof) == theirs.get_root(size)


@pytest.mark.django_db
def test_a_proof_holds_for_its_leaf_and_for_nothing_else() -> None:
    leaves = grown(1300)
    kept = tree.Tree()
    for size, place in ((1, 0), (7, 6), (256, 255), (257, 256), (1025, 512), (1300, 1299)):
        proof, root = kept.inclusion(place, size), kept.root(size)
        assert verifier.root_of_inclusion(place, size, leaves[place], proof) == root
        assert (
            verifier.root_of_inclusion(place, size, leaves[place - 1], proof) != root or size == 1
        )
        assert verifier.root_of_inclusion(place + 1, size, leaves[place], proof) != root
        assert verifier.root_of_inclusion(place, size, leaves[place], [*proof, root]) != root


@pytest.mark.django_db
def test_a_newer_tree_is_shown_to_contain_every_older_one() -> None:
    grown(530)
    kept = tree.Tree()
    new = kept.root()
    for size in (0, 1, 2, 3, 8, 255, 256, 257, 511, 512, 513, 529, 530):
        old, proof = kept.root(size), kept.consistency(size)
        assert verifier.is_consistent(size, old, 530, new, proof)
        if 0 < size < 530:
            assert not verifier.is_consistent(size, new, 530, new, proof)
            assert not verifier.is_consistent(size, old, 530, old, proof)
            assert not verifier.is_consistent(size, old, 530, new, proof[:-1])


# --- What is hashed ------------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
@hypothesis_settings(max_examples=100)
def test_any_content_has_one_canonical_text(value: Any) -> None:
    plain = canonical._plain(value)
    text = rfc8785.dumps(plain)
    assert rfc8785.dumps(json.loads(text)) == text
    assert canonical.canonical(plain) == text


@pytest.mark.parametrize(
    "value",
    [
        '\x00\x1f\x7f\u2028 "\\/ \b\f\n\r\t é 😀',
        {"b": 1, "a": 2},
        {"\ue000": 1, "😀": 2},
        1.0,
        [0.1],
    ],
)
def test_what_python_writes_itself_is_what_the_rfc_says(value: Any) -> None:
    assert canonical.canonical(value) == rfc8785.dumps(value)


# --- Keys and notes ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_key_is_made_on_first_use_for_its_owner_alone(home: Path) -> None:
    key, _private = keys.current()
    path = home / "keys" / f"seal-{key.id.hex()}.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.current()[0] == key
    assert Key.read(str(key)) == key


@pytest.mark.django_db
def test_a_new_key_is_vouched_for_by_the_former_one() -> None:
    first, _private = keys.current()
    second = keys.follow()
    row = SealKey.objects.get(key=str(second))
    assert verifier.endorsed(str(second), row.endorsement, [first])
    assert not verifier.endorsed(str(first), row.endorsement, [first])


@pytest.mark.django_db
def test_a_lost_key_is_said_and_can_be_followed(home: Path) -> None:
    key, _private = keys.current()
    (home / "keys" / f"seal-{key.id.hex()}.pem").unlink()
    with pytest.raises(keys.KeyLost, match="--new-key"):
        keys.current()
    assert SealKey.objects.get(key=str(keys.follow())).endorsement == ""


@pytest.mark.django_db
def test_a_note_that_was_changed_is_not_genuine() -> None:
    key, private = keys.current()
    note = keys.signed_note("verne\n12\nmore\n", key, private)
    assert verifier.open_note(note, [key])[0] == "verne\n12\nmore\n"
    for n in range(len(note)):
        changed = note[:n] + chr(ord(note[n]) ^ 1) + note[n + 1 :]
        with pytest.raises(NotGenuine):
            verifier.open_note(changed, [key])


# --- Sealing -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_act_and_entry_gets_one_place_and_a_signed_root(manager: Person) -> None:
    a_problem(manager)
    done = sealing.seal()
    assert done is not None
    assert Leaf.objects.filter(source="act").count() == Act.objects.count()
    assert Leaf.objects.filter(source="entry").count() == Entry.objects.count()
    places = list(Leaf.objects.values_list("pk", flat=True))
    assert places == list(range(done.size))
    told = verifier.open_checkpoint(done.note, keys.known())
    assert (told.size, told.root) == (done.size, bytes(done.root))
    assert told.root == tree.Tree().root()


@pytest.mark.django_db
def test_what_is_told_from_the_past_is_sealed_whole(manager: Person) -> None:
    problem = a_problem(manager)
    for day in (9, 3, 6):
        at = datetime(2025, 3, day, tzinfo=UTC)
        revise(problem, {"title": f"Mail stopped on the {day}th"}, by=manager, at=at)
    sealing.seal()
    assert Leaf.objects.filter(source="entry").count() == Entry.objects.count()


@pytest.mark.django_db
def test_a_leaf_commits_to_its_row_and_gives_nothing_away(manager: Person) -> None:
    problem = a_problem(manager)
    sealing.seal()
    entry = Entry.objects.filter(table="engine_sheet", row=problem.pk, op="I").get()
    leaf = Leaf.objects.get(source="entry", row=entry.pk)
    payload = canonical.payload(canonical.ENTRY, entry)
    assert problem.title in payload.decode()
    salt = bytes(Salt.objects.get(pk=leaf.pk).salt)
    assert bytes(leaf.hash) == verifier.sealed_hash(salt, payload)
    assert bytes(leaf.hash) != verifier.sealed_hash(b"", payload)


@pytest.mark.django_db
def test_sealing_again_adds_what_is_new_and_only_that(manager: Person) -> None:
    problem = a_problem(manager)
    first = sealing.seal()
    assert first is not None and sealing.waiting() == 0
    assert sealing.seal() == first
    revise(problem, {"title": "Mail stops every Monday at ten"}, by=manager)
    assert sealing.waiting() == 1
    second = sealing.seal()
    assert second is not None and second.size > first.size
    proof = tree.Tree().consistency(first.size)
    args = (first.size, bytes(first.root), second.size, bytes(second.root), proof)
    assert verifier.is_consistent(*args)


@pytest.mark.django_db
def test_a_seal_that_is_broken_off_leaves_nothing_half_done(
    manager: Person, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    a_problem(manager)
    sealing.seal()
    size = tree.size_now()
    a_problem(manager)
    (key,) = (home / "keys").glob("*.pem")
    key.rename(home / "elsewhere.pem")
    with pytest.raises(keys.KeyLost):
        sealing.seal()
    assert tree.size_now() == size == Salt.objects.count()
    (home / "elsewhere.pem").rename(key)
    done = sealing.seal()
    assert done is not None and done.size == tree.size_now() > size


@pytest.fixture
def long_history(manager: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """More acts than are sealed at once."""
    monkeypatch.setattr(sealing, "ACTS_AT_ONCE", 2)
    for _n in range(3):
        a_problem(manager)


@pytest.mark.django_db
def test_long_histories_are_sealed_in_batches(long_history: None) -> None:
    sealing.seal()
    assert SealedAt.objects.count() > 2
    assert sealing.waiting() == 0


@pytest.mark.django_db
def test_sealing_ends_with_its_process_and_goes_on_later(long_history: None) -> None:
    jobs.ending.set()
    try:
        sealing.seal()
    finally:
        jobs.ending.clear()
    assert sealing.waiting() > 0
    sealing.seal()
    assert sealing.waiting() == 0


def test_sealing_gives_way_to_those_who_write(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(sealing, "others_write", lambda name: bool(writing))
    writing = [True]
    acts = sealing.ACTS_AT_ONCE
    for _step in range(9):
        acts = sealing._give_way(acts, 0.2)
    assert acts == sealing.LEAST_AT_ONCE
    assert set(slept) == {0.2 * sealing.SHARE}
    assert sealing._give_way(acts, 0.01) == acts
    assert slept[-1] == sealing.BREATH
    writing.clear()
    for _step in range(9):
        acts = sealing._give_way(acts, 0.2)
    assert acts == sealing.ACTS_AT_ONCE
    assert slept[-1] == sealing.BREATH


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Leaf, SealedAt, SealKey])
def test_what_is_sealed_is_never_changed(manager: Person, model: Any) -> None:
    sealing.seal()
    for change in (
        lambda: model.objects.all().delete(),
        lambda: model.objects.update(id=F("id") + 1000),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


@pytest.mark.django_db
def test_checkpoints_are_kept_outside_too(manager: Person, settings: Any, home: Path) -> None:
    settings.SEAL_COPY = str(home / "other" / "roots.txt")
    for _n in range(3):
        a_problem(manager)
        sealing.seal()
    for place in outside.places():
        notes = list(verifier.notes_in(place.read_text()))
        assert notes == list(SealedAt.objects.order_by("pk").values_list("note", flat=True))
    sizes = [Checkpoint.read(verifier.open_note(n, keys.known())[0]).size for n in notes]
    assert sizes == sorted(sizes)


@pytest.mark.django_db
def test_sealing_reads_a_few_hundred_hashes_however_large_the_tree(
    manager: Person, django_assert_max_num_queries: Any
) -> None:
    sealing.seal()
    a_problem(manager)
    with django_assert_max_num_queries(30):
        sealing.seal()


@pytest.mark.django_db(transaction=True)
def test_two_who_seal_at_once_seal_once(home: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from verne.engine.acts import act

    for n in range(20):
        with act("settle", by=None, note=f"Value {n}"):
            pass

    def one(_n: int) -> None:
        try:
            sealing.seal()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert Leaf.objects.filter(source="act").count() == Act.objects.count()
    assert SealKey.objects.count() == 1
