"""The embedded broker: a folder, as kombu has it, with messages that appear whole.

kombu opens a message's file under its final name and then writes it; a worker that looks in between takes an empty
message, and dies of it. Here a message is written beside, and named when it is done. In the same way the table of an
exchange can be empty for a moment while another process makes it: then it is read again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from time import monotonic, monotonic_ns, sleep
from typing import Any, TypeVar

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

SCHEME = "folder"
ALIAS = "freehold.broker:Transport"
_PATIENCE_SECONDS = 2.0

Result = TypeVar("Result")


def _when_written(read: Callable[[], Result]) -> Result:
    """Read what another process may be writing at this moment."""
    until = monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return read()
        except ValueError:  # of JSON that is not there yet
            if monotonic() > until:
                raise
            sleep(0.01)


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]  # kombu's stubs disagree with each other
        """The name begins with the time, for messages are taken in the order of their names."""
        name = f"{monotonic_ns():020}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        beside = folder / f"{name}.part"
        beside.write_text(dumps(payload), encoding="utf-8")
        beside.replace(folder / name)

    def get_table(self, exchange: str) -> Any:
        return _when_written(lambda: super(Channel, self).get_table(exchange))

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str) -> None:
        _when_written(lambda: super(Channel, self)._queue_bind(exchange, routing_key or "", pattern or "", queue))


class Transport(filesystem.Transport):
    Channel = Channel


def register() -> None:
    """Make ``folder://`` known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = ALIAS
