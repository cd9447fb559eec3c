"""Proofs: machine-checkable evidence about an organization."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orgs.models.organizations import Organization
from orgs.vocabulary import ProofKind, ProofState


class ProofQuerySet(models.QuerySet["Proof"]):
    def counting(self) -> ProofQuerySet:
        """Those that count as evidence: a failing one does until it is lost."""
        return self.filter(state__in=[ProofState.VERIFIED, ProofState.FAILING])


class Proof(models.Model):
    """One piece of evidence (DESIGN section 7, Proofs).

    ``subject`` is what is proved: a domain, the address of a forge organization, a prefix, the name of a sponsor.
    ``challenge`` is what has to be found there, since ``challenged_at``; for an e-mail domain it is the code that was
    mailed to ``mailbox``. ``seen`` is what the last check saw (``orgs.proofs.observations``). ``missing_days`` are the
    different days on which it was said not to be there, ``missed_on`` the last of them. ``registration`` is what the
    domain's registry, or the forge, said of its owner when it was verified; ``flag`` is why a person should look
    (``orgs.proofs.flags``), or empty. ``vouched_at`` is since when the sponsor vouches.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="proofs")
    kind = models.CharField(_("kind"), max_length=20, choices=ProofKind.choices)
    subject = models.CharField(_("subject"), max_length=300, db_collation="C")
    challenge = models.CharField(_("challenge"), max_length=64, editable=False)
    state = models.CharField(_("state"), max_length=20, choices=ProofState.choices, default=ProofState.PENDING)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    checked_at = models.DateTimeField(_("last checked"), null=True, blank=True)
    next_check_at = models.DateTimeField(_("next check"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    warned_at = models.DateTimeField(_("owners warned"), null=True, blank=True)
    seen = models.JSONField(_("seen"), default=dict, blank=True)
    registration = models.JSONField(_("registration"), default=dict, blank=True)
    flag = models.CharField(_("flag"), max_length=300, blank=True)
    challenged_at = models.DateTimeField(_("to be published since"), default=timezone.now, editable=False)
    tried_at = models.DateTimeField(_("last check begun"), null=True, blank=True, editable=False)
    missing_days = models.PositiveSmallIntegerField(_("days it was missing"), default=0)
    missed_on = models.DateField(_("last missing"), null=True, blank=True)
    mailbox = models.CharField(_("mailbox"), max_length=254, blank=True)
    vouched_at = models.DateTimeField(_("vouched for"), null=True, blank=True)

    objects: ClassVar[models.Manager[Proof]] = ProofQuerySet.as_manager()

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proofs")
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "subject"], name="proof_unique"),
            models.CheckConstraint(name="proof_kind_known", condition=Q(kind__in=ProofKind.values)),
            models.CheckConstraint(name="proof_state_known", condition=Q(state__in=ProofState.values)),
            models.CheckConstraint(
                name="proof_verified_once",
                condition=Q(state=ProofState.PENDING) | Q(verified_at__isnull=False),
            ),
            models.CheckConstraint(
                name="proof_failing_since", condition=~Q(state=ProofState.FAILING) | Q(failing_since__isnull=False)
            ),
        ]
        indexes = [models.Index(fields=["next_check_at"], name="proof_next_check")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
