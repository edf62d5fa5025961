"""Judgements on an obligation: which stand, and the page where the accountable person signs one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from verne.conformity.attesting.attest import attest
from verne.conformity.attesting.judging import asks_for_judgement
from verne.conformity.attesting.models import Attestation, latest_end, why_not
from verne.conformity.catalogue import Requirement, catalogue
from verne.engine.rights import may
from verne.engine.roles import label as role_label
from verne.engine.signing import Signature
from verne.web import phrases, show
from verne.web.entrance.proof import ProofInput, prove
from verne.web.forms import add_errors
from verne.web.parts import Link, PageHeader, RecordForm

from .shown import cited
from .view import VIEW, View, require


@dataclass(frozen=True)
class Judgements:
    """standard/judged.html: the judgement in force, those before it, and who may sign the next."""

    now: Attestation | None
    state: Any
    signature: Signature | None
    before: list[tuple[Attestation, Any]]
    asked_for: bool
    url: str = ""
    why_not: Any = ""


def judgements_of(view: View, requirement: Requirement) -> Judgements | None:
    """What the page of an obligation shows of judgements, to those who may see them."""
    person, at = view.person, view.statement.at
    if not may(person, "view", Attestation):
        return None
    seen = Attestation.objects.visible_to(person).standing().filter(requirement=requirement.id)
    rows = list(
        seen.filter(signed_at__lte=at).select_related("signed_by").order_by("-signed_at", "-pk")
    )
    now = view.statement.attestations.get(requirement.id)
    now = next((row for row in rows if now is not None and row.pk == now.pk), None)
    hindrance = why_not(requirement, person)
    signature = Signature.objects.filter(record=now.pk, meaning="attestation") if now else None
    return Judgements(
        now=now,
        state=show.state(now) if now else "",
        signature=signature.last() if signature is not None else None,
        before=[(row, show.state(row)) for row in rows if now is None or row.pk != now.pk],
        asked_for=any(asks_for_judgement(check) for check in requirement.checks),
        url=reverse("standard-attest", args=[requirement.id])
        if not hindrance and not view.past
        else "",
        why_not=hindrance if not view.past else "",
    )


class AttestForm(forms.Form):
    judgement = forms.ChoiceField(
        label=_("Judgement"),
        choices=Attestation.Judgement.choices,
        widget=forms.RadioSelect,
        initial=Attestation.Judgement.MET,
    )
    statement = forms.CharField(
        label=_("Statement"),
        help_text=_("What you judge, in a sentence or two."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("What you saw that makes you judge so."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    valid_until = forms.DateField(
        label=_("Counts until"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    password = forms.CharField(
        label=_("Your password, to sign"),
        help_text=_("It shows that it is you who signs. It is not kept."),
        strip=False,
        widget=ProofInput(),
    )


@login_required
@sensitive_post_parameters("password")
def sign(request: HttpRequest, id: str) -> HttpResponse:
    """Say what one judges of an obligation, and sign it."""
    person = require(request, VIEW)
    requirement = catalogue().requirements.get(id)
    if requirement is None:
        raise Http404(gettext("There is no obligation %(id)s.") % {"id": id})
    if why := why_not(requirement, person):
        raise PermissionDenied(why)
    latest = latest_end(requirement, timezone.now())
    form = AttestForm(request.POST or None, initial={"valid_until": latest})
    form.fields["valid_until"].help_text = gettext(
        "One planned interval ahead at most: up to %(day)s."
    ) % {"day": phrases.day(latest)}
    if request.method == "POST" and form.is_valid():
        values = {k: v for k, v in form.cleaned_data.items() if k != "password"}
        try:
            # Outside the transaction: a wrong password has to be remembered.
            proof = prove(person, form.cleaned_data["password"])
            filed = attest(requirement, values, by=person, proof=proof)
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, gettext("%(ref)s is signed.") % {"ref": filed.ref})
            return redirect("standard-obligation", id)
    obligation_url = reverse("standard-obligation", args=[id])
    context = {
        "header": PageHeader(
            title=gettext("Attest %(cite)s") % {"cite": cited(requirement)},
            lead=gettext(
                "You sign as %(role)s. It supplements the records and never overrides them."
            )
            % {"role": role_label(requirement.owner_role)},
            quarter=requirement.pdca,  # type: ignore[arg-type]
            crumbs=[
                Link(label=catalogue().standard.designation, url=reverse("standard")),
                Link(label=cited(requirement), url=obligation_url),
            ],
        ),
        "requirement": requirement,
        "entry": RecordForm(
            form=form,
            url=request.path,
            submit=gettext("Sign"),
            cancel_url=obligation_url,
        ),
    }
    return render(request, "standard/attest.html", context, status=422 if form.errors else 200)
