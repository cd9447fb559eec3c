"""``/api/v1/organizations/<name>``: the organization itself."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.api.fields import TextField
from orgs.models import Organization
from orgs.services.organizations import (
    DESCRIPTION_LENGTH,
    DISPLAY_NAME_LENGTH,
    WEBSITE_LENGTH,
    describe_organization,
)
from orgs.vocabulary import Permission

MOVED = {308: OpenApiResponse(description="The organization has another name now; see Location.")}


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    website = serializers.CharField(read_only=True, help_text="An address of the web, or empty.")

    class Meta:
        model = Organization
        fields = [
            "name",
            "display_name",
            "description",
            "website",
            "kind",
            "state",
            "standing",
            "requires_second_factor",
            "seats",
            "created_at",
        ]
        read_only_fields = fields


class DescriptionSerializer(serializers.Serializer[Any]):
    display_name = TextField(required=False, max_length=DISPLAY_NAME_LENGTH)
    description = TextField(required=False, allow_blank=True, max_length=DESCRIPTION_LENGTH)
    website = TextField(
        required=False, allow_blank=True, max_length=WEBSITE_LENGTH, help_text="An address of the web, or empty."
    )


class OrganizationDetail(OrganizationView):
    permissions = {"GET": Permission.VIEW, "PATCH": Permission.MANAGE_PEOPLE}

    @extend_schema(
        operation_id="get_organization", responses={200: OrganizationSerializer} | MOVED | problems(401, 403, 404)
    )
    def get(self, request: Request, name: str) -> Response:
        """What the organization is and says of itself."""
        return Response(OrganizationSerializer(self.organization).data)

    @extend_schema(
        operation_id="describe_organization",
        request=DescriptionSerializer,
        examples=[OpenApiExample("A website", {"website": "https://acme.example"}, request_only=True)],
        responses={200: OrganizationSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change what its public profile says; what is left out stays as it is."""
        known = {field: getattr(self.organization, field) for field in ("display_name", "description", "website")}
        wanted = known | self.given(DescriptionSerializer, partial=True)
        changed = describe_organization(actor=self.actor, organization=self.organization, **wanted)
        return Response(OrganizationSerializer(changed).data)
