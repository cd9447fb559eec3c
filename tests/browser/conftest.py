"""One Chromium for each worker, and a Stripe of our own for the pages that ask it something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings
from playwright.sync_api import Browser, sync_playwright

from billing.gateway import calls
from freehold.programs import SANDBOX_SECRET
from freehold.stripe_settings import SANDBOX_KEY, StripeSettings
from tests.billing import world
from tests.browser.walk import CHROMIUM, FLAGS


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def stripe(transactional_db: None) -> Iterator[None]:
    """In this process, which serves the pages too; what is sold is known there."""
    found = StripeSettings(enabled=True, key=SANDBOX_KEY, secrets=(SANDBOX_SECRET,), base=settings.FREEHOLD_STRIPE.base)
    with override_settings(FREEHOLD_STRIPE=found), calls.use(world.gateway_to(world.sandbox(), found)):
        world.plans()
        yield
