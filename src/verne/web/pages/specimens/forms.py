"""What moves ask for, and a form with every kind of field that came back refused."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _

from verne.web import parts as p


class ResolveForm(forms.Form):
    """What a move asks for."""

    resolution = forms.CharField(label="Resolution", widget=forms.Textarea(attrs={"rows": 3}))
    code = forms.ChoiceField(
        label="Resolved by",
        choices=[("workaround", "Workaround"), ("change", "Change"), ("restart", "Restart")],
    )


class WaitForm(forms.Form):
    """What waiting asks for."""

    note = forms.CharField(label="Reason", help_text="The customer reads this.")
    resume = forms.DateField(label="Resume on", widget=forms.DateInput(attrs={"type": "date"}))


class IncidentForm(forms.Form):
    """Every kind of field there is."""

    title = forms.CharField(label="Title", help_text="What a colleague would look for.")
    service = forms.ChoiceField(
        label="Service", choices=[("", "–"), ("pos", "Point of sale"), ("mail", "Mail")]
    )
    owner = forms.ChoiceField(
        label="Owner",
        required=False,
        choices=[("", "Nobody yet"), ("7", "Ana Kim"), ("9", "Pavel Novák")],
    )
    impact = forms.ChoiceField(
        label="Impact",
        widget=forms.RadioSelect,
        choices=[("high", "High"), ("medium", "Medium"), ("low", "Low")],
        help_text="How many are hindered, and how badly.",
    )
    urgency = forms.ChoiceField(
        label="Urgency",
        widget=forms.RadioSelect,
        choices=[("high", "High"), ("medium", "Medium"), ("low", "Low")],
    )
    noticed = forms.DateField(label="Noticed on", widget=forms.DateInput(attrs={"type": "date"}))
    shops = forms.IntegerField(label="Shops hit", required=False, min_value=0)
    description = forms.CharField(label="Description", widget=forms.Textarea, required=False)
    told = forms.BooleanField(label="The customer was told", required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["owner"].offers_me = "7"  # type: ignore[attr-defined]


def refused_form() -> p.RecordForm:
    """A form that came back because two things are missing."""
    form = IncidentForm(
        {
            "service": "pos",
            "impact": "high",
            "urgency": "high",
            "title": "",
            "noticed": "",
            "description": "Terminals at shops 2, 4 and 7 show “no host” since half past twelve.",
        }
    )
    return p.RecordForm(
        form=form,
        url="#",
        submit=_("Save"),
        cancel_url="#",
        draft="edit:INC-2041:7",
        groups=[
            p.FormGroup(
                title="What happened",
                fields=[form[n] for n in ("title", "service", "noticed", "description")],
            ),
            p.FormGroup(
                title="How bad it is",
                fields=[form[n] for n in ("impact", "urgency", "shops", "owner", "told")],
            ),
        ],
    )
