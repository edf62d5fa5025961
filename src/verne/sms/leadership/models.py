"""The record types of chapter 5, so that Django knows them."""

from .role.models import Absence as Absence
from .role.models import Appointment as Appointment
from .role.models import Conflict as Conflict
from .role.models import RoleDefinition as RoleDefinition
