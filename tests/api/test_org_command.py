"""``freehold org`` against the real thing: each command does what it says, through the API, by a token."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from freehold_client import cli
from pytest_django.live_server_helper import LiveServer

from namespaces.models import Grant, Share, TeamGrant, Transfer
from orgs import tokens
from orgs.models import Invitation, OrganizationToken, Proof, TrustedPublisher
from orgs.vocabulary import Role
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    acme = factories.organization("acme")
    owner = factories.member(acme, "olga")
    factories.member(acme, "mia", Role.MEMBER)
    factories.grant("acme", acme)
    secret = factories.organization_token(owner)
    monkeypatch.setenv("FREEHOLD_URL", live_server.url)
    monkeypatch.setenv("FREEHOLD_ORGANIZATION", "acme")
    monkeypatch.setenv("FREEHOLD_TOKEN", secret)

    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.main(["org", *map(str, arguments)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def ok(result: tuple[int, str, str]) -> str:
    assert result[0] == 0, result
    return result[1]


def test_people_and_teams(run: Run, tmp_path: Path) -> None:
    assert "display name            Acme" in ok(run("show"))
    assert "mia@example.com" in ok(run("people", "list"))
    ok(run("people", "role", "mia", "manager"))
    ok(run("teams", "create", "Releases", "--description", "They release."))
    ok(run("teams", "add", "releases", "mia", "olga@example.com"))
    assert len(json.loads(ok(run("teams", "members", "releases", "--json")))) == 2
    ok(run("teams", "remove", "releases", "olga"))
    (tmp_path / "people.csv").write_text("email,role,teams\nann@x.example,billing,Releases\nbob@x.example,,\n")
    assert ok(run("people", "invite", "--csv", tmp_path / "people.csv")).count("  invited") == 2
    ann = Invitation.objects.get(email="ann@x.example")
    assert (ann.role, [team.name for team in ann.teams.all()]) == ("billing", ["Releases"])
    assert "ann@x.example" in ok(run("people", "invitations"))
    status, _, err = run("people", "resend", ann.pk)
    assert (status, "wait five minutes" in err) == (1, True)
    ok(run("people", "revoke", ann.pk))
    ok(run("teams", "delete", "Releases", "--yes"))
    ok(run("people", "remove", "mia", "--yes"))
    status, _, err = run("people", "remove", "olga", "--yes")
    assert (status, "must have an owner" in err) == (1, True)


def test_namespaces(run: Run) -> None:
    factories.organization("friend")
    ok(run("teams", "create", "Releases"))
    assert "acme-labs is made" in ok(run("namespaces", "create-child", "Acme-Labs"))
    ok(run("namespaces", "give", "acme-labs", "Releases"))
    assert TeamGrant.objects.count() == 1
    ok(run("namespaces", "take", "acme-labs", "Releases"))
    ok(run("namespaces", "share", "acme-labs", "friend", "--until", "2999-01-01T00:00:00Z"))
    assert Share.objects.get().organization.name == "friend"
    assert run("namespaces", "release", "acme", "--yes")[0] == 1
    ok(run("namespaces", "unshare", "acme-labs", "friend"))
    ok(run("namespaces", "offer", "acme", "friend"))
    assert "friend" in ok(run("namespaces", "offers"))
    ok(run("namespaces", "decline", Transfer.objects.get().pk))
    assert run("namespaces", "accept", 4711)[0] == 1
    ok(run("namespaces", "release", "acme-labs", "--yes"))
    assert Grant.objects.get(name="acme-labs").state == "released"
    assert [row["name"] for row in json.loads(ok(run("namespaces", "list", "--json")))] == ["acme"]


def test_publishers_tokens_and_proofs(run: Run) -> None:
    ok(run("publishers", "add", "https://ci.acme.example", "sub=acme"))
    publisher = TrustedPublisher.objects.get()
    assert "sub=acme" in ok(run("publishers", "list"))
    ok(run("publishers", "remove", publisher.pk, "--yes"))
    secret = ok(run("tokens", "create", "ci", "--permission", "view", "--permission", "view_audit")).strip()
    made = OrganizationToken.objects.get(digest=tokens.digest(secret))
    assert made.permissions == ["view", "view_audit"]
    assert "ci" in ok(run("tokens", "list"))
    ok(run("tokens", "revoke", made.pk))
    assert "publish" in ok(run("proofs", "add", "dns", "acme.example"))
    ok(run("proofs", "add", "projects", "acme"))
    proof: Any = Proof.objects.get(kind="projects")
    assert "pending" in ok(run("proofs", "check", proof.pk))
    assert ok(run("proofs", "list")).count("acme") == 2
    ok(run("proofs", "remove", proof.pk, "--yes"))


def test_the_audit_trail(run: Run) -> None:
    ok(run("teams", "create", "Releases"))
    lines = ok(run("audit", "--json")).splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["team.created"]
    assert "token test of olga@example.com" in ok(run("audit", "--action", "team."))


def test_a_former_name_works_for_all(run: Run) -> None:
    acme = Grant.objects.get().owner
    acme.name = "renamed"
    acme.save()
    ok(run("teams", "create", "Releases"))
    assert "Releases" in ok(run("teams", "list"))


@pytest.mark.parametrize(("token", "status"), [("fh_oNONSENSE", 1), ("x y", 2), ("é", 2)])
def test_without_a_good_token(run: Run, monkeypatch: pytest.MonkeyPatch, token: str, status: int) -> None:
    monkeypatch.setenv("FREEHOLD_TOKEN", token)
    found, out, err = run("people", "list")
    assert (found, out) == (status, "")
    assert err.startswith("freehold: ")
