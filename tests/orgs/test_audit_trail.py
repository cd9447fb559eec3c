"""The audit trail's page, its filter and what is taken away from it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.selectors_audit import COLUMNS, PAGE, AuditFilter, audit_page, audit_trail, changes_of
from orgs.vocabulary import Role
from tests import factories
from tests.dump import nothing_changes
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db


def event(organization: str = "acme", **fields: Any) -> None:
    values = {"actor": "gina@example.com", "action": "member.added", "target": "member max@example.com"} | fields
    AuditEvent.objects.create(organization=organization, **values)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def acme(db: None) -> Organization:
    return factories.organization("acme")


def client_of(organization: Organization, role: Role = Role.OWNER) -> Any:
    return signed_in(factories.member(organization, role.value, role).user)


def address(name: str, *arguments: object) -> str:
    return reverse(f"organization-{name}", args=["acme", *arguments])


class TestFilter:
    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (AuditFilter(), ["a", "b", "c"]),
            (AuditFilter(actor="GINA"), ["a", "b"]),
            (AuditFilter(actor="g%na"), []),
            (AuditFilter(action="b"), ["b"]),
            (AuditFilter(target="team x"), ["c"]),
            (AuditFilter(since=date(2026, 2, 1)), ["b", "c"]),
            (AuditFilter(until=date(2026, 2, 1)), ["a", "b"]),
            (AuditFilter(since=date.min, until=date.max), ["a", "b", "c"]),
            (AuditFilter(since=date(2026, 2, 2), until=date(2026, 2, 28)), []),
        ],
    )
    def test_it_leaves_what_was_asked_for(self, wanted: AuditFilter, found: list[str], acme: Organization) -> None:
        event(action="a", at=datetime(2026, 1, 1, tzinfo=UTC))
        event(action="b", at=datetime(2026, 2, 1, 23, 59, 59, tzinfo=UTC))
        event(action="c", at=datetime(2026, 3, 1, tzinfo=UTC), actor="operator", target="team x")
        event("other", action="theirs")
        assert sorted(audit_trail(acme, wanted).values_list("action", flat=True)) == found

    def test_pages_follow_one_another_while_events_are_added(self, acme: Organization) -> None:
        for number in range(PAGE * 2):
            event(action=f"event.{number:03}")
        first = audit_page(acme, AuditFilter())
        event(action="new")
        second = audit_page(acme, AuditFilter(), first.older)
        assert [e.action for e in (*first.events, *second.events)] == [f"event.{n:03}" for n in reversed(range(100))]
        assert second.older is None

    @pytest.mark.parametrize(
        "query",
        [
            "before=x",
            "before=99999999999999999999",
            "since=yesterday",
            "action=none",
            "actor=%00",
            "target=" + "x" * 500,
        ],
    )
    def test_nonsense_is_no_error_of_ours(self, query: str, acme: Organization) -> None:
        event()
        response = client_of(acme).get(f"{address('audit')}?{query}")
        assert response.status_code == 200

    def test_what_is_wrong_is_said(self, acme: Organization) -> None:
        assert "Enter a valid date" in client_of(acme).get(f"{address('audit')}?since=yesterday").content.decode()


class TestExport:
    def test_jsonl_is_all_of_it(self, acme: Organization) -> None:
        event(action="a", after={"what": "Größe"})
        event(action="b")
        event("other", action="theirs")
        response = client_of(acme, Role.MANAGER).get(address("audit-export", "jsonl"))
        assert response["Content-Type"] == "application/jsonl"
        assert response["Content-Disposition"].startswith('attachment; filename="acme-audit-')
        assert response["Cache-Control"] == "private, no-store"
        events = [json.loads(line) for line in response.getvalue().splitlines()]
        assert [e["action"] for e in events] == ["b", "a"]
        assert events[1]["after"] == {"what": "Größe"}
        assert set(events[0]) == set(COLUMNS)

    def test_csv_is_all_of_it_and_no_formula(self, acme: Organization) -> None:
        event(target='=HYPERLINK("https://evil.example")', after={"a": 1})
        event(target="line\nbreak, and a comma")
        response = client_of(acme).get(address("audit-export", "csv"))
        rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
        assert [row["target"] for row in rows] == [
            "line\nbreak, and a comma",
            '\'=HYPERLINK("https://evil.example")',
        ]
        assert rows[1]["after"] == '{"a": 1}'
        assert set(rows[0]) == set(COLUMNS)

    def test_the_filter_holds_for_it(self, acme: Organization) -> None:
        event(action="a")
        event(action="b")
        response = client_of(acme).get(f"{address('audit-export', 'csv')}?action=a")
        assert len(response.getvalue().splitlines()) == 2

    def test_another_form_is_not_there(self, acme: Organization) -> None:
        assert client_of(acme).get(address("audit-export", "xml")).status_code == 404


class TestEvent:
    def test_what_changed(self, acme: Organization) -> None:
        event(before={"role": "member", "seats": 3}, after={"role": "owner", "teams": ["a"]})
        found = AuditEvent.objects.get()
        assert [(c.part, c.before, c.after) for c in changes_of(found)] == [
            ("role", "member", "owner"),
            ("seats", "3", ""),
            ("teams", "", '["a"]'),
        ]
        page = client_of(acme).get(address("audit-event", found.position)).content.decode()
        assert bytes(found.hash or b"").hex() in page

    def test_trap_12_an_event_of_another_organization_is_not_there(self, acme: Organization) -> None:
        event("other")
        assert client_of(acme).get(address("audit-event", AuditEvent.objects.get().position)).status_code == 404

    def test_trap_12_nor_is_a_webhook_of_another_organization(self, acme: Organization) -> None:
        from orgs.services.audit_endpoints import create_audit_endpoint

        other = factories.organization("other")
        theirs, _ = create_audit_endpoint(actor=Actor.operator(), organization=other, url="https://hooks.example/")
        client = client_of(acme)
        with nothing_changes():
            for name in ("audit-webhook", "audit-webhook-rotate"):
                assert client.get(address(name, theirs.pk)).status_code == 404
            for name in ("audit-webhook-rotate", "audit-webhook-enable", "audit-webhook-delete"):
                assert client.post(address(name, theirs.pk)).status_code == 404


class TestWebhookPages:
    def test_from_adding_one_to_deleting_it(self, acme: Organization) -> None:
        client = client_of(acme)
        refused = client.post(address("audit-webhook-new"), {"url": "http://10.0.0.1/x"})
        assert "http://10.0.0.1/x" in refused.content.decode() and not acme.audit_endpoints.exists()
        made = client.post(address("audit-webhook-new"), {"url": "https://hooks.example/"}).content.decode()
        endpoint = acme.audit_endpoints.get()
        assert endpoint.secrets[0] in made
        assert endpoint.secrets[0] not in client.get(address("audit-webhook", endpoint.pk)).content.decode()
        client.post(address("audit-webhook-rotate", endpoint.pk))
        endpoint.refresh_from_db()
        assert len(endpoint.secrets) == 2
        assert client.post(address("audit-webhook-enable", endpoint.pk)).status_code == 302
        assert client.post(address("audit-webhook-delete", endpoint.pk)).status_code == 302
        assert not acme.audit_endpoints.exists()

    def test_it_asks_who_you_are_first(self, acme: Organization) -> None:
        client = signed_in(factories.member(acme, "gina").user, fresh=False)
        with nothing_changes():
            response = client.post(address("audit-webhook-new"), {"url": "https://hooks.example/"})
        assert response.status_code == 302 and reverse("account_reauthenticate") in response["Location"]
