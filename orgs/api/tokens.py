"""``…/tokens``: the organization's API tokens."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.api.fields import CursorSerializer, MomentField, TextField, WordField
from orgs.selectors_tokens import token_of
from orgs.services.organization_tokens import (
    LIFETIME,
    NAME_LENGTH,
    create_organization_token,
    revoke_organization_token,
)
from orgs.vocabulary import Permission


class TokenSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="The last characters of the token.")
    permissions = serializers.ListField(child=serializers.ChoiceField(Permission.choices))
    made_by = serializers.CharField(source="membership.user.email", help_text="It goes with this member.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To some minutes.")


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(help_text="The secret. It is shown this once; only its hash is kept.")


class TokenInputSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=NAME_LENGTH, help_text="What it is for.")
    permissions = serializers.ListField(
        child=WordField(Permission.choices),
        min_length=1,
        max_length=len(Permission),
        help_text="At most what the token that asks may do itself.",
    )
    expires_at = MomentField(
        required=False,
        allow_null=True,
        help_text=f"Left out: in {LIFETIME.days} days. Null: when it is revoked, and not before.",
    )


class TokenListSerializer(serializers.Serializer[Any]):
    results = TokenSerializer(many=True)
    next = serializers.URLField(allow_null=True)


EXAMPLE = OpenApiExample(
    "A token for continuous integration",
    {"name": "release pipeline", "permissions": ["view", "manage_teams"], "expires_at": "2027-01-31T00:00:00Z"},
    request_only=True,
)


class TokensView(OrganizationView):
    tag = "tokens"
    permissions = {"GET": Permission.MANAGE_NAMESPACES, "POST": Permission.MANAGE_NAMESPACES}

    @extend_schema(
        operation_id="list_tokens",
        parameters=[CursorSerializer],
        responses={200: TokenListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """The tokens that are not revoked; never the secrets."""
        rows = self.organization.tokens.filter(revoked_at__isnull=True).select_related("membership__user")
        return self.listed(rows, lambda token: dict(TokenSerializer(token).data))

    @extend_schema(
        operation_id="create_token",
        request=TokenInputSerializer,
        examples=[EXAMPLE],
        responses={201: NewTokenSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request, name: str) -> Response:
        """A new token. It belongs to the member whose token asks, and may do at most what that token may."""
        given = self.given(TokenInputSerializer)
        given.setdefault("expires_at", timezone.now() + LIFETIME)
        token, secret = create_organization_token(actor=self.actor, organization=self.organization, **given)
        return Response({**TokenSerializer(token).data, "token": secret}, status=201)


class TokenView(OrganizationView):
    tag = "tokens"
    permissions = {"DELETE": Permission.MANAGE_NAMESPACES}

    @extend_schema(operation_id="revoke_token", responses={204: None} | problems(401, 403, 404))
    def delete(self, request: Request, name: str, token: int) -> Response:
        """Revoke it, at once. A token may revoke itself. The same again changes nothing."""
        revoke_organization_token(actor=self.actor, token=token_of(self.organization, token))
        return Response(status=204)
