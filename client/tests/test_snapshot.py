"""The snapshot: which grants cover a name, and what it knows of their holders, while both change."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold_client import Publisher
from freehold_client.holders import marks, publishing_holder
from freehold_client.names import covers
from freehold_client.snapshot import Grant, Organization, Snapshot

ALICE = Publisher(user="alice")


def a_grant(name: str, owner: str = "acme") -> Grant:
    return Grant(name, "active", 0.0, owner)


def an_organization(*publishers: str, name: str = "acme", state: str = "active") -> Organization:
    return Organization(name, state, "good", publishers)


def covering(snapshot: Snapshot, name: str) -> list[str]:
    return [grant.name for grant in snapshot.covering(name)]


def may_publish(snapshot: Snapshot, publisher: Publisher, name: str = "acme-x") -> bool:
    return publishing_holder(snapshot, snapshot.covering(name), publisher, 0.0) is not None


parts = st.lists(st.sampled_from("ab"), min_size=1, max_size=4)
names = parts.map("-".join)
changes = st.lists(st.tuples(names, st.booleans()), max_size=12)


class TestCovering:
    @given(first=st.sets(names, max_size=6), then=changes, asked=names)
    def test_whatever_came_and_went(self, first, then, asked) -> None:
        snapshot, there = Snapshot(1, map(a_grant, first), []), set(first)
        for name, granted in then:
            snapshot.put_grant(name, a_grant(name) if granted else None)
            (there.add if granted else there.discard)(name)
        assert set(snapshot.grants) == there
        assert covering(snapshot, asked) == sorted((name for name in there if covers(name, asked)), key=len)

    def test_one_inside_another_that_was_released(self) -> None:
        snapshot = Snapshot(1, [a_grant("acme-cloud"), a_grant("acme")], [])
        snapshot.put_grant("acme", None)
        assert covering(snapshot, "acme-x") == []
        assert covering(snapshot, "acme-cloud-db") == ["acme-cloud"]


class TestHolders:
    def test_what_an_organization_is_now_holds_for_the_grants_that_were_there(self) -> None:
        snapshot = Snapshot(1, [a_grant("acme")], [an_organization("bob")])
        assert not may_publish(snapshot, ALICE)
        snapshot.put_organization("acme", an_organization("alice"))
        assert may_publish(snapshot, ALICE)
        snapshot.put_organization("acme", an_organization("alice", state="suspended"))
        assert not may_publish(snapshot, ALICE)

    def test_one_named_as_it_was_called_before(self) -> None:
        """Alone as publisher, as the one preferred among several, and as owner of a project."""
        snapshot = Snapshot(1, [a_grant("acme"), Grant("acme-x", "active", 0.0, "acme", (("aaa", None),))], [])
        snapshot.put_organization("aaa", an_organization("alice", name="aaa"))
        both = Publisher(user="alice", organization="old")
        assert not may_publish(snapshot, Publisher(organization="old"))
        for former, preferred, owned in (((), "aaa", False), (("older", "old"), "acme", True), ((), "aaa", False)):
            now = Organization("acme", "active", "good", ["alice"], (), former)
            snapshot.put_organization("acme", now)
            covering = snapshot.covering("acme-x-y")
            assert may_publish(snapshot, Publisher(organization="Old")) is owned
            assert may_publish(snapshot, Publisher(organization="Old"), "acme-x-y") is owned
            assert publishing_holder(snapshot, covering, both, 0.0) == (covering[-1], preferred)
            assert marks(snapshot, covering, "old", 0.0) == [("acme", owned), ("acme-x", owned)]

    def test_one_that_is_gone_and_comes_back(self) -> None:
        snapshot = Snapshot(1, [a_grant("acme")], [an_organization("alice")])
        snapshot.put_organization("acme", None)
        assert not may_publish(snapshot, ALICE)
        assert snapshot.organizations == {}
        snapshot.put_organization("acme", an_organization("alice"))
        assert may_publish(snapshot, ALICE)

    def test_one_that_comes_after_its_grant(self) -> None:
        snapshot = Snapshot(1, [], [])
        snapshot.put_grant("acme", a_grant("acme"))
        assert not may_publish(snapshot, ALICE)
        assert snapshot.organizations == {}
        snapshot.put_organization("acme", an_organization("alice"))
        assert may_publish(snapshot, ALICE)

    def test_a_grant_that_another_organization_takes_over(self) -> None:
        snapshot = Snapshot(1, [a_grant("acme")], [an_organization("alice"), an_organization("bob", name="beta")])
        snapshot.put_grant("acme", a_grant("acme", "beta"))
        assert not may_publish(snapshot, ALICE)
        assert may_publish(snapshot, Publisher(user="bob"))


class TestPublishers:
    @pytest.mark.parametrize("user", ["ali", "lice", "alice bob", "alice\nbob", "\n", "x\nalice"])
    def test_no_part_of_a_name_and_no_two_names(self, user) -> None:
        snapshot = Snapshot(1, [a_grant("acme")], [an_organization("alice", "bob")])
        assert may_publish(snapshot, ALICE)
        assert not may_publish(snapshot, Publisher(user=user))

    @pytest.mark.parametrize("name", ["x\nalice", "x\nalice\ny", "alice\n", "\nalice", "\n"])
    def test_a_name_with_a_line_end_is_nobody(self, name) -> None:
        snapshot = Snapshot(1, [a_grant("acme")], [an_organization("bob", name)])
        assert not may_publish(snapshot, ALICE)
        assert may_publish(snapshot, Publisher(user="bob"))

    @given(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=3), max_size=4))
    def test_all_of_them_are_kept(self, users) -> None:
        assert an_organization(*users).row()[3] == tuple(users)
