"""What the guard raises inside: a request that is answered here and never passed on."""

from __future__ import annotations


class Unacceptable(Exception):
    """The request is not in the form that the guard can vouch for, or can't be held while it is looked at.

    ``status``: 400, 408, 411, 413, 415, 503 or 507. The message is one ASCII sentence for whoever made the request.
    """

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
