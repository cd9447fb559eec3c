"""The keys by which a secret scanner signs its reports, as it publishes them, and whether a report is signed by one.

GitHub's partner protocol: ECDSA over P-256 with SHA-256 of the raw body, the signature in DER and base64, the key
named by its identifier, the keys in a list at ``FREEHOLD_SCANNING_KEYS_URL``. Only those that it calls current are
taken: what was signed by one that it has put away is somebody else's replay. The list is asked for when it is old or
when a key is named that is not in it, and at most once in ``PAUSE``, whoever calls.
"""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core.cache import cache

from freehold.outgoing import http
from freehold.outgoing.errors import OutgoingError
from freehold.parsers import InvalidJSON, loads

log = structlog.get_logger(__name__)

FRESH, USABLE, PAUSE = 60 * 60, 24 * 60 * 60, 60
"""Seconds: after which the list is asked for anew; for which it counts when that fails; between two attempts."""
_LIST, _ASKED = "scanning-keys", "scanning-keys-asked"
_LIST_BYTES, _KEYS, _LENGTH = 256 * 1024, 100, 4096

Keys = dict[str, str]


class KeysUnavailable(Exception):
    """The scanner's keys can't be had now, so nobody can say who signed."""


def is_signed(body: bytes, identifier: str, signature: str) -> bool:
    """Whether the key of this identifier, a current one, signed the body. Raises ``KeysUnavailable``."""
    if not identifier or not signature or max(len(identifier), len(signature)) > _LENGTH:
        return False
    key = _key(identifier)
    return key is not None and _verifies(key, signature, body)


def _verifies(pem: str, signature: str, body: bytes) -> bool:
    try:
        key = serialization.load_pem_public_key(pem.encode())
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            return False
        key.verify(base64.b64decode(signature, validate=True), body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
        return False
    return True


def _key(identifier: str) -> str | None:
    stored: tuple[float, Keys] = cache.get(_LIST) or (0.0, {})
    at, keys = stored
    age = time.time() - at
    if age > FRESH or identifier not in keys:
        found = _ask()
        if found is not None:
            return found.get(identifier)
        if age > USABLE:
            raise KeysUnavailable("The keys that reports are signed with can't be had now. Try again in a minute.")
    return keys.get(identifier)


def _ask() -> Keys | None:
    """The list as it is now; None when it was asked for a moment ago, or can't be had."""
    if not cache.add(_ASKED, True, PAUSE):
        return None
    try:
        reply = http.get(settings.FREEHOLD_SCANNING_KEYS_URL, accept="application/json", max_bytes=_LIST_BYTES)
        keys = _current(loads(reply.body)) if reply.status == 200 else None
    except (OutgoingError, InvalidJSON) as error:
        log.warning("scanning.keys_unavailable", error=str(error))
        return None
    if keys:
        cache.set(_LIST, (time.time(), keys), USABLE)
    return keys or None


def _current(value: Any) -> Keys:
    """By identifier, those that are current; what is not as it should be is left out."""
    listed = value.get("public_keys") if isinstance(value, dict) else None
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    found = [entry for entry in entries[:_KEYS] if entry.get("is_current") is True]
    pairs = [(entry.get("key_identifier"), entry.get("key")) for entry in found]
    return {name: key for name, key in pairs if isinstance(name, str) and isinstance(key, str)}
