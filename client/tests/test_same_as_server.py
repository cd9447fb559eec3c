"""On generated worlds the snapshot knows the holders that Freehold's own decision knows."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold_client import Publisher, wire
from freehold_client.fallback import Situation, Upload, inside
from freehold_client.holders import claims_match, organization_name, publishing_holder, username

pytest.importorskip("django", reason="Freehold itself is not installed")
sys.path.append(str(Path(__file__).parents[2]))
theirs = pytest.importorskip("namespaces.decision", reason="Freehold's sources are not here")

pytestmark = pytest.mark.slow
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
ORGANIZATIONS = ["acme", "beta", "corp"]
USERS = ["u1", "u2", "u3"]
NAMESPACES = ["a", "a-b", "a-b-c"]
ISSUERS = ["https://one.example", "https://two.example"]

times = st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))
patterns = st.dictionaries(st.sampled_from(["repo", "owner"]), st.sampled_from(["x", "xy", "x*", "*", "y"]), max_size=2)
organizations = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["applied", "active", "active", "active", "suspended", "closed"]),
        "standing": st.sampled_from(["good", "good", "grace", "lapsed"]),
        "publishers": st.lists(st.sampled_from(USERS), max_size=2, unique=True),
        "trusted": st.lists(st.tuples(st.sampled_from(ISSUERS), patterns), max_size=2),
        "was_renamed": st.booleans(),
    }
)
grants = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["active", "active", "active", "locked", "quarantined"]),
        "effective_at": times,
        "owner": st.sampled_from(ORGANIZATIONS),
        "shares": st.dictionaries(st.sampled_from(ORGANIZATIONS), st.none() | times, max_size=2),
        "publishers": st.lists(st.tuples(st.sampled_from(ORGANIZATIONS), st.sampled_from(USERS)), max_size=2),
    }
)
worlds = st.fixed_dictionaries(
    {
        "grants": st.dictionaries(st.sampled_from(NAMESPACES), grants, min_size=1),
        "organizations": st.fixed_dictionaries(dict.fromkeys(ORGANIZATIONS, organizations)),
    }
)
publishers = st.builds(
    Publisher,
    user=st.none() | st.sampled_from([*USERS, "U1", "\u212a1", "u4"]),
    organization=st.none() | st.sampled_from([*ORGANIZATIONS, "Acme", "old-acme", "Old.beta", "none", "-"]),
    claims=st.none()
    | st.fixed_dictionaries(
        {"iss": st.sampled_from(ISSUERS)},
        optional={name: st.sampled_from(["x", "xy", "y", "", 1, None]) for name in ("repo", "owner")},
    ),
)
projects = st.sampled_from(["a", "a-z", "a-b", "a-b-c-d", "a-bc"])


def text(moment):
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def as_snapshot(world):
    """The world as Freehold's feed tells it."""
    return wire.snapshot(
        {
            "revision": 5,
            "grants": [
                {
                    "name": name,
                    "state": g["state"],
                    "effective_at": text(g["effective_at"]),
                    "owner": g["owner"],
                    "root": None,
                    "shares": [{"organization": o, "expires_at": text(at)} for o, at in g["shares"].items()],
                    "publishers": [{"organization": o, "user": u} for o, u in g["publishers"]],
                }
                for name, g in world["grants"].items()
            ],
            "organizations": [
                {
                    "name": name,
                    "kind": "company",
                    "state": o["state"],
                    "standing": o["standing"],
                    "publishers": o["publishers"],
                    "trusted_publishers": [{"issuer": issuer, "claims": claims} for issuer, claims in o["trusted"]],
                    **({"former_names": [f"older-{name}", f"old-{name}"]} if o["was_renamed"] else {}),
                }
                for name, o in world["organizations"].items()
            ],
        }
    )


def as_facts(world, project, publisher):
    """The world as Freehold's own statement finds it."""
    from namespaces.states import GrantState
    from orgs.vocabulary import Standing, State

    user = None if publisher.user is None else username(publisher.user)
    issuer = None if publisher.claims is None else publisher.claims["iss"]
    found = []
    for name, g in world["grants"].items():
        if project != name and not project.startswith(name + "-"):
            continue
        shared = [o for o, until in g["shares"].items() if until is None or until > NOW]
        for holder in [g["owner"], *shared]:
            o = world["organizations"][holder]
            found.append(
                theirs.Holding(
                    namespace=name,
                    grant_state=GrantState(g["state"]),
                    effective_at=g["effective_at"],
                    organization=holder,
                    organization_state=State(o["state"]),
                    standing=Standing(o["standing"]),
                    user_publishes=user in o["publishers"] or (holder, user) in g["publishers"],
                    trusted=tuple(claims for trusted, claims in o["trusted"] if trusted == issuer),
                )
            )
    return theirs.Facts(now=NOW, revision=5, holdings=tuple(found))


def as_question(world, project, publisher, first_uploaded=None):
    """A former name counts as the present one, as Freehold takes it."""
    named = organization_name(publisher.organization)
    present = {f"old-{name}": name for name, o in world["organizations"].items() if o["was_renamed"]}
    them = theirs.Publisher(publisher.user, present.get(named, named), publisher.claims)
    return theirs.Question(project, them, first_uploaded)


@settings(max_examples=1500, deadline=None)
@given(world=worlds, publisher=publishers, project=projects)
def test_holders(world, publisher, project) -> None:
    snapshot = as_snapshot(world)
    covering = snapshot.covering(project)
    decision = theirs.decide(as_question(world, project, publisher), as_facts(world, project, publisher))
    ours = publishing_holder(snapshot, covering, publisher, NOW.timestamp())
    if decision.reason == "unreserved":
        assert all(grant.effective_at > NOW.timestamp() for grant in covering)
    else:
        expected = (decision.namespace, decision.organization) if decision.reason == "holder" else None
        assert (ours and (ours[0].name, ours[1])) == expected


@settings(max_examples=1500, deadline=None)
@given(world=worlds, publisher=publishers, project=projects, first_uploaded=st.none() | times)
def test_what_is_allowed_without_an_answer_freehold_allows(world, publisher, project, first_uploaded) -> None:
    """With the index silent on the owner: during an outage nobody may do more than they might with Freehold there."""
    snapshot = as_snapshot(world)
    covering = snapshot.covering(project)
    if not covering:
        return
    since = None if first_uploaded is None else first_uploaded.timestamp()
    upload = Upload(project, publisher, since is not None, since)
    ours = inside(Situation(upload, snapshot, covering, NOW.timestamp(), ""))
    decision = theirs.decide(
        as_question(world, project, publisher, first_uploaded), as_facts(world, project, publisher)
    )
    assert decision.allowed or not ours.allowed


@given(patterns, st.dictionaries(st.sampled_from(["repo", "owner"]), st.sampled_from(["x", "xy", "y", "", 1, None])))
def test_claims(pattern, claims) -> None:
    assert claims_match(tuple(pattern.items()), claims) == theirs.claims_match(pattern, claims)
