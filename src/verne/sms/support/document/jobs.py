"""What happens to documents by itself: texts take force on their day, late readers are reminded."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine import moment
from verne.engine.acts import move_by_rule
from verne.engine.jobs import job

from . import reading
from .models import today
from .revision import due_for_force

log = logging.getLogger("verne.documents")


@job(title=gettext_lazy("Put documents in force whose day has come"), schedule="*/15 * * * *")
def publish_what_is_due() -> int:
    """Put approved revisions in force whose day has come; how many."""
    done = 0
    for revision in due_for_force(today()):
        try:
            move_by_rule(revision, "publish", by=None, note=str(_("Its day has come.")))
            done += 1
        except ValidationError as why:
            # Somebody took it back in the same moment; the others must not wait for it.
            log.warning("%s does not take force: %s", revision.ref, "; ".join(why.messages))
    return done


@job(title=gettext_lazy("Remind people of documents they have not read yet"), schedule="20 6 * * *")
def remind_who_is_late() -> int:
    """Every morning: remind people of what they should have read, at most once a week."""
    return reading.remind(moment.now())
