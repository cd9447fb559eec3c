"""``POST /api/v1/secret-scanning``: a scanner reports what looks like our tokens (GitHub's partner protocol)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from freehold.errors import Invalid
from freehold.origin import client_address
from freehold.parsers import ReportParser
from freehold.schema import problems
from orgs import scanner_keys
from orgs.actors import Actor
from orgs.services.scanning import report_leak

MOST = 1000
IDENTIFIER, SIGNATURE = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"
_LONGEST_TOKEN = 1000

REPORT_SCHEMA: dict[str, Any] = {
    "type": "array",
    "maxItems": MOST,
    "items": {
        "type": "object",
        "properties": {
            "token": {"type": "string", "maxLength": _LONGEST_TOKEN},
            "type": {"type": "string", "maxLength": 200, "description": "The scanner's name for the kind of secret."},
            "url": {"type": ["string", "null"], "description": "Where it was seen."},
            "source": {"type": ["string", "null"], "description": "In what, such as `content` or `commit`."},
        },
        "required": ["token", "type"],
    },
}


class NoKeys(APIException):
    status_code = 503
    default_code = "unavailable"


@dataclass(frozen=True)
class ScannerCaller:
    """What stands in ``request.user`` when a scanner speaks: nobody, with a signature."""

    is_authenticated: bool = True
    is_active: bool = True
    pk: None = None


class ScannerAuthentication(BaseAuthentication):
    """By the signature of the raw body, which is judged before anything in the body is."""

    def authenticate(self, request: Request) -> tuple[ScannerCaller, None] | None:
        if not settings.FREEHOLD_SCANNING_KEYS_URL:
            raise Http404("Secret scanning is switched off here.")
        identifier, signature = request.headers.get(IDENTIFIER, ""), request.headers.get(SIGNATURE, "")
        if not identifier and not signature:
            return None
        try:
            signed = scanner_keys.is_signed(request._request.body, identifier, signature)  # noqa: SLF001 -- DRF has parsed it, the signature is of its bytes
        except scanner_keys.KeysUnavailable as error:
            raise NoKeys(str(error)) from error
        if not signed:
            raise AuthenticationFailed("The report is not signed by a current key of the scanner.")
        return ScannerCaller(), None

    def authenticate_header(self, request: Request) -> str:
        return f'Signature headers="{IDENTIFIER} {SIGNATURE}"'


class IsScanner(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, ScannerCaller)


class VerdictSerializer(serializers.Serializer[Any]):
    token_raw = serializers.CharField()
    token_type = serializers.CharField()
    label = serializers.ChoiceField(  # type: ignore[assignment]  # a field, not the attribute
        ["true_positive", "false_positive"]
    )


class SecretScanningView(APIView):
    authentication_classes = (ScannerAuthentication,)
    permission_classes = (IsScanner,)
    parser_classes = (ReportParser,)  # an odd address must not keep a leaked token alive
    tag = "secret scanning"

    @extend_schema(
        operation_id="report_secrets",
        parameters=[
            OpenApiParameter(IDENTIFIER, str, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                SIGNATURE,
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="ECDSA over P-256 with SHA-256 of the raw body, DER, in base64.",
            ),
        ],
        request={"application/json": REPORT_SCHEMA},
        examples=[
            OpenApiExample(
                "One that was seen",
                [
                    {
                        "token": "fh_o0123456789ABCDEFGHIJKLMNOPQRSTUV2qzNhZ",
                        "type": "freehold_api_token",
                        "url": "https://github.com/acme/widgets/blob/main/.env",
                        "source": "content",
                    }
                ],
                request_only=True,
            )
        ],
        responses={200: VerdictSerializer(many=True)} | problems(400, 401, 403, 404, 413, 415, 503),
    )
    def post(self, request: Request) -> Response:
        """Revoke these tokens, at once, and tell their owners. The same again changes nothing."""
        reports = [_report(item) for item in _items(request)]
        actor = Actor(label="secret scanning", origin=client_address(request), is_operator=True)
        return Response([_answer(actor, *report) for report in reports])


def _items(request: Request) -> list[Any]:
    value = None if request.stream is None else request.data
    if not isinstance(value, list) or len(value) > MOST:
        raise Invalid(f"Send a list of at most {MOST:,} reports.")
    return value


def _report(item: Any) -> tuple[str, str, str]:
    """The token, its type, and where it was seen; raises ``Invalid``."""
    members = item if isinstance(item, dict) else {}
    token, kind = members.get("token"), members.get("type")
    if not isinstance(token, str) or not isinstance(kind, str) or len(token) > _LONGEST_TOKEN or len(kind) > 200:
        raise Invalid("Each report is an object with a 'token' and a 'type', which are texts.")
    url, source = members.get("url"), members.get("source")
    return token, kind, " in ".join(text for text in (url, source) if isinstance(text, str) and text)


def _answer(actor: Actor, token: str, kind: str, seen: str) -> dict[str, str]:
    known = report_leak(actor=actor, token=token, seen=seen)
    return {
        "token_raw": _whole(token),
        "token_type": _whole(kind),
        "label": "true_positive" if known else "false_positive",
    }


def _whole(text: str) -> str:
    """What an answer can hold: "?" for half a character."""
    return text.encode("utf-8", "replace").decode()
