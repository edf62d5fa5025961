from django.utils.translation import gettext_lazy as _

from verne.engine.chapters import Chapter


class EvaluationChapter(Chapter):
    name = "verne.sms.evaluation"
    title = _("Performance evaluation")
    processes = ("audit", "sampling", "certification", "room")

    def ready(self) -> None:
        from verne.engine import guests
        from verne.engine.acts import after_act

        from .audit.finding import follow_links
        from .room.admission import admission

        super().ready()
        if follow_links not in after_act:
            after_act.append(follow_links)
        guests.admit_by(admission)
