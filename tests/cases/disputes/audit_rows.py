"""What the services of disputes leave in the trail, for ``test_audit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from namespaces.cases import CaseKind, Ground
from namespaces.models import Case
from namespaces.services.disputes import freeze
from orgs.actors import Actor
from tests import factories
from tests.cases.disputes.stage import person

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]


def reported() -> Case:
    return factories.case(factories.organization("acme"), kind=CaseKind.DISPUTE)


def a_report() -> dict[str, Any]:
    grant = factories.grant("acme", factories.organization("acme"))
    reporter = Actor.person(person(), origin="192.0.2.9")
    return {"grant": grant, "ground": Ground.ABUSE, "statement": "Look at it.", "actor": reporter}


ROWS: dict[str, Row] = {
    "report": (a_report, [("case.filed", ""), ("case.filed", "acme")]),
    "freeze": (lambda: {"case": reported()}, [("namespace.lock", "acme"), ("case.frozen", "acme")]),
    "unfreeze": (
        lambda: {"case": freeze(actor=Actor.operator(), case=reported())},
        [("namespace.unlock", "acme"), ("case.unfrozen", "acme")],
    ),
}
UNNAMED = ("the reporter", "")
"""In the trail of the holder nobody stands by name who reported."""
