from django.utils.translation import gettext_lazy as _

from verne.engine.chapters import Chapter


class RelationshipChapter(Chapter):
    name = "verne.sms.relationship"
    title = _("Relationship and agreement")
    processes = ("customer", "agreement", "missed")
