"""What the catalogue proves about 7.5.4 and 8.2.4."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, every, evidence
from verne.engine.links import Link

from ..service.evidence import live_services, says_something
from ..service.models import DEPENDS_ON, Service
from .models import CatalogueEntry


@evidence("doc-catalogue", reads=[Service, CatalogueEntry])
def live_services_are_in_the_catalogue(asked: Asked) -> Evidence:
    """Every entry in the catalogue has an audience, so being published is being in a view."""
    return every(live_services(), pk__in=CatalogueEntry.objects.published().values("service"))


@evidence("catalogue-entry-content", reads=[CatalogueEntry, Service])
def entries_say_what_they_have_to(asked: Asked) -> Evidence:
    entries = CatalogueEntry.objects.published()
    links = Link.objects.filter(kind=DEPENDS_ON.name, ended_at=None, target__withdrawn_at=None)
    told = says_something(entries, "description", "intended_outcomes").filter(
        Q(service__stands_alone=True) | Q(service__in=links.values("source"))
    )
    return every(
        entries,
        pk__in=told.values("pk"),
        note=_("The description, the intended outcomes or the dependencies are missing."),
    )
