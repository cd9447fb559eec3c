"""Mail is sent if and only if the transaction commits, and once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.mail import EmailMessage, send_mail
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import outbox
from accounts.letters import Block, blocks
from accounts.models import Mail
from accounts.outbox import queue_mail, send_due, send_one
from accounts.smtp import MailServer
from tests.accounts import mailserver
from tests.concurrency import all_at_once
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db

TO = "sam@example.com"
TEMPLATE = "Hello {{ name }},\n  see here\n\nYou & we:\n\n    {{ code }}\n\nhttps://example.com/a?b=1&c=2\n"


@pytest.fixture(autouse=True)
def _templates(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "hello.txt").write_text(TEMPLATE)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[mailserver.Server]:
    monkeypatch.setattr(outbox, "_wake_the_worker", lambda: None)
    with mailserver.running() as running:
        settings.FREEHOLD_SMTP = running.address
        yield running


def queue(to: str = TO, key: str | None = None, name: str = "Sam <&>") -> None:
    queue_mail(to=to, template="hello", context={"name": name, "code": "12-34"}, key=key)


class TestQueue:
    def test_renders_one_text_twice(self) -> None:
        queue()
        mail = Mail.objects.get()
        assert (mail.to, mail.subject) == (TO, "Hello Sam <&>,")
        assert "You & we:" in mail.text and "    12-34\n" in mail.text
        assert "<code>12-34</code>" in mail.html and "You &amp; we:" in mail.html
        assert '<a href="https://example.com/a?b=1&amp;c=2">' in mail.html

    def test_a_subject_is_one_line_whatever_somebody_is_called(self) -> None:
        queue(name="Eve\r\nBcc: all@example.com")
        assert "\n" not in Mail.objects.get().subject

    def test_a_key_queues_once_for_ever(self) -> None:
        queue(key="renewal-1")
        Mail.objects.update(sent_at=timezone.now())
        queue(key="renewal-1")
        queue(key="renewal-2")
        assert Mail.objects.count() == 2

    def test_nothing_remains_of_a_transaction_that_fails(self) -> None:
        with nothing_changes(), pytest.raises(ZeroDivisionError):
            self.fail_after_queueing()

    @transaction.atomic
    def fail_after_queueing(self) -> None:
        queue()
        send_mail("Subject", "Text", None, [TO])
        raise ZeroDivisionError

    def test_djangos_mail_goes_the_same_way_one_row_each(self) -> None:
        message = EmailMessage("A\tb", "Text", None, [TO], cc=["c@example.com"], bcc=["b@example.com"])
        message.extra_headers["X-Kind"] = "test"
        assert message.send() == 1
        assert sorted(Mail.objects.values_list("to", flat=True)) == ["b@example.com", "c@example.com", TO]
        assert {mail.headers["X-Kind"] for mail in Mail.objects.all()} == {"test"}

    def test_attachments_are_refused(self) -> None:
        message = EmailMessage("A", "B", None, [TO])
        message.attach("a.txt", "text")
        with nothing_changes(), pytest.raises(ValueError, match="no attachments"):
            message.send()

    def test_the_worker_is_woken_by_the_commit_alone(
        self, server: mailserver.Server, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
    ) -> None:
        woken: list[int] = []
        monkeypatch.setattr(outbox, "_wake_the_worker", lambda: woken.append(1))
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture
            queue()
            assert not woken
        assert woken == [1]

    def test_paragraphs(self) -> None:
        text = "One\ntwo\n\n    a\n    b\n\n\n\nhttps://a.example/\n\nhttps://a.example/ and more\n"
        assert list(blocks(text)) == [
            Block("text", "One two"),
            Block("code", "a\nb"),
            Block("link", "https://a.example/", "https://a.example/"),
            Block("text", "https://a.example/ and more"),
        ]


class TestSending:
    def test_sends_to_one_person_each(self, server: mailserver.Server) -> None:
        queue()
        queue("other@example.com")
        assert send_due() == 2
        assert [recipients for recipients, _ in server.taken] == [[TO], ["other@example.com"]]
        assert "Content-Type: text/html" in server.taken[0][1]
        assert send_due() == 0 and len(server.taken) == 2

    def test_without_a_server_everything_stays(self) -> None:
        queue()
        with nothing_changes():
            assert send_due() == 0

    def test_tries_again_later_and_later(self, server: mailserver.Server) -> None:
        server.recipient_answer = b"451 not now"
        queue()
        delays = []
        for attempt in range(1, 14):
            assert send_due() == 0
            mail = Mail.objects.get()
            assert mail.attempts == attempt and "451" in mail.error
            delays.append((mail.due_at - timezone.now()).total_seconds())
            Mail.objects.update(due_at=timezone.now())
        assert 13 < delays[0] < 16 and 28 < delays[1] < 31 and 3500 < delays[-1] < 3601
        server.recipient_answer = b"250 fine"
        assert send_due() == 1 and Mail.objects.get().error == ""

    def test_gives_up_after_three_days(self, server: mailserver.Server) -> None:
        server.end_answer = b"451 not now"
        queue()
        Mail.objects.update(created_at=timezone.now() - timedelta(days=3, minutes=1))
        assert send_due() == 0
        assert Mail.objects.get().failed_at is not None
        assert send_due() == 0 and Mail.objects.get().attempts == 1

    def test_gives_up_at_once_on_a_recipient_that_will_never_be(self, server: mailserver.Server) -> None:
        server.recipient_answer = b"550 no such person"
        queue()
        assert send_due() == 0
        assert Mail.objects.get().failed_at is not None

    def test_a_server_that_is_not_there_costs_an_attempt(self, settings: Settings) -> None:
        settings.FREEHOLD_SMTP = MailServer("127.0.0.1", 1, timeout=1)
        queue()
        assert send_due() == 0
        assert Mail.objects.get().attempts == 1

    def test_one_bad_mail_holds_up_no_other(self, server: mailserver.Server) -> None:
        queue()
        queue("other@example.com")
        Mail.objects.filter(to=TO).update(headers={"X-Bad": "a\nb"})
        assert send_due() == 1
        assert Mail.objects.get(to=TO).failed_at is not None

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_two_workers_at_once_send_one_mail(self, server: mailserver.Server) -> None:
        for number in range(5):
            queue(f"user{number}@example.com")
        assert all_at_once(send_due, send_due, send_due) == ["done"] * 3
        assert len(server.taken) == 5
        assert not Mail.objects.waiting().exists()

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_a_worker_that_dies_before_the_server_answers_loses_nothing(self, server: mailserver.Server) -> None:
        """Its connection goes, its lock with it, and another sends the mail."""
        queue()
        pk = Mail.objects.get().pk
        server.hold.clear()
        pids: list[int] = []

        def die() -> None:
            connection.ensure_connection()
            pids.append(connection.connection.info.backend_pid)
            try:
                send_one(pk)
            except OperationalError:  # as it should
                return
            finally:
                connection.close()

        doomed = threading.Thread(target=die)
        doomed.start()
        assert server.asked.wait(20)
        assert send_one(pk) is False  # in the hands of another
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", pids)
        server.end_answer = b"451 the first one was cut off"
        server.hold.set()
        doomed.join()
        assert Mail.objects.get().attempts == 0
        server.end_answer = b"250 taken"
        assert send_one(pk) is True and len(server.taken) == 1


class TestPruning:
    def test_forgets_texts_and_keeps_keys(self, settings: Settings) -> None:
        settings.FREEHOLD_MAIL_RETENTION = timedelta(days=7)
        for number, key in enumerate((None, "renewal")):
            queue(f"user{number}@example.com", key=key)
        queue("waiting@example.com")
        Mail.objects.exclude(to="waiting@example.com").update(sent_at=timezone.now())
        Mail.objects.update(created_at=timezone.now() - timedelta(days=8))
        assert outbox.prune() == 2
        assert {(mail.key, bool(mail.text)) for mail in Mail.objects.all()} == {("renewal", False), (None, True)}
        assert outbox.prune() == 0

    def test_a_demo_keeps_them(self) -> None:
        queue()
        Mail.objects.update(created_at=timezone.now() - timedelta(days=80), sent_at=timezone.now())
        with nothing_changes():
            assert outbox.prune() == 0


class TestServerAddress:
    @pytest.mark.parametrize(
        ("url", "server"),
        [
            ("smtp://mail.example", MailServer("mail.example", 25)),
            ("smtp+tls://me%40x:p%2Fw@mail.example", MailServer("mail.example", 587, "me@x", "p/w", use_tls=True)),
            ("smtps://mail.example:4465", MailServer("mail.example", 4465, use_ssl=True)),
        ],
    )
    def test_is_read(self, url: str, server: MailServer) -> None:
        assert MailServer.from_url(url) == server

    @pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp:", "smtp+ssl://a"])
    def test_nonsense_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="must look like"):
            MailServer.from_url(url)
