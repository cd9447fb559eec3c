"""What every test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests import factories, flushing

Json = dict[str, Any]
flushing.install()


AT_STRIPE = {"bought", "stripe", "synced"}
"""Fixtures by which whole purchases are made at the sandbox, in hundreds of queries."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before the marks are chosen by: ``make quick`` leaves purchases to ``make test``."""
    for item in items:
        if AT_STRIPE.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _empty_backlogs() -> Iterator[None]:
    """What waits to be written belongs to the test that caused it."""
    from namespaces import recorder
    from orgs import usage

    yield
    cache.clear()  # the limits on attempts stand there
    recorder.backlog._items.clear()
    usage.backlog._items.clear()
    usage._noted.clear()


@pytest.fixture
def enforced() -> Callable[..., Any]:
    """Make a grant that has been enforced for a while."""
    return factories.grant


@pytest.fixture
def long_ago() -> Any:
    return timezone.now() - timedelta(days=365)


class IndexClient:
    """Speaks to Freehold as an index does, with a token of every scope."""

    def __init__(self, token: str) -> None:
        self.http = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"}

    def check(self, project: str, **question: Any) -> Json:
        publisher = question.pop("publisher", None) or {
            key: question.pop(key) for key in ("user", "organization", "claims") if key in question
        }
        response = self.post("/api/v1/uploads/check", {"project": project, "publisher": publisher, **question})
        assert response.status_code == 200, response.content
        return dict(response.json())

    def post(self, path: str, body: Any) -> Any:
        return self.http.post(path, body, content_type="application/json", headers=self.headers)

    def put(self, path: str, body: Any) -> Any:
        return self.http.put(path, body, content_type="application/json", headers=self.headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.http.get(path, headers=self.headers | headers)

    def delete(self, path: str) -> Any:
        return self.http.delete(path, headers=self.headers)


@pytest.fixture
def index(db: None) -> IndexClient:
    return IndexClient(factories.token())
