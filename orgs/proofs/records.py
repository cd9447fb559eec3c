"""What has to be published, and where: the names and texts that instructions show and checks look for. Pure."""

from __future__ import annotations

LABEL = "_freehold"
PREFIX = "freehold-verification="
FILE = "freehold-verification.txt"
WELL_KNOWN = f"/.well-known/{FILE}"


def text_of(challenge: str) -> str:
    """The TXT record's value, and the file's line."""
    return f"{PREFIX}{challenge}"


def record_name(domain: str) -> str:
    return f"{LABEL}.{domain}"


def file_url(domain: str, port: int = 443) -> str:
    """Where the well-known file is."""
    return f"https://{domain}{WELL_KNOWN}" if port == 443 else f"https://{domain}:{port}{WELL_KNOWN}"
