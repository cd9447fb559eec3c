"""Scheduled work of the review desk; each task is thin and may run twice."""

from __future__ import annotations

from celery import shared_task

from review import digest


@shared_task(name="review.mail_digest", ignore_result=True)
def mail_digest() -> int:
    """On weekday mornings, mail reviewers what waits."""
    return digest.mail_digest()
