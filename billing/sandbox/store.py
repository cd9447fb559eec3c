"""Everything that the sandbox knows: the objects, the events, what is due when. One lock, one instance a process."""

from __future__ import annotations

import heapq
import json
import random
import string
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stripe._api_version import _ApiVersion

from billing.sandbox.clock import Clock
from billing.sandbox.errors import StripeFault, no_such
from billing.sandbox.faults import Faults

VERSION = _ApiVersion.CURRENT
"""The API version that the SDK is pinned to, and the only one spoken here."""

Object = dict[str, Any]
Listener = Callable[[Object], None]

_LETTERS = string.ascii_letters + string.digits
_INDEXED = {
    "invoice": ("customer",),
    "subscription": ("customer",),
    "charge": ("customer", "payment_intent"),
    "payment_intent": ("customer",),
    "invoiceitem": ("customer",),
    "tax_id": ("customer",),
    "customer_balance_transaction": ("customer",),
    "billing.meter_event": ("_customer",),
    "invoice_payment": ("invoice",),
    "refund": ("charge",),
    "balance_transaction": ("source",),
    "credit_note": ("invoice", "customer"),
}
"""By which of their fields, which never change, objects are looked up without a walk through all of them."""
_NESTED = frozenset({dict, list})
_SAVED = ("objects", "answers", "due", "counter", "number")


class Sandbox:
    """Hold :meth:`work` around everything that changes something."""

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: Clock | None = None,
        path: Path | None = None,
        api_key: str = "sk_test_freehold",
        base: str = "http://127.0.0.1:8799",
    ) -> None:
        self.seed, self.api_key, self.path = seed, api_key, path
        self.base = base
        """Where people find the hosted pages."""
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.random = random.Random(seed)  # noqa: S311 -- a run is to be repeatable, and nothing here is secret
        self.faults = Faults(seed)
        self.listeners: list[Listener] = []
        self.objects: dict[str, dict[str, Object]] = {}
        self.kinds: dict[str, str] = {}
        self.index: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self.answers: dict[str, Object] = {}
        self.in_flight: set[str] = set()
        self.due: dict[str, list[list[Any]]] = {}
        self.counter = self.number = 0
        self.moment: int | None = None
        self.request: Object | None = None
        self._depth = 0
        self._untold: list[Object] = []
        self._saver: threading.Timer | None = None
        if path is not None and path.exists():
            self.load()

    # --- Time ---------------------------------------------------------------------------------------------------------

    def now(self, customer: str | None = None) -> int:
        """Of the customer's test clock, if there is one; while something that was due happens, the time it was due."""
        if self.moment is not None:
            return self.moment
        clock = self.clock_of(customer)
        return int(self.get("test_helpers.test_clock", clock)["frozen_time"]) if clock else self.clock.now()

    def clock_of(self, customer: str | None) -> str:
        """The id of the customer's test clock, empty without one."""
        found = self.objects.get("customer", {}).get(customer or "", {})
        return found.get("test_clock") or ""

    def wake(self, at: int, job: str, identifier: str, customer: str | None = None) -> None:
        """Have the job look at this object at that time. It looks again whether anything is due, so once more is no
        harm."""
        waiting = self.due.setdefault(self.clock_of(customer), [])
        heapq.heappush(waiting, [at, self._next(), job, identifier])

    # --- Objects ------------------------------------------------------------------------------------------------------

    def new_id(self, prefix: str, length: int = 20) -> str:
        made = "".join(self.random.choices(_LETTERS, k=length))
        return f"{prefix}_{made}{self._next():04d}"

    def _next(self) -> int:
        self.counter += 1
        return self.counter

    def put(self, kind: str, obj: Object) -> Object:
        """Enter a new object; a known one is changed where it stands."""
        known = self.objects.setdefault(kind, {})
        if obj["id"] not in known:
            self.kinds[obj["id"]] = kind
            for field in _INDEXED.get(kind, ()):
                self.index[kind, field, obj.get(field) or ""].append(obj["id"])
        known[obj["id"]] = obj
        return obj

    def get(self, kind: str, identifier: str, param: str = "id") -> Object:
        """Raises ``StripeFault``. A 404 if it is the address that names it, a 400 if it is a parameter."""
        try:
            return self.objects[kind][identifier]
        except KeyError:
            fault = no_such(kind.rpartition(".")[2].replace("_", " "), identifier, param)
            fault.status = 404 if param == "id" else 400
            raise fault from None

    def forget(self, kind: str, identifier: str) -> None:
        obj = self.get(kind, identifier)
        for field in _INDEXED.get(kind, ()):
            self.index[kind, field, obj.get(field) or ""].remove(identifier)
        del self.objects[kind][identifier], self.kinds[identifier]

    def find(self, kind: str, **equal: Any) -> list[Object]:
        """Those of whom all of this is true, the oldest first."""
        known = self.objects.get(kind, {})
        indexed = [field for field in _INDEXED.get(kind, ()) if isinstance(equal.get(field), str)]
        among = (
            [known[i] for i in self.index.get((kind, indexed[0], equal[indexed[0]]), ())] if indexed else known.values()
        )
        return [obj for obj in among if all(obj.get(field) == value for field, value in equal.items())]

    # --- Events -------------------------------------------------------------------------------------------------------

    def emit(self, type: str, obj: Object, previous: Object | None = None) -> None:  # noqa: A002 -- its name at Stripe
        """Make an event with the object as it is now; listeners hear of it when the work is done."""
        data: Object = {"object": public(obj)}
        if previous is not None:
            data["previous_attributes"] = public(previous)
        customer = obj["id"] if obj["object"] == "customer" else obj.get("customer")
        event: Object = {
            "id": self.new_id("evt"),
            "object": "event",
            "account": None,
            "api_version": VERSION,
            "context": None,
            "created": self.now(customer),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": self.request or {"id": None, "idempotency_key": None},
            "type": type,
        }
        self._untold.append(self.put("event", event))
        if not self._depth:
            self._tell()

    @contextmanager
    def work(self) -> Iterator[Sandbox]:
        """Nobody else changes anything meanwhile. Listeners are told after it, when they can ask back."""
        told: list[Object] = []
        try:
            with self.lock:
                self._depth += 1
                try:
                    yield self
                finally:
                    self._depth -= 1
                    if not self._depth:
                        told, self._untold = self._untold, []
                        self._save_soon()
        finally:
            self._hand_out(told)

    def _tell(self) -> None:
        told, self._untold = self._untold, []
        self._hand_out(told)

    def _hand_out(self, events: list[Object]) -> None:
        for event in events:
            for listener in list(self.listeners):
                listener(event)

    # --- On disk ------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """To ``path``, at once and whole."""
        if self.path is None:
            return
        with self.lock:
            state = {name: getattr(self, name) for name in _SAVED}
            text = json.dumps({**state, "random": self.random.getstate(), "clock": self.clock.ahead})
            partial = self.path.with_name(self.path.name + ".partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.path)

    def close(self) -> None:
        """Save for the last time: nothing is written afterwards, where another may have begun on the same file."""
        if self._saver is not None:
            self._saver.cancel()
            self._saver.join()
        self.save()

    def load(self) -> None:
        assert self.path is not None, "only what was saved can be loaded"
        state = json.loads(self.path.read_text(encoding="utf-8"))
        version, numbers, gauss = state["random"]
        self.random.setstate((version, tuple(numbers), gauss))
        self.clock.ahead = state["clock"]
        for kind, objects in state["objects"].items():
            for obj in objects.values():
                self.put(kind, obj)
        self.answers, self.due = state["answers"], state["due"]
        self.counter, self.number = state["counter"], state["number"]

    def _save_soon(self) -> None:
        """A second later, with whatever else happens until then."""
        if self.path is None or (self._saver is not None and self._saver.is_alive()):
            return
        self._saver = threading.Timer(1.0, self.save)
        self._saver.daemon = True
        self._saver.start()


def public(value: Any) -> Any:
    """A copy of the object as Stripe shows it: without the fields that are only ours, which begin with ``_``. Nothing
    is called as often as this, hence the plain values in passing."""
    if isinstance(value, list):
        return [public(inner) if type(inner) in _NESTED else inner for inner in value]
    if not isinstance(value, dict):
        return value
    shown = {}
    for name, inner in value.items():
        if name[:1] == "_":
            continue
        if isinstance(inner, dict):
            shown[name] = dict(inner) if name == "metadata" else public(inner)
        else:
            shown[name] = public(inner) if isinstance(inner, list) else inner
    return shown


@contextmanager
def changed(sandbox: Sandbox, obj: Object, event: str) -> Iterator[None]:
    """Whatever is changed inside makes an event, with what was there before; no change makes none."""
    before = public(obj)
    yield
    after = public(obj)
    previous = {name: before.get(name) for name in after if before.get(name) != after[name]}
    if previous:
        sandbox.emit(event, obj, previous)


def refuse(message: str, *, code: str = "", param: str = "") -> StripeFault:
    """A request that can be read, and can't be done."""
    return StripeFault(message, code=code, param=param)
