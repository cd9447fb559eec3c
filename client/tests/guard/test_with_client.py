"""The guard and the real client, against a stand-in for Freehold: the two fit together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes import answer, grant, organization, reply
from freehold_client import Publisher
from freehold_client.guard import NamespaceGuard, NamespaceMetadata, ProjectFacts
from guard.calls import call, environ_of
from guard.made import EVIL, EVIL_FILE, multipart, upload
from guard.stand_in import RecordingIndex
from guard.test_metadata import DETAIL, JSON, Index

EVIL_BODY = multipart(upload(EVIL, EVIL_FILE))
PLAIN_BODY = multipart(upload())


@pytest.fixture
def client(freehold: Any, make_client: Any) -> Any:
    freehold.put(grant("acme", "acme-corp"), organization("acme-corp", "alice"))
    client = make_client(freehold.url)
    assert client.refresh()
    return client


def guarded_by(client: Any, user: str | None) -> tuple[NamespaceGuard, RecordingIndex]:
    index = RecordingIndex()
    publisher = None if user is None else Publisher(user=user)
    facts = ProjectFacts(exists=False)
    return NamespaceGuard(index, client, identify=lambda _: publisher, project_facts=lambda _: facts), index


def test_outside_freehold_is_not_asked(freehold: Any, client: Any):
    guard, index = guarded_by(client, None)
    assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"
    assert (len(index.seen), freehold.checks) == (1, [])


@pytest.mark.parametrize("user", ["mallory", None])
def test_a_stranger_is_refused(freehold: Any, client: Any, user: str | None):
    url = "https://freehold.index.example/namespaces/acme/"
    refusal = answer("acme-evil", "reserved", namespace="acme", url=url, message=f"Reserved: 'acme'. See {url}")
    freehold.decide = lambda _: refusal
    guard, index = guarded_by(client, user)
    refused = call(guard, environ_of(EVIL_BODY))
    assert refused.status == f"409 Reserved: 'acme'. See {url}"
    assert json.loads(refused.body)["detail"] == f"Reserved: 'acme'. See {url}"
    assert index.seen == []


def test_freehold_is_down(freehold: Any, client: Any):
    freehold.misbehave = lambda handler: reply(handler, 500, {})
    guard, index = guarded_by(client, "mallory")
    assert call(guard, environ_of(EVIL_BODY)).status.startswith("503 ")
    assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"
    guard, index = guarded_by(client, "alice")
    assert call(guard, environ_of(EVIL_BODY)).status == "200 OK"  # the snapshot knows the holder
    assert len(index.seen) == 1


def test_the_simple_api(client: Any):
    app = NamespaceMetadata(Index(), client, owner_of=lambda _: "acme-corp")
    detail = call(app, environ_of(method="GET", PATH_INFO="/simple/acme-x/", HTTP_ACCEPT=JSON))
    assert json.loads(detail.body)["namespaces"] == [{"name": "acme", "owned": True}]
    assert json.loads(detail.body)["name"] == DETAIL["name"]
    listed = call(app, environ_of(method="GET", PATH_INFO="/simple/namespaces"))
    assert json.loads(listed.body)["namespaces"] == [{"name": "acme", "parent": None, "owner": "acme-corp"}]


def test_without_a_snapshot_nothing_is_said(freehold: Any, make_client: Any):
    app = NamespaceMetadata(Index(), make_client(freehold.url), owner_of=lambda _: None)
    assert call(app, environ_of(method="GET", PATH_INFO="/simple/namespaces")).status.startswith("503 ")
    index = RecordingIndex()
    guard = NamespaceGuard(
        index, make_client(freehold.url), identify=lambda _: None, project_facts=lambda _: ProjectFacts(False)
    )
    freehold.misbehave = lambda handler: reply(handler, 500, {})
    assert call(guard, environ_of(PLAIN_BODY)).status.startswith("503 ")
