"""That nobody learns from how long an answer takes whether an address has an account."""

from __future__ import annotations

import time
from statistics import median

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.accounts.people import BROWSER, PASSWORD, Person

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ROUNDS, TRIES = 60, 3
CLOSE = 1.2
"""How much longer than another one kind may take in the median. Where no hash was made, it is about twice as fast."""
KINDS = ("known", "of-a-provider", "unverified", "disabled", "unknown")


class Hasher(PBKDF2PasswordHasher):
    """As in production, and a hundredth of it: what else differs weighs a hundred times as much here."""

    iterations = 10_000
    made = 0

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        type(self).made += 1
        return super().encode(password, salt, iterations)


@pytest.fixture(autouse=True)
def _everybody(db: None, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.Hasher"]
    settings.ACCOUNT_RATE_LIMITS = False
    for kind in KINDS[:-1]:
        Person(address(kind), password=None if kind == "of-a-provider" else PASSWORD)
    EmailAddress.objects.filter(email=address("unverified")).update(verified=False)
    User.objects.filter(email=address("disabled")).update(is_active=False)


def address(kind: str) -> str:
    return f"{kind}@example.com"


def try_to_sign_in(client: Client, kind: str) -> float:
    """With a password that is wrong; how many seconds it took."""
    start = time.perf_counter()
    answer = client.post("/accounts/login/", {"login": address(kind), "password": f"not {PASSWORD}"})
    taken = time.perf_counter() - start
    assert answer.status_code == 200
    return taken


def medians(client: Client) -> dict[str, float]:
    """In turn, so that what else the machine does slows down all alike."""
    rounds = [[try_to_sign_in(client, kind) for kind in KINDS] for _ in range(ROUNDS)]
    return dict(zip(KINDS, (median(times) for times in zip(*rounds, strict=True)), strict=True))


def test_all_addresses_take_as_long() -> None:
    """A busy machine may tell apart what is alike; what differs does so each time."""
    client = Client(headers=BROWSER)
    seen = []
    for _ in range(TRIES):
        seen.append(medians(client))
        if max(seen[-1].values()) < CLOSE * min(seen[-1].values()):
            return
    pytest.fail(f"The answers can be told apart by their time: {seen}")


def test_all_addresses_take_the_same_steps() -> None:
    """A query more is lost in the noise of a few rounds here, and found in many thousands."""
    client = Client(headers=BROWSER)
    steps = {}
    for kind in KINDS:
        Hasher.made = 0
        with CaptureQueriesContext(connection) as queries:
            try_to_sign_in(client, kind)
        steps[kind] = (len(queries), Hasher.made)
    assert set(steps.values()) == {(3, 1)}, steps
