from django.utils.translation import gettext_lazy as _

from verne.engine.chapters import Chapter


class ImprovementChapter(Chapter):
    name = "verne.sms.improvement"
    title = _("Improvement")
    processes = ("nonconformity",)

    def ready(self) -> None:
        super().ready()
        from verne.engine.acts import after_act

        from .nonconformity.following import follow_the_actions

        if follow_the_actions not in after_act:
            after_act.append(follow_the_actions)
