"""Events reach their endpoints: signed, again until they are accepted, and disturbed as the faults say."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import stripe

from billing.sandbox import endpoints, events
from billing.sandbox.clock import Clock
from billing.sandbox.events import Deliverer, is_here, send, waiting
from billing.sandbox.store import VERSION, Sandbox
from tests.billing.sandbox.shop import START, Shop
from tests.receiver import listening

SECRET = "whsec_test"
URL = "http://127.0.0.1:1/hook"


@dataclass
class Inbox:
    """Takes what is sent; ``statuses`` are its next answers, then 200."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    accepted: threading.Event = field(default_factory=threading.Event)
    wanted: int = 1

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.got.append((headers, body))
        self.threads.add(threading.get_ident())
        if len(self.got) >= self.wanted:
            self.accepted.set()
        return self.statuses.pop(0) if self.statuses else 200

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.got]


class World:
    def __init__(self, **endpoint: Any) -> None:
        self.shop = Shop()
        self.inbox = Inbox()
        self.deliverer = Deliverer(self.shop.sandbox, self.inbox)
        self.endpoint = endpoints.enter(self.shop.sandbox, URL, secret=SECRET, **endpoint)

    def fault(self, kind: str, **terms: Any) -> None:
        self.shop.sandbox.faults.add(kind, **terms)

    def customer(self, name: str = "A") -> str:
        return self.shop.api.customers.create({"name": name}).id

    def pump(self, *, everything: bool = False) -> list[Any]:
        """What arrives now, as the library reads it; what it refuses comes as the error."""
        before = len(self.inbox.got)
        self.deliverer.pump(everything=everything)
        return [read(headers, body) for headers, body in self.inbox.got[before:]]


def read(headers: dict[str, str], body: bytes) -> Any:
    try:
        return stripe.Webhook.construct_event(body, headers.get("Stripe-Signature"), SECRET).to_dict()
    except (stripe.SignatureVerificationError, ValueError) as error:
        return error


def test_an_event_arrives_signed_and_as_it_can_be_listed() -> None:
    world = World()
    customer = world.customer()
    [event] = world.pump()
    assert event["type"] == "customer.created" and event["data"]["object"]["id"] == customer
    assert event["livemode"] is False and event["api_version"] == VERSION and "account" not in event
    listed = world.shop.api.events.retrieve(event["id"]).to_dict()
    assert listed["data"] == event["data"] and listed["pending_webhooks"] == 0
    assert world.pump(everything=True) == []


def test_nothing_leaves_by_itself_and_all_in_order() -> None:
    world = World()
    for name in "abc":
        world.customer(name)
    assert world.inbox.got == []
    assert [event["data"]["object"]["name"] for event in world.pump()] == ["a", "b", "c"]


def test_what_is_not_accepted_comes_again() -> None:
    world = World()
    world.inbox.statuses = [500, 0]
    world.customer()
    assert len(world.pump()) == 1
    assert world.pump() == [], "only after a while"
    assert len(world.pump(everything=True)) == 1
    assert waiting(world.shop.sandbox)[0]["attempts"] == 2
    assert len(world.pump(everything=True)) == 1
    assert waiting(world.shop.sandbox) == []


def test_after_three_days_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.inbox.statuses = [500, 500]
    world.customer()
    world.pump()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 4 * 86_400)
    assert len(world.inbox.got) == 1
    world.deliverer.pump()
    assert waiting(world.shop.sandbox) == [] and len(world.inbox.got) == 2
    assert world.shop.api.events.list({"delivery_success": False}).data[0].pending_webhooks == 1


def test_an_endpoint_gets_what_it_asked_for() -> None:
    world = World(enabled_events=["customer.updated"])
    customer = world.customer()
    world.shop.api.customers.update(customer, {"name": "B"})
    assert [event["type"] for event in world.pump()] == ["customer.updated"]
    world.shop.api.webhook_endpoints.update(world.endpoint["id"], {"disabled": True})
    world.shop.api.customers.update(customer, {"name": "C"})
    assert world.pump() == []


# --- Faults -----------------------------------------------------------------------------------------------------------


def test_a_duplicate_comes_after_it_was_accepted() -> None:
    world = World()
    world.fault("duplicate")
    world.customer()
    first, second = world.pump()
    assert first == second


def test_twins_come_at_the_same_time() -> None:
    world = World()
    world.fault("twins")
    world.customer()
    first, second = world.pump()
    assert first == second and threading.get_ident() not in world.inbox.threads


def test_what_is_overtaken_comes_after_the_next() -> None:
    world = World()
    world.fault("reorder")
    for name in "abc":
        world.customer(name)
    assert [event["data"]["object"]["name"] for event in world.pump()] == ["b", "a", "c"]


def test_what_nothing_overtakes_comes_in_the_end() -> None:
    world = World()
    world.fault("reorder")
    world.customer()
    assert world.pump() == []
    assert len(world.pump(everything=True)) == 1


def test_what_waited_for_long_enough_is_not_overtaken_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HELD", 0)
    world = World()
    world.fault("reorder")
    for name in "ab":
        world.customer(name)
        assert [event["data"]["object"]["name"] for event in world.pump()] == [name]


def test_what_is_delayed_waits() -> None:
    world = World()
    world.fault("delay", seconds=3600)
    world.customer("a")
    world.customer("b")
    assert [event["data"]["object"]["name"] for event in world.pump()] == ["b"]
    assert [event["data"]["object"]["name"] for event in world.pump(everything=True)] == ["a"]


def test_what_is_dropped_can_be_listed_and_what_was_never_made_can_not() -> None:
    world = World()
    world.fault("drop")
    world.fault("never_made", skip=1)
    world.customer("a")
    world.customer("b")
    assert world.pump(everything=True) == []
    [event] = world.shop.api.events.list({"type": "customer.*"}).data
    assert event.data.object["name"] == "a"


@pytest.mark.parametrize("kind", ["bad_signature", "no_signature", "rewritten"])
def test_what_is_not_authentic_is_refused_and_comes_again_as_it_should_be(kind: str) -> None:
    world = World()
    world.fault(kind)
    world.inbox.statuses = [400]
    world.customer()
    assert isinstance(world.pump()[0], stripe.SignatureVerificationError)
    assert world.pump(everything=True)[0]["type"] == "customer.created"


@pytest.mark.parametrize("seconds", [-900, 900])
def test_a_skewed_clock_signs_for_another_time(seconds: int) -> None:
    world = World()
    world.fault("skewed_clock", seconds=seconds)
    world.customer()
    world.deliverer.pump()
    stamp = int(world.inbox.got[0][0]["Stripe-Signature"].split(",")[0].removeprefix("t="))
    assert abs(stamp - time.time() - seconds) < 60


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("wrong_version", "api_version", "2020-08-27"),
        ("wrong_mode", "livemode", True),
        ("wrong_account", "account", "acct_1SomebodyElse"),
        ("unknown_type", "type", "customer.subscription.transmogrified"),
    ],
)
def test_what_is_wrong_stands_in_the_payload_which_is_signed_all_the_same(kind: str, name: str, value: Any) -> None:
    world = World()
    world.fault(kind)
    world.customer()
    assert world.pump()[0][name] == value


def test_a_thin_payload_has_no_object() -> None:
    world = World()
    world.fault("thin")
    customer = world.customer()
    assert isinstance(world.pump()[0], ValueError)
    thin = json.loads(world.inbox.got[0][1])
    assert thin["object"] == "v2.core.event" and "data" not in thin
    assert thin["related_object"]["id"] == customer


# --- Endpoints and events by the API ----------------------------------------------------------------------------------


def test_the_secret_is_told_once() -> None:
    shop = Shop()
    made = shop.api.webhook_endpoints.create({"url": URL, "enabled_events": ["*"], "api_version": VERSION})  # type: ignore[typeddict-item]  # a text is meant
    assert made.secret is not None and made.secret.startswith("whsec_") and made.api_version == VERSION
    assert "secret" not in shop.api.webhook_endpoints.retrieve(made.id)
    assert [one.id for one in shop.api.webhook_endpoints.list().data] == [made.id]
    assert shop.api.webhook_endpoints.delete(made.id).deleted
    assert shop.api.webhook_endpoints.list().data == []


@pytest.mark.parametrize(
    "params", [{"url": "nonsense", "enabled_events": ["*"]}, {"url": URL, "enabled_events": ["x.y"]}]
)
def test_an_endpoint_must_make_sense(params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        Shop().api.webhook_endpoints.create(params)


def test_while_a_secret_is_changed_both_sign_and_then_the_new_one_alone() -> None:
    world = World()
    new = endpoints.roll(world.shop.sandbox, world.endpoint["id"], seconds=3600)
    world.customer()
    [event] = world.pump()
    headers, body = world.inbox.got[0]
    assert event["type"] == "customer.created"
    assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], new)
    endpoints.roll(world.shop.sandbox, world.endpoint["id"], secret="whsec_newest")
    world.customer()
    assert isinstance(world.pump()[0], stripe.SignatureVerificationError)


def test_events_are_listed_newest_first_and_by_type() -> None:
    shop = Shop()
    customer = shop.customer(card=None)
    shop.later(seconds=60)
    shop.api.customers.update(customer, {"name": "B"})
    assert [event.type for event in shop.api.events.list().data] == ["customer.updated", "customer.created"]
    assert [e.type for e in shop.api.events.list({"types": ["customer.created", "invoice.paid"]}).data] == [
        "customer.created"
    ]
    assert [e.type for e in shop.api.events.list({"created": {"gt": START}}).data] == ["customer.updated"]


# --- By itself, over HTTP ---------------------------------------------------------------------------------------------


def test_started_it_delivers_by_itself() -> None:
    world = World()
    world.inbox.wanted = 20
    world.deliverer.start(workers=4)
    for _ in range(20):
        world.customer()
    assert world.inbox.accepted.wait(10)
    world.deliverer.stop()
    assert waiting(world.shop.sandbox) == [] and len(world.inbox.got) == 20


def test_what_was_on_its_way_is_sent_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    first = Sandbox(clock=Clock(START), path=path)
    Deliverer(first, Inbox())
    endpoints.enter(first, URL, secret=SECRET)
    with first.work():
        first.emit("customer.created", {"id": "cus_1", "object": "customer"})
    first.close()
    inbox = Inbox()
    again = Sandbox(clock=Clock(START), path=path)
    assert Deliverer(again, inbox).pump() == 1
    again.close()
    assert inbox.types == ["customer.created"] and waiting(again) == []


def test_over_http_and_only_to_this_machine() -> None:
    with listening() as receiver:
        assert send(receiver.url, {"X-Test": "1"}, b"{}") == 204
        receiver.answer(302, Location=receiver.url)
        assert send(receiver.url, {}, b"{}") == 302
        assert len(receiver.received) == 2, "a redirect is not followed"
    assert send(receiver.url, {}, b"{}") == 0
    assert send("http://192.0.2.1/hook", {}, b"{}") == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "a.localhost"])
def test_what_is_this_machine(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "localhost.example.com", ""])
def test_what_is_another(host: str) -> None:
    assert not is_here(host)
