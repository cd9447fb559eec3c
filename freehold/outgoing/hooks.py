"""Webhooks to addresses that users configure. Those of the operator go by ``freehold.webhooks`` alone."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from freehold import webhooks
from freehold.errors import Invalid
from freehold.outgoing import http, targets
from freehold.outgoing.errors import OutgoingError, Refused


def deliver(url: str, headers: Mapping[str, str], body: bytes, *, seconds: float = 10.0) -> int:
    """The 2xx status that the receiver answered with; raises ``webhooks.DeliveryFailed`` for everything else."""
    try:
        status = http.send(url, body=body, headers=headers, seconds=seconds, insecure=_may_be_insecure(url))
    except OutgoingError as error:
        raise webhooks.DeliveryFailed(error.message) from error
    if 300 <= status < 400:
        raise webhooks.DeliveryFailed(_("It answered %(status)d; redirects are not followed.") % {"status": status})
    if not 200 <= status < 300:
        raise webhooks.DeliveryFailed(_("It answered %(status)d.") % {"status": status})
    return status


def check_user_url(url: str) -> None:
    """Raises ``Invalid`` for what could never be delivered to, wherever the name leads when the time comes."""
    insecure = _may_be_insecure(url)
    webhooks.check_url(url, insecure=insecure)
    try:
        targets.parse(url, insecure=insecure)
    except Refused as error:
        raise Invalid(error.message) from error


def _may_be_insecure(url: str) -> bool:
    """Without TLS only to a target that the operator excepted by name."""
    return targets.may_be_plain(url)
