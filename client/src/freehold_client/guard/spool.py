"""A body that is held until it has been looked at whole: the name may come after the file."""

from __future__ import annotations

import errno
import io
import tempfile
import threading
import time
from typing import IO

from freehold_client.guard.errors import Unacceptable
from freehold_client.guard.limits import CHUNK, Limits
from freehold_client.guard.ports import Readable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Incoming:
    """The body as the server hands it over, read at most once and never past its end."""

    def __init__(self, source: Readable, length: int | None) -> None:
        # What has arrived, rather than all that was asked for: else one read could wait for ever.
        self._read = getattr(source, "read1", source.read)
        self._remaining = length
        self._ended = length == 0

    def next(self) -> bytes:
        """Some more of the body; nothing at its end. Raises when it ends before its stated length."""
        if self._ended:
            return b""
        size = CHUNK if self._remaining is None else min(CHUNK, self._remaining)
        data = self._receive(size)
        self._count(data)
        return data

    def _receive(self, size: int) -> bytes:
        try:
            data: bytes = self._read(size)
        except (OSError, ValueError) as error:  # a time-out or a closed connection, in whatever words of the server
            self._ended = True
            raise Unacceptable("The request's body could not be read.") from error
        return data

    def _count(self, data: bytes) -> None:
        if self._remaining is not None:
            self._remaining -= len(data)
            self._ended = not data or self._remaining == 0
            if not data and self._remaining:
                raise Unacceptable("The request's body ends before its stated length.")
        else:
            self._ended = not data

    def drain(self, limits: Limits) -> None:
        """Read the rest and throw it away, within limits: an uploader that is cut off never sees the answer."""
        deadline = time.monotonic() + limits.drain_seconds
        drained = 0
        try:
            while drained < limits.drain_bytes and time.monotonic() < deadline and (data := self.next()):
                drained += len(data)
        except Unacceptable:
            return


class SpoolBudget:
    """How much may be in temporary files at once, over all requests of this process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._used = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Reserve some bytes. Raises 503 when there are none left."""
        with self._lock:
            if self._used + size > self._limits.spool_total:
                raise Unacceptable("Too many uploads are under way. Try again in a moment.", 503)
            self._used += size

    def give_back(self, size: int) -> None:
        """Return what was reserved."""
        with self._lock:
            self._used -= size


class Spool:
    """Bytes in memory at first, in a temporary file once they are many. Closing removes the file."""

    def __init__(self, limits: Limits, budget: SpoolBudget) -> None:
        self._limits = limits
        self._budget = budget
        self._file: IO[bytes] = io.BytesIO()
        self._on_disk = False
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises 413 above the limit, 507 when the disk is full."""
        if self.size + len(data) > self._limits.max_body:
            raise Unacceptable(f"The body is longer than {self._limits.max_body} bytes.", 413)
        self._budget.take(len(data))
        self.size += len(data)
        try:
            if not self._on_disk and self.size > self._limits.spool_memory:
                self._move_to_disk()
            self._file.write(data)
        except OSError as error:
            raise _disk_trouble(error) from error

    def _move_to_disk(self) -> None:
        in_memory = self._file
        # Not a SpooledTemporaryFile: before Python 3.11 it is no proper file object, which the index may need.
        # Not a with statement: the file outlives this call, and close() ends it.
        self._file = tempfile.TemporaryFile(dir=self._limits.spool_dir, prefix="freehold-guard-")  # noqa: SIM115 -- closed with the spool
        self._on_disk = True
        in_memory.seek(0)
        self._file.write(in_memory.read())

    def rewound(self) -> IO[bytes]:
        """The bytes as a file, from the beginning."""
        try:
            self._file.seek(0)  # writes what is buffered, so this too may find the disk full
        except OSError as error:
            raise _disk_trouble(error) from error
        return self._file

    def close(self) -> None:
        """Give everything back. May be called twice."""
        self._budget.give_back(self.size)
        self.size = 0
        try:
            self._file.close()
        except OSError:  # the same full disk as before; the file has no name and goes with its descriptor
            return


def _disk_trouble(error: OSError) -> Unacceptable:
    if error.errno in _FULL:
        return Unacceptable("There is no room to hold the upload.", 507)
    return Unacceptable("The upload could not be held. Try again in a moment.", 503)
