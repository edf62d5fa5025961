"""The shell around every page: the menu in the order of the standard, the person, their choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from verne.engine import guests, roles
from verne.engine.people import Organization, Person
from verne.engine.register import Register, menu
from verne.engine.rights import may

from .entrance import vault
from .parts import Choice, NavChapter, NavItem, NavQuarter, Shell

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

QUARTERS: tuple[tuple[Any, StrOrPromise, str], ...] = (
    ("plan", _("Plan"), "4–7"),
    ("do", _("Do"), "8"),
    ("check", _("Check"), "9"),
    ("act", _("Act"), "10"),
)

CHAPTERS: dict[str, tuple[str, str]] = {
    "context": ("plan", "4"),
    "leadership": ("plan", "5"),
    "planning": ("plan", "6"),
    "support": ("plan", "7"),
    "portfolio": ("do", "8.2"),
    "relationship": ("do", "8.3"),
    "supply": ("do", "8.4"),
    "transition": ("do", "8.5"),
    "resolution": ("do", "8.6"),
    "assurance": ("do", "8.7"),
    "evaluation": ("check", "9"),
    "improvement": ("act", "10"),
}
"""The quarter and the clause of each chapter."""

SETTINGS_RIGHTS = ("engine.manage_settings", "engine.manage_people", "engine.manage_roles")


def shell(request: HttpRequest) -> dict[str, Any]:
    """What base.html needs; worked out only where a whole page is shown, not for a fragment."""
    return {"shell": SimpleLazyObject(lambda: shell_of(request))}


def quarter_of(register: type[Register]) -> Any:
    """Plan, do, check or act: where a register belongs."""
    return CHAPTERS.get(register.model._meta.app_label, ("", ""))[0]


def plural(register: type[Register]) -> str:
    """What many records of a register are called, as a heading."""
    return str(capfirst(str(register.model._meta.verbose_name_plural)))


def singular(register: type[Register]) -> str:
    return str(register.model._meta.verbose_name)


def shell_of(request: HttpRequest) -> Shell:
    person: Person | None = getattr(request, "person", None)
    if person is None:
        return Shell(languages=_languages(), themes=_themes(""))
    if guests.is_guest(person):
        return _room_shell(request, person)
    if person.is_customer or request.path.startswith("/portal/"):
        return Shell(
            name=str(person),
            person_key=str(person.pk),
            drafts_key=vault.key_of_drafts(person.pk),
            organization=_provider(),
            top=_portal_items(request),
            theme=_theme(person),
            themes=_themes(person.theme),
            languages=_languages(),
            home_url="/portal/" if person.is_customer else "/",
            portal_url="/portal/",
        )
    return Shell(
        name=str(person),
        person_key=str(person.pk),
        drafts_key=vault.key_of_drafts(person.pk),
        role=" · ".join(str(roles.label(key)) for key in sorted(person.roles)[:2]),
        organization=str(person.organization or ""),
        top=_top(request, person),
        quarters=_quarters(request, person),
        foot=_foot(request, person),
        theme=_theme(person),
        themes=_themes(person.theme),
        languages=_languages(),
        portal_url="/portal/",
    )


def _room_shell(request: HttpRequest, person: Person) -> Shell:
    """What a guest finds around every page: their room, and the lists it shows."""
    return Shell(
        name=str(person),
        person_key=str(person.pk),
        drafts_key=vault.key_of_drafts(person.pk),
        role=str(roles.label(guests.ROLE)),
        organization=str(person.organization or ""),
        top=[_item(request, gettext("Audit room"), "/room/")],
        quarters=_quarters(request, person),
        theme=_theme(person),
        themes=_themes(person.theme),
        languages=_languages(),
        home_url="/room/",
        jump_url="",
    )


def _provider() -> str:
    """Who runs the services: a customer has come to them, not to themselves."""
    ours = Organization.objects.filter(kind=Organization.Kind.OWN).order_by("pk").first()
    return str(ours or "")


def _theme(person: Person) -> Any:
    return person.theme


def _themes(chosen: str) -> list[Choice]:
    return [
        Choice(value=value or "auto", label=label, chosen=value == chosen)
        for value, label in Person.Theme.choices
    ]


def _languages() -> list[Choice]:
    now = get_language()
    return [
        Choice(value=code, label=label, chosen=code == now, language=code)
        for code, label in settings.LANGUAGES
    ]


def _item(request: HttpRequest, label: StrOrPromise, url: str, *, exact: bool = False) -> NavItem:
    here = request.path == url if exact else request.path.startswith(url)
    return NavItem(label=label, url=url, current=here)


def _portal_items(request: HttpRequest) -> list[NavItem]:
    items = [
        _item(request, gettext("Start"), "/portal/", exact=True),
        _item(request, gettext("My requests"), "/portal/mine/"),
        _item(request, gettext("Service status"), "/portal/status/"),
        _item(request, gettext("Documents"), "/portal/documents/"),
    ]
    person: Person = request.person  # type: ignore[attr-defined]
    if not person.is_customer:
        items.append(_item(request, gettext("Back to work"), "/", exact=True))
    return items


def _top(request: HttpRequest, person: Person) -> list[NavItem]:
    items = [_item(request, gettext("Today"), "/", exact=True)]
    if person.may("conformity.view_statement") and (url := address("standard")):
        items.append(_item(request, gettext("The standard"), url))
        items.append(_item(request, gettext("Proof"), "/proof/"))
        items.append(_item(request, gettext("Frameworks"), "/libraries/"))
    return items


SHORT = 14
"""A rail of so many entries is seen at a glance. A longer one opens the chapter one is in, and
those where clocks run: what a desk touches every hour."""


def _quarters(request: HttpRequest, person: Person) -> list[NavQuarter]:
    chapters: dict[str, list[NavChapter]] = {}
    open_to = [
        (app, [register for register in registers if may(person, "view", register.model)])
        for app, registers in menu()
    ]
    short = sum(len(seen) for _app, seen in open_to) <= SHORT
    for app, seen in open_to:
        if not seen:
            continue
        quarter, clause = CHAPTERS[app.label]
        items = [item for r in seen for item in _items_of(request, r)]
        chapters.setdefault(quarter, []).append(
            NavChapter(
                key=app.label,
                label=app.title or app.verbose_name,
                clause=clause,
                items=items,
                open=short
                or any(item.current for item in items)
                or any(r.model.clocks for r in seen),
            )
        )
    return [
        NavQuarter(key=key, label=label, clauses=clauses, chapters=chapters[key])
        for key, label, clauses in QUARTERS
        if key in chapters
    ]


def _items_of(request: HttpRequest, register: type[Register]) -> list[NavItem]:
    """The list of a register, and the pages it has beside it."""
    pages = [_item(request, page.label, page.url) for page in register.pages]
    inside = any(page.current for page in pages)
    return [_item(request, plural(register), f"/{register.slug}/", exact=inside), *pages]


def _foot(request: HttpRequest, person: Person) -> list[NavItem]:
    if not any(person.may(right) for right in SETTINGS_RIGHTS):
        return []
    return [_item(request, gettext("Settings"), "/settings/")]


def address(name: str, *args: Any) -> str:
    """The address of a page that another part of the program may or may not bring along."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def clause_url(number: str) -> str:
    """Where a clause of the standard is shown."""
    return f"/standard/{number}/" if address("standard") else ""
