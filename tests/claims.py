"""Claims for the tests of the policy: one that a machine grants, and what makes it worse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from namespaces.policy.inputs import Applicant, ClaimInputs, Likeness, NearName, Projects, ProofFact, Source, WordUse
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State

TODAY = date(2026, 11, 1)
DOMAIN = ProofFact(kind=ProofKind.DNS, subject="acme.example", state=ProofState.VERIFIED)
FORGE = ProofFact(kind=ProofKind.FORGE, subject="https://github.com/acme", state=ProofState.VERIFIED)
COMPANY = Applicant(
    name="acme",
    display_name="Acme",
    kind=Kind.COMPANY,
    state=State.ACTIVE,
    standing=Standing.GOOD,
    age_days=400,
    proofs=(DOMAIN,),
)
PROJECTS = Projects(own=4, own_first=date(2021, 3, 4), own_downloads=5_000)


def claim(prefix: str = "acme", **changes: Any) -> ClaimInputs:
    """A claim by a proved company that publishes under its name, changed so."""
    usual: dict[str, Any] = {"applicant": COMPANY, "projects": PROJECTS, "words": (WordUse(part=prefix),)}
    return ClaimInputs(prefix=prefix, on=TODAY, **usual | changes)


def applicant(**changes: Any) -> Applicant:
    return replace(COMPANY, **changes)


def projects(**changes: Any) -> Projects:
    return replace(PROJECTS, **changes)


def near(name: str, likeness: Likeness = Likeness.EDITED, **changes: Any) -> NearName:
    usual: dict[str, Any] = {"source": Source.POPULAR, "distance": 1, "projects": 500}
    return NearName(name=name, likeness=likeness, **usual | changes)
