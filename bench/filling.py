"""What the databases of the benches are filled with: made by the server, the same each time.

Names have one to four parts. Every first part belongs to one grant or one project alone, so that no two owners overlap.
A fifth of the projects are in the namespaces of the first million grants. An organization has ten grants, an owner, a
manager, a member and a trusted publisher; some have a team, some share; a few grants are not active.
"""

from __future__ import annotations

from orgs import tokens
from orgs.vocabulary import Scope

BODY = "fh_s" + "0123456789abcdef" * 2
TOKEN = BODY + tokens.checksum(BODY)
ISSUER = "https://ci.example"

_NAMES = """
CREATE FUNCTION bench_grant_first(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT 'g' || substr(md5('g' || i), 1, 5) || to_hex(i) $$;
CREATE FUNCTION bench_grant_name(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE i % 10
     WHEN 9 THEN bench_grant_name(i - 1) || '-inner'
     WHEN 7 THEN bench_grant_first(i) || '-cloud'
     WHEN 6 THEN bench_grant_first(i) || '-data-tools'
     WHEN 5 THEN bench_grant_first(i) || '-air-flow-providers'
     ELSE bench_grant_first(i) END $$;
CREATE FUNCTION bench_project_name(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN i % 5 = 0 THEN bench_grant_name(i / 5 % 1000000 + 1) || '-' || to_hex(i)
          ELSE 'p' || substr(md5('p' || i), 1, 5) || to_hex(i) END
       || (ARRAY['', '', '', '-client', '-sdk', '-core-utils', '-core-io', '-a-b-c'])[i % 8 + 1] $$
"""
_TOKENS = f"""
INSERT INTO orgs_servicetoken (name, digest, hint, scopes, created_at)
SELECT 'index', decode('{tokens.digest(TOKEN).hex()}', 'hex'), '0000', '{{{",".join(Scope.values)}}}'::varchar[], now()
 UNION ALL
SELECT 'other', sha256(i::text::bytea), '0000', '{{feed}}'::varchar[], now() FROM generate_series(1, 200) i
"""
_REVISION = "INSERT INTO namespaces_revision (id, value) VALUES (1, 1) ON CONFLICT DO NOTHING"


def projects(count: int) -> list[str]:
    """The statements that fill a database without grants."""
    return [_NAMES, _TOKENS, _REVISION, _projects(count), "VACUUM (ANALYZE, FREEZE)"]


def _projects(count: int) -> str:
    return f"""
INSERT INTO namespaces_project (name, owner, first_uploaded)
SELECT bench_project_name(i),
       CASE i % 10 WHEN 0 THEN 'org' || i / 50 % 100000 + 1 WHEN 1 THEN 'user:u' || i ELSE '' END,
       timestamptz '2010-01-01 00:00Z' + i * interval '90 seconds'
  FROM generate_series(1, {count}) i
"""


def grants(count: int) -> list[str]:
    """The statements that add organizations, people and grants."""
    organizations = count // 10 + 1
    definition = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'grant_no_foreign_overlap'"
    return [
        _people(organizations),
        # Built at the end, and so in a third of the time.
        f"""DO $$ DECLARE definition text := ({definition}); BEGIN
        ALTER TABLE namespaces_grant DROP CONSTRAINT grant_no_foreign_overlap;
        {_grants(count)};
        EXECUTE 'ALTER TABLE namespaces_grant ADD CONSTRAINT grant_no_foreign_overlap ' || definition;
        END $$""",
        _ties(count, organizations),
        "VACUUM (ANALYZE, FREEZE)",
    ]


def _people(organizations: int) -> str:
    return f"""
INSERT INTO orgs_organization (id, name, display_name, kind, state, standing, created_at)
SELECT i, 'org' || i, 'Organization ' || i, CASE i % 3 WHEN 0 THEN 'community' ELSE 'company' END, 'active',
       CASE i % 30 WHEN 1 THEN 'grace' WHEN 2 THEN 'lapsed' ELSE 'good' END, now()
  FROM generate_series(1, {organizations}) i;
INSERT INTO accounts_user (id, password, is_superuser, email, name, index_username, is_staff, is_active, date_joined)
SELECT i, '!', false, 'u' || i || '@example.com', '', 'u' || i, false, true, now()
  FROM generate_series(1, {3 * organizations}) i;
INSERT INTO orgs_membership (id, organization_id, user_id, role, created_at)
SELECT i, (i - 1) / 3 + 1, i, (ARRAY['owner', 'manager', 'member'])[(i - 1) % 3 + 1], now()
  FROM generate_series(1, {3 * organizations}) i;
INSERT INTO orgs_trustedpublisher (organization_id, issuer, claims)
SELECT i, '{ISSUER}', jsonb_build_object('repository_owner', 'org' || i)
  FROM generate_series(1, {organizations}) i
"""


def _grants(count: int) -> str:
    return f"""
INSERT INTO namespaces_grant
       (id, name, display_name, owner_id, root_id, state, created_at, state_changed_at, effective_at)
SELECT i, bench_grant_name(i), bench_grant_name(i), i / 10 + 1, CASE i % 10 WHEN 9 THEN i - 1 END,
       CASE i % 100 WHEN 10 THEN 'locked' WHEN 20 THEN 'quarantined' WHEN 30 THEN 'held' WHEN 40 THEN 'released'
            ELSE 'active' END, now(), now(), timestamptz '2026-01-01 00:00Z' + i * interval '1 second'
  FROM generate_series(1, {count}) i
"""


def _ties(count: int, organizations: int) -> str:
    """Shares of every twentieth grant; a team in every fourth organization, with a right on one of its grants."""
    return f"""
INSERT INTO namespaces_share (grant_id, organization_id, created_at)
SELECT i, (i / 10 + 1) % {organizations} + 1, now() FROM generate_series(20, {count}, 20) i;
INSERT INTO orgs_team (id, organization_id, name) SELECT i, i, 'release' FROM generate_series(4, {organizations}, 4) i;
INSERT INTO orgs_teammember (team_id, membership_id) SELECT i, 3 * i FROM generate_series(4, {organizations}, 4) i;
INSERT INTO namespaces_teamgrant (team_id, grant_id)
SELECT i, 10 * i - 6 FROM generate_series(4, {organizations}, 4) i WHERE 10 * i - 6 <= {count}
"""
