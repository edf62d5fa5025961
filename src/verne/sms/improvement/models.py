from .nonconformity.action import CorrectiveAction as CorrectiveAction
from .nonconformity.models import Cause as Cause
from .nonconformity.models import Nonconformity as Nonconformity
