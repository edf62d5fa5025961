from django.utils.translation import gettext_lazy as _

from verne.engine.chapters import Chapter


class PortfolioChapter(Chapter):
    name = "verne.sms.portfolio"
    title = _("Service portfolio")
    processes = ("service", "catalogue", "configuration")
