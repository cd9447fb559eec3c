"""What the services of cases leave in the trail: their rows in ``tests/orgs/test_audit.py``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Mail
from namespaces.cases import CaseState, DecisionOutcome
from namespaces.models import Case, Grant
from namespaces.policy.evaluation import Key
from namespaces.services.held import remind_of_held, remind_of_unanswered
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import State
from tests import factories

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]
ACME = "acme"


def _acme(state: State = State.ACTIVE) -> tuple[Organization, Actor]:
    made = factories.organization(ACME, state=state)
    return made, Actor.person(factories.member(made, "olga").user, origin="192.0.2.7")


def _ours(state: CaseState = CaseState.WAITING, **more: Any) -> dict[str, Any]:
    """For the owner."""
    organization, owner = _acme()
    return {"actor": owner, "case": factories.case(organization, state=state), **more}


def _desk(state: CaseState = CaseState.WAITING, **more: Any) -> dict[str, Any]:
    """For a reviewer."""
    organization, _ = _acme()
    reviewer = Actor.staff(factories.reviewer(), origin="192.0.2.8")
    return {"actor": reviewer, "case": factories.case(organization, state=state), **more}


def _filed() -> dict[str, Any]:
    organization, owner = _acme()
    return {"actor": owner, "organization": organization, "name": ACME}


def _held(days: int) -> dict[str, Any]:
    organization, _ = _acme(State.APPLIED)
    case = factories.case(organization, state=CaseState.APPROVED)
    Grant.objects.filter(cases=case).update(state_changed_at=timezone.now() - timedelta(days=days))
    return {"grant": Grant.objects.get(cases=case)}


def _over() -> dict[str, Any]:
    found = _held(31)
    remind_of_held(actor=Actor.worker(), grant=found["grant"])
    Mail.objects.update(created_at=timezone.now() - timedelta(days=5))
    return found


def _asked(days: int) -> dict[str, Any]:
    organization, _ = _acme()
    case = factories.case(organization, state=CaseState.ASKED)
    Case.objects.filter(pk=case.pk).update(asked_at=timezone.now() - timedelta(days=days))
    return {"case": Case.objects.get(pk=case.pk)}


def _unanswered() -> dict[str, Any]:
    found = _asked(61)
    remind_of_unanswered(actor=Actor.worker(), case=found["case"])
    Mail.objects.update(created_at=timezone.now() - timedelta(days=15))
    return found


def _held_grant() -> dict[str, Any]:
    organization, _ = _acme()
    return {"grant": factories.grant(ACME, organization, state=GrantState.HELD), "reason": "It was not paid for."}


REFUSAL: dict[str, Any] = {"outcome": DecisionOutcome.REFUSE, "criteria": [Key.IN_USE], "text": "Nothing is there yet."}

ROWS: dict[str, Row] = {
    "file_claim": (_filed, [("case.filed", ACME)]),
    "look_again": (_ours, []),
    "edit": (lambda: _ours(statement="Other words."), [("case.edited", ACME)]),
    "answer": (lambda: _ours(CaseState.ASKED, text="These."), [("case.answered", ACME)]),
    "appeal": (lambda: _ours(CaseState.REFUSED, text="Look again."), [("case.appealed", ACME)]),
    "say": (lambda: _ours(text="Hello."), [("case.said", ACME)]),
    "withdraw": (_ours, [("case.withdrawn", ACME)]),
    "ask": (lambda: _desk(text="Which?"), [("case.asked", ACME)]),
    "decide": (lambda: _desk(**REFUSAL), [("case.refused", ACME)]),
    "confirm": (lambda: _desk(CaseState.PROPOSED), [("namespace.granted", ACME), ("case.approved", ACME)]),
    "disagree": (lambda: _desk(CaseState.PROPOSED, reason="Not so."), [("case.disagreed", "")]),
    "undo": (lambda: _desk(CaseState.REFUSED, reason="A slip."), [("case.undone", ACME)]),
    "discard_held": (_held_grant, [("namespace.discard", ACME)]),
    "remind_of_held": (lambda: _held(28), [("case.reminded", ACME)]),
    "expire_held": (_over, [("namespace.discard", ACME), ("case.expired", ACME)]),
    "remind_of_unanswered": (lambda: _asked(50), [("case.reminded", ACME)]),
    "expire_unanswered": (_unanswered, [("case.expired", ACME)]),
}
