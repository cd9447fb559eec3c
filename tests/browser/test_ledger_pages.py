"""The ledger in Chromium, with entries, with a difference, and with nothing in it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import Drift, Reconciliation
from billing.services.balancing import LEDGER
from billing.services.periods import close_month
from billing.services.postings import Matter, post_invoice, post_transaction
from orgs.actors import Actor
from tests import factories
from tests.billing.ledger.made import invoice, line, movement
from tests.browser.walk import Visit, every_way, in_browser, walk

pytestmark = in_browser

VISITS = (
    Visit("ledger", "/review/ledger/?month=2026-02"),
    Visit("ledger", "/review/ledger/?month=2026-01"),
    Visit("ledger-entries", "/review/ledger/entries/?month=2026-01"),
)


@pytest.fixture
def ruth(transactional_db: None) -> User:
    """Who runs Freehold, with a January that is closed and what came late."""
    acme = factories.organization("acme")
    post_invoice(invoice=invoice(), organization=acme)
    matter = Matter(organization=acme, subject="in_1", reference="ch_1", document="FH-0001")
    post_transaction(movement=movement("charge", 43_435, 1_290), matter=matter)
    post_transaction(movement=movement("charge", 500_000, currency="jpy"), matter=Matter())
    close_month(actor=Actor.operator(), month=date(2026, 1, 1))
    post_invoice(invoice=invoice([line(900)], (), id="in_2", number="FH-2"), organization=acme)
    run = Reconciliation.objects.create(kind=LEDGER, compared=2, open=1)
    Drift.objects.create(
        run=run, object_type="balance", object_id="eur", field="clearing", ours="421.45 EUR", theirs="0 EUR", repaired=False
    )  # fmt: skip
    return factories.reviewer(name="Ruth", is_superuser=True)


@every_way
def test_every_page_in_every_way(browser: Browser, ruth: User, live_server: LiveServer, way: dict[str, Any]) -> None:
    walk(browser, live_server.url, VISITS, way, ruth)
