from django.utils.translation import gettext_lazy as _

from verne.engine.chapters import Chapter


class SupportChapter(Chapter):
    name = "verne.sms.support"
    title = _("Support")
    processes = ("competence", "awareness", "document", "plan")
