"""Erasing a person: what would go, what stands in the way, and the last question."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine import erasure
from verne.engine.people import Person

from ... import phrases
from ...forms import add_errors
from ...parts import Link, PageHeader, RecordForm
from ...views.common import person_of, staff


class EraseForm(forms.Form):
    why = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The request: who asked, and when. It stays."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    also = forms.CharField(
        label=gettext_lazy("Other spellings"),
        required=False,
        help_text=gettext_lazy("One a line: nicknames, the name in another script."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    attached = forms.MultipleChoiceField(
        label=gettext_lazy("Files of theirs whose content goes too"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    sure = forms.CharField(
        label=gettext_lazy("Write their sign-in name"),
        help_text=gettext_lazy("It cannot be undone."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, plan: erasure.Plan, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = plan
        if plan.files:
            self.fields["attached"].choices = [  # type: ignore[attr-defined]
                (str(row.pk), f"{row.record.ref}: {row.name}") for row in plan.files
            ]
        else:
            del self.fields["attached"]

    def clean_sure(self) -> str:
        said: str = self.cleaned_data["sure"]
        if said != self.plan.person.username:
            raise forms.ValidationError(_("This is not their sign-in name."))
        return said

    @property
    def spellings(self) -> list[str]:
        return str(self.data.get("also", "")).splitlines()


@staff
def person(request: HttpRequest, number: int) -> HttpResponse:
    by = person_of(request)
    if not by.may(erasure.RIGHT):
        raise PermissionDenied(_("Your roles do not include erasing the data of people."))
    somebody = get_object_or_404(Person, pk=number)
    plan = erasure.plan(somebody, by=by)
    form = EraseForm(plan, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = erasure.erase(
                somebody,
                by=by,
                why=form.cleaned_data["why"],
                also=form.spellings,
                files=[int(each) for each in form.cleaned_data.get("attached", [])],
            )
        except ValidationError as refused:
            add_errors(form, refused)
        else:
            told = _("%(name)s stands now wherever they were named.") % {"name": done.pseudonym}
            messages.success(request, told)
            return redirect("/settings/people/")
    url = f"/settings/people/{somebody.pk}/"
    context = {
        "header": PageHeader(
            title=_("Erase the data of %(name)s") % {"name": somebody},
            lead=_(
                "Who they are goes from every record, from the history and from the search. What "
                "they did stays, under a pseudonym, and so do all proofs."
            ),
            crumbs=[
                Link(label=_("People"), url="/settings/people/"),
                Link(label=str(somebody), url=url),
            ],
        ),
        "plan": plan,
        "places": [
            (table, phrases.number(count)) for table, count in sorted(plan.places.most_common())
        ],
        "entry": None
        if plan.obstacles
        else RecordForm(
            form=form, url=request.path, submit=_("Erase for good"), cancel_url=url, danger=True
        ),
        "back": url,
    }
    return render(request, "proof/erase.html", context, status=422 if form.errors else 200)
