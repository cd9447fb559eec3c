"""The actions of the audit trail in words: each that is ever written has some."""

from __future__ import annotations

import pytest

from namespaces.states import Action
from orgs.actions import IN_WORDS, in_words
from orgs.models import AuditEvent
from orgs.proofs.judging import Notice
from orgs.vocabulary import RecoveryState
from tests.billing.buying.audit_rows import OTHERWISE
from tests.billing.syncing.audit_rows import ACTIONS
from tests.orgs.test_audit import ROWS

WRITTEN = {action for _, events in ROWS.values() for action, _ in events}
BY_VOCABULARY = {
    *(f"namespace.{action.value}" for action in Action),
    *(f"proof.{notice.value}" for notice in Notice),
    *(f"recovery.{state.value}" for state in RecoveryState if state != RecoveryState.PROVING),
}
BY_A_WORKER = {
    "audit_webhook.disabled",
    "case.proposed",
    "case.reopened",
    "case.settled",
    "community.renewed",
    "namespace.adopted",
    "organization.kind",
    "projects.import",
    "proof.code_mailed",
    "proof.flagged",
    "purge_webhook.disabled",
    "recovery.reminded",
}
"""Those that no row of the services shows."""
IN_BILLING = {action for _, _, events in OTHERWISE.values() for action in events} | ACTIONS
"""Those that the trails of billing show, where Stripe is asked (``tests/billing/buying`` and ``syncing``)."""
DONE = WRITTEN | BY_VOCABULARY | BY_A_WORKER | IN_BILLING


@pytest.mark.parametrize("action", sorted(DONE))
def test_every_action_has_words(action: str) -> None:
    assert in_words(action) != action
    assert "." not in in_words(action)


def test_there_are_no_words_for_what_is_never_done() -> None:
    assert set(IN_WORDS) <= DONE


def test_an_event_reads_as_a_sentence() -> None:
    event = AuditEvent(actor="olga@acme.example", action="member.removed", target="member sam@acme.example")
    assert f"{event.actor} {event.in_words} {event.target}" == "olga@acme.example removed member sam@acme.example"


def test_an_action_that_is_not_known_is_shown_by_its_name() -> None:
    assert in_words("moon.landed") == "moon.landed"


@pytest.mark.parametrize(
    ("facts", "whom"),
    [
        ({"after": {"member": "sam@acme.example"}}, "sam@acme.example"),
        ({"before": {"with": "guest"}}, "guest"),
        ({"after": {"to": "guest"}}, "guest"),
        ({"after": {"role": "owner"}}, ""),
        ({}, ""),
    ],
)
def test_an_event_tells_whom_else_it_concerns(facts: dict[str, dict[str, str]], whom: str) -> None:
    assert AuditEvent(actor="x", action="y", target="z", **facts).whom == whom
