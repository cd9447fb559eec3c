"""Reads of organizations and tokens."""

from __future__ import annotations

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from freehold.errors import NotFound
from orgs.models import Organization, ServiceToken


class NoSuchOrganization(NotFound):
    code = "no-such-organization"


def usable_token(digest: bytes) -> ServiceToken | None:
    """The token with this digest, when it is neither revoked nor expired."""
    current = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    return ServiceToken.objects.filter(current, digest=digest, revoked_at__isnull=True).first()


def organization_named(name: str) -> Organization:
    """The organization of this normalized name; raises ``NoSuchOrganization``."""
    found = Organization.objects.filter(name=name).first()
    if found is None:
        raise NoSuchOrganization(f"There is no organization named {name!r}.")
    return found


_VERIFY = """
SELECT count(*), min(position) FILTER (WHERE NOT fits) FROM (
  SELECT e.position, e.position = row_number() OVER (ORDER BY e.position)
         AND e.hash = orgs_auditevent_hash(lag(e.hash) OVER (ORDER BY e.position), e) AS fits
    FROM orgs_auditevent e
   WHERE e.position IS NOT NULL
) chain
"""


def first_broken_audit_event() -> tuple[int, int | None]:
    """How many events the trail has, and the position of the first that does not fit to the one before it."""
    with connection.cursor() as cursor:
        cursor.execute(_VERIFY)
        count, broken = cursor.fetchone()
    return count, broken
