"""Audit webhooks against a real receiver: each event of the organization, in order, at least once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Mail
from freehold.backoff import FIRST_RETRY, GIVE_UP_AFTER
from freehold.errors import Invalid, NotPermitted
from orgs import audit
from orgs.actors import Actor
from orgs.models import AuditDelivery, AuditEndpoint, AuditEvent, Organization
from orgs.services import audit_streaming
from orgs.services.audit_endpoints import (
    ENDPOINTS_EACH,
    NoSuchAuditEndpoint,
    TooManyEndpoints,
    create_audit_endpoint,
    delete_audit_endpoint,
    enable_audit_endpoint,
    rotate_audit_secret,
)
from orgs.services.audit_streaming import deliver_next, prune_deliveries, stream_all
from orgs.services.closing import close_organization
from orgs.vocabulary import Role, State
from tests import factories
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, owner_of
from tests.receiver import Receiver, is_authentic, listening

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
OPERATOR_ACTOR = Actor.operator()
HOOK = "https://hooks.example/audit"


def seal() -> None:
    """What happens at commit, inside the transaction of a test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def happens(organization: Organization, *actions: str) -> None:
    for action in actions:
        audit.record(OPERATOR_ACTOR, action, "something", organization=organization.name, after={"a": 1})
    seal()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with listening() as found:
        settings.FREEHOLD_OUTGOING_ALLOW = [found.url.split("/")[2]]
        yield found


@pytest.fixture
def acme(db: None) -> Organization:
    return factories.organization("acme")


@pytest.fixture
def secret(acme: Organization, receiver: Receiver) -> str:
    happens(acme, "before.it")
    _, secret = create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=receiver.url)
    seal()
    stream_all()
    receiver.received.clear()
    return secret


def the_endpoint() -> AuditEndpoint:
    return AuditEndpoint.objects.get()


def time_passes(amount: timedelta) -> None:
    """As if so much had passed since the last attempt."""
    endpoint = the_endpoint()
    endpoint.next_attempt_at -= amount
    if endpoint.failing_since:
        endpoint.failing_since -= amount
    endpoint.save()


def types(receiver: Receiver) -> list[str]:
    return [message.payload["type"] for message in receiver.received]


class TestDelivery:
    def test_each_event_is_sent_in_order_and_signed(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        happens(acme, "one", "two")
        assert stream_all() == 2
        assert types(receiver) == ["one", "two"]
        message = receiver.received[0]
        assert is_authentic(secret, message.headers, message.body)
        event = AuditEvent.objects.get(action="one")
        assert message.payload["data"] == {
            "position": event.position,
            "at": event.at.isoformat(),
            "actor": "operator",
            "action": "one",
            "target": "something",
            "organization": "acme",
            "before": None,
            "after": {"a": 1},
            "origin": "command line",
            "hash": bytes(event.hash or b"").hex(),
        }
        assert stream_all() == 0

    def test_its_own_creation_is_the_first_event(self, acme: Organization, receiver: Receiver) -> None:
        happens(acme, "long.before")
        create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=receiver.url)
        seal()
        stream_all()
        assert types(receiver) == ["audit_webhook.created"]

    def test_events_of_others_are_not_sent(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        happens(factories.organization("other"), "theirs")
        happens(acme, "ours")
        assert stream_all() == 1
        assert types(receiver) == ["ours"]

    def test_events_under_a_former_name_are_sent(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        happens(acme, "as.acme")
        acme.name = "acme-two"
        acme.save()
        happens(acme, "as.acme-two")
        stream_all()
        assert types(receiver) == ["as.acme", "as.acme-two"]

    def test_every_attempt_is_in_the_log(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        AuditDelivery.objects.all().delete()
        receiver.answer(503)
        happens(acme, "one")
        stream_all()
        time_passes(FIRST_RETRY * 2)
        receiver.answer(200)
        stream_all()
        attempts = AuditDelivery.objects.order_by("pk").values_list("status", "error")
        assert list(attempts) == [(None, "It answered 503."), (200, "")]


class TestFailure:
    def test_it_goes_on_where_it_stopped(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        receiver.answer(500)
        happens(acme, "one", "two")
        assert stream_all() == 0
        endpoint = the_endpoint()
        assert endpoint.last_error == "It answered 500."
        assert timedelta(0) < endpoint.next_attempt_at - timezone.now() <= FIRST_RETRY * 1.5
        receiver.answer(204)
        assert stream_all() == 0  # not before its time
        time_passes(FIRST_RETRY * 2)
        assert stream_all() == 2
        assert types(receiver) == ["one", "one", "two"]
        assert receiver.received[0].id == receiver.received[1].id != receiver.received[2].id
        assert the_endpoint().failing_since is None

    def test_redirects_are_not_followed(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        receiver.answer(302, Location="http://127.0.0.1:1/")
        happens(acme, "one")
        stream_all()
        assert the_endpoint().last_error == "It answered 302; redirects are not followed."

    def test_after_days_it_is_given_up_and_the_owners_are_told(
        self, acme: Organization, secret: str, receiver: Receiver
    ) -> None:
        factories.member(acme, "gina")
        factories.member(acme, "max", Role.MEMBER)
        receiver.answer(500)
        happens(acme, "one")
        stream_all()
        time_passes(GIVE_UP_AFTER)
        stream_all()
        assert the_endpoint().disabled_at is not None
        assert [mail.to for mail in Mail.objects.all()] == ["gina@example.com"]
        assert AuditEvent.objects.filter(action="audit_webhook.disabled", organization="acme").count() == 1
        time_passes(GIVE_UP_AFTER)
        receiver.answer(204)
        assert stream_all() == 0
        enable_audit_endpoint(actor=OPERATOR_ACTOR, endpoint=the_endpoint())
        seal()
        assert stream_all() == 3
        assert types(receiver)[-3:] == ["one", "audit_webhook.disabled", "audit_webhook.enabled"]

    def test_one_that_crashes_us_keeps_no_other_waiting(
        self, acme: Organization, secret: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other, send = factories.organization("other"), audit_streaming._send
        create_audit_endpoint(actor=OPERATOR_ACTOR, organization=other, url=receiver.url)
        happens(acme, "one")

        def crash_on_acme(endpoint: AuditEndpoint, event: AuditEvent) -> Any:
            if endpoint.organization == acme:
                raise RuntimeError
            return send(endpoint, event)

        monkeypatch.setattr(audit_streaming, "_send", crash_on_acme)
        assert stream_all() == 1
        assert types(receiver) == ["audit_webhook.created"]

    def test_who_died_while_sending_has_lost_nothing(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        happens(acme, "one")
        assert audit_streaming._claim(the_endpoint().pk) is not None  # and then it died
        assert stream_all() == 0
        time_passes(audit_streaming.CLAIM)
        assert stream_all() == 1

    def test_deleted_while_it_is_spoken_to(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        happens(acme, "one")
        claimed = audit_streaming._claim(the_endpoint().pk)
        assert claimed is not None
        delete_audit_endpoint(actor=OPERATOR_ACTOR, endpoint=the_endpoint())
        attempt = audit_streaming._send(*claimed)
        assert audit_streaming._settle(*claimed, attempt) is False
        assert not AuditDelivery.objects.exists()


class TestClosing:
    """An organization that is closed is told of it, and of nothing afterwards."""

    @pytest.fixture
    def closed(self, acme: Organization, secret: str) -> Organization:
        closed = close_organization(actor=owner_of(acme), organization=acme, name="acme")
        seal()
        return closed

    def test_the_closing_is_sent_and_then_the_webhook_ends(self, closed: Organization, receiver: Receiver) -> None:
        assert stream_all() == 1
        assert types(receiver) == ["organization.closed"]
        assert not AuditEndpoint.objects.exists() and not AuditDelivery.objects.exists()

    def test_what_was_not_sent_yet_goes_first(self, acme: Organization, secret: str, receiver: Receiver) -> None:
        happens(acme, "one")
        close_organization(actor=owner_of(acme), organization=acme, name="acme")
        seal()
        stream_all()
        assert types(receiver) == ["one", "organization.closed"]

    def test_it_is_tried_until_it_is_given_up(self, closed: Organization, receiver: Receiver) -> None:
        receiver.answer(500)
        stream_all()
        assert the_endpoint().failing_since is not None
        time_passes(GIVE_UP_AFTER)
        stream_all()
        assert not AuditEndpoint.objects.exists()
        assert types(receiver) == ["organization.closed"] * 2

    def test_one_that_was_given_up_before_ends_at_once(self, acme: Organization, secret: str) -> None:
        AuditEndpoint.objects.update(disabled_at=timezone.now())
        close_organization(actor=owner_of(acme), organization=acme, name="acme")
        assert not AuditEndpoint.objects.exists()

    def test_those_of_others_stay(self, closed: Organization, receiver: Receiver) -> None:
        other = factories.organization("other")
        create_audit_endpoint(actor=OPERATOR_ACTOR, organization=other, url=receiver.url)
        seal()
        stream_all()
        assert the_endpoint().organization == other

    def test_no_other_can_be_added(self, closed: Organization) -> None:
        """Nor by whoever holds it as it was before."""
        for organization in (closed, Organization(pk=closed.pk, name="acme", state=State.ACTIVE)):
            with nothing_changes(), pytest.raises(NotPermitted, match="'acme' is closed"):
                create_audit_endpoint(actor=OPERATOR_ACTOR, organization=organization, url=HOOK)

    def test_nor_those_that_are_left_changed(self, closed: Organization) -> None:
        for act in (rotate_audit_secret, enable_audit_endpoint, delete_audit_endpoint):
            with nothing_changes(), pytest.raises(NotPermitted, match="'acme' is closed"):
                act(actor=OPERATOR_ACTOR, endpoint=the_endpoint())


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_event_once(receiver: Receiver) -> None:
    acme = factories.organization("acme")
    endpoint, _ = create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=receiver.url)
    while deliver_next(number=endpoint.pk):
        pass
    receiver.received.clear()
    for number in range(5):
        audit.record(OPERATOR_ACTOR, f"event.{number}", "x", organization="acme")

    def work() -> None:
        try:
            stream_all()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    while deliver_next(number=endpoint.pk):
        pass
    assert types(receiver) == [f"event.{number}" for number in range(5)]


class TestManaging:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_only_owners(self, who: str, acme: Organization) -> None:
        owner_of(acme)
        actor = acting_as(who, acme)
        if who in {Role.OWNER, OPERATOR}:
            create_audit_endpoint(actor=actor, organization=acme, url=HOOK)
            rotate_audit_secret(actor=actor, endpoint=the_endpoint())
            enable_audit_endpoint(actor=actor, endpoint=the_endpoint())
            delete_audit_endpoint(actor=actor, endpoint=the_endpoint())
            assert not AuditEndpoint.objects.exists()
            return
        endpoint, _ = create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=HOOK)
        with nothing_changes():
            for act in (rotate_audit_secret, enable_audit_endpoint, delete_audit_endpoint):
                with pytest.raises(NotPermitted):
                    act(actor=actor, endpoint=endpoint)
            with pytest.raises(NotPermitted):
                create_audit_endpoint(actor=actor, organization=acme, url=HOOK)

    @pytest.mark.parametrize(
        "url",
        ["", "ftp://x.example", "http://hooks.example/", "https://10.0.0.1/", "https://localhost/", "https://[::1]/",
         "https://hooks.example:8443/", "https://a@hooks.example/", "https://hooks.example/\x00"],
    )  # fmt: skip
    def test_where_it_is_never_sent(self, url: str, acme: Organization) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=url)

    def test_a_new_secret_and_the_one_before_it_both_sign(
        self, acme: Organization, secret: str, receiver: Receiver
    ) -> None:
        new = rotate_audit_secret(actor=OPERATOR_ACTOR, endpoint=the_endpoint())
        seal()
        stream_all()
        message = receiver.received[-1]
        assert is_authentic(secret, message.headers, message.body)
        assert is_authentic(new, message.headers, message.body)

    def test_not_too_many(self, acme: Organization) -> None:
        for _ in range(ENDPOINTS_EACH):
            create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=HOOK)
        with nothing_changes(), pytest.raises(TooManyEndpoints):
            create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=HOOK)

    def test_one_that_is_gone(self, acme: Organization) -> None:
        endpoint, _ = create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=HOOK)
        AuditEndpoint.objects.all().delete()
        with nothing_changes(), pytest.raises(NoSuchAuditEndpoint):
            enable_audit_endpoint(actor=OPERATOR_ACTOR, endpoint=endpoint)

    def test_the_path_is_in_no_event(self, acme: Organization) -> None:
        create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=f"{HOOK}/s3cret")
        assert "s3cret" not in str(AuditEvent.objects.values_list("after", "target"))


def test_old_deliveries_are_forgotten(acme: Organization) -> None:
    endpoint, _ = create_audit_endpoint(actor=OPERATOR_ACTOR, organization=acme, url=HOOK)
    for days in (1, 29, 31):
        at = timezone.now() - timedelta(days=days)
        AuditDelivery.objects.create(endpoint=endpoint, position=1, at=at)
    assert prune_deliveries() == 1
    assert AuditDelivery.objects.count() == 2
