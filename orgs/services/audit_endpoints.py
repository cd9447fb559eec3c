"""Where an organization has its audit events sent. Its owners decide that."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from freehold import webhooks
from freehold.errors import DomainError, NotFound, NotPermitted
from freehold.outgoing.hooks import check_user_url
from orgs import audit
from orgs.actors import Actor, Verdict, may
from orgs.models import AuditEndpoint, AuditEvent, Organization
from orgs.vocabulary import Permission, State

ENDPOINTS_EACH = 5


class TooManyEndpoints(DomainError):
    code = "too-many-audit-webhooks"


class NoSuchAuditEndpoint(NotFound):
    code = "no-such-audit-webhook"


def can_manage_endpoints(organization: Organization, actor: Actor) -> Verdict:
    """Those of a closed organization end by themselves."""
    if organization.state == State.CLOSED:
        return Verdict(False, f"{organization.name!r} is closed.")
    return may(actor, Permission.MANAGE_PEOPLE, organization)


@transaction.atomic
def create_audit_endpoint(*, actor: Actor, organization: Organization, url: str) -> tuple[AuditEndpoint, str]:
    """Send events there from now on; with the secret that signs them, which can't be had again."""
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    _demand(organization, actor)
    check_user_url(url)
    if organization.audit_endpoints.count() >= ENDPOINTS_EACH:
        raise TooManyEndpoints(f"An organization has at most {ENDPOINTS_EACH} audit webhooks: delete one first.")
    secret = webhooks.new_secret()
    endpoint = AuditEndpoint.objects.create(
        organization=organization, url=url, secrets=[secret], delivered_position=_last_position()
    )
    _record(actor, "created", endpoint)
    return endpoint, secret


def _last_position() -> int:
    return AuditEvent.objects.aggregate(last=Max("position"))["last"] or 0


@transaction.atomic
def rotate_audit_secret(*, actor: Actor, endpoint: AuditEndpoint) -> str:
    """A new secret, which can't be had again. Until the next rotation the one before it signs as well."""
    locked = _locked(actor, endpoint)
    secret = webhooks.new_secret()
    locked.secrets = [secret, locked.secrets[0]]
    locked.save(update_fields=["secrets"])
    _record(actor, "rotated", locked)
    return secret


@transaction.atomic
def enable_audit_endpoint(*, actor: Actor, endpoint: AuditEndpoint) -> None:
    """Try again at once, from where it stopped, whether it was given up or waits for its next attempt."""
    locked = _locked(actor, endpoint)
    locked.disabled_at = locked.failing_since = None
    locked.next_attempt_at = timezone.now()
    locked.save(update_fields=["disabled_at", "failing_since", "next_attempt_at"])
    _record(actor, "enabled", locked)


@transaction.atomic
def delete_audit_endpoint(*, actor: Actor, endpoint: AuditEndpoint) -> None:
    locked = _locked(actor, endpoint)
    _record(actor, "deleted", locked)
    locked.delete()


def host_of(endpoint: AuditEndpoint) -> str:
    """What logs and the audit trail say of the address: a path can be a secret."""
    parts = urlsplit(endpoint.url)
    return f"{parts.scheme}://{parts.netloc}"


def _demand(organization: Organization, actor: Actor) -> None:
    if not (verdict := can_manage_endpoints(organization, actor)):
        raise NotPermitted(verdict.reason)


def _locked(actor: Actor, endpoint: AuditEndpoint) -> AuditEndpoint:
    _demand(endpoint.organization, actor)
    found = AuditEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
    if found is None:
        raise NoSuchAuditEndpoint("This audit webhook has been deleted.")
    return found


def _record(actor: Actor, what: str, endpoint: AuditEndpoint) -> None:
    audit.record(
        actor,
        f"audit_webhook.{what}",
        str(endpoint),
        organization=endpoint.organization.name,
        after={"host": host_of(endpoint)},
    )
