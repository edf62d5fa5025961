"""Every table of the engine, so that Django finds them."""

from .approvals import Approval as Approval
from .approvals import Vote as Vote
from .calendars import CalendarVersion as CalendarVersion
from .calendars import ServiceCalendar as ServiceCalendar
from .clock import Clock as Clock
from .clock import ClockEvent as ClockEvent
from .comments import Comment as Comment
from .escalation import Escalation as Escalation
from .files import Attachment as Attachment
from .files import File as File
from .history import Act as Act
from .history import Entry as Entry
from .jobs import JobSchedule as JobSchedule
from .links import Link as Link
from .people import Assignment as Assignment
from .people import Organization as Organization
from .people import Person as Person
from .people import Role as Role
from .people import Team as Team
from .records import Counter as Counter
from .records import Sheet as Sheet
from .signing import Signature as Signature
