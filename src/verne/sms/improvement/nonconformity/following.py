"""What follows for a nonconformity when one of its actions has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as say

from verne.engine.acts import move_by_rule

if TYPE_CHECKING:
    from verne.engine.history import Act


def follow_the_actions(act: Act, kinds: set[str]) -> None:
    """When the last action is done, the nonconformity waits for its effect; taken up again, not."""
    from .action import CorrectiveAction

    if act.verb not in ("move", "withdraw") or CorrectiveAction.kind_name() not in kinds:
        return
    moved = CorrectiveAction.objects.filter(pk=act.record_id or 0)
    action = moved.select_related("nonconformity").first()
    if action is None:
        return
    nonconformity = action.nonconformity
    step = nonconformity.lifecycle.moves["wait_for_effect"]
    if step not in nonconformity.moves() or step.obstacles(nonconformity):
        return
    note = say("The last of its actions is done: %(ref)s.") % {"ref": action.ref}
    move_by_rule(nonconformity, step.name, by=act.by, note=note, at=act.at)
