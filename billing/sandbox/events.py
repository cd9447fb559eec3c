"""Events on their way to webhook endpoints: signed, tried again for three days, and disturbed as the faults say.

Without :meth:`Deliverer.start` nothing leaves by itself: a test says when by :meth:`Deliverer.pump`. What is due goes
by the machine's clock, for the sandbox's own may leap a month while the receiver checks the time of a signature.
"""

from __future__ import annotations

import heapq
import hmac
import http.client
import ipaddress
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from billing.sandbox.clock import DAY
from billing.sandbox.errors import StripeFault
from billing.sandbox.faults import EventTrouble as Trouble
from billing.sandbox.faults import Fault
from billing.sandbox.store import Object, Sandbox

Send = Callable[[str, dict[str, str], bytes], int]
"""Address, headers, body → the status of the answer, 0 if there was none."""

WAITS = (2, 5, 15, 60, 300, 1_800, 3_600)
"""Seconds between attempts; the last one again and again."""
PATIENCE = 3 * DAY
HELD = 2.0
"""Seconds after which what waits for a later event to overtake it goes all the same."""
TIMEOUT = 10.0
REMEMBERED = 500
"""Deliveries that came to their end; older ones are forgotten."""
OLD_VERSION = "2020-08-27"
ACCOUNT = "acct_1SomebodyElse"

WAITING, SENDING, DONE, FAILED, DROPPED = "waiting", "sending", "done", "failed", "dropped"


def signature(secrets: list[str], body: bytes, at: int) -> str:
    """The header ``Stripe-Signature``; while a secret is being changed, there is one of each."""
    made = [hmac.new(secret.encode(), b"%d." % at + body, "sha256").hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={one}" for one in made)])


def send(url: str, headers: dict[str, str], body: bytes) -> int:
    """Over HTTP, to an address of this machine and to no other. A redirect is not followed."""
    target = urlsplit(url)
    if not is_here(target.hostname or ""):
        return 0
    made = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = made(target.hostname or "", target.port, timeout=TIMEOUT)
    try:
        connection.request("POST", f"{target.path or '/'}{'?' if target.query else ''}{target.query}", body, headers)
        response = connection.getresponse()
        response.read(65_536)
    except (OSError, http.client.HTTPException):
        return 0
    else:
        return response.status
    finally:
        connection.close()


def is_here(host: str) -> bool:
    """Whether the name means this machine, without asking anybody."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


# --- What is sent -----------------------------------------------------------------------------------------------------


def message(event: Object, endpoint: Object, troubles: dict[str, int], at: float) -> tuple[dict[str, str], bytes]:
    """Headers and body of one attempt, with what goes wrong."""
    body = json.dumps(_payload(event, endpoint, troubles), indent=2).encode()
    secrets = [one["secret"] for one in endpoint["_secrets"] if one["until"] is None or one["until"] > at]
    if Trouble.BAD_SIGNATURE in troubles:
        secrets = ["whsec_of_somebody_else"]
    moment = int(at) + troubles.get(Trouble.SKEWED_CLOCK, 0)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (sandbox)",
        "Stripe-Signature": signature(secrets, body, moment),
    }
    if Trouble.NO_SIGNATURE in troubles:
        del headers["Stripe-Signature"]
    if Trouble.REWRITTEN in troubles:
        body = json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True).encode()
    return headers, body


def _payload(event: Object, endpoint: Object, troubles: dict[str, int]) -> Object:
    if Trouble.THIN in troubles:
        return _thin(event)
    told = {key: value for key, value in event.items() if value is not None or key not in {"account", "context"}}
    told["api_version"] = OLD_VERSION if Trouble.WRONG_VERSION in troubles else endpoint["api_version"]
    if Trouble.WRONG_MODE in troubles:
        told["livemode"] = True
    if Trouble.WRONG_ACCOUNT in troubles:
        told["account"] = ACCOUNT
    if Trouble.UNKNOWN_TYPE in troubles:
        told["type"] = "customer.subscription.transmogrified"
    return told


def _thin(event: Object) -> Object:
    about = event["data"]["object"]
    return {
        "id": event["id"],
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "livemode": False,
        "created": datetime.fromtimestamp(event["created"], UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "related_object": {"id": about["id"], "type": about["object"], "url": f"/v1/{about['object']}s/{about['id']}"},
    }


# --- When -------------------------------------------------------------------------------------------------------------


class Deliverer:
    """Enters itself as a listener. What was not delivered before the sandbox was saved goes on afterwards."""

    def __init__(self, sandbox: Sandbox, send: Send = send) -> None:
        self.sandbox, self.send = sandbox, send
        self._changed = threading.Condition(sandbox.lock)
        self._queue: list[tuple[float, int, str]] = []
        self._number = 0
        self._ended: list[str] = []
        self._held: list[Object] = []
        self._stopping = False
        self._threads: list[threading.Thread] = []
        for delivery in sandbox.find("delivery"):
            if delivery["state"] in {WAITING, SENDING}:
                self._schedule(delivery, delivery["due"])
        sandbox.listeners.append(self.enter)

    def enter(self, event: Object) -> None:
        """Plan the deliveries of a new event."""
        troubles = self.sandbox.faults.of_event(event["type"])
        with self._changed:
            if Trouble.NEVER_MADE in troubles:
                self.sandbox.forget("event", event["id"])
                return
            for endpoint in self._wanting(event["type"]):
                self._plan(event, endpoint, troubles)
            self._changed.notify_all()

    def again(self, event: str, endpoint: str) -> None:
        """Once more, as the button in the dashboard does it."""
        with self._changed:
            self._plan(self.sandbox.get("event", event), self.sandbox.get("webhook_endpoint", endpoint), {})
            self._changed.notify_all()

    def pump(self, *, everything: bool = False) -> int:
        """Send what is due in the order of the events, also what comes of it; the number of messages. ``everything``
        also sends, once, what would have to wait: what is delayed, and what was not accepted before."""
        if everything:
            self._hurry()
        sent = 0
        while (delivery := self._take()) is not None:
            sent += self._attempt(delivery)
        return sent

    def start(self, workers: int = 4) -> None:
        """Let what is due leave by itself, from now on."""
        pool = ThreadPoolExecutor(workers, thread_name_prefix="delivery")
        free = threading.Semaphore(workers)
        thread = threading.Thread(target=self._run, args=(pool, free), daemon=True, name="deliverer")
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Return when nothing is on its way any more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self, pool: ThreadPoolExecutor, free: threading.Semaphore) -> None:
        def attempt(delivery: Object) -> None:
            try:
                self._attempt(delivery)
            finally:
                free.release()

        with pool:
            while not self._stopping:
                free.acquire()
                delivery = self._wait()
                if delivery is None:
                    return
                pool.submit(attempt, delivery)

    def _wait(self) -> Object | None:
        """What is due next, when it is due; None at the end."""
        with self._changed:
            while not self._stopping:
                if (delivery := self._take()) is not None:
                    return delivery
                self._changed.wait(max(self._queue[0][0] - time.time(), 0.01) if self._queue else None)
        return None

    # --- The queue ----------------------------------------------------------------------------------------------------

    def _wanting(self, type: str) -> list[Object]:  # noqa: A002 -- its name at Stripe
        among = self.sandbox.find("webhook_endpoint", status="enabled")
        return [endpoint for endpoint in among if {"*", type} & set(endpoint["enabled_events"])]

    def _plan(self, event: Object, endpoint: Object, troubles: dict[str, Fault]) -> None:
        now = time.time()
        self._number += 1
        delivery = {
            "id": f"{event['id']}-{endpoint['id']}-{self._number}",
            "object": "delivery",
            "event": event["id"],
            "endpoint": endpoint["id"],
            "type": event["type"],
            "attempts": 0,
            "status": None,
            "state": DROPPED if Trouble.DROP in troubles else WAITING,
            "since": now,
            "due": now,
            "troubles": {kind: fault.seconds for kind, fault in troubles.items()},
        }
        self.sandbox.put("delivery", delivery)
        event["pending_webhooks"] += 1
        if delivery["state"] == WAITING:
            self._first(delivery, now)

    def _first(self, delivery: Object, now: float) -> None:
        """Into the queue; whatever was held back for this to overtake it, goes behind."""
        self._schedule(delivery, now + delivery["troubles"].get(Trouble.DELAY, 0))
        overtaken = [one for one in self._held if one["endpoint"] == delivery["endpoint"] and one["state"] == WAITING]
        self._held = [one for one in self._held if one["endpoint"] != delivery["endpoint"]]
        for one in overtaken:
            self._schedule(one, now)
        if Trouble.REORDER in delivery["troubles"]:
            self._held.append(delivery)
            self._schedule(delivery, now + HELD)

    def _schedule(self, delivery: Object, due: float) -> None:
        delivery["due"], delivery["state"] = due, WAITING
        self._number += 1
        heapq.heappush(self._queue, (due, self._number, delivery["id"]))

    def _hurry(self) -> None:
        with self._changed:
            self._held.clear()
            for _, _, identifier in sorted(self._queue):
                delivery = self.sandbox.objects["delivery"][identifier]
                if delivery["state"] == WAITING:
                    self._schedule(delivery, min(time.time(), delivery["due"]))

    def _take(self) -> Object | None:
        with self._changed:
            while self._queue and self._queue[0][0] <= time.time():
                due, _, identifier = heapq.heappop(self._queue)
                delivery = self.sandbox.objects["delivery"].get(identifier)
                if delivery is not None and delivery["state"] == WAITING and delivery["due"] == due:
                    delivery["state"] = SENDING
                    return delivery
        return None

    # --- One attempt --------------------------------------------------------------------------------------------------

    def _attempt(self, delivery: Object) -> int:
        """The number of messages."""
        try:
            event = self.sandbox.get("event", delivery["event"])
            endpoint = self.sandbox.get("webhook_endpoint", delivery["endpoint"])
        except StripeFault:
            self._end(delivery, FAILED)
            return 0
        parts = (endpoint["url"], *message(event, endpoint, delivery["troubles"], time.time()))
        twins = Trouble.TWINS in delivery["troubles"]
        statuses = self._at_once(parts) if twins else [self.send(*parts)]
        with self._changed:
            self._note(delivery, event, endpoint, statuses[-1])
            self._changed.notify_all()
        return len(statuses)

    def _at_once(self, parts: tuple[str, dict[str, str], bytes]) -> list[int]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda _: self.send(*parts), range(2)))

    def _note(self, delivery: Object, event: Object, endpoint: Object, status: int) -> None:
        delivery["attempts"] += 1
        delivery["status"] = status
        if 200 <= status < 300:
            event["pending_webhooks"] -= 1
            self._end(delivery, DONE)
            if Trouble.DUPLICATE in delivery["troubles"]:
                self._plan(event, endpoint, {})
        elif time.time() - delivery["since"] > PATIENCE:
            self._end(delivery, FAILED)
        else:
            delivery["troubles"] = {}
            self._schedule(delivery, time.time() + WAITS[min(delivery["attempts"], len(WAITS)) - 1])

    def _end(self, delivery: Object, state: str) -> None:
        delivery["state"] = state
        self._ended.append(delivery["id"])
        if len(self._ended) > 2 * REMEMBERED:
            for identifier in self._ended[:REMEMBERED]:
                self.sandbox.forget("delivery", identifier)
            self._ended = self._ended[REMEMBERED:]


def waiting(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Deliveries that are still to be made."""
    return [one for one in sandbox.find("delivery") if one["state"] in {WAITING, SENDING}]
