"""What the services of community projects leave in the audit trail: the arguments of each, and its events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from namespaces.cases import CaseKind, CaseState
from namespaces.models import Case, Verification
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Kind, State
from tests import factories

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]


def _rocket(state: State = State.APPLIED) -> Organization:
    return factories.organization("rocket", kind=Kind.COMMUNITY, state=state)


def _case(state: CaseState = CaseState.WAITING) -> tuple[Case, Actor]:
    rocket = _rocket()
    owner = Actor.person(factories.member(rocket, "gina").user)
    return factories.case(rocket, kind=CaseKind.APPLICATION, state=state), owner


def _acting(state: CaseState = CaseState.WAITING, **more: str) -> dict[str, Any]:
    case, owner = _case(state)
    return {"case": case, "actor": owner, **more}


def _due() -> dict[str, Any]:
    rocket = _rocket(State.ACTIVE)
    Verification.objects.create(organization=rocket, renew_at=timezone.now() + timedelta(days=30))
    return {"organization": rocket}


ROWS: dict[str, Row] = {
    "file_application": (lambda: {"organization": _rocket()}, [("case.filed", "rocket")]),
    "edit_application": (lambda: _acting(statement="Other words."), [("case.edited", "rocket")]),
    "answer_application": (lambda: _acting(CaseState.ASKED, text="These."), [("case.answered", "rocket")]),
    "look_again_at_application": (_acting, []),
    "refresh_evidence": (lambda: {"organization": _rocket()}, []),
    "renew": (_due, [("community.warned", "rocket")]),
}
