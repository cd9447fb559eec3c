"""JSON schemas of what the serializers of Django REST framework can't say as exactly."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from namespaces.metering import LIMIT, MOST
from namespaces.names import MAX_LENGTH

NAME_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": "^([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])$",
    "maxLength": MAX_LENGTH,
}
OWNER_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": "^(|user:[!-~]+|[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])$",
    "maxLength": 120,
}
NAME_PARAMETER = OpenApiParameter(
    "name", NAME_SCHEMA, OpenApiParameter.PATH, description="A project name; its normalized form is the canonical one."
)

DAY_PARAMETER = OpenApiParameter(
    "day", {"type": "string", "format": "date"}, OpenApiParameter.PATH, description="A day in UTC that has begun."
)
RETRY_PARAMETER = OpenApiParameter(
    "Retry-After",
    {"type": "integer"},
    OpenApiParameter.HEADER,
    response=[200],
    description="When no place to wait was free: seconds after which to ask again.",
)


def _text(description: str) -> dict[str, Any]:
    return {"type": ["string", "null"], "minLength": 1, "maxLength": 1000, "description": description}


def _has(key: str, kind: str) -> dict[str, Any]:
    return {"required": [key], "properties": {key: {"type": kind}}}


PUBLISHER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Who uploads; at least one of the three.",
    "properties": {
        "user": _text("An index user name."),
        "organization": _text(
            "Alone: the project's owner, for which the index vouches. With a user: the user must publish for it."
        ),
        "claims": {
            "type": ["object", "null"],
            "description": "The claims of a trusted-publishing token that the index has verified.",
            "properties": {"iss": {"type": "string", "minLength": 1}},
            "required": ["iss"],
        },
    },
    "anyOf": [_has("user", "string"), _has("organization", "string"), _has("claims", "object")],
}

QUESTION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "project": NAME_SCHEMA | {"description": "The project's name, in any spelling."},
        "publisher": PUBLISHER_SCHEMA,
        "first_uploaded": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "Null for a project new to the index; left out, the mirror is asked.",
        },
    },
    "required": ["project", "publisher"],
    "example": {
        "project": "Acme.Widgets",
        "publisher": {"user": "alice", "organization": "acme"},
        "first_uploaded": "2021-03-04T05:06:07Z",
    },
}

BATCH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "questions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {"description": "Questions as for one upload; anything else has a problem for an answer."},
        }
    },
    "required": ["questions"],
}

_COUNT_SCHEMA: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": MOST}

USAGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "projects": {
            "type": "array",
            "maxItems": LIMIT,
            "description": "Each project once, whatever its spelling.",
            "items": {
                "type": "object",
                "properties": {"project": NAME_SCHEMA, "bytes": _COUNT_SCHEMA, "downloads": _COUNT_SCHEMA},
                "required": ["project", "bytes", "downloads"],
            },
        }
    },
    "required": ["projects"],
    "example": {"projects": [{"project": "acme-widgets", "bytes": 123456789, "downloads": 42}]},
}
