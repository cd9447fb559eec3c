"""The pages on sustainability: for staff, for everybody when that was said, and what leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing import clock
from billing.models import IndexCost, Openness
from tests import factories
from tests.billing.sustainability.rows import CSV, earned, entered
from tests.namespaces.test_public_pages import text_of
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
PAGE, DESK = "/sustainability/", "/review/sustainability/"


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ruth(db: None) -> User:
    return factories.reviewer(name="Ruth")


@pytest.fixture
def staff(ruth: User) -> Client:
    return signed_in(ruth)


@pytest.fixture
def admin(db: None) -> Client:
    return signed_in(factories.reviewer(name="Ada", is_superuser=True))


def opened() -> None:
    Openness.objects.create(pk=1, is_public=True, currency="usd")


def posted(client: Client, text: bytes) -> Any:
    file = SimpleUploadedFile("costs.csv", text, content_type="text/csv")
    return client.post(f"{DESK}import/", {"file": file})


def close_to_spring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 15, tzinfo=UTC))


def filled() -> None:
    """January and February, with a year before."""
    entered("2025-02", 100_000)
    entered("2026-01", 200_000)
    entered("2026-02", 125_000)
    entered("2026-02", 900_000, "Edge Ltd", category="Bandwidth")
    entered("2026-02", 5_000, currency="eur")
    earned("2026-02", 25_000)


class TestForEverybody:
    def test_it_is_not_there_until_that_is_said(self, client: Client, staff: Client) -> None:
        filled()
        assert client.get(PAGE).status_code == staff.get(PAGE).status_code == 404
        Openness.objects.create(pk=1, is_public=False)
        assert client.get(PAGE).status_code == 404

    def test_it_says_what_is_known(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        close_to_spring(monkeypatch)
        filled()
        opened()
        response = client.get(PAGE)
        text = text_of(response)
        assert response["Cache-Control"] == "public, max-age=60"
        assert "US$10,250" in text
        assert "Covered 90 %" in text and "costs more than ten times as much." in text
        assert "Edge Ltd US$9,000.00" in text and "costs €50.00, income €0.00" in text
        assert 'aria-label="What covers the costs' in response.content.decode()

    def test_and_so_where_nothing_is(self, client: Client) -> None:
        opened()
        assert "No month is told of yet." in text_of(client.get(PAGE))

    @pytest.mark.parametrize("address", ["/prices/", "/statistics/"])
    def test_pages_lead_to_it_when_it_is_public(self, client: Client, address: str) -> None:
        link = f'href="{PAGE}"'
        assert link not in client.get(address).content.decode()
        opened()
        assert link in client.get(address).content.decode()
        if address == "/statistics/":
            with override_settings(FREEHOLD_STRIPE=replace(settings.FREEHOLD_STRIPE, enabled=False)):
                response = client.get(address)
            assert response.status_code == 200 and link not in response.content.decode()


class TestForStaff:
    def test_a_cost_is_entered_and_taken_out(self, staff: Client, ruth: User) -> None:
        typed = {"month": "2026-01", "category": "Hosting", "means": "paid", "amount": "12.50", "currency": "usd"}
        assert staff.post(DESK, typed).status_code == 302
        row = IndexCost.objects.get()
        assert (row.amount, row.entered_by) == (1250, f"staff {ruth.email}")
        assert "Hosting" in text_of(staff.get(DESK))
        staff.post(f"{DESK}{row.pk}/remove/")
        assert not IndexCost.objects.exists()

    def test_what_was_typed_wrong_is_not_lost(self, staff: Client) -> None:
        typed = {"month": "1/2026", "category": "Hosting", "means": "paid", "amount": "7", "currency": "usd"}
        response = staff.post(DESK, typed)
        assert response.status_code == 422
        assert "Write the month like 2026-03." in text_of(response) and 'value="1/2026"' in response.content.decode()

    def test_a_file_is_read_in_or_its_lines_are_told(self, staff: Client) -> None:
        assert posted(staff, CSV.encode()).status_code == 302
        assert IndexCost.objects.count() == 2
        response = posted(staff, f"{CSV}2026-13,Hosting,paid,,1,usd\n".encode())
        assert response.status_code == 422
        assert "Line 4: Write the month like 2026-03." in text_of(response)
        assert f'action="{DESK}"' in response.content.decode()
        assert "not UTF-8" in text_of(posted(staff, CSV.encode("utf-16")))

    def test_without_a_file_it_says_so(self, staff: Client) -> None:
        response = staff.post(f"{DESK}import/", follow=True)
        assert "Choose a CSV file" in text_of(response)

    def test_who_runs_freehold_opens_it_and_nobody_else(self, staff: Client, admin: Client) -> None:
        said = {"public": "on", "currency": "eur"}
        assert staff.post(f"{DESK}open/", said).status_code == 403
        assert "Who may see it" not in text_of(staff.get(DESK))
        assert "Who may see it" in text_of(admin.get(DESK))
        admin.post(f"{DESK}open/", said)
        assert Openness.objects.get().currency == "eur" and Client().get(PAGE).status_code == 200
        admin.post(f"{DESK}open/", {"currency": "eur"})
        assert Client().get(PAGE).status_code == 404


def test_more_costs_are_no_more_queries(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    close_to_spring(monkeypatch)
    opened()

    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert staff.get(address).status_code == 200
        return len(found)

    for number in range(3):
        entered("2026-01", 100, category=f"Cost {number}")
    few = asked(PAGE), asked(DESK)
    for number in range(27):
        entered(f"202{number % 6}-02", 100, f"Giver {number}")
        earned(f"2025-{number % 12 + 1:02}", number + 1)
    assert (asked(PAGE), asked(DESK)) == few
