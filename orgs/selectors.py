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


class NoSuchToken(NotFound):
    code = "no-such-token"


def service_tokens_named(name: str) -> list[ServiceToken]:
    """The tokens of this name that are not revoked, oldest first; raises ``NoSuchToken`` when there is none."""
    found = list(ServiceToken.objects.filter(name=name, revoked_at__isnull=True).order_by("pk"))
    if not found:
        raise NoSuchToken(f"There is no service token named {name!r} that could be revoked.")
    return found


def organization_named(name: str) -> Organization:
    """The organization that has or had this normalized name; raises ``NoSuchOrganization``."""
    found = Organization.objects.filter(names__name=name).first()
    if found is None:
        raise NoSuchOrganization(f"There is no organization named {name!r}.")
    return found


_VERIFY = """
SELECT count(*), min(number) FILTER (WHERE NOT fits) FROM (
  SELECT row_number() OVER trail AS number,
         e.position IS NOT DISTINCT FROM row_number() OVER trail
         AND e.hash IS NOT DISTINCT FROM orgs_auditevent_hash(lag(e.hash) OVER trail, e) AS fits
    FROM orgs_auditevent e
  WINDOW trail AS (ORDER BY e.position NULLS LAST)
) chain
"""


def first_broken_audit_event() -> tuple[int, int | None]:
    """How many events the trail has, and the number of the first that is not what was written there, or None."""
    with connection.cursor() as cursor:
        cursor.execute(_VERIFY)
        count, broken = cursor.fetchone()
    return count, broken
