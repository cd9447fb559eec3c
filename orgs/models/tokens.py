"""What may speak without a person: tokens of indexes and of organizations, and trusted publishers."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orgs.models.organizations import Organization
from orgs.models.people import Membership
from orgs.vocabulary import Permission, Scope


class TrustedPublisher(models.Model):
    """An outside identity that may publish for the organization: an issuer, and claims that its tokens must carry.

    ``claims`` maps a claim's name to the exact string that is expected; a value that ends in ``*`` matches by what
    stands before it. All of them must match, and there is at least one. Older ones do not know since when.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="trusted_publishers")
    issuer = models.CharField(_("issuer"), max_length=500, db_collation="C")
    claims = models.JSONField(_("claims"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, null=True, editable=False)

    class Meta:
        verbose_name = _("trusted publisher")
        verbose_name_plural = _("trusted publishers")
        indexes = [models.Index(fields=["organization", "issuer"], name="trusted_publisher_lookup")]
        constraints = [
            models.UniqueConstraint(fields=["organization", "issuer", "claims"], name="trusted_publisher_unique"),
            models.CheckConstraint(name="trusted_publisher_claims_not_empty", condition=~Q(claims={})),
        ]

    def __str__(self) -> str:
        return self.issuer


class Token(models.Model):
    """A secret that is shown once; its SHA-256 is stored. ``revoked_because`` is empty when its maker revoked it."""

    name = models.CharField(_("name"), max_length=100)
    digest = models.BinaryField(_("digest"), max_length=32, unique=True, editable=False)
    hint = models.CharField(_("last characters"), max_length=4)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_because = models.CharField(_("why it was revoked"), max_length=300, blank=True, db_default="")
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"


class ServiceToken(Token):
    """A secret by which an index speaks to us."""

    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), verbose_name=_("scopes"))

    class Meta:
        verbose_name = _("service token")
        verbose_name_plural = _("service tokens")
        constraints = [
            models.CheckConstraint(
                name="service_token_scopes_known",
                condition=Q(scopes__contained_by=Scope.values) & Q(scopes__len__gt=0),
            ),
        ]


class OrganizationTokenQuerySet(models.QuerySet["OrganizationToken"]):
    def usable(self) -> OrganizationTokenQuerySet:
        """Neither revoked nor expired."""
        current = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
        return self.filter(current, revoked_at__isnull=True)


class OrganizationToken(Token):
    """A secret by which an organization's automation speaks to us.

    It was made by a member and goes with that membership. It may do what stands in ``permissions`` and what its maker
    may do now, whichever is less. ``made_with`` is the token that made it, if one did: when that leaks, both end.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="tokens")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="tokens")
    permissions = ArrayField(models.CharField(max_length=30, choices=Permission.choices), verbose_name=_("permissions"))
    made_with = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="made")

    objects: ClassVar[models.Manager[OrganizationToken]] = OrganizationTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.CheckConstraint(
                name="organization_token_permissions_known",
                condition=Q(permissions__contained_by=Permission.values) & Q(permissions__len__gt=0),
            ),
        ]
