"""What configuration items promise: attributes by type, ties that carry, and what they prove."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine import triggers
from verne.engine.acts import NotOpen, act, link, move, revise, unlink, withdraw
from verne.engine.evidence import Asked, answers
from verne.engine.people import Assignment, Person
from verne.engine.records import Sheet
from verne.engine.testing import a_person
from verne.sms.support.document.samples import a_document_in_force, a_revision, put_in_force

from ..service.samples import a_live_service, a_service, a_service_in_development
from .impact import affected_by, foundation_of, path_to
from .models import CIType, ConfigurationItem
from .panels import what_it_stands_on, what_it_takes_with_it
from .samples import a_citype, a_configurationitem, a_live_item, an_item_for

pytestmark = pytest.mark.django_db

KEYS = [
    "ci-types-defined",
    "services-are-cis",
    "ci-detail-by-criticality",
    "ci-identifier",
    "ci-type-filled",
    "ci-description",
    "ci-relationships",
    "ci-status",
    "ci-changes-traceable",
]


def figures(key: str, **asked: Any) -> tuple[int, int]:
    found = answers[key](Asked(**{"at": timezone.now()} | asked))
    return found.population.count(), found.exceptions.count()


# Types and attributes


def test_two_items_do_not_share_an_identifier(manager: Person) -> None:
    a_configurationitem(manager, identifier="srv-01")
    with pytest.raises(ValidationError, match="identifier"):
        a_configurationitem(manager, identifier="srv-01")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"colour": "red"}, "colour is not an attribute of the type"),
        ({"memory_gb": "much"}, "memory_gb is a number"),
        ({"memory_gb": True}, "memory_gb is a number"),
        ({"operating_system": 12}, "operating_system is text"),
        ({"supported_until": "next year"}, "write it as 2026-12-31"),
        (["a list"], "Attributes are given by name"),
    ],
)
def test_attributes_are_those_of_the_type(attributes: Any, words: str, manager: Person) -> None:
    with pytest.raises(ValidationError, match=words):
        a_configurationitem(manager, attributes=attributes)


def test_attributes_of_every_form_are_taken(manager: Person) -> None:
    forms = ["text", "number", "date", "yes_no"]
    rows = [{"name": f"a_{form}", "form": form} for form in forms]
    ci_type = a_citype(manager, title="Everything", attributes=rows)
    said = {"a_text": "x", "a_number": 1.5, "a_date": "2026-12-31", "a_yes_no": False}
    item = a_configurationitem(manager, ci_type=ci_type, attributes=said)
    assert ConfigurationItem.objects.get(pk=item.pk).attributes == said


def test_an_attribute_is_named_in_small_letters(manager: Person) -> None:
    with pytest.raises(ValidationError, match="small letters"):
        a_citype(manager, attributes=[{"name": "Serial Number"}])


def test_a_type_in_use_is_not_retired(manager: Person) -> None:
    item = a_configurationitem(manager)
    with pytest.raises(NotOpen, match="still on file"):
        move(item.ci_type, "retire", by=manager, note="Too coarse")
    move(item, "retire", by=manager, note="Broken")
    move(ConfigurationItem.objects.get(pk=item.pk), "remove", by=manager, note="Scrapped")
    assert move(item.ci_type, "retire", by=manager, note="Too coarse").state == "retired"


def test_an_item_goes_live_complete_and_tied(manager: Person) -> None:
    item = a_configurationitem(manager, attributes={})
    with pytest.raises(NotOpen) as refused:
        move(item, "put_live", by=manager)
    assert refused.value.messages == [
        "Its type asks for operating_system.",
        "Link it to what it belongs with, or say why it stands alone.",
    ]
    revise(item, {"attributes": {"operating_system": "Debian 12"}}, by=manager)
    link(item, "connected_to", a_configurationitem(manager), by=manager)
    assert move(item, "put_live", by=manager).state == "live"


def test_one_item_stands_for_a_service(manager: Person) -> None:
    service = a_service(manager)
    item = an_item_for(service, manager)
    assert item.state == "live"
    with pytest.raises(ValidationError, match="Another item stands for this service"):
        an_item_for(service, manager, identifier="svc-again")


def test_a_withdrawn_item_gives_back_what_only_one_may_have(manager: Person) -> None:
    service = a_service(manager)
    withdraw(an_item_for(service, manager, identifier="svc-mail"), by=manager, note="A slip")
    assert an_item_for(service, manager, identifier="svc-mail").represents == service


def test_a_server_does_not_stand_for_a_service(manager: Person) -> None:
    with pytest.raises(ValidationError, match="type for services"):
        a_configurationitem(manager, represents=a_service(manager))


# Impact


@pytest.fixture
def shop(manager: Person) -> dict[str, Any]:
    """Payments depends on e-mail; the mail server serves e-mail and runs on a host in a rack."""
    mail, payments = a_service(manager), a_service(manager, title="Payments")
    link(payments, "depends_on", mail, by=manager)
    server = a_configurationitem(manager, services=[mail])
    host, rack, store = (a_configurationitem(manager) for _ in range(3))
    link(server, "runs_on", host, by=manager)
    link(rack, "connects", host, by=manager)
    link(server, "backed_up_by", store, by=manager)
    return {
        "mail": mail,
        "payments": payments,
        "server": server,
        "host": host,
        "rack": rack,
        "store": store,
    }


def names(shop: dict[str, Any], reached: Any) -> dict[str, int]:
    keys = {record.pk: name for name, record in shop.items()}
    return {keys[key]: hit.depth for key, hit in reached.items()}


def test_a_failing_rack_takes_services_with_it(shop: dict[str, Any]) -> None:
    reached = affected_by(shop["rack"].pk)
    assert names(shop, reached) == {"host": 1, "server": 2, "mail": 3, "payments": 4}
    way = [shop[name].pk for name in ("rack", "host", "server", "mail", "payments")]
    assert path_to(shop["payments"].pk, reached) == way


def test_a_service_stands_on_everything_below(shop: dict[str, Any]) -> None:
    reached = foundation_of(shop["payments"].pk)
    assert names(shop, reached) == {"mail": 1, "server": 2, "host": 3, "rack": 4}


def test_losing_a_backup_takes_nothing_with_it(shop: dict[str, Any]) -> None:
    assert affected_by(shop["store"].pk) == {}


def test_impact_can_be_cut_short(shop: dict[str, Any]) -> None:
    assert names(shop, affected_by(shop["rack"].pk, depth=2)) == {"host": 1, "server": 2}
    assert len(affected_by(shop["rack"].pk, most=3)) == 3


def test_a_circle_ends_by_itself(shop: dict[str, Any], manager: Person) -> None:
    link(shop["rack"], "uses", shop["server"], by=manager)
    reached = affected_by(shop["rack"].pk)
    assert names(shop, reached) == {"host": 1, "server": 2, "mail": 3, "payments": 4}


def test_a_service_and_its_item_are_one(shop: dict[str, Any], manager: Person) -> None:
    item = an_item_for(shop["mail"], manager)
    cluster = a_configurationitem(manager)
    link(item, "runs_on", cluster, by=manager)
    reached = affected_by(cluster.pk)
    assert {item.pk, shop["mail"].pk, shop["payments"].pk} == set(reached)
    assert cluster.pk in foundation_of(shop["payments"].pk)


def test_what_is_gone_carries_nothing(shop: dict[str, Any], manager: Person) -> None:
    move(shop["server"], "retire", by=manager, note="Replaced")
    assert names(shop, affected_by(shop["rack"].pk)) == {"host": 1}
    withdraw(shop["host"], by=manager, note="Filed twice")
    assert affected_by(shop["rack"].pk) == {}


def test_an_ended_link_carries_nothing(shop: dict[str, Any], manager: Person) -> None:
    unlink(shop["server"], "runs_on", shop["host"], by=manager)
    assert names(shop, affected_by(shop["rack"].pk)) == {"host": 1}


def test_each_step_costs_one_query(shop: dict[str, Any]) -> None:
    with CaptureQueriesContext(connection) as queries:
        affected_by(shop["rack"].pk)
    assert len(queries) == 5  # four steps, and one that finds nothing more


def test_the_page_shows_impact_within_what_one_may_see(
    shop: dict[str, Any], manager: Person
) -> None:
    rows = what_it_takes_with_it(shop["rack"], manager)
    assert rows[0][0].ref == shop["host"].ref
    assert rows[1][2].ref == shop["host"].ref
    agent = a_person("Lee Kang", roles=["service_desk_agent"])
    revise(shop["server"], {"title": "Vault"}, by=manager)
    with act("settle", by=None, note="Sealed off"):
        Sheet.objects.filter(pk=shop["server"].pk).update(restricted=True)
    assert shop["server"].pk not in [r[0].pk for r in what_it_takes_with_it(shop["rack"], agent)]
    assert len(what_it_stands_on(shop["server"], manager)) == 2


# What items prove


@pytest.mark.parametrize("key", KEYS)
def test_without_items_there_is_nothing_to_prove(key: str, db: None) -> None:
    assert figures(key) == (0, 0)


@pytest.mark.parametrize("key", KEYS)
def test_items_kept_by_the_rules_prove_it(key: str, manager: Person) -> None:
    service = a_live_service(manager)
    item = a_live_item(manager, services=[service])
    revise(item, {"location": "Room 3"}, by=manager)
    population, exceptions = figures(key)
    assert population > 0
    assert exceptions == 0


def test_a_retired_type_leaves_the_list(manager: Person) -> None:
    item = a_configurationitem(manager)
    assert figures("ci-types-defined") == (2, 0)
    with act("settle", by=None, note="As in a database brought from elsewhere"):
        CIType.objects.filter(pk=item.ci_type_id).update(state="retired")
    assert figures("ci-types-defined") == (1, 1)


def test_a_planned_service_without_its_item_is_an_exception(manager: Person) -> None:
    service = a_service_in_development(manager)
    assert figures("services-are-cis") == (1, 1)
    an_item_for(service, manager)
    assert figures("services-are-cis") == (1, 0)


def test_items_of_critical_services_have_every_required_attribute(manager: Person) -> None:
    high, low = a_service(manager), a_service(manager, title="Lunch menu", criticality=3)
    item = a_configurationitem(manager, services=[high], attributes={"memory_gb": 8})
    a_configurationitem(manager, services=[low], attributes={"memory_gb": 8})
    assert figures("ci-detail-by-criticality") == (2, 1)  # the type, and the item of e-mail
    revise(item, {"attributes": {"operating_system": "Debian 12"}}, by=manager)
    assert figures("ci-detail-by-criticality") == (2, 0)


def test_a_type_without_a_level_of_detail_is_an_exception(manager: Person) -> None:
    revise(a_citype(manager), {"level_of_detail": " "}, by=manager)
    assert figures("ci-detail-by-criticality") == (1, 1)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("ci-identifier", {"identifier": " "}),
        ("ci-description", {"description": "  "}),
    ],
)
def test_what_is_blank_is_an_exception(key: str, values: Any, manager: Person) -> None:
    item = a_configurationitem(manager)
    with act("settle", by=None, note="As in a database brought from elsewhere"):
        ConfigurationItem.objects.filter(pk=item.pk).update(**values)
    assert figures(key) == (1, 1)


def test_an_item_without_ties_says_why(manager: Person) -> None:
    item = a_configurationitem(manager)
    assert figures("ci-relationships") == (1, 1)
    revise(item, {"stands_alone": "A spare on the shelf."}, by=manager)
    assert figures("ci-relationships") == (1, 0)


def test_an_item_tied_only_in_the_past_is_an_exception(manager: Person) -> None:
    item, other = a_configurationitem(manager), a_configurationitem(manager)
    link(item, "runs_on", other, by=manager)
    assert figures("ci-relationships") == (2, 0)
    unlink(item, "runs_on", other, by=manager)
    assert figures("ci-relationships") == (2, 2)


def test_an_unknown_status_is_an_exception(manager: Person) -> None:
    item = a_configurationitem(manager)
    with act("settle", by=None, note="As in a database brought from elsewhere"):
        Sheet.objects.filter(pk=item.pk).update(state="somewhere")
    assert figures("ci-status") == (1, 1)


def test_an_item_of_a_withdrawn_type_has_none(manager: Person) -> None:
    item = a_configurationitem(manager)
    withdraw(item.ci_type, by=manager, note="A slip")
    assert figures("ci-type-filled") == (1, 1)


def test_a_change_behind_the_back_of_the_trail_is_seen(manager: Person) -> None:
    item = a_configurationitem(manager)
    revise(item, {"location": "Room 3"}, by=manager)
    move(ConfigurationItem.objects.get(pk=item.pk), "build", by=manager)
    assert figures("ci-changes-traceable") == (1, 0)
    pieces = triggers.remove(connection)
    assert pieces
    Sheet.objects.filter(pk=item.pk).update(version=9)
    assert figures("ci-changes-traceable") == (1, 1)  # nothing is proven without the triggers
    triggers.install(connection)
    assert figures("ci-changes-traceable") == (1, 1)  # versions 4 to 9 are not told


def test_a_state_that_history_does_not_tell_is_seen(manager: Person) -> None:
    item = a_configurationitem(manager)
    triggers.remove(connection)
    Sheet.objects.filter(pk=item.pk).update(state="live")
    triggers.install(connection)
    assert figures("ci-changes-traceable") == (1, 1)


def test_write_access_is_held_by_the_active_and_reviewed(manager: Person) -> None:
    keeper = a_person("Kim Keeper", roles=["configuration_manager"])
    a_person("Rita Reader", roles=["reader"])
    held, exceptions = figures("ci-access-controlled")
    assert exceptions == 0
    later = timezone.now() + timedelta(days=400)
    assert figures("ci-access-controlled", at=later) == (held, held)
    with act("settle", by=manager, note="Reviewed"):
        Assignment.objects.update(reviewed_at=later - timedelta(days=10))
    assert figures("ci-access-controlled", at=later) == (held, 0)
    with act("settle", by=manager, note="Left us"):
        Person.objects.filter(pk=keeper.pk).update(active=False)
    assert figures("ci-access-controlled", at=later) == (held, 1)


def test_readers_of_configuration_are_no_write_access(db: None) -> None:
    a_person("Rita Reader", roles=["reader"])
    assert figures("ci-access-controlled") == (0, 0)


def test_write_access_proves_nothing_without_the_triggers(db: None) -> None:
    a_person("Kim Keeper", roles=["configuration_manager"])
    triggers.remove(connection)
    assert figures("ci-access-controlled") == (1, 1)
    triggers.install(connection)
    assert figures("ci-access-controlled") == (1, 0)


def test_a_removed_item_stays_on_file_with_its_trail(manager: Person) -> None:
    item = a_configurationitem(manager)
    item = move(item, "retire", by=manager, note="Broken")
    item = move(item, "remove", by=manager, note="Scrapped")
    assert figures("ci-relationships") == (0, 0)
    assert figures("ci-changes-traceable") == (1, 0)


def test_the_change_policy_names_every_type_under_control(
    manager: Person, approver: Person
) -> None:
    server = a_citype(manager, title="Server")
    a_citype(manager, title="Desk phone", controlled=False)
    assert figures("change-policy-scope") == (2, 2)
    policy = a_document_in_force(
        manager, approver, carries=[{"key": "change_policy"}], text="We control every *server*."
    )
    assert figures("change-policy-scope") == (2, 0)
    line = a_citype(manager, title="Data line")
    assert figures("change-policy-scope") == (3, 1)
    text = f"We control [[{server.ref}]] and [[{line.ref}]]."
    edition = policy.editions.get()
    put_in_force(a_revision(manager, edition=edition, text=text), by=manager, signer=approver)
    assert figures("change-policy-scope") == (3, 0)
