"""Purge webhooks against a real receiver: every change, in order, at least once, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from freehold.backoff import FIRST_RETRY, GIVE_UP_AFTER
from freehold.errors import Invalid, NotPermitted
from namespaces.feed import current_revision
from namespaces.models import PurgeEndpoint
from namespaces.services import purges
from namespaces.services.projects import put_project
from namespaces.services.purge_endpoints import (
    NoSuchPurgeEndpoint,
    create_purge_endpoint,
    delete_purge_endpoint,
    enable_purge_endpoint,
    rotate_purge_secret,
)
from namespaces.services.purges import deliver_all
from namespaces.tasks import send_purges
from orgs.actors import Actor
from orgs.models import AuditEvent
from tests import factories
from tests.commands import run
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as
from tests.receiver import Receiver, is_authentic, listening

ACTOR = Actor.operator()


def seal() -> None:
    """What happens at commit, inside the transaction of a test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def change(*names: str) -> None:
    for name in names:
        put_project(name=name)
    seal()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


@pytest.fixture
def secret(db: None, receiver: Receiver) -> str:
    change("before")
    return create_purge_endpoint(actor=ACTOR, url=receiver.url)


def the_endpoint() -> PurgeEndpoint:
    return PurgeEndpoint.objects.get()


def time_passes(amount: timedelta) -> None:
    """As if so much had passed since the last attempt."""
    endpoint = the_endpoint()
    endpoint.next_attempt_at -= amount
    if endpoint.failing_since:
        endpoint.failing_since -= amount
    endpoint.save()


class TestDelivery:
    def test_what_has_changed_since_is_sent_and_signed(self, secret: str, receiver: Receiver) -> None:
        change("acme-x", "acme-y")
        assert send_purges() == 1
        (message,) = receiver.received
        assert is_authentic(secret, message.headers, message.body)
        assert message.headers["content-type"] == "application/json"
        payload = message.payload
        assert payload.pop("timestamp")
        keys = ["pages", "project/acme-x", "project/acme-y"]
        assert payload == {"type": "purge", "data": {"revision": current_revision(), "keys": keys}}

    def test_what_was_sent_is_not_sent_again(self, secret: str, receiver: Receiver) -> None:
        change("a")
        deliver_all()
        assert deliver_all() == 0
        change("b")
        assert deliver_all() == 1
        assert [message.keys[-1] for message in receiver.received] == ["project/a", "project/b"]

    def test_nothing_is_sent_where_nothing_changed(self, secret: str, receiver: Receiver) -> None:
        assert deliver_all() == 0
        assert not receiver.received

    def test_many_changes_come_in_several_messages(
        self, secret: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(purges, "CHANGES_AT_ONCE", 3)
        change(*(f"p{number}" for number in range(8)))
        assert deliver_all() == 3
        revisions = [message.revision for message in receiver.received]
        assert revisions == sorted(set(revisions)) and revisions[-1] == current_revision()
        assert {key for message in receiver.received for key in message.keys} == {
            "pages",
            *(f"project/p{number}" for number in range(8)),
        }
        assert len({message.id for message in receiver.received}) == 3

    def test_one_run_is_bounded(self, secret: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(purges, "CHANGES_AT_ONCE", 1)
        monkeypatch.setattr(purges, "MESSAGES_AT_ONCE", 2)
        change("a", "b", "c")
        assert [deliver_all(), deliver_all(), deliver_all()] == [2, 1, 0]

    def test_each_endpoint_hears_all_and_one_that_fails_keeps_nothing_from_the_others(
        self, secret: str, receiver: Receiver
    ) -> None:
        create_purge_endpoint(actor=ACTOR, url="http://127.0.0.1:1/")
        change("a")
        assert deliver_all() == 1
        assert len(receiver.received) == 1

    def test_nor_does_one_on_which_we_fail(self, secret: str, receiver: Receiver) -> None:
        PurgeEndpoint.objects.create(
            url=receiver.url,
            secrets=["whsec_x"],
            delivered_revision=0,
            next_attempt_at=timezone.now() - timedelta(days=1),
        )
        change("a")
        assert deliver_all() == 1


class TestFaults:
    @pytest.mark.parametrize("status", [302, 400, 500])
    def test_a_refusal_is_tried_again_later(self, secret: str, receiver: Receiver, status: int) -> None:
        change("a")
        receiver.answer(status, Location=receiver.url)
        assert deliver_all() == 0
        assert deliver_all() == 0, "not before its time"
        assert len(receiver.received) == 1
        endpoint = the_endpoint()
        assert endpoint.failing_since and str(status) in endpoint.last_error
        assert timedelta(0) < endpoint.next_attempt_at - timezone.now() <= FIRST_RETRY * 1.5
        receiver.answer(204)
        time_passes(timedelta(minutes=1))
        assert deliver_all() == 1
        first, second = receiver.received
        assert (first.id, first.body) == (second.id, second.body)
        endpoint = the_endpoint()
        assert (endpoint.failing_since, endpoint.last_error) == (None, "")

    def test_what_changes_meanwhile_is_not_lost(self, secret: str, receiver: Receiver) -> None:
        receiver.answer(500)
        change("a")
        deliver_all()
        change("b")
        receiver.answer(204)
        time_passes(timedelta(minutes=1))
        deliver_all()
        first, second = receiver.received
        assert first.id != second.id
        assert second.keys == ["pages", "project/a", "project/b"]

    def test_after_a_crash_between_sending_and_committing_the_same_message_goes_out_again(
        self, secret: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change("a")
        with monkeypatch.context() as patch:
            patch.setattr(purges, "_delivered", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                purges.deliver_next(number=the_endpoint().pk)
        assert deliver_all() == 1
        first, second = receiver.received
        assert (first.id, first.body) == (second.id, second.body)

    def test_the_wait_grows(self, secret: str, receiver: Receiver) -> None:
        change("a")
        receiver.answer(503)
        deliver_all()
        time_passes(timedelta(minutes=10))
        deliver_all()
        assert the_endpoint().next_attempt_at - timezone.now() > timedelta(minutes=4)

    def test_after_three_days_it_is_given_up_with_notice(
        self, secret: str, receiver: Receiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        change("a")
        receiver.answer(503)
        deliver_all()
        time_passes(GIVE_UP_AFTER)
        deliver_all()
        assert the_endpoint().disabled_at is not None
        event = AuditEvent.objects.get(action="purge_webhook.disabled")
        assert (event.actor, event.after) == ("freehold", {"error": "It answered 503."})
        assert [record.levelname for record in caplog.records][-1] == "ERROR"
        time_passes(GIVE_UP_AFTER)
        receiver.answer(204)
        assert deliver_all() == 0
        enable_purge_endpoint(actor=ACTOR, number=the_endpoint().pk)
        assert deliver_all() == 1
        assert receiver.received[-1].keys == ["pages", "project/a"]

    def test_a_restored_database_gives_no_id_a_second_time(self, secret: str, receiver: Receiver) -> None:
        """Revisions begin again where the backup ends: a receiver that drops what it knows must not drop these."""
        with transaction.atomic():
            change("a")
            deliver_all()
            transaction.set_rollback(True)
        change("b")
        deliver_all()
        first, second = receiver.received
        assert first.revision == second.revision
        assert first.id != second.id


class Sender(threading.Thread):
    """A worker, with a connection of its own."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.sent = -1

    def run(self) -> None:
        try:
            self.sent = deliver_all()
        finally:
            connection.close()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_the_second_leaves_it_to_the_first(self, secret: str, receiver: Receiver) -> None:
        put_project(name="a")
        arrived, go = threading.Event(), threading.Event()

        def hold(_: Any) -> None:
            arrived.set()
            assert go.wait(10)

        receiver.on_message = hold
        first = Sender()
        first.start()
        assert arrived.wait(10)
        assert deliver_all() == 0
        put_project(name="b")
        go.set()
        first.join(10)
        assert [message.keys for message in receiver.received] == [["pages", "project/a"], ["pages", "project/b"]]

    def test_each_message_goes_out_once_and_in_order(
        self, secret: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(purges, "CHANGES_AT_ONCE", 2)
        start = current_revision()
        change(*(f"p{number}" for number in range(20)))
        workers = [Sender() for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(20)
        assert [message.revision for message in receiver.received] == list(range(start + 2, start + 21, 2))
        assert sum(worker.sent for worker in workers) == 10


@pytest.mark.django_db
class TestManaging:
    URL = "https://cdn.example/purge/s3cret-path"

    @pytest.mark.parametrize("who", [who for who in EVERYBODY if who != OPERATOR])
    def test_only_the_operator(self, who: str) -> None:
        create_purge_endpoint(actor=ACTOR, url=self.URL)
        number, actor = the_endpoint().pk, acting_as(who, factories.organization())
        with nothing_changes():
            with pytest.raises(NotPermitted):
                create_purge_endpoint(actor=actor, url=self.URL)
            for act in (rotate_purge_secret, enable_purge_endpoint, delete_purge_endpoint):
                with pytest.raises(NotPermitted):
                    act(actor=actor, number=number)

    def test_a_bad_address_makes_nothing(self) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            create_purge_endpoint(actor=ACTOR, url="http://cdn.example/")

    def test_secrets_are_shown_once_and_told_to_nobody_else(self, caplog: pytest.LogCaptureFixture) -> None:
        secrets = [create_purge_endpoint(actor=ACTOR, url=self.URL)]
        secrets.append(rotate_purge_secret(actor=ACTOR, number=the_endpoint().pk))
        change("a")
        endpoint = the_endpoint()
        purges._failed(endpoint, "It answered 500.")
        told = [str(endpoint), repr(endpoint), caplog.text, *map(str, AuditEvent.objects.values_list())]
        told.append(run("list_purge_webhooks"))
        assert len(told) > 5
        assert not [text for text in told for secret in secrets if secret.removeprefix("whsec_") in text]
        assert not [text for text in told[:-1] if "s3cret-path" in text]

    def test_after_a_rotation_both_secrets_verify_and_after_two_the_first_does_not(self, receiver: Receiver) -> None:
        first = create_purge_endpoint(actor=ACTOR, url=receiver.url)
        number = the_endpoint().pk
        second = rotate_purge_secret(actor=ACTOR, number=number)
        change("a")
        deliver_all()
        third = rotate_purge_secret(actor=ACTOR, number=number)
        change("b")
        deliver_all()
        verified = [
            [is_authentic(secret, message.headers, message.body) for secret in (first, second, third)]
            for message in receiver.received
        ]
        assert verified == [[True, True, False], [False, True, True]]

    def test_it_begins_with_what_comes(self) -> None:
        change("a")
        create_purge_endpoint(actor=ACTOR, url=self.URL)
        assert the_endpoint().delivered_revision == current_revision()

    @pytest.mark.parametrize("secrets", [[], ["a", "b", "c"]])
    def test_it_has_one_secret_or_two(self, secrets: list[str]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            PurgeEndpoint.objects.create(url=self.URL, secrets=secrets, delivered_revision=0)

    def test_commands(self) -> None:
        assert run("list_purge_webhooks") == ""
        secret = run("create_purge_webhook", self.URL)
        number = str(the_endpoint().pk)
        assert secret.removesuffix("\n") == the_endpoint().secrets[0]
        change("a", "b")
        assert run("list_purge_webhooks") == f"{number}\t{self.URL}\t2 behind\tok\n"
        assert run("rotate_purge_webhook", number).removesuffix("\n") == the_endpoint().secrets[0] != secret
        purges._failed(the_endpoint(), "It answered 500.")
        assert "failing since" in run("list_purge_webhooks")
        run("enable_purge_webhook", number)
        assert run("list_purge_webhooks").endswith("\tok\n")
        run("delete_purge_webhook", number)
        assert run("list_purge_webhooks") == ""
        actions = ["created", "rotated", "enabled", "deleted"]
        seal()
        assert [e.action for e in AuditEvent.objects.all()] == [f"purge_webhook.{action}" for action in actions]

    @pytest.mark.parametrize("command", ["rotate", "enable", "delete"])
    def test_a_number_that_is_none(self, command: str) -> None:
        with nothing_changes(), pytest.raises(CommandError, match="There is no purge webhook 7"):
            call_command(f"{command}_purge_webhook", "7")
        with pytest.raises(NoSuchPurgeEndpoint):
            delete_purge_endpoint(actor=ACTOR, number=7)
