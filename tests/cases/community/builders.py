"""Applications for the tests of the policy: one that a machine grants, and what makes it better or worse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from namespaces.policy.community import ApplicationInputs, OwnProjects
from namespaces.policy.inputs import (
    Applicant,
    ClaimInputs,
    Holding,
    Likeness,
    NearName,
    Overlap,
    Projects,
    ProofFact,
    Source,
    Whose,
    WordUse,
)
from namespaces.policy.signals import ForgeFacts, Repository
from namespaces.states import GrantState
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State

TODAY = date(2026, 11, 1)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def proof(kind: ProofKind, subject: str, **fields: Any) -> ProofFact:
    known: dict[str, Any] = {"state": ProofState.VERIFIED}
    return ProofFact(kind=kind, subject=subject, **known | fields)


def forge_proof(name: str, **fields: Any) -> ProofFact:
    return proof(ProofKind.FORGE, f"https://github.com/{name}", **fields)


def repository(name: str = "rocket", **fields: Any) -> Repository:
    usual: dict[str, Any] = {
        "licence": "MIT",
        "begun": days_ago(900),
        "changed": days_ago(4),
        "stars": 140,
        "forks": 12,
        "commits": 40,
        "releases": 2,
    }
    return Repository(name=name, **usual | fields)


def facts(name: str = "rocket", *repositories: Repository, **fields: Any) -> ForgeFacts:
    usual: dict[str, Any] = {"address": f"https://github.com/{name}", "on": TODAY}
    return ForgeFacts(**usual | {"repositories": repositories or (repository(name),)} | fields)


def near(name: str, likeness: Likeness = Likeness.EDITED, **fields: Any) -> NearName:
    usual: dict[str, Any] = {"source": Source.POPULAR, "distance": 1, "projects": 40}
    return NearName(name=name, likeness=likeness, **usual | fields)


def holding(name: str, **fields: Any) -> Holding:
    usual: dict[str, Any] = {"overlap": Overlap.SAME, "state": GrantState.ACTIVE, "mine": False, "owner": "other"}
    return Holding(name=name, **usual | fields)


def applicant(name: str = "rocket", *proofs: ProofFact, **fields: Any) -> Applicant:
    usual: dict[str, Any] = {
        "name": name,
        "display_name": name.title(),
        "kind": Kind.COMMUNITY,
        "state": State.APPLIED,
        "standing": Standing.GOOD,
        "age_days": 1,
        "proofs": proofs,
    }
    return Applicant(**usual | fields)


def bare(name: str = "rocket", *proofs: ProofFact, **fields: Any) -> ApplicationInputs:
    """An organization with these proofs of which nothing else is known. Fields are of the application, else of the
    applicant, else of the claim of its name, whichever has them."""
    asked = {key: fields.pop(key) for key in list(fields) if key in ApplicationInputs.__dataclass_fields__}
    own = {key: fields.pop(key) for key in list(fields) if key in Applicant.__dataclass_fields__}
    claimed: dict[str, Any] = {
        "prefix": name,
        "on": TODAY,
        "applicant": applicant(name, *proofs, **own),
        "words": (WordUse(part=name),),
    }
    known: dict[str, Any] = {"wanted": Kind.COMMUNITY, "name": ClaimInputs(**claimed | fields)}
    return ApplicationInputs(**known | asked)


def good(name: str = "rocket", *proofs: ProofFact, **fields: Any) -> ApplicationInputs:
    """A project with users at the place on a forge that it has proved."""
    return bare(name, *(proofs or (forge_proof(name),)), **{"forges": (facts(name),)} | fields)


def published(count: int = 4, downloads: int | None = 20_000, age: int = 700) -> OwnProjects:
    return OwnProjects(count=count, first=days_ago(age), downloads=downloads)


def namesake(age: int = 700, **fields: Any) -> Projects:
    """The project of its name is its own, and has been for so many days."""
    known: dict[str, Any] = {"own": 3, "own_first": days_ago(age), "namesake": Whose.APPLICANT}
    return Projects(**known | fields)


def with_claim(inputs: ApplicationInputs, **changes: Any) -> ApplicationInputs:
    """What its name is like changed so; ``projects`` are those under the name."""
    return replace(inputs, name=replace(inputs.name, **changes))
