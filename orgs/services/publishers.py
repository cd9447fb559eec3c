"""Trusted publishers of an organization: outside identities that may publish for it (DESIGN section 5)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction

from freehold.errors import DomainError, NotFound, NotPermitted
from orgs import audit, issuers
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization, TrustedPublisher
from orgs.vocabulary import Permission, State

PUBLISHERS_LIMIT = 100


class AlreadyTrusted(DomainError):
    code = "already-trusted"


class TooManyPublishers(DomainError):
    code = "too-many-publishers"


class NoSuchPublisher(NotFound):
    code = "no-such-publisher"


@transaction.atomic
def add_publisher(
    *, actor: Actor, organization: Organization, issuer: str, claims: Mapping[str, str]
) -> TrustedPublisher:
    """Trust the tokens of the issuer that carry all of the claims. Counts from the next check on.

    Raises ``Invalid`` for what would trust strangers (``orgs.issuers``), ``AlreadyTrusted`` and ``TooManyPublishers``.
    """
    # Held, so that those who add at once come one after the other and the limit is one.
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if not (verdict := may(actor, Permission.MANAGE_TEAMS, organization)):
        raise NotPermitted(verdict.reason)
    issuer = issuers.parse_issuer(issuer)
    parsed = issuers.parse_claims(issuer, claims)
    if not (verdict := can_add_publisher(organization, actor)):
        raise TooManyPublishers(verdict.reason)
    try:
        with transaction.atomic():
            added = TrustedPublisher.objects.create(organization=organization, issuer=issuer, claims=parsed)
    except IntegrityError as error:
        raise AlreadyTrusted(f"{organization.name!r} trusts exactly these tokens already.") from error
    _record(actor, "publisher.added", added, after={"issuer": issuer, "claims": parsed})
    return added


def can_add_publisher(organization: Organization, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_TEAMS, organization)):
        return verdict
    if organization.state == State.CLOSED:
        return Verdict(False, f"{organization.name!r} is closed.")
    if TrustedPublisher.objects.filter(organization=organization).count() >= PUBLISHERS_LIMIT:
        return Verdict(False, f"An organization has at most {PUBLISHERS_LIMIT} trusted publishers; remove one first.")
    return ALLOWED


@transaction.atomic
def remove_publisher(*, actor: Actor, publisher: TrustedPublisher) -> None:
    """Trust it no more; at once."""
    if not (verdict := may(actor, Permission.MANAGE_TEAMS, publisher.organization)):
        raise NotPermitted(verdict.reason)
    deleted, _ = TrustedPublisher.objects.filter(pk=publisher.pk).delete()
    if not deleted:
        raise NoSuchPublisher("This publisher has been removed already.")
    before = {"issuer": publisher.issuer, "claims": publisher.claims}
    _record(actor, "publisher.removed", publisher, before=before)


def _record(
    actor: Actor,
    action: str,
    publisher: TrustedPublisher,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    # An issuer is longer than a target may be; before and after have it whole.
    target = f"publisher {publisher.issuer}"[:300]
    audit.record(actor, action, target, organization=publisher.organization.name, before=before, after=after)
