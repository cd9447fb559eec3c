"""What ``orgs`` cannot look at by itself: other apps enter what looks as they start."""

from __future__ import annotations

from collections.abc import Callable

from orgs.models import Organization
from orgs.proofs.observations import Observation

ProjectsChecker = Callable[[Organization, str], Observation]
"""Whether the organization owns projects under the prefix, on the index."""

_entered: dict[str, ProjectsChecker] = {}


def enter_projects(check: ProjectsChecker) -> None:
    _entered["projects"] = check


def check_projects(organization: Organization, prefix: str) -> Observation:
    return _entered["projects"](organization, prefix)
