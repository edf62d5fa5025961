"""Passwords that can be guessed by whoever knows where somebody works, or what everybody types.

Two validators of the settings. The list of words is written down in docs/signing-in.md: those here,
and the names of the organization, of its services and its teams as they are now.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from verne.engine.people import Organization, Person, Team
from verne.sms.portfolio.service.models import Service

WORDS = (
    *("verne", "jules", "iso20000", "20000", "itsm", "itil", "servicedesk", "service", "helpdesk"),
    *("desk", "ticket", "incident", "support", "soporte", "서비스", "服务", "admin"),
    *("administrator", "administrador", "관리자", "管理员", "password", "passwort", "passphrase"),
    *(
        "contraseña",
        "비밀번호",
        "암호",
        "密码",
        "welcome",
        "bienvenido",
        "환영",
        "欢迎",
        "changeme",
    ),
    *("secret", "letmein", "login", "spring", "summer", "autumn", "winter", "primavera", "verano"),
    *("otoño", "invierno", "january", "february", "march", "april", "june", "july", "august"),
    *("september", "october", "november", "december", "qwertyuiop", "qwerty", "asdf", "abcd"),
    *("1234567890", "123456789", "12345678", "1234567", "123456", "12345", "1234", "123"),
)
"""Of the product, of the trade, and of what people put before a year."""
LEAST = 8
"""Letters and digits that have to be left when the words are taken away."""
SHORT = 4
"""Latin letters that make a word of a name; of other scripts two do."""
MOST_NAMES = 5000

DIGITS_FOR_LETTERS = str.maketrans("0134578@$!|", "oleastbasil")
NO_LETTER = re.compile(r"[\W_]+")


class NotOurWords:
    """Refuses a password made of words that everybody around knows, and little else."""

    def validate(self, password: str, user: Person | None = None) -> None:
        known = {*WORDS, *names(user)}
        known |= {word.translate(DIGITS_FOR_LETTERS) for word in known}
        words = sorted(known, key=len, reverse=True)
        if any(_is_made_of(each, words) for each in _readings(password)):
            raise ValidationError(
                _(
                    "This password is made of words that are easily guessed here: names of the "
                    "organization, its services or teams, seasons, rows of keys. Add words that "
                    "have nothing to do with them."
                ),
                code="our_words",
            )

    def get_help_text(self) -> str:
        return _(
            "Names of the organization, of its services and teams, and words of the trade count "
            "for nothing in it."
        )


class Usual(CommonPasswordValidator):
    """Refuses what everybody takes, and the same with digits around it, or said twice."""

    def validate(self, password: str, user: Any = None) -> None:
        super().validate(password, user)
        for each in _readings(password):
            core = _once(re.sub(r"^[\W\d_]+|[\W\d_]+$", "", each))
            if len(core) > 3 and core in self.passwords:
                raise ValidationError(self.get_error_message(), code="password_too_common")


def names(person: Person | None) -> set[str]:
    """The names around somebody, whole and word by word."""
    theirs = person.organization_id if person else None
    found = [
        *Organization.objects.filter(Q(kind=Organization.Kind.OWN) | Q(pk=theirs)).values_list(
            "name", flat=True
        ),
        *Team.objects.values_list("name", flat=True)[:MOST_NAMES],
        *Service.objects.values_list("title", flat=True)[:MOST_NAMES],
    ]
    return {word for name in found for word in _words_of(name)}


def _words_of(name: str) -> Iterable[str]:
    parts = [part for part in NO_LETTER.split(_plain(name)) if part]
    for part in ["".join(parts), *parts]:
        if len(part) >= (SHORT if part.isascii() else 2):
            yield part


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _readings(password: str) -> set[str]:
    """As it is typed, and with digits and marks that stand for letters read as these."""
    plain = _plain(password)
    return {plain, plain.translate(DIGITS_FOR_LETTERS)}


def _is_made_of(password: str, words: Iterable[str]) -> bool:
    rest = NO_LETTER.sub("", password)
    before = rest
    for word in words:
        rest = rest.replace(word, "")
    return rest != before and len(rest) < LEAST


def _once(text: str) -> str:
    """The part of which a text is a repetition: “abab” says “ab”."""
    again = (text + text).find(text, 1)
    return text[:again] if again > 0 else text
