from django.utils.translation import gettext_lazy as _

from verne.engine.chapters import Chapter


class LeadershipChapter(Chapter):
    name = "verne.sms.leadership"
    title = _("Leadership")
    processes = ("role",)
