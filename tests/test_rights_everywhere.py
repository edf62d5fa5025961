"""Who sees what and does what, in every register: customers, strangers, readers, the uncleared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from verne.api.models import Token
from verne.engine.acts import act, file, link, move, revise, unlink, withdraw
from verne.engine.comments import comment
from verne.engine.history import Act
from verne.engine.links import types_for
from verne.engine.listing import page
from verne.engine.people import Organization, Person
from verne.engine.records import Record, Sheet
from verne.engine.register import Register, registers
from verne.engine.rights import may, scope, verbs_of
from verne.engine.search import narrow
from verne.engine.testing import a_person, sample

pytestmark = pytest.mark.django_db

each = pytest.mark.parametrize("register", registers.values(), ids=lambda r: r.model.__name__)

CUSTOMERS = ("customer_user", "customer_manager")


@pytest.fixture
def head(harbour: Organization) -> Person:
    """Holds every role there is at a customer."""
    return a_person("Minji Park", roles=CUSTOMERS, organization=harbour)


@pytest.fixture
def elsewhere(db: None) -> Person:
    """The same at another customer."""
    with act("settle", by=None):
        rail = Organization.objects.create(name="Northern Rail", kind="customer")
    return a_person("Dohyun Yoo", roles=CUSTOMERS, organization=rail)


def of(record: Record, **cover: Any) -> Record:
    """The record with something else on its cover sheet, whatever its type derives."""
    with act("settle", by=None, note="For this story"):
        Sheet.objects.filter(pk=record.pk).update(**cover)
    fresh: Record = type(record)._default_manager.get(pk=record.pk)
    return fresh


def ways_to_see(register: type[Register], person: Person, record: Record) -> dict[str, bool]:
    """Whether a person meets a record, by each way that leads to it."""
    sheets = Sheet.objects.filter(scope(person, Sheet))
    answer = Client().get(
        f"/api/v1/{register.slug}/{record.ref}",
        headers={"Authorization": f"Bearer {_secret(person)}"},
    )
    return {
        "type": register.model.objects.visible_to(person).filter(pk=record.pk).exists(),
        "sheets": sheets.filter(pk=record.pk).exists(),
        "search": narrow(sheets, record.title.split()[0]).filter(pk=record.pk).exists(),
        "list": record.pk in {row.pk for row in page(register, person, {}).rows},
        "api": answer.status_code == 200,
    }


def _secret(person: Person) -> str:
    _token, secret = Token.issue(person, name="Test", scope=("write",), by=person)
    return secret


def everything(register: type[Register], record: Record) -> dict[str, Callable[[Person], Any]]:
    """All that can be done with a record, each as somebody would try it."""
    ties = types_for(record.kind)
    attempts: dict[str, Callable[[Person], Any]] = {
        "revise": lambda by: revise(record, {"title": "Mine now"}, by=by),
        "withdraw": lambda by: withdraw(record, by=by, note="Away with it"),
        "comment": lambda by: comment(record, "I was here.", by=by),
    }
    if ties:
        name = ties[0][0]
        attempts["link"] = lambda by: link(record, name, record, by=by)
        attempts["unlink"] = lambda by: unlink(record, name, record, by=by)
    for step in register.model.lifecycle.moves.values():
        attempts[step.name] = lambda by, name=step.name: move(record, name, by=by, note="Let me")
    return attempts


@each
def test_customers_see_their_own_records_and_never_anothers(
    register: type[Register], manager: Person, head: Person, elsewhere: Person
) -> None:
    record = of(sample(register, manager), customer=head.organization)
    seen = ways_to_see(register, head, record)
    assert set(seen.values()) == {may(head, "view", register.model)}, seen
    hidden = ways_to_see(register, elsewhere, record)
    assert not any(hidden.values()), hidden


@each
def test_customers_see_nothing_of_ours(
    register: type[Register], manager: Person, head: Person
) -> None:
    seen = ways_to_see(register, head, of(sample(register, manager), customer=None))
    assert not any(seen.values()), seen


@each
def test_a_restricted_record_is_not_there_for_the_uncleared(
    register: type[Register], manager: Person, reader: Person, head: Person
) -> None:
    record = of(sample(register, manager), restricted=True, customer=head.organization)
    for person in (reader, head):
        seen = ways_to_see(register, person, record)
        assert not any(seen.values()), (person.name, seen)
    assert all(ways_to_see(register, manager, record).values())


@each
def test_a_stranger_sees_and_does_nothing(
    register: type[Register], manager: Person, stranger: Person
) -> None:
    record = sample(register, manager)
    assert not any(ways_to_see(register, stranger, record).values())
    before = Act.objects.count()
    for attempt in everything(register, record).values():
        with pytest.raises(PermissionDenied):
            attempt(stranger)
    with pytest.raises(PermissionDenied):
        file(register.model, {"title": "Mine"}, by=stranger)
    assert Act.objects.count() == before


@each
def test_a_stranger_finds_no_page(
    register: type[Register], manager: Person, stranger: Person
) -> None:
    record = sample(register, manager)
    client = Client()
    client.force_login(stranger)
    for address in (f"/r/{record.ref}", f"/{register.slug}/", f"/r/{record.ref}/edit"):
        assert client.get(address).status_code == 404, address


@each
def test_a_reader_sees_and_changes_nothing(
    register: type[Register], manager: Person, reader: Person
) -> None:
    record = sample(register, manager)
    assert may(reader, "view", register.model), "grant the reader a look"
    # A draft of something people work by is not for readers; what is in force has tests of its own.
    seen = set(ways_to_see(register, reader, record).values())
    assert seen == {register.narrow(reader) is None}
    for name, attempt in everything(register, record).items():
        with pytest.raises(PermissionDenied):
            attempt(reader)
            pytest.fail(f"a reader may {name}")
    with pytest.raises(PermissionDenied):
        file(register.model, {"title": "Mine"}, by=reader)


@each
def test_a_customer_does_nothing_with_anothers_record(
    register: type[Register], manager: Person, head: Person, elsewhere: Person
) -> None:
    record = of(sample(register, manager), customer=head.organization)
    for name, attempt in everything(register, record).items():
        with pytest.raises((PermissionDenied, ValidationError)) as refused:
            attempt(elsewhere)
            pytest.fail(f"another customer may {name}")
        assert isinstance(refused.value, PermissionDenied), name


@each
def test_customers_are_granted_little(register: type[Register], head: Person) -> None:
    """Filing, speaking and agreeing: nothing else of ours is theirs to do."""
    granted = {verb for verb in verbs_of(register.model) if may(head, verb, register.model)}
    assert granted <= {"view", "file", "comment", "approve"}


@each
def test_a_customer_fills_in_what_the_portal_asks_and_nothing_else(
    register: type[Register], head: Person, manager: Person
) -> None:
    if not may(head, "file", register.model):
        return
    # The rest is decided here: what is urgent, whose it is, who else may see it.
    ours = [name for name in register.filing_fields() if name not in register.portal]
    assert ours
    given = register.content(sample(register, manager))
    for name in ours:
        with pytest.raises(ValidationError) as refused:
            file(register.model, {"title": "It is dark", name: given[name]}, by=head)
        assert list(refused.value.error_dict) == [name]
