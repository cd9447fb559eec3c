"""Mail as rows: written in the transaction of what it is about, sent after that, to one person each.

How a mail is written is said in ``accounts.letters``; whether a person wants it, in ``accounts.preferences``.

Sending is at least once and nearly always once: the row is locked while the server is asked, and only a process that
dies between the server's OK and the commit sends its one mail again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.db import transaction
from django.utils import timezone

from accounts.letters import render
from accounts.models import Mail

logger = logging.getLogger(__name__)

SEND_TASK = "accounts.send_mail"
BATCH = 200
SUBJECT_LENGTH = 500
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=15), timedelta(hours=1)


def queue_mail(*, to: str, template: str, context: dict[str, Any], key: str | None = None, stop_url: str = "") -> None:
    """Queue one mail to one person, rendered from ``templates/mail/<template>.txt``, in the caller's transaction.

    A ``key`` that was used before, at whatever time, queues nothing: a job that repeats itself sends none twice.
    ``stop_url`` is where the person, or their mail program with one click, stops mails of the kind.
    """
    letter = render(f"mail/{template}", {**context, "stop_url": stop_url})
    row = _row(letter.subject, letter.text, letter.html, to=to, key=key)
    row.headers = one_click(stop_url) if stop_url else {}
    _store([row])


def one_click(url: str) -> dict[str, str]:
    """What mail programs make their button of (RFC 2369, RFC 8058): they post to the address, without signing in."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


class OutboxBackend(BaseEmailBackend):
    """Django's mail, allauth's among it, as rows: one for each recipient, who never see each other."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            _store(list(_rows_of(message)))
        return len(email_messages)


def _rows_of(message: EmailMessage) -> Iterator[Mail]:
    if message.attachments:
        raise ValueError("The outbox takes no attachments.")
    alternatives = getattr(message, "alternatives", [])
    html = next((str(content) for content, kind in alternatives if kind == "text/html"), "")
    for to in message.recipients():
        row = _row(str(message.subject), str(message.body), html, to=to, sender=message.from_email)
        row.headers = {str(name): str(value) for name, value in message.extra_headers.items()}
        yield row


def _row(subject: str, text: str, html: str, *, to: str, sender: str = "", key: str | None = None) -> Mail:
    subject = " ".join(subject.split())[:SUBJECT_LENGTH]
    return Mail(to=to, sender=sender or settings.DEFAULT_FROM_EMAIL, subject=subject, text=text, html=html, key=key)


def _store(rows: Iterable[Mail]) -> None:
    Mail.objects.bulk_create(rows, ignore_conflicts=True)
    if settings.FREEHOLD_SMTP is not None:
        transaction.on_commit(_wake_the_worker, robust=True)


def _wake_the_worker() -> None:
    """Somebody may be waiting for a code. Should the broker not answer, the clock starts the task in seconds."""
    current_app.send_task(SEND_TASK, retry=False, expires=60, ignore_result=True)


def send_due() -> int:
    """Send what is due, oldest first; how many went out. Without a mail server nothing does."""
    if settings.FREEHOLD_SMTP is None:
        return 0
    due = list(Mail.objects.due().order_by("due_at").values_list("pk", flat=True)[:BATCH])
    return sum(send_one(pk) for pk in due)


def send_one(pk: int) -> bool:
    """Send it now, unless it is sent, given up, or in the hands of another worker. Whether it went out."""
    with transaction.atomic():
        mail = Mail.objects.due().select_for_update(skip_locked=True).filter(pk=pk).first()
        if mail is None:
            return False
        mail.attempts += 1
        try:
            server().send_messages([message_of(mail)])
            mail.sent_at, mail.error = timezone.now(), ""
        except (SMTPException, OSError, ValueError) as error:
            _put_off(mail, error)
        mail.save(update_fields=["attempts", "sent_at", "failed_at", "due_at", "error"])
    return mail.sent_at is not None


def server() -> BaseEmailBackend:
    """A connection to the mail server that the operator named, opened when it is used."""
    assert settings.FREEHOLD_SMTP is not None
    return EmailBackend(**asdict(settings.FREEHOLD_SMTP), fail_silently=False)


def message_of(mail: Mail) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(mail.subject, mail.text, mail.sender, [mail.to], headers=mail.headers)
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _put_off(mail: Mail, error: Exception) -> None:
    """Try again later, each time after twice as long; give up in the end, or where the server will never take it."""
    now = timezone.now()
    mail.error = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    if _is_final(error) or now - mail.created_at >= settings.FREEHOLD_MAIL_PATIENCE:
        mail.failed_at = now
        logger.error("Mail %s could not be sent and is given up: %s", mail.pk, mail.error)
    else:
        mail.due_at = now + min(FIRST_DELAY * 2 ** min(mail.attempts - 1, 12), LONGEST_DELAY)
        logger.warning("Mail %s could not be sent and is tried again: %s", mail.pk, mail.error)


def _is_final(error: Exception) -> bool:
    """A mail that can't be written, or a recipient whom the server refuses for good: 5xx, not 4xx."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, ValueError)


def prune() -> int:
    """Forget the text of old mails; keep the keys, so that none is queued again. How many were forgotten."""
    if settings.FREEHOLD_MAIL_RETENTION is None:
        return 0
    old = Mail.objects.filter(created_at__lt=timezone.now() - settings.FREEHOLD_MAIL_RETENTION)
    done = old.exclude(sent_at__isnull=True, failed_at__isnull=True)
    deleted, _ = done.filter(key__isnull=True).delete()
    return deleted + done.exclude(text="").update(text="", html="", headers={})
