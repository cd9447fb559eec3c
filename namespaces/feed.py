"""The snapshot and the feed of changes, for indexes that keep a copy of what decides.

Each is one statement, so one consistent view, and PostgreSQL writes the JSON: a hundred thousand grants pass through
Python as text.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from freehold.errors import DomainError
from namespaces.models import Revision
from namespaces.states import ENFORCED
from orgs.vocabulary import PUBLISHING_ROLES

_ENFORCED = ", ".join(f"'{state}'" for state in ENFORCED)
_PUBLISHING = ", ".join(f"'{role}'" for role in PUBLISHING_ROLES)


def _time(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


_GRANT = f"""
json_build_object(
  'name', g.name, 'state', g.state, 'effective_at', {_time("g.effective_at")},
  'owner', (SELECT o.name FROM orgs_organization o WHERE o.id = g.owner_id),
  'root', (SELECT root.name FROM namespaces_grant root WHERE root.id = g.root_id),
  'shares', (
    SELECT coalesce(json_agg(json_build_object('organization', o.name, 'expires_at', {_time("s.expires_at")})
                             ORDER BY o.name), '[]')
      FROM namespaces_share s JOIN orgs_organization o ON o.id = s.organization_id WHERE s.grant_id = g.id),
  'publishers', (
    SELECT coalesce(json_agg(json_build_object('organization', p.organization, 'user', p.index_username)
                             ORDER BY p.organization, p.index_username), '[]')
      FROM (SELECT DISTINCT o.name AS organization, u.index_username
              FROM namespaces_teamgrant tg
              JOIN orgs_team team ON team.id = tg.team_id
              JOIN orgs_organization o ON o.id = team.organization_id
              JOIN orgs_teammember tm ON tm.team_id = team.id
              JOIN orgs_membership m ON m.id = tm.membership_id
              JOIN accounts_user u ON u.id = m.user_id
             WHERE tg.grant_id = g.id AND u.is_active AND u.index_username IS NOT NULL
               AND (u.second_factor OR NOT o.requires_second_factor)) p))
"""

_ORGANIZATION = f"""
json_build_object(
  'name', o.name, 'kind', o.kind, 'state', o.state, 'standing', o.standing,
  'publishers', (
    SELECT coalesce(json_agg(u.index_username ORDER BY u.index_username), '[]')
      FROM orgs_membership m JOIN accounts_user u ON u.id = m.user_id
     WHERE m.organization_id = o.id AND m.role IN ({_PUBLISHING}) AND u.is_active AND u.index_username IS NOT NULL
       AND (u.second_factor OR NOT o.requires_second_factor)),
  'trusted_publishers', (
    SELECT coalesce(json_agg(json_build_object('issuer', t.issuer, 'claims', t.claims) ORDER BY t.id), '[]')
      FROM orgs_trustedpublisher t WHERE t.organization_id = o.id),
  'former_names', (
    SELECT coalesce(json_agg(n.name ORDER BY n.name), '[]')
      FROM orgs_organizationname n WHERE n.organization_id = o.id AND n.name <> o.name))
"""

_PROJECT = f"""
json_build_object('name', p.name, 'owner', p.owner, 'first_uploaded', {_time("p.first_uploaded")})
"""

_HOLDS = f"""
EXISTS (SELECT FROM namespaces_grant g WHERE g.owner_id = o.id AND g.state IN ({_ENFORCED}))
OR EXISTS (SELECT FROM namespaces_share s JOIN namespaces_grant g ON g.id = s.grant_id
            WHERE s.organization_id = o.id AND g.state IN ({_ENFORCED}))
"""

_SNAPSHOT = f"""
SELECT json_build_object(
  'revision', coalesce((SELECT value FROM namespaces_revision WHERE id = 1), 0),
  'grants', (SELECT coalesce(json_agg({_GRANT} ORDER BY g.name), '[]')
               FROM namespaces_grant g WHERE g.state IN ({_ENFORCED})),
  'organizations', (SELECT coalesce(json_agg({_ORGANIZATION} ORDER BY o.name), '[]')
                      FROM orgs_organization o WHERE {_HOLDS}))::text,
  coalesce((SELECT value FROM namespaces_revision WHERE id = 1), 0)
"""

_CHANGES = f"""
WITH page AS (
  SELECT * FROM namespaces_change WHERE revision > %s ORDER BY revision LIMIT %s
), current AS (SELECT coalesce((SELECT value FROM namespaces_revision WHERE id = 1), 0) AS revision)
SELECT json_build_object(
  'revision', coalesce((SELECT max(revision) FROM page), (SELECT revision FROM current)),
  'more', coalesce((SELECT max(revision) FROM page), (SELECT revision FROM current)) < (SELECT revision FROM current),
  'changes', coalesce((SELECT json_agg(json_build_object(
    'revision', c.revision, 'kind', c.kind, 'name', nullif(c.name, ''), 'at', {_time("c.at")},
    'value', CASE c.kind
      WHEN 'grant' THEN (SELECT {_GRANT} FROM namespaces_grant g WHERE g.name = c.name AND g.state IN ({_ENFORCED}))
      WHEN 'organization' THEN (SELECT {_ORGANIZATION} FROM orgs_organization o WHERE o.name = c.name AND ({_HOLDS}))
      WHEN 'project' THEN (SELECT {_PROJECT} FROM namespaces_project p WHERE p.name = c.name)
    END) ORDER BY c.revision) FROM page c), '[]'))::text
"""


class UnknownRevision(DomainError):
    """The reader is ahead of us: the database was restored from a backup, or it is another one."""

    code = "unknown-revision"
    status = 410


@dataclass(frozen=True)
class Snapshot:
    body: str
    revision: int


def current_revision() -> int:
    return Revision.objects.filter(pk=1).values_list("value", flat=True).first() or 0


def snapshot() -> Snapshot:
    """All enforced grants and the organizations that hold them, as JSON, with the revision at which that was so."""
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT)
        body, revision = cursor.fetchone()
    return Snapshot(body, revision)


def changes(*, after: int, limit: int) -> str:
    """The changes that follow a revision, in order, as JSON. Each carries what the thing is *now*, null when it is no
    more; so applying them in order, even twice, ends at the truth. Raises ``UnknownRevision``."""
    if after > current_revision():
        raise UnknownRevision(f"Revision {after} has not been reached here. Take a new snapshot.")
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [after, limit])
        (body,) = cursor.fetchone()
    return str(body)
