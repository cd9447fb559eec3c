"""Tokens that were found where everybody can read them: they end at once, and those who can make new ones are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.outbox import queue_mail
from freehold.errors import NotPermitted
from orgs import audit, tokens
from orgs.actors import Actor
from orgs.models import Invitation, OrganizationToken, ServiceToken
from orgs.selectors_people import invitation_target
from orgs.services.notices import site_url, tell_owners

SEEN_LENGTH = 250


@transaction.atomic
def report_leak(*, actor: Actor, token: str, seen: str) -> bool:
    """End the token that was found at ``seen``, an address or a few words. Whether it is or was one of ours.

    Told the same again, or of a token that has ended, it changes nothing. For operators and for scanners that have
    shown who they are.
    """
    if not actor.is_operator:
        raise NotPermitted("Only the operator, or a scanner, reports a token as leaked.")
    if not tokens.is_well_formed(token):
        return False
    end = _ENDS.get(tokens.kind_of(token))
    return end is not None and end(actor, tokens.digest(token), _plain(seen))


def _plain(seen: str) -> str:
    """What can be stored, shown and mailed: one line, and nothing of a token that stands in the address."""
    return tokens.redacted("".join(filter(str.isprintable, seen)))[:SEEN_LENGTH] or "unknown"


def _end_service_token(actor: Actor, digest: bytes, seen: str) -> bool:
    token = ServiceToken.objects.select_for_update().filter(digest=digest).first()
    if token is not None and token.revoked_at is None:
        _revoke([token], seen)
        audit.record(actor, "token.leaked", f"service token {token.name}", after={"seen": seen})
        for user in User.objects.filter(is_superuser=True, is_staff=True, is_active=True).order_by("pk"):
            queue_mail(
                to=user.email, template="service_token_leaked", context={"token": token, "seen": seen, "person": user}
            )
    return token is not None


def _end_organization_token(actor: Actor, digest: bytes, seen: str) -> bool:
    """With all that was made with it: whoever found it may have made themselves another."""
    token = OrganizationToken.objects.select_related("organization").filter(digest=digest).first()
    if token is None:
        return False
    family = [token.pk, *_made_with([token.pk])]
    living = OrganizationToken.objects.select_for_update().filter(pk__in=family, revoked_at__isnull=True)
    ended = list(living.order_by("pk"))
    if ended:
        _revoke(ended, seen)
        _tell_of(actor, token, ended, seen)
    return True


def _end_invitation(actor: Actor, digest: bytes, seen: str) -> bool:
    """The link of an open invitation. Only its addressee could accept it, but anybody could decline it."""
    invitation = Invitation.objects.select_for_update(of=("self",)).filter(digest=digest).first()
    if invitation is None:
        return False
    organization = invitation.organization
    target = invitation_target(invitation.addressee)
    audit.record(actor, "token.leaked", target, organization=organization.name, after={"seen": seen})
    page = site_url("organization-people", organization.name)
    tell_owners(organization, "invitation_leaked", addressee=invitation.addressee, seen=seen, page=page)
    invitation.delete()
    return True


def _made_with(parents: list[int]) -> Iterator[int]:
    """The tokens that were made with these, and with those in turn."""
    while parents:
        parents = list(OrganizationToken.objects.filter(made_with__in=parents).values_list("pk", flat=True))
        yield from parents


def _revoke(ended: Iterable[ServiceToken | OrganizationToken], seen: str) -> None:
    for token in ended:
        token.revoked_at, token.revoked_because = timezone.now(), f"leaked: {seen}"
        token.save(update_fields=["revoked_at", "revoked_because"])


def _tell_of(actor: Actor, token: OrganizationToken, ended: list[OrganizationToken], seen: str) -> None:
    organization, names = token.organization, [each.name for each in ended]
    audit.record(
        actor,
        "token.leaked",
        f"API token {token.name}",
        organization=organization.name,
        before={"permissions": token.permissions},
        after={"seen": seen, "revoked": names},
    )
    page = site_url("organization-tokens", organization.name)
    others = [each.name for each in ended if each.pk != token.pk]
    tell_owners(organization, "token_leaked", token=token, others=others, seen=seen, page=page)


_ENDS: dict[str, Callable[[Actor, bytes, str], bool]] = {
    tokens.SERVICE: _end_service_token,
    tokens.ORGANIZATION: _end_organization_token,
    tokens.INVITATION: _end_invitation,
}
