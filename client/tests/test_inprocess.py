"""What the guards in an index's own process share. With real indexes they are tried end to end, in Freehold's suite."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from fakes import TOKEN, FakeFreehold, answer, grant, organization
from freehold_client import NamespaceClient, Publisher
from freehold_client.guard import ProjectFacts
from freehold_client.inprocess import Gate, NotConfigured, Owners, normalized

NEW = ProjectFacts(exists=False)


@pytest.fixture
def gate(freehold: FakeFreehold, make_client: Callable[..., NamespaceClient], tmp_path: Path) -> Gate:
    freehold.grants["acme"] = grant("acme", "acme")
    freehold.organizations["acme"] = organization("acme", "alice")
    client = make_client(freehold.url)
    assert client.refresh()
    return Gate(client, Owners(tmp_path / "owners"))


def never() -> ProjectFacts:
    raise AssertionError("nobody needs to know")


class TestGate:
    def test_outside_no_facts_and_no_call(self, gate: Gate, freehold: FakeFreehold):
        assert gate.refusal("free", Publisher(), never) is None
        assert freehold.checks == []

    def test_a_refusal_names_the_namespace(self, gate: Gate):
        refusal = gate.refusal("acme-x", Publisher(user="mallory"), lambda: NEW)
        assert refusal is not None
        assert (refusal.status, refusal.extra["namespace"]) == (409, "acme")

    def test_the_status_can_be_403(self, gate: Gate):
        refusal = Gate(gate.client, gate.owners, 403).refusal("acme-x", Publisher(), lambda: NEW)
        assert refusal is not None
        assert refusal.status == 403
        with pytest.raises(ValueError, match="409 or 403"):
            Gate(gate.client, gate.owners, 200)

    def test_facts_are_passed_on(self, gate: Gate, freehold: FakeFreehold):
        since = datetime(2020, 1, 2, tzinfo=timezone.utc)
        gate.refusal("acme-x", Publisher(user="m"), lambda: ProjectFacts(exists=True, first_uploaded=since))
        assert freehold.checks[-1]["first_uploaded"] == since.isoformat()

    def test_a_holder_is_remembered_and_counts_while_freehold_is_down(self, gate: Gate, freehold: FakeFreehold):
        freehold.decide = lambda question: answer(question["project"], "holder")
        assert gate.refusal("acme-x", Publisher(user="alice"), lambda: NEW, owner_key="a/b/acme-x") is None
        assert gate.owners.get("a/b/acme-x") == "acme"
        freehold.misbehave = lambda handler: handler.send_error(500)
        exists = ProjectFacts(exists=True)
        assert gate.refusal("acme-x", Publisher(user="alice"), lambda: exists, owner_key="a/b/acme-x") is None
        down = gate.refusal("acme-y", Publisher(user="m"), lambda: exists)
        assert down is not None
        assert down.status == 503

    def test_while_freehold_is_down_a_stranger_releases_nothing_into_a_holders_project(
        self, gate: Gate, freehold: FakeFreehold
    ):
        """The index itself would take it: there every user may upload to every project."""
        exists = ProjectFacts(exists=True)
        freehold.decide = lambda question: answer(question["project"], "holder")
        for user in ("carol", "Dāve"):  # of a team, which the snapshot does not tell of
            assert gate.refusal("acme-x", Publisher(user=user), lambda: exists) is None
        freehold.misbehave = lambda handler: handler.send_error(500)
        for user in ("carol", "CAROL", "Dāve"):
            assert gate.refusal("acme-x", Publisher(user=user), lambda: exists) is None
        for stranger in (Publisher(user="mallory"), Publisher()):
            down = gate.refusal("acme-x", stranger, lambda: exists)
            assert down is not None
            assert down.status == 503

    @pytest.mark.parametrize("name", ["", "-acme", "ac\u212ae", "a b", None, b"acme", 7])
    def test_what_is_no_name_is_refused_without_facts(self, gate: Gate, name: Any):
        refusal = gate.refusal(normalized(name), Publisher(user="alice"), never)
        assert refusal is not None
        assert refusal.status == 400


class TestIntroduction:
    def test_who_guards_and_what_is_known(self, gate: Gate, freehold: FakeFreehold):
        assert gate.introduction() == f"guarded by {gate.client.url}, which knows 1 namespaces"

    def test_that_there_is_no_answer(self, tmp_path: Path):
        client = NamespaceClient("http://127.0.0.1:1", TOKEN)
        said = Gate(client, Owners(tmp_path)).introduction()
        assert "no answer" in said and "FREEHOLD_TOKEN" in said


class TestSettings:
    @pytest.mark.parametrize(
        "environ",
        [
            {},
            {"FREEHOLD_URL": "https://freehold.index.example"},
            {"FREEHOLD_URL": "", "FREEHOLD_TOKEN": TOKEN},
            {"FREEHOLD_URL": "nonsense", "FREEHOLD_TOKEN": TOKEN},
            {"FREEHOLD_URL": "https://x.example", "FREEHOLD_TOKEN": TOKEN, "FREEHOLD_REFUSAL_STATUS": "200"},
            {"FREEHOLD_URL": "https://x.example", "FREEHOLD_TOKEN": TOKEN, "FREEHOLD_REFUSAL_STATUS": "x"},
        ],
    )
    def test_what_is_missing_or_wrong_is_no_gate(self, environ: dict[str, str], tmp_path: Path):
        with pytest.raises(NotConfigured):
            Gate.from_environment(tmp_path, environ)

    def test_the_cache_may_be_elsewhere(self, freehold: FakeFreehold, tmp_path: Path):
        environ = {"FREEHOLD_URL": freehold.url, "FREEHOLD_TOKEN": TOKEN, "FREEHOLD_CACHE_DIR": str(tmp_path / "there")}
        gate = Gate.from_environment(tmp_path / "here", environ)
        gate.owners.put("x", "acme")
        gate.client.close()
        assert (tmp_path / "there").exists()
        assert not (tmp_path / "here").exists()


class TestOwners:
    def test_keys_are_never_paths(self, tmp_path: Path):
        owners = Owners(tmp_path / "owners")
        for key in ("../../x", "root/prod/acme", ".", "a" * 200):
            owners.put(key, "acme")
            assert owners.get(key) == "acme"
        assert {path.parent for path in tmp_path.rglob("*.owner")} == {tmp_path / "owners"}

    def test_the_last_one_counts(self, tmp_path: Path):
        owners = Owners(tmp_path)
        owners.put("x", "acme")
        owners.put("x", "other")
        assert owners.get("x") == "other"
        assert owners.get("y") is None
        assert len(list(tmp_path.iterdir())) == 1

    def test_publishers_of_another_organization_are_forgotten_with_it(self, tmp_path: Path):
        owners, alice, bob = Owners(tmp_path), Publisher(user="alice"), Publisher(user="bob")
        owners.put("x", "acme", alice)
        owners.put("x", "acme", bob)
        assert [owners.get_for("x", one) for one in (alice, bob, Publisher())] == ["acme", "acme", None]
        owners.put("x", "other", bob)
        assert [owners.get_for("x", one) for one in (alice, bob)] == [None, "other"]

    def test_a_disk_that_fails_costs_nothing(self, tmp_path: Path, caplog: pytest.LogCaptureFixture):
        (tmp_path / "file").write_text("in the way")
        owners = Owners(tmp_path / "file")
        owners.put("x", "acme")
        assert owners.get("x") is None
        assert "could not be kept" in caplog.text
        long = Owners(tmp_path)
        long.put("a" * 300, "acme")
        assert json.dumps(long.get("a" * 300)) == "null"
        assert [path.name for path in tmp_path.iterdir()] == ["file"], "nothing is left behind"
