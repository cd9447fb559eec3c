"""Where the storm takes place: a sandbox and Freehold with one clock that stands still until it is put forward, so that
a seed is the same storm each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import RequestFactory
from django.utils import timezone

from billing.api.webhook import webhook
from billing.gateway import calls
from billing.sandbox import endpoints, events, jobs
from billing.sandbox.clock import Clock
from billing.sandbox.store import Sandbox
from billing.services import leases
from freehold.celery import app as celery
from freehold.programs import SANDBOX_SECRET
from freehold.stripe_settings import StripeSettings
from tests.billing import world
from tests.billing.storm.weather import Weather

BEGIN = datetime(2027, 1, 30, 10, tzinfo=UTC)


class Hands:
    """Both clocks, and the way of events from the one to the other."""

    def __init__(self, seed: int) -> None:
        self.now = BEGIN
        self.sandbox = Sandbox(seed=seed, clock=Clock(int(BEGIN.timestamp())))
        self.sandbox.faults = self.weather = Weather(seed)
        endpoints.enter(self.sandbox, world.WEBHOOK, secret=SANDBOX_SECRET)
        self.deliverer = events.Deliverer(self.sandbox, self._send)
        self.statuses: list[int] = []

    def _send(self, url: str, headers: dict[str, str], body: bytes) -> int:
        content_type = headers.pop("Content-Type")
        request = RequestFactory().post(urlsplit(url).path, body, content_type=content_type, headers=headers)
        status = webhook(request).status_code
        self.statuses.append(status)
        return status

    def seconds(self) -> float:
        return self.now.timestamp()

    def forward(self, **interval: float) -> None:
        self.now += timedelta(**interval)
        jobs.advance(self.sandbox, int(self.now.timestamp()))


@contextmanager
def place(seed: int, settings: StripeSettings) -> Iterator[Hands]:
    hands = Hands(seed)
    with pytest.MonkeyPatch.context() as patch:
        _stop_the_clocks(patch, hands)
        patch.setattr(leases, "_dice", random.Random(f"leases {seed}"))
        patch.setattr(celery, "send_task", lambda *_, **__: None)
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")
        with calls.use(world.gateway_to(hands.sandbox, settings)):
            world.plans(hands.sandbox)
            hands.sandbox.random.seed(f"storm {seed}")
            yield hands


def _stop_the_clocks(patch: pytest.MonkeyPatch, hands: Hands) -> None:
    """What is a default of a model came into it before."""
    really = timezone.now
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.DateTimeField) and field.default is really:
                patch.setitem(field.__dict__, "_get_default", lambda: hands.now)
    patch.setattr(timezone, "now", lambda: hands.now)
    patch.setattr(events, "time", SimpleNamespace(time=hands.seconds))
