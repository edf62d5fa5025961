"""A small world whose every word says whose it is, and every address that could give one away."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import quote
from zlib import crc32

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction
from django.test import Client
from django.urls import URLResolver, get_resolver

from verne.api.models import Token
from verne.engine import approvals, search
from verne.engine.acts import act, move
from verne.engine.comments import comment
from verne.engine.files import Attachment, attach
from verne.engine.history import Act
from verne.engine.links import Link, find, refuse_wrong_ends, types_for
from verne.engine.people import Organization, Person, Role
from verne.engine.records import Sheet
from verne.engine.register import Register, register_of, registers
from verne.engine.rights import bundles, right
from verne.engine.testing import a_person, sample
from verne.sms.evaluation.audit.clauses import kinds_within
from verne.sms.evaluation.room.samples import an_auditroom

WORD = re.compile(r"zyx(\d{3})([a-z])", re.IGNORECASE)
"""A word of a record: which one, and where it stands (see PLACES)."""
SHARED = "zanzibar"
"""Every title holds it: to look for it is to look for everything."""
PLACES = {
    "t": "the title or another text",
    "p": "a public comment",
    "i": "an internal comment",
    "f": "the name of a public file",
    "g": "the content of a public file",
    "j": "the name of an internal file",
    "k": "the content of an internal file",
    "n": "a name",
}
INTERNAL = frozenset("ijk")

VARIANTS = ("open", "restricted", "harbour", "harbour_restricted", "rail", "handed")
"""Ours; ours and restricted; of one customer; of it and restricted; of another; a supplier's."""
HIDDEN = frozenset({"restricted", "harbour_restricted"})
HARBOUR, RAIL = 901, 902
"""Numbers of what is no record: the names of two customers and of their people."""

ROOM_SHOWS = ("8.6",)
SUPPLIERS = (
    "service_desk_agent",
    "incident_manager",
    "problem_manager",
    "configuration_manager",
    "service_owner",
)


@dataclass
class Known:
    """One record of the world."""

    number: int
    variant: str
    record: Any

    @property
    def register(self) -> type[Register]:
        return register_of(self.record.kind)

    def word(self, place: str) -> str:
        return f"zyx{self.number:03d}{place}"


@dataclass
class World:
    people: dict[str, Person | None] = field(default_factory=dict)
    records: list[Known] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    by: Any = None
    organization: Any = None

    def may_be_told(self, who: str, number: int, place: str) -> bool:
        """Whether a word may reach somebody, by rules that are written here a second time.

        They say no more than what must hold: somebody may well be told less.
        """
        if number in (HARBOUR, RAIL):
            other = {"customer": RAIL, "other customer": HARBOUR}.get(who)
            return who not in ("stranger", "gone", "nobody") and number != other
        known = self.records[number]
        if known.variant in HIDDEN or who in ("stranger", "gone", "nobody"):
            return False
        if who == "customer":
            return known.variant == "harbour" and place not in INTERNAL
        if who == "other customer":
            return known.variant == "rail" and place not in INTERNAL
        if who == "supplier":
            return known.variant == "handed"
        if who == "guest":
            return known.record.kind in kinds_within(list(ROOM_SHOWS))
        model = known.register.model
        person = self.people[who]
        assert person is not None
        return any(right("view", model) in bundles().get(role, ()) for role in person.roles)


# --- The world ------------------------------------------------------------------------------------


def build(*, whole: bool) -> World:
    """Everybody, and of every register a record of each variant; or of one, another for each."""
    world = World()
    with act("settle", by=None, note="For the crawl"):
        harbour = Organization.objects.create(name=f"Harbour zyx{HARBOUR}n", kind="customer")
        rail = Organization.objects.create(name=f"Rail zyx{RAIL}n", kind="customer")
        supplier = Organization.objects.create(name="Cables and Racks", kind="supplier")
        body = Organization.objects.create(name="Hansa Cert", kind="other")
    world.by = by = a_person("Ada Kim", roles=Role.objects.values_list("key", flat=True))
    world.organization = rail
    customers = ("customer_user", "customer_manager")
    world.people = {
        "customer": a_person(f"Minji zyx{HARBOUR}n", roles=customers, organization=harbour),
        "other customer": a_person(f"Dohyun zyx{RAIL}n", roles=customers, organization=rail),
        "supplier": a_person("Lena Kabel", roles=SUPPLIERS, organization=supplier),
        "guest": a_person("Karl Brandt", roles=["external_auditor"], organization=body),
        "stranger": a_person("Sam Stranger", roles=[]),
        "gone": a_person("Olga Before", roles=Role.objects.values_list("key", flat=True)),
        "reader": a_person("Rita Reader", roles=["reader"]),
        "agent": a_person("Jun Park", roles=["service_desk_agent"]),
        "nobody": None,
    }
    guest = world.people["guest"]
    room = an_auditroom(by, clauses=", ".join(ROOM_SHOWS), guests=[guest], may_note=True)
    move(room, "let_in", by=by)
    for name, person in world.people.items():
        if person is not None:
            world.tokens[name] = Token.issue(person, name="Crawl", scope=("write",), by=by)[1]
    with act("settle", by=None, note="Has left"):
        Person.objects.filter(pk=world.people["gone"].pk).update(active=False)  # type: ignore[union-attr]
    given = {
        "open": {"customer": None},
        "restricted": {"customer": None, "restricted": True},
        "harbour": {"customer": harbour},
        "harbour_restricted": {"customer": harbour, "restricted": True},
        "rail": {"customer": rail},
        "handed": {"customer": None, "owner": world.people["supplier"]},
    }
    for place, register in enumerate(registers.values()):
        for variant in VARIANTS if whole else VARIANTS[place % len(VARIANTS) :][:1]:
            _add(world, register, variant, given[variant])
    _point_at_the_hidden(world)
    return world


def _add(world: World, register: type[Register], variant: str, cover: dict[str, Any]) -> None:
    """A record that says in every text of it which one it is."""
    record: Any = sample(register, world.by)
    known = Known(len(world.records), variant, record)
    comment(record, known.word("p"), by=world.by, public=True)
    comment(record, known.word("i"), by=world.by)
    for name, content, public in (("f", "g", True), ("j", "k", False)):
        stream = io.BytesIO(known.word(content).encode())
        attach(record, stream, name=f"{known.word(name)}.txt", by=world.by, public=public)
    with act("settle", by=None, record=record.pk, kind=record.kind, note="For the crawl"):
        texts = {f.name: known.word("t") for f in _texts(register.model)}
        title = f"{SHARED.title()} {known.word('t')}"
        Sheet.objects.filter(pk=record.pk).update(**cover)
        register.model.objects.filter(pk=record.pk).update(**texts | {"title": title})
        for part in register.parts:
            rows = getattr(record, part)
            words = {f.name: known.word("t") for f in _texts(rows.model)}
            if words:
                rows.update(**words)
    known.record = register.model._default_manager.get(pk=record.pk)
    search.index(record.pk, record.kind, register.search_text(known.record))
    world.records.append(known)


def _texts(model: type[models.Model]) -> list[Any]:
    """The long texts of a model that hold what people write."""
    fields = [f for f in model._meta.get_fields() if isinstance(f, models.TextField)]
    return [f for f in fields if not f.choices and f.editable and f.model._meta.app_label]


def _point_at_the_hidden(world: World) -> None:
    """Let every record that somebody may see point at one that they may not, in all its fields."""
    hidden: dict[str, Known] = {k.record.kind: k for k in world.records if k.variant in HIDDEN}
    for known in world.records:
        if known.variant in HIDDEN:
            continue
        record = known.record
        with act("settle", by=None, record=record.pk, kind=record.kind, note="For the crawl"):
            for name, other in _pointers(type(record), hidden):
                rows = type(record).objects.filter(pk=record.pk)
                _try(partial(rows.update, **{name: other.record}))
            for part in known.register.parts:
                rows = getattr(record, part)
                for name, other in _pointers(rows.model, hidden):
                    _try(partial(rows.update, **{name: other.record}))
            for name, _words, _kinds in types_for(record.kind):
                _tie(name, record, hidden)
        known.record = type(record)._default_manager.get(pk=record.pk)


def _pointers(model: type[models.Model], hidden: dict[str, Known]) -> Iterator[tuple[str, Known]]:
    for each in model._meta.get_fields():
        if not (each.many_to_one or each.one_to_one) or not each.concrete:
            continue
        if getattr(each.remote_field, "parent_link", False):
            continue
        other = hidden.get(each.related_model._meta.label_lower)  # type: ignore[union-attr]
        if other is not None:
            yield each.name, other


def _tie(name: str, record: Any, hidden: dict[str, Known]) -> None:
    """A link of each kind to something hidden, whichever end that is."""
    kind = find(name)
    if kind is None:
        return
    for other in hidden.values():
        for source, target in ((record, other.record), (other.record, record)):
            try:
                refuse_wrong_ends(kind, source, target)
            except ValidationError:
                continue
            ends = {"source_id": source.pk, "target_id": target.pk}
            _try(partial(Link.objects.create, kind=kind.name, **ends))
            return


def _try(change: Callable[[], Any]) -> None:
    """What a constraint refuses is left as it is."""
    with suppress(DatabaseError), transaction.atomic():
        change()


# --- The addresses --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Route:
    """One address as the program declares it, with holes where values go."""

    name: str
    pattern: str

    @property
    def holes(self) -> list[str]:
        return HOLE.findall(self.pattern)

    def filled(self, values: dict[str, Any]) -> str:
        return "/" + HOLE.sub(lambda hole: quote(str(values[hole[1]]), safe=""), self.pattern)


HOLE = re.compile(r"[<{](?:\w+:)?(\w+)[>}]")
SEEN_ELSEWHERE = {"api/v1/<path:rest>", "api/"}
"""The door to the addresses of the API, which are walked by themselves; and what is not there."""

Fill = Callable[[World, Known], Iterable[Any]]


def routes() -> list[Route]:
    """Every address of the site and of the API."""
    from verne.api.api import addresses

    site = [Route(name, p) for name, p in _walk(get_resolver()) if p not in SEEN_ELSEWHERE]
    api = [Route(f"api:{name}", f"api/v1/{p.lstrip('^/')}") for name, p in _walk(addresses())]
    return site + api


def _walk(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        there = f"{before}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, there)
        else:
            yield pattern.name or "", there


def _moves(world: World, known: Known) -> Iterable[str]:
    return known.record.lifecycle.moves


def _relations(world: World, known: Known) -> Iterable[str]:
    model = known.register.model
    names = [*known.register.fields(), *known.register.filters]
    fields = [model._meta.get_field(n) for n in names if "__" not in n]
    return list(dict.fromkeys(f.name for f in fields if f.is_relation)) or ["owner"]


def _files(world: World, known: Known) -> Iterable[int]:
    rows = Attachment.objects.filter(record=known.record.pk)
    return rows.order_by("pk").values_list("pk", flat=True)


def _links(world: World, known: Known) -> Iterable[int]:
    ends = models.Q(source=known.record.pk) | models.Q(target=known.record.pk)
    return list(Link.objects.filter(ends).values_list("pk", flat=True)) or [1]


def _approvals(world: World, known: Known) -> Iterable[int]:
    rows = approvals.Approval.objects.filter(record=known.record.pk)
    return list(rows.values_list("pk", flat=True)) or [1]


def _people(world: World, known: Known) -> Iterable[int]:
    return [world.by.pk, world.people["other customer"].pk]  # type: ignore[union-attr]


def _organizations(world: World, known: Known) -> Iterable[int]:
    return [world.organization.pk]


def _obligations(world: World, known: Known) -> Iterable[str]:
    from verne.conformity.catalogue import catalogue

    clause = (known.register.clauses or ("8.6.1",))[0]
    found = [key for key in catalogue().requirements if key.startswith(clause)]
    return found[:1] or ["8.6.1.a"]


def _checks(world: World, known: Known) -> Iterable[str]:
    from verne.engine.evidence import answers

    label = known.register.model
    found = [answer.key for answer in answers.values() if label in answer.reads]
    return found[:2] or ["incidents-recorded-classified"]


def only(*values: Any) -> Fill:
    return lambda world, known: values


FILLS: dict[str, Fill] = {
    # What a hole is called says what goes in, unless the address is named below.
    "ref": lambda world, known: [known.record.ref],
    "slug": lambda world, known: [known.register.slug],
    "token": only("x"),
    "key": _checks,
    "id": _obligations,
    "number": only(1),
    "act": only(1),
    "node": only(1),
    "other": only(1),
    "move": _moves,
    "link": lambda world, known: (
        [name for name, _w, _k in types_for(known.record.kind)][:1] or ["x"]
    ),
    # By the name of the address and of the hole.
    "standard-clause number": lambda world, known: (known.register.clauses or ("8.6.1",))[:1],
    "standard-documented-begin key": only("policy"),
    "standard-value what": only("parameter"),
    "standard-value key": only("x"),
    "library-beside target": only("iso-27001"),
    "person number": _people,
    "person-password number": _people,
    "person-access number": _people,
    "person-link number": _people,
    "person-reset number": _people,
    "person-end-sessions number": _people,
    "proof-erase number": _people,
    "competence-person number": _people,
    "organization number": _organizations,
    "role key": only("incident_manager", "customer_user"),
    "job-retry number": only("00000000-0000-0000-0000-000000000001"),
    "job-cancel number": only("00000000-0000-0000-0000-000000000001"),
    "suggest name": _relations,
    "choose name": _relations,
    "record-move name": _moves,
    "record-ask name": _moves,
    "record-file number": _files,
    "record-detach number": _files,
    "record-unlink number": _links,
    "record-vote number": _approvals,
    "api:read_file number": _files,
    "api:take_file_off number": _files,
    "api:vote_on_approval number": _approvals,
    "api:end_link other": lambda world, known: [other.record.ref for other in world.records[:1]],
}
NUMBERED_FROM_ONE = {
    "security-remove", "proof-checkpoint", "imports-log", "library", "library-compare",
    "library-undo", "library-export", "framework", "framework-begin", "framework-covers",
    "assessment", "assessment-change", "assessment-finish", "assessment-again",
    "assessment-take-over", "assessment-take-back", "assessment-node", "assessment-carry",
    "record-copy-back", "team", "role-end", "calendar", "calendar-version", "api-token-revoke",
}  # fmt: skip
"""Addresses that lead to no record, by the first number there is."""

ASKED: dict[str, tuple[str, ...]] = {
    "list": (f"?q={SHARED}", "?standing=all", "?at={day}", "?sort=-title&size=200"),
    "search": (f"?q={SHARED}", "?q=zyx&kind={kind}"),
    "jump": (f"?q={SHARED}", "?q={ref}"),
    "export": ("?format=csv", "?format=xlsx&standing=all", "?format=json"),
    "suggest": ("?{name}=zan", "?{name}=zyx"),
    "choose": ("?find=zan",),
    "today": ("?part=work",),
    "room-check": ("?show=exceptions",),
    "standard-check": ("?show=population",),
    "record-as-it-was": ("?at={instant}",),
    "record-link": ("?other={ref}",),
    "record-timeline": ("?wide=1",),
    "new": ("?from={ref}", f"?title={SHARED}"),
    "portal-mine": ("?whose=all",),
    "portal-offers": (f"?q={SHARED}",),
    "proof-record": ("?ref={ref}",),
    "people": ("?q=zyx",),
    "audit-coverage": ("?programme={ref}",),
    "imports-judge": (f"?said={SHARED}&ours={SHARED}",),
}
"""What is asked beside the bare address, so that lists and searches have something to tell."""


def what_cannot_be_filled(found: Iterable[Route]) -> list[str]:
    """Addresses of which nobody has said what goes into them."""
    wrong = []
    for route in found:
        if "(?P" in route.pattern:
            wrong.append(f"{route.name}: write {route.pattern} with path(), or teach the crawl it")
        for hole in route.holes:
            known = f"{route.name} {hole}" in FILLS
            if hole == "number" and not known and route.name not in NUMBERED_FROM_ONE:
                wrong.append(
                    f"{route.name}: add {route.name + ' number'!r} to FILLS of tests/crawl.py, "
                    "with the numbers of what lies there, or the name to NUMBERED_FROM_ONE"
                )
            elif hole not in FILLS and not known:
                wrong.append(f"{route.name}: add {f'{route.name} {hole}'!r} to FILLS")
    names = {route.name for route in found}
    stale = {key.partition(" ")[0] for key in FILLS if " " in key} | NUMBERED_FROM_ONE | {*ASKED}
    return wrong + [f"{name}: no address is called so any more" for name in stale - names]


def addresses(world: World, route: Route, known: Known) -> Iterator[str]:
    """What an address becomes with a record in it, with each thing that can be asked there."""
    fills = [FILLS.get(f"{route.name} {hole}") or FILLS[hole] for hole in route.holes]
    for values in product(*(list(fill(world, known))[:2] for fill in fills)):
        given = dict(zip(route.holes, values, strict=True))
        bare = route.filled(given)
        yield bare
        asked = ASKED.get(route.name, ())
        if route.name.startswith("api:list_") and not route.holes:
            asked = ASKED["list"]
        for query in asked:
            filed = known.record.filed_at
            yield bare + query.format(
                ref=known.record.ref,
                kind=known.record.kind,
                name=given.get("name", ""),
                day=f"{filed:%Y-%m-%d}",
                instant=quote(known.record.changed_at.isoformat()),
            )


def concerns(route: Route, known: Known) -> bool:
    """Whether an address with this record in it is worth asking: not another register's own."""
    first = route.pattern.removeprefix("api/v1/").partition("/")[0]
    own = {r.slug for r in registers.values()}
    return first not in own or first == known.register.slug or route.name.startswith("nonconf")


HOME = {"customer": "harbour", "other customer": "rail", "supplier": "handed"}
"""Whose records somebody may see, so that pages open and may tell too much; else ours."""


EVERY = 3
"""Of the registers that an address takes, one person is asked for every so manieth."""


def cases(world: World, who: str, *, share: int = 1) -> Iterator[tuple[Route, Known]]:
    """Each address with a record of every register; with a share, every so manieth of them once.

    Half the records are some that this person may see. What is chosen follows from a sum over the
    names, so that it differs from one to the next and never from one run to the next.
    """
    of: dict[str, list[Known]] = {}
    for known in world.records:
        of.setdefault(known.register.slug, []).append(known)
    for route in routes():
        turn = crc32(f"{who} {route.name}".encode())
        if turn % share:
            continue
        slugs = [slug for slug in of if concerns(route, of[slug][0])]
        if not route.holes or share > 1:
            slugs = [slugs[turn // share % len(slugs)]]
        for slug in slugs:
            turn = crc32(f"{who} {route.name} {slug}".encode())
            if len(slugs) > 1 and turn % EVERY:
                continue
            turn //= EVERY
            home = [k for k in of[slug] if k.variant == HOME.get(who, "open")]
            there = home if home and turn % 2 else of[slug]
            yield route, there[turn // 2 % len(there)]


# --- Asking ---------------------------------------------------------------------------------------


def client_of(world: World, who: str) -> Client:
    """The browser of somebody; of who has left, one that was left open."""
    client = Client(raise_request_exception=False)
    person = world.people[who]
    if person is not None:
        client.force_login(person)
    return client


def ask(world: World, who: str, client: Client, method: str, address: str, **more: Any) -> Any:
    """As a browser asks, or as a program with its token."""
    from verne.engine.limits import declared

    for limit in declared:
        limit.forget()
    headers = {}
    if address.startswith("/api/") and who in world.tokens:
        headers = {"Authorization": f"Bearer {world.tokens[who]}"}
    return getattr(client, method)(address, headers=headers, **more)


def told(answer: Any) -> set[tuple[int, str]]:
    """The words of records that an answer holds, wherever in it."""
    pieces = [b"".join(answer.streaming_content) if answer.streaming else answer.content]
    if pieces[0][:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(pieces[0])) as book:
            pieces = [book.read(name) for name in book.namelist()]
    pieces += [str(value).encode() for _name, value in answer.items()]
    found = {m for piece in pieces for m in WORD.findall(piece.decode(errors="replace"))}
    return {(int(number), place.lower()) for number, place in found}


def leaks(world: World, who: str, answer: Any, address: str) -> list[str]:
    """What an answer says that is not theirs, and whether the program failed."""
    if answer.status_code >= 500:
        return [f"{who} {address}: {answer.status_code}"]
    found = []
    for number, place in sorted(told(answer)):
        if f"zyx{number:03d}{place}" in address or world.may_be_told(who, number, place):
            continue
        whose = "names" if number > 900 else world.records[number]
        name = whose if isinstance(whose, str) else f"{whose.record.ref} ({whose.variant})"
        found.append(f"{who} {address}: {answer.status_code} tells {PLACES[place]} of {name}")
    return found


OF_ONES_OWN = frozenset(
    {
        *("sign-in", "second-step", "passkey-sign-in", "passkey-options", "new-password"),
        *("sign-out", "profile", "password", "preferences", "views"),
        *("security", "security-app", "security-passkey", "security-codes", "security-remove"),
        *("session-end", "sessions-end"),
        *("portal-fault", "portal-ask", "portal-ask-else"),
    }
)
"""Addresses where anybody may send something: about themselves, or to ask us for something."""

SENT = {
    **dict.fromkeys(("note", "text", "reason", "comment", "title", "description"), "Mine now"),
    **dict.fromkeys(("name", "username", "email", "password", "body", "words"), "mine@example.com"),
    **dict.fromkeys(("public", "agrees", "agree", "confirm", "active", "sure"), "1"),
}
"""What a form could ask for, so that no empty field refuses it before the rights do."""


def changes(world: World, who: str, client: Client, address: str, known: Known) -> list[str]:
    """The acts that somebody could do by sending something to an address; taken back again."""
    last = Act.objects.order_by("-pk").values_list("pk", flat=True).first()
    found = []
    for method in ("post", "patch", "delete") if address.startswith("/api/") else ("post",):
        sent: dict[str, Any] = {**SENT, "other": known.record.ref, "version": known.record.version}
        if method == "patch" or address.startswith("/api/"):
            sent = {"data": sent, "content_type": "application/json"}
        else:
            sent = {"data": sent}
        place = transaction.savepoint()
        answer = ask(world, who, client, method, address, **sent)
        done = list(Act.objects.filter(pk__gt=last).values_list("verb", flat=True))
        found += leaks(world, who, answer, address)
        if done:
            found.append(f"{who} {method} {address}: {answer.status_code} did {', '.join(done)}")
        transaction.savepoint_rollback(place)
    return found
