"""Forms made from registers: the fields of a record, its parts, the fields of a move."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.models import model_to_dict
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine import sight
from verne.engine.lifecycle import Move
from verne.engine.people import Organization, Person, Role, Team
from verne.engine.records import Record, Sheet
from verne.engine.register import Register, part_model, register_of
from verne.engine.rights import scope
from verne.engine.standpoint import PreparedFor

from .entrance.proof import ProofInput
from .markup import safe, shown

if TYPE_CHECKING:
    from django.utils.datastructures import MultiValueDict

MANY = 150
"""Up to so many choices are offered in a menu; of more than that one names the one meant."""
FEW = 12
"""Up to so many choices that can be combined are boxes to tick."""
BLANK_ROWS = 2
"""Empty rows offered below the rows of a part."""

NOTE = "move_note"
PASSWORD = "password"


# --- Choices -------------------------------------------------------------------------------------


def choices_for(
    person: Person, register: type[Register], name: str, related: Any, limit: Any = None
) -> models.QuerySet[Any]:
    """What may be chosen for a relation: what the person sees and what the register allows."""
    allowed = register.allowed(person, name)
    rows = _usual(person, name, related) if allowed is None else allowed
    if limit:
        rows = rows.complex_filter(limit)
    return _in_order(rows, related)


def _in_order(rows: models.QuerySet[Any], related: Any) -> models.QuerySet[Any]:
    if not rows.query.order_by:
        rows = rows.order_by("title" if issubclass(related, Sheet) else rows.model._meta.pk.name)
        if related in (Person, Team, Organization, Role):
            rows = rows.order_by("name")
    return rows


def _usual(person: Person, name: str, related: Any) -> models.QuerySet[Any]:
    """What may be chosen where the register says nothing."""
    rows: models.QuerySet[Any]
    if issubclass(related, Record):
        rows = related.objects.visible_to(person).standing()
    elif issubclass(related, Sheet):
        rows = Sheet.objects.filter(scope(person, Sheet), withdrawn_at=None)
    elif related is Person:
        rows = Person.objects.filter(active=True)
        if name == "owner":
            own = Organization.Kind.OWN
            rows = rows.filter(Q(organization=None) | Q(organization__kind=own))
    elif hasattr(related, "active"):
        rows = related._default_manager.filter(active=True)
        if name == "customer":
            rows = rows.filter(kind=Organization.Kind.CUSTOMER)
    else:
        rows = related._default_manager.all()
    return rows


def word_for(thing: Any) -> str:
    """How something is named where it is chosen by name."""
    if isinstance(thing, Sheet):
        return thing.ref
    if isinstance(thing, Person):
        return f"{thing.name} ({thing.username})"
    return str(thing)


class Lookup(forms.TextInput):
    """A box to name one thing among very many, with suggestions while typing."""

    template_name = "records/lookup.html"

    def __init__(self, url: str) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false"})
        self.url = url

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["url"] = self.url
        return context


class Named(forms.CharField):
    """One of very many things, chosen by its reference or name."""

    widget = forms.TextInput

    def __init__(self, queryset: models.QuerySet[Any], url: str, **kwargs: Any) -> None:
        kwargs.pop("max_length", None)
        super().__init__(widget=Lookup(url), **kwargs)
        self.queryset = queryset

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            found = self.queryset.model._default_manager.filter(pk=value).first()
            return word_for(found) if found else ""
        return word_for(value) if isinstance(value, models.Model) else value

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value)).strip()
        if not text:
            return None
        found = list(named(self.queryset, text)[:2])
        if not found:
            raise ValidationError(_("Nothing you may choose here is called “%s”.") % text)
        if len(found) > 1:
            raise ValidationError(_("Several are called “%s”: choose one of the list.") % text)
        return found[0]


def named(rows: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
    """The things that go by this reference or name."""
    if issubclass(rows.model, Sheet):
        return rows.filter(ref=text.split()[0].upper())
    if rows.model is Person:
        username = text.rpartition("(")[2].rstrip(")") if text.endswith(")") else text
        return rows.filter(Q(username=username) | Q(name=text))
    return rows.filter(name=text)


def can_be_named(model: type[models.Model]) -> bool:
    """Whether somebody can type which one they mean: what has neither reference nor name cannot."""
    return issubclass(model, Sheet) or any(f.name == "name" for f in model._meta.get_fields())


def suggestions(rows: models.QuerySet[Any], text: str, limit: int = 20) -> list[tuple[str, str]]:
    """What somebody who types this may mean: the word to fill in, and what it stands for."""
    if issubclass(rows.model, Sheet):
        found = rows.filter(Q(ref__istartswith=text) | Q(title__icontains=text))
        return [(sheet.ref, sheet.title) for sheet in found.order_by("-id")[:limit]]
    matching = Q(name__icontains=text)
    if rows.model is Person:
        matching |= Q(username__icontains=text)
    return [(word_for(found), str(found)) for found in rows.filter(matching)[:limit]]


class Several(forms.ModelMultipleChoiceField[Any]):
    """Several of a few; also understands them as one text, as the page of a conflict sends them."""

    def clean(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            value = [part for item in value for part in str(item).split(",") if part]
        return list(super().clean(value))


class Collection(forms.Widget):
    """Those chosen as boxes to untick, and a box to name more, with suggestions while typing."""

    template_name = "records/collection.html"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.things: models.QuerySet[Any] | None = None

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        said = [str(getattr(item, "pk", item)) for item in value or ()]
        numbers = [int(text) for text in said if text.isdecimal()]
        chosen: list[tuple[Any, str]] = []
        if numbers and self.things is not None:
            rows = self.things.model._default_manager.filter(pk__in=numbers)
            chosen = [(item.pk, str(item)) for item in rows]
        typed = ", ".join(text for text in said if text and not text.isdecimal())
        context["widget"] |= {"url": self.url, "chosen": chosen, "typed": typed}
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Boxes that stayed ticked, and what was typed, a name between each two commas."""
        sent = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        texts = [*(sent if isinstance(sent, list) else [sent]), data.get(f"{name}-more") or ""]
        return [piece.strip() for text in texts for piece in str(text).split(",") if piece.strip()]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class SeveralNamed(forms.Field):
    """Several of very many things: those chosen already, and more by reference or name."""

    def __init__(self, queryset: models.QuerySet[Any], url: str, **kwargs: Any) -> None:
        self.widget = Collection(url)
        super().__init__(**kwargs)
        self.queryset = queryset
        self.widget.things = queryset

    def clean(self, value: Any) -> list[Any]:
        found: dict[int, Any] = {}
        numbers = [int(text) for text in value or () if str(text).isdecimal()]
        known = self.queryset.filter(pk__in=numbers).in_bulk() if numbers else {}
        for text in value or ():
            if str(text).isdecimal() and int(text) in known:
                found[int(text)] = known[int(text)]
                continue
            things = list(named(self.queryset, str(text))[:2])
            if len(things) != 1:
                raise ValidationError(_("Nothing you may choose here is called “%s”.") % text)
            found[things[0].pk] = things[0]
        if self.required and not found:
            raise ValidationError(self.error_messages["required"], code="required")
        return list(found.values())


# --- Fields --------------------------------------------------------------------------------------


class Menu(forms.Select):
    """A menu drawn at once, as Django would: it fills in two templates for each choice."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        choices: Any = self.choices
        offered = [("" if key is None else key, word) for key, word in choices]
        if any(isinstance(word, list | tuple) for _key, word in offered):
            return super().render(name, value, attrs, renderer)
        said = self.build_attrs(self.attrs, attrs)
        marks = "".join(
            f" {key}" if mark is True else f' {key}="{safe(str(mark))}"'
            for key, mark in said.items()
            if mark is not False
        )
        chosen = self.format_value(value)
        at = next((at for at, (key, _word) in enumerate(offered) if str(key) in chosen), None)
        options = "".join(
            f'\n  <option value="{safe(str(key))}"{" selected" if here == at else ""}>'
            f"{shown(word)}</option>\n"
            for here, (key, word) in enumerate(offered)
        )
        return SafeString(f'<select name="{safe(name)}"{marks}>{options}\n</select>')


def form_field(
    register: type[Register], person: Person, found: Any, *, required: bool | None = None
) -> forms.Field | None:
    """The control for a field of a model."""
    if found.is_relation and (found.many_to_one or found.many_to_many):
        return _relation_field(register, person, found, required=required)
    options: dict[str, Any] = {}
    if isinstance(found, models.DateTimeField):
        options["widget"] = forms.DateTimeInput(
            attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        )
    elif isinstance(found, models.DateField):
        options["widget"] = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    elif isinstance(found, models.TimeField):
        options["widget"] = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    elif isinstance(found, models.TextField):
        options["widget"] = forms.Textarea(attrs={"rows": 4})
    elif isinstance(found, models.BooleanField) and found.null:
        options["widget"] = Menu(
            choices=[("", "–"), ("True", gettext_lazy("Yes")), ("False", gettext_lazy("No"))]
        )
    elif found.choices:
        options["widget"] = Menu
    field: forms.Field | None = found.formfield(**options)
    if isinstance(field, forms.ChoiceField):
        # Django's own word for no choice; a register may have a better one.
        usual = BLANK_CHOICE_DASH[0]
        offered: Any = field.choices
        field.choices = [("", "–") if pair == usual else pair for pair in offered]
    if field is not None and required is not None and not isinstance(found, models.BooleanField):
        field.required = required
    return field


def _relation_field(
    register: type[Register], person: Person, found: Any, *, required: bool | None
) -> forms.Field:
    related, limit = found.related_model, found.get_limit_choices_to()
    allowed = register.allowed(person, found.name)
    if allowed is None and not limit:
        rows = _in_order(_usual(person, found.name, related), related)
        # Only these two names mean a choice of their own.
        name = found.name if found.name in ("owner", "customer") else ""
        offered = _said(related, _usual_offer(person, related, name))
    else:
        rows = choices_for(person, register, found.name, related, limit)
        offered = _said(related, _named(rows)[: MANY + 1])
    options: dict[str, Any] = {
        "label": capfirst(str(found.verbose_name)),
        "help_text": found.help_text,
        "required": (not found.blank) if required is None else required,
    }
    if found.many_to_many:
        if len(offered) > FEW:
            return SeveralNamed(rows, f"/suggest/{register.slug}/{found.name}/", **options)
        many = Several(rows, widget=forms.CheckboxSelectMultiple(), **options)
        many.choices = offered
        return many
    if len(offered) > MANY:
        return Named(rows, f"/suggest/{register.slug}/{found.name}/", **options)
    field = forms.ModelChoiceField(rows, widget=Menu, **options)
    field.choices = [("", "–"), *offered]
    if issubclass(found.related_model, Person) and any(key == person.pk for key, _name in offered):
        field.offers_me = str(person.pk)  # type: ignore[attr-defined]
    return field


_crowded: set[tuple[Any, str]] = set()
"""Relations to which more is offered than a menu shows; a hint for the next form, no more."""


def _usual_offer(person: Person, related: Any, name: str) -> list[Any]:
    """What a menu shows, in its order; of more than it shows some, for they are looked for by name.

    To put 200,000 items in order, only to find that they are too many, takes 40 ms.
    """
    if (related, name) in _crowded:
        some = _usual_names(related, name, in_order=False)(person)
        if len(some) > MANY:
            return some
        _crowded.discard((related, name))
    offered = _usual_names(related, name, in_order=True)(person)
    if len(offered) > MANY:
        _crowded.add((related, name))
    return offered


@lru_cache(maxsize=200)
def _usual_names(related: Any, name: str, *, in_order: bool) -> PreparedFor:
    """Those of `_usual`, put into SQL once for all who stand alike."""

    def build(person: Person) -> models.QuerySet[Any]:
        rows = _usual(person, name, related)
        return _named(_in_order(rows, related) if in_order else rows.order_by())[: MANY + 1]

    return PreparedFor(build)


def _named(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """The keys and names of what is offered, and where it is known, nothing else."""
    model: Any = rows.model
    words = _WORDS.get(model.__str__)
    return rows.values_list("pk", *words) if words else rows


def _said(model: Any, named: Iterable[Any]) -> list[tuple[Any, str]]:
    """The key and the name of each, of what `_named` gave."""
    if model.__str__ is Sheet.__str__:
        return [(key, f"{ref} {title}") for key, ref, title in named]
    if model.__str__ is Person.__str__:
        return [(key, name or username) for key, name, username in named]
    if model.__str__ in _WORDS:
        return list(named)
    return [(item.pk, str(item)) for item in named]


_WORDS: dict[Any, tuple[str, ...]] = {
    Sheet.__str__: ("ref", "title"),
    Person.__str__: ("name", "username"),
    Organization.__str__: ("name",),
    Team.__str__: ("name",),
}
"""The columns that a thing's name is made of, by how it says it."""


def normal(value: Any) -> Any:
    """A value as it can be compared, whether it comes from the database or from a form."""
    if value in (None, "", [], ()):
        return ""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    if isinstance(value, models.QuerySet):
        value = list(value)
    if isinstance(value, list | tuple | set):
        return sorted((normal(item) for item in value), key=str)
    return str(value) if not isinstance(value, bool | int) else value


def fingerprint(value: Any) -> str:
    return hashlib.sha256(json.dumps(normal(value), default=str).encode()).hexdigest()[:8]


class RecordForm(forms.Form):
    """The fields of a record that are asked for, with what it says now.

    A hidden field remembers what was seen, by fingerprints: of what somebody sends back, only what
    they changed is theirs, however much others changed in the meantime.
    """

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        register: type[Register],
        person: Person,
        names: Sequence[str],
        *,
        record: Record | None = None,
        data: MultiValueDict[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        required: Iterable[str] | None = None,
        auto_id: str = "id_%s",
        unseen: frozenset[int] | None = None,
    ) -> None:
        self.register, self.person, self.record = register, person, record
        model = register.model
        known: dict[str, Any] = model_to_dict(record, fields=names) if record is not None else {}
        super().__init__(data, initial=known | dict(initial or {}), auto_id=auto_id)
        needed = None if required is None else set(required)
        hidden = unseen or frozenset()
        if record is not None and unseen is None:
            hidden = sight.unseen([record], names, person)
        for name in names:
            found = model._meta.get_field(name)
            if found.one_to_many or not getattr(found, "editable", True):
                continue
            if hidden and record is not None and sight.leads_to(record, name, hidden):
                # It points at what they may not see: neither named to them nor theirs to change.
                continue
            must = None if needed is None else name in needed
            if (field := form_field(register, person, found, required=must)) is not None:
                _keep_current(field, record, name)
                self.fields[name] = field
        self.initial["seen"] = " ".join(
            f"{name}:{fingerprint(self.get_initial_for_field(field, name))}"
            for name, field in self.fields.items()
            if name != "seen"
        )

    def changed(self) -> dict[str, Any]:
        """The values the person changed from what they saw; all of them for a new record."""
        said = self.cleaned_data["seen"].split()
        seen = dict(pair.split(":", 1) for pair in said if ":" in pair)
        return {
            name: value
            for name, value in self.values().items()
            if seen.get(name) != fingerprint(value)
        }

    def values(self) -> dict[str, Any]:
        """Every value, for filing a record."""
        return {
            name: _stored(self.register.model, name, value)
            for name, value in self.cleaned_data.items()
            if name not in ("seen", NOTE, PASSWORD)
        }

    @property
    def note(self) -> str:
        """The reason given with a move."""
        return str(self.cleaned_data.get(NOTE, ""))

    @property
    def password(self) -> str:
        """What was typed to sign a move."""
        return str(self.cleaned_data.get(PASSWORD, ""))

    def refuse(self, error: ValidationError) -> None:
        """Show what the engine refused at the fields it speaks of, the rest above the form."""
        add_errors(self, error)


def _stored(model: type[models.Model], name: str, value: Any) -> Any:
    """A form's value as the model takes it: an empty number is null, an empty text is empty."""
    found: Any = model._meta.get_field(name)
    if value is None and isinstance(found, models.CharField | models.TextField) and not found.null:
        return ""
    if isinstance(value, str) and isinstance(found, models.CharField | models.TextField):
        return value.replace("\r\n", "\n")
    if value == "" and found.null and not isinstance(found, models.CharField | models.TextField):
        return None
    return value


def _keep_current(field: forms.Field, record: Record | None, name: str) -> None:
    """What a record says already stays among the choices, even if it could not be chosen anew."""
    if record is None or not isinstance(field, forms.ModelChoiceField | Named | SeveralNamed):
        return
    rows: Any = field.queryset
    model = rows.model
    if isinstance(field, Several | SeveralNamed):
        there = list(getattr(record, name).all())
        kept = Q(pk__in=[item.pk for item in there]) | Q(pk__in=rows.values("pk"))
        field.queryset = model._default_manager.filter(kept)
        if isinstance(field, Several):
            present: Any = field.choices
            offered = list(present)
            known = {str(key) for key, _label in offered}
            more = [(item.pk, str(item)) for item in there if str(item.pk) not in known]
            field.choices = [*offered, *more]
        else:
            field.widget.things = field.queryset
        return
    now = getattr(record, name)
    if now is None:
        return
    field.queryset = model._default_manager.filter(Q(pk=now.pk) | Q(pk__in=rows.values("pk")))
    if isinstance(field, forms.ModelChoiceField):
        choices: Any = field.choices
        offered = list(choices)
        if str(now.pk) not in {str(key) for key, _label in offered}:
            field.choices = [*offered, (now.pk, str(now))]


def add_errors(form: forms.Form, error: ValidationError) -> None:
    """Errors of the engine, on the form: at their fields where it shows them."""
    if hasattr(error, "error_dict"):
        for name, errors in error.error_dict.items():
            for each in errors:
                if name in form.fields:
                    form.add_error(name, each)
                elif name == NON_FIELD_ERRORS:
                    form.add_error(None, each)
                else:
                    form.add_error(None, _named_error(form, name, each))
    else:
        form.add_error(None, error)


def _named_error(form: forms.Form, name: str, error: ValidationError) -> str:
    """An error of a field that is not on the form, with the field's name before it."""
    text = " ".join(str(message) for message in error.messages)
    register = getattr(form, "register", None)
    try:
        where = register.model.field_label(name) if register else name
    except Exception:
        where = name
    return _("%(field)s: %(error)s") % {"field": where, "error": text}


# --- Parts ---------------------------------------------------------------------------------------


class RowForm(forms.Form):
    """One row of a part."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    gone = forms.BooleanField(required=False, label=gettext_lazy("Remove"))

    def __init__(self, register: type[Register], person: Person, model: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filled_in: set[str] = set()
        for name in model.part_fields:
            field = form_field(register, person, model._meta.get_field(name))
            if field is None:
                continue
            if field.show_hidden_initial:
                # What is filled in anew each time (the present moment) does not make a row.
                field.show_hidden_initial = False
                self.filled_in.add(name)
            self.fields[name] = field

    @cached_property
    def changed_data(self) -> list[str]:
        changed: list[str] = super().changed_data
        return [name for name in changed if self.initial or name not in self.filled_in]

    @property
    def cells(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ("pk", "gone")]


class Rows:
    """The rows of one part on a form: those there are, and some empty ones."""

    def __init__(
        self,
        register: type[Register],
        person: Person,
        name: str,
        *,
        record: Record | None = None,
        data: MultiValueDict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.model = part_model(register.model, name)
        self.title = str(register.model.field_label(name))
        there = list(getattr(record, name).order_by("pk")) if record is not None else []
        known = [
            model_to_dict(row, fields=self.model.part_fields) | {"pk": row.pk} for row in there
        ]
        wish = data.get(f"{name}-more") if data is not None else None
        said = data.get(f"{name}-count") if data is not None else None
        number = int(said) if said and str(said).isdecimal() else len(known) + BLANK_ROWS
        if wish:
            number += 3
        number = min(number, 500)
        self.asks_for_more = bool(wish)
        self.sent = said is not None
        by_key = {str(row["pk"]): row for row in known}
        self.forms = []
        for index in range(number):
            here = data if self.sent and index < int(said or 0) else None
            if here is None:
                key, initial = "", known[index] if not self.sent and index < len(known) else {}
            else:
                # Somebody may have added or removed rows meanwhile: a row is known by its key.
                key = str(here.get(f"{name}-{index}-pk") or "")
                initial = by_key.get(key, {})
            form = RowForm(
                register, person, self.model, data=here, initial=initial, prefix=f"{name}-{index}"
            )
            # An empty row left as it came is no row, and need not be complete.
            form.empty_permitted = not key
            form.use_required_attribute = False
            self.forms.append(form)
        self.seen = _print_of(known)

    @property
    def count(self) -> int:
        return len(self.forms)

    @property
    def heads(self) -> list[str]:
        if not self.forms:
            return []
        return [str(cell.label) for cell in self.forms[0].cells]

    def is_valid(self) -> bool:
        return all(form.is_valid() for form in self.forms if form.is_bound)

    def values(self) -> list[dict[str, Any]]:
        """The rows as the verbs take them."""
        kept = []
        for form in self.forms:
            if not form.is_bound or form.cleaned_data.get("gone"):
                continue
            names = [name for name in self.model.part_fields if name in form.fields]
            pk = form.cleaned_data.get("pk")
            if pk is None and not form.has_changed():
                continue
            said = form.cleaned_data
            row = {name: _flat(_stored(self.model, name, said.get(name))) for name in names}
            if pk:
                row["pk"] = pk
            kept.append(row)
        return kept

    def was_changed(self, seen: str) -> bool:
        """Whether the rows say something else than those the person was shown."""
        return _print_of(self.values()) != seen


def _print_of(rows: Iterable[Mapping[str, Any]]) -> str:
    return fingerprint([json.dumps([(k, normal(row[k])) for k in sorted(row)]) for row in rows])


def _flat(value: Any) -> Any:
    """Times as the engine compares them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, models.Model):
        return value.pk
    return value.isoformat() if hasattr(value, "isoformat") else value


# --- Moves ---------------------------------------------------------------------------------------


def move_fields(model: type[Record], step: Move) -> list[str]:
    """The fields of a move that a form can ask for."""
    found = [(name, model._meta.get_field(name)) for name in step.fields]
    return [n for n, f in found if not f.one_to_many and getattr(f, "editable", True)]


def move_form(
    record: Record,
    step: Move,
    person: Person,
    data: MultiValueDict[str, Any] | None = None,
    *,
    unseen: frozenset[int] | None = None,
) -> RecordForm:
    """What a move asks for: the fields it needs, those it offers, and the reason.

    `unseen` are those of the records its fields point at that this person may not see, where
    somebody has looked.
    """
    form = RecordForm(
        register_of(record.kind_name()),
        person,
        move_fields(type(record), step),
        record=record,
        data=data,
        required=step.needs,
        # Several moves stand on one page: each control needs an id of its own for its label.
        auto_id=f"id_{step.name}_%s",
        unseen=unseen,
    )
    if step.note:
        form.fields[NOTE] = _reason()
    if step.signed:
        form.fields[PASSWORD] = _password()
    return form


def bulk_move_form(
    register: type[Register],
    step: Move,
    person: Person,
    data: MultiValueDict[str, Any] | None = None,
) -> RecordForm:
    """What a move asks for when it is made on many records at once; what is left empty stays."""
    form = RecordForm(register, person, move_fields(register.model, step), data=data, required=())
    if step.note:
        form.fields[NOTE] = _reason()
    return form


def _reason() -> forms.CharField:
    return forms.CharField(label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


def _password() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Your password, to sign"),
        help_text=gettext_lazy("It shows that it is you who signs. It is not kept."),
        strip=False,
        widget=ProofInput(),
    )
