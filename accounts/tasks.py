"""Scheduled work on accounts; each task is thin and may run twice."""

from __future__ import annotations

from celery import shared_task

from accounts import outbox


@shared_task(name=outbox.SEND_TASK, ignore_result=True)
def send_mail() -> int:
    """Send what waits in the outbox."""
    return outbox.send_due()


@shared_task(name="accounts.prune_mail", ignore_result=True)
def prune_mail() -> int:
    """Forget the text of old mails."""
    return outbox.prune()
