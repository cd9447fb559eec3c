"""A time by which everything must be over, however it is spent."""

from __future__ import annotations

import time

from django.utils.translation import gettext as _

from freehold.outgoing.errors import Unreachable


class Deadline:
    """``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, more than 0; raises ``Unreachable`` when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> Unreachable:
        return Unreachable(_("It did not answer within %(seconds)g seconds.") % {"seconds": self.seconds})
