"""What campaigns say about 7.3: everybody has signed that they know."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, evidence, none_of
from verne.engine.people import Person
from verne.engine.signing import Signature

from ..document.models import Document
from ..document.revision import Revision
from .models import Campaign, our_people
from .signing import MEANING

POLICY = "sm_policy"
"""The key of the documented information that the policy is."""


def know(asked: Asked, **about: bool) -> Q:
    """People who signed a campaign about this within the planned interval."""
    campaigns = Campaign.objects.standing().filter(launched_at__lte=asked.at, **about)
    words = Signature.objects.filter(
        record__in=campaigns.exclude(state="cancelled").values("pk"),
        meaning=MEANING,
        at__gte=asked.since,
        at__lte=asked.at,
    )
    return Q(pk__in=words.values("by"))


def _have_read_the_policy(asked: Asked) -> Q:
    """People who signed the policy itself, in any revision of the major number in force."""
    policies = Document.objects.standing().filter(carries__key=POLICY).values("pk")
    words = Signature.objects.filter(
        record__in=Revision.objects.filter(document__in=policies).values("pk"),
        meaning=MEANING,
        at__gte=asked.since,
        at__lte=asked.at,
    )
    return Q(pk__in=words.values("by"))


@evidence("aware-policy", reads=(Person, Campaign, Document, Revision))
def people_know_the_policy(asked: Asked) -> Evidence:
    return none_of(
        our_people(),
        ~(know(asked, about_policy=True) | _have_read_the_policy(asked)),
        note=_("Has not signed within the interval that they know the policy."),
    )


@evidence("aware-objectives", reads=(Person, Campaign))
def people_know_the_objectives(asked: Asked) -> Evidence:
    return none_of(
        our_people(),
        ~know(asked, about_objectives=True),
        note=_("Has not signed within the interval that they know the objectives."),
    )


@evidence("aware-implications", reads=(Person, Campaign))
def people_know_what_follows(asked: Asked) -> Evidence:
    return none_of(
        our_people(),
        ~know(asked, about_consequences=True),
        note=_("Has not signed within the interval that they know what follows."),
    )
