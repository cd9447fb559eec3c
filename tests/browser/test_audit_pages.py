"""The pages of the audit trail in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from orgs import audit
from orgs.actors import Actor
from orgs.models import AuditDelivery, AuditEndpoint
from orgs.services.audit_endpoints import create_audit_endpoint
from tests import factories
from tests.browser.walk import Visit, every_way, in_browser, walk

pytestmark = in_browser

AUDIT = "/manage/acme/audit/"
VISITS = (
    Visit("organization-audit", AUDIT),
    Visit("organization-audit", f"{AUDIT}?since=x"),
    Visit("organization-audit", f"{AUDIT}?actor=nobody"),
    Visit("organization-audit", f"{AUDIT}?before=1"),
    Visit("organization-audit-event", f"{AUDIT}events/1/"),
    Visit("organization-audit-webhooks", f"{AUDIT}webhooks/"),
    Visit("organization-audit-webhook-new", f"{AUDIT}webhooks/new/"),
    Visit("organization-audit-webhook", f"{AUDIT}webhooks/{{webhook}}/"),
    Visit("organization-audit-webhook-rotate", f"{AUDIT}webhooks/{{webhook}}/secret/"),
)


@pytest.fixture
def owner(transactional_db: None) -> User:
    acme = factories.organization("acme")
    for number in range(60):
        audit.record(
            Actor.operator(),
            "member.role_changed",
            f"member person{number}@example.com",
            organization="acme",
            before={"role": "member"},
            after={"role": "manager", "teams": ["release engineering", "documentation"]},
        )
    endpoint, _ = create_audit_endpoint(
        actor=Actor.operator(), organization=acme, url=f"https://hooks.example/{'long-' * 20}"
    )
    AuditEndpoint.objects.update(last_error="It answered 500.", failing_since=endpoint.created_at)
    AuditDelivery.objects.create(endpoint=endpoint, position=60, status=204, milliseconds=31)
    AuditDelivery.objects.create(endpoint=endpoint, position=61, error="It answered 500.", milliseconds=812)
    return factories.member(acme, "gina").user


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return str(live_server.url)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    number = AuditEndpoint.objects.get().pk
    visits = [visit._replace(address=visit.address.replace("{webhook}", str(number))) for visit in VISITS]
    walk(browser, site, visits, way, owner)
