"""What the desk decides: cases, their conversation, their evaluations and their decisions (DESIGN section 8)."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namespaces import names
from namespaces.cases import (
    OPEN,
    QUEUED,
    CaseKind,
    CaseState,
    DecisionOutcome,
    DecisionState,
    EntryKind,
    Moment,
    Party,
)
from namespaces.models.grants import Grant
from namespaces.policy.evaluation import Outcome, Stake
from orgs.models import NORMALIZED_NAME, Organization
from orgs.vocabulary import Kind

TEXT_LENGTH = 4_000
_NAMED = Q(kind__in=[CaseKind.CLAIM, CaseKind.DISPUTE])
_DECIDED = [CaseState.APPROVED, CaseState.REFUSED, CaseState.SETTLED, CaseState.WITHDRAWN, CaseState.EXPIRED]


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> CaseQuerySet:
        """Not decided yet."""
        return self.filter(state__in=OPEN)

    def queued(self) -> CaseQuerySet:
        """Those that a reviewer can do something about, in the order in which they come up."""
        return self.filter(state__in=QUEUED).order_by("-priority", "waiting_since", "pk")

    def like(self, case: Case) -> CaseQuerySet:
        """Of which there is one at a time: the same asked for the same, or reported by the same person."""
        others = self.filter(kind=case.kind, organization=case.organization_id, name=case.name).exclude(pk=case.pk)
        return others.filter(filed_by=case.filed_by_id) if case.kind == CaseKind.DISPUTE else others

    def overlapping(self, namespace: str) -> CaseQuerySet:
        """Claims of names above, at or below the namespace."""
        low, high = names.interval(namespace)
        inside = Q(name__gte=low, name__lt=high)
        return self.filter(inside | Q(name__in=names.prefixes(namespace)), kind=CaseKind.CLAIM)


class Case(models.Model):
    """A claim of a namespace, an application of an organization, or a dispute about a namespace.

    ``organization`` is who claims or applies; in a dispute, who holds the namespace, while ``filed_by`` reports.
    ``name`` is the normalized namespace, empty for an application; ``wanted_kind`` is what an application asks to be.
    ``priority`` is higher for who pays, and buys nothing else; within it the queue goes by ``waiting_since``.
    ``asked`` is the party from which an answer is awaited. ``open_criteria`` are the keys of those that the last
    evaluation found not met, for filters. ``settled_by`` is the case whose approval left nothing to decide here.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=CaseKind.choices)
    state = models.CharField(_("state"), max_length=20, choices=CaseState.choices, default=CaseState.WAITING)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="cases")
    filed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="cases")
    name = models.CharField(_("namespace"), max_length=names.MAX_LENGTH, blank=True, db_collation="C")
    display_name = models.CharField(_("as it was written"), max_length=names.MAX_LENGTH, blank=True)
    wanted_kind = models.CharField(_("asks to be"), max_length=20, choices=Kind.choices, blank=True)
    statement = models.TextField(_("statement"), max_length=TEXT_LENGTH, blank=True)
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, blank=True, related_name="cases")
    priority = models.SmallIntegerField(_("priority"), default=0)
    stake = models.CharField(_("stake"), max_length=20, choices=Stake.choices, default=Stake.ORDINARY)
    open_criteria = ArrayField(models.CharField(max_length=40), verbose_name=_("criteria not met"), default=list)
    asked = models.CharField(_("asked"), max_length=20, choices=Party.choices, blank=True)
    filed_at = models.DateTimeField(_("filed"), default=timezone.now, editable=False)
    waiting_since = models.DateTimeField(_("waiting since"), default=timezone.now)
    changed_at = models.DateTimeField(_("last changed"), default=timezone.now)
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)
    appealed_at = models.DateTimeField(_("appealed"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    settled_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="settled")

    objects: ClassVar[models.Manager[Case]] = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.CheckConstraint(name="case_kind_known", condition=Q(kind__in=CaseKind.values)),
            models.CheckConstraint(name="case_state_known", condition=Q(state__in=CaseState.values)),
            models.CheckConstraint(name="case_stake_known", condition=Q(stake__in=Stake.values)),
            models.CheckConstraint(
                name="case_named",
                condition=(_NAMED & Q(name__regex=NORMALIZED_NAME)) | Q(kind=CaseKind.APPLICATION, name=""),
            ),
            models.CheckConstraint(
                name="case_wanted_kind",
                condition=(_NAMED & Q(wanted_kind="")) | Q(kind=CaseKind.APPLICATION, wanted_kind__in=Kind.values),
            ),
            models.CheckConstraint(
                name="case_decided_at",
                condition=Q(state__in=_DECIDED, decided_at__isnull=False)
                | (~Q(state__in=_DECIDED) & Q(decided_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="case_asked_somebody",
                condition=Q(state=CaseState.ASKED, asked__in=[Party.APPLICANT, Party.HOLDER], asked_at__isnull=False)
                | (~Q(state=CaseState.ASKED) & Q(asked="")),
            ),
            models.CheckConstraint(
                name="case_dispute_has_grant", condition=~Q(kind=CaseKind.DISPUTE) | Q(grant__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=Q(kind=CaseKind.CLAIM, state__in=OPEN),
                name="case_one_open_claim",
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(kind=CaseKind.APPLICATION, state__in=OPEN),
                name="case_one_open_application",
            ),
            models.UniqueConstraint(
                fields=["grant", "filed_by"],
                condition=Q(kind=CaseKind.DISPUTE, state__in=OPEN),
                name="case_one_open_dispute",
            ),
        ]
        indexes = [
            models.Index(F("priority").desc(), "waiting_since", "id", condition=Q(state__in=QUEUED), name="case_queue"),
            models.Index(fields=["name"], condition=Q(state__in=OPEN), name="case_open_name"),
            models.Index(fields=["organization", "-filed_at"], name="case_of_organization"),
            models.Index(fields=["filed_by", "-filed_at"], name="case_of_filer"),
            models.Index(fields=["decided_at"], name="case_decided"),
            models.Index(fields=["appealed_at"], condition=Q(appealed_at__isnull=False), name="case_appealed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}: {self.name or self.organization_id}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class CaseEntry(models.Model):
    """One entry of a case's history, as those concerned see it; what reviewers write among themselves is elsewhere.

    ``party`` is who did it, ``author`` the person, null for the machine. ``audience`` is who besides reviewers sees it:
    empty for everybody concerned, or one party of a dispute.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(_("kind"), max_length=20, choices=EntryKind.choices)
    party = models.CharField(_("party"), max_length=20, choices=Party.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    audience = models.CharField(_("seen by"), max_length=20, choices=Party.choices, blank=True)
    text = models.TextField(_("text"), max_length=TEXT_LENGTH, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(name="case_entry_kind_known", condition=Q(kind__in=EntryKind.values)),
            models.CheckConstraint(name="case_entry_party_known", condition=Q(party__in=Party.values)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.case_id}"


class CaseEvaluation(models.Model):
    """What the policy said of a case at a moment, with all that it depended on, so that it can be said again.

    ``inputs`` and ``thresholds`` go back into the policy as they stand here; ``result`` is its answer as it was shown
    (``namespaces.policy.evaluation.Evaluation.as_json``). Never changed.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="evaluations")
    moment = models.CharField(_("moment"), max_length=20, choices=Moment.choices)
    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)
    inputs = models.JSONField(_("inputs"))
    thresholds = models.JSONField(_("thresholds"))
    result = models.JSONField(_("result"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices)

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(name="case_evaluation_outcome_known", condition=Q(outcome__in=Outcome.values))
        ]

    def __str__(self) -> str:
        return f"{self.moment} of {self.case_id}: {self.outcome}"


class CaseDecision(models.Model):
    """A decision on a case, by the machine (``by`` is null) or by reviewers.

    Where the stake is high the first reviewer proposes it and ``confirmed_by``, who is somebody else, puts it into
    force. ``criteria`` are the keys of those on which it rests, ``text`` is what the applicant reads, ``reason`` what
    staff alone does: why a quarantine was ended before its time, for example.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="decisions")
    outcome = models.CharField(_("outcome"), max_length=20, choices=DecisionOutcome.choices)
    state = models.CharField(_("state"), max_length=20, choices=DecisionState.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="decisions")
    by_machine = models.BooleanField(_("by machine"), default=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="confirmations"
    )
    criteria = ArrayField(models.CharField(max_length=40), verbose_name=_("criteria"), default=list)
    text = models.TextField(_("to the applicant"), max_length=TEXT_LENGTH, blank=True)
    reason = models.TextField(_("for staff"), max_length=TEXT_LENGTH, blank=True)
    evaluation = models.ForeignKey(CaseEvaluation, on_delete=models.SET_NULL, null=True, related_name="decisions")
    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)
    effective_at = models.DateTimeField(_("in force since"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(name="case_decision_outcome_known", condition=Q(outcome__in=DecisionOutcome.values)),
            models.CheckConstraint(name="case_decision_state_known", condition=Q(state__in=DecisionState.values)),
            models.CheckConstraint(name="case_decision_by_two", condition=~Q(confirmed_by=F("by"))),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=[DecisionState.PROPOSED, DecisionState.EFFECTIVE]),
                name="case_decision_one_in_force",
            ),
        ]
        indexes = [models.Index(fields=["effective_at"], name="case_decision_effective")]

    def __str__(self) -> str:
        return f"{self.outcome} on {self.case_id} ({self.state})"
