"""The decision table of upload checks, row by row, as a pure function and over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from namespaces.decision import Decision, Facts, Holding, Publisher, Question, Reason, decide
from namespaces.states import GrantState
from orgs.vocabulary import Standing, State

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ENFORCED_SINCE = NOW - timedelta(days=100)
BEFORE, AFTER = ENFORCED_SINCE - timedelta(days=1), ENFORCED_SINCE + timedelta(days=1)
ALICE = Publisher(user="alice")


def holding(namespace: str = "acme", organization: str = "acme", **fields: Any) -> Holding:
    defaults: dict[str, Any] = {
        "grant_state": GrantState.ACTIVE,
        "effective_at": ENFORCED_SINCE,
        "organization_state": State.ACTIVE,
        "standing": Standing.GOOD,
    }
    return Holding(namespace=namespace, organization=organization, **(defaults | fields))  # of the right types


def answer(
    *holdings: Holding,
    publisher: Publisher = ALICE,
    project: str = "acme-new",
    first_uploaded: datetime | None = None,
    owner: str | None = None,
) -> Decision:
    facts = Facts(now=NOW, revision=7, holdings=holdings, mirrored_owner=owner)
    return decide(Question(project, publisher, first_uploaded), facts)


class TestRow2Unreserved:
    def test_no_grant_covers_it(self) -> None:
        decision = answer()
        assert (decision.reason, decision.allowed, decision.status) == (Reason.UNRESERVED, True, 200)
        assert decision.namespace is None
        assert decision.namespaces == ()

    def test_a_grant_whose_time_has_not_come_is_not_enforced(self) -> None:
        assert answer(holding(effective_at=NOW + timedelta(seconds=1))).reason is Reason.UNRESERVED

    def test_a_grant_counts_from_its_very_moment(self) -> None:
        assert answer(holding(effective_at=NOW)).reason is Reason.RESERVED


class TestRow3Holder:
    def test_a_publisher_of_the_holder(self) -> None:
        decision = answer(holding(user_publishes=True))
        assert (decision.reason, decision.organization, decision.namespace) == (Reason.HOLDER, "acme", "acme")

    def test_an_organization_that_the_index_vouches_for(self) -> None:
        assert answer(holding(), publisher=Publisher(organization="acme")).reason is Reason.HOLDER

    def test_a_named_organization_with_a_user_who_does_not_publish_for_it(self) -> None:
        publisher = Publisher(user="mallory", organization="acme")
        assert answer(holding(), publisher=publisher).reason is Reason.RESERVED

    def test_a_named_organization_with_claims_that_do_not_match(self) -> None:
        publisher = Publisher(organization="acme", claims={"iss": "https://ci.example", "repository_owner": "mallory"})
        assert answer(holding(trusted=({"repository_owner": "acme"},)), publisher=publisher).reason is Reason.RESERVED

    def test_claims_of_a_trusted_publisher(self) -> None:
        publisher = Publisher(claims={"iss": "https://ci.example", "repository_owner": "acme", "sub": "x"})
        assert answer(holding(trusted=({"repository_owner": "acme"},)), publisher=publisher).reason is Reason.HOLDER

    def test_holding_one_covering_grant_is_enough(self) -> None:
        outer = holding("acme", "acme")
        inner = holding("acme-labs", "guest", user_publishes=True)
        decision = answer(outer, inner, project="acme-labs-x")
        assert (decision.reason, decision.organization, decision.namespace) == (Reason.HOLDER, "guest", "acme-labs")

    def test_the_most_specific_grant_decides_to_whom_it_goes(self) -> None:
        outer = holding("acme", "acme", user_publishes=True)
        inner = holding("acme-labs", "guest", user_publishes=True)
        decision = answer(outer, inner, project="acme-labs-x")
        assert decision.organization == "guest"
        assert decision.candidates == ("acme", "guest")

    @pytest.mark.parametrize(("named", "chosen"), [("zeta", "zeta"), ("beta", "beta"), (None, "beta")])
    def test_a_tie_is_broken_by_the_named_organization_else_by_name(self, named: str | None, chosen: str) -> None:
        holders = [holding(organization=name, user_publishes=True) for name in ("zeta", "beta")]
        assert answer(*holders, publisher=Publisher(user="alice", organization=named)).organization == chosen

    def test_grace_is_no_lapse(self) -> None:
        assert answer(holding(user_publishes=True, standing=Standing.GRACE)).reason is Reason.HOLDER

    def test_a_team_right_on_an_inner_grant_acts_for_the_organization(self) -> None:
        decision = answer(holding("acme"), holding("acme-labs", user_publishes=True), project="acme-labs-x")
        assert (decision.reason, decision.namespace) == (Reason.HOLDER, "acme-labs")

    def test_namespaces_are_marked_as_the_new_project_will_be(self) -> None:
        decision = answer(holding("acme"), holding("acme-labs", user_publishes=True), project="acme-labs-x")
        assert [(m.name, m.owned) for m in decision.namespaces] == [("acme", True), ("acme-labs", True)]


class TestRow4Grandfathered:
    def test_older_than_the_grant(self) -> None:
        decision = answer(holding(), first_uploaded=BEFORE)
        assert decision.reason is Reason.GRANDFATHERED
        assert [(m.name, m.owned) for m in decision.namespaces] == [("acme", False)]

    def test_as_old_as_the_grant_is_not_older(self) -> None:
        assert answer(holding(), first_uploaded=ENFORCED_SINCE).reason is Reason.RESERVED

    def test_existing_now_is_not_enough(self) -> None:
        assert answer(holding(), first_uploaded=AFTER).reason is Reason.RESERVED

    def test_a_child_made_later_changes_nothing(self) -> None:
        child = holding("acme-labs", effective_at=NOW - timedelta(days=1))
        made_between = NOW - timedelta(days=50)
        assert answer(holding(), child, project="acme-labs-x", first_uploaded=made_between).reason is Reason.RESERVED

    def test_a_younger_outer_grant_does_not_grandfather_what_an_inner_one_had_reserved(self) -> None:
        outer = holding("acme", effective_at=NOW - timedelta(days=1))
        inner = holding("acme-labs")
        made_between = NOW - timedelta(days=50)
        assert answer(outer, inner, project="acme-labs-x", first_uploaded=made_between).reason is Reason.RESERVED

    def test_a_grant_that_is_not_enforced_yet_does_not_count(self) -> None:
        coming = holding("acme-labs", effective_at=NOW + timedelta(days=1))
        assert answer(holding(), coming, project="acme-labs-x", first_uploaded=AFTER).reason is Reason.RESERVED

    def test_it_comes_after_the_holder(self) -> None:
        assert answer(holding(user_publishes=True), first_uploaded=BEFORE).reason is Reason.HOLDER


RESTRICTED = [
    ({"standing": Standing.LAPSED}, Reason.LAPSED),
    ({"grant_state": GrantState.LOCKED}, Reason.LOCKED),
    ({"grant_state": GrantState.QUARANTINED}, Reason.LOCKED),
    ({"organization_state": State.SUSPENDED}, Reason.LOCKED),
    ({"grant_state": GrantState.LOCKED, "standing": Standing.LAPSED}, Reason.LAPSED),
]


@pytest.mark.parametrize(("restriction", "reason"), RESTRICTED)
class TestRows5And6Restricted:
    def test_an_existing_project_of_the_holder_goes_on(self, restriction: dict[str, Any], reason: Reason) -> None:
        decision = answer(holding(user_publishes=True, **restriction), first_uploaded=AFTER, owner="acme")
        assert (decision.reason, decision.organization) == (Reason.EXISTING, "acme")
        assert [m.owned for m in decision.namespaces] == [True]

    def test_of_unknown_owner_too(self, restriction: dict[str, Any], reason: Reason) -> None:
        assert answer(holding(user_publishes=True, **restriction), first_uploaded=AFTER).reason is Reason.EXISTING

    def test_a_project_of_somebody_else_does_not(self, restriction: dict[str, Any], reason: Reason) -> None:
        decision = answer(holding(user_publishes=True, **restriction), first_uploaded=AFTER, owner="user:mallory")
        assert (decision.reason, decision.allowed, decision.status) == (reason, False, 409)

    def test_a_new_one_is_refused(self, restriction: dict[str, Any], reason: Reason) -> None:
        assert answer(holding(user_publishes=True, **restriction)).reason is reason

    def test_a_stranger_learns_only_that_it_is_reserved(self, restriction: dict[str, Any], reason: Reason) -> None:
        assert answer(holding(**restriction), first_uploaded=AFTER).reason is Reason.RESERVED

    def test_another_holder_in_good_standing_publishes(self, restriction: dict[str, Any], reason: Reason) -> None:
        other = holding(organization="guest", user_publishes=True)
        decision = answer(holding(user_publishes=True, standing=Standing.LAPSED), other)
        assert (decision.reason, decision.organization) == (Reason.HOLDER, "guest")


class TestRow7Reserved:
    def test_a_stranger_with_a_new_name(self) -> None:
        decision = answer(holding("acme"), holding("acme-labs"), project="acme-labs-x")
        assert (decision.reason, decision.allowed, decision.status) == (Reason.RESERVED, False, 409)
        assert decision.namespace == "acme-labs"
        assert [m.owned for m in decision.namespaces] == [False, False]
        assert decision.organization is None


@pytest.mark.parametrize(
    ("pattern", "claims", "matches"),
    [
        ({"repository": "acme/widgets"}, {"repository": "acme/widgets"}, True),
        ({"repository": "acme/*"}, {"repository": "acme/widgets"}, True),
        ({"repository": "acme/*"}, {"repository": "acme-evil/widgets"}, False),
        ({"repository": "acme/widgets"}, {"repository": "acme/widgets2"}, False),
        ({"repository": "acme/*", "ref": "refs/heads/main"}, {"repository": "acme/widgets"}, False),
        ({"repository": "acme/*"}, {"repository": ["acme/widgets"]}, False),
        ({"repository": "acme/*"}, {}, False),
        ({}, {"repository": "acme/widgets"}, False),
    ],
)
def test_claims_of_trusted_publishers(pattern: dict[str, str], claims: dict[str, Any], matches: bool) -> None:
    publisher = Publisher(claims={"iss": "https://ci.example", **claims})
    expected = Reason.HOLDER if matches else Reason.RESERVED
    assert answer(holding(trusted=(pattern,)), publisher=publisher).reason is expected
