"""The pages of the ledger: what they show, and what they refuse."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from billing.models import ClosedMonth
from billing.services.postings import Matter, post_invoice, post_transaction
from tests import factories
from tests.billing.ledger import made
from tests.billing.ledger.made import movement
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
LEDGER = "/review/ledger/"


@pytest.fixture
def client() -> Client:
    return signed_in(factories.reviewer(name="Ruth", is_superuser=True))


@pytest.fixture(autouse=True)
def _booked(db: None) -> None:
    acme = factories.organization("acme")
    post_invoice(invoice=made.invoice(), organization=acme)
    matter = Matter(organization=acme, subject="in_1", reference="ch_1", document="FH-0001")
    post_transaction(movement=movement("charge", 43_435, 1_290), matter=matter)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_the_trial_balance_and_what_is_behind_it(client: Client) -> None:
    shown = text_of(client.get(LEDGER))
    assert "Ledger, January 2026" in shown and "€421.45" in shown and "−€365.00" in shown
    listed = text_of(client.get(f"{LEDGER}entries/", {"month": "2026-01", "account": "fees", "currency": "eur"}))
    assert "Charge FH-0001" in listed and "Invoice FH-0001" not in listed
    assert "Invoice FH-0001" in text_of(client.get(f"{LEDGER}entries/", {"month": "2026-01"}))


def test_a_file_comes_with_its_name(client: Client) -> None:
    response = client.get(f"{LEDGER}export/", {"month": "2026-01", "kind": "xero"})
    assert response["Content-Disposition"] == 'attachment; filename="freehold-2026-01-xero-eur-1-preliminary.csv"'
    assert text_of(response).startswith("Narration,Date,") and "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    "address", ["?month=2026-13", "?month=x", "export/?kind=none", "entries/?account=x", "entries/?currency=xau"]
)
def test_what_is_not_there_is_not_found(client: Client, address: str) -> None:
    assert client.get(LEDGER + address).status_code == 404


def test_a_month_is_closed_by_who_is_sure(client: Client) -> None:
    def close(**data: str) -> list[str]:
        response = client.post(f"{LEDGER}close/", {"month": "2026-01", **data})
        return [str(message) for message in get_messages(response.wsgi_request)]

    assert close() == ["Tick the box to close the month: it can’t be undone."]
    assert not ClosedMonth.objects.exists()
    assert close(sure="on")[-1] == "2026-01 is closed."
    assert ClosedMonth.objects.get().month == date(2026, 1, 1)
    assert "Months are closed in order" in close(sure="on")[-1]
    assert "the same, byte for byte" in text_of(client.get(LEDGER, {"month": "2026-01"}))
