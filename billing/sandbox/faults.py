"""Trouble on command: what networks, outages and other people's mistakes do to requests and to events.

A fault says what happens, to what (``match``, as file names are matched), how often (``times``, none for ever) and how
likely (``chance``, by the seed). It is set by ``POST /_sandbox/faults`` or by ``sandbox.faults.add``.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from billing.sandbox.errors import StripeFault, missing, unknown


class Hangup(Exception):
    """The answer never comes: over HTTP the connection is closed without one, in the process it is a time-out."""


class RequestTrouble(StrEnum):
    ERROR = "error"
    """A 5xx, and nothing was done."""
    ERROR_AFTER = "error_after"
    """It was done, and the way back answers 502: the same key brings the true answer."""
    ERROR_KEPT = "error_kept"
    """It was done, and 500 is the answer that is kept for the key: only a look at the object tells the truth."""
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    """No answer, and nothing was done."""
    TIMEOUT_AFTER = "timeout_after"
    """No answer, and it was done."""
    REVOKED_KEY = "revoked_key"


class EventTrouble(StrEnum):
    DUPLICATE = "duplicate"
    """Delivered once more, right after it was accepted."""
    TWINS = "twins"
    """Delivered twice at the same time."""
    REORDER = "reorder"
    """Delivered after what comes next."""
    DELAY = "delay"
    """Delivered ``seconds`` later."""
    DROP = "drop"
    """Never delivered; it can be listed."""
    NEVER_MADE = "never_made"
    """Neither delivered nor listed."""
    BAD_SIGNATURE = "bad_signature"
    NO_SIGNATURE = "no_signature"
    SKEWED_CLOCK = "skewed_clock"
    """Signed ``seconds`` ahead of the time, or behind it."""
    WRONG_VERSION = "wrong_version"
    WRONG_MODE = "wrong_mode"
    WRONG_ACCOUNT = "wrong_account"
    THIN = "thin"
    """A notification without the object, as another kind of endpoint gets it."""
    REWRITTEN = "rewritten"
    """The JSON was written anew on the way, so that the signature is of other bytes."""
    UNKNOWN_TYPE = "unknown_type"


KINDS = frozenset([*RequestTrouble, *EventTrouble])
BEFORE, WITHIN, AFTER = "before", "within", "after"
_STAGES = {
    RequestTrouble.ERROR: BEFORE,
    RequestTrouble.RATE_LIMIT: BEFORE,
    RequestTrouble.TIMEOUT: BEFORE,
    RequestTrouble.REVOKED_KEY: BEFORE,
    RequestTrouble.ERROR_KEPT: WITHIN,
    RequestTrouble.ERROR_AFTER: AFTER,
    RequestTrouble.TIMEOUT_AFTER: AFTER,
}


@dataclass
class Fault:
    kind: str
    match: str = "*"
    """Of ``POST /v1/subscriptions``, or of ``invoice.paid``."""
    times: int | None = 1
    chance: float = 1.0
    skip: int = 0
    """So many that would match go by first."""
    seconds: int = 0
    id: int = 0


@dataclass(frozen=True)
class Trouble:
    """What befalls one request. The server asks at each of its three stages."""

    kinds: frozenset[str] = frozenset()

    def strike(self, stage: str) -> None:
        """``before`` anything is done, ``within`` (what is raised is kept for the key), ``after`` it was kept."""
        for kind in sorted(self.kinds):
            if _STAGES[RequestTrouble(kind)] == stage:
                raise _raised(RequestTrouble(kind))


def _raised(kind: RequestTrouble) -> Exception:
    if kind in {RequestTrouble.TIMEOUT, RequestTrouble.TIMEOUT_AFTER}:
        return Hangup(kind)
    if kind is RequestTrouble.RATE_LIMIT:
        return StripeFault("Too many requests. (sandbox fault)", status=429, code="rate_limit")
    if kind is RequestTrouble.REVOKED_KEY:
        return StripeFault("Expired API Key provided. (sandbox fault)", status=401, code="api_key_expired")
    status = {RequestTrouble.ERROR: 503, RequestTrouble.ERROR_AFTER: 502}.get(kind, 500)
    return StripeFault("An unknown error occurred. (sandbox fault)", status=status, kind="api_error")


class Faults:
    """The faults that wait. What a chance decides depends on the seed and on what was asked before."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(f"faults {seed}")  # noqa: S311 -- it is to be the same again, not secret
        self._waiting: list[Fault] = []
        self._count = 0

    def add(self, kind: str, **terms: Any) -> Fault:
        """``match``, ``times``, ``chance``, ``skip``, ``seconds`` as in ``Fault``."""
        if kind not in KINDS:
            raise StripeFault(f"There is no fault {kind!r}: {', '.join(sorted(KINDS))}", param="kind")
        with self._lock:
            self._count += 1
            fault = Fault(kind, id=self._count, **terms)
            self._waiting.append(fault)
            return fault

    def read(self, form: Mapping[str, Any]) -> Fault:
        """As a form or JSON tells it, all of it text or numbers."""
        if not form.get("kind"):
            raise missing("kind")
        for name in form:
            if name not in _READERS:
                raise unknown(name)
        try:
            terms = {name: _READERS[name](value) for name, value in form.items() if value != "" and name != "kind"}
        except ValueError as error:
            raise StripeFault(f"A fault's terms are numbers: {error}") from error
        return self.add(str(form["kind"]), **terms)

    def clear(self, fault: int | None = None) -> None:
        with self._lock:
            self._waiting = [one for one in self._waiting if fault is not None and one.id != fault]

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def of_request(self, method: str, path: str) -> Trouble:
        return Trouble(frozenset(fault.kind for fault in self._taken(RequestTrouble, f"{method} {path}")))

    def of_event(self, kind: str) -> dict[str, Fault]:
        return {fault.kind: fault for fault in self._taken(EventTrouble, kind)}

    def _taken(self, kinds: Iterable[str], what: str) -> list[Fault]:
        with self._lock:
            if not self._waiting:
                return []
            allowed = set(kinds)
            found = [fault for fault in self._waiting if fault.kind in allowed and fnmatchcase(what, fault.match)]
            struck = [fault for fault in found if self._strikes(fault)]
            self._waiting = [fault for fault in self._waiting if fault.times != 0]
            return struck

    def _strikes(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.chance < 1 and self._random.random() >= fault.chance:
            return False
        if fault.times is not None:
            fault.times -= 1
        return True


def _times(text: str) -> int | None:
    return None if str(text) in {"always", "None"} else int(text)


_READERS: dict[str, Any] = {
    "kind": str,
    "match": str,
    "times": _times,
    "chance": float,
    "skip": int,
    "seconds": int,
}
