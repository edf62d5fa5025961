from .catalogue.models import CatalogueEntry as CatalogueEntry
from .configuration.models import CIAttribute as CIAttribute
from .configuration.models import CIType as CIType
from .configuration.models import ConfigurationItem as ConfigurationItem
from .service.models import Service as Service
from .service.models import ServiceOverlap as ServiceOverlap
from .service.models import ServiceRequirement as ServiceRequirement
