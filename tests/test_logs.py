"""What is logged can be read by more people than what is stored."""

from __future__ import annotations

import logging

import structlog
from django.conf import settings

from orgs import tokens


def test_no_token_stands_in_a_log() -> None:
    token = tokens.generate(tokens.INVITATION)
    made = settings.LOGGING["formatters"]["json"]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=made["processors"], foreign_pre_chain=made["foreign_pre_chain"]
    )
    said = {"msg": "Forbidden (%s): %s", "args": ("CSRF cookie not set.", f"/invitations/{token}/decline/")}
    line = formatter.format(logging.makeLogRecord(said))
    assert token[4:] not in line
    assert "/invitations/fh_i\\u2026/decline/" in line
