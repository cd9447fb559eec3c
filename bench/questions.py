"""Questions to ask, drawn evenly from what is in a database."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import psycopg

Json = dict[str, Any]

COUNT = 500  # of each kind: enough that the pages they touch do not all stay next to the processor

# Roots that are enforced, whose holder is in good standing, from evenly spread places.
_RESERVED = """
SELECT g.name || '-new', u.index_username
  FROM namespaces_grant g
  JOIN orgs_organization o ON o.id = g.owner_id AND o.standing = 'good'
  JOIN orgs_membership m ON m.organization_id = o.id AND m.role = 'owner'
  JOIN accounts_user u ON u.id = m.user_id
 WHERE g.state = 'active'
 ORDER BY md5(g.name) LIMIT %s
"""
_UNRESERVED = """
SELECT name FROM namespaces_project
 WHERE id = ANY (ARRAY(SELECT (i * (SELECT max(id) FROM namespaces_project) / %(count)s) / 5 * 5 + 1
                         FROM generate_series(1, %(count)s - 1) i))
 ORDER BY md5(name)
"""


@dataclass(frozen=True, slots=True)
class Questions:
    """Of each kind as many; the names say how they are answered."""

    unreserved: list[Json]
    reserved: list[Json]
    holder: list[Json]

    def mixed(self) -> list[Json]:
        """Half unreserved, as most uploads are; a quarter of each other kind."""
        pairs = zip(self.unreserved[::2], self.reserved[::2], self.unreserved[1::2], self.holder[::2], strict=False)
        return list(chain.from_iterable(pairs))


def draw(url: str, count: int = COUNT) -> Questions:
    """Half of the unreserved names are projects that the mirror knows; all other names are new."""
    with psycopg.connect(url) as connection:
        reserved = connection.execute(_RESERVED, [count]).fetchall()
        projects = [name for (name,) in connection.execute(_UNRESERVED, {"count": count // 2})]
    known = [_question(name, f"stranger{n}") for n, name in enumerate(projects)]
    new = [
        _question(f"zz{name}", f"stranger{number}", first_uploaded=None) for number, (name, _) in enumerate(reserved)
    ]
    return Questions(
        unreserved=list(chain.from_iterable(zip(known, new, strict=False))),
        reserved=[_question(name, "stranger", first_uploaded=None) for name, _ in reserved],
        holder=[_question(name, user, first_uploaded=None) for name, user in reserved],
    )


def _question(project: str, user: str, **more: Any) -> Json:
    return {"project": project, "publisher": {"user": user}, **more}
