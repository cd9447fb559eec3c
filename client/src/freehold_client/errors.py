"""What the client raises."""

from __future__ import annotations


class FreeholdUnavailable(Exception):
    """Freehold gave no answer that can be used, or the snapshot at hand is too old to speak for it.

    ``check_upload`` never raises it: there, no answer is a row of the fail table. ``namespaces_of`` and the command
    line do. ``code`` says why, in one word of: ``refused`` (no connection), ``timeout``, ``circuit-open``, ``status``
    (an answer that is no 200; the number is in ``status``), ``protocol`` (an answer that can't be understood),
    ``question`` (what was to be sent is no JSON) and ``no-snapshot``.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
