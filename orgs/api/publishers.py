"""``…/publishers``: outside identities that may publish for the organization."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.api.fields import CursorSerializer, TextField
from orgs.api.lookups import publisher_of
from orgs.issuers import CLAIMS_LIMIT, GITHUB, ISSUER_LENGTH, VALUE_LENGTH
from orgs.models import TrustedPublisher
from orgs.services.publishers import add_publisher, remove_publisher
from orgs.vocabulary import Permission


class PublisherSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    issuer = serializers.CharField()
    claims = serializers.DictField(child=serializers.CharField())


class PublisherListSerializer(serializers.Serializer[Any]):
    results = PublisherSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class PublisherInputSerializer(serializers.Serializer[Any]):
    issuer = TextField(max_length=ISSUER_LENGTH, help_text="As tokens have it in `iss`.")
    claims = serializers.DictField(
        child=TextField(max_length=VALUE_LENGTH),
        allow_empty=False,
        help_text=f"At most {CLAIMS_LIMIT}, which all must match; a value that ends in `*` matches by its beginning.",
    )


def as_json(publisher: TrustedPublisher) -> dict[str, Any]:
    """The publisher as JSON."""
    return dict(PublisherSerializer(publisher).data)


class PublishersView(OrganizationView):
    tag = "publishers"
    permissions = {"GET": Permission.VIEW, "POST": Permission.MANAGE_TEAMS}

    @extend_schema(
        operation_id="list_publishers",
        parameters=[CursorSerializer],
        responses={200: PublisherListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """The trusted publishers of the organization."""
        return self.listed(self.organization.trusted_publishers.all(), as_json)

    @extend_schema(
        operation_id="add_publisher",
        request=PublisherInputSerializer,
        examples=[
            OpenApiExample(
                "A repository on GitHub",
                {"issuer": GITHUB, "claims": {"repository": "acme/widgets", "repository_owner_id": "1234567"}},
                request_only=True,
            )
        ],
        responses={201: PublisherSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request, name: str) -> Response:
        """Trust the tokens of an issuer that carry all of the claims."""
        given = self.given(PublisherInputSerializer)
        added = add_publisher(actor=self.actor, organization=self.organization, **given)
        return Response(as_json(added), status=201)


class PublisherView(OrganizationView):
    tag = "publishers"
    permissions = {"DELETE": Permission.MANAGE_TEAMS}

    @extend_schema(operation_id="remove_publisher", responses={204: None} | problems(401, 403, 404))
    def delete(self, request: Request, name: str, publisher: int) -> Response:
        """Trust it no more; at once."""
        remove_publisher(actor=self.actor, publisher=publisher_of(self.organization, publisher))
        return Response(status=204)
