"""Uploaded with the real tools to real indexes: strangers are refused and told why, holders and older projects pass,
and what was published can be installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.indexes import Devpi, Index, Pypiserver
from tests.e2e.processes import wait_until
from tests.e2e.registry import HOLDER, NAMESPACE, STRANGER, Freehold
from tests.e2e.tools import TOOLS_BY_NAME, Tool, Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
UV = TOOLS_BY_NAME["uv"]


@pytest.fixture(params=sorted(TOOLS_BY_NAME))
def tool(request: pytest.FixtureRequest) -> Tool:
    return TOOLS_BY_NAME[request.param]


def test_strangers_are_refused_and_told_holders_publish(
    workshop: Workshop, tool: Tool, index: Index, freehold: Freehold
):
    project = workshop.built(tool, f"{NAMESPACE}-by-{tool.name}")
    before = index.files()

    refused = workshop.publish(tool, project, index.upload_url, STRANGER)
    assert refused.status != 0, refused.output
    seen = " ".join(refused.output.split())  # some break the line
    assert f"is in the namespace '{NAMESPACE}'" in seen.replace("\\'", "'")
    assert f"See {freehold.url}/namespaces/{NAMESPACE}/" in seen
    assert index.files() == before

    published = workshop.publish(tool, project, index.upload_url, HOLDER)
    assert published.status == 0, published.output
    assert len(index.files() - before) == 2


def test_outside_every_namespace_anybody_publishes(workshop: Workshop, tool: Tool, index: Index):
    project = workshop.built(tool, f"free-by-{tool.name}")
    done = workshop.publish(tool, project, index.upload_url, STRANGER)
    assert done.status == 0, done.output


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_what_was_published_installs_and_shows_its_namespaces(
    workshop: Workshop, index: Index, installer: str, tmp_path: Path
):
    name = f"{NAMESPACE}-for-{installer}"
    published = workshop.publish(UV, workshop.built(UV, name), index.upload_url, HOLDER)
    assert published.status == 0, published.output
    command = {
        "pip": ("pip", "install", "--no-cache-dir", f"--index-url={index.simple_url}"),
        "uv": ("uv", "pip", "install", "--no-cache", "--python=python", f"--default-index={index.simple_url}"),
    }[installer]

    done = workshop.run(tmp_path, *command, f"--target={tmp_path / 'here'}", name)

    assert done.status == 0, done.output
    assert (tmp_path / "here" / name.replace("-", "_") / "__init__.py").exists()
    assert index.detail(name)["namespaces"] == [{"name": NAMESPACE, "owned": True}]


def test_a_project_outside_says_so(workshop: Workshop, index: Index):
    workshop.publish(UV, workshop.built(UV, "free-and-plain"), index.upload_url, STRANGER)
    assert index.detail("free-and-plain")["namespaces"] is None


def test_the_index_serves_its_namespaces(index: Index):
    listed = json.loads(index.server.request("GET", f"{index.simple_path}namespaces").body)["namespaces"]
    assert {"name": NAMESPACE, "parent": None, "owner": "acme"} in listed
    one = json.loads(index.server.request("GET", f"{index.simple_path}namespace/{NAMESPACE}").body)
    assert (one["name"], one["owner"]) == (NAMESPACE, "acme")
    assert index.server.request("GET", f"{index.simple_path}namespace/nobodys").status == 404


def test_pypiserver_says_version_1_5(workshop: Workshop, pypiserver: Pypiserver):
    workshop.publish(UV, workshop.built(UV, "free-and-versioned"), pypiserver.upload_url, STRANGER)
    detail = pypiserver.detail("free-and-versioned")
    assert detail["meta"] == {"api-version": "1.5"}
    assert detail["versions"] == ["1.0"]
    assert all(file["size"] and file["hashes"]["sha256"] for file in detail["files"])
    html = pypiserver.server.request("GET", "/simple/free-and-versioned/", headers={"Accept": "text/html"})
    assert html.headers["content-type"].startswith("text/html")
    assert html.headers["vary"] == "Accept"


def test_older_projects_go_on_and_new_ones_are_refused(
    workshop: Workshop, pypiserver: Pypiserver, devpi: Devpi, freehold: Freehold
):
    indexes = (pypiserver, devpi)
    for index in indexes:
        assert workshop.publish(UV, workshop.built(UV, "later-old"), index.upload_url, STRANGER).status == 0
    freehold.manage("grant_namespace", "later", "lumenworks")
    # Before its time has come, a second after the grant, it is known and not enforced yet.
    wait_until(lambda: freehold.reason("later-new", STRANGER) == "reserved", 20, lambda: "later is never enforced")
    for index in indexes:
        _wait_for_namespace(index, "later")
        old = workshop.publish(UV, workshop.built(UV, "later-old", "1.1"), index.upload_url, STRANGER)
        assert old.status == 0, old.output
        new = workshop.publish(UV, workshop.built(UV, "later-new"), index.upload_url, STRANGER)
        assert new.status != 0
        assert "'later'" in new.output
        assert index.detail("later-old")["namespaces"] == [{"name": "later", "owned": False}]


def test_a_team_publishes_in_its_child_namespace_only(workshop: Workshop, index: Index):
    inside = workshop.publish(UV, workshop.built(UV, "acme-labs-lamp"), index.upload_url, "bob")
    assert inside.status == 0, inside.output
    beside = workshop.publish(UV, workshop.built(UV, "acme-lamp"), index.upload_url, "bob")
    assert beside.status != 0
    assert index.detail("acme-labs-lamp")["namespaces"] == [
        {"name": "acme", "owned": True},
        {"name": "acme-labs", "owned": True},
    ]


def _wait_for_namespace(index: Index, name: str) -> None:
    def known() -> bool:
        return index.server.request("GET", f"{index.simple_path}namespace/{name}").status == 200

    wait_until(known, 20, lambda: f"{index.name} never heard of {name}")
