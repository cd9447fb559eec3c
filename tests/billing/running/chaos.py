"""A program of the tests: Freehold at work on its own PostgreSQL, with Stripe beside it, while something is killed at
random again and again: the web server, the worker, or a process of the database, which makes the whole of it recover.

Afterwards all must be as if nothing had happened. ``test_killing`` starts it, with ``DATABASE_URL`` of an empty database
and with ``STRIPE_API_BASE`` at a free port of this machine.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import psutil
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import Error, connection, transaction

from billing.gateway import calls
from billing.models import Call, Event, Invoice, LedgerEntry, Plan, Subscription
from billing.money import from_stripe
from billing.sandbox import endpoints, events
from billing.sandbox.store import Sandbox
from billing.sandbox.web import Whole, serve
from billing.services import inbox, leases, outbox, reconciling
from billing.vocabulary import CallKind, JobState
from freehold import backoff
from freehold.programs import SANDBOX_SECRET
from tests.billing import world

HOST = "127.0.0.1"
BUYERS = 8
SECONDS = 120.0
WAITS = (0.2, 0.3, 0.5, 1.0)


# --- What is killed ---------------------------------------------------------------------------------------------------


class Zygote:
    """A process without threads and connections, which forks a fresh web server or worker in no time."""

    def __init__(self, listening: socket.socket) -> None:
        (self._asked, ask), (answer, self._answered) = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ask)
            os.close(answer)
            self._serve(listening)
        self._ask, self._answer = os.fdopen(ask, "w", buffering=1), os.fdopen(answer, "r")

    def fork(self, name: str) -> int:
        self._ask.write(f"{name}\n")
        return int(self._answer.readline())

    def _serve(self, listening: socket.socket) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        programs: dict[str, Callable[[], None]] = {"web": lambda: web(listening), "worker": worker}
        with os.fdopen(self._asked) as asked, os.fdopen(self._answered, "w", buffering=1) as answered:
            for line in asked:
                child = os.fork()
                if child == 0:
                    programs[line.strip()]()
                answered.write(f"{child}\n")
        os._exit(0)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nothing."""


def web(listening: socket.socket) -> None:
    server = _Server((HOST, 0), _Silent, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.server_name, server.server_port = HOST, listening.getsockname()[1]
    server.setup_environ()
    server.set_app(get_wsgi_application())
    server.serve_forever()


def worker() -> None:
    """What Celery's does, without waiting for a broker to say so. What a dead one had in hand is free soon."""
    leases.LEASE, leases.ONE_WRITE = timedelta(seconds=5), timedelta(seconds=1)
    backoff.FIRST_RETRY = timedelta(seconds=0.2)
    while True:
        try:
            inbox.settle(seconds=1)
            outbox.make_calls(seconds=1)
        except Error:
            connection.close()
        time.sleep(0.02)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        while True:
            os.kill(pid, 0)
            time.sleep(0.002)


def kill_the_database(dice: random.Random, postmaster: psutil.Process) -> bool:
    """One of those that serve somebody: after that it trusts none of its processes, ends all, and recovers from its
    log. False while it serves nobody, for it is just recovering."""
    with suppress(psutil.NoSuchProcess):
        serving = [child for child in postmaster.children() if "[local]" in " ".join(child.cmdline())]
        if serving:
            dice.choice(serving).kill()
            return True
    return False


# --- What goes on meanwhile -------------------------------------------------------------------------------------------


def insistently(act: Callable[[], Any]) -> Any:
    """As a person does who is told that it did not work."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            with transaction.atomic():
                return act()
        except Error:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


class Life:
    """Organizations that buy, want more, and cancel with their money back."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        world.plans()
        self.customers = [world.customer_of(world.company(f"buyer{number}")) for number in range(BUYERS)]
        keys = dict(Plan.objects.get(tier="team", is_current=True).prices.values_list("lookup_key", "stripe_id"))
        self.seat = next(price for key, price in keys.items() if "seat" in key and "usd" in key and "month" in key)
        self.running: dict[int, Any] = {}
        self.cancelled = 0

    def go_on(self) -> None:
        number = self.dice.randrange(BUYERS)
        if number not in self.running:
            self.buy(number)
        elif self.dice.random() < 0.7:
            self.want_more(number)
        else:
            self.cancel(number)

    def buy(self, number: int) -> None:
        customer = self.customers[number].stripe_id
        made = calls.gateway().v1.subscriptions.create(
            {"customer": customer, "items": [{"price": self.seat, "quantity": 2}]}
        )
        self.running[number] = made.id

    def want_more(self, number: int) -> None:
        found = calls.gateway().subscription(self.running[number])
        item = found.items[0]
        calls.gateway().v1.subscriptions.update(
            found.id,
            {
                "items": [{"id": item.id, "quantity": (item.quantity or 0) + 1}],
                "proration_behavior": "always_invoice",
            },
        )

    def cancel(self, number: int) -> None:
        subscription, organization = self.running.pop(number), self.customers[number].organization
        arguments = {"subscription": subscription, "give_back": "all"}
        kind = CallKind.CANCEL_NOW
        insistently(
            lambda: outbox.enqueue(kind=kind, organization=organization, topic=subscription, arguments=arguments)
        )
        self.cancelled += 1


# --- What must be true at the end -------------------------------------------------------------------------------------


def let_it_settle(sandbox: Sandbox) -> None:
    until = time.monotonic() + SECONDS
    while events.waiting(sandbox) or pending():
        assert time.monotonic() < until, f"{len(events.waiting(sandbox))} on their way, {pending()} wait"
        time.sleep(0.1)


def pending() -> list[Any]:
    models: list[Any] = [Event, Call]
    found: list[Any] = insistently(
        lambda: [(row.pk, row.error) for model in models for row in model.objects.filter(state=JobState.PENDING)]
    )
    return found


def check(sandbox: Sandbox, life: Life) -> dict[str, int]:
    """Every payment is here, once; everything that was cancelled was, and its money was given back, once."""
    stored = list(Event.objects.values_list("stripe_id", flat=True))
    assert set(stored) == set(sandbox.objects["event"]), "every event, once"
    assert not Event.objects.filter(state=JobState.DEAD).exists() and not Call.objects.exclude(state="done").exists()
    for theirs in sandbox.find("subscription"):
        assert Subscription.objects.get(stripe_id=theirs["id"]).status == theirs["status"]
    for theirs in sandbox.find("invoice"):
        ours = Invoice.objects.get(stripe_id=theirs["id"])
        paid = from_stripe(theirs["amount_paid"], theirs["currency"])
        assert (ours.status, ours.amount_paid) == (theirs["status"], paid.amount)
    charges = [charge for charge in sandbox.find("charge") if charge["status"] == "succeeded"]
    booked = set(LedgerEntry.objects.values_list("source", flat=True))
    movements = {f"balance_transaction:{one['balance_transaction']}" for one in [*charges, *sandbox.find("refund")]}
    assert movements <= booked, "every payment and every refund is in the books"
    notes = [note["invoice"] for note in sandbox.find("credit_note")]
    assert len(notes) == len(set(notes)), "nothing was given back twice"
    assert all(charge["amount_refunded"] <= charge["amount"] for charge in charges)
    ended = sandbox.find("subscription", status="canceled")
    assert len(ended) == life.cancelled
    paid_of_ended = {one["id"] for one in sandbox.find("invoice") if _subscription(one) in {s["id"] for s in ended}}
    assert {one for one in paid_of_ended if sandbox.get("invoice", one)["amount_paid"]} == set(notes)
    found = reconciling.reconcile(kind=reconciling.EVERYTHING)
    drifts = found.drifts.exclude(object_type="customer", field="currency")  # of which no event tells
    assert not found.error and not drifts.exists(), list(drifts.values())
    return {"events": len(stored), "payments": len(charges), "given back": len(notes), "cancelled": life.cancelled}


def _subscription(invoice: dict[str, Any]) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])


class Turmoil:
    """The processes, and the one that kills them."""

    def __init__(self, dice: random.Random, zygote: Zygote, postmaster: psutil.Process) -> None:
        self.dice, self.zygote, self.postmaster = dice, zygote, postmaster
        self.alive = {name: zygote.fork(name) for name in ("web", "worker")}
        self.killed = dict.fromkeys(("web", "worker", "database"), 0)

    def strike(self) -> None:
        (victim,) = self.dice.choices(("web", "worker", "database"), (2, 2, 1))
        if victim == "database" and not kill_the_database(self.dice, self.postmaster):
            victim = "worker"
        if victim != "database":
            kill(self.alive[victim])
            self.alive[victim] = self.zygote.fork(victim)
        self.killed[victim] += 1

    def end(self) -> None:
        for pid in self.alive.values():
            kill(pid)
        os.kill(self.zygote.pid, signal.SIGKILL)
        os.waitpid(self.zygote.pid, 0)


def rage(turmoil: Turmoil, sandbox: Sandbox, deliverer: events.Deliverer, kills: int) -> dict[str, Any]:
    dice, life = turmoil.dice, Life(turmoil.dice)
    deliverer.start(4)
    began = time.monotonic()
    for _ in range(kills):
        if dice.random() < 0.4:
            life.go_on()
        time.sleep(dice.uniform(0.0, 0.3))
        turmoil.strike()
    lasted = time.monotonic() - began
    let_it_settle(sandbox)
    turmoil.end()
    return {**check(sandbox, life), **turmoil.killed, "seconds": round(lasted)}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--postmaster", type=int, required=True, help="the process of the database")
    given = parser.parse_args(words)
    listening = socket.create_server((HOST, 0), backlog=128)
    turmoil = Turmoil(random.Random(given.seed), Zygote(listening), psutil.Process(given.postmaster))
    sandbox = Sandbox(seed=given.seed)
    webhook = f"http://{HOST}:{listening.getsockname()[1]}/billing/stripe/webhook"
    endpoints.enter(sandbox, webhook, secret=SANDBOX_SECRET)
    events.WAITS = WAITS  # type: ignore[assignment]  # parts of seconds, so that it does not last
    deliverer = events.Deliverer(sandbox)
    server = serve(Whole(sandbox, deliverer), HOST, urlsplit(settings.FREEHOLD_STRIPE.base).port or 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    with calls.use(world.gateway_to(sandbox, settings.FREEHOLD_STRIPE)):
        print(rage(turmoil, sandbox, deliverer, given.kills), flush=True)
    os._exit(0)  # whatever its threads are at
