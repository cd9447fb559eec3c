"""Who an e-mail address and a password belong to."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.models import EmailAddress

from accounts.models import User


class SignInBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's, which asks one more table about an address that nobody has verified: the answer took longer by that,
    so that who measured it learned which addresses have an account. For the unknown it makes up the hash itself."""

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        return next((user for user in _meant_by(email.lower()) if self._check_password(user, password)), None)


def _meant_by(email: str) -> list[User]:
    """Who verified the address; else all who say that it is theirs. Both tables are asked whatever the first says."""
    addresses = list(EmailAddress.objects.filter(email=email).select_related("user"))
    users = list(User.objects.filter(email=email))
    verified = [address.user for address in addresses if address.verified]
    return verified or list({*users, *(address.user for address in addresses)})
