"""Invitations: sent by owners, answered by whoever they are to.

The link's token is known to its mail alone; the row holds its digest. A row is deleted when it is answered, and goes
with the membership of whoever sent it; what was sent stands in the audit trail, where the limits are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from accounts.identity import clean_username
from accounts.models import User
from accounts.outbox import queue_mail
from freehold.errors import DomainError, Invalid, NotFound, NotPermitted
from orgs import audit, tokens
from orgs.actors import ALLOWED, Actor, Verdict, may, membership_of
from orgs.invitees import MOST, Invitee, clean_email
from orgs.models import Invitation, Membership, Organization
from orgs.selectors_people import (
    Known,
    invitation_target,
    invitations_for,
    invitations_left,
    is_addressee,
    known,
    plain_name,
    sent_lately,
)
from orgs.services.memberships import AlreadyMember, admit
from orgs.services.notices import site_url, tell
from orgs.services.organizations import locked_organization
from orgs.vocabulary import Permission, Role, State

RESEND_AFTER = timedelta(minutes=5)
PER_ADDRESSEE = 5
"""Mails to one addressee within 24 hours, however often an invitation is revoked and made again."""
ACCEPTING = (State.APPLIED, State.ACTIVE)
"""The states in which an organization takes people in."""


class NotAccepting(DomainError):
    code = "organization-not-accepting"


class TooManyInvitations(DomainError):
    code = "too-many-invitations"
    status = 429


class TooSoon(DomainError):
    code = "too-soon"
    status = 429


class InvitationGone(NotFound):
    code = "no-such-invitation"


class InviterGone(DomainError):
    code = "inviter-may-not-invite"


@dataclass(frozen=True)
class Outcome:
    """What came of an invitee: an invitation, or what they are already."""

    invitee: Invitee
    known: Known
    invitation: Invitation | None


@transaction.atomic
def invite(*, actor: Actor, organization: Organization, invitees: Sequence[Invitee]) -> list[Outcome]:
    """Invite them all; who is in, or invited already, is told so and is no error. Or, for a reason, nobody.

    Whether anybody has an account is not told: to a user name that nobody has here, it waits until somebody does.
    """
    organization = locked_organization(organization)
    _demand(actor, organization)
    if not (verdict := can_invite(organization, actor)):
        raise NotAccepting(verdict.reason)
    wanted = [_clean(invitee, organization) for invitee in invitees]
    standings = known(organization, [one.addressee for one in wanted])
    _refuse_too_many(
        organization, [one.addressee for one, standing in zip(wanted, standings, strict=True) if not standing]
    )
    inviter = membership_of(actor, organization)
    return [
        Outcome(one, standing, None if standing else _create(actor, organization, inviter, one))
        for one, standing in zip(wanted, standings, strict=True)
    ]


def can_invite(organization: Organization, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, organization)):
        return verdict
    return _accepting(organization)


@transaction.atomic
def resend_invitation(*, actor: Actor, invitation: Invitation) -> Invitation:
    """Send it anew, from the actor now: the link before it is dead, and the time begins again."""
    invitation = _lock(invitation)
    organization = invitation.organization
    _demand(actor, organization)
    if not (verdict := can_invite(organization, actor)):
        raise NotAccepting(verdict.reason)
    if not (verdict := can_resend(invitation, actor)):
        raise TooSoon(verdict.reason)
    _refuse_too_many(organization, [invitation.addressee])
    invitation.invited_by = membership_of(actor, organization)
    _seal_and_send(actor, invitation)
    _record(actor, "invitation.resent", invitation, after=_described(invitation))
    return invitation


def can_resend(invitation: Invitation, actor: Actor) -> Verdict:
    if not (verdict := can_invite(invitation.organization, actor)):
        return verdict
    if just_sent(invitation):
        text = gettext("The invitation of %(who)s has just been sent: wait five minutes.")
        return Verdict(False, text % _who(invitation))
    return ALLOWED


def just_sent(invitation: Invitation) -> bool:
    """Too lately to be sent again."""
    return invitation.sent_at > timezone.now() - RESEND_AFTER


@transaction.atomic
def revoke_invitation(*, actor: Actor, invitation: Invitation) -> None:
    """Take it back: its link is dead."""
    invitation = _lock(invitation)
    _demand(actor, invitation.organization)
    _record(actor, "invitation.revoked", invitation, before=_described(invitation))
    invitation.delete()


@transaction.atomic
def accept_invitation(*, actor: Actor, invitation: Invitation) -> Membership:
    """Join the organization in the role and the teams that were offered; takes a seat."""
    invitation = _lock(invitation)
    organization = invitation.organization
    if actor.user is None or not can_answer(invitation, actor):
        raise NotPermitted(_not_yours(invitation))
    if invitation.expires_at <= timezone.now():
        raise InvitationGone(_gone())
    if not (verdict := can_accept(invitation, actor)):
        raise (InviterGone if _accepting(organization) else NotAccepting)(verdict.reason)
    if membership_of(actor, organization) is not None:
        raise AlreadyMember(gettext("You are in %(organization)s already.") % {"organization": organization.name})
    teams = organization.teams.filter(invitations=invitation)
    membership = admit(
        organization,
        actor.user,
        Role(invitation.role),
        by=actor,
        teams=teams,
        facts={"invitation": invitation.addressee, "invited_by": _sender(invitation)},
    )
    invitations_for(actor.user).filter(organization=organization).delete()  # to whichever of their addresses
    return membership


def can_answer(invitation: Invitation, actor: Actor) -> Verdict:
    """Whether it is to this person: to an address that they verified, or to their user name of the index."""
    user = actor.user
    if user is None or not user.is_active or not is_addressee(user, invitation):
        return Verdict(False, _not_yours(invitation))
    return ALLOWED


def can_accept(invitation: Invitation, actor: Actor) -> Verdict:
    if not (verdict := can_answer(invitation, actor)):
        return verdict
    if not (verdict := _accepting(invitation.organization)):
        return verdict
    return _inviter_still_may(invitation)


@transaction.atomic
def decline_invitation(*, actor: Actor, invitation: Invitation, token: str = "") -> None:
    """Turn it down, and tell whoever sent it. The link's token will do for an account: only the addressee got it."""
    invitation = _lock(invitation)
    by_link = bool(token) and tokens.digest(token) == bytes(invitation.digest)
    if not by_link and not (verdict := can_answer(invitation, actor)):
        raise NotPermitted(verdict.reason)
    _record(actor, "invitation.declined", invitation, before=_described(invitation))
    inviter = invitation.invited_by
    if inviter is not None and inviter.user.is_active:
        tell([inviter.user], invitation.organization, "invitation_declined", addressee=invitation.addressee)
    invitation.delete()


@transaction.atomic
def prune_invitations(*, older_than: timedelta = timedelta(days=30)) -> int:
    """Forget those that nobody answered and that expired so long ago; how many. What was sent stands in the trail."""
    expired = Invitation.objects.filter(expires_at__lt=timezone.now() - older_than)
    # One that is being sent again is left: it is not expired any more.
    found = list(expired.select_for_update(skip_locked=True).values_list("pk", flat=True))
    Invitation.objects.filter(pk__in=found).delete()
    return len(found)


def _demand(actor: Actor, organization: Organization) -> None:
    """Only owners invite at all. Raises ``NotPermitted``."""
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, organization)):
        raise NotPermitted(verdict.reason)


def _lock(invitation: Invitation) -> Invitation:
    """The organization first, as everywhere. Raises ``InvitationGone`` for one that is answered, revoked or expired."""
    organization = locked_organization(invitation.organization)
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("invited_by__user")
    found = rows.filter(pk=invitation.pk).first()
    if found is None:
        raise InvitationGone(_gone())
    found.organization = organization
    return found


def _gone() -> str:
    return gettext("This invitation is not there any more: ask for a new one.")


def _clean(invitee: Invitee, organization: Organization) -> Invitee:
    """In the form in which it is kept. Raises ``Invalid``."""
    if bool(invitee.email) == bool(invitee.index_username):
        raise Invalid(gettext("An invitation is to an e-mail address or to a user name, and not to both."))
    if any(team.organization_id != organization.pk for team in invitee.teams):
        raise Invalid(gettext("A team that is named is not of %(name)s.") % {"name": organization.name})
    role = Role(invitee.role)
    if invitee.email:
        return replace(invitee, role=role, email=clean_email(invitee.email))
    return replace(invitee, role=role, index_username=clean_username(invitee.index_username))


def _refuse_too_many(organization: Organization, addressees: Sequence[str]) -> None:
    """So that nobody mails strangers through us. Counted in the trail, where no answer takes them away."""
    if len(addressees) > MOST:
        raise Invalid(gettext("At most %(most)s people are invited in one go.") % {"most": MOST})
    lately = sent_lately(organization)
    left = invitations_left(organization)
    if len(addressees) > left:
        raise TooManyInvitations(_too_many(organization, left))
    if often := [one for one in addressees if lately[one] >= PER_ADDRESSEE]:
        text = gettext("%(who)s was sent %(count)s invitations within 24 hours: try again tomorrow.")
        raise TooManyInvitations(text % {"who": often[0], "count": PER_ADDRESSEE})


def _too_many(organization: Organization, left: int) -> str:
    limit = settings.FREEHOLD_INVITATIONS_PER_DAY
    text = ngettext(
        "%(organization)s sends at most %(limit)s invitation within 24 hours, and %(left)s is left now.",
        "%(organization)s sends at most %(limit)s invitations within 24 hours, and %(left)s are left now.",
        limit,
    )
    return text % {"organization": organization.name, "limit": limit, "left": left}


def _create(actor: Actor, organization: Organization, inviter: Membership | None, invitee: Invitee) -> Invitation:
    """In place of one that expired, if there is one."""
    addressee = {"email": invitee.email, "index_username": invitee.index_username}
    organization.invitations.filter(**addressee).delete()
    invitation = Invitation(organization=organization, role=invitee.role, invited_by=inviter, **addressee)
    _seal_and_send(actor, invitation)
    invitation.teams.set(invitee.teams)
    _record(actor, "invitation.sent", invitation, after=_described(invitation))
    return invitation


def _seal_and_send(actor: Actor, invitation: Invitation) -> None:
    """A new token, stored as its digest; in clear it is in the mail alone."""
    token = tokens.generate(tokens.INVITATION)
    invitation.digest = tokens.digest(token)
    invitation.sent_at = timezone.now()
    invitation.expires_at = invitation.sent_at + settings.FREEHOLD_INVITATION_TTL
    invitation.save()
    to = invitation.email or _address_of(invitation.index_username)
    if to:
        queue_mail(to=to, template="invitation", context=_letter(actor, invitation, token))


def _letter(actor: Actor, invitation: Invitation, token: str) -> dict[str, object]:
    """Nothing in it is free text: it goes to strangers."""
    return {
        "invitation": invitation,
        "organization": plain_name(invitation.organization),
        "by": actor.label if invitation.invited_by else "",
        "role": Role(invitation.role).label,
        "url": site_url("invitation", token),
        "days": settings.FREEHOLD_INVITATION_TTL.days,
    }


def _address_of(index_username: str) -> str:
    """Where a user of the index reads mail, as far as we know."""
    user = User.objects.filter(index_username=index_username, is_active=True).first()
    return user.email if user else ""


def _accepting(organization: Organization) -> Verdict:
    if organization.state in ACCEPTING:
        return ALLOWED
    text = gettext("%(organization)s is %(state)s and takes nobody in.")
    return Verdict(False, text % {"organization": organization.name, "state": organization.get_state_display().lower()})


def _inviter_still_may(invitation: Invitation) -> Verdict:
    inviter = invitation.invited_by
    if inviter is None or may(Actor.person(inviter.user), Permission.MANAGE_PEOPLE, invitation.organization):
        return ALLOWED
    text = gettext("Whoever invited you may not invite people to %(organization)s now: ask an owner for a new one.")
    return Verdict(False, text % {"organization": invitation.organization.name})


def _not_yours(invitation: Invitation) -> str:
    return gettext("This invitation is to %(who)s: sign in with an account to which that belongs.") % _who(invitation)


def _who(invitation: Invitation) -> dict[str, str]:
    return {"who": invitation.addressee}


def _sender(invitation: Invitation) -> str:
    return invitation.invited_by.user.email if invitation.invited_by else "operator"


def _described(invitation: Invitation) -> dict[str, object]:
    teams = sorted(invitation.teams.values_list("name", flat=True))
    return {"role": str(invitation.role), "teams": teams, "until": invitation.expires_at.isoformat()}


def _record(
    actor: Actor,
    action: str,
    invitation: Invitation,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    organization = invitation.organization.name
    audit.record(
        actor, action, invitation_target(invitation.addressee), organization=organization, before=before, after=after
    )
