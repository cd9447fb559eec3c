"""``POST /api/v1/identities``: the index returns a code, and with it says which of its users somebody is."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from freehold.errors import Invalid
from freehold.origin import client_address
from freehold.schema import problems
from orgs.actors import Actor
from orgs.api.authentication import ServiceCaller
from orgs.api.permissions import CanIdentify
from orgs.services.identities import link_identity

LONGEST = 200  # characters; a code has 14

IDENTITY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["code", "username"],
    "properties": {
        "code": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST,
            "description": "The one-time code that the person gave to the index while signed in there.",
        },
        "username": {
            "type": "string",
            "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
            "maxLength": 100,
            "description": "The name by which the index knows that person. It is kept in lower case.",
        },
    },
}


class IdentitySerializer(serializers.Serializer[Any]):
    username = serializers.CharField(help_text="The name as it is kept, in lower case.")


class IdentitiesView(APIView):
    permission_classes = (CanIdentify,)
    tag = "identities"

    @extend_schema(
        operation_id="link_identity",
        request={"application/json": IDENTITY_SCHEMA},
        responses={200: IdentitySerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        """Link the person who was given the code to a user of the index.

        A code works once, within 15 minutes. A name that another account has is refused with 409, and nothing changes.
        """
        code, username = _text(request, "code"), _text(request, "username")
        assert isinstance(request.user, ServiceCaller)
        actor = Actor.service(request.user.token.name, origin=client_address(request))
        return Response({"username": link_identity(actor=actor, code=code, username=username)})


def _text(request: Request, key: str) -> str:
    value = None if request.stream is None else request.data
    text = value.get(key) if isinstance(value, dict) else None
    if not isinstance(text, str) or not 1 <= len(text) <= LONGEST:
        raise Invalid(f"Send an object whose '{key}' is a text of 1 to {LONGEST} characters.")
    return text
