"""How standings came to be."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.standing import Evidence, Step
from orgs.models import Organization
from orgs.vocabulary import Standing


class StandingChange(models.Model):
    """One transition of an organization's standing. Rows are added and never changed (a trigger sees to it).

    ``since`` is when the standing began by the rules, ``at`` when it was noticed. ``facts`` is what was known.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="standing_changes")
    before = models.CharField(_("before"), max_length=20, choices=Standing.choices)
    after = models.CharField(_("after"), max_length=20, choices=Standing.choices)
    evidence = models.CharField(_("evidence"), max_length=30)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    facts = models.JSONField(_("what was known"), default=dict)
    at = models.DateTimeField(_("noticed"), default=timezone.now)

    class Meta:
        verbose_name = _("change of a standing")
        verbose_name_plural = _("changes of standings")
        indexes = [models.Index(fields=["organization", "-at"])]
        constraints = [
            models.CheckConstraint(
                name="standing_change_evidence", condition=Q(evidence__in=[e.value for e in Evidence])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.before} → {self.after}"


class Health(models.Model):
    """The last judgement on an organization: what stands in ``orgs`` with why, since when, and what comes next.

    ``warned`` is the key of the last warning sent, so that none is sent twice. ``release_due`` waits for staff.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="health")
    standing = models.CharField(_("standing"), max_length=20, choices=Standing.choices, default=Standing.GOOD)
    evidence = models.CharField(_("evidence"), max_length=30)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("next step"), null=True, blank=True)
    step = models.CharField(_("due"), max_length=20, choices=[(s.value, s.value) for s in Step], default=Step.NOTHING)
    warned = models.CharField(_("last warning"), max_length=100, blank=True)
    judged_at = models.DateTimeField(_("judged"), default=timezone.now)
    release_confirmed_by = models.CharField(_("release confirmed by"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("health")
        verbose_name_plural = _("healths")
        indexes = [models.Index(fields=["until"])]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.standing}"
