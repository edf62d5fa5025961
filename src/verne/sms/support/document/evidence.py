"""What documents prove about 4.3, 5.2, 6.3 and 7.5, and of policies and plans of 8.5 to 8.7."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine import triggers
from verne.engine.evidence import Asked, Evidence, every, evidence, none_of, some
from verne.engine.history import Act
from verne.engine.people import Assignment, Organization, Person
from verne.engine.records import Sheet
from verne.engine.register import registers
from verne.engine.rights import bundles, right
from verne.engine.signing import Signature

from .models import Carried, Document, Publication
from .retention import Disposal, RetentionRule, RetentionSubject, past_their_time
from .revision import Revision

OVERDUE = _("Not in force, approved by nobody who may, or not reviewed by its day.")


# --- What has to be in force ---------------------------------------------------------------------


def one_is_in_force(check: str, carried: str, *, approved_by: str = "") -> None:
    """Answer a check that asks for exactly one document of a kind, approved and reviewed.

    `approved_by` is the role its approver has to have held; `own` for the one the document names.
    """

    def answer(asked: Asked) -> Evidence:
        documents = _standing(asked).filter(carries__key=carried)
        in_force = documents.in_force()
        if not in_force.exists():
            return Evidence(documents, documents, OVERDUE)
        breaks = Q(review_by=None) | Q(review_by__lt=_day(asked.at))
        if in_force.count() > 1:
            return Evidence(in_force, in_force, _("More than one is in force."))
        if approved_by:
            breaks |= ~Q(pk__in=_approved_by(approved_by).values("document"))
        return none_of(in_force, breaks, note=OVERDUE)

    answer.__name__ = f"one_{carried}_is_in_force"
    evidence(check, reads=(Document, Revision))(answer)


def _approved_by(role: str) -> QuerySet[Any]:
    """Revisions in force with an approval by somebody who held the role at that moment."""
    named = Q(role=OuterRef("role_named")) if role == "own" else Q(role__key=role)
    held = Assignment.objects.filter(
        named,
        Q(until=None) | Q(until__gt=OuterRef("at")),
        person=OuterRef("by"),
        since__lte=OuterRef("at"),
    )
    signed = Signature.objects.filter(
        record=OuterRef("pk"), meaning="approval", content_hash=OuterRef("content_hash")
    ).annotate(role_named=OuterRef("document__approver_role"))
    return Revision.objects.filter(Exists(signed.filter(Exists(held))), state="in_force")


one_is_in_force("sm-policy-approved", "sm_policy", approved_by="top_management")
one_is_in_force("scope-approved-current", "scope", approved_by="top_management")
one_is_in_force("smp-approved-current", "smp")
one_is_in_force("change-policy-approved", "change_policy")
one_is_in_force("security-policy-approved", "security_policy", approved_by="own")


@evidence("doc-policies-and-continuity", reads=(Document, Revision))
def policies_of_operation_and_a_continuity_plan_are_in_force(asked: Asked) -> Evidence:
    """Of each at least one; where one kind has none, what there is of the others is not enough."""
    kinds = {"change_policy", "security_policy", "continuity_plans"}
    carrying = _standing(asked).filter(carries__key__in=kinds).exclude(state="retired").distinct()
    good = carrying.in_force().filter(review_by__gte=_day(asked.at))
    there = set(Carried.objects.filter(of__in=good.values("pk")).values_list("key", flat=True))
    if kinds <= there:
        return Evidence(carrying, carrying.none())
    bad = carrying.exclude(pk__in=good.values("pk"))
    note = _("One of the three is not in force, or not reviewed by its day.")
    return Evidence(carrying, bad if bad.exists() else carrying, note)


@evidence("sm-policy-documented", reads=(Document, Revision))
def the_policy_is_documented_under_a_number_and_approved(asked: Asked) -> Evidence:
    texts = Revision.objects.filter(state="in_force", document__in=_in_force(asked, "sm_policy"))
    return some(texts.filter(Exists(_approvals())))


def _commits(check: str, word: str) -> None:
    """Answer a check that asks the policy to mark one of its commitments."""

    def answer(asked: Asked) -> Evidence:
        policy = _in_force(asked, "sm_policy")
        return every(
            Revision.objects.filter(state="in_force", document__in=policy),
            text__iregex=rf"\[\[\s*commits:\s*{word}\s*\]\]",
            note=_("The text marks no such passage."),
        )

    answer.__name__ = f"the_policy_commits_to_{word}"
    evidence(check, reads=(Document, Revision))(answer)


_commits("policy-commits-requirements", "requirements")
_commits("policy-commits-improvement", "improvement")


# --- Made known ----------------------------------------------------------------------------------


@evidence("policy-communicated-inside", reads=(Document, Revision, Person))
def everybody_has_acknowledged_the_policy(asked: Asked) -> Evidence:
    grace = asked.delay("policy_grace_period")
    return _made_known(asked, "sm_policy", grace=grace)


@evidence("security-comm-inside", reads=(Document, Revision, Person))
def everybody_has_acknowledged_the_security_policy(asked: Asked) -> Evidence:
    return _made_known(asked, "security_policy", since=asked.since)


def _made_known(
    asked: Asked,
    carried: str,
    *,
    grace: timedelta = timedelta(0),
    since: datetime | None = None,
) -> Evidence:
    """People whose word covers the text in force; while it is young, an earlier one will do."""
    ours = Q(organization=None) | Q(organization__kind=Organization.Kind.OWN)
    people = Person.objects.filter(ours, active=True, sms_relevant=True)
    texts = Revision.objects.filter(state="in_force", document__in=_in_force(asked, carried))
    if not texts.exists():
        return Evidence(people.none(), people.none(), _("It is not in force."), arose=False)
    enough = Q(pk__in=[])
    for text in texts:
        same = Q(document=text.document_id, major=text.major)
        if text.in_force_at is not None and text.in_force_at > asked.at - grace:
            same = Q(document=text.document_id)
        enough |= same
    words = Signature.objects.filter(
        meaning="acknowledgement",
        record__in=Revision.objects.filter(enough).values("pk"),
        at__lte=asked.at,
    )
    if since is not None:
        words = words.filter(at__gte=since)
    return every(people, pk__in=words.values("by"), note=_("They have not said they read it."))


@evidence("scope-available", reads=(Document, Revision))
def the_scope_is_open_to_everybody_here(asked: Asked) -> Evidence:
    closed = Q(restricted=True) | Q(classification=Document.Classification.CONFIDENTIAL)
    return none_of(_in_force(asked, "scope"), closed, note=_("Not everybody here may read it."))


@evidence("policy-available-outside", reads=(Document, Publication))
def whoever_may_have_the_policy_outside_finds_it(asked: Asked) -> Evidence:
    """The policy says which interested parties may have it, and where each of them finds it."""
    named = Publication.objects.filter(of=OuterRef("pk"))
    out_of_sight = Q(place="") | Q(since=None) | Q(since__gt=_day(asked.at))
    return none_of(
        _in_force(asked, "sm_policy"),
        ~Q(Exists(named)) | Q(Exists(named.filter(out_of_sight))),
        note=_("It names nobody outside who may have it, or does not say where they find it."),
    )


@evidence("security-policy-available", reads=(Document,))
def the_security_policy_reaches_its_audience(asked: Asked) -> Evidence:
    return none_of(_in_force(asked, "security_policy"), _out_of_reach(), note=UNREACHED)


# --- Control -------------------------------------------------------------------------------------


@evidence("own-docs-listed", reads=(Document,))
def what_we_need_ourselves_is_in_force(asked: Asked) -> Evidence:
    return every(_standing(asked).filter(own_need=True).exclude(state="retired"), state="in_force")


@evidence("doc-scope-policy-objectives", reads=(Document, Revision))
def policy_and_objectives_are_in_an_approved_text(asked: Asked) -> Evidence:
    """Of each kind at least one document, each in a text that was approved."""
    kinds = {"sm_policy", "objectives"}
    carrying = _standing(asked).filter(carries__key__in=kinds).exclude(state="retired").distinct()
    texts = Revision.objects.filter(Exists(_approvals()), state="in_force")
    good = carrying.in_force().filter(pk__in=texts.values("document"))
    there = set(Carried.objects.filter(of__in=good.values("pk")).values_list("key", flat=True))
    if kinds <= there:
        return Evidence(carrying, carrying.exclude(pk__in=good.values("pk")))
    note = _("The policy or the objectives are in no approved text.")
    bad = carrying.exclude(pk__in=good.values("pk"))
    return Evidence(carrying, bad if bad.exists() else carrying, note)


@evidence("doc-procedures", reads=(Document, Revision))
def procedures_for_the_worst_are_approved(asked: Asked) -> Evidence:
    """One for major incidents; and each continuity plan says how to go through a loss and back."""
    kinds = ("mi_procedure", "continuity_plans")
    papers = _standing(asked).filter(carries__key__in=kinds).exclude(state="retired").distinct()
    procedures = papers.filter(carries__key="mi_procedure").in_force()
    plans = papers.filter(carries__key="continuity_plans").in_force()
    if not procedures.exists() or not plans.exists():
        waiting = papers.exclude(state="in_force")
        note = _("No major incident procedure, or no continuity plan, is in force.")
        return Evidence(papers, waiting if waiting.exists() else papers, note)
    said = plans.filter(pk__in=_stating("loss")).filter(pk__in=_stating("return"))
    good = Q(pk__in=procedures.values("pk")) | Q(pk__in=said.values("pk"))
    in_force = papers.in_force()
    return every(in_force, good, note=_("The plan marks no such procedure."))


def _plans_state(check: str, word: str) -> None:
    """Answer a check that asks every continuity plan in force to say something."""

    def answer(asked: Asked) -> Evidence:
        return every(
            _in_force(asked, "continuity_plans"),
            pk__in=_stating(word),
            note=_("The text marks no such passage."),
        )

    answer.__name__ = f"continuity_plans_state_{word}"
    evidence(check, reads=(Document, Revision))(answer)


def _stating(word: str) -> Any:
    """Documents all of whose written texts in force mark a passage; a file cannot."""
    silent = Revision.objects.filter(state="in_force").exclude(
        text__iregex=rf"\[\[\s*states:\s*{word}\s*\]\]"
    )
    return Document.objects.exclude(pk__in=silent.values("document")).values("pk")


_plans_state("continuity-plan-invocation", "invocation")
_plans_state("continuity-plan-procedures", "loss")
_plans_state("continuity-plan-recovery", "recovery")
_plans_state("continuity-plan-return", "return")


@evidence("docs-identified", reads=(Document,))
def documents_are_identified(asked: Asked) -> Evidence:
    return none_of(
        _standing(asked),
        Q(owner=None) | Q(title="") | Q(description="") | Q(document_kind=""),
        note=_("Without an owner or a description."),
    )


@evidence("docs-format", reads=(Revision,))
def texts_can_be_opened(asked: Asked) -> Evidence:
    empty = (
        Q(form=Revision.Form.WRITTEN, text="")
        | Q(form=Revision.Form.FILE, file=None)
        | Q(form=Revision.Form.ELSEWHERE, location="")
    )
    return none_of(_were_in_force(asked), empty, note=_("There is nothing to open."))


@evidence("docs-approved", reads=(Revision,))
def nothing_took_force_unreviewed_or_unapproved(asked: Asked) -> Evidence:
    return every(
        _were_in_force(asked),
        Q(Exists(_approvals())),
        reviewed_hash=F("content_hash"),
        note=_("In force without a review and an approval of exactly this text."),
    )


@evidence("docs-review-current", reads=(Document,))
def no_review_is_overdue(asked: Asked) -> Evidence:
    late = Q(review_by=None) | Q(review_by__lt=_day(asked.at))
    return none_of(_standing(asked).in_force(), late, note=_("Its review is overdue."))


UNREACHED = _("Restricted, or its audience is empty or holds a role that may not read documents.")


def _out_of_reach() -> Q:
    """Documents that somebody in their audience cannot open."""
    view = right("view", Document)
    blind = [role for role, rights in bundles().items() if view not in rights]
    chosen = Q(audience=Document.Audience.CHOSEN)
    empty = chosen & Q(audience_roles=None, audience_teams=None)
    return Q(restricted=True) | empty | (chosen & Q(audience_roles__key__in=blind))


@evidence("docs-available", reads=(Document,))
def documents_reach_their_audience(asked: Asked) -> Evidence:
    return none_of(_standing(asked).in_force(), _out_of_reach(), note=UNREACHED)


@evidence("docs-protected", reads=(Document,))
def documents_are_classified_and_every_change_is_noted(asked: Asked) -> Evidence:
    documents = _standing(asked)
    if triggers.missing(connection):
        return Evidence(documents, documents, _("The history is not kept whole: see the doctor."))
    return none_of(documents, Q(classification=""), note=_("Without a classification."))


@evidence("docs-versioned", reads=(Revision,))
def every_version_names_its_author_change_and_predecessor(asked: Asked) -> Evidence:
    earlier = Revision.objects.filter(edition=OuterRef("edition"), in_force_at__isnull=False)
    earlier = earlier.filter(
        Q(major__lt=OuterRef("major")) | Q(major=OuterRef("major"), minor__lt=OuterRef("minor"))
    )
    broken = Q(author=None) | Q(change_summary="") | Q(Exists(earlier), predecessor=None)
    return none_of(_were_in_force(asked), broken, note=_("Without author, reason or predecessor."))


@evidence("external-docs-controlled", reads=(Document,))
def documents_from_outside_are_controlled(asked: Asked) -> Evidence:
    late = Q(review_by=None) | Q(review_by__lt=_day(asked.at))
    return none_of(
        _standing(asked).filter(document_kind=Document.Kind.EXTERNAL).exclude(state="retired"),
        Q(source="") | Q(outside_edition="") | Q(owner=None) | late,
        note=_("Without source, edition or owner, or not looked at in time."),
    )


# --- Kept and disposed of ------------------------------------------------------------------------


@evidence("docs-retention", reads=(RetentionRule, Disposal, Document))
def everything_is_kept_by_a_rule(asked: Asked) -> Evidence:
    covered = set(
        RetentionSubject.objects.filter(
            of__state="in_force", of__withdrawn_at=None, of__filed_at__lte=asked.at
        ).values_list("subject", flat=True)
    )
    kinds = [s.removeprefix("document:") for s in covered if s.startswith("document:")]
    ruled = Document.objects.filter(Q(retention__isnull=False) | Q(document_kind__in=kinds))
    others = [kind for kind in registers if kind not in covered and kind != Document.kind_name()]
    return none_of(
        Sheet.objects.filter(withdrawn_at=None, filed_at__lte=asked.at),
        Q(kind__in=others)
        | Q(kind=Document.kind_name()) & ~Q(pk__in=ruled.values("pk"))
        | Q(pk__in=past_their_time(asked.at)),
        note=_("No retention rule speaks of its kind, or it is kept beyond its time."),
    )


@evidence("records-retained", reads=(RetentionRule,))
def records_keep_their_trail(asked: Asked) -> Evidence:
    records = Sheet.objects.filter(filed_at__lte=asked.at)
    if triggers.missing(connection):
        return Evidence(records, records, _("The history is not kept whole: see the doctor."))
    trail = Act.objects.filter(record=OuterRef("pk"))
    return none_of(records, ~Q(Exists(trail)), note=_("Nothing tells who filed it."))


# --- Shared --------------------------------------------------------------------------------------


def _standing(asked: Asked) -> Any:
    return Document.objects.standing().filter(filed_at__lte=asked.at)


def _in_force(asked: Asked, carried: str) -> Any:
    """Documents in force that carry a kind of documented information."""
    return _standing(asked).in_force().filter(carries__key=carried)


def _were_in_force(asked: Asked) -> Any:
    return Revision.objects.standing().filter(in_force_at__lte=asked.at)


def _approvals() -> QuerySet[Signature]:
    """Approvals of exactly the text of a revision."""
    return Signature.objects.filter(
        record=OuterRef("pk"), meaning="approval", content_hash=OuterRef("content_hash")
    )


def _day(at: datetime) -> Any:
    return timezone.localtime(at).date()
