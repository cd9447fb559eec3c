"""Refusals of the namespace services."""

from __future__ import annotations

from freehold.errors import DomainError, Invalid, NotFound


class InvalidNamespace(Invalid):
    code = "invalid-name"


class NoSuchNamespace(NotFound):
    code = "no-such-namespace"


class NamespaceTaken(DomainError):
    """An overlapping namespace belongs to somebody else."""

    code = "namespace-taken"


class AlreadyHeld(DomainError):
    code = "already-held"


class CannotHold(DomainError):
    """The organization is in no state to receive a namespace."""

    code = "cannot-hold"


class NotNow(DomainError):
    """The grant's state, or what depends on it, does not allow the action."""

    code = "not-now"


class NoRoom(NotNow):
    """All the root namespaces that the organization pays for are in use."""

    code = "no-room"


class AlreadyShared(DomainError):
    code = "already-shared"


class NotShared(DomainError):
    code = "not-shared"
