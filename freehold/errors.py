"""Errors of the domain: raised by services, translated once by views, API and commands."""

from __future__ import annotations


class DomainError(Exception):
    """A refusal with its reason.

    ``code`` is stable and for machines; ``message`` is one sentence for a person, saying what to do where there is
    something to do; ``status`` is the HTTP status that fits.
    """

    code = "refused"
    status = 409

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class NotPermitted(DomainError):
    code = "not-permitted"
    status = 403


class NotFound(DomainError):
    code = "not-found"
    status = 404


class Invalid(DomainError):
    code = "invalid"
    status = 400
