"""The address for webhooks: what is stored, what is refused, and that nothing crashes it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client, override_settings

from billing.models import Alert, Event, Installation
from billing.services import inbox
from billing.vocabulary import JobState
from orgs.models import Organization
from orgs.vocabulary import Standing
from tests import factories
from tests.billing.inbox.conftest import Looks
from tests.billing.inbox.letters import BILLING, PATH, event, send, signed
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks")]


def only() -> Event:
    return Event.objects.get()


def test_an_event_is_stored_as_it_came_and_answered_at_once(looks: Looks) -> None:
    sent = event(api_version="2026-10-28.endive")
    assert send(sent).status_code == 200
    row = only()
    assert (row.stripe_id, row.type, row.state) == (sent["id"], "customer.subscription.updated", JobState.PENDING)
    assert (row.object_type, row.object_id, row.customer) == ("subscription", "sub_1", "cus_1")
    assert row.payload == sent
    assert not looks, "the look is a worker's"


def test_scenario_01_a_duplicate_is_answered_and_has_no_second_effect(looks: Looks) -> None:
    sent = event()
    assert [send(sent).json()["new"] for _ in range(2)] == [True, False]
    assert inbox.settle() == 1
    assert send(sent).json() == {"received": True, "new": False}
    assert inbox.settle() == 0
    assert looks == [("subscription", "sub_1")]


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=00", signed(b"another body"), signed(b"{}", "whsec_of_nobody")],
    ids=["none", "made up", "of another body", "of another secret"],
)
def test_scenario_13_a_bad_or_missing_signature_is_refused_and_nothing_is_stored(signature: str) -> None:
    with nothing_changes():
        assert send(event(), signature=signature).status_code == 400


def test_scenario_13_the_same_without_the_header() -> None:
    with nothing_changes():
        assert Client().post(PATH, event(), content_type="application/json").status_code == 400


class TestHostile:
    """Scenario 14. Whoever can sign is Stripe, and may still send what nobody expects."""

    def test_scenario_14_a_signature_that_is_not_ascii(self) -> None:
        client = Client(raise_request_exception=False)
        for header in ("t=1,v1=é", "\xff", "t=१,v1=२", "\ud800"):
            assert client.post(PATH, b"{}", "application/json", HTTP_STRIPE_SIGNATURE=header).status_code == 400

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{}",
            b"null",
            b'"event"',
            b"12",
            b"not JSON",
            b"\xff\xfe{}",
            b'{"object": "\xe9"}',
            b"[" * 100_000,
            b'{"object": "event", "object": "event"}',
            b'{"created": NaN}',
            b'{"object": "event"}',
        ],
    )
    def test_scenario_14_a_body_that_is_no_event(self, body: bytes) -> None:
        with nothing_changes():
            assert send(body).status_code == 400

    @pytest.mark.parametrize(
        "odd",
        [
            {"id": None},
            {"id": 7},
            {"id": ""},
            {"id": "e" * 101},
            {"type": ["customer.updated"]},
            {"livemode": "false"},
            {"livemode": None},
            {"created": "yesterday"},
            {"created": True},
            {"created": -1},
            {"created": 10**30},
            {"data": None},
            {"data": []},
            {"data": {"object": "sub_1"}},
            {"data": {"object": {"id": 7, "object": "subscription"}}},
            {"data": {"object": {"id": "sub_1", "object": "subscription", "customer": ["cus_1"]}}},
            {"data": {"object": {"id": "sub_1", "object": "subscription", "customer": {"id": 7}}}},
        ],
    )
    def test_scenario_14_an_event_with_a_part_that_makes_no_sense(self, odd: dict[str, Any]) -> None:
        with nothing_changes():
            assert send(event(**odd)).status_code == 400

    @pytest.mark.parametrize("odd", [{"account": 7}, {"api_version": None}, {"account": {"id": "x"}}, {"request": "x"}])
    def test_scenario_14_oddities_beside_what_we_read_are_stored(self, odd: dict[str, Any]) -> None:
        assert send(event(**odd)).status_code == 200

    def test_scenario_14_a_huge_body(self) -> None:
        with nothing_changes():
            assert send(event(padding="x" * 3_000_000)).status_code == 413

    def test_scenario_14_texts_that_no_database_takes_are_stored_without_what_is_wrong_in_them(self) -> None:
        about = {"id": "sub_1", "object": "subscription", "description": "a\0b\ud800c"}
        assert send(event(about=about)).status_code == 200
        assert only().payload["data"]["object"]["description"] == "a\N{REPLACEMENT CHARACTER}b?c"

    @pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
    def test_nothing_but_post(self, method: str) -> None:
        assert getattr(Client(), method)(PATH).status_code == 405


def test_scenario_15_a_body_that_was_written_anew_on_the_way_is_refused() -> None:
    sent = json.dumps(event(), indent=2).encode()
    rewritten = json.dumps(json.loads(sent), separators=(",", ":")).encode()
    with nothing_changes():
        assert send(rewritten, signature=signed(sent)).status_code == 400
    assert send(sent, signature=signed(sent)).status_code == 200


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_scenario_16_a_message_that_is_too_old_or_from_the_future_is_not_stored(seconds: int) -> None:
    with nothing_changes():
        assert send(event(), at=time.time() + seconds).status_code == 400


def test_scenario_18_a_replay_inside_the_window_has_no_effect(looks: Looks) -> None:
    body = json.dumps(event()).encode()
    header = signed(body)
    send(body, signature=header)
    inbox.settle()
    with nothing_changes():
        assert send(body, signature=header).json()["new"] is False
        assert inbox.settle() == 0
    assert len(looks) == 1


def test_scenario_19_rotation_at_the_address() -> None:
    by_former = signed(body := json.dumps(event()).encode(), "whsec_former")
    with override_settings(FREEHOLD_STRIPE=replace(BILLING, secrets=("whsec_new", "whsec_former"))):
        assert send(body, signature=by_former).status_code == 200
    with override_settings(FREEHOLD_STRIPE=replace(BILLING, secrets=("whsec_new",))):
        assert send(body, signature=by_former).status_code == 400


THIN = {
    "id": "evt_thin",
    "object": "v2.core.event",
    "type": "v1.customer.subscription.updated",
    "livemode": False,
    "created": "2026-11-22T08:00:00.000Z",
    "related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"},
}


@pytest.mark.parametrize("sent", [THIN, THIN | {"object": "event"}, event(related_object={"id": "sub_1"})])
def test_scenario_20_a_payload_of_the_other_kind_is_refused_and_staff_is_told(sent: dict[str, Any]) -> None:
    """Thin on the address for snapshots; and what is half of each."""
    assert send(sent).status_code == 400
    assert send(sent).status_code == 400
    assert not Event.objects.exists()
    assert "thin" in Alert.objects.get().text


def test_scenario_09_what_is_not_ours_is_recorded_and_ignored(looks: Looks) -> None:
    looks.answer = None
    assert send(event()).status_code == 200
    inbox.settle()
    assert (only().state, only().alert) == (JobState.IGNORED, False)
    assert only().note and not Alert.objects.exists()


@pytest.mark.parametrize("kind", ["product.updated", "payment_intent.created", "invoice.upcoming"])
def test_scenario_09_what_we_know_of_and_do_not_need_is_recorded_and_ignored(kind: str, looks: Looks) -> None:
    assert send(event(kind, about={"id": "x_1", "object": kind.split(".", maxsplit=1)[0]})).status_code == 200
    assert inbox.settle() == 0
    assert only().state == JobState.IGNORED and not Alert.objects.exists() and not looks


def test_scenario_10_an_unknown_type_is_stored_and_told_and_its_object_looked_at(looks: Looks) -> None:
    acme = factories.organization("acme")
    assert send(event("customer.subscription.transmogrified")).status_code == 200
    assert send(event("customer.subscription.transmogrified")).status_code == 200
    inbox.settle()
    assert set(Event.objects.values_list("state", "alert")) == {(JobState.DONE, True)}
    assert looks == [("subscription", "sub_1")]
    assert Alert.objects.count() == 1
    assert Organization.objects.get(pk=acme.pk).standing == Standing.GOOD


@pytest.mark.parametrize("about", [{"id": "x_1", "object": "wormhole"}, {"object": "subscription"}, {}])
def test_scenario_10_an_unknown_object_is_stored_and_told(about: dict[str, Any], looks: Looks) -> None:
    assert send(event("wormhole.opened", data={"object": about})).status_code == 200
    inbox.settle()
    assert (only().state, only().alert) == (JobState.IGNORED, True)
    assert "wormhole.opened" in Alert.objects.get().text and not looks


@pytest.mark.parametrize(
    ("odd", "ours"),
    [({"livemode": True}, ""), ({"account": "acct_other"}, "acct_ours"), ({"account": "acct_other"}, "")],
)
def test_scenario_11_another_mode_or_account_is_ignored_and_told(odd: dict[str, Any], ours: str, looks: Looks) -> None:
    if ours:
        Installation.objects.create(pk=1, account=ours, livemode=False)
    assert send(event(**odd)).status_code == 200
    inbox.settle()
    assert (only().state, only().alert) == (JobState.IGNORED, True)
    assert Alert.objects.exists() and not looks


def test_our_own_account_is_no_other(looks: Looks) -> None:
    Installation.objects.create(pk=1, account="acct_ours", livemode=False)
    send(event(account="acct_ours"))
    assert inbox.settle() == 1 and looks


def test_scenario_12_of_another_version_the_id_alone_is_used(looks: Looks) -> None:
    """In that version the subscription stood elsewhere and said other things; nothing of it is believed."""
    about = {"id": "sub_1", "object": "subscription", "status": "all paid", "plan": {"amount": 1}}
    assert send(event(about=about, api_version="2020-08-27")).status_code == 200
    inbox.settle()
    assert looks == [("subscription", "sub_1")]
    assert only().api_version == "2020-08-27" and only().state == JobState.DONE


@pytest.mark.parametrize(
    ("kind", "about", "subject"),
    [
        ("customer.deleted", {"id": "cus_1", "object": "customer"}, ("customer", "cus_1")),
        ("customer.tax_id.updated", {"id": "txi_1", "object": "tax_id", "customer": "cus_1"}, ("customer", "cus_1")),
        (
            "invoice_payment.paid",
            {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1"},
            ("invoice", "in_1"),
        ),
        ("checkout.session.completed", {"id": "cs_1", "object": "checkout.session"}, ("checkout.session", "cs_1")),
        ("charge.dispute.created", {"id": "dp_1", "object": "dispute", "charge": "ch_1"}, ("dispute", "dp_1")),
        ("charge.refund.updated", {"id": "re_1", "object": "refund", "charge": "ch_1"}, ("refund", "re_1")),
        ("refund.failed", {"id": "re_1", "object": "refund"}, ("refund", "re_1")),
        ("payout.paid", {"id": "po_1", "object": "payout"}, ("payout", "po_1")),
    ],
)
def test_what_is_looked_at(kind: str, about: dict[str, Any], subject: tuple[str, str], looks: Looks) -> None:
    send(event(kind, about=about))
    inbox.settle()
    assert looks == [subject]
