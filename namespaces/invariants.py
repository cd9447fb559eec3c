"""What must hold of every grant, right, share, transfer, project and change: the standing check over namespaces.

The rules that the database keeps by constraints are asked here in another way than the constraint has it: overlap by
comparing names with names, and not by the ranges.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from namespaces.cases import OPEN, CaseKind, CaseState, DecisionOutcome, DecisionState
from namespaces.models import Grant
from namespaces.states import ENFORCED, HOLDING, GrantState
from orgs.invariants import INVARIANTS as OF_ORGANIZATIONS
from orgs.invariants import Invariant
from orgs.vocabulary import State

_HOLDING = ", ".join(f"'{state}'" for state in HOLDING)
_ENFORCED = ", ".join(f"'{state}'" for state in ENFORCED)
_OPEN = ", ".join(f"'{state}'" for state in OPEN)

OVERDUE = timedelta(days=7)
"""How much longer something may be held than it should: its owners may have been told late, or the worker was down."""


def held_too_long() -> list[str]:
    since = timezone.now() - settings.FREEHOLD_HELD - OVERDUE
    late = Grant.objects.filter(state=GrantState.HELD, root__isnull=True, state_changed_at__lt=since)
    return [f"{grant.name} since {grant.state_changed_at:%Y-%m-%d}" for grant in late.order_by("name")]


INVARIANTS = (
    Invariant(
        "no_foreign_overlap",
        "No two namespaces that overlap are held by different organizations.",
        f"""SELECT format('%s of organization %s and %s of organization %s', a.name, a.owner_id, b.name, b.owner_id)
              FROM namespaces_grant a JOIN namespaces_grant b ON a.id <> b.id AND b.name COLLATE "C" >= a.name
                   AND b.name COLLATE "C" < a.name || '.' AND (b.name = a.name OR starts_with(b.name, a.name || '-'))
             WHERE a.state IN ({_HOLDING}) AND b.state IN ({_HOLDING}) AND a.owner_id <> b.owner_id
               AND (a.name <> b.name OR a.id < b.id)""",
    ),
    Invariant(
        "children_of_their_root",
        "A child is held by the owner of its root, and its root is a root above it that is held too.",
        f"""SELECT c.name FROM namespaces_grant c LEFT JOIN namespaces_grant r ON r.id = c.root_id
             WHERE c.root_id IS NOT NULL AND c.state IN ({_HOLDING}) AND (
               r.id IS NULL OR r.owner_id <> c.owner_id OR r.root_id IS NOT NULL OR r.state NOT IN ({_HOLDING})
               OR NOT starts_with(c.name, r.name || '-'))""",
    ),
    Invariant(
        "rights_of_holders",
        "Only teams of an organization that owns a grant, or that it is shared with, have rights on it.",
        f"""SELECT format('team %s of organization %s on %s', t.id, t.organization_id, g.name)
              FROM namespaces_teamgrant tg JOIN orgs_team t ON t.id = tg.team_id
              JOIN namespaces_grant g ON g.id = tg.grant_id
             WHERE g.state NOT IN ({_HOLDING}) OR (g.owner_id <> t.organization_id AND NOT EXISTS (
               SELECT FROM namespaces_share s WHERE s.grant_id = g.id AND s.organization_id = t.organization_id))""",
    ),
    Invariant(
        "enforced_has_time",
        "Every enforced grant says from when it is enforced.",
        f"""SELECT name FROM namespaces_grant
             WHERE state IN ({_ENFORCED}) AND effective_at IS NULL""",
    ),
    Invariant(
        "shares_with_others",
        "A grant is shared with others than its owner, and only while it is held.",
        f"""SELECT format('%s with organization %s', g.name, s.organization_id)
              FROM namespaces_share s JOIN namespaces_grant g ON g.id = s.grant_id
             WHERE s.organization_id = g.owner_id OR g.state NOT IN ({_HOLDING})""",
    ),
    Invariant(
        "transfers_of_active_roots",
        "What is offered for transfer is an active root, to somebody else than its owner.",
        f"""SELECT format('%s to organization %s', g.name, x.to_id)
              FROM namespaces_transfer x JOIN namespaces_grant g ON g.id = x.grant_id
             WHERE g.root_id IS NOT NULL OR g.state <> '{GrantState.ACTIVE}' OR x.to_id = g.owner_id""",
    ),
    Invariant(
        "closed_holds_nothing",
        "A closed organization holds no namespace that is in use, shares none and is offered none.",
        f"""SELECT format('%s: %s', o.name, h.what) FROM orgs_organization o JOIN (
                 SELECT owner_id AS organization_id, name AS what FROM namespaces_grant
                  WHERE state IN ({_HOLDING}) AND state <> '{GrantState.QUARANTINED}'
                 UNION ALL SELECT s.organization_id, 'share of ' || g.name
                   FROM namespaces_share s JOIN namespaces_grant g ON g.id = s.grant_id
                 UNION ALL SELECT x.to_id, 'offer of ' || g.name
                   FROM namespaces_transfer x JOIN namespaces_grant g ON g.id = x.grant_id
               ) h ON h.organization_id = o.id WHERE o.state = '{State.CLOSED}'""",
    ),
    Invariant(
        "closed_asks_nothing",
        "A closed organization has no case that is open.",
        f"""SELECT format('%s: case %s', o.name, c.id)
              FROM namespaces_case c JOIN orgs_organization o ON o.id = c.organization_id
             WHERE o.state = '{State.CLOSED}' AND c.state IN ({_OPEN})""",
    ),
    Invariant(
        "one_decision_at_most",
        "Of each case one decision at most is in force or proposed.",
        f"""SELECT format('case %s', case_id) FROM namespaces_casedecision
             WHERE state IN ('{DecisionState.PROPOSED}', '{DecisionState.EFFECTIVE}')
             GROUP BY case_id HAVING count(*) > 1""",
    ),
    Invariant(
        "cases_as_decided",
        "A case is in the state that the decision on it brought about, and has none where it is not decided.",
        f"""SELECT format('case %s is %s', c.id, c.state) FROM namespaces_case c WHERE NOT CASE c.state
              WHEN '{CaseState.APPROVED}' THEN EXISTS (SELECT FROM namespaces_casedecision d WHERE d.case_id = c.id
                   AND d.state = '{DecisionState.EFFECTIVE}' AND d.outcome = '{DecisionOutcome.APPROVE}')
              WHEN '{CaseState.REFUSED}' THEN EXISTS (SELECT FROM namespaces_casedecision d WHERE d.case_id = c.id
                   AND d.state = '{DecisionState.EFFECTIVE}' AND d.outcome = '{DecisionOutcome.REFUSE}')
              WHEN '{CaseState.PROPOSED}' THEN EXISTS (SELECT FROM namespaces_casedecision d WHERE d.case_id = c.id
                   AND d.state = '{DecisionState.PROPOSED}')
              WHEN '{CaseState.EXPIRED}' THEN NOT EXISTS (SELECT FROM namespaces_casedecision d WHERE d.case_id = c.id
                   AND d.state = '{DecisionState.PROPOSED}')
              ELSE NOT EXISTS (SELECT FROM namespaces_casedecision d WHERE d.case_id = c.id
                   AND d.state IN ('{DecisionState.PROPOSED}', '{DecisionState.EFFECTIVE}')) END""",
    ),
    Invariant(
        "claims_as_granted",
        "What was approved was granted, by its name, and is held by who claimed it unless it was transferred.",
        f"""SELECT format('case %s of %s', c.id, c.name)
              FROM namespaces_case c LEFT JOIN namespaces_grant g ON g.id = c.grant_id
              LEFT JOIN namespaces_grant r ON r.id = g.root_id
             WHERE c.kind = '{CaseKind.CLAIM}' AND c.state = '{CaseState.APPROVED}' AND (
               g.id IS NULL OR g.name <> c.name OR (g.owner_id <> c.organization_id AND NOT EXISTS (
                 SELECT FROM orgs_auditevent e WHERE e.action = 'namespace.transferred'
                    AND e.target IN ('namespace ' || g.name, 'namespace ' || r.name))))""",
    ),
    Invariant(
        "held_for_a_while",
        "Nothing is held much longer than a payment is waited for.",
        look=held_too_long,
    ),
    Invariant(
        "owners_by_present_name",
        "No project is said to be owned by a name that its organization had before.",
        """SELECT p.name FROM namespaces_project p JOIN orgs_organizationname n ON n.name = p.owner
             JOIN orgs_organization o ON o.id = n.organization_id WHERE o.name <> n.name""",
    ),
    Invariant(
        "changes_numbered",
        "Every change in the feed has its revision, and none is ahead of the present one.",
        """SELECT format('change %s of %s %s', c.id, c.kind, c.name) FROM namespaces_change c
            WHERE c.revision IS NULL
               OR c.revision > coalesce((SELECT value FROM namespaces_revision WHERE id = 1), 0)""",
    ),
)

EVERY_INVARIANT = OF_ORGANIZATIONS + INVARIANTS
"""All that ``manage.py check_invariants`` and the daily task look at."""
