"""The record types of chapter 7, so that Django knows them."""

from .awareness.models import Campaign as Campaign
from .awareness.models import CampaignReminder as CampaignReminder
from .competence.models import Competence as Competence
from .competence.models import CompetenceAction as CompetenceAction
from .competence.models import CompetenceNeed as CompetenceNeed
from .competence.models import CompetenceRecord as CompetenceRecord
from .document.models import Carried as Carried
from .document.models import Document as Document
from .document.models import Edition as Edition
from .document.reading import Reminder as Reminder
from .document.retention import Disposal as Disposal
from .document.retention import RetentionRule as RetentionRule
from .document.retention import RetentionSubject as RetentionSubject
from .document.revision import Reference as Reference
from .document.revision import Revision as Revision
from .document.waiver import ApprovalWaiver as ApprovalWaiver
from .plan.models import TakenOver as TakenOver
