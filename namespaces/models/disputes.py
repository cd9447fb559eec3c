"""What a report of a namespace has beyond what every case has, and for what reasons a namespace is locked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namespaces.cases import Ground
from namespaces.models.cases import Case
from namespaces.models.grants import Grant
from namespaces.states import LockCause
from orgs.models import Organization

ADDRESS_LENGTH = 500
REASON_LENGTH = 500


class Dispute(models.Model):
    """The report behind a case of the kind ``dispute``.

    ``named`` is the organization by which the reporter chose to be called; without it the holder reads of "the
    reporter". ``holder_since`` is since when the case is about its present holder: who held the namespace before was
    heard for themselves. ``before`` is how things stood when it was decided, so that undoing puts them back.
    """

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="dispute")
    ground = models.CharField(_("ground"), max_length=20, choices=Ground.choices)
    evidence_url = models.URLField(_("evidence"), max_length=ADDRESS_LENGTH, blank=True)
    named = models.ForeignKey(Organization, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    holder_since = models.DateTimeField(_("about this holder since"), default=timezone.now)
    before = models.JSONField(_("before the decision"), null=True, blank=True)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints = [models.CheckConstraint(name="dispute_ground_known", condition=Q(ground__in=Ground.values))]

    def __str__(self) -> str:
        return f"{self.ground} in {self.case_id}"


class GrantLock(models.Model):
    """A reason for which a root takes no new projects: it is unlocked when the last one is gone.

    A locked grant without any was locked by staff. In quarantine they stay, and count again when it is taken back.
    """

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="locks")
    cause = models.CharField(_("cause"), max_length=20, choices=LockCause.choices)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, null=True, blank=True, related_name="locks")
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("lock")
        verbose_name_plural = _("locks")
        ordering = ["since", "pk"]
        constraints = [
            models.CheckConstraint(name="grant_lock_cause_known", condition=Q(cause__in=LockCause.values)),
            models.CheckConstraint(
                name="grant_lock_of_a_case",
                condition=Q(cause=LockCause.DISPUTE, case__isnull=False)
                | (~Q(cause=LockCause.DISPUTE) & Q(case__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["grant", "cause"], condition=Q(case__isnull=True), name="grant_lock_once_a_cause"
            ),
            models.UniqueConstraint(fields=["case"], condition=Q(case__isnull=False), name="grant_lock_once_a_case"),
        ]

    def __str__(self) -> str:
        return f"{self.grant_id} for {self.cause}"
