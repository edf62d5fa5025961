"""Which passwords are refused, and that the list of words is the one written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from verne.engine.acts import act
from verne.engine.people import Organization, Person, Team
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_live_service
from verne.web.entrance.words import WORDS

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def nora(manager: Person) -> Person:
    """Somebody of a company whose names are known to everybody around."""
    a_live_service(manager, title="Point of sale")
    a_live_service(manager, title="메일 서비스")
    with act("settle", by=None):
        ours = Organization.objects.create(name="Quarry Books")
        Organization.objects.create(name="Lantern Clinics", kind="customer")
        Team.objects.create(name="Night Watch")
    nora = a_person("Nora Voss", roles=["reader"])
    with act("settle", by=None):
        Person.objects.filter(pk=nora.pk).update(organization=ours)
    nora.refresh_from_db()
    return nora


def refused(password: str, person: Person | None) -> bool:
    try:
        validate_password(password, person)
    except ValidationError as wrong:
        return bool({error.code for error in wrong.error_list} & {"our_words"})
    return False


@pytest.mark.parametrize(
    "password",
    [
        "quarry-books-2026",
        "QuarryBooks!!!1",
        "Qu4rry_B00k5_77",
        "pointofsale2026",
        "Verne-2026-1234",
        "NightWatch-2026",
        "메일메일메일메일-2026",
        "Summer2026Summer",
        "contraseña12345",
        "incidentticket1",
    ],
)
def test_names_of_the_place_and_words_of_the_trade_make_no_password(
    password: str, nora: Person
) -> None:
    assert refused(password, nora)


@pytest.mark.parametrize(
    "password",
    [
        "a quiet quarry at dawn",
        "lighthouse on the pier",
        "three gulls on a rope",
        "xK7-2mQp-99zT-Wd",
        "verne reads by candlelight",
        "lantern clinics 2026",
    ],
)
def test_other_words_do_and_one_of_ours_among_them_does_no_harm(
    password: str, nora: Person
) -> None:
    validate_password(password, nora)


@pytest.mark.parametrize("password", ["dragon!20262026", "0123-monkey-4567", "sunshinesunshine"])
def test_a_usual_password_stays_one_with_digits_around_it_or_said_twice(
    password: str, nora: Person
) -> None:
    with pytest.raises(ValidationError) as wrong:
        validate_password(password, nora)
    assert "password_too_common" in {error.code for error in wrong.value.error_list}


def test_somebody_who_is_not_known_yet_is_judged_too(nora: Person) -> None:
    assert refused("quarry-books-2026", None)
    assert refused("quarry-books-2026", Person(username="new", name="New"))


def test_the_words_are_those_written_down() -> None:
    page = (ROOT / "docs" / "signing-in.md").read_text()
    listed = page.partition("**Words that count for nothing.**")[2].partition("\n\n")[0]
    assert [word for word in WORDS if f"`{word}`" not in listed] == []
