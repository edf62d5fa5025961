"""Every text that people see is said in each language, and the catalogues say nothing else."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import pytest
from django.conf import settings
from django.db.models import Model
from django.test import Client
from django.utils.choices import CallableChoiceIterator
from django.utils.functional import Promise
from django.utils.translation import override, to_locale

from tools import translate
from verne.engine.people import Person
from verne.engine.records import Part, Record
from verne.engine.register import registers
from verne.web import phrases

LANGUAGES = [to_locale(code) for code, _name in settings.LANGUAGES if code != "en"]


@cache
def said() -> dict[tuple[str, str], translate.Message]:
    return translate.messages()


def test_every_language_on_offer_has_a_catalogue() -> None:
    assert sorted(LANGUAGES) == sorted(translate.PLURALS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_a_translation_and_nothing_is_left_over(language: str) -> None:
    faults = list(translate.faults(language, said()))
    assert not faults, "\n".join([*faults[:20], "Run tools/translate.py extract, then translate."])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_is_in_the_form_the_tool_writes(language: str) -> None:
    written = translate.catalogue_path(language).read_text(encoding="utf-8")
    entries = translate.brought_up_to_date(language, said())
    assert written == translate.as_text(language, entries), "Run tools/translate.py extract."


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program_reads_what_the_catalogue_says(language: str) -> None:
    compiled = translate.catalogue_path(language).with_suffix(".mo")
    with compiled.open("rb") as file:
        words = gettext.GNUTranslations(file)
    for entry in translate.read(language).values():
        if not entry.msgid_plural and not entry.msgctxt:
            assert words.gettext(entry.msgid) == entry.msgstr


def test_texts_are_found_by_whatever_name_gettext_goes() -> None:
    source = (
        "from django.utils.translation import gettext as say, ngettext, pgettext_lazy as meaning\n"
        "say('Choose a ' 'team.')\n"
        "ngettext('%(n)d day', '%(n)d days', n)\n"
        "meaning('hours', 'closed')\n"
        "say(name)\n"
        "other('Not for people')\n"
    )
    found = [(text.context, text.text, text.plural) for text in translate.from_python(source)]
    assert found == [
        ("", "Choose a team.", ""),
        ("", "%(n)d day", "%(n)d days"),
        ("hours", "closed", ""),
    ]


def test_a_text_put_together_before_it_is_translated_is_refused() -> None:
    source = "from django.utils.translation import gettext as _\n_(f'{name} is closed')\n"
    with pytest.raises(translate.Unreadable, match="put together"):
        list(translate.from_python(source))


def test_texts_of_templates_are_found_as_django_looks_them_up() -> None:
    source = (
        '{% load i18n %}{% translate "100% sure" %}{{ name|default:_("Nobody") }}'
        '{% translate "closed" context "hours" %}'
        "{% blocktranslate trimmed count n=many with who=name %}\n  {{ n }} day of {{ who }}\n"
        "{% plural %}{{ n }} days of {{ who }}{% endblocktranslate %}"
    )
    found = [(text.context, text.text, text.plural) for text in translate.from_template(source)]
    assert found == [
        ("", "100%% sure", ""),
        ("", "Nobody", ""),
        ("hours", "closed", ""),
        ("", "%(n)s day of %(who)s", "%(n)s days of %(who)s"),
    ]


@pytest.mark.parametrize(
    ("translation", "fault"),
    [
        ("", "has no translation"),
        ("Vence mañana", "do not hold the same"),
        ("Vence el %(tag)s", "do not hold the same"),
        (" Vence el %(day)s", "space around it"),
    ],
)
def test_a_translation_that_would_break_a_page_is_found(translation: str, fault: str) -> None:
    message = translate.Message("Due on %(day)s")
    entry = translate.polib.POEntry(msgid=message.text, msgstr=translation)
    assert any(fault in found for found in translate.faults_of(entry, message))


def test_every_word_of_a_register_is_marked_for_translation() -> None:
    """Django makes up an English name for a model or a field that was given none."""
    bare = [
        f"{model._meta.label}: {place}"
        for register in registers.values()
        for model in (register.model, *(part for part in parts_of(register.model)))
        for place, word in words_of(model)
        if not isinstance(word, Promise)
    ]
    assert not bare


def parts_of(model: type[Record]) -> list[type[Model]]:
    return [
        relation.related_model
        for relation in model._meta.related_objects
        if issubclass(relation.related_model, Part)
    ]


def words_of(model: type[Model]) -> Iterator[tuple[str, object]]:
    options = model._meta
    yield "its name", options.original_attrs.get("verbose_name")
    yield "its name in the plural", options.original_attrs.get("verbose_name_plural")
    for found in [*options.local_fields, *options.local_many_to_many]:
        if found.name not in ("id", "sheet", "of"):
            yield f"field {found.name}", found.verbose_name
            if isinstance(found.choices, CallableChoiceIterator):
                continue  # Asked anew each time, so told in the language of whoever asks.
            for value, word in found.flatchoices:
                yield f"choice {value} of {found.name}", word
    if issubclass(model, Record):
        for state in model.lifecycle.states.values():
            yield f"state {state.name}", state.label
        for move in model.lifecycle.moves.values():
            yield f"move {move.name}", move.label


@pytest.mark.parametrize(
    ("language", "words"),
    [("ko", "로그인"), ("es", "Iniciar sesión"), ("zh-hans", "登录")],
)
def test_the_sign_in_page_speaks_the_language_of_the_browser(
    db: None, language: str, words: str
) -> None:
    page = Client().get("/sign-in/", headers={"accept-language": language})
    assert words in page.content.decode()
    assert f'<html lang="{language}"' in page.content.decode()


@pytest.mark.parametrize(
    ("language", "number", "share", "date"),
    [
        ("en", "1,234,567", "87 %", "7 Mar 2026, 14:05"),
        ("ko", "1,234,567", "87%", "2026. 3. 7. 14:05"),
        ("es", "1\u00a0234\u00a0567", "87\u00a0%", "7 mar 2026, 14:05"),
        ("zh-hans", "1,234,567", "87%", "2026年3月7日 14:05"),
    ],
)
def test_numbers_and_dates_follow_the_language(
    language: str, number: str, share: str, date: str
) -> None:
    with override(language):
        assert phrases.number(1234567) == number
        assert phrases.percent(0.87) == share
        assert phrases.exact(datetime(2026, 3, 7, 14, 5, tzinfo=UTC)) == date


def test_what_django_itself_says_is_translated_too() -> None:
    with override("ko"):
        assert str(Person._meta.get_field("email").error_messages["blank"]) != (
            "This field cannot be blank."
        )
