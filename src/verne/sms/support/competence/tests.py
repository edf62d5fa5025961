"""What competence promises: gaps show, nobody assesses themselves, actions get an answer."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from verne.engine.acts import NotOpen, file, move, revise
from verne.engine.evidence import Asked, answers
from verne.engine.people import Person, Role
from verne.engine.roles import NAMES, OF_THE_PROGRAM
from verne.engine.testing import a_person
from verne.sms.leadership.role.samples import a_roledefinition
from verne.sms.support.jobs import expire_competences

from .matrix import Cover, matrix
from .models import Competence, CompetenceAction, CompetenceRecord, Level, months_after
from .samples import a_competence, a_competenceaction, a_competencerecord
from .starters import begin_with_starters

pytestmark = pytest.mark.django_db

OF_THE_STANDARD = len(NAMES) - len(OF_THE_PROGRAM)


@pytest.fixture
def keeper(db: None) -> Person:
    """Keeps the competences, and holds no role that needs one here."""
    return a_person("Anna Petrova", roles=["competence_manager"])


@pytest.fixture
def jonas(db: None) -> Person:
    return a_person("Jonas Weber", roles=["problem_manager"])


def figures(key: str, **later: int) -> tuple[int, int]:
    found = answers[key](Asked(timezone.now() + timedelta(**later)))
    return found.population.count(), found.exceptions.count()


def assessed(person: Person, competence: Competence, by: Person, **values: Any) -> CompetenceRecord:
    record = a_competencerecord(by, person=person, competence=competence)
    usual = {"level": Level.ALONE, "basis": "experience"}
    return move(record, "assess", by=by, values=usual | values)


def cover(person: Person, **later: int) -> Cover:
    return matrix([person], timezone.now() + timedelta(**later)).lines[0].cells[0].cover


def test_nobody_assesses_themselves(keeper: Person, jonas: Person) -> None:
    competence = a_competence(keeper)
    own = a_competencerecord(keeper, person=keeper, competence=competence)
    with pytest.raises(NotOpen, match="Nobody assesses their own"):
        move(own, "assess", by=keeper, values={"level": 4, "basis": "experience"})
    record = assessed(jonas, competence, keeper)
    assert (record.state, record.assessed_by) == ("evaluated", keeper)


def test_an_assessment_says_what_shows_it(keeper: Person, jonas: Person) -> None:
    record = a_competencerecord(keeper, person=jonas, evidence="")
    with pytest.raises(NotOpen, match="Say what shows it"):
        move(record, "assess", by=keeper, values={"level": 3, "basis": "training"})


def test_what_was_assessed_is_assessed_anew_not_changed(keeper: Person, jonas: Person) -> None:
    record = assessed(jonas, a_competence(keeper), keeper)
    with pytest.raises(ValidationError, match="assess it anew"):
        revise(record, {"level": Level.TEACHES}, by=keeper)
    again = move(record, "assess", by=keeper, values={"level": Level.TEACHES})
    assert again.level == Level.TEACHES


def test_the_newer_assessment_supersedes_the_older(keeper: Person, jonas: Person) -> None:
    competence = a_competence(keeper)
    first = assessed(jonas, competence, keeper, level=Level.GUIDED)
    assessed(jonas, competence, keeper)
    first.refresh_from_db()
    assert first.state == "superseded"


def test_it_expires_after_the_months_of_the_competence(keeper: Person, jonas: Person) -> None:
    assert months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    competence = a_competence(keeper, valid_months=1)
    record = assessed(jonas, competence, keeper)
    assert record.expires_on == months_after(timezone.now().date(), 1)
    assert cover(jonas) is Cover.COVERED
    assert cover(jonas, days=40) is Cover.EXPIRED
    assert expire_competences() == 0


def test_the_matrix_shows_gap_action_and_cover(keeper: Person, jonas: Person) -> None:
    competence = a_competence(keeper)
    assert cover(jonas) is Cover.GAP
    action = a_competenceaction(keeper, person=jonas, competence=competence)
    assert cover(jonas) is Cover.IN_HAND
    move(action, "cancel", by=keeper, note="The course does not take place.")
    assert cover(jonas) is Cover.GAP
    record = assessed(jonas, competence, keeper, level=Level.GUIDED)
    assert cover(jonas) is Cover.GAP
    move(record, "assess", by=keeper, values={"level": Level.ALONE})
    assert cover(jonas) is Cover.COVERED


def test_the_matrix_asks_as_many_queries_for_forty_people_as_for_one(
    keeper: Person, django_assert_num_queries: Any
) -> None:
    begin_with_starters(keeper)
    people = [a_person(f"Person {n}", roles=["service_owner"]) for n in range(8)]
    with django_assert_num_queries(5):
        found = matrix(people, timezone.now())
    assert len(found.lines) == 8
    assert found.counted() == {Cover.GAP: 8 * len(found.competences)}


def test_starters_name_a_competence_for_every_role_of_the_standard(keeper: Person) -> None:
    assert figures("competence-needs-defined") == (OF_THE_STANDARD, OF_THE_STANDARD)
    begin_with_starters(keeper)
    assert begin_with_starters(keeper) == []
    assert figures("competence-needs-defined") == (OF_THE_STANDARD, 0)


def test_a_role_that_shapes_nothing_needs_no_competence(keeper: Person, manager: Person) -> None:
    a_roledefinition(manager, role=Role.objects.get(key="demand_manager"), shapes_performance=False)
    assert figures("competence-needs-defined")[0] == OF_THE_STANDARD - 1


def test_a_role_is_covered_by_an_assessment_or_by_an_action(keeper: Person, jonas: Person) -> None:
    assert figures("competence-covered") == (0, 0)
    competence = a_competence(keeper)
    assert figures("competence-covered") == (1, 1)
    action = a_competenceaction(keeper, person=jonas, competence=competence)
    assert figures("competence-covered") == (1, 0)
    move(action, "cancel", by=keeper, note="Postponed")
    assessed(jonas, competence, keeper)
    assert figures("competence-covered") == (1, 0)
    assert figures("competence-covered", days=900) == (1, 1)


def test_an_action_is_done_in_time_and_somebody_says_whether_it_worked(
    keeper: Person, jonas: Person
) -> None:
    key = "competence-actions-evaluated"
    assert not answers[key](Asked(timezone.now())).arose
    competence = a_competence(keeper)
    assert answers[key](Asked(timezone.now())).arose  # there is a gap now
    action = a_competenceaction(keeper, person=jonas, competence=competence)
    assert figures(key) == (1, 0)
    assert figures(key, days=61) == (1, 1)
    values = {"outcome": "Three analyses with Ahmed."}
    action = move(action, "carry_out", by=keeper, values=values)
    assert figures(key) == (1, 1)
    values = {"worked": "yes", "effect": "Found the third cause alone."}
    action = move(action, "evaluate", by=keeper, values=values)
    assert (action.state, action.evaluated_by) == ("evaluated", keeper)
    assert figures(key) == (1, 0)


def test_nobody_says_of_their_own_training_that_it_worked(keeper: Person) -> None:
    action = a_competenceaction(keeper, person=keeper)
    action = move(action, "carry_out", by=keeper, values={"outcome": "Read the book."})
    with pytest.raises(NotOpen, match="ask somebody else"):
        move(action, "evaluate", by=keeper, values={"worked": "yes", "effect": "I know now."})


def test_evidence_of_competence_is_on_file(keeper: Person, jonas: Person) -> None:
    assert figures("competence-evidence-retained") == (0, 0)
    record = assessed(jonas, a_competence(keeper), keeper)
    assert figures("competence-evidence-retained") == (1, 0)
    from verne.engine.acts import act

    with act("settle", by=None, note="Taken from elsewhere without it"):
        CompetenceRecord.objects.filter(pk=record.pk).update(evidence="")
    assert figures("competence-evidence-retained") == (1, 1)


def test_people_see_what_is_said_of_themselves(
    keeper: Person, jonas: Person, agent: Person
) -> None:
    competence = a_competence(keeper)
    own = assessed(jonas, competence, keeper)
    assessed(agent, competence, keeper)
    assert list(CompetenceRecord.objects.visible_to(jonas)) == [own]
    assert CompetenceRecord.objects.visible_to(keeper).count() == 2
    with pytest.raises(Exception, match="do not let you"):
        file(CompetenceAction, {"person": jonas, "competence": competence}, by=jonas)
