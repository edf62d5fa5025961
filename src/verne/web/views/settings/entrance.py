"""The rules for signing in, and what an administrator does about somebody's way in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from verne.engine.acts import act
from verne.engine.people import Person, Role
from verne.engine.roles import label as role_label

from ...entrance import events, factors, links, policy, proof, recovery, sessions
from ...forms import add_errors
from ...models import SignInPolicy
from ...parts import RecordForm
from ..common import person_of
from ..security import event_rows, session_rows
from .common import form_page, header, needs, saved

# --- The rules -----------------------------------------------------------------------------------


class RulesForm(forms.ModelForm[SignInPolicy]):
    second_step_roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles that need a second step"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Whoever holds one of these adds an app or a passkey when they next sign in. Think of "
            "those who manage people and settings, and of guests from outside."
        ),
    )

    class Meta:
        model = SignInPolicy
        fields = ("idle_minutes", "longest_hours", "link_hours", "second_step_roles")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles: Any = self.fields["second_step_roles"]
        keys = Role.objects.values_list("key", flat=True)
        roles.choices = sorted(((key, role_label(key)) for key in keys), key=lambda c: str(c[1]))
        for name, least, most in (
            ("idle_minutes", 15, 1440),
            ("longest_hours", 1, 720),
            ("link_hours", 1, 168),
        ):
            field = self.fields[name]
            field.validators.extend([MinValueValidator(least), MaxValueValidator(most)])


@needs("signing-in")
def rules(request: HttpRequest) -> HttpResponse:
    """How long people stay signed in, and who needs a second step."""
    form = RulesForm(request.POST or None, instance=policy.rules())

    def do() -> None:
        with act("settle", by=person_of(request), note="Rules for signing in"):
            form.save()

    if request.method == "POST" and saved(form, do):
        messages.success(
            request, _("The rules are saved. They hold for everybody from the next sign-in on.")
        )
        return redirect("signing-in-rules")
    return form_page(
        request,
        header(request, "signing-in"),
        form,
        submit=_("Save"),
        cancel_url="/settings/",
    )


# --- One person ----------------------------------------------------------------------------------


class ResetForm(forms.Form):
    """Why, and the administrator's own password: this opens somebody else's account a little."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("How you know that it is they who ask. It stays in the history."),
    )
    password = forms.CharField(
        label=gettext_lazy("Your own password"), strip=False, widget=proof.ProofInput()
    )


@needs("people")
@never_cache
def access(request: HttpRequest, number: int) -> HttpResponse:
    """How somebody gets in, and what can be done about it."""
    return _page(request, get_object_or_404(Person, pk=number), ResetForm())


def _page(
    request: HttpRequest, row: Person, form: ResetForm, *, link: str = "", status: int = 200
) -> HttpResponse:
    found = factors.of(row)
    rules = policy.rules()
    page = {
        "header": header(request, "people", _("How %(name)s signs in") % {"name": row.name}),
        "row": row,
        "factors": found,
        "codes_left": recovery.left(row) if found else None,
        "asked": policy.asks_second_step(row),
        "sessions": session_rows(sessions.open_ones(row)),
        "events": event_rows(events.latest(row)),
        "link": link,
        "hours": rules.link_hours,
        "link_url": reverse("person-link", args=[row.pk]),
        "end_url": reverse("person-end-sessions", args=[row.pk]),
        "entry": RecordForm(
            form=form,
            url=reverse("person-reset", args=[row.pk]),
            submit=_("Remove every second step"),
            danger=True,
        ),
    }
    return render(request, "settings/access.html", page, status=status)


@require_POST
@needs("people")
@never_cache
def make_link(request: HttpRequest, number: int) -> HttpResponse:
    """A link with which somebody chooses a new password, shown once."""
    row = get_object_or_404(Person, pk=number)
    by = person_of(request)
    try:
        secret = links.make(row, by=by)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("person-access", number)
    events.note(row, "link_made", by=by, request=request)
    # Behind the #: browsers send no such part, so that it stands in no log and no history of ours.
    link = request.build_absolute_uri(f"{reverse('new-password')}#{secret}")
    return _page(request, row, ResetForm(), link=link)


@require_POST
@needs("people")
def end_sessions(request: HttpRequest, number: int) -> HttpResponse:
    """Sign somebody out everywhere."""
    row = get_object_or_404(Person, pk=number)
    by = person_of(request)
    with act("settle", by=by, name="end_sessions", note=row.username):
        ended = sessions.end_all(row, but=request)
    if ended:
        events.note(row, "sessions_ended", by=by, request=request)
    messages.success(
        request,
        ngettext(
            "%(name)s is signed out in %(ended)d browser.",
            "%(name)s is signed out in %(ended)d browsers.",
            ended,
        )
        % {"name": row.name, "ended": ended},
    )
    return redirect("person-access", number)


@require_POST
@needs("people")
@sensitive_post_parameters("password")
def reset(request: HttpRequest, number: int) -> HttpResponse:
    """Remove every second step of somebody who has lost them."""
    row = get_object_or_404(Person, pk=number)
    by = person_of(request)
    if row.pk == by.pk:
        raise PermissionDenied(_("Change your own second steps in your profile."))
    form = ResetForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form, status=422)
    try:
        proof.prove(by, form.cleaned_data["password"])
        factors.reset(row, by=by, note=form.cleaned_data["reason"])
    except ValidationError as refused:
        add_errors(form, refused)
        return _page(request, row, form, status=422)
    sessions.end_all(row)
    events.note(row, "factors_reset", by=by, request=request)
    messages.success(
        request, _("%(name)s signs in with the password alone now.") % {"name": row.name}
    )
    return redirect("person-access", number)
