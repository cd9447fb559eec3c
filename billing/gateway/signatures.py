"""Whether a message comes from Stripe: the header ``Stripe-Signature``, checked strictly. Pure.

The header is ``t=SECONDS,v1=HEX,…``, where ``v1`` is the HMAC with SHA-256 of ``SECONDS.BODY`` under one of the
endpoint's secrets; while these are changed there is one for each. Other schemes than ``v1`` are left aside.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
"""How old a message may be, and how far ahead its clock."""
_HEADER_LENGTH, _MOST = 2000, 20
_TIME = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class BadSignature(Exception):
    """The message is refused; the text says why, without anything of the message."""


def verify(body: bytes, header: str, secrets: Sequence[str], now: datetime) -> None:
    """Raises ``BadSignature`` unless one of the secrets signed this body at about this time."""
    at, digests = _parse(header)
    signed = f"{at}.".encode() + body
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets]
    # Each is compared with each, so that the time it takes does not tell which one fits.
    if not sum(hmac.compare_digest(digest, one) for digest in digests for one in expected):
        raise BadSignature("No secret of ours has signed this body.")
    _check_time(at, now)


def _parse(header: str) -> tuple[int, list[str]]:
    if not header:
        raise BadSignature("There is no signature.")
    if not header.isascii() or len(header) > _HEADER_LENGTH:
        raise BadSignature("The signature is not in the form that Stripe's have.")
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    digests = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        raise BadSignature("The signature does not say when it was made.")
    if not 1 <= len(digests) <= _MOST or not all(_DIGEST.fullmatch(digest) for digest in digests):
        raise BadSignature("The signature has no digest of the form that Stripe's have.")
    return int(times[0]), digests


def _check_time(at: int, now: datetime) -> None:
    ahead = timedelta(seconds=at - now.timestamp())
    if ahead > TOLERANCE:
        raise BadSignature("The message was signed in the future: one of the clocks is wrong.")
    if -ahead > TOLERANCE:
        raise BadSignature("The message was signed too long ago.")
