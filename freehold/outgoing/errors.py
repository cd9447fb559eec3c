"""What can become of something that goes out. "Could not be checked" is never "gone" (DESIGN section 7, Proofs)."""

from __future__ import annotations


class OutgoingError(Exception):
    """``message`` is a sentence for a person; it names neither an address nor a host, so it can be shown to users."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(OutgoingError):
    """We would not: an address that is not public, a scheme or a port we do not speak to, too many redirects."""


class Elsewhere(Refused):
    """It redirects to where the caller does not follow; ``url`` is that place."""

    def __init__(self, message: str, url: str) -> None:
        super().__init__(message)
        self.url = url


class Unreachable(OutgoingError):
    """It could not be checked: no answer in time, no connection, no valid certificate, a resolver that failed."""


class TooMuch(OutgoingError):
    """There was an answer, and it was over a limit of size or of count."""


class NotThere(OutgoingError):
    """An authoritative no: the name does not exist, or has no such record."""
