"""Browsers in which somebody is signed in."""

from __future__ import annotations

import time

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from accounts.models import User

DAY = 86_400


def signed_in(user: User | None, *, fresh: bool = True) -> Client:
    """A client in which the user has signed in just now; not ``fresh``: a day ago. With no user, nobody has."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
        session = client.session
        at = time.time() - (0 if fresh else DAY)
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": at, "email": user.email}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client
