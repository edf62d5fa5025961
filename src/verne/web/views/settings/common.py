"""The topics of the settings, who may change them, and the page of a form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine.people import Person

from ... import components
from ...context import clause_url
from ...forms import add_errors
from ...parts import Action, Link, PageHeader, RecordForm
from ..common import person_of, staff

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Topic:
    """A page of the settings: what it changes, which clause asks for it, and who may."""

    key: str
    title: StrOrPromise
    effect: StrOrPromise
    clauses: tuple[str, ...]
    right: str
    url: str = ""

    @property
    def address(self) -> str:
        return self.url or f"/settings/{self.key}/"

    def chips(self, person: Person) -> list[Any]:
        seen = person.may("conformity.view_statement")
        return [
            components.clause(number, clause_url(number) if seen else "") for number in self.clauses
        ]


TOPICS = {
    topic.key: topic
    for topic in (
        Topic(
            "organizations",
            gettext_lazy("Organizations"),
            gettext_lazy(
                "Your own organization, customers and suppliers. The kind decides what people who "
                "belong to it can see: customers see what is theirs, in the portal."
            ),
            ("4.2", "8.3.2", "8.3.4"),
            "engine.manage_settings",
        ),
        Topic(
            "people",
            gettext_lazy("People"),
            gettext_lazy(
                "Who can sign in. People are deactivated, never deleted: what they did keeps "
                "their name."
            ),
            ("7.1", "7.2"),
            "engine.manage_people",
        ),
        Topic(
            "signing-in",
            gettext_lazy("Signing in"),
            gettext_lazy(
                "How long people stay signed in, and whose roles need a second step: a code of an "
                "app, or a passkey."
            ),
            ("8.7.3",),
            "engine.manage_settings",
        ),
        Topic(
            "teams",
            gettext_lazy("Teams"),
            gettext_lazy(
                "Who shares work. A record of a team without an owner stands on Today of all its "
                "members."
            ),
            ("5.3", "7.1"),
            "engine.manage_settings",
        ),
        Topic(
            "roles",
            gettext_lazy("Roles"),
            gettext_lazy(
                "Who holds which role of the management system, from when to when. Roles give "
                "rights; an obligation whose role nobody holds has no owner."
            ),
            ("5.3",),
            "engine.manage_roles",
        ),
        Topic(
            "calendars",
            gettext_lazy("Service hours"),
            gettext_lazy(
                "When time counts for the targets of agreements. A change is a new version; what "
                "was due under an old one stays explained by it."
            ),
            ("8.3.3",),
            "engine.manage_settings",
        ),
        Topic(
            "tokens",
            gettext_lazy("API tokens"),
            gettext_lazy("Keys with which programs work in your name, for a time."),
            ("8.7.3",),
            "",
        ),
        Topic(
            "jobs",
            gettext_lazy("Background jobs"),
            gettext_lazy(
                "What Verne does by itself: what recurs, what waits, and what has failed and why."
            ),
            (),
            "engine.manage_settings",
        ),
        Topic(
            "values",
            gettext_lazy("Values of the checks"),
            gettext_lazy(
                "Intervals and limits that the checks of the standard use, each with its default."
            ),
            ("9.1",),
            "conformity.view_statement",
            "/standard/values/",
        ),
    )
}

View = Callable[..., HttpResponse]


def needs(key: str) -> Callable[[View], View]:
    """A page of a topic, for those who hold its right."""

    def wrap(view: View) -> View:
        @staff
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not person_of(request).may(TOPICS[key].right):
                raise PermissionDenied(_("Your roles do not include this setting."))
            return view(request, *args, **kwargs)

        return guarded

    return wrap


def header(
    request: HttpRequest,
    key: str,
    title: StrOrPromise = "",
    *,
    actions: Sequence[Action] = (),
    lead: StrOrPromise = "",
) -> PageHeader:
    """The head of a page of the settings: without a title, that of the topic itself."""
    topic = TOPICS[key]
    crumbs = [Link(label=_("Settings"), url="/settings/")]
    if title:
        crumbs.append(Link(label=topic.title, url=topic.address))
    return PageHeader(
        title=title or topic.title,
        lead=lead if title else topic.effect,
        crumbs=crumbs,
        actions=actions,
        clauses=() if title else topic.chips(person_of(request)),
    )


def form_page(
    request: HttpRequest,
    head: PageHeader,
    form: forms.BaseForm,
    *,
    submit: StrOrPromise,
    cancel_url: str,
    template: str = "account/form.html",
    **more: Any,
) -> HttpResponse:
    entry = RecordForm(
        form=form,  # type: ignore[arg-type]
        url=request.get_full_path(),
        submit=submit,
        cancel_url=cancel_url,
    )
    context = {"header": head, "entry": entry, **more}
    return render(request, template, context, status=422 if form.errors else 200)


def saved(form: Any, do: Callable[[], Any]) -> bool:
    """Do what a valid form asks for; what is refused is shown on the form."""
    if not form.is_valid():
        return False
    try:
        do()
    except ValidationError as error:
        add_errors(form, error)
        return False
    return True


@staff
def index(request: HttpRequest) -> HttpResponse:
    """All topics this person may open."""
    person = person_of(request)
    topics = [t for t in TOPICS.values() if not t.right or person.may(t.right)]
    context = {
        "header": PageHeader(
            title=_("Settings"), lead=_("Every change is noted with who made it and when.")
        ),
        "topics": [(topic, topic.chips(person)) for topic in topics],
    }
    return render(request, "settings/index.html", context)
