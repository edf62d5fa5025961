"""A file is sent in and looked at: what would be added, changed and retired; then it is loaded."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from verne.conformity.library import loading, ours
from verne.conformity.library.loading import Outcome, Plan, Scores
from verne.conformity.library.reading import LARGEST, decoded
from verne.engine.people import Person
from verne.web.forms import add_errors
from verne.web.parts import Fact, Link, PageHeader, RecordForm

from .common import home, may_load, require, viewer
from .differences import shown


@dataclass(frozen=True)
class Sent:
    """A file that somebody sent in and has not loaded yet; cleared away after a week."""

    token: str
    person: int
    name: str

    @classmethod
    def keep(cls, text: str, *, person: Person, name: str) -> Sent:
        sent = cls(token=secrets.token_hex(16), person=person.pk, name=name)
        _folder().mkdir(parents=True, exist_ok=True)
        sent._path("yaml").write_text(text, encoding="utf-8")
        sent._path("library").write_text(json.dumps(asdict(sent)), encoding="utf-8")
        return sent

    @classmethod
    def open(cls, token: str, person: Person) -> Sent:
        """A file that this person has sent in."""
        if not re.fullmatch(r"[0-9a-f]{32}", token):
            raise Http404
        try:
            sent = cls(**json.loads((_folder() / f"{token}.library").read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise Http404(_("This file was loaded or cleared away. Send it in again.")) from None
        if sent.person != person.pk:
            raise Http404
        return sent

    @property
    def text(self) -> str:
        return self._path("yaml").read_text(encoding="utf-8")

    def forget(self) -> None:
        for ending in ("yaml", "library"):
            self._path(ending).unlink(missing_ok=True)

    def _path(self, ending: str) -> Path:
        return _folder() / f"{self.token}.{ending}"


def _folder() -> Path:
    return Path(settings.VERNE_HOME) / "imports"


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("YAML in UTF-8. Nothing is loaded before you have seen what it is."),
        widget=forms.FileInput(attrs={"accept": ".yaml,.yml"}),
    )


@viewer
def upload(request: HttpRequest) -> HttpResponse:
    """Send in a file; a fault in it is told with its line, and nothing is kept."""
    person = require(request, may_load)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        try:
            text = decoded(sent.read(LARGEST + 1))
            loading.plan(text)
        except ValidationError as refusal:
            form.add_error("file", refusal.messages)
        else:
            kept = Sent.keep(text, person=person, name=sent.name)
            return redirect("library-preview", kept.token)
    page = {
        "header": PageHeader(title=_("Load a library"), crumbs=[home()], quarter="check"),
        "entry": RecordForm(
            form=form,
            url=request.path,
            submit=_("Look at it"),
            cancel_url=reverse("libraries"),
            files=True,
        ),
    }
    return render(request, "libraries/upload.html", page, status=422 if form.errors else 200)


class LoadForm(forms.Form):
    """What has to be said before a library is loaded."""

    scores = forms.ChoiceField(
        label=gettext_lazy("Scores given on the old scale"),
        choices=[
            (Scores.CLAMP, gettext_lazy("Bring to the nearest end of the new scale")),
            (Scores.STRETCH, gettext_lazy("Keep their share of the scale")),
            (Scores.KEEP, gettext_lazy("Keep as they are")),
            (Scores.RESET, gettext_lazy("Take back, to be given anew")),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Kept in the history."),
    )

    def __init__(self, *args: Any, scored: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not scored:
            del self.fields["scores"]


@viewer
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """What loading would do, remark by remark and node by node, and the button that does it."""
    person = require(request, may_load)
    sent = Sent.open(token, person)
    try:
        planned = loading.plan(sent.text)
    except ValidationError as refusal:
        # Somebody else loaded a newer one meanwhile.
        messages.error(request, " ".join(refusal.messages))
        return redirect("library-load")
    form = LoadForm(request.POST or None, scored=planned.scored)
    if request.method == "POST" and form.is_valid():
        try:
            version = loading.load(
                sent.text,
                by=person,
                file_name=sent.name,
                scores=form.cleaned_data.get("scores", ""),
                note=form.cleaned_data["note"],
            )
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            sent.forget()
            messages.success(request, _("The library is loaded."))
            return redirect("library", version.library_id)
    told = planned.library
    page = {
        "header": PageHeader(
            title=told.name,
            lead=_outcome(planned),
            crumbs=[home(), Link(label=_("Load a library"), url=reverse("library-load"))],
            quarter="check",
        ),
        "facts": _facts(planned),
        "remarks": [str(r) for r in planned.remarks],
        "differences": shown(planned.difference) if planned.current else [],
        "same": planned.outcome is Outcome.SAME,
        "entry": RecordForm(
            form=form,
            url=request.path,
            submit=_("Load version %(number)d") % {"number": told.version},
            cancel_url=reverse("libraries"),
        ),
    }
    return render(request, "libraries/preview.html", page, status=422 if form.errors else 200)


def _outcome(planned: Plan) -> str:
    if planned.outcome is Outcome.SAME:
        return _("This version is in use already: there is nothing to do.")
    if planned.current is None:
        return _("It is not loaded yet.")
    return _("It replaces version %(number)d. What was assessed is kept.") % {
        "number": planned.current.number
    }


def _facts(planned: Plan) -> list[Fact]:
    told = planned.library
    counts = told.counts
    facts = [
        Fact(label=_("Version"), value=str(told.version)),
        Fact(label=_("Language"), value=told.locale),
        Fact(label=_("URN"), value=told.urn),
        Fact(label=_("Provider"), value=told.provider),
        Fact(label=_("Published"), value=told.published),
        Fact(label=_("Copyright"), value=told.copyright),
        Fact(label=_("Frameworks"), value=", ".join(f.name for f in told.frameworks)),
        Fact(label=_("Nodes to assess"), value=str(counts["assessable"] or "")),
        Fact(label=_("Mappings"), value=", ".join(m.name for m in told.mapping_sets)),
        Fact(label=_("Mapped pairs"), value=str(counts["mappings"] or "")),
    ]
    return [fact for fact in facts if fact.value]


@viewer
@require_POST
def take_ours(request: HttpRequest) -> HttpResponse:
    """Take in what comes with this version of the program, without waiting for the job."""
    require(request, may_load)
    ours.take_in()
    messages.success(request, _("Our own catalogues are among the libraries."))
    return redirect("libraries")
