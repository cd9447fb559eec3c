"""Secrets of authenticators, encrypted where they are stored (Fernet: AES-128-CBC with HMAC-SHA-256).

The key is made from ``SECRET_KEY``, which is kept apart from the database and its backups. Those from
``SECRET_KEY_FALLBACKS`` still open what they sealed, and each secret that is used is sealed anew with the first.
"""

from __future__ import annotations

import base64
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

PREFIX = "sealed:"
"""Base 32 and hexadecimal, in which secrets were stored in clear once, have no colon."""
PURPOSE = b"freehold.authenticator"
FIELDS = ("secret", "seed")


class Unopenable(Exception):
    """It was sealed with a key that is not known any more."""


def seal(text: str) -> str:
    return PREFIX + _keys().encrypt(text.encode()).decode()


def unseal(stored: str) -> str:
    """The secret; what was stored in clear is returned as it is. Raises ``Unopenable``."""
    if not stored.startswith(PREFIX):
        return stored
    try:
        return _keys().decrypt(stored.removeprefix(PREFIX)).decode()
    except InvalidToken as error:
        raise Unopenable(
            "An authenticator's secret was sealed with a SECRET_KEY that is not known any more."
        ) from error


@transaction.atomic
def seal_anew(user_id: int) -> int:
    """Seal the user's secrets with the first key, where they are in clear or sealed with one before it; how many."""
    return sum(_renew(found) for found in Authenticator.objects.select_for_update().filter(user_id=user_id))


def seal_all_anew() -> int:
    """Those of everybody, each user by themselves; how many."""
    users = Authenticator.objects.order_by("user_id").values_list("user_id", flat=True).distinct()
    return sum(seal_anew(user_id) for user_id in users)


def _renew(authenticator: Authenticator) -> bool:
    renewed = {field: seal(unseal(stored)) for field, stored in _stale(authenticator)}
    if renewed:
        authenticator.data |= renewed
        authenticator.save(update_fields=["data"])
    return bool(renewed)


def _stale(authenticator: Authenticator) -> list[tuple[str, str]]:
    stored = [(field, authenticator.data[field]) for field in FIELDS if field in authenticator.data]
    return [(field, text) for field, text in stored if not _is_current(text)]


def _is_current(stored: str) -> bool:
    try:
        _key(settings.SECRET_KEY).decrypt(stored.removeprefix(PREFIX))
    except InvalidToken:
        return False
    return True


def _keys() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: Any) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(str(secret).encode())
    return Fernet(base64.urlsafe_b64encode(derived))
