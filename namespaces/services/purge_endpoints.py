"""Who is told which cached answers to purge. Only the operator decides that."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from freehold import webhooks
from freehold.errors import NotFound, NotPermitted
from namespaces.feed import current_revision
from namespaces.models import PurgeEndpoint
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict


class NoSuchPurgeEndpoint(NotFound):
    code = "no-such-purge-webhook"


def can_manage(actor: Actor) -> Verdict:
    return ALLOWED if actor.is_operator else Verdict(False, "Only the operator decides where purges are sent.")


@transaction.atomic
def create_purge_endpoint(*, actor: Actor, url: str) -> str:
    """Send purges there from now on; the secret by which they are signed. It can't be had again."""
    _demand(actor)
    webhooks.check_url(url, insecure=settings.DEBUG)
    secret = webhooks.new_secret()
    endpoint = PurgeEndpoint.objects.create(url=url, secrets=[secret], delivered_revision=current_revision())
    _record(actor, "created", endpoint)
    return secret


@transaction.atomic
def rotate_purge_secret(*, actor: Actor, number: int) -> str:
    """A new secret, which can't be had again. Messages are signed with the one before it as well, until the next
    rotation."""
    endpoint = _locked(actor, number)
    secret = webhooks.new_secret()
    endpoint.secrets = [secret, endpoint.secrets[0]]
    endpoint.save(update_fields=["secrets"])
    _record(actor, "rotated", endpoint)
    return secret


@transaction.atomic
def enable_purge_endpoint(*, actor: Actor, number: int) -> None:
    """Try again at once, from where it stopped, whether it was given up or waits for its next attempt."""
    endpoint = _locked(actor, number)
    endpoint.disabled_at = endpoint.failing_since = None
    endpoint.next_attempt_at = timezone.now()
    endpoint.save(update_fields=["disabled_at", "failing_since", "next_attempt_at"])
    _record(actor, "enabled", endpoint)


@transaction.atomic
def delete_purge_endpoint(*, actor: Actor, number: int) -> None:
    endpoint = _locked(actor, number)
    _record(actor, "deleted", endpoint)
    endpoint.delete()


def host_of(endpoint: PurgeEndpoint) -> str:
    """What logs and the audit trail say of the address: a path can be a secret."""
    parts = urlsplit(endpoint.url)
    return f"{parts.scheme}://{parts.netloc}"


def _demand(actor: Actor) -> None:
    if not (verdict := can_manage(actor)):
        raise NotPermitted(verdict.reason)


def _locked(actor: Actor, number: int) -> PurgeEndpoint:
    """It waits for a delivery that is under way."""
    _demand(actor)
    found = PurgeEndpoint.objects.select_for_update(no_key=True).filter(pk=number).first()
    if found is None:
        raise NoSuchPurgeEndpoint(f"There is no purge webhook {number}.")
    return found


def _record(actor: Actor, what: str, endpoint: PurgeEndpoint) -> None:
    audit.record(actor, f"purge_webhook.{what}", str(endpoint), after={"host": host_of(endpoint)})
