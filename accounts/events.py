"""What changed about a user's sign-in, as allauth tells it, passed on to who wants to know (``accounts.guards``).

Nothing is decided here. The one thing done is what belongs to a sign-in through the index: its name, linked when that
is connected and taken away when it is disconnected.
"""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import identity, sealed
from accounts.adapters import index_username_of, link_from_index, refused
from accounts.guards import security_event
from accounts.identity_providers import INDEX
from accounts.models import User
from freehold.errors import DomainError


@receiver(mfa.authenticator_added)
def second_factor_added(user: User, authenticator: Authenticator, **_: Any) -> None:
    security_event(user, "second_factor.added", kind=str(authenticator.type))


@receiver(mfa.authenticator_removed)
def second_factor_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    security_event(user, "second_factor.removed", kind=str(authenticator.type))


@receiver(mfa.authenticator_reset)
def recovery_codes_renewed(user: User, **_: Any) -> None:
    security_event(user, "recovery_codes.renewed")


@receiver(account.authentication_step_completed)
def second_factor_used(user: User, method: str, **_: Any) -> None:
    if method == "mfa":
        sealed.seal_anew(user.pk)


@receiver(account.email_added)
def email_added(user: User, email_address: EmailAddress, **_: Any) -> None:
    security_event(user, "email.added", after=email_address.email)


@receiver(account.email_removed)
def email_removed(user: User, email_address: EmailAddress, **_: Any) -> None:
    security_event(user, "email.removed", before=email_address.email)


@receiver(account.email_changed)
def email_changed(
    user: User, from_email_address: EmailAddress | None, to_email_address: EmailAddress, **_: Any
) -> None:
    before = from_email_address.email if from_email_address else None
    security_event(user, "email.changed", before=before, after=to_email_address.email)


@receiver([account.password_changed, account.password_set, account.password_reset])
def password_changed(user: User, **_: Any) -> None:
    security_event(user, "password.changed")


@receiver(social.social_account_added)
def sign_in_connected(request: HttpRequest, sociallogin: SocialLogin, **_: Any) -> None:
    security_event(sociallogin.user, "sign_in.connected", provider=sociallogin.account.provider)
    username = index_username_of(sociallogin)
    if not username:
        return
    try:
        link_from_index(sociallogin.user, username)
    except DomainError as error:  # somebody else was quicker, after we had looked
        sociallogin.account.delete()
        raise refused(request, error) from error


@receiver(social.social_account_removed)
def sign_in_disconnected(request: HttpRequest, socialaccount: SocialAccount, **_: Any) -> None:
    user = User.objects.get(pk=socialaccount.user_id)
    security_event(user, "sign_in.disconnected", provider=socialaccount.provider)
    if socialaccount.provider == INDEX:
        unlink_index(user)


def unlink_index(user: User) -> None:
    """Take the name away and tell of it."""
    before = identity.unlink(user=user)
    if before is not None:
        security_event(user, "identity.unlinked", before=before)
