"""The sandbox's time, in whole seconds since 1970. It runs like any clock, or stands; either can be put forward."""

from __future__ import annotations

import json
import time
from pathlib import Path

HOUR = 3_600
DAY = 24 * HOUR


class Clock:
    """Without ``start`` it runs with the machine's clock; with it, it stands there until it is put forward.

    ``file`` is where others can read by how many seconds it is ahead of the machine's.
    """

    def __init__(self, start: int | None = None, file: Path | None = None) -> None:
        self.stands = start is not None
        self.ahead = start or 0
        self.file = file

    def now(self) -> int:
        return self.ahead if self.stands else int(time.time()) + self.ahead

    def put(self, moment: int) -> None:
        """To this moment; never back, as a renewal can't be taken back either."""
        self.ahead += max(moment - self.now(), 0)
        self.tell()

    def tell(self) -> None:
        """At once, for whoever reads the file while it is written."""
        if self.file is not None:
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps({"offset": self.now() - int(time.time())}) + "\n", encoding="ascii")
            fresh.replace(self.file)
