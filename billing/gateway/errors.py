"""What may come of a call to Stripe, by what can be done about it. Pure."""

from __future__ import annotations


class GatewayError(Exception):
    """A call that brought nothing. ``code`` and ``param`` are Stripe's, empty where it said none."""

    def __init__(self, message: str, *, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param


class Unavailable(GatewayError):
    """No answer, a server's fault or too many requests: nothing is known, and the same call may be made again."""


class Refused(GatewayError):
    """The request is wrong as it stands; making it again changes nothing."""


class NotThere(Refused):
    """No such object, or not with this key."""


class WrongMode(NotThere):
    """The object is of the other mode: a test key met a live object, or the reverse."""


class Declined(GatewayError):
    """The payment was refused, or somebody has to authenticate it first; ``code`` says which."""


class Misconfigured(GatewayError):
    """The key is missing, revoked or may not do this: for the operator to mend."""
