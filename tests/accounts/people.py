"""Somebody with an account, at a browser."""

from __future__ import annotations

import re
import time
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from accounts.models import User

PASSWORD = "correct horse battery staple"
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


class Person:
    def __init__(self, email: str, *, password: str | None = PASSWORD, **fields: Any) -> None:
        self.email = email
        self.user = User.objects.create_user(email, password, **fields)
        EmailAddress.objects.create(user=self.user, email=email, verified=True, primary=True)
        self.client = Client(headers=BROWSER)

    def sign_in(self, client: Client | None = None, password: str = PASSWORD) -> Any:
        client = client or self.client
        return client.post("/accounts/login/", {"login": self.email, "password": password})

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        return self.client.post(path, data or {}, **more)

    def grow_stale(self) -> None:
        """As if the sign-in were an hour old."""
        session = self.client.session
        records = session["account_authentication_methods"]
        session["account_authentication_methods"] = [{**record, "at": time.time() - 3600} for record in records]
        session.save()

    def has_app(self) -> str:
        """Sets up an authenticator app, past the pages; its secret."""
        secret = str(totp.generate_totp_secret())
        totp.TOTP.activate(self.user, secret)
        RecoveryCodes.activate(self.user)
        return secret

    def has_passkey(self, name: str = "Laptop") -> Authenticator:
        return Authenticator.objects.create(user=self.user, type=Authenticator.Type.WEBAUTHN, data={"name": name})

    def has_second_factor(self) -> bool:
        self.user.refresh_from_db()
        return self.user.second_factor


def code_of(secret: str, steps: int = 0) -> str:
    """What the app shows now, or some steps of 30 seconds later."""
    counter = int(time.time()) // 30 + steps
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def mails_to(email: str) -> list[EmailMultiAlternatives]:
    """What Django was asked to send to the address, oldest first."""
    return [message for message in mail.outbox if message.to == [email]]  # type: ignore[misc]  # they are of that type


def code_in(message: EmailMultiAlternatives) -> str:
    found = re.search(r"^    (\S+)$", str(message.body), re.MULTILINE)
    assert found is not None, message.body
    return found[1]


def link_in(message: EmailMultiAlternatives) -> str:
    """The path of the address that stands alone in a line."""
    found = re.search(r"^https?://[^/\s]+(/\S+)$", str(message.body), re.MULTILINE)
    assert found is not None, message.body
    return found[1]
