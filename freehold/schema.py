"""How the OpenAPI schema is made: what every operation has in common is said once, here."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as BaseAutoSchema
from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

ProblemSerializer = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(help_text="Names the kind of error; stable."),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(help_text="One sentence that says what to do."),
    },
)


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The refusals of an operation (RFC 9457), for ``extend_schema(responses=…)``."""
    return {(status, "application/problem+json"): OpenApiResponse(ProblemSerializer) for status in statuses}


def bodies_are_required(result: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Hook of the generator: an operation that takes a body takes none without one."""
    for path in result["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result


class AutoSchema(BaseAutoSchema):
    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "index")]


class ServiceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base is not typed
    target_class = "orgs.api.authentication.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: BaseAutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "fh_…"}


class OrganizationTokenScheme(ServiceTokenScheme):  # type: ignore[no-untyped-call]  # as above
    target_class = "orgs.api.authentication.OrganizationTokenAuthentication"
    name = "organizationToken"


class ScannerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base is not typed
    target_class = "orgs.api.scanning.ScannerAuthentication"
    name = "scannerSignature"

    def get_security_definition(self, auto_schema: BaseAutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "Github-Public-Key-Signature"}
