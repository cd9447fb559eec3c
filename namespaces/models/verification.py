"""That a community project is one, until when, and what its code forges said (DESIGN section 8)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namespaces.models.cases import Case
from orgs.models import Organization, Proof


class ForgeSignals(models.Model):
    """What a code forge said about the projects of a proved organization there, when it was last asked.

    ``data`` is ``namespaces.policy.signals.ForgeFacts`` as JSON, empty until it was answered once; ``error`` is why the
    last question was not answered. What could not be asked is not gone: ``data`` stays.
    """

    proof = models.OneToOneField(Proof, on_delete=models.CASCADE, related_name="signals")
    data = models.JSONField(_("said"), default=dict)
    seen_at = models.DateTimeField(_("last answered"), null=True, blank=True)
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("signals of a code forge")
        verbose_name_plural = _("signals of code forges")

    def __str__(self) -> str:
        return f"of proof {self.proof_id}"


class Verification(models.Model):
    """That an organization was verified as a community project; renewed every year from signals alone.

    ``warned_at`` is when its owners were told that the signals no longer suffice, ``renew_at`` until when it counts.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="verification")
    case = models.ForeignKey(Case, on_delete=models.SET_NULL, null=True, blank=True, related_name="verifications")
    verified_at = models.DateTimeField(_("verified"), default=timezone.now)
    renew_at = models.DateTimeField(_("to be renewed"))
    checked_at = models.DateTimeField(_("last checked"), null=True, blank=True)
    warned_at = models.DateTimeField(_("owners warned"), null=True, blank=True)

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        indexes = [models.Index(fields=["renew_at"], name="verification_renew")]

    def __str__(self) -> str:
        return f"of {self.organization_id}"
