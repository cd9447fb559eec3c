"""The facts of upload checks, fetched in one statement, with the caller's token.

The round trip is the price of a check, not the rows; so the token, the revision, the project, the covering grants,
their holders and what ties the publisher to them come together, from one snapshot of the database: a check that starts
after a revocation was committed sees it. No transaction is opened and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product, starmap
from typing import NamedTuple

from freehold.prepared import Prepared
from namespaces.decision import Facts, Holding, Publisher, Question
from namespaces.names import prefixes
from namespaces.states import ENFORCED, GrantState
from orgs.vocabulary import PUBLISHING_ROLES, Standing, State


def _literals(values: Iterable[str]) -> str:
    """Values of a closed vocabulary as SQL: constants, so that the planner can use partial indexes."""
    return ", ".join(f"'{value}'" for value in values)


# Questions come as four texts with a line for each question; an empty line is null, and prefixes are joined by spaces,
# for no name has one. A single question needs no lists, which costs the database a tenth less.
_ONE = """(SELECT 1::bigint, $1::text, $2::text, nullif($3::text, ''), nullif($4::text, ''))
       AS q(position, project, prefixes, username, issuer)"""
_MANY = r"""unnest(string_to_array($1::text, E'\n'), string_to_array($2::text, E'\n'),
              string_to_array($3::text, E'\n', ''), string_to_array($4::text, E'\n', ''))
       WITH ORDINALITY AS q(project, prefixes, username, issuer, position)"""
_USER_PUBLISHES = f"""EXISTS (
             SELECT FROM accounts_user u JOIN orgs_membership m ON m.user_id = u.id
              WHERE u.index_username = q.username AND u.is_active AND m.organization_id = o.id
                AND (u.second_factor OR NOT o.requires_second_factor)
                AND (m.role IN ({_literals(PUBLISHING_ROLES)}) OR EXISTS (
                  SELECT FROM namespaces_teamgrant tg
                    JOIN orgs_team team ON team.id = tg.team_id AND team.organization_id = o.id
                    JOIN orgs_teammember tm ON tm.team_id = team.id
                   WHERE tg.grant_id = g.id AND tm.membership_id = m.id)))"""  # noqa: S608 -- constants of a closed vocabulary
_TRUSTED = """CASE WHEN q.issuer IS NOT NULL THEN (
             SELECT jsonb_agg(tp.claims) FROM orgs_trustedpublisher tp
              WHERE tp.organization_id = o.id AND tp.issuer = q.issuer) END"""


def _statement(*, many: bool, users: bool, claims: bool) -> str:
    """What no question asks about is left out: the database would make ready for it all the same."""
    return f"""
SELECT q.position, t.id, t.scopes, t.last_used_at, statement_timestamp(), r.value,
       h.owner, h.first_uploaded, h.namespace, h.grant_state, h.effective_at, h.organization, h.organization_state,
       h.standing, h.user_publishes, h.trusted
  FROM {_MANY if many else _ONE}
  LEFT JOIN orgs_servicetoken t
    ON t.digest = $5::bytea AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > statement_timestamp())
  LEFT JOIN namespaces_revision r ON r.id = 1
  LEFT JOIN LATERAL (
    SELECT p.owner, p.first_uploaded, g.name AS namespace, g.state AS grant_state, g.effective_at,
           o.name AS organization, o.state AS organization_state, o.standing,
           {_USER_PUBLISHES if users else "FALSE"} AS user_publishes,
           {_TRUSTED if claims else "NULL::jsonb"} AS trusted
      FROM namespaces_grant g
      JOIN orgs_organization o ON o.id = ANY (g.owner_id || ARRAY(
        SELECT s.organization_id FROM namespaces_share s
         WHERE s.grant_id = g.id AND (s.expires_at IS NULL OR s.expires_at > statement_timestamp())))
      LEFT JOIN namespaces_project p ON p.name = q.project
     WHERE g.name = ANY (string_to_array(q.prefixes, ' ')) AND g.state IN ({_literals(ENFORCED)})
  ) h ON TRUE
"""  # noqa: S608 -- the only insertions are the constants above


GRANT_STATES = {state.value: state for state in GrantState}
ORGANIZATION_STATES = {state.value: state for state in State}
STANDINGS = {standing.value: standing for standing in Standing}


class Row(NamedTuple):
    """One holding of one question; with no holding, one row whose last columns are null."""

    position: int
    token_id: int | None
    token_scopes: list[str] | None
    token_last_used_at: datetime | None
    now: datetime
    revision: int | None
    owner: str | None
    first_uploaded: datetime | None
    namespace: str | None
    grant_state: str
    effective_at: datetime
    organization: str
    organization_state: str
    standing: str
    user_publishes: bool
    trusted: list[dict[str, str]] | None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The caller's token, when it is known, not revoked and not expired."""

    id: int
    scopes: frozenset[str]
    last_used_at: datetime | None


class Fetched(NamedTuple):
    """``token`` is None when the caller's token opens nothing; ``facts`` are those of the questions, in order."""

    token: TokenFacts | None
    revision: int
    facts: list[Facts]


class Shape(NamedTuple):
    """Whether there are many questions, and whether any asks about a user, or about a token's claims."""

    many: bool
    users: bool
    claims: bool


STATEMENTS = {
    shape: Prepared("freehold_check_{:d}{:d}{:d}".format(*shape), _statement(**shape._asdict()), 5, Row._make)
    for shape in starmap(Shape, product((False, True), repeat=3))
}
_NO_QUESTION = Question(project="-", publisher=Publisher())  # no name, so nothing is found


def fetch(digest: bytes, questions: Sequence[Question]) -> Fetched:
    """The caller's token and the facts of the questions; with no question, the token alone."""
    asked = questions or [_NO_QUESTION]
    statement, parameters = prepare(digest, asked)
    rows = statement.fetch(parameters)
    return Fetched(_token(rows[0]), rows[0].revision or 0, _facts(rows, len(asked))[: len(questions)])


def prepare(digest: bytes, questions: Sequence[Question]) -> tuple[Prepared[Row], list[bytes]]:
    """The statement for the questions, and its parameters: the questions' columns as lines, and the token's digest."""
    users = [username(question.publisher.user) or "" for question in questions]
    issuers = [issuer(question) or "" for question in questions]
    columns = (
        [question.project for question in questions],
        [" ".join(prefixes(question.project)) for question in questions],
        users,
        issuers,
    )
    statement = STATEMENTS[Shape(len(questions) > 1, any(users), any(issuers))]
    return statement, [*("\n".join(column).encode() for column in columns), digest]


def username(user: str | None) -> str | None:
    """The index user name as it is stored. Only ASCII is folded: U+212A would fold to ``k`` and be somebody else."""
    return user.lower() if user is not None and _is_plain(user) else None


def issuer(question: Question) -> str | None:
    claims = question.publisher.claims
    found = None if claims is None else claims.get("iss")
    return found if found is not None and _is_plain(found) else None


def _is_plain(text: str) -> bool:
    """Whether it can be a name or an issuer at all: one line, and nothing that the database does not take."""
    return text.isascii() and text.isprintable()


def _token(row: Row) -> TokenFacts | None:
    if row.token_id is None:
        return None
    return TokenFacts(row.token_id, frozenset(row.token_scopes or ()), row.token_last_used_at)


def _facts(rows: list[Row], count: int) -> list[Facts]:
    by_question: list[list[Row]] = [[] for _ in range(count)]
    for row in rows:
        by_question[row.position - 1].append(row)
    return [_facts_of(group) for group in by_question]


def _facts_of(rows: list[Row]) -> Facts:
    first = rows[0]
    return Facts(
        now=first.now,
        revision=first.revision or 0,
        holdings=tuple(_holding(row) for row in rows if row.namespace is not None),
        mirrored_owner=first.owner,
        mirrored_first_uploaded=first.first_uploaded,
    )


def _holding(row: Row) -> Holding:
    assert row.namespace is not None
    return Holding(
        namespace=row.namespace,
        grant_state=GRANT_STATES[row.grant_state],
        effective_at=row.effective_at,
        organization=row.organization,
        organization_state=ORGANIZATION_STATES[row.organization_state],
        standing=STANDINGS[row.standing],
        user_publishes=row.user_publishes,
        trusted=tuple(row.trusted or ()),
    )
