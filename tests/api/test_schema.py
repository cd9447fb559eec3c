"""The OpenAPI schema is complete and true: every operation is in it, and what it says holds (Schemathesis)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import URLResolver, get_resolver
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from namespaces import waiting
from tests import factories


@functools.cache
def raw_schema() -> dict[str, Any]:
    from drf_spectacular.generators import SchemaGenerator

    return dict(SchemaGenerator().get_schema(request=None, public=True))


def routes(resolver: URLResolver, prefix: str = "") -> list[str]:
    found: list[str] = []
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        found += routes(entry, path) if isinstance(entry, URLResolver) else [path]
    return found


def test_every_route_of_the_api_is_in_the_schema() -> None:
    served = {path for path in routes(get_resolver()) if path.startswith(("api/v1/", "simple/"))}
    assert len(served) == len(raw_schema()["paths"])


def test_the_schema_has_no_warnings(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_every_operation_names_its_callers() -> None:
    public = {"get_project_namespaces", "list_namespaces", "get_namespace", "get_statistics"}
    for path in raw_schema()["paths"].values():
        for operation in path.values():
            assert ({} in operation.get("security", [{}])) is (operation["operationId"] in public)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/api/docs/?script="])
def test_schema_and_documentation_are_served(path: str) -> None:
    assert Client().get(path).status_code == 200


schema = schemathesis.openapi.from_dict(raw_schema())
schema.app = get_wsgi_application()


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The application, called as WSGI, would close the connection in whose transaction the test runs."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def nobody_waits() -> Iterator[None]:
    """The place to wait is taken, so that no question for changes is held back."""
    with waiting._places:
        yield


OF_ORGANIZATIONS = "/api/v1/organizations/{name}"


@pytest.fixture
def token(db: None, one_connection: None, nobody_waits: None) -> Callable[[str], str]:
    """The token that the operations at an address take."""
    organization = factories.organization("acme")
    owner = factories.member(organization, "alice")
    factories.grant("a", organization)
    factories.project("a-0")
    cache.set("scanning-keys", (time.time(), {}))  # no report is signed here, and none causes a question outside
    cache.set("scanning-keys-asked", True)
    of_index, of_organization = factories.token(), factories.organization_token(owner)
    return lambda path: of_organization if path.startswith(OF_ORGANIZATIONS) else of_index


@pytest.mark.slow
@pytest.mark.django_db
@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_the_schema_says_holds(case: schemathesis.Case[Any], token: Callable[[str], str]) -> None:
    """No 5xx, the right content types and shapes, and nothing that is not described."""
    path = case.operation.path
    headers = {"Authorization": f"Bearer {token(path)}", "Accept-Encoding": "identity"}
    excluded = [ignored_auth]  # it would call with other tokens than ours; tests of the callers do
    if any(value in (None, [], {}) for value in (case.query or {}).values()):
        excluded.append(negative_data_rejection)  # what is wrong with it is lost on the way: it has no text
    if case.operation.definition.raw["operationId"] == "put_usage":
        excluded += [positive_data_acceptance]  # a day that has not begun is refused, and so is a project given twice
    if case.operation.definition.raw["operationId"] == "list_changes":
        excluded += [positive_data_acceptance, negative_data_rejection]  # what is not reached yet is 410, valid or not
    if path.startswith(OF_ORGANIZATIONS):
        case.path_parameters["name"] = "acme"  # elsewhere all is 404
        excluded += [positive_data_acceptance]  # names, addresses and claims have rules that no schema says
    case.call_and_validate(headers=headers, excluded_checks=excluded)
