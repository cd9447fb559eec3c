"""The snapshot on disk, so that a restart while Freehold is down starts with what was known.

``snapshot`` holds a header, rows, and a checksum over both; ``confirmed`` holds when Freehold last confirmed that very
file, so that a snapshot which does not change is not written again and again. Both are replaced whole (write aside,
flush, rename), so a reader sees the old or the new, whenever the machine stops. A file that can't be read or written
is counted and logged; it never stops an upload.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Any, BinaryIO, NamedTuple

from freehold_client import collector
from freehold_client.counters import Counters
from freehold_client.logs import fields, log
from freehold_client.snapshot import Grant, Organization, Snapshot

_FORMAT = 1
_BATCH = 500
"""Rows on a line: parsing a line takes a millisecond or so, and no other thread runs meanwhile."""

_LEFT_BEHIND = 3600.0
"""Seconds after which an unfinished file is one that a stopped process has left."""


class Restored(NamedTuple):
    """What was on disk: the snapshot, and when it was confirmed, in seconds since 1970."""

    snapshot: Snapshot
    confirmed_at: float


class Corrupt(ValueError):
    """The file is not what we wrote."""


class Store:
    """A directory that keeps the snapshot of one Freehold. Used by one thread at a time; several processes may share
    it, for whichever writes last writes what is right."""

    def __init__(self, directory: str | os.PathLike[str], origin: str, counters: Counters) -> None:
        self._directory = Path(directory)
        self._origin = origin
        self._counters = counters
        self._digest: str | None = None
        self._revision: int | None = None

    def restore(self) -> Restored | None:
        """What is on disk, None when nothing there can be used. Never raises."""
        try:
            with (self._directory / "snapshot").open("rb") as file, collector.paused():
                restored, self._digest = _load(file, self._origin)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever is in that file, the index has to start
            self._counters.add("restore_failures")
            log.warning(
                "The stored snapshot can't be used: %s", error, extra=fields("restore.failed", error=repr(error))
            )
            return None
        self._revision = restored.snapshot.revision
        self._counters.add("restored")
        confirmed_at = self._confirmation(restored.confirmed_at)
        log.info("Restored a snapshot", extra=fields("restored", revision=self._revision, confirmed_at=confirmed_at))
        return Restored(restored.snapshot, confirmed_at)

    def keep(self, snapshot: Snapshot, confirmed_at: float) -> bool:
        """Write what is new; whether it is on disk now. Never raises."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            if self._revision != snapshot.revision:
                self._remove_leftovers(confirmed_at)
                self._replace("snapshot", lambda file: self._write(file, snapshot, confirmed_at))
                self._revision = snapshot.revision
            else:
                confirmation = {"digest": self._digest, "confirmed_at": confirmed_at}
                self._replace("confirmed", lambda file: file.write(json.dumps(confirmation).encode()))
        except (OSError, ValueError) as error:
            self._counters.add("persist_failures")
            log.warning("The snapshot can't be stored: %s", error, extra=fields("persist.failed", error=repr(error)))
            return False
        self._counters.add("persisted")
        return True

    def _confirmation(self, otherwise: float) -> float:
        """When the file was last confirmed after it was written, where that is known: even if it is an earlier time,
        which only says that the clock has been set back meanwhile."""
        try:
            kept = json.loads((self._directory / "confirmed").read_bytes())
            return float(kept["confirmed_at"]) if kept["digest"] == self._digest else otherwise
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return otherwise

    def _write(self, file: BinaryIO, snapshot: Snapshot, confirmed_at: float) -> None:
        digest = hashlib.sha256()
        for line in _lines(snapshot, confirmed_at, self._origin):
            digest.update(line)
            file.write(line)
        self._digest = digest.hexdigest()
        file.write(_line({"sha256": self._digest}))

    def _replace(self, name: str, write: Callable[[BinaryIO], Any]) -> None:
        descriptor, path = tempfile.mkstemp(prefix=f"{name}.", suffix=".new", dir=self._directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            Path(path).replace(self._directory / name)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(path).unlink()
            raise
        _sync_directory(self._directory)

    def _remove_leftovers(self, now: float) -> None:
        for path in self._directory.glob("*.new"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < now - _LEFT_BEHIND:
                    path.unlink()


def _sync_directory(directory: Path) -> None:
    """Make a rename last. Where directories can't be opened (Windows), the system sees to it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lines(snapshot: Snapshot, confirmed_at: float, origin: str) -> Iterator[bytes]:
    organizations = snapshot.organizations
    yield _line(
        {
            "format": _FORMAT,
            "origin": origin,
            "revision": snapshot.revision,
            "confirmed_at": confirmed_at,
            "grants": len(snapshot.grants),
            "organizations": len(organizations),
        }
    )
    for batch in _batches(snapshot.grants.values()):
        yield _line({"grants": batch})
    for batch in _batches(organizations.values()):
        yield _line({"organizations": batch})


def _batches(things: Iterable[Grant] | Iterable[Organization]) -> Iterator[list[Any]]:
    rows = (thing.row() for thing in things)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _load(file: BinaryIO, origin: str) -> tuple[Restored, str]:
    """What the file holds, with its checksum. Raises ``Corrupt``, and what broken JSON raises."""
    lines = file.read().splitlines(keepends=True)
    digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    if not lines or json.loads(lines[-1]) != {"sha256": digest}:
        raise Corrupt("the checksum is not that of the file")
    header = json.loads(lines[0])
    if header["format"] != _FORMAT or header["origin"] != origin:
        raise Corrupt("it is of another version or of another Freehold")
    grants: list[Grant] = []
    organizations: list[Organization] = []
    for line in lines[1:-1]:
        batch = json.loads(line)
        grants += map(_grant, batch.get("grants", ()))
        organizations += map(_organization, batch.get("organizations", ()))
    if (len(grants), len(organizations)) != (header["grants"], header["organizations"]):
        raise Corrupt("rows are missing")
    return Restored(Snapshot(int(header["revision"]), grants, organizations), float(header["confirmed_at"])), digest


def _grant(row: list[Any]) -> Grant:
    name, state, effective_at, owner, shares, publishers = row
    shared = _pairs(shares) if shares else ()
    return Grant(name, intern(state), effective_at, intern(owner), shared, _pairs(publishers) if publishers else ())


def _organization(row: list[Any]) -> Organization:
    name, state, standing, publishers, trusted, *more = row
    patterns = tuple([(intern(issuer), _pairs(pattern)) for issuer, pattern in trusted])
    former = tuple(more[0]) if more else ()
    return Organization(intern(name), intern(state), intern(standing), tuple(publishers), patterns, former)


def _pairs(rows: list[Any]) -> tuple[tuple[Any, Any], ...]:
    return tuple([(intern(first), second) for first, second in rows])
