"""``BILLING_ENABLED=false``: nothing of billing is there, nobody owes anything, and everything else works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import get_resolver

from billing.selectors.entitlements import Source, entitlement
from billing.services import ladder
from billing.services.effects import apply
from freehold import access
from freehold import urls as all_urls
from namespaces import hooks as of_claims
from namespaces.models import Grant
from namespaces.services.grants import grant_namespace
from namespaces.states import GrantState
from orgs import hooks as of_organizations
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.staff import activate_organization
from orgs.vocabulary import Standing, State
from tests import factories
from tests.billing.standing.rows import WORKER, company, decline, states, subscription
from tests.matrix.test_pages import Outcome, address, expected
from tests.matrix.world import REVIEWER, Estate, people
from tests.sessions import signed_in

URLS = "tests.billing.urls_without_billing"
SEEN_FROM_OUTSIDE = """
import json, django
django.setup()
from django.conf import settings
from django.urls import get_resolver
from freehold import access
from namespaces import hooks as of_claims
from orgs import hooks as of_organizations
lists = [one for module in (of_claims, of_organizations) for one in vars(module).values() if isinstance(one, list)]
print(json.dumps({
    "views": [r.pattern for r in access.routes(get_resolver().url_patterns) if r.view.__module__.startswith("billing")],
    "jobs": [row["task"] for row in settings.CELERY_BEAT_SCHEDULE.values() if row["task"].startswith("billing")],
    "hooks": [f.__module__ for one in lists for f in one if f.__module__.startswith("billing")],
}))
"""


@pytest.mark.slow
def test_there_are_no_pages_no_jobs_and_no_hooks() -> None:
    assert _without_billing(of_claims.payment_due) != of_claims.payment_due, "they are where it is on"
    told = subprocess.run(
        [sys.executable, "-c", SEEN_FROM_OUTSIDE],
        cwd=settings.BASE_DIR,
        env=os.environ | {"BILLING_ENABLED": "false", "DJANGO_SETTINGS_MODULE": "freehold.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(told.stdout) == {"views": [], "jobs": [], "hooks": []}


def _without_billing(entered: list[Callable[..., Any]]) -> list[Callable[..., Any]]:
    return [one for one in entered if not one.__module__.startswith("billing")]


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As a process that was started so."""
    urls = ModuleType(URLS)
    for name, value in vars(all_urls).items():
        setattr(urls, name, value)
    patterns = [one for one in all_urls.urlpatterns if "billing.urls" not in repr(one)]
    assert len(patterns) == len(all_urls.urlpatterns) - 1
    monkeypatch.setattr(urls, "urlpatterns", patterns)
    monkeypatch.setitem(sys.modules, URLS, urls)
    for module in (of_claims, of_organizations):
        for name, value in vars(module).items():
            if isinstance(value, list):
                monkeypatch.setattr(module, name, _without_billing(value))
    with override_settings(FREEHOLD_STRIPE=replace(settings.FREEHOLD_STRIPE, enabled=False), ROOT_URLCONF=URLS):
        yield


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("off")
def test_every_other_page_opens() -> None:
    estate = Estate("acme")
    everybody = people(estate)
    for who in ("owner", REVIEWER):
        client = signed_in(everybody[who])
        for route in access.pages(get_resolver().url_patterns):
            if route.name and expected(route.view.access, who) is Outcome.WORKS:
                response = client.get(address(route, estate.parts))
                assert response.status_code < 500, (who, route)
                assert b"/plan/" not in response.getvalue(), (who, route)


@pytest.mark.django_db
@pytest.mark.usefixtures("off")
class TestOrganizations:
    def test_they_become_active_as_before_and_what_they_are_granted_counts(self) -> None:
        acme = company(state=State.APPLIED)
        grant_namespace(actor=Actor.operator(), name="acme", organization=acme, state=GrantState.HELD)
        acme = activate_organization(actor=Actor.operator(), organization=acme)
        assert not of_claims.awaits_payment(acme)
        for name in ("zebra", "yak"):
            grant_namespace(actor=Actor.operator(), name=name, organization=acme)
        apply(actor=WORKER, organization=acme)
        assert set(states(acme).values()) == {GrantState.ACTIVE}
        found = entitlement(acme)
        assert (found.source, found.roots) == (Source.OFF, None)

    def test_who_was_down_when_it_was_switched_off_is_good_again(self) -> None:
        acme = company()
        made = subscription(acme)
        decline(made)
        Organization.objects.filter(pk=acme.pk).update(standing=Standing.LAPSED)
        grant = factories.grant("acme", acme, state=GrantState.LOCKED)
        grant.locks.create(cause="standing")
        ladder.sweep()
        acme.refresh_from_db()
        assert (acme.standing, Grant.objects.get().state) == (Standing.GOOD, GrantState.ACTIVE)
