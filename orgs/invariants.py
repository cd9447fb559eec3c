"""What must hold of every row, whatever wrote it: the standing check over people, names and tokens.

Most of it the database sees to by constraints and triggers. This looks at what is there, and finds what a restored
backup, a trigger that was switched off or a rule that was forgotten has left behind. ``manage.py check_invariants``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection

from orgs.selectors import first_broken_audit_event
from orgs.vocabulary import State

AT_MOST = 100
"""Of one invariant: who breaks it a million times need not be told of each."""


@dataclass(frozen=True)
class Invariant:
    """``sql`` finds what breaks it, as one column that says in words which row. ``look`` is for what no query finds."""

    name: str
    sentence: str
    sql: str = ""
    look: Callable[[], list[str]] | None = None

    def broken_by(self) -> list[str]:
        return self.look() if self.look is not None else _select(self.sql)


@dataclass(frozen=True)
class Violation:
    """One thing that is not as it must be: which invariant, what it demands, and what breaks it."""

    invariant: str
    sentence: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.sentence} Not so: {self.what}"


def violations(invariants: Iterable[Invariant]) -> list[Violation]:
    """All that is found over the whole database; empty when everything is in order."""
    return [Violation(i.name, i.sentence, what) for i in invariants for what in i.broken_by()]


def _select(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({sql}) found ORDER BY 1 LIMIT {AT_MOST}")
        return [str(row[0]) for row in cursor.fetchall()]


def _broken_trail() -> list[str]:
    count, broken = first_broken_audit_event()
    return [] if broken is None else [f"event {broken} of {count} is missing or not as it was written"]


INVARIANTS = (
    Invariant(
        "owner_remains",
        "Every organization that has people and is not closed has an owner.",
        f"""SELECT o.name FROM orgs_organization o
             WHERE o.state <> '{State.CLOSED}' AND EXISTS (SELECT FROM orgs_membership WHERE organization_id = o.id)
               AND NOT EXISTS (SELECT FROM orgs_membership WHERE organization_id = o.id AND role = 'owner')""",
    ),
    Invariant(
        "seats",
        "Nobody joined an organization whose seats were all taken. Who was there when they became fewer, stays.",
        """SELECT o.name FROM orgs_organization o
            WHERE o.seats < (SELECT count(*) FROM orgs_membership WHERE organization_id = o.id)
              AND NOT EXISTS (
                SELECT FROM orgs_auditevent e JOIN orgs_organizationname n ON n.name = e.organization
                 WHERE n.organization_id = o.id AND e.action = 'organization.seats'
                   AND e.after ->> 'seats' = o.seats::text
                   AND e.at >= (SELECT max(created_at) FROM orgs_membership WHERE organization_id = o.id))""",
    ),
    Invariant(
        "names_complete",
        "Every organization's name is written down as its own.",
        """SELECT o.name FROM orgs_organization o
            WHERE NOT EXISTS (SELECT FROM orgs_organizationname WHERE name = o.name AND organization_id = o.id)""",
    ),
    Invariant(
        "closed_has_nobody",
        "A closed organization has no people, teams, invitations, tokens or trusted publishers.",
        f"""SELECT format('%s has a row in %s', o.name, t.what) FROM orgs_organization o JOIN (
                 SELECT 'memberships' AS what, organization_id FROM orgs_membership
                 UNION SELECT 'teams', organization_id FROM orgs_team
                 UNION SELECT 'invitations', organization_id FROM orgs_invitation
                 UNION SELECT 'tokens', organization_id FROM orgs_organizationtoken
                 UNION SELECT 'trusted publishers', organization_id FROM orgs_trustedpublisher
               ) t ON t.organization_id = o.id WHERE o.state = '{State.CLOSED}'""",
    ),
    Invariant(
        "closed_streams_nothing_new",
        "An audit webhook of a closed organization was there before it closed.",
        f"""SELECT format('%s of organization %s', e.id, o.name)
              FROM orgs_auditendpoint e JOIN orgs_organization o ON o.id = e.organization_id
             WHERE o.state = '{State.CLOSED}' AND NOT EXISTS (
               SELECT FROM orgs_auditevent
                WHERE organization = o.name AND action = 'organization.closed' AND at >= e.created_at)""",
    ),
    Invariant(
        "team_members_of_its_organization",
        "Only memberships of a team's organization are in the team.",
        """SELECT format('team %s of organization %s has membership %s of %s', t.id, t.organization_id, m.id,
                         m.organization_id)
             FROM orgs_teammember tm JOIN orgs_team t ON t.id = tm.team_id
             LEFT JOIN orgs_membership m ON m.id = tm.membership_id
            WHERE m.organization_id IS DISTINCT FROM t.organization_id""",
    ),
    Invariant(
        "invitations_of_members",
        "An invitation was sent by somebody who is in its organization now.",
        """SELECT format('invitation %s of organization %s', i.id, i.organization_id)
             FROM orgs_invitation i LEFT JOIN orgs_membership m ON m.id = i.invited_by_id
            WHERE i.invited_by_id IS NOT NULL AND m.organization_id IS DISTINCT FROM i.organization_id""",
    ),
    Invariant(
        "invitations_to_own_teams",
        "An invitation is to teams of its organization.",
        """SELECT format('invitation %s of organization %s, to team %s', i.id, i.organization_id, it.team_id)
             FROM orgs_invitation_teams it JOIN orgs_invitation i ON i.id = it.invitation_id
             LEFT JOIN orgs_team t ON t.id = it.team_id
            WHERE t.organization_id IS DISTINCT FROM i.organization_id""",
    ),
    Invariant(
        "tokens_of_members",
        "A token was made by somebody who is in its organization now.",
        """SELECT format('token %s of organization %s', t.id, t.organization_id)
             FROM orgs_organizationtoken t LEFT JOIN orgs_membership m ON m.id = t.membership_id
            WHERE m.organization_id IS DISTINCT FROM t.organization_id""",
    ),
    Invariant(
        "second_factor_true",
        "Who is said to have a second factor has one, and who has one is said to.",
        """SELECT format('user %s', u.id) FROM accounts_user u
            WHERE u.second_factor <> EXISTS (
              SELECT FROM mfa_authenticator a WHERE a.user_id = u.id AND a.type IN ('totp', 'webauthn'))""",
    ),
    Invariant(
        "audit_chain", "The audit trail is as it was written, from its first event to its last.", look=_broken_trail
    ),
)
