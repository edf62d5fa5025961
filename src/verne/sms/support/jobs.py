"""What the processes of chapter 7 do by themselves."""

from .awareness.jobs import remind_of_campaigns as remind_of_campaigns
from .competence.jobs import expire_competences as expire_competences
from .document.jobs import publish_what_is_due as publish_what_is_due
from .document.jobs import remind_who_is_late as remind_who_is_late
