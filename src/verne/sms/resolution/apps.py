from django.utils.translation import gettext_lazy as _

from verne.engine.chapters import Chapter


class ResolutionChapter(Chapter):
    name = "verne.sms.resolution"
    title = _("Resolution and fulfilment")
    processes = ("classification", "incident", "request", "problem")
