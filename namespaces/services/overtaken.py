"""Telling people of a namespace that was granted around projects of theirs (DESIGN section 4, acceptance mails)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.outbox import queue_mail
from accounts.preferences import stop_url
from accounts.topics import Topic
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.services.notices import site_url
from orgs.vocabulary import PUBLISHING_ROLES, Role, State

LOOKED_BACK = timedelta(days=7)
"""How long after a namespace began to count people are told of it, should the worker have been away."""
BATCH = 200
LISTED = 20
TOPIC = Topic.OVERTAKEN

# Who has projects under a namespace that has just begun to count, and was not told of it: people by the name that the
# index knows them by, and the owners of organizations. Who owns or manages the holder knows. What was told is what has
# a mail with the key, which outlives the mail's text.
_PEOPLE = """
WITH theirs (owner, user_id) AS (
    SELECT 'user:' || u.index_username, u.id FROM accounts_user u WHERE u.is_active AND u.index_username IS NOT NULL
     UNION ALL
    SELECT o.name, u.id
      FROM orgs_organization o
      JOIN orgs_membership m ON m.organization_id = o.id AND m.role = %(owner)s
      JOIN accounts_user u ON u.id = m.user_id AND u.is_active
     WHERE o.state <> %(closed)s
)
SELECT g.id, t.user_id, count(*), (array_agg(p.name ORDER BY p.name))[:%(listed)s]
  FROM namespaces_grant g
  JOIN orgs_organization holder ON holder.id = g.owner_id
  JOIN namespaces_project p ON p.name >= g.name AND p.name < g.name || '.' AND p.owner NOT IN ('', holder.name)
  JOIN theirs t ON t.owner = p.owner
 WHERE g.state = %(active)s AND g.root_id IS NULL AND g.effective_at >= %(since)s
   AND NOT EXISTS (SELECT FROM orgs_membership m
                    WHERE m.organization_id = g.owner_id AND m.user_id = t.user_id AND m.role = ANY(%(insiders)s))
   AND NOT EXISTS (SELECT FROM accounts_mailpreference c
                    WHERE c.user_id = t.user_id AND c.topic = %(topic)s AND NOT c.wanted)
   AND NOT EXISTS (SELECT FROM accounts_mail sent WHERE sent.key = 'overtaken:' || g.id || ':' || t.user_id)
 GROUP BY g.id, t.user_id ORDER BY g.id, t.user_id LIMIT %(batch)s
"""


class Overtaken(NamedTuple):
    """Somebody with projects under a grant: the first of them, and how many more."""

    grant: int
    user: int
    total: int
    projects: list[str]


def tell_overtaken() -> int:
    """Mail those who were not told yet, one mail to each for each namespace; how many."""
    found = list(overtaken())
    grants = Grant.objects.select_related("owner").in_bulk([one.grant for one in found])
    users = User.objects.in_bulk([one.user for one in found])
    for one in found:
        _tell(grants[one.grant], users[one.user], one)
    return len(found)


def overtaken() -> Iterator[Overtaken]:
    """Apart from the grant's own transaction: under a wide name there may be ten thousand projects."""
    known: dict[str, Any] = {
        "owner": Role.OWNER.value,
        "closed": State.CLOSED.value,
        "active": GrantState.ACTIVE.value,
        "insiders": [role.value for role in PUBLISHING_ROLES],
        "topic": TOPIC.value,
        "since": timezone.now() - LOOKED_BACK,
        "listed": LISTED,
        "batch": BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, known)
        yield from (Overtaken(*row) for row in cursor.fetchall())


def _tell(grant: Grant, person: User, found: Overtaken) -> None:
    context = {
        "person": person,
        "grant": grant,
        "holder": grant.owner,
        "projects": found.projects,
        "more": found.total - len(found.projects),
        "url": site_url("namespace", grant.name),
    }
    key = f"overtaken:{grant.pk}:{person.pk}"
    queue_mail(to=person.email, template="overtaken", context=context, key=key, stop_url=stop_url(person, TOPIC))
