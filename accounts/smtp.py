"""The address of a mail server, as ``FREEHOLD_SMTP_URL`` gives it. Pure: read by the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

SCHEMES = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
"""Plain, STARTTLS, and TLS from the first byte; with the port of each."""

TIMEOUT = 15
"""Seconds for one answer of the server: a worker must not hang on a dead one."""


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    username: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False
    timeout: int = TIMEOUT

    @classmethod
    def from_url(cls, url: str) -> Self:
        """``smtp+tls://user:password@host:587``. Raises ``ValueError`` with a sentence for what is no such address."""
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise ValueError("must look like smtp+tls://user:password@host:587 (or smtps://, or smtp:// without TLS).")
        return cls(
            host=parts.hostname,
            port=parts.port or SCHEMES[parts.scheme],
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            use_tls=parts.scheme == "smtp+tls",
            use_ssl=parts.scheme == "smtps",
        )
