"""Who gets in: second steps, recovery codes, sessions, links, and what is asked of people first."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from tests.web.soft_key import SoftKey
from verne.cli import access, people
from verne.engine import signing
from verne.engine.acts import act
from verne.engine.history import Act, Entry
from verne.engine.people import Organization, Person
from verne.engine.signing import NotProven
from verne.engine.testing import a_person
from verne.web.entrance import (
    app_codes,
    attempts,
    factors,
    links,
    passkeys,
    proof,
    recovery,
    sessions,
    vault,
)
from verne.web.models import (
    AccountEvent,
    Factor,
    FactorUse,
    PasswordLink,
    RecoveryCode,
    Session,
    SignInAttempt,
    SignInPolicy,
)

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]
PASSWORD = "lighthouse on the pier"
LOCALHOST = "localhost:8000"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def with_password(person: Person) -> Person:
    with act("settle", by=None):
        person.set_password(PASSWORD)
        person.save()
    return person


@pytest.fixture
def nora() -> Person:
    return with_password(a_person("Nora Voss", roles=["reader"]))


@pytest.fixture
def head() -> Person:
    """Manages people and settings."""
    return with_password(a_person("Ines Brandt", roles=["administrator"]))


def sign_in(client: Client, person: Person, password: str = PASSWORD, **more: Any) -> Any:
    said = {"username": person.username, "password": password}
    return client.post("/sign-in/", said, **more)


def inside(client: Client) -> bool:
    return client.get("/services/").status_code == 200


def an_app(person: Person) -> str:
    """An app that was added a while ago; gives its secret."""
    secret = app_codes.new_secret()
    code = app_codes.code_at(secret, app_codes.step_at(timezone.now()))
    factor = factors.add_app(person, secret=secret, code=code, name="Telephone")
    FactorUse.objects.filter(factor=factor).update(counter=0)
    return secret


def code_now(secret: str) -> str:
    return app_codes.code_at(secret, app_codes.step_at(timezone.now()))


def a_passkey(person: Person, key: SoftKey) -> Factor:
    options = passkeys.ask_for_new(person, "localhost")
    return factors.add_passkey(person, answer=key.make(options), host="localhost", name="Laptop")


# --- Codes of an app -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    # The last six of the eight digits in the test vectors of RFC 6238.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    at = datetime.fromtimestamp(seconds, UTC)
    assert app_codes.code_at(secret, app_codes.step_at(at)) == code


def test_a_code_lives_for_its_half_minute_and_the_one_after() -> None:
    secret = app_codes.new_secret()
    begins = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    code = app_codes.code_at(secret, app_codes.step_at(begins))

    def opens(seconds: int) -> bool:
        at = begins + timedelta(seconds=seconds)
        return app_codes.matching_step(secret, code, at=at) is not None

    assert [opens(s) for s in (-1, 0, 29, 30, 59, 60)] == [False, True, True, True, True, False]


def test_an_app_is_added_with_its_picture_and_asked_for_from_then_on(nora: Person) -> None:
    client, other = Client(), Client()
    sign_in(client, nora)
    sign_in(other, nora)
    page = client.get("/profile/security/app/").content.decode()
    assert "<svg viewBox" in page
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")  # type: ignore[index]
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)[1]  # type: ignore[index]
    said = {"sealed": sealed, "name": "Telephone", "code": code_now(secret)}
    wrong = client.post("/profile/security/app/", {**said, "code": "000000"})
    assert wrong.status_code == 422
    assert client.post("/profile/security/app/", said)["Location"] == "/profile/security/codes/"
    page = client.get("/profile/security/codes/").content.decode()
    codes = re.findall(r"<li><code>([a-z0-9-]+)</code>", page)
    assert len(set(codes)) == 10
    assert codes[0] not in client.get("/profile/security/codes/").content.decode()
    # Another browser is out; and whoever comes next is asked for the code.
    assert inside(client) and not inside(other)
    answer = sign_in(other, nora)
    assert answer["Location"] == "/sign-in/second/"
    assert not inside(other)


def test_neither_secret_nor_codes_can_be_read_in_the_database_or_the_history(nora: Person) -> None:
    secret = an_app(nora)
    code, *_rest = recovery.make(nora, by=nora)
    factor = Factor.objects.get()
    assert secret not in factor.secret
    assert vault.unseal(factor.secret, whose=f"app of {nora.pk}") == secret
    with pytest.raises(vault.Unreadable):
        vault.unseal(factor.secret, whose="app of 999")
    kept = str(list(Entry.objects.values_list("before", "after")))
    digests = RecoveryCode.objects.values_list("digest", flat=True)
    assert not any(word in kept for word in (factor.secret, "Telephone", code, *digests))


def test_a_code_opens_once(nora: Person) -> None:
    secret = an_app(nora)
    code = code_now(secret)
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, nora)
    assert first.post("/sign-in/second/", {"code": code}).status_code == 302
    assert inside(first)
    assert second.post("/sign-in/second/", {"code": code}).status_code == 422
    assert not inside(second)


def test_guessing_codes_is_slowed_down(client: Client, nora: Person) -> None:
    secret = an_app(nora)
    sign_in(client, nora)
    tries = [client.post("/sign-in/second/", {"code": "123456"}).status_code for _n in range(5)]
    assert tries == [422] * 4 + [429]
    assert client.post("/sign-in/second/", {"code": code_now(secret)}).status_code == 429


def test_the_second_step_is_nothing_without_the_first(client: Client, nora: Person) -> None:
    secret = an_app(nora)
    answer = client.post("/sign-in/second/", {"code": code_now(secret)})
    assert answer["Location"] == "/sign-in/"
    sign_in(client, nora)
    Session.objects.update(expires_at=timezone.now())
    answer = client.post("/sign-in/second/", {"code": code_now(secret)})
    assert answer["Location"] == "/sign-in/"


def test_a_password_changed_between_the_steps_sends_back(client: Client, nora: Person) -> None:
    secret = an_app(nora)
    sign_in(client, nora)
    with act("settle", by=nora):
        nora.set_password("harbour in the fog")
        nora.save()
    assert client.post("/sign-in/second/", {"code": code_now(secret)})["Location"] == "/sign-in/"


# --- Recovery codes ------------------------------------------------------------------------------


def test_a_recovery_code_opens_once_and_is_told(client: Client, nora: Person) -> None:
    an_app(nora)
    code, *_rest = recovery.make(nora, by=nora)
    sign_in(client, nora)
    answer = client.post("/sign-in/second/", {"code": code.upper().replace("-", " ")}, follow=True)
    assert "9 recovery codes are left" in answer.content.decode()
    assert Act.objects.filter(name="use_recovery_code", by=nora).count() == 1
    again = Client()
    sign_in(again, nora)
    assert again.post("/sign-in/second/", {"code": code}).status_code == 422
    assert AccountEvent.objects.filter(person=nora, what="code_used").exists()


def test_a_recovery_code_cannot_be_guessed_and_older_ones_still_open(nora: Person) -> None:
    bits = math.log2(len(recovery.LETTERS)) * recovery.LENGTH
    assert bits >= 112
    codes = recovery.make(nora, by=nora)
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == recovery.LENGTH for code in codes)
    with act("settle", by=nora):
        RecoveryCode.objects.create(person=nora, digest=recovery._digest(nora, "abcdefghjkmnpqrs"))
    assert recovery.use(nora, "abcd-efgh-jkmn-pqrs")
    assert not recovery.use(nora, "abcd-efgh-jkmn-pqrs")


def test_new_recovery_codes_take_the_password_and_end_the_old(client: Client, nora: Person) -> None:
    secret = an_app(nora)
    old, *_rest = recovery.make(nora, by=nora)
    sign_in(client, nora)
    client.post("/sign-in/second/", {"code": code_now(secret)})
    assert client.post("/profile/security/codes/", {"password": "guess"}).status_code == 422
    assert client.post("/profile/security/codes/", {"password": PASSWORD}).status_code == 302
    assert not recovery.use(nora, old)
    assert recovery.left(nora) == 10


# --- Passkeys ------------------------------------------------------------------------------------


def test_a_passkey_opens_without_name_or_password(nora: Person) -> None:
    key = SoftKey()
    a_passkey(nora, key)
    client = Client(headers={"Host": LOCALHOST})
    options = client.get("/sign-in/passkey/options?for=sign-in").json()
    assert options["publicKey"]["userVerification"] == "required"
    assert "allowCredentials" not in options["publicKey"]
    answer = key.show(options)
    assert client.post("/sign-in/passkey/", {"passkey": answer})["Location"] == "/"
    assert inside(client)
    assert Session.objects.get(person=nora).way == "passkey"
    # What was shown once is worth nothing a second time.
    again = Client(headers={"Host": LOCALHOST}).post("/sign-in/passkey/", {"passkey": answer})
    assert again.status_code == 422


def test_a_passkey_can_be_the_second_step(nora: Person) -> None:
    key = SoftKey(unlocked=False)
    key.unlocked = True
    a_passkey(nora, key)
    key.unlocked = False
    client = Client(headers={"Host": LOCALHOST})
    sign_in(client, nora)
    options = client.get("/sign-in/passkey/options?for=second").json()
    assert len(options["publicKey"]["allowCredentials"]) == 1
    answer = client.post("/sign-in/second/", {"passkey": key.show(options)})
    assert answer.status_code == 302
    assert inside(client)


def _made_for_another_site(key: SoftKey, options: Any) -> str:
    key.origin = "https://verne.example.net"
    return key.show(options)


def _not_unlocked(key: SoftKey, options: Any) -> str:
    key.unlocked = False
    return key.show(options)


def _copied(key: SoftKey, options: Any) -> str:
    FactorUse.objects.update(counter=50)
    return key.show(options)


def _not_asked_for(key: SoftKey, options: Any) -> str:
    options["publicKey"]["challenge"] = "A" * 75
    return key.show(options)


def _of_another_key(key: SoftKey, options: Any) -> str:
    other = SoftKey()
    other.number, other.handle = key.number, key.handle
    return other.show(options)


@pytest.mark.parametrize(
    "trick", [_made_for_another_site, _not_unlocked, _copied, _not_asked_for, _of_another_key]
)
def test_a_passkey_that_is_not_right_opens_nothing(nora: Person, trick: Any) -> None:
    key = SoftKey()
    a_passkey(nora, key)
    options = passkeys.ask_for(passkeys.SIGN_IN, "localhost")
    with pytest.raises(passkeys.Refused):
        passkeys.shown(trick(key, options), purpose=passkeys.SIGN_IN)


EMPTY = '{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}'
RUBBISH = ("", "{}", "[]", "null", '{"id": 1}', "x" * 30_000)


@pytest.mark.parametrize(
    "rubbish",
    [*RUBBISH, f'{{"id":"a","rawId":"a","type":"public-key","response":{EMPTY}}}'],
)
def test_rubbish_is_refused_and_breaks_nothing(client: Client, rubbish: str) -> None:
    assert client.post("/sign-in/passkey/", {"passkey": rubbish}).status_code == 422


def test_a_challenge_is_for_one_purpose_one_person_and_five_minutes(
    nora: Person, head: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SoftKey()
    a_passkey(nora, key)
    for purpose, person in ((passkeys.SIGN_IN, None), (passkeys.SIGN, head)):
        options = passkeys.ask_for(purpose, "localhost", person)
        with pytest.raises(passkeys.Refused):
            passkeys.shown(key.show(options), purpose=passkeys.SIGN, person=nora)
    options = passkeys.ask_for(passkeys.SIGN, "localhost", nora)
    monkeypatch.setattr(passkeys, "ANSWERED_WITHIN", timedelta(seconds=-1))
    with pytest.raises(passkeys.TooLate):
        passkeys.shown(key.show(options), purpose=passkeys.SIGN, person=nora)


def test_asking_for_challenges_writes_nothing(client: Client, db: None) -> None:
    client.get("/sign-in/passkey/options?for=sign-in", headers={"Host": LOCALHOST})
    assert not Session.objects.exists()


def test_nobody_gets_a_passkey_for_a_number_instead_of_a_name(client: Client, nora: Person) -> None:
    sign_in(client, nora, headers={"Host": "127.0.0.1:8000"})
    page = client.get("/profile/security/passkey/", headers={"Host": "127.0.0.1:8000"})
    assert "http://localhost:8000" in page.content.decode()


def test_a_signature_is_proven_with_a_passkey(nora: Person, head: Person) -> None:
    key = SoftKey()
    a_passkey(nora, key)
    options = passkeys.ask_for(passkeys.SIGN, "localhost", nora)
    found = proof.prove(nora, proof.said({"passkey": key.show(options), "password": ""}))
    assert (found.person, found.way) == (nora.pk, "passkey")
    assert str(signing.ways["passkey"].label) == "Passkey shown again"
    options = passkeys.ask_for(passkeys.SIGN, "localhost", nora)
    with pytest.raises(NotProven, match="does not show who you are"):
        proof.prove(head, proof.said({"passkey": key.show(options)}))


# --- Removing ------------------------------------------------------------------------------------


def test_removing_a_step_takes_the_password_and_is_told_at_the_next_sign_in(
    client: Client, nora: Person
) -> None:
    secret = an_app(nora)
    sign_in(client, nora)
    client.post("/sign-in/second/", {"code": code_now(secret)})
    address = f"/profile/security/remove/{Factor.objects.get().pk}/"
    assert client.post(address, {"password": "guess"}).status_code == 422
    assert client.post(address, {"password": PASSWORD}).status_code == 302
    assert not Factor.objects.exists()
    said = sign_in(Client(), nora, follow=True).content.decode()
    assert "A second step was removed" in said
    assert "A second step was removed" not in sign_in(Client(), nora, follow=True).content.decode()


def test_nobody_removes_the_step_of_somebody_else(
    client: Client, nora: Person, head: Person
) -> None:
    an_app(head)
    sign_in(client, nora)
    address = f"/profile/security/remove/{Factor.objects.get().pk}/"
    assert client.post(address, {"password": PASSWORD}).status_code == 404


def test_an_administrator_helps_who_lost_everything(nora: Person, head: Person) -> None:
    an_app(nora)
    client, other = Client(), Client()
    sign_in(client, head)
    other.force_login(nora)
    address = f"/settings/people/{nora.pk}/access/reset"
    assert client.post(address, {"reason": "", "password": PASSWORD}).status_code == 422
    assert client.post(address, {"reason": "Came to the desk", "password": "no"}).status_code == 422
    said = {"reason": "Came to the desk", "password": PASSWORD}
    assert client.post(address, said).status_code == 302
    assert not Factor.objects.exists()
    assert not inside(other)
    noted = Act.objects.get(name="reset_second_steps")
    assert noted.by == head and noted.note == "nora-voss: Came to the desk"
    assert "An administrator removed" in sign_in(Client(), nora, follow=True).content.decode()
    # Nobody goes around their own password like that, and a reader gets nowhere.
    assert client.post(f"/settings/people/{head.pk}/access/reset", said).status_code == 403
    other.force_login(nora)
    for page in ("", "link", "reset", "end"):
        assert other.post(f"/settings/people/{head.pk}/access/{page}", said).status_code == 403


# --- What is asked first -------------------------------------------------------------------------


def test_a_role_that_needs_a_second_step_leads_to_it(client: Client, nora: Person) -> None:
    with act("settle", by=None):
        SignInPolicy.objects.create(pk=1, second_step_roles=["reader"])
    sign_in(client, nora)
    assert client.get("/services/")["Location"] == "/profile/security/"
    assert client.get("/profile/security/app/").status_code == 200
    answer = client.get("/api/v1/services")
    assert answer.status_code == 403
    secret, sealed = factors.propose_app(nora)
    said = {"sealed": sealed, "name": "Telephone", "code": code_now(secret)}
    client.post("/profile/security/app/", said)
    assert inside(client)
    remove = f"/profile/security/remove/{Factor.objects.get().pk}/"
    answer = client.post(remove, {"password": PASSWORD})
    assert answer.status_code == 422
    assert "add another one" in answer.content.decode()


def test_a_password_from_somebody_else_is_changed_first(nora: Person, head: Person) -> None:
    client = Client()
    sign_in(client, head)
    client.post(f"/settings/people/{nora.pk}/password", {"new": "a pier without lamps"})
    other = Client()
    sign_in(other, nora, "a pier without lamps")
    assert other.get("/services/")["Location"] == "/profile/password/"
    assert other.get("/profile/security/")["Location"] == "/profile/password/"
    said = {"present": "a pier without lamps", "new": PASSWORD, "again": PASSWORD}
    same = {**said, "new": said["present"], "again": said["present"]}
    assert other.post("/profile/password/", same).status_code == 422
    assert other.post("/profile/password/", said).status_code == 302
    assert inside(other)


def test_rules_are_saved_within_reason(head: Person, browse: Browse) -> None:
    client = browse(head)
    said = {"idle_minutes": 30, "longest_hours": 9, "link_hours": 4}
    said |= {"second_step_roles": "administrator"}  # type: ignore[dict-item]
    assert client.post("/settings/signing-in/", {**said, "idle_minutes": 2}).status_code == 422
    assert client.post("/settings/signing-in/", said).status_code == 302
    rules = SignInPolicy.objects.get()
    assert (rules.idle_minutes, rules.second_step_roles) == (30, ["administrator"])
    assert "idle_minutes" in str(Entry.objects.latest("id").after)


def test_a_guest_from_outside_reaches_their_own_security_and_no_more(browse: Browse) -> None:
    with act("settle", by=None):
        bureau = Organization.objects.create(name="Bureau of Audits", kind="other")
    guest = a_person("Odile Marchand", roles=["external_auditor"], organization=bureau)
    client = browse(guest)
    assert client.get("/profile/security/").status_code == 200
    assert client.get("/profile/security/app/").status_code == 200
    assert client.get(f"/settings/people/{guest.pk}/access/").status_code == 404


# --- A link for a new password -------------------------------------------------------------------


def a_link(client: Client, person: Person) -> str:
    page = client.post(f"/settings/people/{person.pk}/access/link").content.decode()
    return re.search(r"http://testserver(/sign-in/new/#[^<]+)", page)[1]  # type: ignore[index]


def follow(client: Client, link: str) -> Any:
    """What the script of the page does with it."""
    return client.post("/sign-in/new/", {"secret": link}, follow=True)


def test_a_link_sets_a_password_once(nora: Person, head: Person, browse: Browse) -> None:
    client, other = browse(head), browse(nora)
    link = a_link(client, nora)
    assert PasswordLink.objects.get().digest not in link
    stranger = Client()
    assert "Paste the whole link" in stranger.get("/sign-in/new/").content.decode()
    assert nora.username in follow(stranger, link).content.decode()
    short = {"new": "short", "again": "short"}
    assert stranger.post("/sign-in/new/", short).status_code == 422
    said = {"new": "three gulls on a rope", "again": "three gulls on a rope"}
    assert stranger.post("/sign-in/new/", said)["Location"] == "/sign-in/"
    assert not inside(other)
    assert not inside(stranger)
    assert follow(stranger, link).status_code == 404
    assert "Paste the whole link" in stranger.post("/sign-in/new/", said).content.decode()
    assert sign_in(stranger, nora, "three gulls on a rope").status_code == 302


def test_a_link_ends_with_its_time_with_the_next_and_with_the_person(
    nora: Person, head: Person, browse: Browse
) -> None:
    client, stranger = browse(head), Client()
    first, second = a_link(client, nora), a_link(client, nora)
    assert follow(stranger, first).status_code == 404
    with act("settle", by=None):
        PasswordLink.objects.update(expires_at=timezone.now())
    assert follow(stranger, second).status_code == 404
    third = a_link(client, nora)
    with act("settle", by=None):
        Person.objects.filter(pk=nora.pk).update(active=False)
    assert follow(stranger, third).status_code == 404


def test_a_link_carries_its_secret_where_no_server_and_no_log_sees_it(
    nora: Person, head: Person, browse: Browse, caplog: pytest.LogCaptureFixture
) -> None:
    """Behind the #, which browsers keep to themselves; from there into the body of a form."""
    link = a_link(browse(head), nora)
    address, _mark, secret = link.partition("#")
    assert address == "/sign-in/new/" and links.of(secret) is not None
    stranger = Client()
    assert stranger.get(f"/sign-in/new/{secret}/").status_code == 404
    answer = stranger.post("/sign-in/new/", {"secret": secret})
    assert answer["Location"] == "/sign-in/new/"
    assert secret not in str(Session.objects.values_list("data", flat=True))
    assert Client().post("/sign-in/new/", {"secret": "guess"}).status_code == 404
    assert "Wrong or spent link from 127.0.0.1" in caplog.text
    assert secret not in caplog.text and "guess" not in caplog.text


def test_a_link_does_not_go_around_the_second_step(nora: Person, head: Person) -> None:
    an_app(nora)
    link = links.of(links.make(nora, by=head))
    assert link is not None and links.use(link, "three gulls on a rope")
    answer = sign_in(Client(), nora, "three gulls on a rope")
    assert answer["Location"] == "/sign-in/second/"


# --- Sessions ------------------------------------------------------------------------------------


def test_the_key_of_a_session_is_new_with_the_sign_in_and_kept_as_a_hash(
    client: Client, nora: Person
) -> None:
    secret = an_app(nora)
    sign_in(client, nora)
    before = client.cookies["sessionid"].value
    client.post("/sign-in/second/", {"code": code_now(secret)})
    after = client.cookies["sessionid"].value
    assert before != after
    row = Session.objects.get()
    assert row.digest == sessions.digest(after)
    assert after not in f"{row.digest} {row.data}"


def test_people_see_where_they_are_signed_in_and_end_one(nora: Person) -> None:
    here, there, third = Client(headers={"User-Agent": FIREFOX}), Client(), Client()
    for client in (here, there, third):
        sign_in(client, nora)
    page = here.get("/profile/security/").content.decode()
    assert "Firefox on Linux" in page and "This one" in page and "127.0.0.1" in page
    numbers = re.findall(r'name="session" value="(\d+)"', page)
    assert len(numbers) == 2
    here.post("/profile/security/end", {"session": numbers[0]})
    assert sorted([inside(there), inside(third)]) == [False, True]
    here.post("/profile/security/end-others")
    assert [inside(here), inside(there), inside(third)] == [True, False, False]


def test_a_cookie_for_the_pages_lives_as_long_as_the_session(nora: Person) -> None:
    client = Client()
    sign_in(client, nora)
    assert "here" not in client.cookies
    client.get("/services/")
    mark = client.cookies["here"]
    left = (Session.objects.get().expires_at - timezone.now()).total_seconds()
    assert abs(mark["max-age"] - left) < 5
    assert mark.value == "1" and not mark["httponly"] and mark["samesite"] == "Lax"
    # Put off with the session, once a minute.
    assert "here" not in client.get("/services/").cookies
    Session.objects.update(last_at=timezone.now() - timedelta(minutes=2))
    assert "here" in client.get("/services/").cookies
    client.post("/sign-out/")
    assert client.cookies["here"].value == ""


def test_nothing_of_a_page_is_kept_by_a_browser(nora: Person, browse: Browse) -> None:
    client = browse(nora)
    for address in ("/", "/services/", "/profile/", "/services/export?format=csv", "/nowhere/"):
        assert "no-store" in client.get(address)["Cache-Control"]
    assert "no-store" not in client.get("/static/verne/verne.css")["Cache-Control"]


def test_the_key_of_drafts_is_of_one_person_and_in_their_pages_only(
    nora: Person, head: Person, browse: Browse
) -> None:
    def key(client: Client, address: str = "/profile/") -> str | None:
        page = client.get(address).content.decode()
        found = re.search(r'data-drafts-key="([^"]+)"', page)
        return found[1] if found else None

    hers, other = key(browse(nora)), key(browse(head))
    assert hers and other and hers != other
    assert len(base64.b64decode(hers)) == 32
    assert key(browse(nora)) == hers
    assert key(Client(), "/sign-in/") is None


def test_ending_a_session_asks_for_the_password_unless_one_has_just_come_in(nora: Person) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, nora)
    Session.objects.update(began_at=timezone.now() - timedelta(minutes=11))
    page = here.get("/profile/security/").content.decode()
    number = re.search(r'name="session" value="(\d+)"', page)[1]  # type: ignore[index]
    for address, said in (("end", {"session": number}), ("end-others", {})):
        there_now = f"/profile/security/{address}"
        asked = here.post(there_now, said)
        assert asked.status_code == 200 and 'name="password"' in asked.content.decode()
        assert here.post(there_now, {**said, "password": "guess"}).status_code == 422
        assert inside(there)
        assert here.post(there_now, {**said, "password": PASSWORD}).status_code == 302
        assert not inside(there) and inside(here)
        sign_in(there, nora)


def test_nobody_ends_a_session_of_somebody_else(nora: Person, head: Person, browse: Browse) -> None:
    client, other = browse(nora), browse(head)
    number = Session.objects.get(person=head).pk
    client.post("/profile/security/end", {"session": number})
    client.post("/profile/security/end", {"session": "x"})
    assert other.get("/settings/").status_code == 200


def test_an_administrator_signs_somebody_out(nora: Person, head: Person, browse: Browse) -> None:
    client, other = browse(head), browse(nora)
    client.post(f"/settings/people/{nora.pk}/access/end")
    assert not inside(other)
    assert Act.objects.filter(name="end_sessions", by=head).exists()


def test_who_is_deactivated_does_not_come_back_with_the_old_session(
    nora: Person, browse: Browse
) -> None:
    client = browse(nora)
    for active in (False, True):
        with act("settle", by=None):
            nora.active = active
            nora.save()
    assert not inside(client)


def test_a_session_ends_when_nothing_is_done_and_at_the_latest_after_its_hours(
    client: Client, nora: Person
) -> None:
    sign_in(client, nora)
    now = timezone.now()
    row = Session.objects.get()
    assert timedelta(hours=2) <= row.expires_at - now <= timedelta(hours=2, minutes=1)
    Session.objects.update(
        last_at=now - timedelta(minutes=100), expires_at=now + timedelta(minutes=20)
    )
    assert inside(client)
    row.refresh_from_db()
    assert row.expires_at > now + timedelta(hours=1, minutes=59)
    Session.objects.update(
        began_at=now - timedelta(hours=11, minutes=30), last_at=now - timedelta(minutes=5)
    )
    assert inside(client)
    row.refresh_from_db()
    assert row.expires_at <= now + timedelta(minutes=30)
    Session.objects.update(expires_at=now)
    assert not inside(client)


def test_who_asks_costs_one_query(
    client: Client, nora: Person, django_assert_num_queries: Any
) -> None:
    sign_in(client, nora)
    with django_assert_num_queries(1):
        client.get("/sign-in/")


def test_a_new_secret_key_signs_nobody_out_and_reads_what_the_old_one_sealed(
    client: Client, nora: Person, settings: Any
) -> None:
    secret = an_app(nora)
    client.force_login(nora)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, long enough to be one of ours, made today"
    assert inside(client)
    assert factors.shows_app_code(nora, code_now(secret))
    assert factors.seal_anew() == 1
    settings.SECRET_KEY_FALLBACKS = []
    assert vault.unseal(Factor.objects.get().secret, whose=f"app of {nora.pk}") == secret


def test_what_has_ended_is_cleared_away(nora: Person, browse: Browse) -> None:
    browse(nora)
    Session.objects.update(expires_at=timezone.now() - timedelta(days=1))
    sessions.SessionStore.clear_expired()
    assert not Session.objects.exists()


# --- Guessing ------------------------------------------------------------------------------------


def test_one_password_tried_on_many_names_is_slowed_down(client: Client, db: None) -> None:
    answers = []
    for number in range(attempts.ADDRESS.free + 2):
        said = {"username": f"somebody-{number}", "password": "Winter2026!"}
        answers.append(client.post("/sign-in/", said).status_code)
    assert answers[-2:] == [422, 429]


def test_a_stranger_who_guesses_from_everywhere_does_not_lock_the_person_out(nora: Person) -> None:
    own = Client()
    sign_in(own, nora)
    own.post("/sign-out/")
    for number in range(attempts.NAME.free + 1):
        sign_in(Client(), nora, "guess", REMOTE_ADDR=f"192.0.2.{number}")
    # From a browser never seen before one waits now, a minute at most; from one's own not at all.
    assert sign_in(Client(), nora, REMOTE_ADDR="198.51.100.7").status_code == 429
    assert attempts.wait(attempts.key_of("name", nora.username)) <= timedelta(minutes=1)
    assert sign_in(own, nora).status_code == 302


def test_a_known_browser_may_not_guess_for_ever(nora: Person) -> None:
    own = Client()
    sign_in(own, nora)
    own.post("/sign-out/")
    assert [sign_in(own, nora, "guess").status_code for _n in range(5)] == [422] * 4 + [429]


def test_guesses_at_the_same_moment_count_each(nora: Person) -> None:
    keys = attempts.keys_for(nora.username, "192.0.2.7")
    # Ten come in before the first is found wrong.
    waits = [attempts.begin(keys) for _n in range(10)]
    assert sum(not wait for wait in waits) == attempts.PAIR.free + 1


def test_slips_of_an_address_are_forgiven_with_time(db: None) -> None:
    keys = [(attempts.key_of("address", "192.0.2.7"), attempts.ADDRESS)]
    for _n in range(attempts.ADDRESS.free):
        attempts.begin(keys)
    SignInAttempt.objects.update(last_at=timezone.now() - timedelta(minutes=20))
    attempts.begin(keys)
    assert SignInAttempt.objects.get().failures == attempts.ADDRESS.free - 9


def test_erasing_somebody_ends_every_way_in(nora: Person, head: Person, browse: Browse) -> None:
    from verne.engine import erasure

    an_app(nora)
    browse(nora)
    with act("settle", by=None):
        for end in erasure.ends_access:
            end(nora)
    assert not Factor.objects.exists()
    assert not Session.objects.filter(person=nora).exists()
    assert not AccountEvent.objects.filter(person=nora).exists()


def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "web", check=True, dry_run=True, verbosity=0)


def test_the_only_administrator_is_let_in_again_from_the_command_line(head: Person) -> None:
    secret = an_app(head)
    done = CliRunner().invoke(access.command, [head.username, "--remove-second-steps"])
    assert done.exit_code == 0, done.output
    link = done.stdout.strip().splitlines()[0]
    said = {"new": "three gulls on a rope", "again": "three gulls on a rope"}
    client = Client()
    assert follow(client, link).status_code == 200
    assert client.post("/sign-in/new/", said).status_code == 302
    assert secret and not Factor.objects.exists()
    page = sign_in(client, head, "three gulls on a rope", follow=True).content.decode()
    assert "An administrator removed every second step" in page
    assert Act.objects.get(name="reset_second_steps").by is None
    missing = CliRunner().invoke(access.command, ["nobody-at-all"])
    assert missing.exit_code == 2 and "Nobody active" in missing.output


def test_the_first_administrator_chooses_a_password_and_the_noted_one_is_told_no_more(
    db: None,
) -> None:
    [(name, password)] = accounts = people.first_administrator()
    people.remember(accounts)
    assert password in people.how_to_sign_in()
    client = Client()
    person = Person.objects.get(username=name)
    sign_in(client, person, password)
    assert client.get("/services/")["Location"] == "/profile/password/"
    said = {"present": password, "new": PASSWORD, "again": PASSWORD}
    assert client.post("/profile/password/", said)["Location"] == "/"
    assert inside(client)
    assert password not in people.how_to_sign_in()
