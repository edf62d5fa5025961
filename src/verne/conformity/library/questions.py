"""The questions of a node: which of them are asked, and what the answers speak for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .shape import Choice, Question

Answers = Mapping[str, Any]
"""By key of a question: the keys of the chosen answers, or what was written."""


@dataclass(frozen=True)
class Suggestion:
    """What the answers speak for; people may say otherwise."""

    result: str = ""
    score: float | None = None


def asked_now(questions: Sequence[Question], answers: Answers) -> list[Question]:
    """The questions that are to be answered, given the answers so far."""
    by_key = {q.key: q for q in questions}
    shown: dict[str, bool] = {}

    def is_shown(question: Question) -> bool:
        if question.key in shown:
            return shown[question.key]
        # Questions that wait for each other in a circle are asked: nobody else could begin.
        shown[question.key] = True
        shown[question.key] = _is_due(question)
        return shown[question.key]

    def _is_due(question: Question) -> bool:
        if question.asked_when is None:
            return True
        other, wanted, every_one = question.asked_when
        if other not in by_key:
            return True
        if not is_shown(by_key[other]):
            return False
        given = set(given_to(by_key[other], answers))
        return set(wanted) <= given if every_one else bool(set(wanted) & given)

    return [q for q in questions if is_shown(q)]


def given_to(question: Question, answers: Answers) -> list[str]:
    """The keys of what was chosen, or the written answer, as a list."""
    given = answers.get(question.key)
    if given in (None, "", []):
        return []
    values = given if isinstance(given, list) else [given]
    return [str(value).casefold() for value in values]


def chosen(questions: Sequence[Question], answers: Answers) -> Iterator[Choice]:
    """The chosen answers of the questions that are asked."""
    for question in asked_now(questions, answers):
        given = given_to(question, answers)
        yield from (choice for choice in question.choices if choice.key in given)


def suggestion(questions: Sequence[Question], answers: Answers) -> Suggestion:
    """What the answers speak for: nothing, while a question that decides is open."""
    results: set[str] = set()
    score: float | None = None
    for question in asked_now(questions, answers):
        given = given_to(question, answers)
        decides = any(choice.result for choice in question.choices)
        if decides and not given:
            return Suggestion()
        for choice in question.choices:
            if choice.key not in given:
                continue
            results.add(choice.result)
            if choice.add_score is not None:
                score = (score or 0) + choice.add_score * question.weight
    return Suggestion(_together(results - {""}), score)


def _together(results: set[str]) -> str:
    if len(results) > 1:
        results -= {"not applicable"}
    if len(results) == 1:
        return results.pop()
    return "partly conforming" if results else ""


def selected_groups(questions: Sequence[Question], answers: Answers) -> set[str]:
    """Implementation groups that the answers bring in."""
    return {group for choice in chosen(questions, answers) for group in choice.groups}
