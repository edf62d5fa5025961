from .agreement.models import Agreement as Agreement
from .agreement.models import MeasurementCorrection as MeasurementCorrection
from .agreement.models import ServiceLevelMeasurement as ServiceLevelMeasurement
from .agreement.models import ServiceLevelTarget as ServiceLevelTarget
from .customer.models import Customer as Customer
from .missed.models import MissedTarget as MissedTarget
