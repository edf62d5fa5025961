"""What stands in the way of a nonconformity: functions that look at it and say why, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import about
from verne.engine.moment import now

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.people import Person

    from .models import Nonconformity

AGREED_BEFORE = (
    "success_criterion",
    "proof",
    "proof_check",
    "proof_list",
    "proof_expects",
    "proof_number",
    "verify_after_days",
)
"""What success means; it stands from the moment the work begins."""


# --- Correction, extent and cause ----------------------------------------------------------------


@about("correction", "no_correction")
def correction_is_stated(nonconformity: Nonconformity) -> StrOrPromise | None:
    if nonconformity.correction.strip() or nonconformity.no_correction.strip():
        return None
    return _("Say how it was corrected, or why nothing can be corrected.")


@about("requirement", "other_requirement")
def its_requirement_is_named(nonconformity: Nonconformity) -> StrOrPromise | None:
    if nonconformity.requirement.strip() or nonconformity.other_requirement.strip():
        return None
    return _("Name the obligation it is against, or the other requirement.")


@about("needs_action")
def a_major_one_calls_for_action(nonconformity: Nonconformity) -> StrOrPromise | None:
    if nonconformity.grade == "major" and nonconformity.needs_action is False:
        return _("The cause of a major nonconformity has to be removed.")
    return None


@about("needs_action")
def its_causes_are_found_or_left(nonconformity: Nonconformity) -> StrOrPromise | None:
    if nonconformity.needs_action is False or nonconformity.causes.filter(is_root=True).exists():
        return None
    return _("Ask why until you come to a cause that you can remove, and mark it.")


def nothing_more_is_needed(nonconformity: Nonconformity) -> StrOrPromise | None:
    if nonconformity.needs_action:
        return _("Its cause has to be removed: plan actions and begin.")
    if open_ones := nonconformity.actions.standing().open().count():
        return say("%(number)d of its actions are not done.") % {"number": open_ones}
    return None


def it_is_still_in_question(nonconformity: Nonconformity) -> StrOrPromise | None:
    if nonconformity.round == 1:
        return None
    return _("It was accepted and worked on: carry it to its end.")


# --- Action --------------------------------------------------------------------------------------


def work_is_planned(nonconformity: Nonconformity) -> StrOrPromise | None:
    """At least one action on the cause, each with an owner and a day."""
    if nonconformity.needs_action is False:
        return _("It was judged that its cause need not be removed: close it, or analyse it again.")
    actions = list(nonconformity.actions_of_this_round().exclude(state="dropped"))
    if not any(action.is_on_the_cause and action.is_open for action in actions):
        return _("Plan at least one corrective action that is still to be done.")
    for action in actions:
        if action.owner_id is None or action.due_at is None:
            return say("%(ref)s needs an owner and a day by which it is done.") % {
                "ref": action.ref
            }
    return None


@about("proof", "proof_check", "proof_list")
def its_proof_can_be_asked(nonconformity: Nonconformity) -> StrOrPromise | None:
    proof = nonconformity.proof
    if proof == nonconformity.Proof.CHECK and not nonconformity.proof_check:
        return _("Name the check that must hold.")
    if proof == nonconformity.Proof.LIST and not nonconformity.proof_list:
        return _("Give the address of the list.")
    return None


def its_actions_are_done(nonconformity: Nonconformity) -> StrOrPromise | None:
    actions = nonconformity.actions_of_this_round()
    waiting = list(actions.in_state("planned", "under_way").order_by("pk").values_list("ref"))
    if waiting:
        return say("Not done yet: %(refs)s.") % {"refs": ", ".join(ref for (ref,) in waiting[:10])}
    if not actions.on_the_cause().in_state("done").exists():
        return _("No action on the cause has been carried out.")
    return None


def a_criterion_is_set_for_work_to_come(nonconformity: Nonconformity) -> dict[str, Any]:
    """Errors by field where the meaning of success is changed after the work has begun."""
    if nonconformity._state.adding:
        return {}
    before = (
        type(nonconformity)
        .objects.filter(pk=nonconformity.pk)
        .values("state", "round", *AGREED_BEFORE)
        .get()
    )
    begun = before["state"] in ("in_corrective_action", "awaiting_effectiveness")
    if not begun or nonconformity.state == "analysed":
        return {}
    why = _("This was settled before the work began. Go back to the analysis to change it.")
    return {name: why for name in AGREED_BEFORE if getattr(nonconformity, name) != before[name]}


# --- Verification --------------------------------------------------------------------------------


@about("verifier")
def its_verifier_had_no_part(nonconformity: Nonconformity) -> StrOrPromise | None:
    if nonconformity.verifier is None:
        return None
    return their_part(nonconformity, nonconformity.verifier)


def the_delay_has_passed(nonconformity: Nonconformity) -> StrOrPromise | None:
    first = nonconformity.verify_from
    if first is None or now().date() >= first:
        return None
    return say("Its effect is verified from %(day)s on.") % {"day": first.isoformat()}


def somebody_without_a_part_verifies(
    nonconformity: Nonconformity, person: Person
) -> StrOrPromise | None:
    return their_part(nonconformity, person)


def the_proof_holds(nonconformity: Nonconformity, person: Person) -> StrOrPromise | None:
    """The query that was agreed on is asked anew, as the verifier sees the records."""
    seen = nonconformity.proof_now(person, now())
    if seen is None:
        if nonconformity.proof == nonconformity.Proof.CHECK:
            return _("The check that was to show it cannot be computed.")
        return None
    if nonconformity.is_as_expected(seen):
        return None
    if nonconformity.proof == nonconformity.Proof.CHECK:
        return say("The check still fails: %(found)d of %(all)d records break it.") % {
            "found": seen.found,
            "all": seen.population,
        }
    return say("The list holds %(found)d records, which is not what was expected.") % {
        "found": seen.found
    }


def their_part(nonconformity: Nonconformity, person: Person) -> StrOrPromise | None:
    """Why this person cannot judge the effect: they own it or worked on it."""
    if person.pk == nonconformity.owner_id:
        return say("%(person)s owns it: somebody else verifies the effect.") % {"person": person}
    actions = nonconformity.actions_of_this_round()
    theirs = actions.touched_by(person).order_by("pk").values_list("ref", flat=True)
    if refs := list(theirs[:5]):
        return say("%(person)s worked on %(refs)s: somebody else verifies the effect.") % {
            "person": person,
            "refs": ", ".join(refs),
        }
    return None
