"""The form of Freehold's tokens: ``fh_`` + type + 32 random characters + 6 of checksum.

The checksum lets a scanner tell a real token from a look-alike without asking us; the prefix lets it find one. Only
the SHA-256 of a token is stored, so a copy of the database opens nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SERVICE = "s"
ORGANIZATION = "o"
INVITATION = "i"
_RANDOM_LENGTH = 32  # 190 bits
_CHECKSUM_LENGTH = 6  # 62 ** 6 > 2 ** 32
PATTERN = re.compile(r"fh_(?P<type>[a-z])(?P<random>[0-9A-Za-z]{32})(?P<checksum>[0-9A-Za-z]{6})", re.ASCII)


def generate(kind: str = SERVICE) -> str:
    body = f"fh_{kind}" + "".join(secrets.choice(ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 of the body in base 62, most significant digit first."""
    number, digits = zlib.crc32(body.encode("ascii")), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


def is_well_formed(token: str) -> bool:
    return PATTERN.fullmatch(token) is not None and checksum(token[:-_CHECKSUM_LENGTH]) == token[-_CHECKSUM_LENGTH:]


def kind_of(token: str) -> str:
    """The type of a well-formed token: ``SERVICE``, ``ORGANIZATION``, or another."""
    return token[3]


def redacted(text: str) -> str:
    """The text with nothing of a token left but that there was one, for what is kept or sent on."""
    return PATTERN.sub(lambda found: f"fh_{found['type']}…", text)


def digest(token: str) -> bytes:
    """What is stored: 32 bytes. A fast hash is right here, for the secret is random and long."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
