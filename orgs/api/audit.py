"""``…/audit``: the organization's audit trail, as far as it is committed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.models import AuditEvent
from orgs.vocabulary import Permission


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = ["position", "at", "actor", "action", "target", "before", "after", "origin"]
        read_only_fields = fields


class AuditListSerializer(serializers.Serializer[Any]):
    results = AuditEventSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class AuditQuerySerializer(serializers.Serializer[Any]):
    after = serializers.IntegerField(
        min_value=0, max_value=2**63 - 1, required=False, help_text="The position of the last event that is known."
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=100, help_text="Entries in one answer.")
    actor = serializers.CharField(required=False, max_length=300, help_text="Who, exactly.")
    action = serializers.CharField(
        required=False, max_length=50, help_text="What, exactly; ending in a dot, all of a kind, such as `member.`."
    )
    target = serializers.CharField(required=False, max_length=300, help_text="To what, exactly.")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class AuditView(OrganizationView):
    tag = "audit"
    permissions = {"GET": Permission.VIEW_AUDIT}

    @extend_schema(
        operation_id="list_audit_events",
        parameters=[AuditQuerySerializer],
        responses={200: AuditListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """Events in the order in which they were committed, from after a position on.

        Positions grow and none appears below one that was seen, so whoever asks for what is after the last one misses
        none. They count the whole site's events: those of one organization have gaps.
        """
        query = self.asked(AuditQuerySerializer)
        names = self.organization.names.values_list("name", flat=True)
        rows = AuditEvent.objects.filter(organization__in=list(names), position__isnull=False)
        rows = rows.filter(**_conditions(query))
        return self.listed(rows, lambda event: dict(AuditEventSerializer(event).data), key="position", query=query)


def _conditions(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {key: given[key] for key in ("actor", "target") if key in given}
    if "action" in given:
        found["action__startswith" if given["action"].endswith(".") else "action"] = given["action"]
    if "since" in given:
        found["at__gte"] = given["since"]
    if "until" in given:
        found["at__lt"] = given["until"]
    return found
